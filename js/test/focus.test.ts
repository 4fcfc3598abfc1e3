import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fakeTime, frame, mount } from "./helpers";

fakeTime();
let view: ReturnType<typeof mount>;

beforeEach(() => {
  view = mount({ width: [2, 2, 1], steps: 4 });
});
afterEach(() => view.explorer.destroy());

const focused = () => document.activeElement as HTMLElement;

describe("the focus", () => {
  it("goes to the stop before when what has it is hidden", () => {
    view.kernel.push("error", { error: { title: "Nothing to prune", message: "All matter.", hint: null } });
    frame();
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
    view.kernel.pushAll();
    frame();
    expect(focused()).toBe(start);
    start.blur();
    view.kernel.pushAll();
    frame();
    expect(view.root.contains(focused())).toBe(false);
  });
});
