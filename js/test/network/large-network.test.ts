// Networks of thousands of edges.
import { describe, expect, it, vi } from "vitest";
import { frame, mount, onFakeTime } from "../support/helpers";

onFakeTime();

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
    many.find("[data-kw-edge] rect").dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    expect(paths()).toBeLessThan(5);
    set.mockRestore();
  });
});
