// One candidate: its fit over the edge's curve, the residual below on its own scale, and what it costs.
import { row } from "../codecs";
import type { Context } from "../context";
import { attrs, h, s, setText } from "../dom";
import { interval, number, pretty, rSquared } from "../format";
import { formula } from "../math";
import type { Candidate } from "../protocol";
import { extent, linear, padded, path } from "../scales";
import { button } from "./controls";

const W = 168;
const FIT_H = 62;
const RESIDUAL_H = 22;

export class Card {
  readonly node: HTMLElement;
  #edge = s("path", { class: "kw-reference" });
  #fit = s("path", { class: "kw-fit" });
  #residual = s("path", { class: "kw-residual" });
  #size = s("text", { class: "kw-tick", x: W - 3, y: FIT_H + 12, "text-anchor": "end" });
  #formula = h("div", { class: "kw-formula-box" });
  #r2 = h("b");
  #cost = h("span");
  #valid = h("span", { class: "kw-valid" });
  #fix: HTMLButtonElement;
  #both: HTMLButtonElement;
  #written = "";

  constructor(name: string) {
    const zero = FIT_H + 4 + RESIDUAL_H / 2;
    const plot = s(
      "svg",
      {
        class: "kw-small-plot",
        viewBox: `0 0 ${W} ${FIT_H + RESIDUAL_H + 6}`,
        "aria-hidden": "true",
        preserveAspectRatio: "none",
      },
      this.#edge,
      this.#fit,
      s("path", { class: "kw-gridline", d: `M2 ${zero}H${W - 2}` }),
      this.#residual,
      this.#size,
    );
    this.#fix = button({ action: "fix", label: "Fix", title: `Replace the spline by ${pretty(name)}` });
    this.#both = button({
      action: "fix-both",
      label: "+ correction",
      title: `Fix to ${pretty(name)} and keep the spline as a correction`,
      attrs: { "aria-label": `Fix ${pretty(name)} + correction` },
    });
    this.#fix.setAttribute("aria-label", `Fix ${pretty(name)}`);
    this.node = h(
      "article",
      { class: "kw-candidate", role: "listitem", "data-kw-candidate": name, "aria-label": pretty(name) },
      plot as unknown as HTMLElement,
      this.#formula,
      h("div", { class: "kw-facts" }, h("span", {}, "R² ", this.#r2), this.#cost, this.#valid),
      h("div", { class: "kw-acts" }, this.#fix, this.#both),
    );
  }

  draw(context: Context, index: number, best: boolean): void {
    const { store, act } = context;
    const candidate = store.state.candidates.rows[index];
    if (!candidate) return;
    attrs(this.node, { "data-kw-r2": candidate.r2, "data-best": best });
    this.#fix.classList.toggle("kw-primary", best);
    for (const one of [this.#fix, this.#both])
      attrs(one, { disabled: !act.possible, title: act.possible ? one.title : "Needs a kernel" });
    this.#curves(context, index);
    this.#facts(candidate, store.state.selection.x_name ?? "x");
  }

  #facts(candidate: Candidate, x: string): void {
    const written = JSON.stringify(candidate.formula);
    if (written !== this.#written) {
      this.#written = written;
      this.#formula.replaceChildren(formula(candidate.formula));
      this.#formula.title = candidate.text;
    }
    setText(this.#r2, rSquared(candidate.r2));
    setText(this.#cost, `complexity ${number(candidate.complexity)}`);
    setText(this.#valid, interval(candidate.valid, x.length > 8 ? "x" : x));
  }

  #curves({ store }: Context, index: number): void {
    const xs = store.state.fits.get("x")?.values;
    const ys = store.state.fits.get("y")?.values;
    const fit = row(store.state.fits.get("fits"), index);
    if (!xs || !ys || !fit) return;
    const x = linear(...extent(xs), 3, W - 3);
    // The edge's own range for all cards: shared axes are what makes them comparable.
    const y = linear(...padded(extent(ys), 0.12), FIT_H - 2, 2);
    const residual = fit.map((value, i) => value - ys[i]!);
    const most = residual.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
    const middle = FIT_H + 4 + RESIDUAL_H / 2;
    const small = linear(-(most || 1), most || 1, middle + RESIDUAL_H / 2 - 1, middle - RESIDUAL_H / 2 + 1);
    attrs(this.#edge, { d: path(xs, ys, x, y) });
    attrs(this.#fit, { d: path(xs, fit, x, y) });
    attrs(this.#residual, { d: path(xs, residual, x, small) });
    setText(this.#size, `±${number(most, 2)}`);
  }
}
