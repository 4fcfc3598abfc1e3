// The selected edge's function over its grid: data under it, knots below, dashed where it extrapolates.

import { row } from "../codecs";
import type { Context, View } from "../context";
import { attrs, h, line, renew, s, tick } from "../dom";
import type { Curve } from "../drag";
import { number, type TickLabels, tickLabels, variable } from "../format";
import { Registry } from "../listeners";
import { cut, isolated } from "../names";
import { keyText } from "../protocol";
import { extent, linear, padded, path, type Scale, ticks } from "../scales";
import type { Store } from "../store";
import { touches } from "../topics";
import { Handles, type Plot } from "./handles";

const RIGHT = 10;
const BOTTOM = 34;
/** How far the plot goes beyond the function for the sake of its handles, as a part of its width. */
const SIDE = 0.12;
/** Width of a letter of the ticks, rather too much than too little. */
const LETTER = 6.4;

/** The selected edge's samples: in full, or its thumbnail's until the detail has arrived. */
export function selectedCurve(store: Store): Curve | null {
  const detail = store.state.detail.get("detail");
  const [xs, ys] = [row(detail, 0), row(detail, 1)];
  if (xs && ys) return { xs, ys, base: row(detail, 2), spline: row(detail, 3) };
  const key = store.state.selection.edges[0];
  const thumb = key && store.curves.get(keyText(key));
  if (!thumb) return null;
  const step = (thumb.high - thumb.low) / Math.max(1, thumb.values.length - 1);
  return { xs: thumb.values.map((_, i) => thumb.low + i * step), ys: thumb.values, base: null, spline: null };
}

export function splinePlot(context: Context): View {
  const registry = new Registry();
  const { ui, store } = context;
  const svg = s("svg", { role: "img" });
  const readout = h("div", { class: "kw-readout kw-box kw-pop kw-fine", "aria-hidden": "true", hidden: true });
  const stage = h("div", { class: "kw-stage kw-fill" }, svg);
  const show = () => {
    scales = drawSpline(context, svg, size, handles);
  };
  const handles = new Handles(context, registry, stage, show);
  stage.append(handles.node, readout);
  const parts = h("input", { type: "checkbox", "data-kw-toggle": "parts" });
  const foot = h(
    "div",
    { class: "kw-row kw-legend kw-dim kw-fine" },
    key(line("M1 4H17", "kw-c1", 2.2), "function"),
    key(s("circle", { class: "kw-solid kw-c6", cx: 9, cy: 4, r: 2.4 }), "data"),
    key(line("M1 4H17", "kw-c1", 1.6, "4 3"), "extrapolated"),
    h("label", { class: "kw-row", title: "Base function and spline part" }, parts, "parts"),
    handles.toggle,
    handles.live,
  );
  const node = h("div", { class: "kw-col kw-spline" }, stage, handles.note, foot);
  let size = { width: 300, height: 180 };
  let scales: { x: Scale; y: Scale; invert: Scale } | null = null;
  registry.resize(stage, (width, height) => {
    size = { width: Math.floor(width), height: Math.floor(height) };
    ui.touch("size");
  });
  registry.listen(parts, "change", () => ui.set("showParts", parts.checked));
  registry.listen(svg, "pointerleave", () => {
    readout.hidden = true;
  });
  registry.listen(svg, "pointermove", (event) => {
    const curve = selectedCurve(store);
    readout.hidden = !scales || !curve;
    if (!scales || !curve) return;
    const at = scales.invert(event.clientX - svg.getBoundingClientRect().left);
    const [low, high] = [curve.xs[0]!, curve.xs.at(-1)!];
    const i = Math.round(Math.max(0, Math.min(1, (at - low) / (high - low || 1))) * (curve.xs.length - 1));
    readout.replaceChildren(
      h("span", {}, `${isolated(cut(variable(store.state.selection.x_name ?? "x"), 30))} = ${number(curve.xs[i])}`),
      h("span", {}, `φ = ${number(curve.ys[i])}`),
    );
    const px = scales.x(curve.xs[i]!);
    // Where the curve is not.
    const near = curve.ys.filter((_, k) => Math.abs(scales!.x(curve.xs[k]!) - px) < 130);
    const above = scales.y(near.reduce((sum, y) => sum + y, 0) / near.length) < size.height / 2;
    Object.assign(readout.style, above ? { top: "auto", bottom: `${BOTTOM + 4}px` } : { top: "4px", bottom: "auto" });
    readout.style.left = px > size.width * 0.6 ? "auto" : `${px + 10}px`;
    readout.style.right = px > size.width * 0.6 ? `${size.width - px + 10}px` : "auto";
  });
  const draw: View["draw"] = (topics) => {
    if (touches(topics, "selection", "size", "view", "curves", "structure", "status", "link")) show();
  };
  return { node, draw, destroy: () => registry.destroy() };
}

