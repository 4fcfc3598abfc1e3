// Handles for the coefficients of the selected edge's spline: dragged by hand or moved by arrow keys, with the errors
// before and after.

import type { Axes } from "../plot/axes";
import { keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import { graph } from "../state/graph";
import { number } from "../text/format";
import { attrs, h, s, setChildren, setText } from "../ui/dom";
import { onKey } from "../ui/keys";
import type { Registry } from "../ui/listeners";
import { type Curve, Drag } from "./drag";

/** Axes with their range of values. */
type Plot = Axes & { range: [number, number] };

/** With more intervals only the handles near the pointer are shown. */
const FEW = 30;
const NEAR = 3;
/** Two arrows, up and down: no data point looks like that. */
const ARROWS = "M-4.5 -2.5L0 -8L4.5 -2.5ZM-4.5 2.5L0 8L4.5 2.5Z";
/** Radius of a pointer target of 24 px. */
const REACH = 12;

export class Handles {
  readonly node = s("svg", { class: "kw-handles", role: "group" });
  /** The errors, shown instead of the legend: over the plot they would hide the curve. */
  readonly live = h("div", { class: "kw-row kw-live kw-fine", "aria-hidden": "true", hidden: true });
  readonly note = h("p", { class: "kw-more kw-dim kw-fine", hidden: true });
  readonly toggle: HTMLElement;
  readonly #drag: Drag;
  #box = h("input", { type: "checkbox", "data-kw-toggle": "handles" });
  #parts = new Map<number, SVGGElement>();
  #plot: Plot | null = null;
  #curve: Curve | null = null;
  /** Start of a pointer gesture, and the plot at that moment. */
  #grip: { from: number | null; plot: Plot } | null = null;
  /** Index of the handle with the tab stop. */
  #cursor = 0;
  #pointer: number | null = null;

  constructor(
    private readonly context: Context,
    registry: Registry,
    stage: HTMLElement,
    redraw: () => void,
  ) {
    this.#drag = new Drag(context, registry, redraw);
    const title = "Coefficients of the spline: drag them";
    this.toggle = h("label", { class: "kw-row", title }, this.#box, "handles");
    const { node } = this;
    registry.listen(this.#box, "change", redraw);
    registry.listen(node, "pointerdown", (event) => this.#down(event as PointerEvent));
    registry.listen(node, "pointermove", (event) => this.#move(event as PointerEvent));
    for (const type of ["pointerup", "pointercancel", "lostpointercapture"])
      registry.listen(node, type, () => this.#drag.end());
    onKey(registry, node, (event) => this.#key(event));
    registry.listen(node, "keyup", (event) => {
      if ((event as KeyboardEvent).key.startsWith("Arrow")) this.#drag.end();
    });
    // On the stage: an SVG element with focus listeners would become a tab stop of its own.
    registry.listen(stage, "focusout", () => this.#drag.end());
    registry.listen(stage, "focusin", (event) => {
      this.#cursor = indexAt(event.target) ?? this.#cursor;
      this.#layout();
    });
    registry.listen(stage, "pointermove", (event) => this.#hover(event.clientX - node.getBoundingClientRect().left));
    registry.listen(stage, "pointerleave", () => this.#hover(null));
  }

  /** The reason for an edge without handles; empty for an edge with handles. */
  get #missing(): string {
    const { structure, selection } = this.context.store.state;
    const state = graph(structure).edges.get(keyText(selection.edges[0] ?? []))?.state;
    if (state === "symbolic") return "A formula has no handles: go back to the spline to drag its curve.";
    if (state === "levels") return "The values of words have no handles.";
    return state === "pruned" ? "A pruned edge has no handles. Restore it first." : "";
  }

  get #enabled(): boolean {
    return this.#box.checked && this.context.act.hasKernel && !this.#missing && this.#drag.points !== null;
  }

  /** Positions of the first and last handle, which lie outside the grid; null without handles. */
  get span(): [number, number] | null {
    const xs = this.#enabled ? this.#drag.points![0] : null;
    return xs && xs.length > 0 ? [xs[0]!, xs.at(-1)!] : null;
  }

  /** The range of values, constant during a gesture. */
  get lockedRange(): [number, number] | null {
    return this.#drag.gesture && this.#grip ? this.#grip.plot.range : null;
  }

  /** The curve with the dragged coefficients. */
  adjust(curve: Curve): Curve {
    if (this.#drag.settle()) this.#cursor = (this.#drag.points?.[0].length ?? 0) >> 1;
    return this.#drag.adjust(curve);
  }

  /** Heights of the handles: values of the whole function, not of its spline part. */
  heights(curve: Curve): number[] {
    const [xs, values] = [this.#drag.points?.[0], this.#drag.values()];
    if (!this.#enabled || !xs || !values || !curve.spline) return [];
    const first = curve.xs[0]!;
    const step = (curve.xs.at(-1)! - first) / (curve.xs.length - 1) || 1;
    return Array.from(values, (value, i) => {
      const at = clamp(Math.round((xs[i]! - first) / step), 0, curve.xs.length - 1);
      return value + curve.ys[at]! - curve.spline![at]!;
    });
  }

  draw(plot: Plot | null, curve: Curve | null): void {
    this.#plot = plot;
    this.#curve = curve;
    const { act, store } = this.context;
    const available = store.state.selection.edges.length > 0 && act.hasKernel;
    this.toggle.hidden = !available || this.#missing !== "";
    setText(this.note, available && this.#box.checked ? this.#missing : "");
    this.note.hidden = !this.note.textContent;
    this.#layout();
    this.#showErrors();
  }

  /** Moves the handles. Elements are reused, so that pointer capture and focus survive. */
  #layout(): void {
    const [plot, values] = [this.#plot, this.#drag.values()];
    const heights = plot && this.#curve ? this.heights(this.#curve) : [];
    attrs(this.node, { "aria-label": "Handles: left and right go to the next, up and down move it" });
    const indices = heights.length > 0 ? this.#visible(plot!) : [];
    const parts = indices.map((i) => {
      const part = this.#part(i);
      this.#put(part, i, values!, plot!, heights[i]!);
      return part;
    });
    setChildren(this.node, parts);
  }

  #put(part: SVGElement, i: number, values: Float32Array, plot: Plot, height: number): void {
    const x = this.#drag.points![0][i]!;
    const cx = clamp(plot.x(x), plot.left, plot.right).toFixed(1);
    const cy = clamp(plot.y(height), plot.top, plot.bottom).toFixed(1);
    const [reach, arrows] = part.children;
    attrs(reach!, { cx, cy });
    attrs(arrows!, { transform: `translate(${cx} ${cy})` });
    attrs(part, {
      tabindex: i === this.#cursor ? 0 : -1,
      "data-held": this.#drag.gesture?.index === i,
      "aria-label": `coefficient ${i} of 0 to ${values.length - 1}, at ${number(x)}`,
      "aria-valuemin": Number(Math.min(values[i]!, plot.range[0]).toPrecision(4)),
      "aria-valuemax": Number(Math.max(values[i]!, plot.range[1]).toPrecision(4)),
      "aria-valuenow": Number(values[i]!.toPrecision(4)),
      "aria-valuetext": number(values[i]),
    });
  }

  #part(index: number): SVGGElement {
    let part = this.#parts.get(index);
    if (!part) {
      part = s(
        "g",
        { class: "kw-handle", role: "slider", "aria-orientation": "vertical", "data-kw-handle": index },
        s("circle", { class: "kw-reach", r: REACH }),
        s("path", { class: "kw-solid", d: ARROWS, "stroke-width": 1.5 }),
      );
      this.#parts.set(index, part);
    }
    return part;
  }

  /** Handles of an old grid may lie far from the data: these are the ones within the plot. */
  #within({ x, left, right }: Plot): number[] {
    const xs = this.#drag.points![0];
    return Array.from(xs, (_, i) => i).filter((i) => x(xs[i]!) >= left - REACH && x(xs[i]!) <= right + REACH);
  }

  #visible(plot: Plot): number[] {
    const { x } = plot;
    const xs = this.#drag.points![0];
    const all = this.#within(plot);
    if (!all.includes(this.#cursor)) this.#cursor = all[all.length >> 1] ?? 0;
    if (xs.length - this.#drag.k <= FEW) return all;
    const near = this.#pointer === null ? -1 : nearest(all, (i) => Math.abs(x(xs[i]!) - this.#pointer!));
    const draggedIndex = this.#drag.gesture?.index;
    return all.filter((i) => i === draggedIndex || i === this.#cursor || (near >= 0 && Math.abs(i - near) <= NEAR));
  }

  #hover(x: number | null): void {
    if (this.#drag.gesture) return;
    this.#pointer = x;
    if ((this.#drag.points?.[0].length ?? 0) - this.#drag.k > FEW) this.#layout();
  }

  #down(event: PointerEvent): void {
    if (event.button !== 0 || indexAt(event.target) === null) return;
    // Targets of close handles overlap: the nearest handle counts.
    const box = this.node.getBoundingClientRect();
    const elements = [...this.node.children] as SVGElement[];
    const distance = (item: Element) => {
      const [cx, cy] = center(item);
      return Math.hypot(cx - (event.clientX - box.left), cy - (event.clientY - box.top));
    };
    const part = elements[nearest(elements, distance)]!;
    part.focus({ preventScroll: true });
    this.#begin(indexAt(part)!, event.clientY);
    part.setPointerCapture?.(event.pointerId);
    event.preventDefault();
  }

  #begin(index: number, from: number | null): void {
    this.#cursor = index;
    this.#grip = { from, plot: this.#plot! };
    this.#drag.begin(index);
  }

  #move(event: PointerEvent): void {
    const { gesture } = this.#drag;
    if (!gesture || !this.#grip || this.#grip.from === null) return;
    const { range, bottom, top } = this.#grip.plot;
    this.#drag.set(gesture.start + ((this.#grip.from - event.clientY) * (range[1] - range[0])) / (bottom - top));
  }

  #key(event: KeyboardEvent): boolean {
    const index = indexAt(event.target);
    if (index === null) return false;
    const side = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const climb = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (side) {
      this.#drag.end();
      const all = this.#plot && this.#drag.points ? this.#within(this.#plot) : [index];
      this.#cursor = clamp(index + side, all[0] ?? index, all.at(-1) ?? index);
      this.#layout();
      this.#part(this.#cursor).focus({ preventScroll: true });
    } else if (climb) {
      if (!this.#drag.gesture) this.#begin(index, null);
      const { gesture } = this.#drag;
      if (!gesture) return false;
      const [low, high] = this.#grip!.plot.range;
      this.#drag.set(gesture.value + climb * (high - low) * (event.shiftKey ? 0.002 : 0.02));
    } else if (event.key === "Escape" && this.#drag.gesture) {
      this.#drag.set(this.#drag.gesture.start);
      this.#drag.end();
    } else return false;
    return true;
  }

  /** Shows the errors before and during the gesture. */
  #showErrors(): void {
    const { gesture } = this.#drag;
    this.live.hidden = !gesture;
    this.context.ui.set("dragging", gesture !== null);
    if (!gesture) return;
    const { status, settings } = this.context.store.state;
    const rows = (["train", "test"] as const).map((name) =>
      status[name] === null
        ? null
        : h("span", {}, `${name} ${number(gesture.initialErrors[name])} → `, h("b", {}, number(status[name]))),
    );
    this.live.replaceChildren(h("b", {}, settings.loss), ...rows.filter((item) => item !== null));
  }
}

/** Center of a handle. */
const center = ({ firstElementChild }: Element): [number, number] =>
  ["cx", "cy"].map((name) => Number(firstElementChild!.getAttribute(name))) as [number, number];

function indexAt(target: EventTarget | null): number | null {
  const index = (target as Element).closest("[data-kw-handle]")?.getAttribute("data-kw-handle");
  return index ? Number(index) : null;
}

const clamp = (value: number, low: number, high: number): number => Math.max(low, Math.min(high, value));

/** Index of the item with the smallest distance. */
function nearest<T>(all: readonly T[], distance: (item: T) => number): number {
  let [best, smallest] = [0, Number.POSITIVE_INFINITY];
  for (const [i, item] of all.entries()) {
    const gap = distance(item);
    if (gap < smallest) [best, smallest] = [i, gap];
  }
  return best;
}
