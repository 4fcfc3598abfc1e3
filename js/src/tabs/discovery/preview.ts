// One formula, or two beside each other, over the data: a curve where there is one column, else prediction against truth.
import { axes } from "../../plot/axes";
import { SHAPES } from "../../plot/marks";
import { extent, padded, path } from "../../plot/scales";
import type { Stage } from "../../plot/stage";
import { number, rSquared } from "../../text/format";
import { wrapping } from "../../text/mathml";
import { h, line, s } from "../../ui/dom";
import type { Discovery, HallFormula } from "./panel";
import type { Values } from "./values";

/** Colour and shape of the first and the second formula. */
const LOOKS = [
  ["kw-c1", SHAPES[0]],
  ["kw-c2", SHAPES[1]],
] as const;

/** Letters beside each other: those of a fraction lie above each other. */
function letters(node: Node): number {
  const parts = [...node.childNodes].map(letters);
  if (parts.length === 0) return node.textContent!.length;
  return node.nodeName === "mfrac" ? Math.max(...parts) : parts.reduce((sum, part) => sum + part);
}

/** Letters of a formula of many lines, which isn't written smaller than one of so many. */
const MOST_LETTERS = 59;

/** The formula, typeset where it isn't too long; the size of its type follows from its longest part that can't break. */
export function written({ formula, text }: HallFormula): HTMLElement {
  const node = h("span", { class: "kw-math kw-hall-formula" }, formula ? wrapping(formula) : text);
  const longest = Math.max(...[...node.querySelectorAll("math")].map(letters), 0);
  node.style.setProperty("--kw-letters", String(Math.max(1.1 * longest, Math.min(text.length, MOST_LETTERS))));
  return node;
}

/** `0.0312 (R² 0.998)` */
export const figures = (error: number, spread: number | null): string =>
  `${number(error)}${spread ? ` (R² ${rSquared(1 - (error / spread) ** 2)})` : ""}`;

/** The formulas with their colours and errors. */
export function captions(payload: Discovery, formulas: readonly HallFormula[]): HTMLElement[] {
  return formulas.map((formula, i) => {
    const [color, shape] = LOOKS[i]!;
    const sign = s("svg", { width: 12, height: 12, "aria-hidden": "true" }, line(`M6 6${shape}`, color, 1.6));
    const error = h("span", { class: "kw-dim" }, `${payload.error_name}: ${figures(formula.error, payload.spread)}`);
    return h("div", { class: `kw-caption ${color}` }, sign, written(formula), error);
  });
}

export function drawPreview(stage: Stage, payload: Discovery, values: Values, formulas: readonly HallFormula[]): void {
  const lines = formulas.flatMap(({ id }) => values.of.get(id) ?? []);
  if (lines.length === 0) stage.show("Formulas against data", [], "Each formula is drawn here over the data.");
  else if (values.x) drawCurves(stage, payload, values.truth, values.x, lines);
  else drawParity(stage, payload, values.truth, lines);
}

/** The data and what lies near them: a formula that leaves their range far behind doesn't press them flat. */
function rangeOf(truth: Float32Array, lines: readonly Float32Array[]): [number, number] {
  const [low, high] = extent(truth);
  const [least, most] = extent(lines.flatMap((values) => [...values]));
  const room = (high - low) / 2;
  return padded([Math.max(Math.min(low, least), low - room), Math.min(Math.max(high, most), high + room)], 0.05);
}

const dots = (
  xs: Float32Array,
  ys: Float32Array,
  shape: string,
  x: (v: number) => number,
  y: (v: number) => number,
) => {
  let d = "";
  xs.forEach((v, row) => {
    const [px, py] = [x(v), y(ys[row]!)];
    if (Number.isFinite(px + py)) d += `M${px.toFixed(1)} ${Math.max(-99, Math.min(4000, py)).toFixed(1)}${shape}`;
  });
  return d;
};

function drawCurves(
  stage: Stage,
  { target, column }: Discovery,
  truth: Float32Array,
  xs: Float32Array,
  lines: readonly Float32Array[],
): void {
  const to = axes(stage.size, {
    x: { range: padded(extent(xs), 0.03), name: column ?? "" },
    y: { range: rangeOf(truth, lines), name: target },
  });
  stage.show(`${target} over ${column}: the data and ${lines.length === 1 ? "the formula" : "both formulas"}`, [
    ...to.nodes,
    line(dots(xs, truth, SHAPES[0], to.x, to.y), "kw-c6", 0.9),
    ...lines.map((values, i) => line(path(xs, values, to.x, to.y), LOOKS[i]![0], 2.2, i ? "7 4" : null)),
  ]);
}

function drawParity(stage: Stage, { target }: Discovery, truth: Float32Array, lines: readonly Float32Array[]): void {
  const range = padded(extent(truth), 0.04);
  const to = axes(stage.size, {
    x: { range, name: `true ${target}` },
    y: { range: rangeOf(truth, lines), name: `${target} by the formula` },
  });
  stage.show(`The truth and what ${lines.length === 1 ? "the formula says" : "both formulas say"}`, [
    ...to.nodes,
    line(`M${to.left} ${to.y(range[0])}L${to.right} ${to.y(range[1])}`, "kw-c6", 1, "5 4"),
    ...lines.map((values, i) => line(dots(truth, values, LOOKS[i]![1], to.x, to.y), LOOKS[i]![0], 1.1)),
  ]);
}
