import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeKernel } from "../gallery/kernel";
import { eventLabels } from "../src/views/curves-plot";
import { placeStates } from "../src/views/history";
import { fakeTime, frame, mount } from "./helpers";

let view: ReturnType<typeof mount>;
beforeEach(() => {
  fakeTime();
  view = mount({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });
});
afterEach(() => {
  view.explorer.destroy();
  vi.useRealTimers();
});

const input = (selector: string, value: string, ...types: string[]) => {
  const field = view.one<HTMLInputElement>(selector);
  field.value = value;
  for (const type of types) field.dispatchEvent(new Event(type, { bubbles: true }));
  return field;
};

describe("toolbar", () => {
  it("starts, steps, resets, chooses the optimiser", () => {
    view.click('[data-kw-action="step"]');
    view.click('[data-kw-action="reset"]');
    view.click('[data-kw-action="start"]');
    expect(view.commands("control").map((message) => (message as unknown as { action: string }).action)).toEqual([
      "step",
      "reset",
      "start",
    ]);
    input('[data-kw-control="opt"]', "LBFGS", "change");
    expect(view.commands("set")).toMatchObject([{ settings: { opt: "LBFGS" } }]);
  });

  it("prunes, refines and symbolifies", () => {
    view.click('[data-kw-action="prune"]');
    view.click('[data-kw-action="refine"]');
    view.click('[data-kw-action="auto-symbolic"]');
    expect(view.commands("refine")).toMatchObject([{ grid: 10 }]);
    expect(view.commands("auto")).toMatchObject([{ r2: null }]);
    expect(view.commands("prune").length).toBe(1);
  });

  it("undo is off when there is nothing to undo", () => {
    expect(view.one<HTMLButtonElement>('[data-kw-action="undo"]').disabled).toBe(true);
    view.kernel.note("prune", "prune");
    view.kernel.pushAll();
    frame();
    expect(view.one<HTMLButtonElement>('[data-kw-action="undo"]').disabled).toBe(false);
    expect(view.one('[data-kw-action="undo"]').title).toBe("Undo: prune");
  });
});

