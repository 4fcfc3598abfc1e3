// The plot of the surface: a heat map with contours over two inputs, or a line over one, with the data on it.
import { type Axes, axes, secondLine, titleOf } from "../plot/axes";
import { extent, linear, padded, path, ticks } from "../plot/scales";
import type { Stage } from "../plot/stage";
import type { NumberArray } from "../protocol/codecs";
import { row } from "../protocol/codecs";
import type { Store } from "../state/store";
import { number, tickLabels } from "../text/format";
import { called } from "../text/names";
import { attrs, line, s, tick } from "../ui/dom";
import { classCounts, shapeOf } from "./classes";
import { contour, css, heightAt, paint } from "./heatmap";
import { SURFACE, type Surface, valueText } from "./surface-panel";

/** Points further from the map than this part of the scale have a thick rim. */
export const FAR = 0.15;

interface Look {
  uid: string;
  dark: boolean;
  /** A kernel will send the surface. */
  waits: boolean;
}

export interface Chart extends Axes {
  surface: Surface;
  grid: { z: Float32Array; columns: number; rows: number } | null;
  points: Float32Array[];
}

export function drawSurface(
  stage: Stage,
  canvas: HTMLCanvasElement,
  surface: Surface | undefined,
  arrays: Map<string, NumberArray> | undefined,
  look: Look,
): Chart | null {
  if (!surface) {
    const missing = look.waits
      ? "The network's output comes as soon as the kernel is free."
      : "No surface: the kernel is gone.";
    stage.show("Surface", [], missing);
    return null;
  }
  const z = arrays?.get("z");
  const points = [0, 1, 2].map((i) => row(arrays?.get("points"), i) ?? new Float32Array());
  const name = called(surface.outputs[surface.output] ?? "");
  const title = surface.classes ? `probability of ${name}` : name;
  const xAxis = axisOf(surface, surface.x, surface.x_range);
  const [rows = 0, columns = 0] = z?.shape ?? [];
  if (!z || columns < 2) {
    stage.show("Surface", [], "The kernel sent no output of the network.");
    return null;
  }
  if (surface.y === null || !surface.y_range || rows < 2) {
    const chart = axes(stage.size, {
      x: xAxis,
      y: { range: padded(extent([...z.values, ...points[1]!])), name: title },
    });
    const step = (xAxis.range[1] - xAxis.range[0]) / (columns - 1);
    const xs = z.values.map((_, i) => xAxis.range[0] + i * step);
    stage.show(`${title} over ${xAxis.name}${classCounts(surface, points[2]!)}`, [
      ...chart.nodes,
      ...drawDots(surface, points, chart),
      line(path(xs, z.values, chart.x, chart.y), "kw-c1", 2.2),
    ]);
    return { ...chart, surface: surface, grid: null, points };
  }
  const yAxis = axisOf(surface, surface.y, surface.y_range);
  // The scale follows the labels, so that it is constant during training.
  const [low, high] = surface.classes ? [0, 1] : padded(extent(points[2]!.length > 0 ? points[2]! : z.values), 0.02);
  const part = linear(low!, high!, 0, 1);
  const marks = ticks(low!, high!, 6);
  const bar = tickLabels(marks);
  const room = 34 + 6.2 * Math.max(2, ...bar.labels.map((text) => text.length));
  // The titles of the map and of its scale share the line above.
  const heading = (stage.size.width - room) / 2;
  const top = 20 + Math.max(secondLine(yAxis.name, heading), secondLine(title, heading));
  const chart = axes(stage.size, { x: xAxis, y: yAxis, right: room, plain: true, top, heading });
  const grid = { z: z.values, columns, rows };
  const [w, tall] = [chart.right - chart.left, chart.bottom - chart.top];
  const fine = Math.min(2, globalThis.devicePixelRatio || 1);
  attrs(canvas, {
    width: Math.max(1, Math.round(w * fine)),
    height: Math.max(1, Math.round(tall * fine)),
    style: `left:${chart.left}px;top:${chart.top}px;width:${w}px;height:${tall}px`,
  });
  paint(canvas, grid, part, look.dark);
  const [i, j] = [linear(0, columns - 1, chart.left, chart.right), linear(0, rows - 1, chart.bottom, chart.top)];
  // Between two rows of the grid a probability rises in a step, its logit nearly in a line: the border of a class has no teeth.
  const even = surface.classes ? { ...grid, z: grid.z.map(logit) } : grid;
  const lines = (surface.classes ? marks.filter((level) => level > 0 && level < 1) : marks).map((level) => {
    const half = surface.classes && level === 0.5;
    return line(contour(even, surface.classes ? logit(level) : level, i, j), "kw-level", half ? 2 : 1);
  });
  const [u, v] = [linear(...xAxis.range, 0, 1), linear(...yAxis.range, 0, 1)];
  const color = (label: number, x: number, y: number): [string, boolean] => {
    const position = part(surface.classes ? Number(label === surface.output) : label);
    return [css(position, look.dark), Math.abs(position - part(heightAt(grid, u(x), v(y)))) > FAR];
  };
  stage.show(`${title} over ${xAxis.name} and ${yAxis.name}${classCounts(surface, points[2]!)}`, [
    ...chart.nodes,
    ...lines,
    ...drawDots(surface, points, chart, color),
    ...scaleBar(chart, part, marks, bar, titleOf(title, bar.common, chart.right + 21, top - 9, heading, "end"), look),
  ]);
  return { ...chart, surface: surface, grid, points };
}

