// The selected edge's function over its grid, with a band of two standard errors: beside it what the data ask, knots below, dashed
// where it extrapolates.

import { type Axes, axes } from "../plot/axes";
import { extent, padded, path, type Scale } from "../plot/scales";
import { Stage } from "../plot/stage";
import { row } from "../protocol/codecs";
import { keyText } from "../protocol/structure";
import type { Context, View } from "../state/context";
import type { Store } from "../state/store";
import { touches } from "../state/topics";
import { count, number, variable } from "../text/format";
import { called, cut, isolated } from "../text/names";
import { attrs, h, line, s } from "../ui/dom";
import { Registry } from "../ui/listeners";
import type { Curve } from "./drag";
import { Handles } from "./handles";

/** Margin of the plot for handles outside the grid, as a part of its width. */
const SIDE = 0.12;

/** Samples of the selected edge: the thumbnail's until the full ones arrive. */
export function selectedCurve(store: Store): Curve | null {
  const detail = store.state.detail.get("detail");
  const [xs, ys] = [row(detail, 0), row(detail, 1)];
  if (xs && ys) return { xs, ys, base: row(detail, 2), spline: row(detail, 3), band: row(detail, 4) };
  const key = store.state.selection.edges[0];
  const thumb = key && store.curves.get(keyText(key));
  if (!thumb) return null;
  const step = (thumb.high - thumb.low) / Math.max(1, thumb.values.length - 1);
  return {
    xs: thumb.values.map((_, i) => thumb.low + i * step),
    ys: thumb.values,
    base: null,
    spline: null,
    band: null,
  };
}

export function splinePlot(context: Context): View {
  const registry = new Registry();
  const { ui, store } = context;
  let chart: Axes | null = null;
  const stage = new Stage(ui, registry, (px) => read(stage, store, chart, px));
  const show = () => {
    chart = drawSpline(context, stage, handles);
    const ofWords = store.state.selection.levels !== undefined;
    band.hidden = !selectedCurve(store)?.band;
    curved.hidden = beyond.hidden = partsLabel.hidden = ofWords;
    valued.hidden = !ofWords;
    stage.point();
  };
  const handles = new Handles(context, registry, stage.node, show);
  stage.node.append(handles.node);
  const parts = h("input", { type: "checkbox", "data-kw-toggle": "parts" });
  const curved = key(line("M1 4H17", "kw-c1", 2.2), "function");
  const valued = key(s("circle", { class: "kw-f kw-c1", cx: 9, cy: 4, r: 4 }), "value");
  const band = key(s("path", { class: "kw-f kw-c1 kw-band", d: "M1 0H17V8H1Z" }), "± 2 s.e.");
  band.title = "Two standard errors of the function";
  const beyond = key(line("M1 4H17", "kw-c1", 1.6, "4 3"), "extrapolated");
  const partsLabel = h("label", { class: "kw-row", title: "Base function and spline part" }, parts, "parts");
  const foot = h(
    "div",
    { class: "kw-row kw-legend kw-dim kw-fine" },
    curved,
    valued,
    key(s("circle", { class: "kw-solid kw-c6", cx: 9, cy: 4, r: 2.4 }), "data"),
    band,
    beyond,
    partsLabel,
    handles.toggle,
    handles.live,
  );
  const node = h("div", { class: "kw-col kw-spline" }, stage.node, handles.note, foot);
  registry.listen(parts, "change", () => ui.set("showParts", parts.checked));
  const draw: View["draw"] = (topics) => {
    if (touches(topics, "selection", "size", "view", "curves", "structure", "status", "link")) show();
  };
  return { node, draw, destroy: () => registry.destroy() };
}

/** Reads the function at the pointer; the readout avoids the curve. */
function read(stage: Stage, store: Store, chart: Axes | null, at: number): void {
  const curve = selectedCurve(store);
  if (!chart || !curve || Number.isNaN(at)) {
    stage.read(0, 0, []);
    return;
  }
  const { x, y, left, right, top, bottom } = chart;
  const { xs, ys, band } = curve;
  const [first, last] = [x(xs[0]!), x(xs.at(-1)!)];
  const i = Math.round(Math.max(0, Math.min(1, (at - first) / (last - first || 1))) * (xs.length - 1));
  const px = x(xs[i]!);
  const near = ys.filter((_, k) => Math.abs(x(xs[k]!) - px) < 130);
  const above = y(near.reduce((sum, value) => sum + value, 0) / near.length) < (top + bottom) / 2;
  stage.read(Math.max(left, Math.min(right, px)), above ? bottom - 36 : 16, [
    `${isolated(cut(variable(store.state.selection.x_name ?? "x"), 30))} = ${store.state.selection.levels?.[i] ?? number(xs[i])}`,
    `φ = ${number(ys[i])}${band ? ` ± ${number(band[i], 2)}` : ""}`,
  ]);
}