const key = (sample: SVGElement, label: string): HTMLElement =>
  h("span", { class: "kw-row" }, s("svg", { width: 18, height: 8, "aria-hidden": "true" }, sample), label);

function drawSpline(
  context: Context,
  svg: SVGSVGElement,
  { width, height }: { width: number; height: number },
  handles: Handles,
) {
  const { store, ui } = context;
  const told = selectedCurve(store);
  const curve = told && handles.adjust(told);
  attrs(handles.node, { width, height });
  attrs(svg, { width, height, viewBox: `0 0 ${width} ${height}` });
  if (!curve) {
    renew(svg, []);
    handles.draw(null, null);
    return null;
  }
  const parts = ui.values.showParts ? [curve.base, curve.spline].filter((one) => one !== null) : [];
  const points = store.state.detail.get("points");
  const [px, py] = [row(points, 0), row(points, 1)];
  const [x0, x1] = widened(extent(curve.xs), handles.span);
  const [y0, y1] = handles.held ?? valueRange(curve, parts, handles.heights(curve));
  const floor = height - BOTTOM;
  const marks = twoTicks(y0, y1, Math.max(2, floor / 36));
  const rows = tickLabels(marks);
  // What stands at the left has the room that it needs, and what the labels share stands above them.
  const left = 10 + LETTER * Math.max(3, ...rows.labels.map((label) => label.length));
  const x = linear(x0, x1, left, width - RIGHT);
  const top = rows.common ? 20 : 8;
  const y = linear(y0, y1, floor, top);
  const name = isolated(variable(store.state.selection.x_name ?? "x"));
  attrs(svg, {
    "aria-label": `The edge's function of ${name} from ${number(x0)} to ${number(x1)}, values from ${number(y0)} to ${number(y1)}`,
  });
  renew(svg, [
    ...density(store, x, height),
    ...yAxis(marks, rows, y, left, width),
    ...xAxis([x0, x1], x, left, width, floor, name),
    ...knots(store, x, height),
    ...(curve.base && ui.values.showParts ? [line(path(curve.xs, curve.base, x, y), "kw-c2", 1.5, "6 3")] : []),
    ...(curve.spline && ui.values.showParts ? [line(path(curve.xs, curve.spline, x, y), "kw-c3", 1.5, "2 3")] : []),
    ...(px && py ? [dots(px, py, x, y)] : []),
    ...functionPaths(curve, store.state.selection.data_range, x, y),
  ]);
  const plot: Plot = { x, y, left, right: width - RIGHT, top, floor, range: [y0, y1] };
  handles.draw(plot, curve);
  return { x, y, invert: linear(left, width - RIGHT, x0, x1) };
}

/** About as many as asked for, and so many more that a scale can be read. */
function twoTicks(low: number, high: number, count: number): number[] {
  const found = ticks(low, high, count);
  return found.length > 1 ? found : ticks(low, high, 2 * count);
}

/** Handles stand a little outside of the grid. */
function widened([x0, x1]: [number, number], span: [number, number] | null): [number, number] {
  const most = (x1 - x0) * SIDE;
  return span ? [Math.max(Math.min(x0, span[0]), x0 - most), Math.min(Math.max(x1, span[1]), x1 + most)] : [x0, x1];
}

