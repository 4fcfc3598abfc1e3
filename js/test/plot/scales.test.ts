import { describe, expect, it } from "vitest";
import { bisect, decades, decimate, extent, linear, log, path, ticks } from "../../src/plot/scales";

describe("scales", () => {
  it("linear and log map ends to ends", () => {
    expect([linear(0, 10, 5, 25)(0), linear(0, 10, 5, 25)(10)]).toEqual([5, 25]);
    expect(log(1e-4, 1, 100, 0)(1e-2)).toBeCloseTo(50);
    expect(linear(3, 3, 0, 10)(3)).toBe(5);
  });

  it("ticks are round, inside, and free of rounding noise", () => {
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(-1.3, 1.3, 4)).toEqual([-1, 0, 1]);
    expect(ticks(0.1, 0.4, 3)).toEqual([0.1, 0.2, 0.3, 0.4]);
    expect(ticks(5, 5, 4)).toEqual([5]);
  });

  it("decades are thinned from the top", () => {
    expect(decades(1e-8, 1, 3)).toEqual([1e-6, 1e-3, 1]);
    expect(decades(0.2, 0.8, 3)).toEqual([]);
  });

  it("extent skips what is not finite and is never a point", () => {
    expect(extent([1, Number.NaN, 3, Number.POSITIVE_INFINITY])).toEqual([1, 3]);
    expect(extent([])).toEqual([0, 1]);
    const [low, high] = extent([2, 2]);
    expect(low).toBeLessThan(2);
    expect(high).toBeGreaterThan(2);
  });
});

describe("path", () => {
  const id = (v: number) => v;
  it("breaks where a value is missing", () => {
    expect(path([0, 1, 2, 3], [0, Number.NaN, 2, 3], id, id)).toBe("M0 0M2 2L3 3");
  });
  it("clamps what lies far outside", () => {
    expect(path([0], [1e9], id, id)).toBe("M0 5000");
  });
});

describe("decimate", () => {
  const n = 100_000;
  const xs = Float32Array.from({ length: n }, (_, i) => i);
  const ys = Float32Array.from({ length: n }, (_, i) => Math.sin(i / 900) + (i === 54_321 ? 10 : 0));

  it("keeps at most four points a pixel, in order, with both ends and the spike", () => {
    const kept = decimate(xs, ys, 400);
    expect(kept.length).toBeLessThanOrEqual(4 * 401);
    expect(kept[0]).toBe(0);
    expect(kept.at(-1)).toBe(n - 1);
    expect(kept).toContain(54_321);
    expect([...kept].sort((a, b) => a - b)).toEqual(kept);
  });
  it("keeps everything when there is little", () => {
    expect(decimate([1, 2, 3], [1, 2, 3], 400)).toEqual([0, 1, 2]);
  });
});

it("bisect finds the last value not above", () => {
  expect([0, 1.5, 2, 9].map((v) => bisect([1, 2, 3], v))).toEqual([0, 0, 1, 2]);
});
