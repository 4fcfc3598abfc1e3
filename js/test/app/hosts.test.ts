import { describe, expect, it, vi } from "vitest";
import { openReport } from "../../src/app/report";
import { followTheme, hostTheme } from "../../src/app/theme";
import { modelTransport } from "../../src/app/transport";
import widget from "../../src/app/widget";
import { Registry } from "../../src/ui/listeners";
import { FakeKernel } from "../fake/kernel";
import { pack } from "../fake/pack";
import { frame, onFakeTime } from "../support/helpers";

onFakeTime();

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
    expect(model.send).toHaveBeenCalledWith(expect.objectContaining({ v: 2, kind: "hello" }));
    model.fire("msg:custom", { v: 2, kind: "status", seq: 9, status: { ...kernel.status(), step: 55 } }, []);
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

/** Bytes within a larger buffer, at an odd offset, as they come out of a message from the network. */
function offset(view: DataView): DataView {
  const whole = new Uint8Array(view.byteLength + 8).fill(0xee);
  whole.set(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), 3);
  return new DataView(whole.buffer, 3, view.byteLength);
}

interface Quirks {
  /** What isn't an answer to a `pump` is lost. */
  drops?: boolean;
  buffer?: (view: DataView) => unknown;
}

/** The real thing's stand-in: mounted on a page, with a hand to click. */
function opened(model: ReturnType<typeof fakeModel>) {
  const el = document.createElement("div");
  document.body.append(el);
  const clean = widget.render({ model, el } as never) as () => void;
  frame();
  const root = el.querySelector<HTMLElement>(".kanwidget")!;
  const click = (selector: string) => {
    root.querySelector(selector)!.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    frame();
  };
  return { root, click, clean, pass: (ms: number) => vi.advanceTimersByTime(ms) };
}

/** A host of some kind: a model without `signal`, `host` or `experimental`, with a kernel behind it. */
function hosted({ drops = false, buffer = (view) => view }: Quirks) {
  const kernel = new FakeKernel({ width: [2, 2, 1], steps: 5 });
  const model = fakeModel(kernel);
  let asked = false;
  let lost = 0;
  const link = kernel.transport();
  link.onMessage((message, buffers) => {
    // As JSON and bytes, which is all that a host carries.
    const sent = JSON.parse(JSON.stringify(message));
    const bytes = buffers.map((one) => buffer(one as DataView));
    if (drops && !asked) lost += 1;
    else setTimeout(() => model.fire("msg:custom", sent, bytes), 1);
  });
  model.get = () => {
    const { buffer: bytes, ...rest } = kernel.snapshot();
    return { ...JSON.parse(JSON.stringify(rest)), buffer: buffer(bytes as DataView) };
  };
  model.send.mockImplementation((message: { kind: string }) => {
    asked = message.kind === "pump";
    link.send(message);
    // What a page that has missed an answer is told.
    if (asked && kernel.selected.length > 0) {
      kernel.pushSelection();
      kernel.pushCandidates();
    }
    asked = false;
  });
  return { kernel, model, lost: () => lost, ...opened(model) };
}

describe.each<[string, Quirks]>([
  ["a host that carries everything", {}],
  ["views into a larger buffer", { buffer: offset }],
  ["arrays of bytes", { buffer: (view) => new Uint8Array(offset(view).buffer, 3, view.byteLength) }],
  ["copies", { buffer: (view) => new Uint8Array(offset(view).buffer, 3, view.byteLength).slice().buffer }],
  ["dropped pushes", { drops: true }],
  ["dropped pushes and views", { drops: true, buffer: offset }],
])("the contract with %s", (_, quirks) => {
  it("is drawn, trains, pauses, shows candidates, and ends", () => {
    const { kernel, model, root, click, pass, clean, lost } = hosted(quirks);
    expect(root.querySelectorAll("[data-kw-edge]").length).toBe(6);
    expect(root.dataset.kwStep).toBe("5");
    click('[data-kw-action="start"]');
    pass(1200);
    expect(root.dataset.kwStatus).toBe("running");
    for (let i = 0; i < 5; i++) {
      kernel.tick(1);
      pass(250);
    }
    expect(Number(root.dataset.kwStep)).toBeGreaterThanOrEqual(9);
    click('[data-kw-action="pause"]');
    pass(1200);
    expect(root.dataset.kwStatus).toBe("paused");
    expect(root.querySelector('[aria-busy="true"]')).toBeNull();
    click('[data-kw-edge="0-1-0"]');
    pass(1200);
    expect(root.querySelectorAll("[data-kw-candidate]").length).toBeGreaterThan(5);
    for (const path of root.querySelectorAll("path[d]")) expect(path.getAttribute("d")).not.toContain("NaN");
    expect(lost() > 0).toBe(quirks.drops ?? false);
    // With nothing left to hear it is quiet.
    model.send.mockClear();
    pass(30_000);
    expect(model.send.mock.calls.filter(([message]) => message.kind === "pump").length).toBe(0);
    clean();
    expect([...model.handlers.values()].every((set) => set.size === 0)).toBe(true);
  });

  it("takes acknowledgements that come late, and none", () => {
    const { kernel, model, root, click, pass, clean } = hosted(quirks);
    const real = model.send.getMockImplementation()!;
    const late: object[] = [];
    model.send.mockImplementation((message) => void late.push(message));
    click('[data-kw-action="start"]');
    pass(5000);
    expect(root.dataset.kwStatus).toBe("paused");
    for (const message of late) real(message);
    model.send.mockImplementation(real);
    pass(2500);
    expect(root.dataset.kwStatus).toBe("running");
    kernel.tick(2);
    pass(1500);
    expect(Number(root.dataset.kwStep)).toBeGreaterThan(5);
    clean();
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
    for (const action of ["start", "step", "reset", "prune", "refine", "extend", "undo"])
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
