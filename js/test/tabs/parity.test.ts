// Prediction against truth, mounted on the stand-in kernel.
import { beforeEach, describe, expect, it } from "vitest";
import { PARITY } from "../../src/tabs/parity";
import { FakeKernel } from "../fake/kernel";
import { pack } from "../fake/pack";
import { frame, mountEach, remount } from "../support/helpers";
import { tabs } from "../support/tabs";

const view = mountEach({ width: [4, 3, 2], steps: 60 });

const { open, panel, point, choose } = tabs(view);

describe("parity", () => {
  beforeEach(() => open("parity"));

  it("tells the parts apart by colour and shape, and their quality in words", () => {
    const text = panel("parity").textContent;
    expect(text).toMatch(/train.*R² 0\.9\d+.*RMSE.*test.*R² 0\.9\d+.*RMSE/);
    const shape = (colour: string) =>
      view
        .find(`[data-kw-panel="parity"] .kw-stage .${colour}`)
        .getAttribute("d")!
        .replace(/[\d.\- ]+/g, "")
        .slice(0, 4);
    expect(shape("kw-c1")).not.toBe(shape("kw-c2"));
    expect(view.find('[data-kw-panel="parity"] svg').getAttribute("aria-label")).toContain("test R²");
  });

  it("reads the point under the pointer", () => {
    const pairs = view.explorer.store.panel(PARITY)!.arrays;
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
    const label = () => view.find('[data-kw-panel="parity"] svg').getAttribute("aria-label");
    const before = label();
    view.kernel.tick();
    frame();
    expect(label()).not.toBe(before);
  });

  it("of classes is a table of counts and parts of each row", () => {
    const kernel = new FakeKernel({ width: [4, 3], steps: 60, outputs: ["setosa", "<b>", "virginica"] });
    kernel.classes = true;
    remount(view, kernel);
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

it("says how many of many rows are drawn", () => {
  open("parity");
  expect(panel("parity").textContent).not.toContain("rows");
  const { arrays, buffer } = pack({
    train: [
      [1, 2, 1, 3],
      [1, 2, 2],
    ],
    test: [
      [1, 2, 1, 3],
      [1, 2, 2],
    ],
  });
  const parity = { outputs: ["y"], classes: false, rows: { train: 160_000, test: 2 } };
  view.kernel.push("parity", { parity, arrays }, buffer);
  frame();
  expect(panel("parity").textContent).toContain("of 2 of 160,000 rows");
  expect(panel("parity").textContent).not.toContain("of 2 of 2 rows");
});
