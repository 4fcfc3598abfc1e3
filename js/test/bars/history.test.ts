// The history as a tree of chips.
import { describe, expect, it } from "vitest";
import { placeStates } from "../../src/bars/history";
import { mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

describe("history", () => {
  const state = (id: number, parent: number | null) => ({
    id,
    parent,
    label: String(id),
    kind: "fix",
    step: id,
    error: null,
  });

  it("keeps the current line straight and branches below it", () => {
    const placed = placeStates([state(0, null), state(1, 0), state(2, 1), state(3, 1), state(4, 3)], 2);
    const at = (id: number) => placed.find((item) => item.state.id === id)!;
    expect([0, 1, 2].map((id) => at(id).lane)).toEqual([0, 0, 0]);
    expect([3, 4].map((id) => at(id).lane)).toEqual([1, 1]);
    expect([at(3).column, at(3).from, at(4).column]).toEqual([2, 0, 3]);
  });

  it("lines go on from every chip that something follows", () => {
    const placed = placeStates([state(0, null), state(1, 0), state(2, 1), state(3, 1), state(4, 3)], 2);
    expect(placed.filter(({ continues }) => continues).map((item) => item.state.id)).toEqual([0, 1, 3]);
  });

  it("survives loops and orphans", () => {
    expect(placeStates([state(1, 2), state(2, 1)], 1).length).toBe(0);
    expect(placeStates([state(5, 99)], 5).length).toBe(1);
  });

  it("names functions as formulas do, in the chips and over the curves", () => {
    view.kernel.note("φ₀,₀,₀ = x^2", "fix");
    view.deliver();
    expect(view.find('[data-kw-state-id="1"]').textContent).toContain("φ₀,₀,₀ = x²");
    expect(view.find('[data-kw-panel="curves"] svg').textContent).toContain("φ₀,₀,₀ = x²");
  });

  it("the current chip counts steps and says the error of the status line while it trains", () => {
    view.kernel.note("training", "train");
    view.deliver();
    const step = view.kernel.states[1]!.step;
    const running = { ...view.kernel.status(), state: "running", step: step + 7, test: 0.0123 };
    const chip = view.find('[data-kw-state-id="1"]');
    view.deliver("status", { status: running });
    expect(chip.textContent).toBe("7 steps0.012");
    expect(chip.title).toBe("7 steps: RMSE 0.0123; click to go there");
    // The same element: a press in progress isn't lost.
    expect(view.find('[data-kw-state-id="1"]')).toBe(chip);
  });

  it("errors in the unit before a logarithm of the target aren't said", () => {
    view.kernel.note("log y", "log");
    view.deliver();
    expect(view.find('[data-kw-state-id="0"]').textContent).not.toMatch(/\d\.\d/);
    expect(view.find('[data-kw-state-id="0"]').title).not.toContain("RMSE");
    expect(view.find('[data-kw-state-id="1"]').title).toContain("RMSE");
  });

  it("a chip leads back to its state", () => {
    view.kernel.note("prune", "prune");
    view.deliver();
    view.click('[data-kw-state-id="0"]');
    expect(view.commands("goto")).toMatchObject([{ state: 0 }]);
    expect(view.find('[data-kw-state-id="0"]').getAttribute("aria-current")).toBe("true");
  });
});
