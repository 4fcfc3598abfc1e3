// The formula bar: copies, exports, error.
import { describe, expect, it, vi } from "vitest";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

describe("formula bar", () => {
  it("exports and shows the session as code", () => {
    for (const format of ["svg", "png", "csv", "json", "html"]) {
      view.click('[data-kw-menu="export"]');
      view.click(`[data-kw-action="export-${format}"]`);
    }
    view.click('[data-kw-action="copy-code"]');
    expect(view.commands("export").map((message) => (message as unknown as { format: string }).format)).toEqual([
      "svg",
      "png",
      "csv",
      "json",
      "html",
      "code",
    ]);
    expect(view.find(".kw-code").hidden).toBe(false);
    expect(view.find(".kw-code pre").textContent).toContain("explorer.fit");
  });

  it("the code is copied again by its button, and put away by a click elsewhere", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    view.click('[data-kw-action="copy-code"]');
    const dialog = view.find(".kw-code");
    const press = (node: Element) => node.dispatchEvent(new Event("pointerdown", { bubbles: true, composed: true }));
    press(dialog.querySelector("pre")!);
    expect(dialog.hidden).toBe(false);
    view.click('[data-kw-action="copy-again"]');
    await vi.waitFor(() => expect(view.find('[data-kw-action="copy-again"]').textContent).toBe("Copied"));
    expect(writeText).toHaveBeenLastCalledWith(dialog.querySelector("pre")!.textContent);
    press(view.find(".kw-network"));
    expect(dialog.hidden).toBe(true);
    vi.unstubAllGlobals();
  });

  it("a click that puts the code away presses nothing beneath, the next one does", () => {
    const dialog = view.find(".kw-code");
    const press = (selector: string) => {
      view.find(selector).dispatchEvent(new Event("pointerdown", { bubbles: true, composed: true }));
      view.click(selector);
    };
    press('[data-kw-action="copy-code"]');
    expect(dialog.hidden).toBe(false);
    press('[data-kw-edge="0-0-0"]');
    expect([dialog.hidden, view.commands("select").length]).toEqual([true, 0]);
    press('[data-kw-edge="0-0-0"]');
    expect(view.commands("select").length).toBe(1);
    // Its own button, too.
    press('[data-kw-action="copy-code"]');
    press('[data-kw-action="copy-code"]');
    expect([dialog.hidden, view.commands("export").length]).toEqual([true, 2]);
  });

  it("copies the formula", async () => {
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal("navigator", { clipboard: { writeText } });
    view.click('[data-kw-action="copy-latex"]');
    await Promise.resolve();
    expect(writeText).toHaveBeenCalledWith(view.explorer.store.state.formula.latex);
    vi.unstubAllGlobals();
  });
});

it("with many curves says how many, and leads to the tab", () => {
  const { formula } = view.kernel.snapshot() as { formula: object };
  expect(view.find('[data-kw-action="open-formula"]').hidden).toBe(true);
  view.deliver("formula", { formula: { ...formula, active: 127 } });
  frame();
  expect(view.find('[data-kw-action="open-formula"]').hidden).toBe(false);
  expect(view.find('[data-kw-action="open-formula"]').textContent).toMatch(/^127 curves: simplify or replace/);
  expect(view.find(".kw-formula .kw-output").hidden).toBe(true);
  view.click('[data-kw-action="open-formula"]');
  expect(view.find('[data-kw-tab="formula"]').getAttribute("aria-selected")).toBe("true");
  view.deliver("formula", { formula: { ...formula, active: 127, fixed: 120 } });
  frame();
  expect(view.find('[data-kw-action="open-formula"]').hidden).toBe(true);
  expect(view.find(".kw-formula .kw-output").hidden).toBe(false);
});

it("the formula's error is that of the status line, also while no formula comes", () => {
  view.deliver("status", { status: { ...view.kernel.status(), state: "running", test: 0.0123 } });
  expect(view.find("[data-kw-panel=formula]").textContent).toContain("RMSE 0.0123");
});
