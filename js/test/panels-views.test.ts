// The data tabs and starting again, mounted on the stand-in kernel.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeKernel } from "../gallery/kernel";
import { pack } from "../gallery/pack";
import { surfacePart } from "../gallery/panels";
import { fakeTime, frame, mount } from "./helpers";

let view: ReturnType<typeof mount>;
beforeEach(() => {
  fakeTime();
  view = mount({ width: [4, 3, 2], steps: 60 });
});
afterEach(() => {
  view.explorer.destroy();
  vi.useRealTimers();
});

const remount = (kernel: FakeKernel): void => {
  view.explorer.destroy();
  view = mount(kernel);
};
const open = (tab: string) => view.click(`[data-kw-tab="${tab}"]`);
const panel = (name: string) => view.one(`[data-kw-panel="${name}"]`);
const point = (name: string, clientX: number, clientY: number): string => {
  const event = new MouseEvent("pointermove", { clientX, clientY, bubbles: true });
  view.one(`[data-kw-panel="${name}"] .kw-stage > svg`).dispatchEvent(event);
  const readout = view.one(`[data-kw-panel="${name}"] .kw-readout`);
  return readout.hidden ? "" : [...readout.children].map((line) => line.textContent).join("; ");
};
const choose = (name: string, value: number) => {
  const select = view.one<HTMLSelectElement>(`[data-kw-control="${name}"]`);
  select.value = String(value);
  select.dispatchEvent(new Event("change", { bubbles: true }));
  frame();
};
const type = (name: string, text: string) => {
  const field = view.one<HTMLInputElement>(name);
  field.value = text;
  view.key(field, "Enter");
};

describe("what is watched", () => {
  const watched = () => view.commands("watch").map((one) => (one as unknown as { panels: string[] }).panels);

  it("is what is open, and nothing afterwards", () => {
    open("parity");
    open("surface");
    open("surface");
    open("front");
    expect(watched()).toEqual([["parity"], ["surface"], []]);
    expect(view.commands("watch")[0]).toMatchObject({ view: view.root.id });
    open("parity");
    const { kernel } = view;
    view.explorer.destroy();
    expect(kernel.sent.filter(({ kind }) => kind === "watch").at(-1)).toMatchObject({ panels: [] });
  });

  it("is told again to a kernel that has greeted a view", () => {
    const greet = () => view.kernel.push("hello_ack", { snapshot: view.kernel.snapshot() });
    greet();
    frame();
    expect(watched()).toEqual([]);
    open("parity");
    greet();
    frame();
    frame();
    expect(watched()).toEqual([["parity"], ["parity"]]);
  });

  it("is told again to a kernel that was away, however shortly", () => {
    open("parity");
    view.explorer.store.setLink("lost");
    frame();
    view.explorer.store.setLink("live");
    frame();
    view.explorer.store.setLink("lost");
    view.explorer.store.setLink("live");
    frame();
    expect(watched()).toEqual([["parity"], ["parity"], ["parity"]]);
  });
});

it("tabs that need a kernel are not there on a saved page, unless it holds what they show", () => {
  view.explorer.store.setLink("none");
  frame();
  const shown = () => view.all("[role=tab]").flatMap((tab) => (tab.hidden ? [] : [tab.dataset.kwTab]));
  expect(shown()).toEqual(["curves", "edges", "front"]);
  view.key(view.one('[data-kw-tab="curves"]'), "ArrowRight");
  expect(document.activeElement!.getAttribute("data-kw-tab")).toBe("edges");
  view.kernel.watched = ["parity"];
  view.kernel.pushWatched();
  frame();
  expect(shown()).toEqual(["curves", "parity", "edges", "front"]);
});

