// Card of a candidate: its fit over the edge's curve, the residual below on its own scale, R² and complexity.

import { extent, linear, padded, path, type Scale } from "../plot/scales";
import { type NumberArray, row } from "../protocol/codecs";
import type { Candidate, MathNode } from "../protocol/messages";
import type { Context } from "../state/context";
import { interval, number, pretty, rSquared, variable } from "../text/format";
import { wrapping } from "../text/mathml";
import { button } from "../ui/controls";
import { attrs, h, line, s, setText } from "../ui/dom";

const W = 168;
const FIT_H = 54;
const RESIDUAL_H = 22;
const ZERO = FIT_H + 4 + RESIDUAL_H / 2;

/** Longer names become `x` on a card: its formula has one variable, and the inspector names the variable. */
const LONG = 8;

const shortNames = ([tag, values, children]: MathNode): MathNode => [
  tag,
  values,
  values.class === "kw-name" && String(children[0]).length > LONG
    ? ["x"]
    : children.map((child) => (typeof child === "string" ? child : shortNames(child))),
];

/** Curve and axes shared by all cards of an edge, for comparison. */
export interface Shared {
  fits: Map<string, NumberArray>;
  xs: Float32Array;
  ys: Float32Array;
  x: Scale;
  y: Scale;
  edge: string;
  /** Highest minus lowest value. */
  height: number;
}

export function sharedBy(fits: Map<string, NumberArray>): Shared | null {
  const [xs, ys] = [fits.get("x")?.values, fits.get("y")?.values];
  if (!xs || !ys) return null;
  const [low, high] = extent(ys);
  const x = linear(...extent(xs), 3, W - 3);
  const y = linear(...padded([low, high], 0.12), FIT_H - 2, 2);
  return { fits, xs, ys, x, y, edge: path(xs, ys, x, y), height: high - low };
}

export class Card {
  readonly node: HTMLElement;
  #edge = line("", "kw-c7", 5);
  #fit = line("", "kw-c2", 1.7);
  #residual = line("", "kw-c4", 1.1);
  #size = h("span", { title: "Largest residual" });
  #formula = h("div", { class: "kw-math" });
  #r2 = h("b");
  #cost = h("span");
  #valid = h("span");
  #fix: HTMLButtonElement;
  #fixAndKeep: HTMLButtonElement;
  #written = "";
  #candidate: Candidate | null = null;
  #x = "";
  /** Whether the formula has changed since its width was measured. */
  fresh = true;

  constructor(name: string) {
    const title = pretty(name);
    this.#fix = button({ action: "fix", label: "Fix", small: true, title: `Replace the spline by ${title}` });
    this.#fixAndKeep = button({
      action: "fix-both",
      label: "Fix + keep",
      small: true,
      title: `Fix to ${title} and keep the spline as a correction`,
    });
    this.#fix.setAttribute("aria-label", `Fix ${title}`);
    this.#fixAndKeep.setAttribute("aria-label", `Fix + keep correction, ${title}`);
    const zero = line(`M2 ${ZERO}H${W - 2}`, "kw-c8", 1);
    const plot = s(
      "svg",
      {
        class: "kw-small-plot",
        viewBox: `0 0 ${W} ${FIT_H + RESIDUAL_H + 6}`,
        "aria-hidden": "true",
        preserveAspectRatio: "none",
      },
      ...[this.#edge, this.#fit, zero, this.#residual],
    );
    this.node = h(
      "div",
      { class: "kw-candidate kw-box kw-col", role: "listitem", "data-kw-candidate": name, "aria-label": title },
      plot,
      this.#formula,
      h(
        "div",
        { class: "kw-row kw-facts kw-dim kw-fine" },
        h("span", {}, "R² ", this.#r2),
        this.#size,
        this.#cost,
        this.#valid,
      ),
      h("div", { class: "kw-row" }, this.#fix, this.#fixAndKeep),
    );
  }

  draw(context: Context, index: number, best: boolean, shared: Shared | null): void {
    const { store, act } = context;
    const candidate = store.state.candidates.rows[index];
    if (!candidate) return;
    attrs(this.node, { "data-kw-r2": candidate.r2, "data-best": best });
    attrs(this.#fix, { class: `kw-box kw-button kw-small${best ? " kw-primary" : ""}` });
    for (const control of [this.#fix, this.#fixAndKeep])
      attrs(control, { disabled: !act.hasKernel, hidden: act.isSavedPage });
    const x = variable(store.state.selection.x_name ?? "x");
    if (candidate === this.#candidate && x === this.#x) return;
    [this.#candidate, this.#x] = [candidate, x];
    if (shared) this.#curves(shared, index);
    this.#facts(candidate, x);
  }

  #facts(candidate: Candidate, x: string): void {
    const written = JSON.stringify(candidate.formula);
    if (written !== this.#written) {
      this.#written = written;
      this.fresh = true;
      const math = wrapping(shortNames(candidate.formula));
      this.#formula.replaceChildren(math);
      this.#formula.title = candidate.text;
      // Long formulas are a little smaller. They wrap; the rest can be scrolled, by keyboard too.
      const letters = math.textContent?.length ?? 0;
      attrs(this.#formula, { tabindex: letters > 30 ? 0 : null });
      this.#formula.style.fontSize = letters > 20 ? "11.5px" : "";
    }
    setText(this.#r2, rSquared(candidate.r2));
    setText(this.#cost, `complexity ${number(candidate.complexity)}`);
    setText(this.#valid, interval(candidate.valid, x.length > LONG ? "x" : x));
  }

  /** Whether the formula is unmeasured and in the page. */
  get due(): boolean {
    return this.fresh && this.node.isConnected;
  }

  /** Whether the formula overflows its box. */
  get wide(): boolean {
    return this.#formula.scrollWidth > this.#formula.clientWidth + 2;
  }

  /** Fades the right end of a formula that overflows. */
  fade(wide: boolean): void {
    this.fresh = false;
    attrs(this.#formula, { "data-more": wide ? "right" : null });
  }

  #curves({ fits, xs, ys, x, y, edge, height }: Shared, index: number): void {
    const fit = row(fits.get("fits"), index);
    if (!fit) return;
    const residual = fit.map((value, i) => value - ys[i]!);
    const largest = residual.reduce((m, v) => (Number.isFinite(v) ? Math.max(m, Math.abs(v)) : m), 0);
    // Residuals below single precision are rounding noise: drawn as a flat line.
    const reach = Math.max(largest, 2e-6 * height) || 1;
    const small = linear(-reach, reach, ZERO + RESIDUAL_H / 2 - 1, ZERO - RESIDUAL_H / 2 + 1);
    attrs(this.#edge, { d: edge });
    attrs(this.#fit, { d: path(xs, fit, x, y) });
    attrs(this.#residual, { d: path(xs, residual, x, small) });
    setText(this.#size, `±${number(largest, 2)}`);
  }
}
