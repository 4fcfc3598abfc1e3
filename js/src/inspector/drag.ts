// Dragging a coefficient of the selected edge. The curve follows at once, by the spline's own basis; the kernel receives
// at most one message a screen refresh, and a last one that commits.

import { row } from "../protocol/codecs";
import type { Status } from "../protocol/messages";
import { keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import type { Registry } from "../ui/listeners";
import { basis, extendKnots } from "./spline-basis";

export interface Curve {
  xs: Float32Array;
  ys: Float32Array;
  base: Float32Array | null;
  spline: Float32Array | null;
  /** Two standard errors of the function, where the data say them. */
  band: Float32Array | null;
}

interface Gesture {
  readonly index: number;
  readonly start: number;
  /** Version of the structure that the edge's key refers to. */
  readonly version: number | undefined;
  value: number;
  /** Errors of the network before the gesture. */
  readonly initialErrors: Pick<Status, "train" | "test">;
  sent: { value: number; seq: number; at: number } | null;
}

/** Longest wait for an acknowledgement before the next message. */
const PATIENCE_MS = 200;
/** Time for which a committed value is shown after its acknowledgement. */
const KEEP_MS = 400;

export class Drag {
  gesture: Gesture | null = null;
  /** Committed values that the kernel has not sent back yet. */
  #waiting = new Map<number, { value: number; seq: number }>();
  #edge = "";
  #version: number | undefined;
  #count = 0;
  #loop: (() => void) | null = null;

  constructor(
    private readonly context: Context,
    private readonly registry: Registry,
    private readonly redraw: () => void,
  ) {}

  /** Greville abscissae and coefficients of the last message. */
  get points(): [Float32Array, Float32Array] | null {
    const array = this.context.store.state.detail.get("handles");
    const [xs, values] = [row(array, 0), row(array, 1)];
    return xs && values ? [xs, values] : null;
  }

  get k(): number {
    const { selection, structure } = this.context.store.state;
    return selection.k ?? structure.k;
  }

  /** Drops values of another edge or grid, and values that the kernel has confirmed; true for another edge or grid. */
  settle(): boolean {
    const { selection, structure } = this.context.store.state;
    const edge = keyText(selection.edges[0] ?? []);
    const values = this.points?.[1];
    const switched = edge !== this.#edge || structure.version !== this.#version;
    const changed = switched || (values !== undefined && values.length !== this.#count);
    if (changed) {
      this.#edge = edge;
      this.#version = structure.version;
      this.#count = values?.length ?? 0;
      this.gesture = null;
      this.#waiting.clear();
    }
    for (const [index, { value }] of this.#waiting)
      if (values && Math.abs(values[index]! - value) <= 1e-6 * (1 + Math.abs(value))) this.#waiting.delete(index);
    return changed;
  }

  /** The coefficients to draw. */
  values(): Float32Array | null {
    const values = this.points?.[1].slice() ?? null;
    if (!values) return null;
    for (const [index, { value }] of this.#waiting) values[index] = value;
    if (this.gesture) values[this.gesture.index] = this.gesture.value;
    return values;
  }

  /** The curve with the dragged coefficients. */
  adjust(curve: Curve): Curve {
    const [sent, current] = [this.points?.[1], this.values()];
    if (!sent || !current) return curve;
    const { detail } = this.context.store.state;
    let { ys, spline } = curve;
    for (const [index, value] of current.entries()) {
      const change = value - sent[index]!;
      if (!change) continue;
      const knots = detail.get("full_knots")?.values ?? extendKnots(detail.get("knots")?.values ?? [], this.k);
      const column = basis(curve.xs, knots, this.k, index);
      const add = (v: number, i: number) => v + change * column[i]!;
      [ys, spline] = [ys.map(add), spline?.map(add) ?? null];
    }
    return { ...curve, ys, spline };
  }

  begin(index: number): void {
    const start = this.values()?.[index];
    // Right after a selection the coefficients of the new edge have not arrived yet.
    if (start === undefined) return;
    const { status, structure } = this.context.store.state;
    const { train, test } = status;
    const { version } = structure;
    this.#waiting.delete(index);
    this.gesture = { index, start, version, value: start, initialErrors: { train, test }, sent: null };
    this.redraw();
  }

  /** Ends a gesture that began on another structure, without a message: its key now means another edge. */
  #drop(): void {
    if (this.gesture && this.gesture.version !== this.context.store.state.structure.version) this.gesture = null;
  }

  set(value: number): void {
    this.#drop();
    if (!this.gesture || value === this.gesture.value) return;
    this.gesture.value = value;
    this.redraw();
    this.#loop ??= this.registry.frame(() => this.#send());
  }

  /** Waits for the acknowledgement while the kernel is slower than the screen. */
  #send(): void {
    this.#loop = null;
    this.#drop();
    const { gesture } = this;
    if (!gesture || gesture.value === (gesture.sent?.value ?? gesture.start)) return;
    const { sent } = gesture;
    if (!sent || this.context.store.lastAck >= sent.seq || Date.now() - sent.at > PATIENCE_MS)
      this.#message(gesture, false);
    else this.#loop = this.registry.frame(() => this.#send());
  }

  #message(gesture: Gesture, commit: boolean): number {
    const { index, value } = gesture;
    const edge = this.#edge.split("-").map(Number);
    // The kernel refuses an index of another grid.
    const grid = this.#count - this.k;
    const seq = this.context.act.send({ kind: "drag", edge, index, value, commit, grid }) ?? -1;
    gesture.sent = { value, seq, at: Date.now() };
    return seq;
  }

  end(): void {
    this.#drop();
    const { gesture } = this;
    if (!gesture) return;
    this.gesture = null;
    if (gesture.sent || gesture.value !== gesture.start) {
      const seq = this.#message(gesture, true);
      this.#waiting.set(gesture.index, { value: gesture.value, seq });
      this.#forget(gesture.index, seq);
    }
    this.redraw();
  }

  /** Drops a committed value that the kernel has refused or changed. */
  #forget(index: number, seq: number): void {
    this.registry.timeout(() => {
      if (this.#waiting.get(index)?.seq !== seq) return;
      const { store, act } = this.context;
      if (store.lastAck < seq && act.hasKernel) return this.#forget(index, seq);
      this.#waiting.delete(index);
      this.redraw();
    }, KEEP_MS);
  }
}
