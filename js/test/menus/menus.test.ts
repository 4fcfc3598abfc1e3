// The menu of edges and nodes, reaching nodes by keys, and the marks of what the menu does.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { aliveCount } from "../../src/ui/listeners";
import { frame, mountEach } from "../support/helpers";
import { contextMenu } from "../support/menu";

const view = mountEach({ width: [2, 5, [1, 1], 1], steps: 10 });

const menu = () => view.root.querySelector<HTMLElement>("[role=menu].kw-context");
const items = () => view.all(".kw-context [role=menuitem]");
const { item, right, focus, press } = contextMenu(view);
const focused = () => (document.activeElement as HTMLElement | null)?.dataset.kwAction;

describe("opening", () => {
  it("the right button opens it in place of the browser's, and selects the edge", () => {
    expect(right('[data-kw-edge="0-0-1"]').defaultPrevented).toBe(true);
    expect(menu()?.getAttribute("aria-label")).toBe("x₁ → h₁,₂");
    expect(view.commands("select")).toMatchObject([{ edges: [[0, 0, 1]] }]);
    expect(focused()).toBe("fix-best");
  });

  it("one of another edge takes the place of the one that is open", () => {
    right('[data-kw-edge="0-0-1"]');
    right('[data-kw-edge="0-1-1"]');
    expect(view.all(".kw-context").map((one) => one.getAttribute("aria-label"))).toEqual(["x₂ → h₁,₂"]);
  });

  it("elsewhere the browser's stays", () => {
    expect(right(".kw-toolbar").defaultPrevented).toBe(false);
    expect(right("[data-kw-panel=network] svg").defaultPrevented).toBe(false);
    expect(menu()).toBe(null);
  });

  it("on one of several selected edges it is about all of them", () => {
    view.click('[data-kw-edge="0-0-1"]');
    view.click('[data-kw-edge="0-1-1"]', { shiftKey: true });
    right('[data-kw-edge="0-1-1"]');
    expect(menu()?.getAttribute("aria-label")).toBe("2 edges");
    press("menu-prune");
    expect(view.commands("prune")).toMatchObject([
      {
        edges: [
          [0, 0, 1],
          [0, 1, 1],
        ],
      },
    ]);
  });

  it.each([
    ["ContextMenu", {}],
    ["F10", { shiftKey: true }],
  ] as const)("%s opens it for the focused edge", (key, init) => {
    const edge = focus('[data-kw-edge="0-1-0"]');
    view.key(edge, key, init);
    expect(menu()?.getAttribute("aria-label")).toBe("x₂ → h₁,₁");
    // Browsers raise the event for the key as well: it must not open a second one.
    right('[data-kw-edge="0-1-0"]');
    expect(view.all(".kw-context").length).toBe(1);
    view.key(items()[0]!, "Escape");
    expect(menu()).toBe(null);
    expect(document.activeElement).toBe(edge);
  });

  it("so does a long press, which then clicks nothing", () => {
    const edge = view.find('[data-kw-edge="0-1-0"] rect');
    const touch = (type: string, at: number) =>
      edge.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerType: "touch", clientX: at, clientY: 5 }));
    touch("pointerdown", 5);
    touch("pointermove", 40);
    vi.advanceTimersByTime(700);
    expect(menu()).toBe(null);
    touch("pointerdown", 5);
    touch("pointermove", 8);
    vi.advanceTimersByTime(520);
    expect(menu()).toBeTruthy();
    touch("pointerup", 8);
    const selects = view.commands("select").length;
    view.click('[data-kw-edge="1-0-0"]');
    expect(view.commands("select").length).toBe(selects);
    // Only that one: assistive technology clicks without pointers.
    view.click('[data-kw-edge="1-0-0"]');
    expect(view.commands("select").length).toBe(selects + 1);
  });
});

