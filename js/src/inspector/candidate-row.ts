// A candidate as a row: a small plot, the formula, its error and complexity. A click opens a larger plot with the facts
// in words.

import type { Candidate, MathNode } from "../protocol/messages";
import type { Context } from "../state/context";
import { interval, number, pretty, rSquared, variable } from "../text/format";
import { wrapping } from "../text/mathml";
import { cut, withoutUnit } from "../text/names";
import { button } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { largestError, type Shared, SmallPlot } from "./small-plot";

/** Longer names are cut, and units left out: the title of the formula and the inspector have them in full. */
const LONG = 12;
/** An error after the swap that is larger than now by this factor is marked: less is noise. */
export const WORSE = 1.2;

const shortNames = ([tag, values, children]: MathNode): MathNode => [
  tag,
  values,
  children.map((child) =>
    typeof child !== "string" ? shortNames(child) : values.class === "kw-name" ? cut(withoutUnit(child), LONG) : child,
  ),
];

/** What a list says about one of its rows. */
export interface Place {
  index: number;
  best: boolean;
  open: boolean;
  /** Imitates the row above. */
  imitation: boolean;
  /** Its imitations in words, empty without any, and whether these are shown as rows. */
  also: string;
  unfolded: boolean;
  /** Why it is the first where another one has less error, empty otherwise. */
  why: string;
}

