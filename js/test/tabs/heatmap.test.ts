// Colors, interpolation and contours of heat maps.
import { describe, expect, it } from "vitest";
import { colorAt, contour, heightAt } from "../../src/tabs/heatmap";

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
