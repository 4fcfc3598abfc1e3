// The network's output over one or two inputs, mounted on the stand-in kernel.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { SURFACE } from "../../src/tabs/surface-panel";
import { FakeKernel } from "../fake/kernel";
import { pack } from "../fake/pack";
import { surfacePart } from "../fake/panels";
import { frame, mountEach, remount } from "../support/helpers";
import { tabs } from "../support/tabs";

const view = mountEach({ width: [4, 3, 2], steps: 60 });

const { open, point, choose, type } = tabs(view);

const tell = (change: object) => {
  const [payload, arrays] = surfacePart(view.kernel, { x: 0, y: 1, output: 0, at: [] });
  const packed = pack(arrays);
  view.deliver("surface", { surface: { ...payload, ...change }, arrays: packed.arrays }, packed.buffer);
};

const asked = () => view.commands("surface").at(-1) as unknown as { x: number; y: number | null; at: unknown[] };

describe("surface", () => {
  beforeEach(() => open("surface"));
  it("reads x, y and the output with the axes the right way round", () => {
    const { store } = view.explorer;
    const [payload, arrays] = surfacePart(view.kernel, { x: 0, y: 1, output: 0, at: [] });
    const z = Array.from({ length: 1600 }, (_, i) => i % 40);
    expect(arrays.z![1]).toEqual([40, 40]);
    store.panel(SURFACE)!.arrays.set("z", { values: Float32Array.from(z), shape: [40, 40] });
    store.panel(SURFACE)!.payload = payload;
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
    expect(view.find(".kw-heat").hidden).toBe(true);
    expect(view.all('[data-kw-panel="surface"] path.kw-c1').length).toBe(1);
    expect(point("surface", 200, 100)).toMatch(/^y₁ = [^;]+; x₁ = [^;]+$/);
    remount(view, new FakeKernel({ width: [1, 1], steps: 3 }));
    open("surface");
    expect(view.find(".kw-side").hidden || view.find('[data-kw-panel="surface"] .kw-side').hidden).toBe(true);
  });

  it("holds the other inputs at medians, or where the hand puts them", () => {
    const median = view.find<HTMLButtonElement>('[data-kw-action="hold-median"]');
    expect(median.disabled).toBe(true);
    expect(view.all('[data-kw-panel="surface"] [type="range"]').map((item) => item.dataset.kwControl)).toEqual([
      "at-2",
      "at-3",
    ]);
    type('[data-kw-field="at-3"]', "0.5");
    expect(asked().at).toEqual([null, null, null, 0.5]);
    const range = view.find<HTMLInputElement>('[data-kw-control="at-2"]');
    range.value = "100";
    range.dispatchEvent(new Event("input", { bubbles: true }));
    vi.advanceTimersByTime(100);
    expect(asked().at).toEqual([null, null, 1, 0.5]);
    view.click('[data-kw-action="hold-median"]');
    expect(asked().at).toEqual([null, null, null, null]);
    expect(median.disabled).toBe(true);
  });

  it("colours the data by their labels, and marks those far from the map", () => {
    const dots = view.all('[data-kw-panel="surface"] .kw-stage path.kw-dot-on');
    expect(dots.length).toBe(200);
    const far = dots.filter((dot) => dot.hasAttribute("data-far"));
    expect(far.length).toBeGreaterThan(0);
    expect(far.length).toBeLessThan(100);
    // All of one size; the thick rim is explained.
    const sizes = dots.map((dot) => /scale\((.+)\)/.exec(dot.getAttribute("transform")!)![1]);
    expect(new Set(sizes).size).toBe(1);
    expect(view.find('[data-kw-panel="surface"] .kw-side').textContent).toContain("data off the map by over 15 %");
    expect(new Set(dots.map((dot) => dot.getAttribute("d"))).size).toBe(1);
  });
});

