// The toolbar: run, settings, undo.
import { describe, expect, it } from "vitest";
import { mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

describe("toolbar", () => {
  it("starts, steps, resets, chooses the optimizer", () => {
    view.click('[data-kw-action="step"]');
    view.click('[data-kw-action="reset"]');
    view.click('[data-kw-action="start"]');
    expect(view.commands("control").map((message) => (message as unknown as { action: string }).action)).toEqual([
      "step",
      "reset",
      "start",
    ]);
    view.input('[data-kw-control="opt"]', "LBFGS", "change");
    expect(view.commands("set")).toMatchObject([{ settings: { opt: "LBFGS" } }]);
  });

  it("takes no single step during a training", () => {
    view.kernel.running = true;
    view.deliver();
    expect(view.find<HTMLButtonElement>('[data-kw-action="step"]').disabled).toBe(true);
  });

  it("prunes and refines", () => {
    view.click('[data-kw-action="prune"]');
    view.click('[data-kw-action="refine"]');
    expect(view.commands("refine")).toMatchObject([{ grid: 10 }]);
    view.click('[data-kw-action="extend"]');
    expect(view.commands("extend")).toHaveLength(1);
    expect(view.commands("prune").length).toBe(1);
  });

  it("undo is off when there is nothing to undo", () => {
    expect(view.find<HTMLButtonElement>('[data-kw-action="undo"]').disabled).toBe(true);
    view.kernel.note("prune", "prune");
    view.deliver();
    expect(view.find<HTMLButtonElement>('[data-kw-action="undo"]').disabled).toBe(false);
    expect(view.find('[data-kw-action="undo"]').title).toBe("Undo: prune");
  });
});
