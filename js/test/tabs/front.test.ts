// Error against size of all states, mounted on the stand-in kernel.
import { beforeEach, describe, expect, it } from "vitest";
import { mountEach } from "../support/helpers";
import { tabs } from "../support/tabs";

const view = mountEach({ width: [4, 3, 2], steps: 60 });
const { open, panel } = tabs(view);

const mark = (id: number | string) => view.find(`[data-kw-front="${id}"]`);

beforeEach(() => {
  view.kernel.note("prune", "prune");
  view.kernel.note("grid 5 → 10", "refine");
  view.kernel.states[1] = { ...view.kernel.states[1]!, kept: false };
  view.deliver();
  open("front");
});

describe("front", () => {
  it("has a mark for every state, named, the current one marked", () => {
    expect(view.all("[data-kw-front]").length).toBe(3);
    expect(view.find('[data-kw-panel="front"] svg').getAttribute("role")).toBe("group");
    expect(mark(1).getAttribute("aria-label")).toMatch(/^prune, RMSE, .+, \d+ free parameters, no longer kept/);
    expect(mark(2).getAttribute("aria-current")).toBe("true");
  });

  it("leaves out the states before a logarithm of the target: their errors have another unit", () => {
    view.kernel.note("log y", "log");
    view.deliver();
    expect(view.all("[data-kw-front]").map((one) => one.getAttribute("data-kw-front"))).toEqual(["3"]);
  });

  it("marks stay through acks, so that no press is lost, and what is read follows what is drawn anew", () => {
    const before = mark(0);
    mark(0).dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    view.deliver("settings", { settings: view.kernel.settings() });
    expect(mark(0)).toBe(before);
    const readout = () => panel("front").querySelector<HTMLElement>(".kw-readout")!;
    const place = readout().style.cssText;
    view.kernel.states[2] = { ...view.kernel.states[2]!, error: 1e-5, latest: 1e-5 };
    view.deliver();
    expect(mark(0)).not.toBe(before);
    expect(readout().hidden).toBe(false);
    expect(readout().style.cssText).not.toBe(place);
  });

  it("leads back by click and by key, only to what is kept", () => {
    mark(1).dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect(view.commands("goto")).toEqual([]);
    expect(mark(1).getAttribute("aria-disabled")).toBe("true");
    mark(0).dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect(view.commands("goto")).toMatchObject([{ state: 0 }]);
  });

  it("is one tab stop, with arrows between the marks", () => {
    expect(view.all('[data-kw-front][tabindex="0"]').length).toBe(1);
    const first = view.find('[data-kw-front][tabindex="0"]');
    first.focus();
    view.key(first, "ArrowRight");
    const next = document.activeElement!;
    expect(next.hasAttribute("data-kw-front")).toBe(true);
    expect(next).not.toBe(first);
    view.key(mark(0), "Enter");
    expect(view.commands("goto")).toMatchObject([{ state: 0 }]);
  });

  it("lists the best of each size with their formulas, and a click on one returns to it", () => {
    const formula = ["math", {}, [["mi", {}, ["x"]]]];
    const states = [{ id: 0, text: "x", formula }];
    view.deliver("front", { front: { states, laws: [], noise: 0.01, busy: false }, arrays: {} });
    const rows = view.all("[data-kw-best]");
    expect(rows.length).toBeGreaterThan(0);
    const row = view.find('[data-kw-best="0"]');
    expect(row.querySelector("math")?.textContent).toBe("x");
    expect(panel("front").querySelector("svg")?.textContent).toContain("noise ±0.01");
    expect(mark(0).getAttribute("aria-label")).toContain(", x");
    row.dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    expect(panel("front").querySelector(".kw-readout math")).not.toBe(null);
    view.click('[data-kw-best="0"]');
    expect(view.commands("goto")).toMatchObject([{ state: 0 }]);
  });
});

describe("fitted laws on the front", () => {
  it("stand beside their state, in place of a formula that is no better, and lead back to it", () => {
    const formula = ["math", {}, [["mi", {}, ["x"]]]];
    const law = { id: 0, text: "2x", formula, error: 0.01, size: 1, as_good: true };
    view.deliver("front", { front: { states: [], laws: [law], noise: null, busy: false }, arrays: {} });
    expect(mark("0-law").getAttribute("aria-label")).toMatch(/^fitted law, .*1 fitted constants.*2x, on the front$/);
    expect(view.all('[data-kw-best="0-law"]').length).toBe(1);
    expect(view.all('[data-kw-best="0"]').length).toBe(0);
    view.click('[data-kw-best="0-law"]');
    expect(view.commands("goto")).toMatchObject([{ state: 0 }]);
    expect(view.commands("watch").at(-1)?.panels).toContain("forms");
  });
});