describe("candidates", () => {
  const names = () => view.all("[data-kw-candidate]").map((card) => card.dataset.kwCandidate);
  beforeEach(() => view.click('[data-kw-edge="0-0-1"]'));

  it("stand best first, with their R²", () => {
    const r2 = view.all("[data-kw-candidate]").map((card) => Number(card.dataset.kwR2));
    expect(r2).toEqual([...r2].sort((a, b) => b - a));
    expect(view.one("[data-kw-candidate] math")).toBeTruthy();
  });

  it("are re-ranked here before the kernel answers", () => {
    view.kernel.silent = true;
    input('input[data-kw-control="simplicity"]', "100", "input");
    frame();
    expect(names()[0]).toBe("x");
    vi.advanceTimersByTime(200);
    expect(view.commands("rank")).toMatchObject([{ weight: 1 }]);
  });

  it("are filtered by name", () => {
    input('[data-kw-control="filter"]', "x²", "input");
    frame();
    expect(names()).toEqual(["x^2"]);
    input('[data-kw-control="filter"]', "nothing", "input");
    frame();
    expect(names()).toEqual([]);
    expect(view.one(".kw-candidates, [data-kw-panel=inspector]").textContent).toContain("“nothing”");
  });

  it("fix, with or without the correction, all selected edges", () => {
    view.click('[data-kw-candidate="sin"] [data-kw-action="fix"]');
    expect(view.commands("fix")).toMatchObject([{ edge: [0, 0, 1], name: "sin", keep_spline: false }]);
    view.click('[data-kw-edge="0-0-2"]', { shiftKey: true });
    view.click('[data-kw-candidate="tanh"] [data-kw-action="fix-both"]');
    expect(view.commands("fix").slice(1)).toMatchObject([
      {
        edges: [
          [0, 0, 1],
          [0, 0, 2],
        ],
        name: "tanh",
        keep_spline: true,
      },
    ]);
  });

  it("what fixing did is shown, with undo beside it", () => {
    view.click('[data-kw-candidate="sin"] [data-kw-action="fix"]');
    expect(view.one(".kw-effect").hidden).toBe(false);
    expect(view.one(".kw-effect").textContent).toMatch(/RMSE .+ → .+Undo/);
    view.click('[data-kw-action="undo-last"]');
    expect(view.commands("undo").length).toBe(1);
    expect(view.one(".kw-effect").hidden).toBe(true);
  });

  it("any other function of the library can be chosen", () => {
    const select = view.one<HTMLSelectElement>('[data-kw-control="other"]');
    expect(select.options.length).toBe(view.explorer.store.state.primitives.length + 1);
    input('[data-kw-control="other"]', "J0", "change");
    view.click('[data-kw-action="fix-other"]');
    expect(view.commands("fix")).toMatchObject([{ name: "J0" }]);
  });

  it("keep their order and their elements under the pointer", () => {
    const before = names();
    const card = view.one("[data-kw-candidate]");
    view.one('[aria-label="Candidates"]').parentElement!.dispatchEvent(new PointerEvent("pointerenter"));
    view.kernel.tick(60);
    view.kernel.pushCandidates();
    frame();
    expect(names()).toEqual(before);
    expect(view.one("[data-kw-candidate]")).toBe(card);
    view.one('[aria-label="Candidates"]').parentElement!.dispatchEvent(new PointerEvent("pointerleave"));
    frame();
    const r2 = view.all("[data-kw-candidate]").map((one) => Number(one.dataset.kwR2));
    expect(r2).toEqual([...r2].sort((a, b) => b - a));
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

  it("shows base and spline part on request", () => {
    view.click('[data-kw-edge="0-0-0"]');
    const lines = () => view.all("[data-kw-panel=inspector] .kw-stage svg > path").length;
    const before = lines();
    const box = view.one<HTMLInputElement>('[data-kw-toggle="parts"]');
    box.checked = true;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    frame();
    expect(lines()).toBe(before + 2);
  });
});

describe("curves", () => {
  it("draw what there is, marks and their labels", () => {
    view.kernel.note("prune", "prune");
    view.kernel.pushAll();
    frame();
    const chart = view.one('[data-kw-panel="curves"] svg');
    expect(chart.getAttribute("aria-label")).toContain("train, test, penalty");
    expect(chart.textContent).toContain("prune");
    view.click('[data-kw-toggle="axis"]');
    expect(view.one('[data-kw-toggle="axis"]').textContent).toBe("seconds");
  });

  it("leave out test and penalty where there are none", () => {
    const bare = mount({ width: [1, 1], steps: 5, test: false });
    expect(bare.one('[data-kw-panel="curves"] svg').getAttribute("aria-label")).toContain("curves of train;");
    bare.explorer.destroy();
  });

  it("say so before the first step", () => {
    const idle = mount({ width: [1, 1] });
    expect(idle.one('[data-kw-panel="curves"] p').hidden).toBe(false);
    idle.explorer.destroy();
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
    view.kernel.push("error", { error });
    frame();
    const alert = view.one('[role="alert"]');
    expect(alert.textContent).toContain(error.message);
    expect(alert.querySelector("img")).toBeNull();
    view.click('[data-kw-action="dismiss-error"]');
    expect(alert.hidden).toBe(true);
    view.kernel.push("error", { error: { ...error } });
    frame();
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
    view.kernel.push("status", { status: view.kernel.status() });
    frame();
    expect(said()).toBe("paused at step 16");
    view.click('[data-kw-edge="0-0-0"]');
    expect(said()).toBe("φ₀,₀,₀ selected, spline");
  });
});

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
    const at = (id: number) => placed.find((one) => one.state.id === id)!;
    expect([0, 1, 2].map((id) => at(id).lane)).toEqual([0, 0, 0]);
    expect([3, 4].map((id) => at(id).lane)).toEqual([1, 1]);
    expect([at(3).column, at(3).from, at(4).column]).toEqual([2, 0, 3]);
  });

  it("survives loops and orphans", () => {
    expect(placeStates([state(1, 2), state(2, 1)], 1).length).toBe(0);
    expect(placeStates([state(5, 99)], 5).length).toBe(1);
  });

  it("names functions as formulas do, in the chips and over the curves", () => {
    view.kernel.note("φ₀,₀,₀ = x^2", "fix");
    view.kernel.pushAll();
    frame();
    expect(view.one('[data-kw-state-id="1"]').textContent).toContain("φ₀,₀,₀ = x²");
    expect(view.one('[data-kw-panel="curves"] svg').textContent).toContain("φ₀,₀,₀ = x²");
  });

  it("a chip leads back to its state", () => {
    view.kernel.note("prune", "prune");
    view.kernel.pushAll();
    frame();
    view.click('[data-kw-state-id="0"]');
    expect(view.commands("goto")).toMatchObject([{ state: 0 }]);
    expect(view.one('[data-kw-state-id="0"]').getAttribute("aria-current")).toBe("true");
  });
});

