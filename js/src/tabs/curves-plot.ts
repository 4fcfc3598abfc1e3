// Plot of the training curves, redrawn as a whole: the pixels bound its cost, not the steps.

import { titleOf } from "../plot/axes";
import { bisect, decades, decimate, fineDecades, linear, log, path, type Scale, ticks } from "../plot/scales";
import type { Stage } from "../plot/stage";
import type { Context } from "../state/context";
import { curveName } from "../state/errors";
import type { Column } from "../state/metrics";
import type { Store } from "../state/store";
import { number, power, pretty } from "../text/format";
import { line, s, tick } from "../ui/dom";

export interface Chart {
  xs: Float32Array;
  x: Scale;
  /** Whether there is any curve. */
  drawn: boolean;
  invert(pixel: number): number;
  eventX(step: number): number;
  width: number;
  top: number;
  bottom: number;
  right: number;
}

/** The colour of each curve, which has its own dash too. */
export const COLOR: Partial<Record<Column, string>> = { train: "kw-c1", test: "kw-c2", penalty: "kw-c4" };
const DASH: Partial<Record<Column, string>> = { test: "7 2", penalty: "2 3" };

const SERIES: readonly Column[] = ["train", "test", "penalty"];
const LEFT = 68;
/** As high as the button above the plot. */
const TOP = 24;
const BOTTOM = 20;
const RIGHT = 58;

const drawnSeries = (store: Store): Column[] =>
  SERIES.filter(
    (name) => (name !== "penalty" || store.state.settings.lamb > 0) && store.metrics.outline(name).last >= 0,
  );

/** The values of one row, for the readout. */
export const readings = (store: Store, row: number): { name: Column; value: number }[] =>
  drawnSeries(store)
    .map((name) => ({ name, value: store.metrics.column(name)[row]! }))
    .filter(({ value }) => Number.isFinite(value));

/** Range of the y axis: all positive values with a margin. */
function range(store: Store, names: Column[]): [number, number] {
  const after = (store.state.history.acts ?? []).map((act) => act[2]!);
  let [low, high] = [Math.min(...after), Math.max(0, ...after)];
  for (const name of names) {
    const outline = store.metrics.outline(name);
    low = Math.min(low, outline.low);
    high = Math.max(high, outline.high);
  }
  if (high === 0) return [1e-4, 1];
  // Half a decade at least, so that noise on a plateau does not fill the plot.
  if (high / low < 3.2) [low, high] = [low / 1.8, high * 1.8];
  return [low / 1.15, high * 1.15];
}

/** @param reserved Width at the end of the line above the plot that a button takes. */
export function drawChart(context: Context, stage: Stage, missing: string, reserved: number): Chart {
  const { store, ui } = context;
  const { width, height } = stage.size;
  const xs = store.metrics.column(ui.values.axis === "step" ? "step" : "seconds");
  const names = drawnSeries(store);
  const right = Math.max(LEFT + 40, width - RIGHT);
  const bottom = height - BOTTOM;
  const last = xs.at(-1) ?? 0;
  const first = xs.length > 1 ? Math.min(xs[0]!, last) : 0;
  const end = last > first ? last : first + (ui.values.axis === "step" ? 10 : 1);
  const x = linear(first, end, LEFT, right);
  const [low, high] = range(store, names);
  const y = log(low, high, bottom, TOP);
  const chart: Chart = {
    xs,
    x,
    drawn: names.length > 0,
    width,
    right,
    bottom,
    top: TOP,
    invert: linear(LEFT, right, first, end),
    eventX: (step) => eventX(store, xs, x, step),
  };
  // Without a curve the axes would cross out the message.
  const parts = chart.drawn
    ? [
        ...yAxis(low, high, y, right, bottom),
        axisTitle(curveName(store), bottom),
        ...xAxis(first, end, x, bottom, right, ui.values.axis),
        ...events(context, chart, width - reserved),
        ...lines(store, names, xs, x, y, right),
        ...acts(store, chart, y),
        ...labels(store, names, y, chart),
      ]
    : [];
  stage.show(summary(store, names), parts, chart.drawn ? "" : missing);
  return chart;
}

