// Scales, ticks and paths: pure functions from numbers to numbers and text.

export type Scale = (value: number) => number;

export function linear(d0: number, d1: number, r0: number, r1: number): Scale {
  const slope = d1 === d0 ? 0 : (r1 - r0) / (d1 - d0);
  const start = d1 === d0 ? (r0 + r1) / 2 : r0;
  return (value) => start + (value - d0) * slope;
}

export function log(d0: number, d1: number, r0: number, r1: number): Scale {
  const inner = linear(Math.log10(d0), Math.log10(d1), r0, r1);
  return (value) => inner(Math.log10(value));
}

/** Round values between `low` and `high`, about `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low: number, high: number, count: number): number[] {
  if (!(high > low) || count < 1) return [low];
  const rough = (high - low) / count;
  const base = 10 ** Math.floor(Math.log10(rough));
  const step = base * ([1, 2, 5, 10].find((m) => base * m >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toFixed(digits)));
}

/** Powers of ten between `low` and `high`, thinned to about `count`. */
export function decades(low: number, high: number, count: number): number[] {
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const stride = Math.max(1, Math.ceil((last - first + 1) / Math.max(1, count)));
  const powers: number[] = [];
  for (let e = first; e <= last; e++) if ((last - e) % stride === 0) powers.push(10 ** e);
  return powers;
}

/** 1, 2 and 5 times the powers of ten between two values. */
export function fineDecades(low: number, high: number): number[] {
  const base = 10 ** Math.floor(Math.log10(low));
  const all = [1, 10, 100, 1000].flatMap((ten) => [1, 2, 5].map((m) => Number((m * ten * base).toPrecision(2))));
  return all.filter((value) => value >= low && value <= high);
}

/** Smallest and largest finite value; `[0, 1]` when there is none, never a point. */
export function extent(values: Iterable<number>): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const v of values) {
    if (!Number.isFinite(v)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (low > high) return [0, 1];
  // A constant curve would fill the plot with rounding noise: give it room on both sides.
  const smallest = Math.max(1e-9, 1e-6 * Math.max(Math.abs(low), Math.abs(high)));
  return high - low < smallest ? [low - (Math.abs(low) || 1) / 2, high + (Math.abs(high) || 1) / 2] : [low, high];
}

export const padded = ([low, high]: [number, number], part = 0.06): [number, number] => {
  const pad = (high - low) * part;
  return [low - pad, high + pad];
};

const round = (v: number): number => Math.round(v * 10) / 10;

/** A path through points, broken where a value is not finite. Values far outside are clamped: huge ones stall a browser. */
export function path(xs: ArrayLike<number>, ys: ArrayLike<number>, x: Scale, y: Scale): string {
  let d = "";
  let pen = "M";
  for (let i = 0; i < xs.length; i++) {
    const px = x(xs[i]!);
    const py = y(ys[i]!);
    if (!Number.isFinite(px) || !Number.isFinite(py)) {
      pen = "M";
      continue;
    }
    d += `${pen}${round(px)} ${round(Math.max(-5000, Math.min(5000, py)))}`;
    pen = "L";
  }
  return d;
}

/**
 * Indices that draw like all points on `pixels` columns: first, lowest, highest and last of each column. A hundred
 * thousand steps then cost as much as a thousand. `rows` restricts the indices.
 */
export function decimate(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  pixels: number,
  rows?: readonly number[],
): number[] {
  const n = rows?.length ?? Math.min(xs.length, ys.length);
  const row = (i: number): number => (rows ? rows[i]! : i);
  if (n <= pixels * 4) return Array.from({ length: n }, (_, i) => row(i));
  const x0 = xs[row(0)]!;
  const width = (xs[row(n - 1)]! - x0) / pixels || 1;
  const columnOf = (i: number): number => Math.floor((xs[row(i)]! - x0) / width);
  const indices: number[] = [];
  let start = 0;
  let column = columnOf(0);
  while (start < n) {
    const current = column;
    let end = start;
    let low = row(start);
    let high = low;
    do {
      const at = row(end);
      if (!(ys[at]! >= ys[low]!)) low = at;
      if (!(ys[at]! <= ys[high]!)) high = at;
      end++;
      column = end < n ? columnOf(end) : Number.NaN;
    } while (column === current);
    for (const i of new Set([row(start), Math.min(low, high), Math.max(low, high), row(end - 1)])) indices.push(i);
    start = end;
  }
  return indices;
}

/** Index of the last value ≤ `value` in an increasing array (0 when all are larger). */
export function bisect(values: ArrayLike<number>, value: number): number {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (values[middle]! <= value) low = middle;
    else high = middle - 1;
  }
  return low;
}
