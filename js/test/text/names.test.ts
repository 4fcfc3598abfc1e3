// Names of any kind, networks of any size, and an order that holds still.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { cut, isolated, measure } from "../../src/text/names";
import { frame, mount, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10 });

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
    const title = (selector: string) => named.one(selector).title;
    expect(title("[data-kw-panel=inspector] h2")).toBe(`${long} → y`);
    const axis = named.all("[data-kw-panel=inspector] .kw-tick").at(-1)!;
    expect(axis.textContent).toContain("…");
    expect(axis.querySelector("title")?.textContent).toBe(long);
    const cells = named.all('[data-kw-panel="edges"] td:nth-child(2)');
    expect(cells.map((cell) => cell.title)).toContain(`${long} → y`);
    const node = (i: number) => named.one(`[data-kw-node="0-${i}"]`);
    expect(node(1).querySelector("text")!.textContent!.length).toBeLessThan(25);
    expect(node(1).querySelector("title")!.textContent).toBe(long);
    expect(node(2).querySelector("text")!.textContent).toBe("θ");
    named.one('[data-kw-edge="0-3-0"] rect').dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    // Isolated, so that the arrow keeps its place.
    expect(named.one(".kw-card").textContent).toContain("\u2068מהירות\u2069 → y");
    named
      .one('[data-kw-edge="0-0-0"] rect')
      .dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true }));
    frame();
    expect(named.one(".kw-context").textContent).toContain(hostile);
    expect(named.root.querySelector("img")).toBe(null);
  });
});

describe("of 2,600 edges", () => {
  it("a frame of some curves draws anew only those", () => {
    const many = mount({ width: [20, 40, 40, 5], steps: 1 });
    const set = vi.spyOn(Element.prototype, "setAttribute");
    const paths = () => set.mock.calls.filter(([name]) => name === "d").length;
    many.kernel.tickSome(200);
    frame();
    const shown = many.all("[data-kw-edge] rect").length;
    expect(shown).toBeGreaterThan(20);
    expect(paths()).toBeLessThan(shown / 2);
    set.mockClear();
    many.one("[data-kw-edge] rect").dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    expect(paths()).toBeLessThan(5);
    set.mockRestore();
  });
});

describe("the order of the candidates", () => {
  const names = () => view.all("[data-kw-candidate]").map((card) => card.dataset.kwCandidate);
  const panel = () => view.one('[aria-label="Candidates"]').parentElement!;
  const news = () => {
    view.kernel.tick(60);
    view.kernel.pushCandidates();
    frame();
  };
  beforeEach(() => view.click('[data-kw-edge="0-0-1"]'));

  it("holds while the pointer is over the slider or the filter", () => {
    const before = names();
    panel().dispatchEvent(new PointerEvent("pointerenter"));
    news();
    expect(names()).toEqual(before);
    panel().dispatchEvent(new PointerEvent("pointerleave"));
    frame();
    expect(names()).not.toEqual(before);
  });

  it("holds while the focus came there by keys, not by a click", () => {
    const before = names();
    // A press on what takes no focus is over.
    for (const type of ["pointerdown", "pointerup"]) panel().dispatchEvent(new PointerEvent(type, { bubbles: true }));
    const fix = view.one('[data-kw-candidate] [data-kw-action="fix"]');
    fix.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    news();
    expect(names()).toEqual(before);
    fix.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
    frame();
    const after = names();
    expect(after).not.toEqual(before);
    fix.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
    fix.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    view.kernel.tick(200);
    view.kernel.pushCandidates();
    frame();
    const r2 = view.all("[data-kw-candidate]").map((card) => Number(card.dataset.kwR2));
    expect(r2).toEqual([...r2].sort((a, b) => b - a));
  });
});