const axisOf = ({ names, levels }: Surface, column: number, range: number[]) => ({
  range: range as [number, number],
  name: called(names[column] ?? ""),
  words: levels?.[column],
});

const logit = (p: number): number => {
  const inside = Math.min(1 - 1e-6, Math.max(1e-6, p));
  return Math.log(inside / (1 - inside));
};

/** The data points; `looks` gives the color of a point and whether it is far from the map. */
function drawDots(
  surface: Surface,
  [xs, ys, labels]: Float32Array[],
  { x, y }: Axes,
  looks?: (label: number, x: number, y: number) => [string, boolean],
): SVGElement[] {
  return Array.from(xs!, (px, i) => {
    const [cx, cy] = [x(px), y(ys![i]!)];
    const [fill, far] = looks?.(labels![i]!, px, ys![i]!) ?? [];
    const size = surface.classes ? 1.6 : 1.3;
    return s("path", {
      class: fill ? `kw-dot-on${surface.classes ? " kw-class" : ""}` : "kw-solid kw-c6",
      d: shapeOf(surface, labels![i]!),
      fill,
      "data-far": far,
      ...(Number.isFinite(cx + cy)
        ? { transform: `translate(${cx.toFixed(1)} ${cy.toFixed(1)})scale(${size})` }
        : { display: "none" }),
    });
  });
}

function scaleBar(
  { right, top, bottom }: Axes,
  part: (value: number) => number,
  marks: number[],
  { labels }: { labels: string[] },
  title: SVGElement,
  { uid, dark }: Look,
): SVGElement[] {
  const id = `${uid}-heat`;
  const y = linear(0, 1, bottom, top);
  const stops = Array.from({ length: 11 }, (_, i) => s("stop", { offset: i / 10, "stop-color": css(i / 10, dark) }));
  return [
    s("linearGradient", { id, x1: 0, x2: 0, y1: 1, y2: 0 }, ...stops),
    s("rect", { x: right + 12, y: top, width: 9, height: bottom - top, fill: `url(#${id})` }),
    ...marks.map((value, i) => tick(right + 26, y(part(value)) + 3.5, labels[i]!, "start")),
    title,
  ];
}

const labelText = ({ classes, outputs }: Surface, label: number): string =>
  classes ? called(outputs[label] ?? "") : number(label);

/** Reads the map, and the point of the data under the pointer if there is one. */
export function readPoint(stage: Stage, chart: Chart | null, store: Store, px: number, py: number): void {
  if (!chart) return;
  const { surface, grid, points, left, right, top, bottom } = chart;
  if (!(px >= left && px <= right && py >= top && py <= bottom)) {
    stage.read(0, 0, []);
    return;
  }
  const u = (px - left) / (right - left);
  const v = (bottom - py) / (bottom - top);
  const name = (i: number) => called(surface.names[i] ?? "");
  const at = (column: number, [low, high]: number[], t: number) =>
    `${name(column)} = ${valueText(surface, column, low! + t * (high! - low!))}`;
  const z = row(store.panel(SURFACE)?.arrays.get("z"), 0);
  const value = grid ? heightAt(grid, u, v) : z?.[Math.round(u * (z.length - 1))];
  const ys = points[1]!;
  const near = points[0]!.findIndex((x, i) => Math.hypot(chart.x(x) - px, chart.y(ys[i]!) - py) < 7);
  const lines = [
    `${called(surface.outputs[surface.output] ?? "")} = ${Number.isNaN(value) ? "not a number" : number(value)}`,
    at(surface.x, surface.x_range, u),
    surface.y_range ? at(surface.y!, surface.y_range, v) : "",
    near >= 0 ? `data: ${labelText(surface, points[2]![near]!)}` : "",
  ];
  const [cx, cy] = near >= 0 ? [chart.x(points[0]![near]!), chart.y(ys[near]!)] : [px, py];
  stage.read(cx, cy, lines.filter(Boolean), near >= 0 ? 6 : 0);
}
