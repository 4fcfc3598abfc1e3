// The order of the candidates holds still under the pointer and the focus.
import { beforeEach, describe, expect, it } from "vitest";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10 });

describe("the order of the candidates", () => {
  const names = () => view.all("[data-kw-candidate]").map((card) => card.dataset.kwCandidate);
  const panel = () => view.find('[aria-label="Candidates"]').closest(".kw-col")!;
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
    const fix = view.find('[data-kw-candidate] [data-kw-action="fix"]');
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