describe("parity", () => {
  beforeEach(() => open("parity"));

  it("tells the parts apart by colour and shape, and their quality in words", () => {
    const words = panel("parity").textContent;
    expect(words).toMatch(/train.*R² 0\.9\d+.*RMSE.*test.*R² 0\.9\d+.*RMSE/);
    const shape = (colour: string) =>
      view
        .one(`[data-kw-panel="parity"] .kw-stage .${colour}`)
        .getAttribute("d")!
        .replace(/[\d.\- ]+/g, "")
        .slice(0, 4);
    expect(shape("kw-c1")).not.toBe(shape("kw-c2"));
    expect(view.one('[data-kw-panel="parity"] svg').getAttribute("aria-label")).toContain("test R²");
  });

  it("reads the point under the pointer", () => {
    const { pairs } = view.explorer.store.state;
    expect(point("parity", 210, 70)).toMatch(/^(train|test); true .+; predicted .+; error /);
    expect(point("parity", Number.NaN, Number.NaN)).toBe("");
    expect(pairs.get("train")!.shape).toEqual([2, 2, 300]);
  });

  it("shows another output", () => {
    const before = panel("parity").textContent;
    choose("parity-output", 1);
    expect(panel("parity").textContent).not.toBe(before);
  });

  it("reads anew what has come under a resting pointer", () => {
    const before = point("parity", 210, 70);
    for (let i = 0; i < 9; i++) view.kernel.tick();
    frame();
    const readout = panel("parity").querySelector(".kw-readout")!;
    expect([...readout.children].map((line) => line.textContent).join("; ")).not.toBe(before);
  });

  it("follows the training", () => {
    const label = () => view.one('[data-kw-panel="parity"] svg').getAttribute("aria-label");
    const before = label();
    view.kernel.tick();
    frame();
    expect(label()).not.toBe(before);
  });

  it("of classes is a table of counts and parts of each row", () => {
    const kernel = new FakeKernel({ width: [4, 3], steps: 60, outputs: ["setosa", "<b>", "virginica"] });
    kernel.classes = true;
    remount(kernel);
    open("parity");
    const cells = view.all('[data-kw-panel="parity"] td').map((cell) => cell.textContent);
    expect(cells.length).toBe(9);
    expect(cells[0]).toMatch(/^\d+[\d.]+ %$/);
    expect(panel("parity").textContent).toMatch(/% of 120 rows are right/);
    choose("parity-part", 0);
    expect(panel("parity").textContent).toMatch(/% of 300 rows are right/);
    expect(panel("parity").querySelector("th b")).toBeNull();
  });
});

const asked = () => view.commands("surface").at(-1) as unknown as { x: number; y: number | null; at: unknown[] };

