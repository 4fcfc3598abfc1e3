import { describe, expect, it, vi } from "vitest";
import { createExplorer } from "../../src/app/explorer";
import { aliveCount } from "../../src/ui/listeners";
import { FakeKernel } from "../fake/kernel";
import { STATES } from "../fake/states";
import { frame, golden, mount, mountEach } from "../support/helpers";

const view = mountEach();

describe("first drawing", () => {
  it("needs only the snapshot, and is there at once", () => {
    const kernel = new FakeKernel({ width: [2, 5, 1], steps: 5 });
    kernel.silent = true;
    const host = document.createElement("div");
    const explorer = createExplorer(host, kernel.transport());
    expect(host.querySelectorAll("[data-kw-edge]").length).toBe(15);
    expect(host.querySelectorAll("[data-kw-node]").length).toBe(8);
    expect(explorer.root.dataset.kwView).toBeTruthy();
    explorer.destroy();
    expect(host.childElementCount).toBe(0);
  });

  it("says hello once, with a name that no other view has", () => {
    const second = mount();
    expect(view.commands("hello").length).toBe(1);
    expect(view.commands("hello")[0]!.view).not.toBe(second.commands("hello")[0]!.view);
  });

  it("says with every command from which view it is", () => {
    view.click('[data-kw-edge="0-0-0"]');
    view.click('[data-kw-action="symbolify"]');
    view.click('[data-kw-action="start"]');
    expect(view.kernel.sent.length).toBeGreaterThan(3);
    expect(view.kernel.sent.every((item) => item.view === view.root.id)).toBe(true);
  });

  it("sends nothing to a kernel that is gone", () => {
    const before = view.kernel.sent.length;
    view.explorer.store.setLink("lost");
    view.click('[data-kw-edge="0-0-0"]');
    vi.advanceTimersByTime(200);
    expect(view.kernel.sent.length).toBe(before);
  });

  it("waits for a snapshot that comes late", () => {
    const kernel = new FakeKernel({ width: [2, 1, 1] });
    const transport = kernel.transport();
    let there = false;
    const explorer = createExplorer(document.createElement("div"), {
      ...transport,
      snapshot: () => (there ? kernel.snapshot() : {}),
    });
    expect(explorer.root.querySelector("[data-kw-edge]")).toBeNull();
    there = true;
    kernel.publishSnapshot();
    frame();
    expect(explorer.root.querySelectorAll("[data-kw-edge]").length).toBe(3);
    explorer.destroy();
  });

  it.each(Object.keys(STATES))("the state %s is drawn", (name) => {
    const item = mount(STATES[name]!());
    expect(item.root.querySelector("[data-kw-node]")).not.toBeNull();
    expect(item.root.querySelector("img, b > img, script")).toBeNull();
  });
});

