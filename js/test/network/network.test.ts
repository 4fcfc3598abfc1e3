import { describe, expect, it, vi } from "vitest";
import { cardPlace } from "../../src/network/hover-card";
import { layout } from "../../src/network/layout";
import { FakeKernel } from "../fake/kernel";
import { pack } from "../fake/pack";
import { frame, mount, mountEach } from "../support/helpers";

const view = mountEach();

const pressed = () => view.all('[data-kw-edge][aria-pressed="true"]').map((edge) => edge.dataset.kwEdge);

describe("selecting", () => {
  it("a click selects, shows it before the answer, and asks the kernel", () => {
    view.kernel.silent = true;
    view.click('[data-kw-edge="0-1-2"]');
    expect(pressed()).toEqual(["0-1-2"]);
    expect(view.commands("select")).toMatchObject([{ edges: [[0, 1, 2]] }]);
    expect(view.find('[data-kw-panel="inspector"] h2').textContent).toBe("x₂ → h₁,₃");
  });

  it("the answer fills the inspector", () => {
    view.click('[data-kw-edge="0-1-2"]');
    expect(view.all("[data-kw-candidate]").length).toBeGreaterThanOrEqual(8);
  });

  it("shift adds and takes out again", () => {
    view.click('[data-kw-edge="0-1-2"]');
    view.click('[data-kw-edge="1-0-0"]', { shiftKey: true });
    expect(pressed()).toEqual(["0-1-2", "1-0-0"]);
    // Whether or not the host has let the press give it the focus.
    expect(document.activeElement!.getAttribute("data-kw-edge")).toBe("1-0-0");
    expect(view.find('[data-kw-panel="inspector"] h2').textContent).toBe("2 edges");
    view.click('[data-kw-edge="0-1-2"]', { shiftKey: true });
    expect(pressed()).toEqual(["1-0-0"]);
  });

  it("clicking the selected edge again asks nothing", () => {
    view.click('[data-kw-edge="0-1-2"]');
    view.click('[data-kw-edge="0-1-2"]');
    expect(view.commands("select").length).toBe(1);
  });
});

describe("keys", () => {
  const focus = (key: string) => {
    const edge = view.find(`[data-kw-edge="${key}"]`);
    edge.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    frame();
    return edge;
  };
  const stops = () => view.all('[data-kw-edge][tabindex="0"]').map((edge) => edge.dataset.kwEdge);

  it("the network is one tab stop", () => {
    expect(stops()).toEqual(["0-0-0"]);
    focus("1-3-0");
    expect(stops()).toEqual(["1-3-0"]);
  });

  it("arrows move within a layer and between layers", () => {
    view.key(focus("0-0-0"), "ArrowRight");
    expect(stops()).toEqual(["0-1-0"]);
    view.key(view.find('[data-kw-edge="0-1-0"]'), "ArrowUp");
    view.key(view.find('[data-kw-node="1-0"]'), "ArrowUp");
    expect(stops()).toEqual(["1-0-0"]);
    view.key(view.find('[data-kw-edge="1-0-0"]'), "ArrowUp");
    view.key(view.find('[data-kw-node="2-0"]'), "ArrowUp");
    expect(view.find('[data-kw-node="2-0"]').getAttribute("tabindex")).toBe("0");
    view.key(view.find('[data-kw-node="2-0"]'), "ArrowDown");
    expect(stops()[0]).toMatch(/^1-/);
  });

  it.each(["Enter", " "])("%j selects and does not start the training", (name) => {
    view.key(focus("0-0-3"), name);
    expect(pressed()).toEqual(["0-0-3"]);
    expect(view.commands("control").length).toBe(0);
  });

  it("Escape clears; a bare letter changes nothing", () => {
    view.click('[data-kw-edge="0-0-3"]');
    const acts = () => view.kernel.sent.filter(({ kind }) => kind !== "pump").length;
    const before = acts();
    for (const letter of "abcdefghijklmnopqrstuvwxyz") view.key(focus("0-0-3"), letter);
    expect(acts()).toBe(before);
    view.key(view.root, "Escape");
    expect(pressed()).toEqual([]);
  });

  it("Ctrl-Z undoes, with Shift it redoes; Space plays", () => {
    view.click('[data-kw-edge="0-0-3"]');
    view.kernel.note("fix", "fix");
    view.deliver();
    view.key(view.root, "z", { ctrlKey: true });
    view.key(view.root, "Z", { metaKey: true, shiftKey: true });
    expect([view.commands("undo").length, view.commands("redo").length]).toEqual([1, 1]);
    view.key(view.root, " ");
    expect(view.commands("control")).toMatchObject([{ action: "start" }]);
  });

  it("typing in a field triggers nothing", () => {
    view.click('[data-kw-edge="0-0-3"]');
    view.key(view.find('[data-kw-control="filter"]'), "?");
    expect(view.all("dialog").length).toBe(0);
    view.key(view.find('[data-kw-field="lamb"]'), "z", { ctrlKey: true });
    expect([view.commands("fix").length, view.commands("undo").length]).toEqual([0, 0]);
  });
});