describe("opening elsewhere, and closing", () => {
  it("the inspector has a button for it", () => {
    view.click('[data-kw-edge="0-0-1"]');
    view.click('[data-kw-action="edge-menu"]');
    expect(items().length).toBeGreaterThan(5);
    view.key(items()[0]!, "Escape");
    expect(focused()).toBe("edge-menu");
  });

  it("rows of the table have it too", () => {
    view.click('[data-kw-tab="edges"]');
    right('[data-kw-panel="edges"] tbody tr');
    expect(menu()).toBeTruthy();
  });

  it("anything else closes it, and nothing stays behind", () => {
    right('[data-kw-edge="0-0-1"]');
    view.key(items()[0]!, "Escape");
    vi.advanceTimersByTime(5000);
    const alive = aliveCount();
    right('[data-kw-edge="0-0-1"]');
    document.body.dispatchEvent(new PointerEvent("pointerdown", { bubbles: true }));
    expect(menu()).toBe(null);
    right('[data-kw-edge="0-0-1"]');
    view.key(items()[0]!, "Tab");
    expect(menu()).toBe(null);
    vi.advanceTimersByTime(5000);
    expect(aliveCount()).toBe(alive);
  });
});

describe("the key that prunes", () => {
  it("stands in the menu, and does what the entry does", () => {
    right('[data-kw-edge="0-0-1"]');
    expect(item("menu-prune").textContent).toBe("PruneDelete");
    expect(item("menu-prune").getAttribute("aria-keyshortcuts")).toBe("Delete");
    view.key(document.activeElement!, "Escape");
    view.key(focus('[data-kw-edge="0-0-1"]'), "Delete");
    expect(view.commands("prune")).toMatchObject([{ edges: [[0, 0, 1]] }]);
    // What is pruned already, a held key, a field and a page without a selection do nothing.
    view.key(focus('[data-kw-edge="0-0-1"]'), "Delete");
    view.click('[data-kw-edge="0-1-1"]');
    view.key(focus('[data-kw-edge="0-1-1"]'), "Delete", { repeat: true });
    view.key(view.find('[data-kw-control="filter"]'), "Delete");
    view.key(view.find('[data-kw-control="filter"]'), "Backspace");
    expect(view.commands("prune").length).toBe(1);
    view.click('[data-kw-action="deselect"]');
    view.key(focus('[data-kw-edge="0-1-1"]'), "Delete");
    expect(view.commands("prune").length).toBe(1);
  });
});

describe("what a lock costs", () => {
  it("stands in the menu before it is done", () => {
    view.click('[data-kw-edge="0-0-1"]');
    view.click('[data-kw-edge="0-1-1"]', { shiftKey: true });
    const { candidates } = view.explorer.store.state;
    view.explorer.store.state.candidates = { ...candidates, lock: 3.6 };
    right('[data-kw-edge="0-0-1"]');
    expect(item("lock").textContent).toMatch(/error right after it: 3.6, now [\d.e−-]+$/);
    expect(item("lock").hasAttribute("aria-disabled")).toBe(false);
  });
});

describe("keys in it", () => {
  beforeEach(() => right('[data-kw-edge="0-0-1"]'));
  const key = (name: string) => view.key(document.activeElement!, name);

  it("arrows go round, Home and End to the ends, letters to a name", () => {
    key("ArrowDown");
    expect(focused()).toBe("fix-best-both");
    key("ArrowUp");
    key("ArrowUp");
    expect(focused()).toBe(items().at(-1)!.dataset.kwAction);
    key("ArrowDown");
    expect(focused()).toBe("fix-best");
    key("End");
    key("Home");
    expect(focused()).toBe("fix-best");
    key("f");
    expect(focused()).toBe("freeze");
    key("r");
    expect(focused()).toBe("fix-best");
    key("r");
    expect(focused()).toBe("fix-best-both");
    key("p");
    expect(focused()).toBe("menu-prune");
  });

  it("keys of the explorer wait: f does not fix, Escape keeps the selection", () => {
    key("f");
    expect(view.commands("fix").length).toBe(0);
    key("Escape");
    expect(view.commands("select").length).toBe(1);
  });

  it("one entry at a time is reached by Tab", () => {
    expect(items().every((item) => item.tabIndex === -1)).toBe(true);
  });
});

const open = () => right('[data-kw-edge="0-0-1"]');

