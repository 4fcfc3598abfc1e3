// The recorded training: one growing column per quantity. Rows are told apart by their step, because a snapshot may
// hold a thinned history, whose row numbers mean nothing.
import type { NumberArray } from "./codecs";
import { METRIC_COLUMNS } from "./protocol";

export type Column = (typeof METRIC_COLUMNS)[number];

export class Metrics {
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

  clear(): void {
    this.#length = 0;
    this.received = 0;
  }

  /** Takes over a snapshot's history, unless the rows here end at the same step: then they are as new and less thinned. */
  restore(rows: NumberArray | undefined, recorded?: number): void {
    const n = rows?.shape[0] ?? 0;
    const last = rows && n > 0 ? rows.values[(n - 1) * METRIC_COLUMNS.length] : undefined;
    const same = this.#length >= n && this.#length > 0 && this.#columns[0]![this.#length - 1] === last;
    if (!same) {
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
