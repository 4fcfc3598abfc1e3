// The search for formulas and its hall of fame, mounted on the stand-in kernel and fed with the golden message.
import { beforeEach, describe, expect, it } from "vitest";
import type { Discovery } from "../../src/tabs/discovery/panel";
import { sparkOf, valuesOf } from "../../src/tabs/discovery/values";
import { pack } from "../fake/pack";
import { frame, golden, mountEach } from "../support/helpers";
import { tabs } from "../support/tabs";

const view = mountEach();
const { open, panel } = tabs(view);
const { message, buffer } = golden("to_browser.discovery")[0]!;
const whole: Discovery = message.discovery;

const tell = (changes: Partial<Discovery> = {}) =>
  view.deliver("discovery", { discovery: { ...whole, ...changes }, arrays: message.arrays }, buffer!);
const row = (id: number) => view.find(`[data-kw-hall="${id}"]`);
const load = (id: number) => row(id).querySelector<HTMLButtonElement>("button.kw-hall-row")!;
const point = (id: number, type = "pointerover") => load(id).dispatchEvent(new PointerEvent(type, { bubbles: true }));
const press = (key: string) =>
  document.activeElement!.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
const captions = () => [...panel("discovery").querySelectorAll(".kw-caption")].map((line) => line.textContent);

beforeEach(() => open("discovery"));

describe("the search", () => {
  it("says what it is for before there are formulas, and begins with the time that was chosen", () => {
    expect(panel("discovery").querySelector(".kw-empty")?.textContent).toContain("looks for laws of your table");
    view.input('[data-kw-control="search-seconds"]', "300");
    tell({ state: "idle", formulas: [], sentence: "" });
    view.click('[data-kw-action="find-formulas"]');
    expect(view.commands("discover")).toMatchObject([{ action: "start", seconds: 300 }]);
  });

  it("shows what it does and has found out, and can be held, go on and end", () => {
    tell();
    expect(panel("discovery").querySelector(".kw-sentence")?.textContent).toBe("12 of 60 s · Trying 240 curves for f");
    expect([...panel("discovery").querySelectorAll(".kw-findings li")].map((item) => item.textContent)).toEqual([
      "x₂ doesn't matter",
    ]);
    expect(view.find('[data-kw-action="find-formulas"]').textContent).toBe("Pause");
    expect(view.find(".kw-findings").getAttribute("aria-label")).toBe("Found out");
    view.click('[data-kw-action="find-formulas"]');
    tell({ state: "paused" });
    expect(view.find('[data-kw-action="find-formulas"]').textContent).toBe("Go on");
    view.click('[data-kw-action="find-formulas"]');
    view.click('[data-kw-action="stop-search"]');
    expect(view.commands("discover").map(({ action }) => action)).toEqual(["pause", "resume", "stop"]);
    tell({ state: "done" });
    expect(view.find('[data-kw-action="find-formulas"]').textContent).toBe("Search again");
    expect(view.find('[data-kw-action="stop-search"]').hidden).toBe(true);
  });

  it("says which error it lists, and in which unit", () => {
    tell({ error_name: "test error, in flow (mol/s)" });
    const heads = [...view.find("div.kw-hall-row").children].map((head) => head.textContent);
    expect(heads).toEqual(["", "formula", "test error, in flow (mol/s)", "size", ""]);
  });

  it("says that it finishes its formulas, which may be ended too", () => {
    tell({ state: "finishing", sentence: "Finishing the constants" });
    expect(panel("discovery").querySelector(".kw-sentence")?.textContent).toBe("Finishing the constants");
    view.click('[data-kw-action="stop-search"]');
    expect(view.commands("discover")).toMatchObject([{ action: "stop" }]);
    const stop = view.find('[data-kw-action="stop-search"]');
    stop.focus();
    tell({ state: "stopped" });
    expect(document.activeElement).toBe(view.find('[data-kw-action="find-formulas"]'));
  });

  it("says what to do when the kernel is gone, and its formulas can still be read", () => {
    tell();
    view.explorer.store.setLink("lost");
    frame();
    expect(panel("discovery").querySelector(".kw-sentence")?.textContent).toContain("run the cell again");
    expect(view.find('[data-kw-action="stop-search"]').hidden).toBe(true);
    load(7).focus();
    expect(captions()).toEqual([expect.stringContaining("0.01")]);
    load(7).click();
    expect(view.commands("use_formula")).toEqual([]);
  });

  it("can't begin where there is an obstacle, and says why", () => {
    tell({ state: "idle", formulas: [], obstacle: "This target has classes." });
    expect(view.find<HTMLButtonElement>('[data-kw-action="find-formulas"]').disabled).toBe(true);
    expect(panel("discovery").querySelector(".kw-empty")?.textContent).toBe("This target has classes.");
  });
});

