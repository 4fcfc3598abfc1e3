// What could replace the function of an edge.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { reason } from "../../src/inspector/candidate-list";
import type { Candidate } from "../../src/protocol/messages";
import { FakeKernel } from "../fake/kernel";
import { frame, mount, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

describe("candidates", () => {
  const names = () => view.all("[data-kw-candidate]").map((card) => card.dataset.kwCandidate);
  beforeEach(() => view.click('[data-kw-edge="0-0-1"]'));

  it("stand best first, with their R²", () => {
    const r2 = view.all("[data-kw-candidate]").map((card) => Number(card.dataset.kwR2));
    expect(r2).toEqual([...r2].sort((a, b) => b - a));
    expect(view.find("[data-kw-candidate] math")).toBeTruthy();
  });

  it("are re-ranked here before the kernel answers", () => {
    view.kernel.silent = true;
    view.input('input[data-kw-control="simplicity"]', "100", "input");
    frame();
    expect(names()[0]).toBe("x");
    vi.advanceTimersByTime(200);
    expect(view.commands("rank")).toMatchObject([{ simplicity: 1 }]);
  });

  it("are filtered by name", () => {
    view.input('[data-kw-control="filter"]', "x²", "input");
    frame();
    expect(names()).toEqual(["x^2"]);
    view.input('[data-kw-control="filter"]', "nothing", "input");
    frame();
    expect(names()).toEqual([]);
    expect(view.find(".kw-candidates, [data-kw-panel=inspector]").textContent).toContain("“nothing”");
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
    expect(view.find(".kw-effect").hidden).toBe(false);
    expect(view.find(".kw-effect").textContent).toMatch(/RMSE .+ → .+Undo/);
    view.click('[data-kw-action="undo-last"]');
    expect(view.commands("undo").length).toBe(1);
    expect(view.find(".kw-effect").hidden).toBe(true);
  });

  it("any other function of the library can be chosen", () => {
    const select = view.find<HTMLSelectElement>('[data-kw-control="other"]');
    expect(select.options.length).toBe(view.explorer.store.state.primitives.length + 1);
    view.input('[data-kw-control="other"]', "J0", "change");
    view.click('[data-kw-action="fix-other"]');
    expect(view.commands("fix")).toMatchObject([{ name: "J0" }]);
  });

  it("keep their order and their elements under the pointer", () => {
    const before = names();
    const card = view.find("[data-kw-candidate]");
    view.find('[aria-label="Candidates"]').closest(".kw-col")!.dispatchEvent(new PointerEvent("pointerenter"));
    view.kernel.tick(60);
    view.kernel.pushCandidates();
    frame();
    expect(names()).toEqual(before);
    expect(view.find("[data-kw-candidate]")).toBe(card);
    view.find('[aria-label="Candidates"]').closest(".kw-col")!.dispatchEvent(new PointerEvent("pointerleave"));
    frame();
    const r2 = view.all("[data-kw-candidate]").map((item) => Number(item.dataset.kwR2));
    expect(r2).toEqual([...r2].sort((a, b) => b - a));
  });
});

describe("cards", () => {
  beforeEach(() => view.click('[data-kw-edge="0-0-1"]'));

  it("stay for the next edge, and what is told again is not drawn again", () => {
    const card = () => view.find('[data-kw-candidate="sin"]');
    const [before, drawn] = [card(), card().querySelector("path")!.getAttribute("d")];
    view.click('[data-kw-edge="0-1-2"]');
    expect(card()).toBe(before);
    expect(card().querySelector("path")!.getAttribute("d")).not.toBe(drawn);
    // Another message about the selection, as training brings ten a second of.
    const written: Node[] = [];
    const watch = new MutationObserver((all) => written.push(...all.map(({ target }) => target)));
    watch.observe(card(), { subtree: true, attributes: true, childList: true, characterData: true });
    const [selection] = view.kernel.selectionPart();
    view.deliver("selection", { selection, arrays: {} }, new DataView(new ArrayBuffer(0)));
    written.push(...watch.takeRecords().map(({ target }) => target));
    watch.disconnect();
    expect(written).toEqual([]);
  });
});

describe("a row", () => {
  beforeEach(() => view.click('[data-kw-edge="0-0-1"]'));
  const error = (name: string) => view.find(`[data-kw-candidate="${name}"] .kw-figures b`);
  const tell = (errors: Record<string, number>, version = view.explorer.store.state.candidates.version) =>
    view.deliver("held_out", { held_out: { edge: [0, 0, 1], version, errors } });

  it("opens and closes with a click, and then says its facts in words", () => {
    const node = () => view.find('[data-kw-candidate="log"]');
    view.click('[data-kw-candidate="log"] .kw-math');
    expect(node().textContent).toMatch(/largest difference .+ % of the curve's height\).*valid for x₁ > −1.2/);
    expect(node().querySelector('[data-kw-action="details"]')!.getAttribute("aria-expanded")).toBe("true");
    view.click('[data-kw-candidate="log"] [data-kw-action="details"]');
    expect(node().querySelector<HTMLElement>(".kw-details")!.hidden).toBe(true);
    expect(view.commands("fix")).toEqual([]);
  });

  it("shows the error after the swap once there is one, and marks what costs", () => {
    const { test } = view.explorer.store.state.status;
    expect(error("sin").textContent).toBe("");
    const untouched = view.explorer.store.state.candidates.rows.find(({ name }) => name === "x");
    tell({ sin: test! * 1.01, abs: 3 * test! });
    expect(error("sin").textContent).not.toBe("");
    expect(error("sin").hasAttribute("data-worse")).toBe(false);
    expect(error("abs").hasAttribute("data-worse")).toBe(true);
    expect(view.explorer.store.state.candidates.rows).toContain(untouched);
  });

  it("says whether it stays inside the band", () => {
    const { candidates } = view.explorer.store.state;
    const rows = candidates.rows.map((row) => ({ ...row, in_band: row.name === "sin" }));
    view.deliver("candidates", { candidates: { ...candidates, rows }, arrays: {} });
    const hidden = (name: string) => view.find(`[data-kw-candidate="${name}"] .kw-in-band`).hidden;
    expect([hidden("sin"), hidden("abs")]).toEqual([false, true]);
  });

  it("says why it is the first where another one has less error", () => {
    const [first, second] = view.all("[data-kw-candidate]").map((row) => row.dataset.kwCandidate!) as [string, string];
    const why = () => view.find(`[data-kw-candidate="${first}"] .kw-cell`).textContent;
    tell({ [first]: 0.5, [second]: 0.6 });
    expect(why()).not.toContain("first");
    tell({ [first]: 0.5, [second]: 0.45 });
    expect(why()).toMatch(/first.* within the noise/);
    tell({ [first]: 0.5, [second]: 0.1 });
    expect(why()).toContain("first by its curve, not by this error");
  });

  it("says that it is simpler only where it is", () => {
    const row = (complexity: number, error: number) => ({ complexity, error }) as Candidate;
    expect(reason([row(1, 0.5), row(2, 0.45)])).toBe("first: simpler, within the noise");
    expect(reason([row(2, 0.5), row(1, 0.45)])).toBe("first by its curve, within the noise");
    expect(reason([row(1, 0.45), row(2, 0.5)])).toBe("");
  });

  it("takes no error of another state", () => {
    tell({ sin: 0.5 }, -1);
    expect(error("sin").textContent).toBe("");
  });

  it("draws the residual in the same scale as all others", () => {
    const ends = (name: string) => {
      const d = view.find(`[data-kw-candidate="${name}"] .kw-c4`).getAttribute("d")!;
      const ys = d.match(/[\d.]+ [\d.]+/g)!.map((point) => Number(point.split(" ")[1]));
      return Math.max(...ys) - Math.min(...ys);
    };
    const r2 = (name: string) => Number(view.find(`[data-kw-candidate="${name}"]`).dataset.kwR2);
    const [better, worse] = [...view.all("[data-kw-candidate]")]
      .map(({ dataset }) => dataset.kwCandidate!)
      .filter((name) => name === "x^3" || name === "abs")
      .sort((a, b) => r2(b) - r2(a)) as [string, string];
    expect(ends(better)).toBeLessThan(ends(worse));
  });
});

describe("long names", () => {
  it.each([
    ["mean_radius_worst", "mean_radius…"],
    ["mdot [kg/s]", "mdot"],
    ["f (x)", "f"],
  ])("are cut in the formula of a candidate, units first: %s", (column, short) => {
    const kernel = new FakeKernel({ width: [1, 1], steps: 5, names: [column] });
    kernel.selected = [[0, 0, 0]];
    const part = kernel.candidatesPart.bind(kernel);
    kernel.candidatesPart = () => {
      const [received, arrays] = part();
      const [first, ...others] = (received as { rows: object[] }).rows;
      const name = ["mi", { class: "kw-name" }, [column]];
      return [{ ...received, rows: [{ ...first, formula: ["math", {}, [name]] }, ...others] }, arrays];
    };
    const shown = mount(kernel);
    expect(shown.find("[data-kw-candidate] .kw-math").textContent).toBe(short);
  });
});

it("what an act on an edge did is told in its own inspector only", () => {
  view.click('[data-kw-edge="0-0-1"]');
  const effect = () => view.find(".kw-effect").hidden;
  view.click('[data-kw-candidate="sin"] [data-kw-action="fix"]');
  expect(effect()).toBe(false);
  view.click('[data-kw-edge="0-0-2"]');
  expect(effect()).toBe(true);
  view.click('[data-kw-edge="0-0-1"]');
  expect(effect()).toBe(false);
  // An act on the whole network belongs to no edge.
  view.kernel.note("fix 7 edges", "auto");
  view.deliver();
  expect(effect()).toBe(true);
  view.click('[data-kw-action="deselect"]');
  expect(effect()).toBe(false);
});

it("an act on the edge itself is told nowhere but there, whatever else is pruned", () => {
  view.click('[data-kw-edge="0-0-1"]');
  const { states, current } = view.explorer.store.state.history;
  const state = {
    ...states[0]!,
    id: states.length,
    parent: current,
    label: "prune",
    kind: "prune",
    edges: [[0, 0, 2]],
  };
  view.deliver("history", {
    history: { ...view.kernel.history(), states: [...states, state], current: state.id, can_undo: true },
  });
  expect(view.find(".kw-effect").hidden).toBe(true);
  view.click('[data-kw-edge="0-0-2"]');
  expect(view.find(".kw-effect").hidden).toBe(false);
});

it("parts of a longer act are told from the error before the whole", () => {
  const { states, current } = view.explorer.store.state.history;
  const at = states.length;
  const part = (id: number, parent: number, latest: number) => ({
    ...states[0]!,
    id,
    parent,
    label: "part",
    kind: "simplify",
    group: at,
    error: latest,
    latest,
  });
  const both = [...states.map((item) => ({ ...item, latest: 0.25 })), part(at, current, 0.01), part(at + 1, at, 0.005)];
  view.deliver("history", { history: { ...view.kernel.history(), states: both, current: at + 1, can_undo: true } });
  expect(view.find(".kw-effect").textContent).toContain("RMSE 0.25 → 0.005");
});

it("the function that an edge has is in place, and not offered", () => {
  view.click('[data-kw-edge="0-0-1"]');
  const { candidates } = view.explorer.store.state;
  const rows = candidates.rows.map((row, i) => (i === 1 ? { ...row, in_place: true } : row));
  view.explorer.store.state.candidates = { ...candidates, rows };
  view.explorer.store.select([[0, 0, 1]]);
  view.explorer.store.state.candidates = { ...candidates, rows };
  frame();
  const row = view.find(`[data-kw-candidate="${rows[1]!.name}"]`);
  expect(row.textContent).toContain("in place");
  expect(row.querySelector<HTMLElement>('[data-kw-action="fix"]')!.hidden).toBe(true);
});

it("what an act did is told from the error before it, whatever was told on its way", () => {
  const { status } = view.explorer.store.state;
  const before = status.test!;
  view.deliver("status", { status: { ...status, test: 0.5, task: "searching formulas" } });
  view.kernel.note("fix 7 edges", "auto");
  view.deliver();
  expect(view.find(".kw-effect").textContent).toContain(`RMSE ${Number(before.toPrecision(3))} → `);
});