const key = (sample: SVGElement, label: string): HTMLElement =>
  h("span", { class: "kw-row" }, s("svg", { width: 18, height: 8, "aria-hidden": "true" }, sample), label);

function drawSpline(context: Context, stage: Stage, handles: Handles): Axes | null {
  const { store, ui } = context;
  const stored = selectedCurve(store);
  const curve = stored && handles.adjust(stored);
  attrs(handles.node, { ...stage.size });
  if (!curve) {
    stage.show("", []);
    handles.draw(null, null);
    return null;
  }
  if (store.state.selection.levels && store.state.detail.get("detail")) {
    handles.draw(null, null);
    return drawLevels(store, stage, curve, store.state.selection.levels);
  }
  const parts = ui.values.showParts ? [curve.base, curve.spline].filter((values) => values !== null) : [];
  const points = store.state.detail.get("points");
  const [px, py] = [row(points, 0), row(points, 1)];
  const [x0, x1] = widened(extent(curve.xs), handles.span);
  const ends = bandEnds(curve);
  const range =
    handles.lockedRange ??
    valueRange(curve, [...parts, ...ends, ...(py ? [bulk(py, curve)] : [])], handles.heights(curve));
  const name = called(store.state.selection.x_name ?? "x");
  const chart = axes(stage.size, { x: { range: [x0, x1], name }, y: { range, name: "" } });
  const { x, y, bottom } = chart;
  const [from, to, low, high] = [x0, x1, ...range].map((value) => number(value));
  stage.show(`The edge's function of ${name} from ${from} to ${to}, values from ${low} to ${high}`, [
    ...density(store, x, bottom),
    ...chart.nodes,
    ...knots(store, chart),
    ...(ends.length > 0 ? [bandArea(curve.xs, ends, x, y)] : []),
    ...(curve.base && ui.values.showParts ? [line(path(curve.xs, curve.base, x, y), "kw-c2", 1.5, "6 3")] : []),
    ...(curve.spline && ui.values.showParts ? [line(path(curve.xs, curve.spline, x, y), "kw-c3", 1.5, "2 3")] : []),
    ...(px && py ? [dots(px, py, chart)] : []),
    ...functionPaths(curve, store.state.selection.data_range, x, y),
  ]);
  handles.draw({ ...chart, range }, curve);
  return chart;
}

/** The value of every level of words, with ± 2 standard errors, and what the data ask beside it. */
function drawLevels(store: Store, stage: Stage, curve: Curve, levels: readonly string[]): Axes {
  const points = store.state.detail.get("points");
  const [px, py] = [row(points, 0), row(points, 1)];
  const ends = bandEnds(curve);
  const range = valueRange(curve, [...ends, ...(py ? [bulk(py, curve)] : [])], []);
  const name = called(store.state.selection.x_name ?? "x");
  const chart = axes(stage.size, {
    x: { range: [-0.6, levels.length - 0.4], name, words: levels },
    y: { range, name: "" },
  });
  const { x, y } = chart;
  const bars = ends.length > 0 ? Array.from(curve.xs, (v, i) => `M${x(v)} ${y(ends[0]![i]!)}V${y(ends[1]![i]!)}`) : [];
  // Dots of one level stand side by side, as evenly as multiples of the golden section do.
  const beside = px?.map((v, i) => v + 0.5 * (((i * 0.618034) % 1) - 0.5));
  const [low, high] = range.map((value) => number(value));
  stage.show(`The values of ${count(levels.length, "level")} of ${name}, from ${low} to ${high}`, [
    ...chart.nodes,
    ...(beside && py ? [dots(beside, py, chart)] : []),
    line(bars.join(""), "kw-c1", 2),
    ...Array.from(curve.xs, (v, i) => s("circle", { class: "kw-f kw-c1", cx: x(v), cy: y(curve.ys[i]!), r: 4 })),
  ]);
  return chart;
}

/** The lower and the upper end of the band, none without a band. */
const bandEnds = ({ ys, band }: Curve): Float32Array[] =>
  band ? [-1, 1].map((side) => ys.map((value, i) => value + side * band[i]!)) : [];

