// The inspector: its acts, its place, and the parts of a function.
import { describe, expect, it } from "vitest";
import { pack } from "../fake/pack";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

describe("inspector", () => {
  it("unfixes, prunes, restores and walks", () => {
    view.kernel.setState(0, "symbolic", "sin");
    view.kernel.pushAll();
    view.click('[data-kw-edge="0-0-0"]');
    expect(view.find('[data-kw-action="unfix"]').hidden).toBe(false);
    view.click('[data-kw-action="unfix"]');
    view.click('[data-kw-action="prune-edge"]');
    expect(view.find('[data-kw-action="prune-edge"]').textContent).toBe("Restore edge");
    view.click('[data-kw-action="prune-edge"]');
    expect(view.commands("restore")).toMatchObject([{ edges: [[0, 0, 0]] }]);
    view.click('[data-kw-action="next-edge"]');
    expect(view.commands("select").at(-1)).toMatchObject({ edges: [[0, 1, 0]] });
    view.click('[data-kw-action="previous-edge"]');
    expect(view.commands("select").at(-1)).toMatchObject({ edges: [[0, 0, 0]] });
  });

  it("leaves its place to the data while no edge is selected, except beside the table of edges", () => {
    const frame = view.find(".kw-frame");
    const alone = () => frame.hasAttribute("data-alone");
    const head = view.find("[data-kw-panel=inspector] .kw-head");
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
    const expanded = () => view.find(".kw-frame").hasAttribute("data-expanded");
    view.click('[data-kw-edge="0-0-0"]');
    view.click('[data-kw-action="expand"]');
    expect(expanded()).toBe(true);
    view.click('[data-kw-action="deselect"]');
    expect(expanded()).toBe(false);
  });

  it("names the axis after the column before the kernel has answered", () => {
    view.kernel.nodes[0]!.name = "T (K)";
    view.deliver();
    view.kernel.silent = true;
    view.click('[data-kw-edge="0-0-0"]');
    const axis = () => view.all("[data-kw-panel=inspector] .kw-stage svg text").at(-1)?.textContent;
    expect(axis()).toBe("T (K)");
  });

  it("shows base and spline part on request", () => {
    view.click('[data-kw-edge="0-0-0"]');
    const lines = () => view.all("[data-kw-panel=inspector] .kw-stage svg > g > path").length;
    const before = lines();
    const box = view.find<HTMLInputElement>('[data-kw-toggle="parts"]');
    box.checked = true;
    box.dispatchEvent(new Event("change", { bubbles: true }));
    frame();
    expect(lines()).toBe(before + 2);
  });
});

it("shows two standard errors around the function where the kernel has sent them", () => {
  view.click('[data-kw-edge="0-0-0"]');
  const area = () => view.all("[data-kw-panel=inspector] .kw-stage .kw-band");
  const corners = area()[0]!
    .getAttribute("d")!
    .match(/[\d.]+ [\d.]+/g)!;
  const heights = corners.map((corner) => Number(corner.split(" ")[1]));
  const n = heights.length / 2;
  // The lower end from left to right, the upper one back: wider where it extrapolates.
  const width = (i: number) => heights[i]! - heights.at(-1 - i)!;
  expect(width(n >> 1)).toBeGreaterThan(2);
  expect(width(0)).toBeGreaterThan(width(n >> 1));
  const key = view.find("[data-kw-panel=inspector] .kw-legend [title='Two standard errors of the function']");
  expect(key.hidden).toBe(false);
  const { selection } = view.explorer.store.state;
  const packed = pack({
    detail: [
      [-1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 1, 0],
      [4, 3],
    ],
  });
  view.deliver("selection", { selection, arrays: packed.arrays }, packed.buffer);
  expect(area()).toEqual([]);
  expect(key.hidden).toBe(true);
});