function summary(store: Store, names: Column[]): string {
  const rows = store.metrics.present;
  if (rows === 0) return "Training curves, nothing recorded yet";
  const last = readings(store, rows - 1).map(({ name, value }) => `${name} ${value.toPrecision(2)}`);
  return `Training curves of ${names.join(", ")}; last values: ${last.join(", ")}`;
}

function yAxis(low: number, high: number, y: Scale, right: number, bottom: number): SVGElement[] {
  const room = (bottom - TOP) / 24;
  const marks = decades(low, high, Math.max(2, room));
  // Few decades: ticks at 1, 2 and 5 times the powers of ten, if there is room.
  const fine = fineDecades(low, high);
  const few = marks.length < 2 || (marks.length < 4 && fine.length < room);
  return (few ? fine : marks).flatMap((value) => [
    line(`M${LEFT} ${y(value).toFixed(1)}H${right}`, "kw-c8", 1),
    tick(LEFT - 6, y(value) + 3.5, few ? number(value) : power(value), "end"),
  ]);
}

/** Name and unit of the errors, upwards along the axis. */
function axisTitle(name: string, bottom: number): SVGElement {
  const title = titleOf(name, "", 0, 11, bottom - 10);
  title.setAttribute("transform", `translate(11 ${bottom / 2}) rotate(-90)`);
  return title;
}

function xAxis(first: number, end: number, x: Scale, bottom: number, right: number, unit: string): SVGElement[] {
  const values = ticks(first, end, Math.max(2, Math.min(8, (right - LEFT) / 64)));
  const whole = unit === "step" ? values.filter(Number.isInteger) : values;
  return [
    line(`M${LEFT} ${bottom}H${x(end)}`, "kw-c5", 1),
    ...whole
      .filter((value) => x(value) <= right)
      .map((value) => tick(x(value), bottom + 14, value.toLocaleString("en-US"))),
  ];
}

function lines(store: Store, names: Column[], xs: Float32Array, x: Scale, y: Scale, right: number): SVGElement[] {
  return names.flatMap((name) => {
    const ys = store.metrics.column(name);
    const rows = decimate(xs, ys, right - LEFT, store.metrics.outline(name).rows);
    const color = COLOR[name] ?? "";
    const curve = (part: number[]) => {
      const py = part.map((i) => (ys[i]! > 0 ? ys[i]! : Number.NaN));
      const px = part.map((i) => xs[i]!);
      return line(path(px, py, x, y), color, 1.8, DASH[name]);
    };
    const { present, length } = store.metrics;
    const now = rows.filter((i) => i < present);
    const drawn = [curve(now)];
    if (present < length) {
      const later = curve(rows.filter((i) => i >= present - 1));
      later.setAttribute("opacity", "0.35");
      drawn.push(later);
    }
    const last = now.findLast((i) => ys[i]! > 0 && Number.isFinite(ys[i]));
    return last === undefined ? drawn : [...drawn, dot(x(xs[last]!), y(ys[last]!), color)];
  });
}

const dot = (x: number, y: number, color: string): SVGElement =>
  s("circle", { class: `kw-f ${color}`, cx: x.toFixed(1), cy: y.toFixed(1), r: 3 });

/** A line between the errors before and after each act that has changed it, and the present step where the curve goes on. */
function acts({ metrics, state }: Store, chart: Chart, y: Scale): SVGElement[] {
  const name = metrics.outline("test").last < 0 ? "train" : "test";
  const color = COLOR[name]!;
  const marks = (state.history.acts ?? []).flatMap(([step, before, after], i) => {
    const at = chart.eventX(step!);
    const height = y(after!);
    const text = i > 0 ? [] : [tick(at - 7, height - 4, number(after!), "end")];
    return [line(`M${at} ${y(before!)}V${height}`, color, 1.8, DASH[name]), dot(at, height, color), ...text];
  });
  const { present, length } = metrics;
  if (present < length) marks.push(line(`M${chart.x(chart.xs[present - 1]!)} ${TOP}V${chart.bottom}`, "kw-c6", 1));
  return marks;
}