describe("surface", () => {
  beforeEach(() => open("surface"));
  it("reads x, y and the output with the axes the right way round", () => {
    const { store } = view.explorer;
    const [told, arrays] = surfacePart(view.kernel, { x: 0, y: 1, output: 0, at: [] });
    const z = Array.from({ length: 1600 }, (_, i) => i % 40);
    expect(arrays.z![1]).toEqual([40, 40]);
    store.state.heights.set("z", { values: Float32Array.from(z), shape: [40, 40] });
    store.state.surface = told;
    view.explorer.store.setLink("lost");
    frame();
    const value = (text: string) => Number(/= ([\d.]+)/.exec(text)?.[1]);
    expect(value(point("surface", 60, 100))).toBeLessThan(6);
    expect(value(point("surface", 350, 100))).toBeGreaterThan(32);
    expect(value(point("surface", 350, 40))).toBe(value(point("surface", 350, 160)));
    expect(point("surface", 200, 100)).toMatch(/^y₁ = .+; x₁ = .+; x₂ = /);
  });

  it("asks for other inputs, and exchanges the two when one is chosen twice", () => {
    choose("surface-x", 2);
    expect(asked()).toMatchObject({ x: 2, y: 1, output: 0, at: [null, null, null, null] });
    choose("surface-y", 2);
    expect(asked()).toMatchObject({ x: 1, y: 2 });
    choose("surface-x", 2);
    expect(asked()).toMatchObject({ x: 2, y: 1 });
    choose("surface-output", 1);
    expect(asked()).toMatchObject({ x: 2, y: 1, output: 1 });
  });

  it("is a line over one input", () => {
    choose("surface-y", -1);
    expect(asked().y).toBeNull();
    expect(view.one(".kw-heat").hidden).toBe(true);
    expect(view.all('[data-kw-panel="surface"] path.kw-c1').length).toBe(1);
    expect(point("surface", 200, 100)).toMatch(/^y₁ = [^;]+; x₁ = [^;]+$/);
    remount(new FakeKernel({ width: [1, 1], steps: 3 }));
    open("surface");
    expect(view.one(".kw-side").hidden || view.one('[data-kw-panel="surface"] .kw-side').hidden).toBe(true);
  });

  it("holds the other inputs at medians, or where the hand puts them", () => {
    const median = view.one<HTMLButtonElement>('[data-kw-action="hold-median"]');
    expect(median.disabled).toBe(true);
    expect(view.all('[data-kw-panel="surface"] [type="range"]').map((one) => one.dataset.kwControl)).toEqual([
      "at-2",
      "at-3",
    ]);
    type('[data-kw-field="at-3"]', "0.5");
    expect(asked().at).toEqual([null, null, null, 0.5]);
    const range = view.one<HTMLInputElement>('[data-kw-control="at-2"]');
    range.value = "100";
    range.dispatchEvent(new Event("input", { bubbles: true }));
    vi.advanceTimersByTime(100);
    expect(asked().at).toEqual([null, null, 1, 0.5]);
    view.click('[data-kw-action="hold-median"]');
    expect(asked().at).toEqual([null, null, null, null]);
    expect(median.disabled).toBe(true);
  });

  it("colours the data by their labels, and marks those far from the map", () => {
    const dots = view.all('[data-kw-panel="surface"] circle.kw-dot-on');
    expect(dots.length).toBe(200);
    const far = dots.filter((dot) => dot.hasAttribute("data-far"));
    expect(far.length).toBeGreaterThan(0);
    expect(far.length).toBeLessThan(100);
    expect(Number(far[0]!.getAttribute("r"))).toBeGreaterThan(
      Number(dots.find((dot) => !far.includes(dot))!.getAttribute("r")),
    );
  });
});

describe("what a surface is of", () => {
  beforeEach(() => open("surface"));

  it("a line whose input goes up gets another one across", () => {
    choose("surface-y", -1);
    choose("surface-y", 0);
    expect(asked()).toMatchObject({ x: 1, y: 0 });
  });

  const tell = (change: object) => {
    const [told, arrays] = surfacePart(view.kernel, { x: 0, y: 1, output: 0, at: [] });
    const packed = pack(arrays);
    view.kernel.push("surface", { surface: { ...told, ...change }, arrays: packed.arrays }, packed.buffer);
    frame();
  };
  const median = () => view.one<HTMLButtonElement>('[data-kw-action="hold-median"]');

  it("what is held is what the kernel says, whoever has said it", () => {
    tell({ at: [0, 0, 0.7, 0], held: [null, null, 0.7, null] });
    expect(median().disabled).toBe(false);
    choose("surface-output", 1);
    expect(asked().at).toEqual([null, null, 0.7, null]);
    tell({ at: [0, 0, 0.1, 0], held: [null, null, null, null] });
    expect(median().disabled).toBe(true);
    choose("surface-output", 0);
    expect(asked().at).toEqual([null, null, null, null]);
  });

  it("a kernel that doesn't say it is remembered for", () => {
    tell({ held: undefined });
    type('[data-kw-field="at-3"]', "0.5");
    tell({ held: undefined, at: [0, 0, 0, 0.5] });
    expect(median().disabled).toBe(false);
    choose("surface-output", 1);
    expect(asked().at).toEqual([null, null, null, 0.5]);
  });

  it("an ack leaves the map alone", () => {
    const dot = () => view.one('[data-kw-panel="surface"] circle.kw-dot-on');
    frame();
    const before = dot();
    view.kernel.push("settings", { settings: view.kernel.settings() });
    frame();
    expect(dot()).toBe(before);
  });

  it("sliders follow the ranges of other data with the same names", () => {
    tell({ ranges: Array(4).fill([10, 100]), at: [55, 55, 55, 55] });
    const range = view.one<HTMLInputElement>('[data-kw-control="at-2"]');
    expect(Number(range.value)).toBe(50);
    range.value = "100";
    range.dispatchEvent(new Event("input", { bubbles: true }));
    vi.advanceTimersByTime(100);
    expect(asked().at[2]).toBe(100);
  });

  it("is painted anew in the colours of another theme", async () => {
    const colours = () => view.all('[data-kw-panel="surface"] stop').map((one) => one.getAttribute("stop-color"));
    // What the click has brought is drawn.
    frame();
    const before = colours();
    document.documentElement.dataset.theme = "dark";
    await Promise.resolve();
    frame();
    const after = colours();
    delete document.documentElement.dataset.theme;
    await Promise.resolve();
    expect(after).not.toEqual(before);
    expect(after.length).toBe(before.length);
  });

  it("names from right to left don't turn what stands around them", () => {
    const name = "מהירות";
    tell({ names: [name, "b", "c", "d"], outputs: [name, "y"] });
    expect(point("surface", 200, 100)).toMatch(/^\u2068מהירות\u2069 = [^;]+; \u2068מהירות\u2069 = /);
    const label = view.one('[data-kw-panel="surface"] .kw-stage > svg').getAttribute("aria-label");
    expect(label).toContain("\u2068מהירות\u2069");
  });
});

