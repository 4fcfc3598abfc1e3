import { beforeEach, describe, expect, it, vi } from "vitest";
import { frame, mountEach } from "../support/helpers";

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

  it("prunes, refines and symbolifies", () => {
    view.click('[data-kw-action="prune"]');
    view.click('[data-kw-action="refine"]');
    view.click('[data-kw-action="auto-symbolic"]');
    expect(view.commands("refine")).toMatchObject([{ grid: 10 }]);
    expect(view.commands("auto")).toMatchObject([{ r2_threshold: null }]);
    expect(view.commands("prune").length).toBe(1);
  });

  it("undo is off when there is nothing to undo", () => {
    expect(view.one<HTMLButtonElement>('[data-kw-action="undo"]').disabled).toBe(true);
    view.kernel.note("prune", "prune");
    view.tell();
    expect(view.one<HTMLButtonElement>('[data-kw-action="undo"]').disabled).toBe(false);
    expect(view.one('[data-kw-action="undo"]').title).toBe("Undo: prune");
  });
});

describe("inspector", () => {
  it("unfixes, prunes, restores and walks", () => {
    view.kernel.setState(0, "symbolic", "sin");
    view.kernel.pushAll();
    view.click('[data-kw-edge="0-0-0"]');
    expect(view.one('[data-kw-action="unfix"]').hidden).toBe(false);
    view.click('[data-kw-action="unfix"]');
    view.click('[data-kw-action="prune-edge"]');
    expect(view.one('[data-kw-action="prune-edge"]').textContent).toBe("Restore edge");
    view.click('[data-kw-action="prune-edge"]');
    expect(view.commands("restore")).toMatchObject([{ edges: [[0, 0, 0]] }]);
    view.click('[data-kw-action="next-edge"]');
    expect(view.commands("select").at(-1)).toMatchObject({ edges: [[0, 1, 0]] });
    view.click('[data-kw-action="previous-edge"]');
    expect(view.commands("select").at(-1)).toMatchObject({ edges: [[0, 0, 0]] });
  });

  it("leaves its place to the data while no edge is selected, except beside the table of edges", () => {
    const frame = view.one(".kw-frame");
    const alone = () => frame.hasAttribute("data-alone");
    const head = view.one("[data-kw-panel=inspector] .kw-head");
    expect([alone(), head.hidden]).toEqual([true, true]);
    view.click('[data-kw-edge="0-0-0"]');
    expect([alone(), head.hidden]).toEqual([false, false]);
    view.click('[data-kw-action="deselect"]');
    expect(view.commands("select").at(-1)).toMatchObject({ edges: [] });
    expect(alone()).toBe(true);
    view.click('[data-kw-tab="edges"]');
    expect(alone()).toBe(false);
  });

  it("is expanded only as long as there is an edge to see", () => {
    const expanded = () => view.one(".kw-frame").hasAttribute("data-expanded");
    view.click('[data-kw-edge="0-0-0"]');
    view.click('[data-kw-action="expand"]');
    expect(expanded()).toBe(true);
    view.click('[data-kw-action="deselect"]');
    expect(expanded()).toBe(false);
  });

  it("shows base and spline part on request", () => {
    view.click('[data-kw-edge="0-0-0"]');
    const lines = () => view.all("[data-kw-panel=inspector] .kw-stage svg > g > path").length;
    const before = lines();
    const box = view.one<HTMLInputElement>('[data-kw-toggle="parts"]');
    box.checked = true;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    frame();
    expect(lines()).toBe(before + 2);
  });
});

describe("table of edges", () => {
  beforeEach(() => view.click('[data-kw-tab="edges"]'));
  const column = (i: number) =>
    view.all('[data-kw-panel="edges"] tbody tr').map((row) => (row as HTMLTableRowElement).cells[i]!.textContent);

  it("has every edge, sorts, and selects", () => {
    expect(column(0).length).toBe(15);
    const values = column(3).map(Number);
    expect(values).toEqual([...values].sort((a, b) => b - a));
    view.click('[data-sort="importance"]');
    expect(column(3).map(Number)).toEqual(values.reverse());
    expect(view.all("[aria-sort=ascending]").length).toBe(1);
    view.one('[data-row="1-2-0"] button').click();
    frame();
    expect(view.commands("select")).toMatchObject([{ edges: [[1, 2, 0]] }]);
  });
});

describe("formula bar", () => {
  it("exports and shows the session as code", () => {
    view.click('[data-kw-menu="export"]');
    for (const format of ["svg", "png", "csv", "json", "html"]) view.click(`[data-kw-action="export-${format}"]`);
    view.click('[data-kw-action="copy-code"]');
    expect(view.commands("export").map((message) => (message as unknown as { format: string }).format)).toEqual([
      "svg",
      "png",
      "csv",
      "json",
      "html",
      "code",
    ]);
    expect(view.one(".kw-code").hidden).toBe(false);
    expect(view.one(".kw-code pre").textContent).toContain("explorer.fit");
  });

  it("copies the formula", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    view.click('[data-kw-action="copy-latex"]');
    await Promise.resolve();
    expect(writeText).toHaveBeenCalledWith(view.explorer.store.state.formula.latex);
    vi.unstubAllGlobals();
  });
});

describe("errors", () => {
  it("show title, message and hint as text, and can be dismissed", () => {
    const error = { title: "ValueError", message: "<img src=x onerror=alert(1)>", hint: "Use 5." };
    view.tell("error", { error });
    const alert = view.one('[role="alert"]');
    expect(alert.textContent).toContain(error.message);
    expect(alert.querySelector("img")).toBeNull();
    view.click('[data-kw-action="dismiss-error"]');
    expect(alert.hidden).toBe(true);
    view.tell("error", { error: { ...error } });
    expect(alert.hidden).toBe(false);
  });
});

describe("voice", () => {
  const said = () => view.one("[data-kw-voice]").textContent;
  it("speaks states, not steps", () => {
    expect(said()).toBe("");
    view.kernel.running = true;
    view.kernel.tick();
    frame();
    expect(said()).toBe("training");
    view.kernel.tick();
    frame();
    expect(said()).toBe("training");
    view.kernel.running = false;
    view.tell("status", { status: view.kernel.status() });
    expect(said()).toBe("paused at step 16");
    view.click('[data-kw-edge="0-0-0"]');
    expect(said()).toBe("φ₀,₀,₀ selected, spline");
  });

  it("speaks again what is copied again", async () => {
    vi.stubGlobal("navigator", { clipboard: { writeText: async () => {} } });
    const copy = async () => {
      view.click('[data-kw-action="copy-latex"]');
      for (let i = 0; i < 4; i++) await Promise.resolve();
      frame();
      return said();
    };
    const both = [await copy(), await copy()];
    vi.unstubAllGlobals();
    expect(both.map((words) => words?.trim())).toEqual(["LaTeX copied", "LaTeX copied"]);
    expect(both[0]).not.toBe(both[1]);
  });
});

it("the formula's error is that of the status line, also while no formula comes", () => {
  view.tell("status", { status: { ...view.kernel.status(), state: "running", test: 0.0123 } });
  expect(view.one("[data-kw-panel=formula]").textContent).toContain("RMSE 0.0123");
});
