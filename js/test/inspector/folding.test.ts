// Imitations are folded under what they imitate.
import { beforeEach, describe, expect, it } from "vitest";
import { alsoText, folded } from "../../src/inspector/folding";
import type { Candidate } from "../../src/protocol/messages";
import { FakeKernel } from "../fake/kernel";
import { mount, onFakeTime, type View } from "../support/helpers";

const candidate = (name: string, imitates: string | null = null, a = 1): Candidate => ({
  name,
  imitates,
  formula: ["math", {}, [["mi", {}, [name]]]],
  text: name,
  params: [a, 0, 1, 0],
  r2: 0.99,
  complexity: 2,
  valid: null,
});
const named = (rows: Candidate[]) =>
  folded(
    rows,
    rows.map((_, i) => i),
  ).map(({ index, imitations }) => [rows[index]!.name, imitations.map((i) => rows[i]!.name)]);

describe("folding", () => {
  it("puts imitations under what they imitate in the end, in their order", () => {
    const rows = [candidate("x^2"), candidate("cos", "x^2"), candidate("J0", "cos"), candidate("abs")];
    expect(named(rows)).toEqual([
      ["x^2", ["cos", "J0"]],
      ["abs", []],
    ]);
  });

  it("leaves a row alone whose original isn't there, and two that name each other", () => {
    expect(named([candidate("cos", "x^2"), candidate("sin", "tan"), candidate("tan", "sin")])).toEqual([
      ["cos", []],
      ["sin", []],
      ["tan", []],
    ]);
  });

  it("keeps the order of the ranking", () => {
    const rows = [candidate("x^2"), candidate("abs"), candidate("cos", "x^2"), candidate("J0", "x^2")];
    expect(folded(rows, [3, 1, 2, 0])).toEqual([
      { index: 1, imitations: [] },
      { index: 0, imitations: [3, 2] },
    ]);
  });

  it("says on which part of a period", () => {
    const rows = [candidate("x^2"), candidate("cos", "x^2", 0.1), candidate("exp", "x^2")];
    const fold = { index: 0, imitations: [1, 2] };
    expect(alsoText(rows, fold, 2.5)).toBe("also cos, exp: on 4 % of a period");
    // Without a periodic one nothing is said of a period.
    expect(alsoText(rows, { index: 0, imitations: [2] }, 2.5)).toBe("also exp");
  });
});

describe("in the table", () => {
  onFakeTime();
  let view: View;
  const names = () => view.all("[data-kw-candidate]").map((row) => row.dataset.kwCandidate);
  beforeEach(() => {
    const kernel = new FakeKernel({ width: [2, 5, 1], steps: 10 });
    const part = kernel.candidatesPart.bind(kernel);
    kernel.candidatesPart = () => {
      const [received, arrays] = part();
      const rows = (received as { rows: Candidate[] }).rows.map((row) =>
        ["sin", "exp"].includes(row.name) ? { ...row, imitates: "x^2" } : row,
      );
      return [{ ...received, rows }, arrays];
    };
    view = mount(kernel);
    view.click('[data-kw-edge="0-0-1"]');
  });

  it("an imitation is named below its original, and a click shows it", () => {
    const also = '[data-kw-candidate="x^2"] [data-kw-action="unfold"]';
    expect(names()).not.toContain("sin");
    expect(view.find(also).textContent).toMatch(/^also (sin, exp|exp, sin)/);
    view.click(also);
    const all = names();
    expect(all.slice(all.indexOf("x^2") + 1, all.indexOf("x^2") + 3).sort()).toEqual(["exp", "sin"]);
    expect(view.find('[data-kw-candidate="sin"]').hasAttribute("data-imitation")).toBe(true);
    view.click(also);
    expect(names()).not.toContain("sin");
  });

  it("the filter finds imitations too", () => {
    view.input('[data-kw-control="filter"]', "sin", "input");
    view.deliver();
    expect(names()).toEqual(["sin"]);
  });
});
