// Pairs of truth and prediction, R² and RMSE.
import { describe, expect, it } from "vitest";
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
