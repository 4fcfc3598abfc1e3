// Records of long trainings: extremes per block.
import { describe, expect, it } from "vitest";
import { decimate } from "../../src/plot/scales";
import { type Column, Metrics } from "../../src/state/metrics";

const N = 100_000;

const value = (i: number): number => Math.exp(-i / 3e4) * (1 + 0.3 * Math.sin(i * i));

const rows = (first: number, n: number, f = value) => {
  const values = new Float32Array(n * 5);
  for (let i = 0; i < n; i++) values.set([first + i, (first + i) / 500, f(first + i), Number.NaN, 0], i * 5);
  return { values, shape: [n, 5] };
};

/** How often values are read from now on. */
const counted = (metrics: Metrics) => {
  const count = { reads: 0 };
  const column = metrics.column.bind(metrics);
  metrics.column = (name: Column) =>
    new Proxy(column(name), {
      get: (target, key) => {
        if (typeof key === "string" && /^\d+$/.test(key)) count.reads += 1;
        const found = Reflect.get(target, key, target);
        return typeof found === "function" ? found.bind(target) : found;
      },
    });
  return count;
};

const long = (): Metrics => {
  const metrics = new Metrics();
  metrics.add(rows(0, N), 0);
  return metrics;
};

describe("the outline of a long training", () => {
  it("knows the extremes, and where there is nothing to draw", () => {
    const metrics = long();
    const all = Array.from({ length: N }, (_, i) => Math.fround(value(i)));
    const { low, high, last } = metrics.outline("train");
    expect([low, high, last]).toEqual([
      all.reduce((a, b) => Math.min(a, b)),
      all.reduce((a, b) => Math.max(a, b)),
      N - 1,
    ]);
    expect(metrics.outline("test")).toMatchObject({ low: 0, high: 0, last: -1 });
  });

  it("looks like all rows, on every column of pixels", () => {
    const metrics = long();
    const [xs, ys] = [metrics.column("step"), metrics.column("train")];
    const range = (kept: number[]) => {
      const columns = new Map<number, [number, number]>();
      for (const i of kept) {
        const at = Math.floor((xs[i]! / N) * 400);
        const [low, high] = columns.get(at) ?? [ys[i]!, ys[i]!];
        columns.set(at, [Math.min(low, ys[i]!), Math.max(high, ys[i]!)]);
      }
      return columns;
    };
    const all = range(decimate(xs, ys, 400));
    const few = range(decimate(xs, ys, 400, metrics.outline("train").rows));
    for (const [at, [low, high]] of all) {
      expect(few.get(at)![0]).toBeCloseTo(low, 1);
      expect(few.get(at)![1]).toBeCloseTo(high, 1);
    }
  });

  it("costs a fraction of the rows when a few more come", () => {
    const metrics = long();
    metrics.outline("train");
    metrics.add(rows(N, 40), N);
    const count = counted(metrics);
    const { rows: kept } = metrics.outline("train");
    decimate(metrics.column("step"), metrics.column("train"), 560, kept);
    metrics.outline("train");
    expect(count.reads).toBeLessThan(N / 3);
  });

  it("forgets what an undo takes back", () => {
    const metrics = long();
    metrics.outline("train");
    metrics.add(
      rows(50, 7, () => 9),
      50,
    );
    const { rows: kept, high, last } = metrics.outline("train");
    expect([high, last, kept.at(-1), metrics.length]).toEqual([9, 56, 56, 57]);
    expect(new Set(kept).size).toBe(kept.length);
    metrics.clear();
    expect(metrics.outline("train").rows).toEqual([]);
  });
});

describe("a training of a few hundred steps", () => {
  it("is drawn with every row", () => {
    const metrics = new Metrics();
    const rows = 300;
    const values = Float32Array.from({ length: rows * 5 }, (_, i) =>
      i % 5 === 0 ? i / 5 : 1 / (1 + Math.floor(i / 5)),
    );
    metrics.add({ values, shape: [rows, 5] }, 0);
    expect(metrics.outline("train").rows.length).toBe(rows);
  });
});
