// Marks of the Pareto front.
import { describe, expect, it } from "vitest";
import type { StateInfo } from "../../src/protocol/messages";
import { marksOf, paretoOf } from "../../src/tabs/front";

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
