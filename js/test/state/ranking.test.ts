// The ranking of candidates.
import { describe, expect, it } from "vitest";
import { ranked, score } from "../../src/state/ranking";

describe("ranking", () => {
  const bits = (r2: number) => 4.5 * Math.log2(1 - r2 + 1e-12);
  const row = (name: string, r2: number, complexity: number, imitates: string | null = null) => ({
    name,
    r2,
    complexity,
    imitates,
    misfit: bits(r2),
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
  it("imitations stand behind all others", () => {
    const all = [row("arctan", 0.99999, 4, "x"), row("x", 0.9999, 1), row("x^2", 0.2, 2)];
    expect(ranked(all, 0).map((i) => all[i]!.name)).toEqual(["x", "x^2", "arctan"]);
  });
  it("does not put a simple function before the right one for its simplicity", () => {
    const poor = [row("x", 0.0019, 1), row("abs", 0.93, 3), row("x^2", 0.83, 2)];
    expect(ranked(poor, 0.7).map((i) => poor[i]!.name)).toEqual(["abs", "x^2", "x"]);
  });
  it("ranks candidates of earlier versions, which have no bits, by R²", () => {
    const { misfit: _, ...old } = row("x", 0.75, 1);
    expect(score(old, 0.5)).toBeCloseTo(0.5 - 1);
  });

  it("puts the function in place before others that are as good", () => {
    const tied = [row("cos", 0.98, 2), row("exp", 0.97, 2), row("sqrt", 0.99, 2), row("x", 0.96, 1)].map((one) => ({
      ...one,
      misfit: -30,
      in_place: one.name === "exp",
    }));
    expect(ranked(tied, 0.7).map((i) => tied[i]!.name)).toEqual(["x", "exp", "sqrt", "cos"]);
  });
});
