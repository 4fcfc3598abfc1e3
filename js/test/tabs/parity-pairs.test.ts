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

  it("takes the errors where they are sent: the difference of rounded numbers is round-off", () => {
    const close = new Map([
      ["test", { values: Float32Array.from([1e6, 2e6, 1e6, 2e6]), shape: [1, 2, 2] }],
      ["test_error", { values: Float32Array.from([1e-4, -1e-4]), shape: [1, 2] }],
    ]);
    const [pairs] = pairsOf(close, 0, { test: 160_000 });
    expect(fitQuality(pairs!).rmse).toBeCloseTo(1e-4, 8);
    expect(pairs!.all).toBe(160_000);
  });

  it("tells R² and RMSE", () => {
    const { r2, rmse } = fitQuality(pairsOf(arrays, 0)[0]!);
    expect(r2).toBeCloseTo(0.5);
    expect(rmse).toBeCloseTo(Math.sqrt(1 / 3));
    expect(fitQuality(pairsOf(arrays, 1)[0]!).r2).toBe(1);
  });
});