function bandArea(xs: Float32Array, [low, high]: Float32Array[], x: Scale, y: Scale): SVGElement {
  const d = path([...xs, ...xs.toReversed()], [...low!, ...high!.toReversed()], x, y);
  return s("path", { class: "kw-f kw-c1 kw-band", d });
}

/** The dots that set the range: without those, few and far, beside which the function would be flat. */
function bulk(ys: Float32Array, curve: Curve): Float32Array {
  const sorted = ys.filter(Number.isFinite).sort();
  const at = (part: number) => sorted[Math.round(part * (sorted.length - 1))]!;
  const [low, high] = extent([...curve.ys, at(0.02), at(0.98)]);
  return at(1) - at(0) > 3 * (high - low) ? Float32Array.of(low, high) : ys;
}

/** The range of x, widened for handles outside the grid. */
function widened([x0, x1]: [number, number], span: [number, number] | null): [number, number] {
  const margin = (x1 - x0) * SIDE;
  return span ? [Math.max(Math.min(x0, span[0]), x0 - margin), Math.min(Math.max(x1, span[1]), x1 + margin)] : [x0, x1];
}

/** The range of y: the function fills most of it, distant handles are clamped to the border. */
function valueRange(curve: Curve, parts: Float32Array[], heights: number[]): [number, number] {
  const [low, high] = extent([...curve.ys, ...parts.flatMap((values) => [...values])]);
  const margin = (high - low) * SIDE * 2;
  const [lowest, top] = heights.length > 0 ? extent(heights) : [low, high];
  return padded([Math.max(Math.min(low, lowest), low - margin), Math.min(Math.max(high, top), high + margin)], 0.08);
}

/** Solid where there are data, dashed outside. */
function functionPaths({ xs, ys }: Curve, range: number[] | undefined, x: Scale, y: Scale): SVGElement[] {
  const [low, high] = [range?.[0] ?? Number.NEGATIVE_INFINITY, range?.[1] ?? Number.POSITIVE_INFINITY];
  // Samples next to the border belong to both parts, so that they meet.
  const step = xs.length > 1 ? Math.abs(xs[1]! - xs[0]!) : 0;
  const pick = (keep: (v: number) => boolean) => ys.map((value, i) => (keep(xs[i]!) ? value : Number.NaN));
  const inside = pick((v) => v >= low - step && v <= high + step);
  const outside = pick((v) => v <= low || v >= high);
  return [line(path(xs, outside, x, y), "kw-c1", 1.6, "4 4"), line(path(xs, inside, x, y), "kw-c1", 2.2)];
}

/** One path for all points: thousands of circles would cost more than the rest of the page. */
function dots(xs: Float32Array, ys: Float32Array, { x, y, top, bottom }: Axes): SVGElement {
  let d = "";
  for (let i = 0; i < xs.length; i++) {
    const px = x(xs[i]!);
    // Those far out of the range stand at its border.
    const py = Math.max(top, Math.min(bottom, y(ys[i]!)));
    if (Number.isFinite(px) && Number.isFinite(py))
      d += `M${(px - 2).toFixed(1)} ${py.toFixed(1)}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0`;
  }
  return line(d, "kw-solid kw-c6", 1);
}

function density(store: Store, x: Scale, floor: number): SVGElement[] {
  const bins = store.state.detail.get("density")?.values;
  const [low, high] = store.state.selection.data_range ?? [];
  if (!bins || low === undefined || high === undefined) return [];
  const step = (high - low) / bins.length;
  let d = `M${x(low).toFixed(1)} ${floor}`;
  bins.forEach((value, i) => {
    const top = (floor - value * 22).toFixed(1);
    d += `L${x(low + i * step).toFixed(1)} ${top}L${x(low + (i + 1) * step).toFixed(1)} ${top}`;
  });
  return [s("path", { class: "kw-density", d: `${d}L${x(high).toFixed(1)} ${floor}Z` })];
}

function knots(store: Store, { x, left, right, bottom: floor }: Axes): SVGElement[] {
  const all = store.state.detail.get("knots")?.values;
  if (!all) return [];
  // The grid may be wider than the data.
  const values = all.filter((v) => x(v) >= left - 1 && x(v) <= right + 1);
  const d = Array.from(values, (v) => `M${x(v).toFixed(1)} ${floor - 4}v8`).join("");
  const marks = line(d, "kw-c6", 1);
  marks.append(s("title", {}, "knots of the grid"));
  return [marks];
}
