// Fields take numbers as people type them, say what they take, and never keep what isn't in force.
import { describe, expect, it, vi } from "vitest";
import { typedNumber } from "../../src/text/words";
import { mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });
const sent = () => view.commands("set").map((message) => (message as unknown as { settings: object }).settings);
const why = (name: string) =>
  view.find(`[data-kw-field="${name}"]`).closest(".kw-anchor")!.querySelector<HTMLElement>(".kw-why")!;

describe("numbers as typed", () => {
  it.each([
    ["0,01", 0.01],
    ["0.01", 0.01],
    [" 1e-3 ", 1e-3],
    ["1,5e-3", 1.5e-3],
    ["−2", -2],
    [",5", 0.5],
  ])("%s", (text, value) => {
    expect(typedNumber(text)).toBe(value);
  });

  it.each(["", "abc", "1,000,000", "1.000,5", "0,0,1", "one"])("%s is none", (text) => {
    expect(typedNumber(text)).toBeNaN();
  });
});

describe("fields", () => {
  it("take a comma", () => {
    view.input('[data-kw-field="lamb"]', "0,01", "change");
    expect(sent()).toEqual([{ lamb: 0.01 }]);
    expect(view.find<HTMLInputElement>('[data-kw-field="lamb"]').value).toBe("0.01");
  });

  it.each([
    ["lamb", "abc", "Simplify (λ): 0 to 10"],
    ["lamb", "-1", "Simplify (λ): 0 to 10"],
    ["lamb", "1000", "Simplify (λ): 0 to 10"],
    ["grid", "500", "Grid: 1 to 200 intervals"],
  ])("%s %s: says what it takes, and goes back when it is left", (name, text, complaint) => {
    const field = view.input(`[data-kw-field="${name}"]`, text, "change");
    const before = name === "lamb" ? "0.001" : "5";
    expect(field.getAttribute("aria-invalid")).toBe("true");
    expect([why(name).hidden, why(name).textContent]).toEqual([false, complaint]);
    field.dispatchEvent(new Event("blur"));
    expect([field.value, field.getAttribute("aria-invalid")]).toEqual([before, null]);
    expect(why(name).textContent).toBe(`${complaint}. It stays ${before}.`);
    vi.advanceTimersByTime(5000);
    expect(why(name).hidden).toBe(true);
    expect(sent()).toEqual([]);
  });

  it("a value that is in force already is not sent again", () => {
    const field = view.input('[data-kw-field="lamb"]', "0.001", "change");
    field.dispatchEvent(new Event("blur"));
    expect(sent()).toEqual([]);
  });

  it("a seed that is none is explained, and the seed in force returns", () => {
    view.click('[data-kw-menu="again"]');
    const field = view.input('[data-kw-control="seed"]', "x7", "change");
    expect(field.getAttribute("aria-invalid")).toBe("true");
    field.dispatchEvent(new Event("blur"));
    expect(field.value).toBe("42");
  });
});
