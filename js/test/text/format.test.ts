import { describe, expect, it } from "vitest";
import { count, inLine, interval, number, power, pretty, rSquared, tickLabels, variable } from "../../src/text/format";

describe("number", () => {
  it.each([
    [0, "0"],
    [1, "1"],
    [0.03123, "0.0312"],
    [3.44e-5, "3.4e-5"],
    [-2.5, "−2.5"],
    [-3e-7, "−3e-7"],
    [12345, "12,300"],
    [1e9, "1e9"],
    [null, "–"],
    [Number.NaN, "–"],
    [Number.POSITIVE_INFINITY, "∞"],
    [Number.NEGATIVE_INFINITY, "−∞"],
  ])("%s is %s", (value, text) => {
    expect(number(value)).toBe(text);
  });
});

describe("rSquared", () => {
  it.each([
    [1, "1"],
    [0.99996, "0.99996"],
    [0.9999999, "0.9999999"],
    [0.92314, "0.9231"],
    [-2, "−2"],
    [0.5, "0.5000"],
  ])("%s is %s", (value, text) => {
    expect(rSquared(value)).toBe(text);
  });
  it("never rounds up to 1", () => {
    expect(rSquared(Number.NaN)).toBe("–");
    for (const value of [0.99999, 0.999999, 0.9999999, 0.99999994]) expect(Number(rSquared(value))).toBeLessThan(1);
  });
});

it("power writes powers of ten as such", () => {
  expect([1, 1e-3, 100, 3e-5].map(power)).toEqual(["10⁰", "10⁻³", "10²", "3×10⁻⁵"]);
  expect([0, -200].map(power)).toEqual(["0", "−2×10²"]);
});

it("interval names what is valid", () => {
  expect(interval(null)).toBe("all x");
  expect(interval([0, null], "t")).toBe("t > 0");
  expect(interval([null, 2])).toBe("x < 2");
  expect(interval([-1, 1])).toBe("−1 < x < 1");
});

it("pretty raises whole exponents only", () => {
  expect(["x^2", "1/x^2", "x^10", "x^1.5", "sin"].map(pretty)).toEqual(["x²", "1/x²", "x¹⁰", "x^1.5", "sin"]);
});

it("count agrees in number", () => {
  expect([count(1, "edge"), count(1500, "edge")]).toEqual(["1 edge", "1,500 edges"]);
});

it("variable sets digits below the line, and leaves other names alone", () => {
  const names = ["x_1", "x1", "θ_12", "mean_radius", "x_1_2", "ab_1", "y", "alphabet"];
  expect(names.map(variable)).toEqual(["x₁", "x₁", "θ₁₂", "mean_radius", "x_1_2", "ab_1", "y", "alphabet"]);
});

it("variable has Greek letters as formulas have them", () => {
  expect(["alpha", "Delta_12", "rho", "sigma_1", "omega", "lAmbda"].map(variable)).toEqual([
    "α",
    "Δ₁₂",
    "ρ",
    "σ₁",
    "ω",
    "lAmbda",
  ]);
});

describe("inLine", () => {
  it.each([
    ["Done: n_dot = 0.1204*p [Pa]*v_x/T (K).", "Done: n_dot = 0.1204·p [Pa]·v_x/T (K)."],
    ["Done: y = exp(-3.2*x_1^2) - 3e-05.", "Done: y = exp(−3.2·x₁²) − 3·10⁻⁵."],
    ["Also possible: 1.167*x_1**1.309 + b**2 (RMSE 0.451).", "Also possible: 1.167·x₁^1.309 + b² (RMSE 0.451)."],
    ["Test error has risen since step 23: simplify, or stop here.", ""],
  ])("of %s", (text, written) => {
    expect(inLine(text)).toBe(written || text);
  });
});

describe("tickLabels", () => {
  it("are the values where these differ enough", () => {
    expect(tickLabels([-1, 0, 1])).toEqual({ labels: ["−1", "0", "1"], common: "" });
  });
  it("have their common part taken out where they hardly differ", () => {
    expect(tickLabels([0.03567, 0.035672, 0.035674])).toEqual({
      labels: ["−2", "0", "2"],
      common: "0.03567 + … · 10⁻⁶",
    });
    expect(tickLabels([1000, 1001, 1002])).toEqual({ labels: ["−1", "0", "1"], common: "1001 +" });
  });
  it("have a power of ten taken out where they are very small or large", () => {
    expect(tickLabels([-2e-6, -1e-6, 0])).toEqual({ labels: ["−2", "−1", "0"], common: "· 10⁻⁶" });
    expect(tickLabels([0, 5e5, 1e6])).toEqual({ labels: ["0", "0.5", "1"], common: "· 10⁶" });
  });
});
