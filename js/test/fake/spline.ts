// Cubic B-splines, so that the stand-in's curves look and move like those of a real network.

/** Values of the basis functions of degree `k` on a uniform grid of `g` intervals over [low, high]. */
export function basis(x: number, g: number, low: number, high: number, k = 3): Float64Array {
  const step = (high - low) / g;
  const knot = (i: number) => low + (i - k) * step;
  let values = Float64Array.from({ length: g + 2 * k }, (_, i) => (x >= knot(i) && x < knot(i + 1) ? 1 : 0));
  if (x >= high) values.fill(0).fill(1, g + k - 1, g + k);
  for (let d = 1; d <= k; d++) {
    values = Float64Array.from({ length: g + 2 * k - d }, (_, i) => {
      const left = ((x - knot(i)) / (d * step)) * values[i]!;
      const right = ((knot(i + d + 1) - x) / (d * step)) * values[i + 1]!;
      return left + right;
    });
  }
  return values.slice(0, g + k);
}

export class Spline {
  readonly low = -1;
  readonly high = 1;
  constructor(
    public grid: number,
    public coefficients: Float64Array,
  ) {}

  /** Takes the coefficients from a function's values at the Greville abscissae: close to it, with a spline's own ripple. */
  static of(f: (x: number) => number, grid: number): Spline {
    const points = greville(grid);
    return new Spline(grid, Float64Array.from(points, f));
  }

  at(x: number): number {
    const inside = Math.max(this.low, Math.min(this.high, x));
    const values = basis(inside, this.grid, this.low, this.high);
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[i]! * this.coefficients[i]!;
    if (x === inside) return sum;
    // Beyond the grid the spline goes on along its tangent.
    const h = 1e-3;
    const back = x > inside ? inside - h : inside + h;
    return sum + ((sum - this.at(back)) / (inside - back)) * (x - inside);
  }
}

export function greville(grid: number, k = 3): number[] {
  const step = 2 / grid;
  return Array.from({ length: grid + k }, (_, i) => -1 + (i - k) * step + ((k + 1) / 2) * step);
}

/** A small generator with a seed: the gallery looks the same every time. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** What edges learn. */
export const SHAPES: readonly ((x: number) => number)[] = [
  (x) => Math.sin(Math.PI * x),
  (x) => x * x - 0.4,
  (x) => Math.exp(x) - 1.2,
  (x) => Math.tanh(3 * x),
  (x) => 0.8 * x,
  (x) => Math.abs(x) - 0.5,
  (x) => Math.cos(2 * x) - 0.3,
  (x) => x ** 3,
  (x) => Math.exp(-4 * x * x),
  (x) => 0.5 * Math.sin(5 * x),
];
