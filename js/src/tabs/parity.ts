// Prediction against truth, and below it the errors on their own scale; for classes the confusion matrix.

import { type Axes, axes, marksOf, secondLine } from "../plot/axes";
import { SHAPES } from "../plot/marks";
import { extent, padded } from "../plot/scales";
import { Stage } from "../plot/stage";
import type { NumberArray } from "../protocol/codecs";
import { flag, list, mapOf, record, text, whole } from "../protocol/guards";
import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { number, rSquared, thousands } from "../text/format";
import { called } from "../text/names";
import { WORDS } from "../text/words";
import { chooser } from "../ui/chooser";
import { h, line, s, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";

/** The payload: the twin of kanwidget/explorer/describe/panels/parity.py. */
export const PARITY = {
  name: "parity",
  payload: record({ outputs: list(text), classes: flag }, { rows: mapOf(whole) }),
};

/** Colour and shape of each part of the data. */
const PARTS: readonly [string, string, string][] = [
  ["train", "kw-c1", SHAPES[0]],
  ["val", "kw-c4", SHAPES[1]],
  ["test", "kw-c2", SHAPES[2]],
];

/** Before the first message. */
const NOTHING = {
  payload: { outputs: [], classes: false, rows: {} },
  arrays: new Map<string, NumberArray>(),
};

interface Pairs {
  part: string;
  /** Rows that this part has in all. */
  all: number;
  color: string;
  shape: string;
  truth: Float32Array;
  predicted: Float32Array;
  residual: Float32Array;
}

/** The pairs of one output, with the residuals. */
export function pairsOf(
  arrays: Map<string, NumberArray>,
  output: number,
  counts: Record<string, number | undefined> = {},
): Pairs[] {
  return PARTS.flatMap(([part, color, shape]) => {
    const array = arrays.get(part);
    const rows = array?.shape[2] ?? 0;
    if (!array || rows === 0 || output >= array.shape[0]!) return [];
    const start = output * 2 * rows;
    const truth = array.values.subarray(start, start + rows);
    const predicted = array.values.subarray(start + rows, start + 2 * rows);
    // Of a close fit the difference of two rounded numbers would be round-off.
    const errors = arrays.get(`${part}_error`)?.values.subarray(output * rows, (output + 1) * rows);
    const residual = errors ?? predicted.map((v, i) => v - truth[i]!);
    return [{ part, all: counts[part] ?? rows, color, shape, truth, predicted, residual }];
  });
}

/** R² and RMSE of the predictions. */
export function fitQuality({ truth, residual }: Pick<Pairs, "truth" | "residual">): { r2: number; rmse: number } {
  const n = truth.length;
  const mean = truth.reduce((sum, v) => sum + v, 0) / n;
  const residuals = residual.reduce((sum, v) => sum + v * v, 0);
  const all = truth.reduce((sum, v) => sum + (v - mean) ** 2, 0);
  return { r2: 1 - residuals / all, rmse: Math.sqrt(residuals / n) };
}

export function parity(context: Context): View {
  const registry = new Registry();
  const { store, ui, act } = context;
  let output = 0;
  let part = "test";
  let chart: Chart | null = null;
  const stage = new Stage(ui, registry, (x, y) => point(stage, chart, x, y));
  const summary = h("div", { class: "kw-words" });
  const outputs = chooser("parity-output", "Output", registry, (value) => {
    output = value;
    draw(new Set(["panels"] as const));
  });
  const parts = chooser("parity-part", "Rows", registry, (value) => {
    part = PARTS[value]![0];
    draw(new Set(["panels"] as const));
  });
  const counts = h("div", {
    class: "kw-fill",
    style: "overflow:auto",
    tabindex: 0,
    role: "group",
    "aria-label": "Confusion matrix",
  });
  const node = h(
    "section",
    { class: "kw-fill kw-split", "data-kw-panel": "parity", "aria-label": WORDS.fit },
    stage.node,
    counts,
    h("div", { class: "kw-col kw-scroll kw-side kw-fine kw-dim" }, outputs.node, parts.node, summary),
  );
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "panels", "size", "view", "link")) return;
    const { payload, arrays: pairs } = store.panel(PARITY) ?? NOTHING;
    const { classes } = payload;
    stage.node.hidden = classes;
    counts.hidden = !classes;
    const names = payload.outputs.map((name, i): [number, string] => [i, called(name)]);
    if (output >= names.length) output = 0;
    outputs.set(classes ? [] : names, output);
    const present = PARTS.flatMap(([name], i): [number, string][] => (pairs.has(name) ? [[i, name]] : []));
    const rows = pairs.has(part) ? part : (present[0]?.[1] ?? part);
    parts.set(
      classes ? present : [],
      PARTS.findIndex(([name]) => name === rows),
    );
    if (classes)
      drawCounts(
        counts,
        summary,
        pairs.get(rows),
        names.map(([, name]) => name),
      );
    else {
      const missing = act.hasKernel
        ? "The network's predictions come as soon as the kernel is free."
        : "No predictions: the kernel is gone.";
      chart = drawPairs(stage, summary, pairsOf(pairs, output, payload.rows), names[output]?.[1] ?? "", missing);
    }
    stage.point();
  };
  return { node, draw, destroy: () => registry.destroy() };
}

interface Chart {
  main: Axes;
  strip: Axes;
  pairs: Pairs[];
}

