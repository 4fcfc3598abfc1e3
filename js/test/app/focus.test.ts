import { describe, expect, it, vi } from "vitest";
import { setChildren } from "../../src/ui/dom";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 2, 1], steps: 4 });

const focused = () => document.activeElement as HTMLElement;

describe("the focus", () => {
  it("goes to the stop before when what has it is hidden", () => {
    view.deliver("error", { error: { title: "Nothing to prune", message: "All matter.", hint: null } });
    const dismiss = view.find('[data-kw-action="dismiss-error"]') as HTMLElement;
    dismiss.focus();
    dismiss.click();
    frame();
    expect(dismiss.closest("[hidden]")).not.toBeNull();
    expect(view.root.contains(focused())).toBe(true);
    expect(focused().closest("[hidden]")).toBeNull();
    expect(focused().compareDocumentPosition(dismiss) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  });

  it("stays where it is while that can be used, and isn't taken from elsewhere", () => {
    const start = view.find('[data-kw-action="start"]') as HTMLElement;
    start.focus();
    view.deliver();
    expect(focused()).toBe(start);
    start.blur();
    view.deliver();
    expect(view.root.contains(focused())).toBe(false);
  });

  it.each([false, true])("goes to the stop before when what has it is taken away, told by the browser: %s", (told) => {
    view.click('[data-kw-edge="0-0-0"]');
    const fix = view.find('[data-kw-candidate="sin"] [data-kw-action="fix"]') as HTMLElement;
    const list = view.find("[role=list][aria-label=Candidates]");
    fix.focus();
    // Chromium says so within the removal, and fails if a listener then removes the same element.
    const card = fix.closest("[data-kw-candidate]")!;
    const remove = vi.spyOn(card, "remove").mockImplementation(() => {
      if (told) fix.dispatchEvent(new FocusEvent("focusout", { bubbles: true, composed: true }));
      list.removeChild(card);
    });
    view.input('[data-kw-control="filter"]', "nothing", "input");
    frame();
    expect(remove).toHaveBeenCalledTimes(1);
    expect(fix.isConnected).toBe(false);
    expect(view.root.contains(focused())).toBe(true);
    expect(focused().compareDocumentPosition(list) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  });

  it("stays with what is moved", () => {
    const [a, b, c] = ["a", "b", "c"].map(() => document.createElement("button"));
    const box = document.createElement("div");
    view.root.append(box);
    box.append(a!, b!, c!);
    c!.focus();
    setChildren(box, [c!, a!, b!]);
    expect([...box.children]).toEqual([c, a, b]);
    expect(focused()).toBe(c);
    box.remove();
  });
});
