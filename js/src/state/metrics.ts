// The records of the training: one growing column per quantity. Rows are identified by their step, because the history
// of a snapshot may be thinned.
import type { NumberArray } from "../protocol/codecs";
import { METRIC_COLUMNS } from "../protocol/messages";

export type Column = (typeof METRIC_COLUMNS)[number];

/** Rows per block; long trainings are drawn from the extremes of their blocks. */
const BLOCK = 64;
/** Shorter trainings are drawn with every row: one of their blocks would be many pixels wide. */
const SHORT = 4096;

/** The rows of a column that a drawing needs. */
interface Outline {
  /** The extremes of every block, one undrawable row of each, and the newest rows. */
  rows: readonly number[];
  /** Smallest and largest positive finite value; 0 without any. */
  low: number;
  high: number;
  /** Row of the last positive finite value, or -1. */
  last: number;
}

interface Blocks {
  rows: number[];
  /** Number of picked rows up to the end of each block. */
  ends: number[];
  outline: Outline | null;
}

const drawable = (value: number): boolean => value > 0 && value < Number.POSITIVE_INFINITY;

/** Picks rows of the next block: smallest, largest, and one that can't be drawn. */
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
  /** Number of rows up to the present step: after a return, those that it has left behind follow. */
  present = 0;
  /** Number of rows sent by the kernel, by its own count, for `pump`. */
  received = 0;

  get length(): number {
    return this.#length;
  }

  column(name: Column): Float32Array {
    return this.#columns[METRIC_COLUMNS.indexOf(name)]!.subarray(0, this.#length);
  }

  /** Cached: only new rows are read, and rows of complete blocks never again. */
  outline(name: Column): Outline {
    const blocks = this.#blocks[METRIC_COLUMNS.indexOf(name)]!;
    if (blocks.outline) return blocks.outline;
    const values = this.column(name);
    // The newest row is not part of a block: curves end with it.
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

  /** Drops picked rows beyond the current length. */
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
    this.#length = this.present = this.received = 0;
    this.#cut();
  }

  /** Takes over the history of a snapshot, unless the rows end at the same step: they are less thinned then. */
  restore(rows: NumberArray | undefined, recorded?: number, later?: NumberArray): void {
    const n = rows?.shape[0] ?? 0;
    const last = rows && n > 0 ? rows.values[(n - 1) * METRIC_COLUMNS.length] : undefined;
    const { present } = this;
    const current = present >= n && present > 0 && this.#columns[0]![present - 1] === last;
    if (!current) {
      this.clear();
      this.add(rows, 0);
    }
    this.received = recorded ?? Math.max(this.received, n);
    this.addLater(later);
  }

  /** Adds rows; replaces rows from the first new step on. */
  add(rows: NumberArray | undefined, first: number): void {
    const n = rows?.shape[0] ?? 0;
    this.#append(rows);
    this.received = first + n;
    if (n > 0) this.present = this.#length;
  }

  /** Puts the rows that a return has left behind after the present one, in place of earlier ones. */
  addLater(rows: NumberArray | undefined): void {
    this.#length = this.present;
    this.#cut();
    this.#append(rows);
  }

  #append(rows: NumberArray | undefined): void {
    const width = METRIC_COLUMNS.length;
    const n = rows && rows.shape[1] === width ? (rows.shape[0] ?? 0) : 0;
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