describe("contract", () => {
  it("has every hook", () => {
    for (const panel of ["network", "curves", "inspector", "formula", "history", "edges"])
      view.find(`[data-kw-panel="${panel}"]`);
    const actions =
      "start step undo redo prune refine unfix reset export-svg export-png export-csv export-json export-html copy-latex copy-python copy-code";
    view.click('[data-kw-menu="export"]');
    for (const action of actions.split(" ")) expect(view.all(`[data-kw-action="${action}"]`).length, action).toBe(1);
    for (const control of ["lamb", "grid", "simplicity"])
      expect(view.find(`input[data-kw-control="${control}"]`).dataset.kwValue).toBeDefined();
    expect(view.find("[data-kw-formula]").dataset.kwFormula).toContain("phi");
  });

  it("follows status and step", () => {
    expect(view.root.dataset.kwStatus).toBe("paused");
    view.kernel.running = true;
    view.kernel.tick(4);
    frame();
    expect(view.root.dataset).toMatchObject({ kwStatus: "running", kwStep: "14" });
    view.find('[data-kw-action="pause"]');
  });

  it("ids are unique among views", () => {
    mount();
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe("messages", () => {
  it("are acknowledged after they were drawn", () => {
    view.kernel.running = true;
    view.kernel.push("status", { status: { ...view.kernel.status(), step: 77 } }, undefined, 5);
    expect(view.commands("frame_ack").length).toBe(0);
    frame();
    expect(view.root.dataset.kwStep).toBe("77");
    expect(view.commands("frame_ack")).toMatchObject([{ frame: 5 }]);
  });

  it("are acknowledged also where the page gets no frames", () => {
    const real = globalThis.requestAnimationFrame;
    globalThis.requestAnimationFrame = () => 0;
    view.kernel.push("status", { status: view.kernel.status() }, undefined, 6);
    vi.advanceTimersByTime(400);
    globalThis.requestAnimationFrame = real;
    expect(view.commands("frame_ack")).toMatchObject([{ frame: 6 }]);
  });

  it("that nobody understands are counted and change nothing", () => {
    const quiet = vi.spyOn(console, "debug").mockImplementation(() => {});
    const before = view.root.innerHTML;
    for (const bad of [null, 5, { v: 2, kind: "status", seq: 3 }, { v: 9, kind: "error", seq: 1, error: null }])
      view.kernel.raw(bad);
    frame();
    expect(view.explorer.store.unreadable).toBe(4);
    expect(view.root.innerHTML).toBe(before);
    expect(quiet).toHaveBeenCalledTimes(4);
    quiet.mockRestore();
  });

  it.each(golden("to_browser"))("$name is drawn", ({ message, buffer }) => {
    const kernel = view.kernel;
    kernel.seq = message.seq;
    const { v: _, kind, seq: __, frame: ___, ...body } = message;
    kernel.push(kind, body, buffer ?? undefined);
    expect(frame).not.toThrow();
  });

  it("name the structure that is on screen", () => {
    view.click('[data-kw-edge="0-0-0"]');
    expect(view.commands("select").at(-1)).toHaveProperty("structure", undefined);
    view.deliver("structure", { structure: { ...(view.kernel.structure() as object), version: 4 } });
    view.click('[data-kw-edge="0-1-0"]');
    view.click('[data-kw-action="step"]');
    expect(view.commands("select").at(-1)).toHaveProperty("structure", 4);
    expect(view.commands("control").at(-1)).toHaveProperty("structure", 4);
  });

  it("have increasing numbers", () => {
    view.click('[data-kw-action="step"]');
    view.click('[data-kw-edge="0-0-0"]');
    const numbers = view.kernel.sent.map(({ seq }) => Number(seq));
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(numbers.length);
  });
});

describe("a kernel that is gone", () => {
  it("shows at once when the comm says so, and keeps its last state", () => {
    view.kernel.lose();
    frame();
    expect(view.root.dataset.kwStatus).toBe("disconnected");
    expect(view.find('[role="alert"]').textContent).toContain("Disconnected");
    expect(view.find<HTMLButtonElement>('[data-kw-action="start"]').disabled).toBe(true);
    expect(view.all("[data-kw-edge]").length).toBe(15);
  });

  it("shows when sending throws", () => {
    view.kernel.dead = true;
    view.click('[data-kw-action="step"]');
    expect(view.root.dataset.kwStatus).toBe("disconnected");
  });

  it("is back when it speaks again", () => {
    view.kernel.lose();
    frame();
    view.kernel.dead = false;
    view.deliver("status", { status: view.kernel.status() });
    expect(view.root.dataset.kwStatus).toBe("paused");
    expect(view.find('[role="alert"]').hidden).toBe(true);
  });
});

describe("pausing", () => {
  it("says that it waits, and after a while how to end the wait", () => {
    view.kernel.running = true;
    view.kernel.tick();
    frame();
    view.kernel.silent = true;
    view.click('[data-kw-action="pause"]');
    expect(view.find('[data-kw-action="pause"]').textContent).toBe("Stopping…");
    expect(view.find(".kw-status").textContent).toContain("stopping…");
    expect(view.find(".kw-hint").hidden).toBe(true);
    vi.advanceTimersByTime(1600);
    expect(view.find(".kw-hint").hidden).toBe(false);
    view.kernel.running = false;
    view.deliver("status", { status: view.kernel.status() });
    expect(view.find('[data-kw-action="start"]').textContent).toBe("Start");
    expect(view.find(".kw-hint").hidden).toBe(true);
  });
});

/** The prototype that an element has its listeners from. */
function listening(node: EventTarget): EventTarget {
  return Object.hasOwn(node, "addEventListener") ? node : listening(Object.getPrototypeOf(node));
}

describe("leaving", () => {
  it("takes back every listener, observer and timer", () => {
    const before = aliveCount();
    const second = mount(new FakeKernel({ width: [3, [2, 1], 1], steps: 20 }));
    second.kernel.running = true;
    second.kernel.tick();
    second.click('[data-kw-edge="0-0-0"]');
    second.click('[data-kw-action="pause"]');
    second.click('[data-kw-action="copy-code"]');
    expect(aliveCount()).toBeGreaterThan(before);
    second.explorer.destroy();
    expect(aliveCount()).toBe(before);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("leaves nothing that listens", () => {
    const kept = new Map<string, number>();
    const real = listening(document.createElement("div"));
    const { addEventListener, removeEventListener } = real;
    const counted = (by: number, call: typeof addEventListener) =>
      function (this: EventTarget, ...given: Parameters<typeof addEventListener>) {
        kept.set(given[0], (kept.get(given[0]) ?? 0) + by);
        call.apply(this, given);
      };
    Object.assign(real, {
      addEventListener: counted(1, addEventListener),
      removeEventListener: counted(-1, removeEventListener),
    });
    const second = mount({ width: [2, 2, 1], steps: 5 });
    second.click('[data-kw-edge="0-0-0"]');
    second.key(second.find('[data-kw-edge="0-0-0"]'), "ContextMenu");
    const most = [...kept.values()].reduce((all, item) => all + item, 0);
    second.explorer.destroy();
    Object.assign(real, { addEventListener, removeEventListener });
    expect(most).toBeGreaterThan(20);
    expect([...kept].filter(([, balance]) => balance !== 0)).toEqual([]);
  });

  it("an hour of training leaves no listener behind", () => {
    view.kernel.running = true;
    view.kernel.tick();
    frame();
    const before = aliveCount();
    for (let i = 0; i < 200; i++) {
      view.kernel.tick(1);
      frame();
    }
    expect(aliveCount()).toBeLessThanOrEqual(before + 3);
  }, 30_000);
});
