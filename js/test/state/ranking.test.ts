// The ranking of candidates.
import { describe, expect, it } from "vitest";
import { ranked, score } from "../../src/state/ranking";

describe("ranking", () => {
  const row = (name: string, r2: number, complexity: number, imitates: string | null = null) => ({
    name,
    r2,
    complexity,
    imitates,
    formula: ["mi", {}, ["x"]] as never,
    text: "",
    params: [],
    valid: null,
  });
  const rows = [row("x", 0.9, 1), row("sin", 0.9999, 2), row("x^5", 0.99995, 5)];
  const names = (weight: number) => ranked(rows, weight).map((i) => rows[i]!.name);

  it("goes from the best fit to the simplest", () => {
    expect(names(0)).toEqual(["x^5", "sin", "x"]);
    expect(names(1)).toEqual(["x", "sin", "x^5"]);
    expect(names(0.7)[0]).toBe("sin");
  });
  it("an exact fit beats any other whatever it costs", () => {
    expect(score(row("a", 1, 5), 0.7)).toBeLessThan(score(row("b", 0.9999, 1), 0.7));
  });
  it("imitations stand behind what they imitate", () => {
    const both = [row("arctan", 0.99999, 4, "x"), row("x", 0.9999, 1)];
    expect(ranked(both, 0).map((i) => both[i]!.name)).toEqual(["x", "arctan"]);
  });
});