describe("drawing", () => {
  it("names edges in words that contain what is shown", () => {
    view.kernel.setState(3, "symbolic", "x^2");
    view.deliver();
    const edge = view.find('[data-kw-edge="0-1-1"]');
    expect(edge.textContent).toBe("x²");
    expect(edge.getAttribute("aria-label")).toContain("replaced by x²");
    expect(edge.getAttribute("aria-label")).toContain("x₂ to h₁,₂");
  });

  it("says one importance, in the name of an edge, on its card and beside its curve", () => {
    view.click('[data-kw-edge="0-1-1"]');
    const edge = view.find('[data-kw-edge="0-1-1"]');
    edge.dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    const heard = /importance [\d.]+/.exec(edge.getAttribute("aria-label")!)![0];
    expect(view.find(".kw-card").textContent).toContain(heard);
    expect(view.find("[data-kw-panel=inspector] .kw-head .kw-dim").textContent).toMatch(new RegExp(`${heard}$`));
  });

  it("the four states differ by more than colour", () => {
    for (const [i, state] of (["spline", "symbolic", "both", "pruned"] as const).entries())
      view.kernel.setState(i, state, state === "symbolic" || state === "both" ? "sin" : null);
    view.deliver();
    const looks = [0, 1, 2, 3].map((i) => {
      const edge = view
        .all("[data-kw-edge]")
        .find((item) => item.dataset.kwEdge === view.kernel.edges[i]!.key.join("-"))!;
      const wire = view.all(".kw-wire")[i]!;
      return `${wire.getAttribute("stroke-dasharray")} ${edge.textContent}`;
    });
    expect(new Set(looks).size).toBe(4);
  });

  it("writes only what changed", () => {
    const curve = view.find('[data-kw-edge="0-0-0"] path');
    const before = curve.getAttribute("d");
    view.deliver("status", { status: view.kernel.status() });
    expect(view.find('[data-kw-edge="0-0-0"] path')).toBe(curve);
    view.kernel.tick(20);
    frame();
    expect(view.find('[data-kw-edge="0-0-0"] path')).toBe(curve);
    expect(curve.getAttribute("d")).not.toBe(before);
  });

  it("pointing at an edge shows its card", () => {
    const edge = view.find('[data-kw-edge="1-2-0"] rect');
    edge.dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    expect(view.find(".kw-card").textContent).toContain("h₁,₃ → y");
    view.find("[data-kw-panel=network] .kw-stage").dispatchEvent(new PointerEvent("pointerleave"));
    frame();
    expect(view.find(".kw-card").hidden).toBe(true);
  });

  it("pruned edges can be hidden", () => {
    view.kernel.setState(0, "pruned");
    view.deliver();
    expect(view.all('[data-kw-edge="0-0-0"]').length).toBe(1);
    view.click('[data-kw-toggle="pruned"]');
    expect(view.all('[data-kw-edge="0-0-0"]').length).toBe(0);
  });

  it("of many edges draws the important ones and any that is selected", () => {
    const many = mount({ width: [20, 24, 1], steps: 3 });
    expect(many.all("[data-kw-edge]").length).toBe(150);
    const hidden = many.kernel.edges.find((edge) => many.all(`[data-kw-edge="${edge.key.join("-")}"]`).length === 0)!;
    many.kernel.selected = [hidden.key];
    many.kernel.pushSelection();
    frame();
    expect(many.find(`[data-kw-edge="${hidden.key.join("-")}"]`).getAttribute("aria-pressed")).toBe("true");
  });
});

