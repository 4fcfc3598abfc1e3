import { describe, expect, it } from "vitest";
import { frame, mountEach } from "./helpers";

const view = mountEach({ width: [2, 2, 1], steps: 4 });

const focused = () => document.activeElement as HTMLElement;

describe("the focus", () => {
  it("goes to the stop before when what has it is hidden", () => {
    view.tell("error", { error: { title: "Nothing to prune", message: "All matter.", hint: null } });
    const dismiss = view.one('[data-kw-action="dismiss-error"]') as HTMLElement;
    dismiss.focus();
    dismiss.click();
    frame();
    expect(dismiss.closest("[hidden]")).not.toBeNull();
    expect(view.root.contains(focused())).toBe(true);
    expect(focused().closest("[hidden]")).toBeNull();
    expect(focused().compareDocumentPosition(dismiss) & Node.DOCUMENT_POSITION_FOLLOWING).toBeTruthy();
  });

  it("stays where it is while that can be used, and isn't taken from elsewhere", () => {
    const start = view.one('[data-kw-action="start"]') as HTMLElement;
    start.focus();
    view.tell();
    expect(focused()).toBe(start);
    start.blur();
    view.tell();
    expect(view.root.contains(focused())).toBe(false);
  });
});
