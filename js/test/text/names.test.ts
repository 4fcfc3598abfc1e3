// Names of any length and script: their width, cutting, and text in the page.
import { describe, expect, it } from "vitest";
import { cut, isolated, lined, measure } from "../../src/text/names";
import { frame, mount, onFakeTime } from "../support/helpers";

onFakeTime();

describe("lines", () => {
  it("are one where there is room, else two that are even", () => {
    expect(lined("predicted rate [mol/(L s)]", 300)).toEqual(["predicted rate [mol/(L s)]"]);
    expect(lined("predicted rate [mol/(L s)]", 120)).toEqual(["predicted rate ", "[mol/(L s)]"]);
    expect(lined("a_name_without_any_space_in_it", 60)).toEqual(["a_name_w…"]);
  });
});

describe("width", () => {
  it("is counted by character", () => {
    expect(measure("abc")).toBe(3);
    expect(measure("x₁₂")).toBeCloseTo(2.2);
    expect(measure("ill")).toBeLessThan(2.1);
    expect(measure("日本")).toBe(3.5);
    expect(measure("e\u0301")).toBe(1);
    expect(measure("👩‍👩‍👧")).toBe(1.75);
  });

  it("cuts between characters, and only what is too long", () => {
    expect(cut("short", 18)).toBe("short");
    expect(cut("a_very_long_name_of_an_output", 10)).toMatch(/^a_very_l.*…$/);
    expect(measure(cut("m".repeat(500), 18))).toBeLessThanOrEqual(18);
    expect(cut("👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧", 4)).toBe("👩‍👩‍👧…");
    expect(cut("日本語の変数名", 6)).toBe("日本…");
  });

  it("isolates what runs from right to left", () => {
    expect(isolated("x₁")).toBe("x₁");
    expect(isolated("מהירות")).toBe("\u2068מהירות\u2069");
  });
});

describe("names", () => {
  const hostile = "<img src=x onerror=alert(1)>";
  const long = "n".repeat(500);

  it("stay text everywhere, are cut, and are there in full in a title", () => {
    const named = mount({ width: [4, 1], names: [hostile, long, "theta", "מהירות"], steps: 5 });
    named.click('[data-kw-edge="0-1-0"]');
    named.click('[data-kw-tab="edges"]');
    expect(named.root.querySelector("img")).toBe(null);
    const title = (selector: string) => named.find(selector).title;
    expect(title("[data-kw-panel=inspector] h2")).toBe(`${long} → y`);
    const axis = named.all("[data-kw-panel=inspector] .kw-tick").at(-1)!;
    expect(axis.textContent).toContain("…");
    expect(axis.querySelector("title")?.textContent).toBe(long);
    const cells = named.all('[data-kw-panel="edges"] td:first-child');
    expect(cells.map((cell) => cell.title)).toContain(`${long} → y`);
    const node = (i: number) => named.find(`[data-kw-node="0-${i}"]`);
    expect(node(1).querySelector("text")!.textContent!.length).toBeLessThan(33);
    expect(node(1).querySelector("title")!.textContent).toBe(long);
    expect(node(2).querySelector("text")!.textContent).toBe("θ");
    named.find('[data-kw-edge="0-3-0"] rect').dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    // Isolated, so that the arrow keeps its place.
    expect(named.find(".kw-card").textContent).toContain("\u2068מהירות\u2069 → y");
    named
      .find('[data-kw-edge="0-0-0"] rect')
      .dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
    frame();
    expect(named.find(".kw-context").textContent).toContain(hostile);
    expect(named.root.querySelector("img")).toBe(null);
  });
});
