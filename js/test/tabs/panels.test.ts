// What the data tabs compute: qualities, colours, heights, the front, and the outline of long trainings.
import { describe, expect, it } from "vitest";
import { batchValues } from "../../src/bars/restart";
import { decimate } from "../../src/plot/scales";
import type { StateInfo } from "../../src/protocol/messages";
import { type Column, Metrics } from "../../src/state/metrics";
import { marksOf, paretoOf } from "../../src/tabs/front";
import { colorAt, contour, heightAt } from "../../src/tabs/heatmap";
import { fitQuality, pairsOf } from "../../src/tabs/parity";

describe("parity", () => {
  const values = Float32Array.from([1, 2, 3, 1, 2, 4, 10, 20, 30, 10, 20, 30]);
  const arrays = new Map([["train", { values, shape: [2, 2, 3] }]]);

  it("reads truth and prediction of each output", () => {
    const [first] = pairsOf(arrays, 0);
    expect([...first!.truth]).toEqual([1, 2, 3]);
    expect([...first!.residual]).toEqual([0, 0, 1]);
    expect([...pairsOf(arrays, 1)[0]!.truth]).toEqual([10, 20, 30]);
    expect(pairsOf(arrays, 2)).toEqual([]);
  });

  it("tells R² and RMSE", () => {
    const { r2, rmse } = fitQuality(pairsOf(arrays, 0)[0]!);
    expect(r2).toBeCloseTo(0.5);
    expect(rmse).toBeCloseTo(Math.sqrt(1 / 3));
    expect(fitQuality(pairsOf(arrays, 1)[0]!).r2).toBe(1);
  });
});

describe("heat", () => {
  const lightness = ([r, g, b]: number[]): number => 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;

  it("goes evenly from both ends to the page's own colour, which lies in the middle", () => {
    for (const dark of [false, true]) {
      const steps = Array.from({ length: 9 }, (_, i) => lightness(colorAt(i / 8, dark)));
      const towards = dark ? -1 : 1;
      for (let i = 1; i < 9; i++) expect(Math.sign(steps[i]! - steps[i - 1]!)).toBe(i < 5 ? towards : -towards);
    }
    expect(colorAt(-3, false)).toEqual(colorAt(0, false));
    expect(colorAt(9, true)).toEqual(colorAt(1, true));
  });

  // f(x, y) = x on three columns and two rows: the order of the axes.
  const grid = { z: [0, 1, 2, 0, 1, 2], columns: 3, rows: 2 };

  it("reads heights between the grid's values", () => {
    expect(heightAt(grid, 0.25, 0)).toBeCloseTo(0.5);
    expect(heightAt(grid, 0.25, 1)).toBeCloseTo(0.5);
    expect(heightAt(grid, 1, 0.3)).toBe(2);
    expect(heightAt({ ...grid, z: [0, Number.NaN, 2, 0, 1, 2] }, 0.4, 0.5)).toBeNaN();
  });

  it("draws lines of equal height, and none through what is no number", () => {
    const same = (v: number) => v;
    expect(contour(grid, 0.5, same, same)).toBe("M0.5 0.0L0.5 1.0");
    expect(contour({ ...grid, z: [Number.NaN, 1, 2, 0, 1, 2] }, 0.5, same, same)).not.toContain("NaN");
    expect(contour(grid, 5, same, same)).toBe("");
  });
});

describe("front", () => {
  const state = (id: number, complexity: number, latest: number | null): StateInfo => ({
    id,
    parent: null,
    label: "x^2",
    kind: "fix",
    step: 1,
    error: 0.5,
    complexity,
    latest,
  });

  it("holds the states that no other beats in size and error", () => {
    const marks = marksOf([
      state(1, 50, 0.1),
      state(2, 20, 0.3),
      state(3, 30, 0.4),
      state(4, 50, 0.2),
      state(5, 9, null),
    ]);
    expect(marks.map(({ id }) => id)).toEqual([5, 2, 3, 1, 4]);
    expect(paretoOf(marks).map(({ id }) => id)).toEqual([5, 2, 1]);
  });

  it("leaves out what has no place on it", () => {
    const unknown: StateInfo = { id: 1, parent: null, label: "", kind: "", step: 0, error: 0.1 };
    expect(marksOf([unknown, state(2, 3, 0)])).toEqual([]);
  });
});

it("batches are powers of two, and last all rows", () => {
  expect(batchValues(50)).toEqual([8, 16, 32, 50]);
  expect(batchValues(5)).toEqual([5]);
});

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