export class Row {
  readonly node: HTMLElement;
  readonly #plot = new SmallPlot();
  readonly #name: string;
  #toggle: HTMLButtonElement;
  #formula = h("div", { class: "kw-math" });
  #error = h("b");
  #r2 = h("span");
  #cost = h("span", { class: "kw-dim kw-cost", title: "Complexity" });
  #also = h("button", {
    type: "button",
    class: "kw-button kw-bare kw-also kw-cut kw-dim kw-fine",
    "data-kw-action": "unfold",
    hidden: true,
  });
  #why = h("span", { class: "kw-dim kw-fine", hidden: true });
  #inPlace = h("span", { class: "kw-dim kw-fine", hidden: true }, "in place");
  #inBand = h(
    "span",
    {
      class: "kw-in-band kw-dim kw-fine",
      title: "Within two standard errors of the curve: the data can't tell them apart",
    },
    "inside the band",
  );
  #fix: HTMLButtonElement;
  #fixAndKeep: HTMLButtonElement;
  #details: Details | null = null;
  #shared: Shared | null = null;
  #written = "";
  #candidate: Candidate | null = null;
  #x = "";

  constructor(name: string) {
    this.#name = pretty(name);
    this.#toggle = h(
      "button",
      {
        type: "button",
        class: "kw-button kw-bare kw-spark",
        "data-kw-action": "details",
        "aria-label": `${this.#name}: plot and facts`,
      },
      this.#plot.node,
    );
    [this.#fix, this.#fixAndKeep] = acts(this.#name);
    const figures = h(
      "div",
      { class: "kw-figures kw-fine" },
      this.#error,
      h("span", { class: "kw-dim" }, "R² ", this.#r2),
    );
    this.node = h(
      "div",
      {
        class: "kw-candidate",
        role: "listitem",
        "data-kw-candidate": name,
        "aria-label": this.#name,
      },
      this.#toggle,
      h("div", { class: "kw-cell" }, this.#formula, this.#why, h("div", { class: "kw-row" }, this.#inBand, this.#also)),
      figures,
      this.#cost,
      h("div", { class: "kw-row kw-acts" }, this.#inPlace, this.#fix, this.#fixAndKeep),
    );
  }

  draw(context: Context, place: Place, shared: Shared | null): void {
    const { store, act } = context;
    const { index, best, open, imitation } = place;
    const candidate = store.state.candidates.rows[index];
    if (!candidate) return;
    attrs(this.node, { "data-kw-r2": candidate.r2, "data-best": best, "data-open": open, "data-imitation": imitation });
    attrs(this.#toggle, { "aria-expanded": String(open) });
    this.#drawAlso(place);
    setText(this.#why, place.why);
    attrs(this.#why, { hidden: place.why === "" });
    attrs(this.#fix, { class: `kw-box kw-button kw-small${best ? " kw-primary" : ""}` });
    const settled = candidate.in_place === true;
    attrs(this.#inPlace, { hidden: !settled });
    attrs(this.#inBand, { hidden: !candidate.in_band });
    attrs(this.#fix, { disabled: !act.hasKernel, hidden: act.isSavedPage || settled });
    attrs(this.#fixAndKeep, { disabled: !act.hasKernel, hidden: act.isSavedPage || settled || !open });
    this.#compare(candidate, store.state.status.test ?? store.state.status.train);
    const x = variable(store.state.selection.x_name ?? "x");
    const changed = candidate !== this.#candidate || x !== this.#x || shared !== this.#shared;
    [this.#candidate, this.#x, this.#shared] = [candidate, x, shared];
    if (changed) {
      if (shared) this.#plot.draw(shared, index);
      this.#write(candidate);
    }
    this.#drawDetails(candidate, index, open, changed);
  }

  #drawAlso({ also, unfolded }: Place): void {
    setText(this.#also, also);
    attrs(this.#also, {
      hidden: also === "",
      "aria-expanded": String(unfolded),
      title: also && `${also}. They only imitate it: here they have the same curve.`,
    });
  }

  #drawDetails(candidate: Candidate, index: number, open: boolean, changed: boolean): void {
    if (open && !this.#details) {
      this.#details = new Details();
      this.node.append(this.#details.node);
      changed = true;
    }
    if (this.#details) this.#details.node.hidden = !open;
    if (open && changed) this.#details?.draw(candidate, this.#x, this.#shared, index);
  }

  #write(candidate: Candidate): void {
    const written = JSON.stringify(candidate.formula);
    if (written !== this.#written) {
      this.#written = written;
      this.#formula.replaceChildren(wrapping(shortNames(candidate.formula)));
      this.#formula.title = candidate.text;
      this.#formula.style.setProperty("--kw-letters", String(longestPart(this.#formula)));
    }
    // Five nines are enough in a column.
    const r2 = rSquared(candidate.r2);
    setText(this.#r2, r2.slice(0, 7));
    attrs(this.#r2, { title: r2 });
    setText(this.#cost, number(candidate.complexity));
  }

  /** The error of the whole network after the swap, beside the error now. */
  #compare({ error, in_place: settled }: Candidate, now: number | null): void {
    const there = error !== undefined && error !== null;
    setText(this.#error, there ? number(error) : "");
    attrs(this.#error, {
      "data-worse": there && now !== null && error > WORSE * now,
      title: there ? (settled ? "Error now" : `Error after this swap and a short training; now ${number(now)}`) : null,
    });
  }
}

/** Letters of the longest part of a formula that can't wrap: where there is little room its letters become smaller. */
const longestPart = (formula: Element): number =>
  Math.max(1, ...[...formula.querySelectorAll("math")].map((part) => part.textContent?.length ?? 0));

function acts(title: string): [HTMLButtonElement, HTMLButtonElement] {
  const spec = { small: true };
  return [
    button({
      ...spec,
      action: "fix",
      icon: "swap",
      label: "Replace",
      title: `Replace the spline by ${title}`,
      attrs: { "aria-label": `Replace by ${title}` },
    }),
    button({
      ...spec,
      action: "fix-both",
      label: "Replace and keep the rest",
      title: `Replace by ${title}; the spline stays as a correction`,
      attrs: { "aria-label": `Replace by ${title} and keep the rest` },
    }),
  ];
}

/** A larger plot, and facts in words. */
class Details {
  readonly #plot = new SmallPlot(true);
  readonly #largest = h("span");
  readonly #valid = h("span");
  readonly node = h(
    "div",
    { class: "kw-details kw-fine kw-dim" },
    this.#plot.node,
    h("div", { class: "kw-row kw-facts" }, this.#largest, this.#valid),
  );

  draw(candidate: Candidate, x: string, shared: Shared | null, index: number): void {
    setText(this.#valid, `valid for ${interval(candidate.valid, cut(x, LONG))}`);
    if (!shared) return;
    this.#plot.draw(shared, index);
    const height = shared.high - shared.low;
    const largest = largestError(shared, index);
    const part = height > 0 ? ` (${number((100 * largest) / height, 2)} % of the curve's height)` : "";
    setText(this.#largest, candidate.in_place ? "" : `largest difference ${number(largest, 2)}${part}`);
  }
}