describe("the hall of fame", () => {
  it("has a row a formula, from simple to accurate, the likeliest and the network's marked", () => {
    tell();
    expect(view.all("[data-kw-hall]").map((item) => item.dataset.kwHall)).toEqual(["4", "7"]);
    expect(load(4).textContent).toBe("x2error 0.5size 2");
    expect(load(4).getAttribute("aria-current")).toBe("true");
    expect(row(7).hasAttribute("data-best")).toBe(true);
    expect(row(7).textContent).toContain("…");
    expect(row(4).querySelector("math")).not.toBe(null);
  });

  it("keeps the rows while the search goes on, so that no press is lost", () => {
    tell();
    const before = row(4);
    tell({ formulas: [...whole.formulas].reverse(), current: null });
    expect(row(4)).toBe(before);
    expect(load(4).hasAttribute("aria-current")).toBe(false);
  });

  it("shows the formula under the pointer over the data, and a click makes it the network", () => {
    tell();
    expect(captions()).toEqual([expect.stringContaining("test error, in y: 0.5 (R² 0.8888)")]);
    point(7);
    expect(captions()).toEqual([expect.stringContaining("test error, in y: 0.01")]);
    point(7, "pointerleave");
    load(7).click();
    expect(view.commands("use_formula")).toMatchObject([{ id: 7 }]);
  });

  it("compares two, and a third takes the place of the first", () => {
    tell();
    const compare = (id: number) => row(id).querySelector<HTMLButtonElement>('[data-kw-action="compare"]')!;
    compare(4).click();
    compare(7).click();
    expect(captions().length).toBe(2);
    expect(panel("discovery").querySelector("svg[role=img]")?.getAttribute("aria-label")).toBe(
      "y over x: the data and both formulas",
    );
    expect(view.commands("use_formula")).toEqual([]);
    compare(4).click();
    expect(compare(4).getAttribute("aria-pressed")).toBe("false");
    expect(captions().length).toBe(1);
    const third = { ...whole.formulas[1]!, id: 9 };
    const arrays = pack({
      truth: [[1, 2], [2]],
      values: [
        [1, 2, 1, 2, 1, 2],
        [3, 2],
      ],
      x: [[0, 1], [2]],
    });
    view.deliver(
      "discovery",
      { discovery: { ...whole, formulas: [...whole.formulas, third] }, arrays: arrays.arrays },
      arrays.buffer,
    );
    compare(4).click();
    compare(9).click();
    expect([4, 7, 9].map((id) => compare(id).getAttribute("aria-pressed"))).toEqual(["true", "false", "true"]);
  });
});

describe("the keyboard in the hall of fame", () => {
  it("is one stop, in which arrows go through the formulas and show each", () => {
    tell();
    expect([load(4).tabIndex, load(7).tabIndex]).toEqual([0, -1]);
    load(4).focus();
    press("ArrowDown");
    expect(document.activeElement).toBe(load(7));
    expect([load(4).tabIndex, load(7).tabIndex]).toEqual([-1, 0]);
    expect(captions()).toEqual([expect.stringContaining("0.01")]);
    press("ArrowDown");
    expect(document.activeElement).toBe(load(7));
    press("Home");
    expect(document.activeElement).toBe(load(4));
    row(4).querySelector<HTMLElement>('[data-kw-action="compare"]')!.focus();
    press("End");
    expect(document.activeElement).toBe(row(7).querySelector('[data-kw-action="compare"]'));
  });

  it("keeps the focus in its place when a better formula takes the row", () => {
    tell();
    load(7).focus();
    tell({ formulas: [whole.formulas[0]!, { ...whole.formulas[1]!, id: 9 }], best: 9 });
    expect(document.activeElement).toBe(load(9));
    expect([load(4).tabIndex, load(9).tabIndex]).toEqual([-1, 0]);
  });

  it("keeps the focus while it goes from row to row, also when a newer list isn't drawn yet", () => {
    tell();
    load(4).focus();
    const newer = { ...whole, formulas: [whole.formulas[0]!, { ...whole.formulas[1]!, id: 9 }], best: 9 };
    view.kernel.push("discovery", { discovery: newer, arrays: message.arrays }, buffer!);
    press("ArrowDown");
    expect(document.activeElement).toBe(load(7));
    frame();
    expect(document.activeElement).toBe(load(9));
  });
});

describe("the button beside the steps", () => {
  it("sends the kernel's command and opens the tab", () => {
    open("curves");
    const search = { name: "discover", label: "Find formulas", next: false, done: false };
    const command = { kind: "discover", action: "start" };
    view.deliver("guide", { guide: { steps: [], sentence: "Train.", notices: [], search: { ...search, command } } });
    view.click('[data-kw-action="step-discover"]');
    expect(view.commands("discover")).toMatchObject([{ action: "start" }]);
    expect(view.commands("watch").at(-1)?.panels).toContain("discovery");
    const hint = "This target has classes.";
    view.deliver("guide", { guide: { steps: [], sentence: "", notices: [], search: { ...search, command, hint } } });
    expect(view.find<HTMLButtonElement>('[data-kw-action="step-discover"]').disabled).toBe(true);
  });
});

describe("values of the rows", () => {
  const array = (shape: number[], ...values: number[]) => ({ shape, values: Float32Array.from(values) });
  const arrays = new Map([
    ["truth", array([3], 3, 1, 2)],
    ["values", array([2, 3], 3, 1, 2, 0, Number.NaN, 9)],
  ]);

  it("are in the order of the only column", () => {
    const values = valuesOf(whole, new Map([...arrays, ["x", array([3], 30, 10, 20)]]));
    expect([...values.truth]).toEqual([1, 2, 3]);
    expect([...values.of.get(4)!]).toEqual([1, 2, 3]);
    expect(sparkOf(values, values.of.get(4)!).curve).toBe("M2.0 28.0L23.0 15.0L44.0 2.0");
  });

  it("of several columns stand against the truth, what isn't a number left out and what is far away at the border", () => {
    const values = valuesOf(whole, arrays);
    const { curve } = sparkOf(values, values.of.get(7)!);
    expect(curve).toBe("M44.0 29.0h.1M23.0 1.0h.1");
  });
});
