// Two axes with ticks and titles.

import { power, tickLabels } from "../text/format";
import { cutTo } from "../text/names";
import { line, s, tick } from "../ui/dom";
import { decades, fineDecades, linear, log, type Scale, ticks } from "./scales";
import type { Size } from "./stage";

interface AxisSpec {
  range: [number, number];
  name: string;
  log?: boolean;
}
interface AxesSpec {
  x: AxisSpec;
  y: AxisSpec;
  /** Margins for ticks and titles. */
  right?: number;
  bottom?: number;
  top?: number;
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

/** Ticks of an axis with their labels, the common part of the labels, and their width. */
export function marksOf([low, high]: readonly [number, number], count: number, byDecade = false) {
  const powers = byDecade ? decades(low, high, count) : [];
  const whole = byDecade && powers.length < 2 ? fineDecades(low, high) : powers;
  // Within one decade round values are used: a single tick shows no scale.
  const few = whole.length > 1 ? whole : ticks(low, high, count);
  const values = few.length > 1 ? few : ticks(low, high, 2 * count);
  const { labels, common } = powers.length > 1 ? { labels: values.map(power), common: "" } : tickLabels(values);
  return { values, labels, common, room: 14 + 6.2 * Math.max(3, ...labels.map((text) => text.length)) };
}

/** Title of an axis, cut to fit, with the common part of its tick labels. */
export function titleOf(name: string, common: string, x: number, y: number, room: number, anchor?: string): SVGElement {
  const text = cutTo(name, room);
  const node = tick(x, y, text && common ? `${text} (${common})` : text || common, anchor);
  if (text !== name) node.append(s("title", {}, name));
  return node;
}

/** The middle of a label below its tick, moved inwards where the border would cut it off. */
function within(x: number, label: string, width: number): number {
  const half = 3.1 * label.length + 1;
  return Math.max(half, Math.min(width - half, x));
}

export function axes({ width, height }: Size, spec: AxesSpec): Axes {
  const bottom = height - (spec.bottom ?? 36);
  const right = width - (spec.right ?? 12);
  const rows = marksOf(spec.y.range, Math.max(3, (bottom - (spec.top ?? 20)) / 28), spec.y.log);
  const top = spec.top ?? (spec.y.name || rows.common ? 20 : 8);
  const left = Math.max(rows.room, spec.left ?? 0);
  const columns = marksOf(spec.x.range, Math.max(2, (right - left) / 62), spec.x.log);
  const x = (spec.x.log ? log : linear)(...spec.x.range, left, right);
  const y = (spec.y.log ? log : linear)(...spec.y.range, bottom, top);
  const nodes: SVGElement[] = [
    ...rows.values.flatMap((value, i) => [
      line(`M${left} ${y(value).toFixed(1)}H${spec.plain ? left - 4 : right}`, "kw-c8", 1),
      tick(left - 6, y(value) + 3.5, rows.labels[i]!, "end"),
    ]),
    line(`M${left} ${bottom}H${right}`, "kw-c5", 1),
    titleOf(spec.y.name, rows.common, 4, top - 9, right / 2, "start"),
  ];
  if (!spec.bare)
    nodes.push(
      ...columns.values.map((value, i) =>
        tick(within(x(value), columns.labels[i]!, width), bottom + 14, columns.labels[i]!),
      ),
      titleOf(spec.x.name, columns.common, (left + right) / 2, bottom + 29, right - left),
    );
  return { x, y, left, right, top, bottom, nodes };
}
