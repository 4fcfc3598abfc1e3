// Sizes of minibatches.
import { expect, it } from "vitest";
import { batchValues } from "../../src/bars/restart";

it("batches are powers of two, and last all rows", () => {
  expect(batchValues(50)).toEqual([8, 16, 32, 50]);
  expect(batchValues(5)).toEqual([5]);
});