/** The function has most of the height; handles that lie far from it stand at the border. */
function valueRange(curve: Curve, parts: Float32Array[], heights: number[]): [number, number] {
  const [low, high] = extent([...curve.ys, ...parts.flatMap((one) => [...one])]);
  const most = (high - low) * SIDE * 2;
  const [least, top] = heights.length > 0 ? extent(heights) : [low, high];
  return padded([Math.max(Math.min(low, least), low - most), Math.min(Math.max(high, top), high + most)], 0.08);
}

/** Solid where there are data, dashed outside. */
function functionPaths({ xs, ys }: Curve, range: number[] | undefined, x: Scale, y: Scale): SVGElement[] {
  const [low, high] = [range?.[0] ?? Number.NEGATIVE_INFINITY, range?.[1] ?? Number.POSITIVE_INFINITY];
  // The neighbours of the border belong to both, so that the parts meet.
  const step = xs.length > 1 ? Math.abs(xs[1]! - xs[0]!) : 0;
  const pick = (keep: (v: number) => boolean) => ys.map((value, i) => (keep(xs[i]!) ? value : Number.NaN));
  const inside = pick((v) => v >= low - step && v <= high + step);
  const outside = pick((v) => v <= low || v >= high);
  return [line(path(xs, outside, x, y), "kw-c1", 1.6, "4 4"), line(path(xs, inside, x, y), "kw-c1", 2.2)];
}

/** One path for all points: thousands of circles would cost more than the rest of the page. */
function dots(xs: Float32Array, ys: Float32Array, x: Scale, y: Scale): SVGElement {
  let d = "";
  for (let i = 0; i < xs.length; i++) {
    const [px, py] = [x(xs[i]!), y(ys[i]!)];
    if (Number.isFinite(px) && Number.isFinite(py))
      d += `M${(px - 2).toFixed(1)} ${py.toFixed(1)}a2 2 0 1 0 4 0a2 2 0 1 0 -4 0`;
  }
  return line(d, "kw-solid kw-c6", 1);
}

function density(store: Store, x: Scale, height: number): SVGElement[] {
  const bins = store.state.detail.get("density")?.values;
  const [low, high] = store.state.selection.data_range ?? [];
  if (!bins || low === undefined || high === undefined) return [];
  const step = (high - low) / bins.length;
  const floor = height - BOTTOM;
  let d = `M${x(low).toFixed(1)} ${floor}`;
  bins.forEach((value, i) => {
    const top = (floor - value * 22).toFixed(1);
    d += `L${x(low + i * step).toFixed(1)} ${top}L${x(low + (i + 1) * step).toFixed(1)} ${top}`;
  });
  return [s("path", { class: "kw-density", d: `${d}L${x(high).toFixed(1)} ${floor}Z` })];
}

function knots(store: Store, x: Scale, height: number): SVGElement[] {
  const values = store.state.detail.get("knots")?.values;
  if (!values) return [];
  const floor = height - BOTTOM;
  const d = Array.from(values, (v) => `M${x(v).toFixed(1)} ${floor - 4}v8`).join("");
  const marks = line(d, "kw-c6", 1);
  marks.append(s("title", {}, "knots of the grid"));
  return [marks];
}

function yAxis(marks: number[], { labels, common }: TickLabels, y: Scale, left: number, width: number): SVGElement[] {
  const rows = marks.flatMap((value, i) => [
    line(`M${left} ${y(value).toFixed(1)}H${width - RIGHT}`, "kw-c8", 1),
    tick(left - 6, y(value) + 3.5, labels[i]!, "end"),
  ]);
  return common ? [...rows, tick(4, 10, common, "start")] : rows;
}

function xAxis(
  range: [number, number],
  x: Scale,
  left: number,
  width: number,
  floor: number,
  name: string,
): SVGElement[] {
  const marks = twoTicks(...range, Math.max(2, (width - left) / 62));
  const { labels, common } = tickLabels(marks);
  const title = cut(name, Math.min(30, (width - left) / 7));
  const axis = tick((left + width - RIGHT) / 2, floor + 29, common ? `${title} (${common})` : title);
  if (title !== name) axis.append(s("title", {}, name));
  return [
    line(`M${left} ${floor}H${width - RIGHT}`, "kw-c5", 1),
    ...marks.map((value, i) => tick(x(value), floor + 16, labels[i]!)),
    axis,
  ];
}
