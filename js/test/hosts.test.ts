import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeKernel } from "../gallery/kernel";
import { pack } from "../gallery/pack";
import { Registry } from "../src/listeners";
import { openReport } from "../src/report";
import { followTheme, hostTheme } from "../src/theme";
import { modelTransport } from "../src/transport";
import widget from "../src/widget";
import { fakeTime, frame } from "./helpers";

beforeEach(fakeTime);
afterEach(() => vi.useRealTimers());

/** What anywidget hands over: no more than this is relied on. */
function fakeModel(kernel: FakeKernel) {
  const handlers = new Map<string, Set<(...args: unknown[]) => void>>();
  return {
    handlers,
    get: (_: string) => kernel.snapshot(),
    send: vi.fn(),
    on: (name: string, call: (...args: unknown[]) => void) => {
      handlers.set(name, (handlers.get(name) ?? new Set()).add(call));
    },
    off: (name: string, call: (...args: unknown[]) => void) => handlers.get(name)?.delete(call),
    fire: (name: string, ...args: unknown[]) => {
      for (const call of handlers.get(name) ?? []) call(...args);
    },
  };
}

describe("anywidget", () => {
  it("renders from the trait, speaks through the model, and cleans up", () => {
    const kernel = new FakeKernel({ width: [2, 1, 1], steps: 3 });
    const model = fakeModel(kernel);
    const el = document.createElement("div");
    const clean = widget.render({ model, el } as never) as () => void;
    expect(el.querySelectorAll("[data-kw-edge]").length).toBe(3);
    expect(model.send).toHaveBeenCalledWith(expect.objectContaining({ v: 1, kind: "hello" }));
    model.fire("msg:custom", { v: 1, kind: "status", seq: 9, status: { ...kernel.status(), step: 55 } }, []);
    frame();
    expect(el.querySelector<HTMLElement>(".kanwidget")?.dataset.kwStep).toBe("55");
    model.fire("comm_live_update");
    frame();
    expect(el.querySelector<HTMLElement>(".kanwidget")?.dataset.kwStatus).toBe("disconnected");
    clean();
    expect([...model.handlers.values()].every((set) => set.size === 0)).toBe(true);
    expect(el.childElementCount).toBe(0);
  });

  it("an event about a comm that lives is no loss", () => {
    const model = { ...fakeModel(new FakeKernel({ width: [1, 1] })), comm_live: true };
    const lost = vi.fn();
    modelTransport(model as never).onLost(lost);
    model.fire("comm_live_update");
    expect(lost).not.toHaveBeenCalled();
  });
});

