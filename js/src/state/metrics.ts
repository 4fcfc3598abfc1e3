// The recorded training: one growing column per quantity. Rows are told apart by their step, because a snapshot may
// hold a thinned history, whose row numbers mean nothing.
import type { NumberArray } from "../protocol/codecs";
import { METRIC_COLUMNS } from "../protocol/messages";

export type Column = (typeof METRIC_COLUMNS)[number];

/** Long trainings are drawn from what is known of so many rows at a time. */
const BLOCK = 64;
/** Shorter ones are drawn with every row: a block of a short training would be many pixels wide. */
const SHORT = 4096;

/** What a drawing needs of a column, however long it is. */
interface Outline {
  /** Rows that stand for all: the extremes of every block, what can't be drawn in it, and the newest rows. */
  rows: readonly number[];
  /** Smallest and largest value that a logarithmic axis can show; 0 where there is none. */
  low: number;
  high: number;
  /** Row of the last such value, or -1. */
  last: number;
}

interface Blocks {
  rows: number[];
  /** How many rows are picked up to each block's end. */
  ends: number[];
  outline: Outline | null;
}

const drawable = (value: number): boolean => value > 0 && value < Number.POSITIVE_INFINITY;

/** Picks the rows of the next block: smallest, largest, and one that can't be drawn. */
function pick(values: Float32Array, start: number): number[] {
  let [low, high, bad] = [-1, -1, -1];
  for (let i = start; i < start + BLOCK; i++) {
    const value = values[i]!;
    if (!drawable(value)) bad = i;
    else if (low < 0) low = high = i;
    else if (value < values[low]!) low = i;
    else if (value > values[high]!) high = i;
  }
  const picked = new Set([start > 0 ? -1 : 0, low, high, bad].sort((a, b) => a - b));
  picked.delete(-1);
  return [...picked];
}

export class Metrics {
  #blocks = METRIC_COLUMNS.map((): Blocks => ({ rows: [], ends: [], outline: null }));
  #columns = METRIC_COLUMNS.map(() => new Float32Array(256));
  #length = 0;
  /** Rows that the kernel has sent so far, by its own count: what `pump` says. */
  received = 0;

  get length(): number {
    return this.#length;
  }

  column(name: Column): Float32Array {
    return this.#columns[METRIC_COLUMNS.indexOf(name)]!.subarray(0, this.#length);
  }

  /** Only rows that are new since the last call are looked at; those of complete blocks never again. */
  outline(name: Column): Outline {
    const blocks = this.#blocks[METRIC_COLUMNS.indexOf(name)]!;
    if (blocks.outline) return blocks.outline;
    const values = this.column(name);
    // The newest row is never in a block: curves end with it.
    while (values.length > SHORT && (blocks.ends.length + 1) * BLOCK < values.length) {
      blocks.rows.push(...pick(values, blocks.ends.length * BLOCK));
      blocks.ends.push(blocks.rows.length);
    }
    const rows = blocks.rows.slice();
    for (let i = blocks.ends.length * BLOCK; i < values.length; i++) rows.push(i);
    let [low, high, last] = [Number.POSITIVE_INFINITY, 0, -1];
    for (const i of rows) {
      const value = values[i]!;
      if (!drawable(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
      last = i;
    }
    blocks.outline = { rows, low: last < 0 ? 0 : low, high, last };
    return blocks.outline;
  }

  /** Forgets what was picked of rows that are there no more. */
  #cut(): void {
    const whole = Math.floor(Math.max(0, this.#length - 1) / BLOCK);
    for (const blocks of this.#blocks) {
      blocks.outline = null;
      if (this.#length <= SHORT) blocks.ends.length = blocks.rows.length = 0;
      if (blocks.ends.length <= whole) continue;
      blocks.ends.length = whole;
      blocks.rows.length = blocks.ends.at(-1) ?? 0;
    }
  }

  clear(): void {
    this.#length = 0;
    this.received = 0;
    this.#cut();
  }

  /** Takes over a snapshot's history, unless the rows here end at the same step: then they are as new and less thinned. */
  restore(rows: NumberArray | undefined, recorded?: number): void {
    const n = rows?.shape[0] ?? 0;
    const last = rows && n > 0 ? rows.values[(n - 1) * METRIC_COLUMNS.length] : undefined;
    const current = this.#length >= n && this.#length > 0 && this.#columns[0]![this.#length - 1] === last;
    if (!current) {
      this.clear();
      this.add(rows, 0);
    }
    this.received = recorded ?? Math.max(this.received, n);
  }

  /** Adds rows; rows known already, and later ones, are replaced. */
  add(rows: NumberArray | undefined, first: number): void {
    const width = METRIC_COLUMNS.length;
    const n = rows && rows.shape[1] === width ? (rows.shape[0] ?? 0) : 0;
    this.received = first + n;
    if (!rows || n === 0) return;
    const start = rows.values[0]!;
    const steps = this.#columns[0]!;
    while (this.#length > 0 && steps[this.#length - 1]! >= start) this.#length -= 1;
    this.#cut();
    this.#reserve(this.#length + n);
    for (let i = 0; i < n; i++)
      for (let c = 0; c < width; c++) this.#columns[c]![this.#length + i] = rows.values[i * width + c]!;
    this.#length += n;
  }

  #reserve(size: number): void {
    let capacity = this.#columns[0]!.length;
    if (size <= capacity) return;
    while (capacity < size) capacity *= 2;
    this.#columns = this.#columns.map((old) => {
      const grown = new Float32Array(capacity);
      grown.set(old);
      return grown;
    });
  }
}