/** Names at the ends of the curves, moved apart where they would overlap. */
function labels(store: Store, names: Column[], y: Scale, { right, bottom }: Chart): SVGElement[] {
  const placed = names
    .map((name) => ({ name, at: y(store.metrics.column(name)[store.metrics.outline(name).last] ?? Number.NaN) }))
    .filter(({ at }) => Number.isFinite(at))
    .sort((a, b) => a.at - b.at);
  for (const [i, item] of placed.entries()) {
    const above = placed[i - 1];
    if (above && item.at - above.at < 13) item.at = above.at + 13;
  }
  // Labels pushed below the axis move up again, and push those above.
  let floor = bottom - 10;
  for (const item of [...placed].reverse()) {
    item.at = Math.min(item.at, floor);
    floor = item.at - 13;
  }
  return placed.map(({ name, at }) =>
    s("text", { class: `kw-f kw-fine kw-strong ${COLOR[name]}`, x: right + 8, y: (at + 4).toFixed(1) }, name),
  );
}

function eventX(store: Store, xs: Float32Array, x: Scale, step: number): number {
  const steps = store.metrics.column("step");
  return steps.length > 0 ? x(xs[bisect(steps, step)]!) : x(0);
}

interface EventLabel {
  text: string;
  first: number;
  last: number;
  /** Start and end of the text. */
  start: number;
  end: number;
}

const textWidth = (text: string): number => text.length * 5.8;

/**
 * Labels of the marks at `events`, from left to right. A label that would overlap the previous one joins it if their
 * marks are close; otherwise it is omitted, and the readout names it.
 */
export function eventLabels(events: { at: number; label: string }[], width: number): EventLabel[] {
  const placed: EventLabel[] = [];
  const put = (text: string, first: number, last: number, free: number): EventLabel | null => {
    const long = textWidth(text);
    const start = Math.max(LEFT, Math.min((first + last - long) / 2, width - long - 2));
    // A label may move right of its neighbor, but not away from its mark.
    const shifted = Math.max(start, free);
    const end = shifted + long;
    return shifted > last || end > width ? null : { text, first, last, start: shifted, end };
  };
  for (const { at, label } of [...events].sort((a, b) => a.at - b.at)) {
    const previous = placed.at(-1);
    const alone = put(label, at, at, previous ? previous.end + 8 : 0);
    if (alone) {
      placed.push(alone);
      continue;
    }
    if (previous?.text === label) continue;
    if (!previous || at - previous.first > 70 || textWidth(previous.text + label) > width * 0.4) continue;
    const space = (placed.at(-2)?.end ?? -8) + 8;
    const joined = put(`${previous.text}, ${label}`, previous.first, at, space);
    if (joined) placed[placed.length - 1] = joined;
  }
  return placed;
}

/** Texts of events. Acts come first, automatic events (grid) in the remaining room. */
export function markLabels(events: { at: number; label: string; kind: string }[], width: number): EventLabel[] {
  const [acts, gridMarks] = [false, true].map((automatic) =>
    eventLabels(
      events.filter(({ kind }) => (kind === "grid") === automatic),
      width,
    ),
  ) as [EventLabel[], EventLabel[]];
  const free = ({ start, end }: EventLabel) => acts.every((act) => end + 8 <= act.start || start >= act.end + 8);
  return [...acts, ...gridMarks.filter(free)];
}

/** Marks of events with their labels. */
function events({ store }: Context, chart: Chart, room: number): SVGElement[] {
  const placed = store.state.history.events.map(({ label, step, kind }) => ({
    label: pretty(label),
    kind,
    step,
    at: chart.eventX(step),
  }));
  // One mark a pixel: a dragged slider leaves hundreds.
  const titles = new Map<number, string[]>();
  for (const { at, label, step } of placed)
    titles.set(Math.round(at), [...(titles.get(Math.round(at)) ?? []), `${label} (step ${step})`].slice(-6));
  const marks = [...titles].map(([at, names]) => {
    const mark = line(`M${at} ${TOP - 4}V${chart.bottom}`, "kw-c5", 1, "2 3");
    mark.append(s("title", {}, names.join(", ")));
    return mark;
  });
  return [...marks, ...markLabels(placed, room).map(({ text, start }) => tick(start, TOP - 8, text, "start"))];
}