describe("report", () => {
  const base64 = (view: DataView) => Buffer.from(view.buffer, view.byteOffset, view.byteLength).toString("base64");

  function report() {
    const kernel = new FakeKernel({ width: [2, 1, 1], steps: 20 });
    const { buffer, ...rest } = kernel.snapshot();
    const edges = Object.fromEntries(
      kernel.edges.map(({ key }) => {
        kernel.selected = [key];
        const [selection, detail] = kernel.selectionPart();
        const [candidates, fits] = kernel.candidatesPart();
        const prefixed = Object.entries(detail).map(([name, value]) => [`selection.${name}`, value] as const);
        const all = [
          ...prefixed,
          ...Object.entries(fits).map(([name, value]) => [`candidates.${name}`, value] as const),
        ];
        const packed = pack(Object.fromEntries(all));
        return [key.join("-"), { selection, candidates, arrays: packed.arrays, buffer: base64(packed.buffer) }];
      }),
    );
    // As it comes out of a page: through JSON.
    return JSON.parse(JSON.stringify({ snapshot: { ...rest, buffer: base64(buffer as DataView) }, edges }));
  }

  it("shows the state, and what was stored for every edge", () => {
    const el = document.createElement("div");
    const explorer = openReport(el, report());
    expect(el.querySelector<HTMLElement>(".kanwidget")?.dataset.kwLink).toBe("none");
    for (const key of ["0-0-0", "1-0-0", "0-1-0"]) {
      el.querySelector(`[data-kw-edge="${key}"]`)!.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      frame();
      expect(el.querySelectorAll("[data-kw-candidate]").length, key).toBeGreaterThan(8);
      expect(el.querySelector(`[data-kw-edge="${key}"]`)?.getAttribute("aria-pressed")).toBe("true");
      expect(explorer.store.state.detail.get("knots")).toBeDefined();
    }
    explorer.destroy();
  });

  it("offers nothing that needs a kernel", () => {
    const el = document.createElement("div");
    const explorer = openReport(el, report());
    frame();
    for (const action of ["start", "step", "reset", "prune", "refine", "auto-symbolic", "undo"])
      expect(el.querySelector(`[data-kw-action="${action}"]`)?.closest("[hidden]"), action).not.toBeNull();
    expect(el.querySelector('[data-kw-control="lamb"]')?.closest("[hidden]")).not.toBeNull();
    expect(el.querySelector(".kw-toolbar")?.textContent).toContain("grid 5");
    expect(el.textContent).toContain("saved");
    // The history is read there, not a row of dead buttons.
    const chip = el.querySelector("[data-kw-state-id]")!;
    expect(chip.localName).toBe("span");
    expect(chip.getAttribute("aria-current")).toBe("true");
    explorer.destroy();
  });

  it("an edge without a record, and a hostile report, do no harm", () => {
    const el = document.createElement("div");
    const broken = { ...report(), edges: { "0-0-0": { selection: 3, candidates: "x", arrays: null, buffer: "§" } } };
    const explorer = openReport(el, broken);
    for (const key of ["0-0-0", "0-1-0"]) {
      el.querySelector(`[data-kw-edge="${key}"]`)!.dispatchEvent(new MouseEvent("click", { bubbles: true }));
      frame();
      expect(el.querySelectorAll("[data-kw-candidate]").length).toBe(0);
    }
    explorer.destroy();
    expect(() => openReport(el, { snapshot: { nonsense: true } }).destroy()).not.toThrow();
  });
});

describe("theme", () => {
  const page = (html: Record<string, string>, body: Record<string, string>) => {
    const doc = document.implementation.createHTMLDocument("");
    for (const [name, value] of Object.entries(html)) doc.documentElement.setAttribute(name, value);
    for (const [name, value] of Object.entries(body)) doc.body.setAttribute(name, value);
    return doc;
  };
  it.each([
    ["JupyterLab dark", {}, { "data-jp-theme-light": "false" }, "dark"],
    ["JupyterLab light", {}, { "data-jp-theme-light": "true" }, "light"],
    ["VS Code dark", {}, { "data-vscode-theme-kind": "vscode-dark" }, "dark"],
    ["VS Code class", {}, { class: "vscode-light" }, "light"],
    ["VS Code high contrast", {}, { "data-vscode-theme-kind": "vscode-high-contrast" }, "dark"],
    ["VS Code light high contrast", {}, { "data-vscode-theme-kind": "vscode-high-contrast-light" }, "light"],
    ["marimo", { class: "dark" }, {}, "dark"],
    ["Colab", { theme: "dark" }, {}, "dark"],
    ["nothing", {}, {}, null],
  ] as const)("%s", (_, html, body, theme) => {
    expect(hostTheme(page(html, body))).toBe(theme);
  });

  it("follows a change, until the end", async () => {
    const registry = new Registry();
    const root = document.createElement("div");
    document.body.append(root);
    followTheme(root, registry);
    expect(root.dataset.kwTheme).toBe("light");
    document.body.dataset.jpThemeLight = "false";
    await vi.advanceTimersByTimeAsync(10);
    expect(root.dataset.kwTheme).toBe("dark");
    registry.destroy();
    document.body.dataset.jpThemeLight = "true";
    await vi.advanceTimersByTimeAsync(10);
    expect(root.dataset.kwTheme).toBe("dark");
    delete document.body.dataset.jpThemeLight;
  });
});
