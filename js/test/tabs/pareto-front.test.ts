// Marks of the Pareto front.
import { describe, expect, it } from "vitest";
import type { StateInfo } from "../../src/protocol/messages";
import { Store } from "../../src/state/store";
import { type Mark, marksOf, nameOf, paretoOf, placeLabels } from "../../src/tabs/front/marks";

/** The marks of a store with these states. */
function marks(states: StateInfo[]): Mark[] {
  const store = new Store();
  store.state.history = { ...store.state.history, states, current: -1 };
  return marksOf(store);
}

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
    const drawn = marks([
      state(1, 50, 0.1),
      state(2, 20, 0.3),
      state(3, 30, 0.4),
      state(4, 50, 0.2),
      state(5, 9, null),
    ]);
    expect(drawn.map(({ id }) => id)).toEqual([5, 2, 3, 1, 4]);
    expect(paretoOf(drawn).map(({ id }) => id)).toEqual([5, 2, 1]);
  });

  it("leaves out what has no place on it", () => {
    const unknown: StateInfo = { id: 1, parent: null, label: "", kind: "", step: 0, error: 0.1 };
    expect(marks([unknown, state(2, 3, 0)])).toEqual([]);
  });
});

describe("labels on the front", () => {
  const mark = (id: number, text: string, formula = true): Mark => ({
    id,
    key: String(id),
    law: false,
    beaten: false,
    label: `act ${id}`,
    step: 0,
    size: 1,
    error: 1,
    kept: true,
    text,
    formula: formula ? ["mi", {}, ["x"]] : null,
  });
  const area = { left: 0, right: 400, top: 0, bottom: 200 };
  const overlap = (a: { left: number; right: number; top: number; bottom: number }, [x, y]: [number, number]) =>
    a.left < x + 4 && a.right > x - 4 && a.top < y + 4 && a.bottom > y - 4;

  it("cross neither a dot nor each other", () => {
    const at = new Map<number, [number, number]>([
      [1, [100, 100]],
      [2, [112, 92]],
      [3, [390, 60]],
      [4, [60, 92]],
    ]);
    const all = [1, 2, 3, 4].map((id) => mark(id, "sin(x)"));
    const labels = placeLabels(all, all, ({ id }) => at.get(id)!, area);
    expect(labels.length).toBeGreaterThan(2);
    for (const label of labels) {
      for (const dot of at.values()) expect(overlap(label, dot)).toBe(false);
      expect(label.right).toBeLessThanOrEqual(400);
    }
  });

  it("are formulas where these are short, else what was done", () => {
    expect(nameOf(mark(1, "sin(x)"))).toBe("sin(x)");
    expect(nameOf(mark(1, "x + ".repeat(20)))).toBe("act 1");
    expect(nameOf(mark(1, "13 curves", false))).toBe("act 1");
  });
});