describe("what a surface is of", () => {
  beforeEach(() => open("surface"));

  it("a line whose input goes up gets another one across", () => {
    choose("surface-y", -1);
    choose("surface-y", 0);
    expect(asked()).toMatchObject({ x: 1, y: 0 });
  });

  it("a typed value is sent once", () => {
    type('[data-kw-field="at-3"]', "0.5");
    view.find('[data-kw-field="at-3"]').dispatchEvent(new Event("change", { bubbles: true }));
    expect(view.commands("surface")).toHaveLength(1);
  });

  const median = () => view.find<HTMLButtonElement>('[data-kw-action="hold-median"]');

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
    const dot = () => view.find('[data-kw-panel="surface"] path.kw-dot-on');
    frame();
    const before = dot();
    view.deliver("settings", { settings: view.kernel.settings() });
    expect(dot()).toBe(before);
  });

  it("sliders follow the ranges of other data with the same names", () => {
    tell({ ranges: Array(4).fill([10, 100]), at: [55, 55, 55, 55] });
    const range = view.find<HTMLInputElement>('[data-kw-control="at-2"]');
    expect(Number(range.value)).toBe(50);
    range.value = "100";
    range.dispatchEvent(new Event("input", { bubbles: true }));
    vi.advanceTimersByTime(100);
    expect(asked().at[2]).toBe(100);
  });

  it("is painted anew in the colours of another theme", async () => {
    const colours = () => view.all('[data-kw-panel="surface"] stop').map((item) => item.getAttribute("stop-color"));
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

  it("of numbers has no legend", () => {
    expect(view.find('[data-kw-panel="surface"] ul').hidden).toBe(true);
  });

  it("names from right to left don't turn what stands around them", () => {
    const name = "מהירות";
    tell({ names: [name, "b", "c", "d"], outputs: [name, "y"] });
    expect(point("surface", 200, 100)).toMatch(/^\u2068מהירות\u2069 = [^;]+; \u2068מהירות\u2069 = /);
    const label = view.find('[data-kw-panel="surface"] .kw-stage > svg').getAttribute("aria-label");
    expect(label).toContain("\u2068מהירות\u2069");
  });
});

it("draws words by their names: on both axes, under the pointer and where they are held", () => {
  open("surface");
  const words = ["North", "Reef", "Old mill"];
  const range = [0, 2];
  const levels = [words, words, [], words];
  const ranges = levels.map((each) => (each.length > 0 ? range : [-1, 1]));
  tell({ levels, ranges, x_range: range, y_range: range, at: [1, 1, 0, 2] });
  const labels = view.all("[data-kw-panel=surface] .kw-stage svg text").map((text) => text.textContent);
  expect(words.map((word) => labels.filter((label) => label === word).length)).toEqual([2, 2, 2]);
  expect(point("surface", 80, 100)).toMatch(/x₁ = North; x₂ = (North|Reef|Old mill)/);
  const held = view.find<HTMLInputElement>('[data-kw-panel="surface"] [data-kw-field="at-3"]');
  expect(held.value).toBe("Old mill");
});

describe("of classes", () => {
  beforeEach(() => open("surface"));

  const classes = (count: number, output = 0) => {
    const outputs = Array.from({ length: count }, (_, i) => `class ${i}`);
    const [payload, arrays] = surfacePart(view.kernel, { x: 0, y: 1, output, at: [] });
    const points = Array.from(arrays.points![0]);
    const n = points.length / 3;
    const packed = pack({ ...arrays, points: [points.map((v, i) => (i < 2 * n ? v : i % count)), [3, n]] });
    view.deliver("surface", { surface: { ...payload, outputs, classes: true }, arrays: packed.arrays }, packed.buffer);
  };
  const shapes = (within: string) =>
    new Set(view.all(`[data-kw-panel="surface"] ${within} path.kw-dot-on`).map((item) => item.getAttribute("d")));
  const legend = () => view.all('[data-kw-panel="surface"] li').map((item) => item.textContent);

  it("tells up to ten apart by shape, with a legend and in words", () => {
    classes(10);
    expect(shapes(".kw-stage").size).toBe(10);
    expect(shapes("li")).toEqual(shapes(".kw-stage"));
    expect(legend()).toEqual(Array.from({ length: 10 }, (_, i) => `class ${i}`));
    const label = view.find('[data-kw-panel="surface"] .kw-stage > svg').getAttribute("aria-label");
    expect(label).toMatch(/^probability of class 0 over .+, with data: 20 class 0, 20 class 1, .+, 20 class 9$/);
  });

  it("the colour says whether it is the class that is shown", () => {
    classes(3, 1);
    const fills = view.all('[data-kw-panel="surface"] li path').map((item) => item.getAttribute("fill"));
    expect(fills[0]).toBe(fills[2]);
    expect(fills[1]).not.toBe(fills[0]);
    expect(view.find('[data-kw-panel="surface"] li b').textContent).toBe("class 1");
  });

  it("names the class of the point under the pointer", () => {
    classes(3);
    const dot = view.all('[data-kw-panel="surface"] .kw-stage path.kw-dot-on')[4]!;
    const [, x, y] = /translate\(([\d.]+) ([\d.]+)\)/.exec(dot.getAttribute("transform")!)!;
    expect(point("surface", Number(x), Number(y))).toMatch(/data: class \d$/);
  });

  it("beyond ten the last shape stands for the others", () => {
    classes(12);
    expect(legend().length).toBe(10);
    expect(legend().at(-1)).toBe("3 other classes");
    expect(shapes(".kw-stage").size).toBe(10);
  });
});
