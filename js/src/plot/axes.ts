// What the plots of the data tabs share: a stage with a readout, and two axes with ticks and titles.

import type { UiState } from "../state/ui-state";
import { power, tickLabels } from "../text/format";
import { cut as shorten } from "../text/names";
import { attrs, h, line, renew, s, setText, tick } from "../ui/dom";
import type { Registry } from "../ui/listeners";
import { decades, linear, log, type Scale, ticks } from "./scales";

export interface Size {
  width: number;
  height: number;
}

/** A drawing that fills its place, and what is read under the pointer. */
export class Stage {
  #drawing = s("g");
  /** Through the place that is pointed at. */
  readonly cross = line("", "kw-c6", 1);
  #ring = s("circle", { class: "kw-p kw-float", "stroke-width": 2 });
  readonly svg = s("svg", { role: "img" }, this.#drawing, this.cross, this.#ring);
  size: Size = { width: 420, height: 220 };
  #empty = h("p", { class: "kw-empty kw-dim" });
  #readout = h("div", { class: "kw-readout kw-box kw-pop kw-fine", "aria-hidden": "true", hidden: true });
  readonly node = h("div", { class: "kw-stage kw-fill" }, this.svg, this.#empty, this.#readout);

  #at: [number, number] = [Number.NaN, Number.NaN];
  readonly #point: (x: number, y: number) => void;

  constructor(ui: UiState, registry: Registry, point: (x: number, y: number) => void = () => {}) {
    this.#point = point;
    registry.resize(this.node, (width, height) => {
      this.size = { width: Math.floor(width), height: Math.floor(height) };
      ui.touch("size");
    });
    registry.listen(this.svg, "pointermove", (event) => {
      const box = this.svg.getBoundingClientRect();
      this.point([event.clientX - box.left, event.clientY - box.top]);
    });
    registry.listen(this.svg, "pointerleave", () => this.point([Number.NaN, Number.NaN]));
  }

  /** Says what is under the pointer: when it moves, and when something else has come there. */
  point(at = this.#at): void {
    this.#at = at;
    this.#point(...at);
  }

  /** Draws, or says in words why there is nothing to draw. */
  show(label: string, children: Element[], missing = ""): void {
    const { width, height } = this.size;
    attrs(this.svg, { width, height, viewBox: `0 0 ${width} ${height}`, "aria-label": label || missing });
    renew(this.#drawing, children);
    setText(this.#empty, missing);
    this.#empty.hidden = !missing;
  }

  /** Says something beside a place, with a ring around it; nothing without lines. */
  read(x: number, y: number, lines: (string | Element)[], r = 0): void {
    const box = this.#readout;
    box.hidden = lines.length === 0;
    attrs(this.#ring, { cx: x, cy: y, r });
    if (box.hidden) return;
    box.replaceChildren(...lines.map((one, i) => h(i > 0 ? "span" : "b", {}, one)));
    const { width, height } = this.size;
    const right = x > width / 2;
    const top = Math.max(0, Math.min(y - 12, height - 12 - 16 * lines.length));
    box.style.cssText = `top:${top}px;${right ? `right:${width - x + 12}` : `left:${x + 12}`}px`;
  }
}

interface AxisSpec {
  range: [number, number];
  name: string;
}
interface AxesSpec {
  x: AxisSpec;
  y: AxisSpec & { log?: boolean };
  /** Room at the right, and below for ticks and title. */
  right?: number;
  bottom?: number;
  top?: number;
  /** Leaves out the labels below: another plot with the same axis has them. */
  bare?: boolean;
  left?: number;
  /** No lines across. */
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

const cut = (name: string, pixels: number): string => {
  const text = shorten(name, Math.max(6, Math.floor(pixels / 6)));
  // What is cut off must not take the end of the isolation along.
  return /\u2068[^\u2069]*$/.test(text) ? `${text}\u2069` : text;
};

/** Ticks of an axis as they are written, what all of them share, and the room that they take. */
export function marksOf([low, high]: readonly [number, number], count: number, byDecade = false) {
  const whole = byDecade ? decades(low, high, count) : [];
  // Within one decade there are round values enough; a scale can't be read off a single one.
  const few = whole.length > 1 ? whole : ticks(low, high, count);
  const values = few.length > 1 ? few : ticks(low, high, 2 * count);
  const { labels, common } = whole.length > 1 ? { labels: values.map(power), common: "" } : tickLabels(values);
  return { values, labels, common, room: 14 + 6.2 * Math.max(3, ...labels.map((text) => text.length)) };
}

/** The name of an axis, cut where it is long, and what its ticks have in common. */
function titleOf(name: string, common: string, x: number, y: number, room: number, anchor?: string): SVGElement {
  const text = cut(name, room);
  const node = tick(x, y, text && common ? `${text} (${common})` : text || common, anchor);
  if (text !== name) node.append(s("title", {}, name));
  return node;
}

export function axes({ width, height }: Size, spec: AxesSpec): Axes {
  const bottom = height - (spec.bottom ?? 36);
  const right = width - (spec.right ?? 12);
  const rows = marksOf(spec.y.range, Math.max(3, (bottom - (spec.top ?? 20)) / 28), spec.y.log);
  const top = spec.top ?? (spec.y.name || rows.common ? 20 : 8);
  const left = Math.max(rows.room, spec.left ?? 0);
  const columns = marksOf(spec.x.range, Math.max(2, (right - left) / 62));
  const x = linear(...spec.x.range, left, right);
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
      ...columns.values.map((value, i) => tick(x(value), bottom + 14, columns.labels[i]!)),
      titleOf(spec.x.name, columns.common, (left + right) / 2, bottom + 29, right - left),
    );
  return { x, y, left, right, top, bottom, nodes };
}

/** A labelled list of choices; `set` renews both. */
export function chooser(name: string, label: string, registry: Registry, choose: (value: number) => void) {
  const select = h("select", { class: "kw-box kw-input kw-fill", "data-kw-control": name });
  const node = h("label", { class: "kw-row kw-choice" }, h("span", {}, label), select);
  registry.listen(select, "change", () => choose(Number(select.value)));
  let known = "";
  const set = (options: [number, string][], value: number) => {
    const now = JSON.stringify(options);
    if (now !== known)
      select.replaceChildren(...options.map(([key, text]) => h("option", { value: key }, cut(text, 240))));
    known = now;
    select.value = String(value);
    select.dataset.kwValue = select.value;
    node.hidden = options.length < 2;
  };
  return { node, set };
}