describe("without a kernel", () => {
  it.each(["parity", "surface"])("%s doesn't wait for ever", (name) => {
    view.kernel.silent = true;
    open(name);
    expect(panel(name).textContent).toContain("as soon as the kernel is free");
    view.kernel.lose();
    frame();
    expect(panel(name).textContent).toContain("the kernel is gone");
  });

  it("neither do the candidates", () => {
    view.kernel.silent = true;
    view.click('[data-kw-edge="0-0-1"]');
    const list = view.one('[aria-label="Candidates"]');
    expect(list.getAttribute("aria-busy")).toBe("true");
    view.kernel.lose();
    frame();
    expect(list.getAttribute("aria-busy")).toBe("false");
    expect(panel("inspector").textContent).not.toContain("Fitting candidates");
  });
});

describe("front", () => {
  beforeEach(() => {
    view.kernel.note("prune", "prune");
    view.kernel.note("grid 5 → 10", "refine");
    view.kernel.states[1] = { ...view.kernel.states[1]!, kept: false };
    view.kernel.pushAll();
    frame();
    open("front");
  });
  const mark = (id: number) => view.one(`[data-kw-front="${id}"]`);

  it("has a mark for every state, named, the current one marked", () => {
    expect(view.all("[data-kw-front]").length).toBe(3);
    expect(view.one('[data-kw-panel="front"] svg').getAttribute("role")).toBe("group");
    expect(mark(1).getAttribute("aria-label")).toMatch(/^prune, RMSE .+, \d+ free parameters, step 60, no longer kept/);
    expect(mark(2).getAttribute("aria-current")).toBe("true");
  });

  it("marks stay through acks, so that no press is lost, and what is read follows what is drawn anew", () => {
    const before = mark(0);
    mark(0).dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    view.kernel.push("settings", { settings: view.kernel.settings() });
    frame();
    expect(mark(0)).toBe(before);
    const readout = () => panel("front").querySelector<HTMLElement>(".kw-readout")!;
    const place = readout().style.cssText;
    view.kernel.states[2] = { ...view.kernel.states[2]!, error: 1e-5, latest: 1e-5 };
    view.kernel.pushAll();
    frame();
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
    const first = view.one('[data-kw-front][tabindex="0"]');
    first.focus();
    view.key(first, "ArrowRight");
    const next = document.activeElement!;
    expect(next.hasAttribute("data-kw-front")).toBe(true);
    expect(next).not.toBe(first);
    view.key(mark(0), "Enter");
    expect(view.commands("goto")).toMatchObject([{ state: 0 }]);
  });
});