describe("while it is open", () => {
  const structure = (change: object) => {
    view.deliver("structure", { structure: { ...view.kernel.structure(), ...change } });
  };

  it("its items stay through the news of a training: a press is not lost", () => {
    open();
    const [prune, focus] = [item("menu-prune"), document.activeElement];
    view.kernel.tick();
    frame();
    expect(item("menu-prune")).toBe(prune);
    expect(document.activeElement).toBe(focus);
    view.kernel.setState(2, "pruned");
    view.deliver();
    expect(menu()?.contains(document.activeElement)).toBe(true);
    expect(item("fix-best").textContent).toContain("restore it first");
    expect(item("fix-best").getAttribute("aria-disabled")).toBe("true");
  });

  it("it closes when a node's network is another one", () => {
    const { version = 0 } = view.explorer.store.state.structure;
    right('[data-kw-node="1-2"] rect');
    structure({});
    expect(menu()).toBeTruthy();
    structure({ version: version + 1 });
    expect(menu()).toBe(null);
    expect(document.activeElement).not.toBe(document.body);
  });

  it("it closes when other edges are selected, or none", () => {
    for (const selected of [[[1, 0, 0]], []]) {
      open();
      view.kernel.push("ack", { of: 99, ok: true, settings: view.kernel.settings() });
      view.kernel.selected = selected;
      view.kernel.pushSelection();
      frame();
      expect(menu()).toBe(null);
      expect(document.activeElement).not.toBe(document.body);
    }
  });
});

describe("edges", () => {
  it("fixes the best candidate, unfixes, prunes and restores", () => {
    open();
    const best = view.find("[data-kw-candidate]").dataset.kwCandidate;
    press("fix-best");
    expect(view.commands("fix")).toMatchObject([{ edge: [0, 0, 1], name: best }]);
    open();
    press("menu-unfix");
    expect(view.commands("unfix")).toMatchObject([{ edge: [0, 0, 1] }]);
    open();
    press("menu-prune");
    view.kernel.setState(2, "pruned");
    view.deliver();
    open();
    press("menu-restore");
    expect(view.commands("restore")).toMatchObject([{ edges: [[0, 0, 1]] }]);
  });

  it("freezes and unfreezes; a frozen edge shows by more than colour", () => {
    open();
    press("freeze");
    expect(view.commands("freeze")).toMatchObject([{ edges: [[0, 0, 1]], on: true }]);
    const edge = view.find('[data-kw-edge="0-0-1"]');
    expect(view.all('[data-bound="0-0-1"] path').length).toBe(1);
    expect(edge.querySelector("rect")?.getAttribute("stroke-dasharray")).toBe("2 2");
    expect(edge.getAttribute("aria-label")).toContain("frozen");
    open();
    press("unfreeze");
    expect(view.commands("freeze").at(-1)).toMatchObject({ on: false });
    expect(view.all('[data-bound="0-0-1"]').length).toBe(0);
  });

  it("locks two of a layer, and marks them by a number", () => {
    open();
    expect(item("lock").getAttribute("aria-disabled")).toBe("true");
    expect(item("lock").textContent).toContain("shift-click selects more edges");
    press("lock");
    expect(view.commands("lock").length).toBe(0);
    view.key(items()[0]!, "Escape");
    view.click('[data-kw-edge="1-0-0"]', { shiftKey: true });
    open();
    expect(item("lock").textContent).toContain("of one layer");
    view.key(items()[0]!, "Escape");
    view.click('[data-kw-edge="1-0-0"]', { shiftKey: true });
    view.click('[data-kw-edge="0-1-1"]', { shiftKey: true });
    open();
    press("lock");
    expect(view.commands("lock")).toMatchObject([
      {
        edges: [
          [0, 0, 1],
          [0, 1, 1],
        ],
        on: true,
      },
    ]);
    const edge = view.find('[data-kw-edge="0-1-1"]');
    expect(view.find('[data-bound="0-1-1"]').textContent).toBe("1");
    expect(edge.getAttribute("aria-label")).toContain("function 1, shared with 1 other edge");
    edge.dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    expect(view.find(".kw-card").textContent).toContain("function 1, shared with 1 other edge");
    open();
    press("unlock");
    expect(view.commands("lock").at(-1)).toMatchObject({ on: false });
  });
});

describe("edges and their neighbours", () => {
  it("selects all edges of the node at either end", () => {
    open();
    press("select-out");
    expect(view.commands("select").at(-1)).toMatchObject({ edges: [0, 1, 2, 3, 4].map((i) => [0, 0, i]) });
    open();
    press("select-into");
    expect((view.commands("select").at(-1) as unknown as { edges: number[][] }).edges.length).toBe(2);
  });

  it("says what can't be done without a kernel", () => {
    open();
    view.kernel.lose();
    frame();
    expect(item("menu-prune").textContent).toContain("the kernel is gone");
    press("menu-prune");
    expect(view.commands("prune").length).toBe(0);
  });
});
