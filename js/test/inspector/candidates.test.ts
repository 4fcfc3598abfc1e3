// What could replace the function of an edge.
import { beforeEach, describe, expect, it, vi } from "vitest";
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
    view.find('[aria-label="Candidates"]').parentElement!.dispatchEvent(new PointerEvent("pointerenter"));
    view.kernel.tick(60);
    view.kernel.pushCandidates();
    frame();
    expect(names()).toEqual(before);
    expect(view.find("[data-kw-candidate]")).toBe(card);
    view.find('[aria-label="Candidates"]').parentElement!.dispatchEvent(new PointerEvent("pointerleave"));
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

describe("long names", () => {
  it("are x on a candidate's card", () => {
    const kernel = new FakeKernel({ width: [1, 1], steps: 5, names: ["mean_radius_worst"] });
    kernel.selected = [[0, 0, 0]];
    const part = kernel.candidatesPart.bind(kernel);
    kernel.candidatesPart = () => {
      const [received, arrays] = part();
      const [first, ...others] = (received as { rows: object[] }).rows;
      const name = ["mi", { class: "kw-name" }, ["mean_radius_worst"]];
      return [{ ...received, rows: [{ ...first, formula: ["math", {}, [name]] }, ...others] }, arrays];
    };
    const shown = mount(kernel);
    expect(shown.find("[data-kw-candidate] .kw-math").textContent).toBe("x");
  });
});

it("what an act did is told from the error before it, whatever was told on its way", () => {
  const { status } = view.explorer.store.state;
  const before = status.test!;
  view.deliver("status", { status: { ...status, test: 0.5, task: "searching formulas" } });
  view.kernel.note("fix 7 edges", "auto");
  view.deliver();
  expect(view.find(".kw-effect").textContent).toContain(`RMSE ${Number(before.toPrecision(3))} → `);
});