it("merges levels of words that may have one value, and splits them", () => {
  view.click('[data-kw-edge="0-0-0"]');
  view.kernel.edges[0] = { ...view.kernel.edges[0]!, levels: 4 };
  view.kernel.setState(0, "levels");
  view.kernel.pushAll();
  const merges = [{ groups: [[0, 2]], text: "ash or elm | beech | oak", odds: "12 : 1", r2: 0.99 }];
  const tell = (more: object) =>
    view.deliver("candidates", {
      candidates: { edge: [0, 0, 0], busy: false, version: 9, rows: [], ...more },
      arrays: {},
    });
  tell({ merges, merged: false });
  const panel = view.find("[data-kw-panel=merges]");
  expect(panel.hidden).toBe(false);
  expect(panel.textContent).toContain("ash or elm | beech | oakodds 12 : 1, R² 0.99");
  expect(view.find('[data-kw-action="split"]').hidden).toBe(true);
  view.click('[data-kw-action="merge"]');
  expect(view.commands("merge_levels")).toMatchObject([{ edge: [0, 0, 0], groups: [[0, 2]] }]);
  tell({ merges: [], merged: false });
  expect(panel.textContent).toContain("The data tell all these levels apart.");
  tell({ merges: [], merged: true });
  expect(panel.textContent).toContain("The data tell the other levels apart.");
  tell({ merged: true });
  expect(panel.textContent).toContain("Merged levels have one value.");
  view.click('[data-kw-action="split"]');
  expect(view.commands("merge_levels").at(-1)).toMatchObject({ groups: [] });
  tell({ merged: false });
  expect(panel.hidden).toBe(true);
});

it("shows values, not a function, of words; few dots far out don't make them all one", () => {
  const entries = () => view.all("[data-kw-panel=inspector] .kw-legend > span").filter((one) => !one.hidden);
  view.click('[data-kw-edge="0-0-0"]');
  expect(entries()[0]!.textContent).toBe("function");
  view.kernel.edges[0] = { ...view.kernel.edges[0]!, levels: 2 };
  view.kernel.setState(0, "levels");
  view.kernel.pushAll();
  const rows = 100;
  const far = Array.from({ length: rows }, (_, i) => (i ? i % 3 : -500));
  const packed = pack({
    detail: [
      [0, 1, 0, 2, 0, 0, 0, 0],
      [4, 2],
    ],
    points: [
      [...far.map((_, i) => i % 2), ...far],
      [2, rows],
    ],
  });
  const selection = { ...view.explorer.store.state.selection, levels: ["east", "west"] };
  view.deliver("selection", { selection, arrays: packed.arrays }, packed.buffer);
  expect(entries()[0]!.textContent).toBe("value");
  const stage = view.find("[data-kw-panel=inspector] .kw-stage svg");
  const [low, high] = [...stage.querySelectorAll("circle")].map((one) => Number(one.getAttribute("cy")));
  const height = Number(stage.getAttribute("height"));
  expect(Math.abs(low! - high!)).toBeGreaterThan(0.3 * height);
  // The far one stands at the border of the plot.
  const dots = [...stage.querySelectorAll("path.kw-solid")].at(-1)!.getAttribute("d")!;
  expect(Math.max(...[...dots.matchAll(/M\S+ (\S+?)a/g)].map((one) => Number(one[1])))).toBeLessThan(height);
});

it("offers no function where none can take the place: words, and what is pruned", () => {
  const list = () => view.find("[data-kw-panel=inspector] [data-kw-control=filter]").closest<HTMLElement>(".kw-col")!;
  const why = () => view.find('[data-kw-action="fix-best"]').textContent;
  view.click('[data-kw-edge="0-0-0"]');
  expect(list().hidden).toBe(false);
  expect(list().textContent).toContain("by R² to the curve, size");
  view.kernel.setState(0, "levels");
  view.kernel.pushAll();
  frame();
  expect(list().hidden).toBe(true);
  view.click('[data-kw-action="edge-menu"]');
  expect(why()).toContain("words have values, no function");
  view.kernel.setState(0, "pruned");
  view.kernel.pushAll();
  frame();
  expect(list().hidden).toBe(true);
  view.kernel.setState(0, "symbolic", "sin");
  view.kernel.pushAll();
  frame();
  expect(list().hidden).toBe(false);
  expect(list().textContent).toContain("by R² to the data, size");
});
