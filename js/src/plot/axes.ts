// Two axes with ticks and titles.

import { power, tickLabels } from "../text/format";
import { cut, lined } from "../text/names";
import { line, s, tick } from "../ui/dom";
import { decades, fineDecades, linear, log, type Scale, ticks } from "./scales";
import type { Size } from "./stage";

interface AxisSpec {
  range: [number, number];
  name: string;
  log?: boolean;
  /** Words at 0, 1, 2, … in place of numbers. */
  words?: readonly string[] | undefined;
}
interface AxesSpec {
  x: AxisSpec;
  y: AxisSpec;
  /** Margins for ticks and titles. */
  right?: number;
  bottom?: number;
  top?: number;
  /** Room for the title of y, where something stands beside it. */
  heading?: number;
  /** No labels below: another plot with the same axis has them. */
  bare?: boolean;
  left?: number;
  /** No grid lines. */
  plain?: boolean;
}

export interface Axes {
  x: Scale;
  y: Scale;
  left: number;
  right: number;
  top: number;
  bottom: number;
  nodes: SVGElement[];
}

const roomOf = (labels: string[]) => 14 + 6.2 * Math.max(3, ...labels.map((text) => text.length));

/** Ticks of an axis with their labels, the common part of the labels, and their width. */
export function marksOf([low, high]: readonly [number, number], count: number, byDecade = false) {
  const powers = byDecade ? decades(low, high, count) : [];
  const whole = byDecade && powers.length < 2 ? fineDecades(low, high) : powers;
  // Within one decade round values are used: a single tick shows no scale.
  const few = whole.length > 1 ? whole : ticks(low, high, count);
  const values = few.length > 1 ? few : ticks(low, high, 2 * count);
  const { labels, common } = powers.length > 1 ? { labels: values.map(power), common: "" } : tickLabels(values);
  return { values, labels, common, room: roomOf(labels) };
}

/** Words along an axis, as many as there is room for, each cut to its room. */
function wordsOf(words: readonly string[], width: number, most?: number) {
  const stride = Math.ceil(words.length / Math.max(1, Math.floor(width / 44)));
  const letters = most ?? Math.max(3, Math.floor((width / words.length) * stride * 0.16));
  const values = words.map((_, i) => i).filter((i) => i % stride === 0);
  const labels = values.map((i) => cut(words[i]!, letters));
  return { values, labels, common: "", room: roomOf(labels) };
}

const LINE = 12;
/** Height of the second line of a title; 0 where one is enough. */
export const secondLine = (name: string, room: number): number => LINE * (lined(name, room).length - 1);

/** Title of an axis with the common part of its tick labels: one line at `y`, or two that end there. */
export function titleOf(name: string, common: string, x: number, y: number, room: number, anchor?: string): SVGElement {
  const lines = lined(name, room);
  const whole = lines.join("") === name;
  const last = lines.pop()!;
  const text = last && common ? `${last} (${common})` : last || common;
  const node = tick(x, y - LINE * lines.length, lines[0] ?? text, anchor);
  if (lines.length > 0) node.append(s("tspan", { x: x.toFixed(1), dy: LINE }, text));
  if (!whole) node.append(s("title", {}, name));
  return node;
}

/** The middle of a label below its tick, moved inwards where the border would cut it off. */
function within(x: number, label: string, width: number): number {
  const half = 3.1 * label.length + 1;
  return Math.max(half, Math.min(width - half, x));
}

export function axes({ width, height }: Size, spec: AxesSpec): Axes {
  const right = width - (spec.right ?? 12);
  // About what the labels of the rows leave, which aren't known yet.
  const below = right - 44;
  const heading = spec.heading ?? right - 4;
  const bottom = height - (spec.bottom ?? 36 + secondLine(spec.x.name, below));
  const tall = bottom - (spec.top ?? 20);
  // Lines of words are as far apart as those of text.
  const rows = spec.y.words?.length
    ? wordsOf(spec.y.words, 3 * tall, 12)
    : marksOf(spec.y.range, Math.max(3, tall / 28), spec.y.log);
  const top = spec.top ?? (spec.y.name || rows.common ? 20 + secondLine(spec.y.name, heading) : 8);
  const left = Math.max(rows.room, spec.left ?? 0);
  const columns = spec.x.words?.length
    ? wordsOf(spec.x.words, right - left)
    : marksOf(spec.x.range, Math.max(2, (right - left) / 62), spec.x.log);
  const x = (spec.x.log ? log : linear)(...spec.x.range, left, right);
  const y = (spec.y.log ? log : linear)(...spec.y.range, bottom, top);
  const nodes: SVGElement[] = [
    ...rows.values.flatMap((value, i) => [
      line(`M${left} ${y(value).toFixed(1)}H${spec.plain ? left - 4 : right}`, "kw-c8", 1),
      tick(left - 6, y(value) + 3.5, rows.labels[i]!, "end"),
    ]),
    line(`M${left} ${bottom}H${right}`, "kw-c5", 1),
    titleOf(spec.y.name, rows.common, 4, top - 9, heading, "start"),
  ];
  if (!spec.bare)
    nodes.push(
      ...columns.values.map((value, i) =>
        tick(within(x(value), columns.labels[i]!, width), bottom + 14, columns.labels[i]!),
      ),
      titleOf(spec.x.name, columns.common, (left + right) / 2, bottom + 29 + secondLine(spec.x.name, below), below),
    );
  return { x, y, left, right, top, bottom, nodes };
}