function drawPairs(stage: Stage, summary: HTMLElement, pairs: Pairs[], name: string, missing: string): Chart | null {
  summary.replaceChildren(...pairs.map(sentence));
  if (pairs.length === 0) {
    stage.show(WORDS.fit, [], missing);
    return null;
  }
  const all = pairs.flatMap(({ truth, predicted }) => [...truth, ...predicted]);
  const range = padded(extent(all), 0.04);
  const largest = Math.max(...extent(pairs.flatMap(({ residual }) => [...residual])).map(Math.abs));
  const { size } = stage;
  const x = { range: padded(extent(pairs.flatMap(({ truth }) => [...truth])), 0.03), name: `true ${name}` };
  const height = Math.max(56, Math.floor(size.height * 0.3)) + secondLine(x.name, size.width - 56);
  const above = size.height - height - 22;
  const error: [number, number] = [-largest * 1.15, largest * 1.15];
  const left = Math.max(marksOf(range, above / 28).room, marksOf(error, 3).room);
  const main = axes(
    { width: size.width, height: above },
    { x, y: { range, name: `predicted ${name}` }, bare: true, bottom: 2, left },
  );
  const strip = axes(size, { x, y: { range: error, name: "error" }, top: above + 22, left });
  const dots = (group: Pairs, to: Axes, ys: Float32Array, width: number) => {
    let d = "";
    group.truth.forEach((v, i) => {
      const [px, py] = [to.x(v), to.y(ys[i]!)];
      if (Number.isFinite(px + py)) d += `M${px.toFixed(1)} ${py.toFixed(1)}${group.shape}`;
    });
    return line(d, group.color, width);
  };
  stage.show(`Prediction against truth. ${pairs.map((group) => `${group.part} ${wordsOf(group)}`).join("; ")}`, [
    ...main.nodes,
    line(`M${main.left} ${main.y(x.range[0])}L${main.right} ${main.y(x.range[1])}`, "kw-c6", 1, "5 4"),
    ...pairs.map((group) => dots(group, main, group.predicted, 1.1)),
    ...strip.nodes,
    line(`M${strip.left} ${strip.y(0)}H${strip.right}`, "kw-c6", 1, "5 4"),
    ...pairs.map((group) => dots(group, strip, group.residual, 1)),
  ]);
  return { main, strip, pairs };
}

const wordsOf = (group: Pairs): string => {
  const { r2, rmse } = fitQuality(group);
  return `R² ${rSquared(r2)}, RMSE ${number(rmse)}`;
};

const sentence = (group: Pairs): HTMLElement =>
  h(
    "div",
    {},
    h(
      "div",
      { class: `kw-row ${group.color}` },
      s("svg", { width: 12, height: 12, "aria-hidden": "true" }, line(`M6 6${group.shape}`, group.color, 1.4)),
      h("b", {}, group.part),
    ),
    wordsOf(group),
    group.all > group.truth.length
      ? h("div", {}, `of ${thousands(group.truth.length)} of ${thousands(group.all)} rows`)
      : "",
  );

/** Reads the point nearest to the pointer, above or below. */
function point(stage: Stage, chart: Chart | null, px: number, py: number): void {
  if (!chart) return;
  const below = py > chart.main.bottom + 8;
  const at = below ? chart.strip : chart.main;
  let best = { distance: 18 ** 2, x: 0, y: 0, lines: [] as string[] };
  for (const { part, truth, predicted, residual } of chart.pairs)
    for (let i = 0; i < truth.length; i++) {
      const [x, y] = [at.x(truth[i]!), at.y((below ? residual : predicted)[i]!)];
      const distance = (x - px) ** 2 + (y - py) ** 2;
      if (!(distance < best.distance)) continue;
      const lines = [part, `true ${number(truth[i], 4)}`, `predicted ${number(predicted[i], 4)}`];
      best = { distance: distance, x, y, lines: [...lines, `error ${number(residual[i])}`] };
    }
  stage.read(best.x, best.y, best.lines, best.lines.length && 5);
}

function drawCounts(table: HTMLElement, summary: HTMLElement, array: NumberArray | undefined, names: string[]): void {
  const n = names.length;
  const square = array?.shape[0] === n && array.shape[1] === n;
  // A film stores fractions of the largest count.
  const values = square ? array.values.map(Math.round) : new Float32Array(n * n);
  const sums = names.map((_, i) => values.subarray(i * n, i * n + n).reduce((sum, v) => sum + v, 0));
  const total = sums.reduce((sum, v) => sum + v, 0);
  const right = names.reduce((sum, _, i) => sum + values[i * n + i]!, 0);
  const head = (scope: string, text: string) => h("th", { scope, class: "kw-cut", title: text }, text);
  const rows = names.map((name, i) =>
    h(
      "tr",
      {},
      head("row", name),
      ...names.map((_, j) => {
        const [count, part] = [values[i * n + j]!, sums[i] ? values[i * n + j]! / sums[i]! : 0];
        const share = count > 0 ? `${number(100 * part, part < 0.1 ? 2 : 3)} %` : "";
        const cell = h("td", { "data-right": i === j }, thousands(count), h("div", { class: "kw-fine" }, share));
        cell.style.setProperty("--kw-part", `${Math.round(45 * part)}%`);
        return cell;
      }),
    ),
  );
  const corner = h("th", { class: "kw-fine kw-dim" }, h("div", {}, "predicted →"), h("div", {}, "true ↓"));
  table.replaceChildren(
    h(
      "table",
      { class: "kw-counts" },
      h("thead", {}, h("tr", {}, corner, ...names.map((name) => head("col", name)))),
      h("tbody", {}, ...rows),
    ),
  );
  setText(
    summary,
    total ? `${number((100 * right) / total, 4)} % of ${thousands(total)} rows are right` : "No rows yet",
  );
}