describe("names of marks on the curves", () => {
  const names = (...events: [number, string][]) =>
    eventLabels(
      events.map(([at, label]) => ({ at, label })),
      500,
    );

  it("stand apart where there is room, in order of their marks", () => {
    expect(names([300, "prune"], [100, "λ = 0"]).map(({ text }) => text)).toEqual(["λ = 0", "prune"]);
  });

  it("begin at the axis at the earliest, joined ones too", () => {
    const placed = names([44, "prune 12 edges"], [60, "grid 3 → 10"]);
    expect(placed.map(({ text }) => text)).toEqual(["prune 12 edges, grid 3 → 10"]);
    expect(placed[0]!.start).toBe(42);
  });

  it("are joined where two marks are close, and never overlap", () => {
    expect(names([200, "grid 3 → 10"], [206, "λ = 0"]).map(({ text }) => text)).toEqual(["grid 3 → 10, λ = 0"]);
    expect(names([488, "grid 3 → 10"], [495, "λ = 0"]).map(({ text }) => text)).toEqual(["grid 3 → 10, λ = 0"]);
    const many = names(...Array.from({ length: 60 }, (_, i): [number, string] => [8 * i, `grid ${i} → ${i + 1}`]));
    expect(many.length).toBeGreaterThan(2);
    for (const [i, one] of many.entries()) {
      expect(one.start).toBeGreaterThanOrEqual(i > 0 ? many[i - 1]!.end + 8 : 0);
      expect(one.end).toBeLessThanOrEqual(500);
    }
  });
});

describe("curves without a curve", () => {
  it("say why, and draw no axes", () => {
    const text = (kernel: FakeKernel) => {
      const shown = mount(kernel);
      const panel = shown.one('[data-kw-panel="curves"]');
      expect(panel.querySelectorAll("svg text").length).toBe(0);
      const words = panel.querySelector(".kw-empty")?.textContent;
      shown.explorer.destroy();
      return words;
    };
    expect(text(new FakeKernel({ width: [2, 1] }))).toContain("Press Start");
    const infinite = new FakeKernel({ width: [2, 1] });
    infinite.rows.push([1, 0.01, Number.POSITIVE_INFINITY, Number.NaN, Number.NaN]);
    expect(text(infinite)).toContain("nothing to draw");
  });
});

describe("long names", () => {
  it("are x on a candidate's card", () => {
    const kernel = new FakeKernel({ width: [1, 1], steps: 5, names: ["mean_radius_worst"] });
    kernel.selected = [[0, 0, 0]];
    const part = kernel.candidatesPart.bind(kernel);
    kernel.candidatesPart = () => {
      const [told, arrays] = part();
      const [first, ...others] = (told as { rows: object[] }).rows;
      const name = ["mi", { class: "kw-name" }, ["mean_radius_worst"]];
      return [{ ...told, rows: [{ ...first, formula: ["math", {}, [name]] }, ...others] }, arrays];
    };
    const shown = mount(kernel);
    expect(shown.one("[data-kw-candidate] .kw-math").textContent).toBe("x");
    shown.explorer.destroy();
  });
});
