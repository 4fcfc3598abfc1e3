// Errors as text.
import { describe, expect, it } from "vitest";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

describe("errors", () => {
  it("show title, message and hint as text, and can be dismissed", () => {
    const error = { title: "ValueError", message: "<img src=x onerror=alert(1)>", hint: "Use 5." };
    view.deliver("error", { error });
    const alert = view.find('[role="alert"]');
    expect(alert.textContent).toContain(error.message);
    expect(alert.querySelector("img")).toBeNull();
    view.click('[data-kw-action="dismiss-error"]');
    expect(alert.hidden).toBe(true);
    view.deliver("error", { error: { ...error } });
    expect(alert.hidden).toBe(false);
  });
  it("says that the kernel is gone, also over an error", () => {
    view.deliver("error", { error: { title: "ValueError", message: "Too many.", hint: null } });
    view.explorer.store.setLink("lost");
    frame();
    expect(view.find('[role="alert"]').textContent).toContain("The kernel of this explorer is gone.");
  });

  it("that were dismissed stay so when a snapshot repeats them", () => {
    const error = { title: "ValueError", message: "Too many.", hint: "Use 5." };
    view.deliver("error", { error });
    const alert = view.find('[role="alert"]');
    view.click('[data-kw-action="dismiss-error"]');
    view.deliver("hello_ack", { snapshot: { ...view.kernel.snapshot(), error: { ...error } } });
    expect(alert.hidden).toBe(true);
    view.deliver("hello_ack", { snapshot: { ...view.kernel.snapshot(), error: { ...error, message: "Too few." } } });
    expect(alert.hidden).toBe(false);
  });
});