const startAgain = () => {
  view.kernel.presets = ["ripples", "<i>"];
  view.kernel.push("settings", { settings: view.kernel.settings() });
  view.click('[data-kw-menu="again"]');
};

describe("starting again", () => {
  beforeEach(startAgain);
  const resets = () => view.commands("control") as unknown as { action: string; seed?: number }[];

  it("resets with the seed in the field, or with another one", () => {
    view.click('[data-kw-action="reset-seed"]');
    type('[data-kw-control="seed"]', "7");
    view.click('[data-kw-action="new-seed"]');
    const [same, typed, other] = resets();
    expect([same!.seed, typed!.seed]).toEqual([42, 7]);
    expect(other).toMatchObject({ action: "reset" });
    expect(Number.isInteger(other!.seed)).toBe(true);
    type('[data-kw-control="seed"]', "x");
    expect(view.one('[data-kw-control="seed"]').getAttribute("aria-invalid")).toBe("true");
    expect(resets().length).toBe(3);
  });

  it("sets noise and batch", () => {
    type('[data-kw-field="noise"]', "25");
    type('[data-kw-field="batch"]', "64");
    type('[data-kw-field="batch"]', "all");
    expect(view.commands("set").map((one) => (one as unknown as { settings: object }).settings)).toEqual([
      { noise: 0.25 },
      { batch: 64 },
      { batch: null },
    ]);
    expect(view.one<HTMLInputElement>('[data-kw-field="batch"]').value).toBe("all");
    expect(view.one<HTMLInputElement>('[data-kw-field="noise"]').value).toBe("25 %");
  });

  it("offers presets as text, where there are any", () => {
    const names = view.all('[data-kw-control="preset"] option').map((one) => one.textContent);
    expect(names).toEqual(["ripples", "<i>"]);
    choose("preset", 1);
    expect(view.commands("preset")).toMatchObject([{ name: "<i>" }]);
  });

  it("a press on its words leaves it open; fields and choices take theirs", () => {
    const pressed = (selector: string) => {
      const event = new MouseEvent("mousedown", { bubbles: true, cancelable: true });
      view.one(`[role="dialog"] ${selector}`).dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(["h2", "p", "label", "button"].map(pressed)).toEqual([true, true, true, true]);
    expect(["input", "select"].map(pressed)).toEqual([false, false]);
  });

  it("a seed that was typed stands through acks, until the kernel tells another one", () => {
    const field = view.one<HTMLInputElement>('[data-kw-control="seed"]');
    field.focus();
    field.value = "7";
    view.one('[data-kw-action="reset-seed"]').focus();
    const tell = () => {
      view.kernel.push("settings", { settings: view.kernel.settings() });
      frame();
    };
    tell();
    expect(field.value).toBe("7");
    view.kernel.seed = 8;
    tell();
    expect(field.value).toBe("8");
  });

  it("without a kernel nothing of it can be pressed", () => {
    view.kernel.lose();
    frame();
    for (const action of ["reset-seed", "new-seed"])
      expect(view.one<HTMLButtonElement>(`[data-kw-action="${action}"]`).disabled).toBe(true);
  });
});

describe("the popover of starting again", () => {
  beforeEach(startAgain);

  it("closes on Escape, gives the focus back, and is not there without a kernel", () => {
    const pop = view.one('[role="dialog"]');
    const opener = view.one<HTMLButtonElement>('[data-kw-menu="again"]');
    expect([pop.hidden, opener.getAttribute("aria-expanded")]).toEqual([false, "true"]);
    expect(pop.contains(document.activeElement)).toBe(true);
    view.key(document.activeElement!, "Escape");
    expect(pop.hidden).toBe(true);
    expect(document.activeElement).toBe(opener);
    view.kernel.lose();
    frame();
    expect(opener.disabled).toBe(true);
  });
});
