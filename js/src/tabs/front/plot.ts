// The plot of the front: error against size, both logarithmic, with the noise level as a line.

import { axes } from "../../plot/axes";
import { extent } from "../../plot/scales";
import type { Stage } from "../../plot/stage";
import type { Context } from "../../state/context";
import { errorFigures, errorName } from "../../state/errors";
import { number, pretty, thousands } from "../../text/format";
import { mathNode } from "../../text/mathml";
import { h, line, s, tick } from "../../ui/dom";
import { type Mark, nameOf, paretoOf, placeLabels } from "./marks";

/** What the readout and screen readers say of a mark, without its formula. */
export const facts = (mark: Mark, { store, act }: Context): string[] => [
  mark.label,
  errorName(store),
  errorFigures(store, mark.error),
  `${thousands(mark.size)} ${mark.law ? "fitted constants" : "free parameters"}`,
  ...(!mark.law && mark.id === store.state.history.current
    ? ["now"]
    : !mark.kept
      ? ["no longer kept"]
      : act.hasKernel
        ? ["click to return"]
        : []),
];

/** The formula of a state, typeset where it is one. */
export function formulaOf({ formula, text, label }: Mark): HTMLElement {
  const node = h("span", { class: "kw-best-formula" }, formula ? null : text || label);
  if (formula) node.append(mathNode(formula));
  return node;
}

/** Lines of the readout: the formula first, where the state is one. */
export const readout = (mark: Mark, context: Context): (string | Element)[] => {
  return [...(mark.text ? [formulaOf(mark)] : []), ...facts(mark, context)];
};

const spoken = (mark: Mark, context: Context): string =>
  [...facts(mark, context), ...(mark.text ? [mark.text] : [])].join(", ");

/** Ends of a logarithmic axis with a margin. */
function range(values: number[], margin: number): [number, number] {
  const [low, high] = extent(values.map((value) => Math.log10(value)));
  const pad = Math.max(margin, 0.06 * (high - low));
  return [10 ** (low - pad), 10 ** (high + pad)];
}

export function drawFront(context: Context, stage: Stage, marks: Mark[], noise: number | null, cursor: string): void {
  const { store, act } = context;
  if (marks.length === 0) {
    stage.show("Front", [], "Every training and every act (pruning, a function, a finer grid) leaves a mark here.");
    return;
  }
  const errors = marks.map(({ error }) => error);
  const size = (mark: Mark) => Math.max(1, mark.size);
  // Where there is room beside the title of the axis.
  const hint = stage.size.width > 420 ? "↙ simpler and more accurate" : "";
  const { x, y, left, right, top, bottom, nodes } = axes(stage.size, {
    x: { range: range(marks.map(size), 0.1), name: "free parameters", log: true },
    y: { range: range(noise ? [...errors, noise] : errors, 0.25), name: errorName(store), log: true },
    right: 24,
    ...(hint && { heading: stage.size.width - 190 }),
  });
  const at = (mark: Mark): [number, number] => [x(size(mark)), y(mark.error)];
  const best = paretoOf(marks);
  const steps = best.map((mark, i) => {
    const [px, py] = at(mark).map((value) => value.toFixed(1));
    return i > 0 ? `H${px}V${py}` : `M${px} ${py}`;
  });
  const { current } = store.state.history;
  const drawn = marks.map((mark) => {
    const isCurrent = !mark.law && mark.id === current;
    const [px, py] = at(mark).map((value) => value.toFixed(1));
    const open = mark.kept && act.hasKernel;
    return s(
      "g",
      {
        class: `kw-mark ${best.includes(mark) ? "kw-c1" : "kw-c6"}`,
        transform: `translate(${px} ${py})`,
        role: "button",
        tabindex: mark.key === cursor ? 0 : -1,
        "data-kw-front": mark.key,
        "data-x": px,
        "data-y": py,
        "data-kept": open,
        "aria-label": spoken(mark, context) + (best.includes(mark) ? ", on the front" : ""),
        "aria-current": isCurrent ? "true" : null,
        "aria-disabled": open ? null : "true",
      },
      s("circle", { class: "kw-hit", r: 12 }),
      isCurrent ? s("circle", { class: "kw-p", r: 8.5, "stroke-width": 2 }) : null,
      s("circle", { class: mark.kept ? "kw-f" : "kw-solid", r: isCurrent ? 5 : 4, "stroke-width": 1.5 }),
    );
  });
  // Marks of the front lie above the others, and the current mark above all.
  const height = (g: SVGElement) => (g.hasAttribute("aria-current") ? 2 : g.classList.contains("kw-c1") ? 1 : 0);
  drawn.sort((a, b) => height(a) - height(b));
  const labels = placeLabels(best, marks, at, { left, right: right + 20, top: top - 4, bottom });
  stage.show(`Error against size of ${marks.length} states, ${best.length} of them on the front`, [
    ...nodes,
    ...noiseLine(noise, y, left, right),
    line(`${steps.join("")}H${right}`, "kw-c1", 1.4, "5 3"),
    tick(right, top - 9, hint, "end"),
    ...labels.map(({ mark, left: start, bottom: end }) => tick(start, end - 3, pretty(nameOf(mark)), "start")),
    ...drawn,
  ]);
}

function noiseLine(noise: number | null, y: (value: number) => number, left: number, right: number): SVGElement[] {
  if (!noise) return [];
  const at = y(noise);
  const name = tick(right, at + 13, `noise ±${number(noise, 2)}`, "end");
  name.append(s("title", {}, "Below the noise of the data there is nothing to learn"));
  return [line(`M${left} ${at.toFixed(1)}H${right}`, "kw-c4", 1.2, "2 3"), name];
}