describe("frames of a training", () => {
  /** The importance of every edge as a kernel tells it after an act. */
  const weigh = (importance: number[]) => {
    const all = view.kernel.edges.map((_, i) => i);
    const { arrays, buffer } = pack({ curves: view.kernel.curveRows(all), importance: [importance, [all.length]] });
    view.kernel.push("curves", { edges: null, arrays }, buffer);
    frame();
  };
  const rising = Array.from({ length: 15 }, (_, i) => i + 1);
  const names = () => view.all("[data-kw-edge]").map((edge) => edge.getAttribute("aria-label"));

  it("that tell nothing new write nothing", () => {
    const write = vi.spyOn(Element.prototype, "setAttribute");
    const written = () =>
      write.mock.calls.filter((_, i) => (write.mock.contexts[i] as Element).closest('[data-kw-panel="network"] svg'));
    view.kernel.tick(1);
    frame();
    expect(written().length).toBeGreaterThan(0);
    write.mockClear();
    view.kernel.tick(0);
    frame();
    expect(written()).toEqual([]);
    write.mockRestore();
  });

  it("renew widths at once, names once a second and at the end", () => {
    const widths = () => view.all(".kw-wire").map((wire) => wire.getAttribute("stroke-width"));
    view.click('[data-kw-action="start"]');
    const later = () => vi.setSystemTime(Date.now() + 1001);
    later();
    weigh(rising);
    const [first, wide] = [names(), widths()];
    weigh(rising.toReversed());
    expect(names()).toEqual(first);
    expect(widths()).toEqual(wide.toReversed());
    later();
    weigh(rising.toReversed());
    const second = names();
    expect(second).not.toEqual(first);
    weigh(rising);
    expect(names()).toEqual(second);
    view.kernel.running = false;
    view.kernel.push("status", { status: view.kernel.status() });
    frame();
    expect(names()).toEqual(first);
  });
});

describe("wires without a thumbnail", () => {
  it("tell the state by their dash: they have no labels", () => {
    const many = mount({ width: [20, 24, 1], steps: 3 });
    const bare = many.all("[data-kw-edge]").filter((item) => !item.querySelector(".kw-solid"));
    const states = ["spline", "symbolic", "both"] as const;
    for (const [k, state] of states.entries()) {
      const index = many.kernel.edges.findIndex((edge) => edge.key.join("-") === bare[k]!.dataset.kwEdge);
      many.kernel.setState(index, state, "sin");
    }
    many.deliver();
    const wires = states.map((state) => many.all(`.kw-wire[data-state="${state}"]`)[0]!);
    expect(new Set(wires.map((item) => item.getAttribute("stroke-dasharray"))).size).toBe(3);
  });
});

describe("the card beside an edge", () => {
  it("hides no thumbnail where there is room, whichever edge it is", () => {
    const structure = new FakeKernel({ width: [2, 3, 1] }).structure();
    const placed = layout(
      structure,
      structure.edges.map(() => "thumb"),
      460,
      430,
    );
    for (const { index } of placed.edges) {
      const card = cardPlace(placed, index, 130, 58);
      expect(card.x).toBeGreaterThanOrEqual(4);
      expect(card.x + card.w).toBeLessThanOrEqual(placed.width - 4);
      for (const { box } of placed.edges) {
        const apart =
          card.x >= box.x + box.w || card.x + card.w <= box.x || card.y >= box.y + box.h || card.y + card.h <= box.y;
        expect(apart).toBe(true);
      }
    }
  });
});
