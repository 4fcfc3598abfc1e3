// Coefficients dragged in the inspector's plot.
import { beforeEach, describe, expect, it, vi } from "vitest";
import { basis } from "../../src/inspector/spline-basis";
import { selectedCurve } from "../../src/inspector/spline-plot";
import { row } from "../../src/protocol/codecs";
import { frame, mount, mountEach, type View } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10 });
/** Handles are off until someone asks for them. */
const switchHandles = (shown: Pick<View, "find">, on: boolean) => {
  const box = shown.find<HTMLInputElement>('[data-kw-toggle="handles"]');
  box.checked = on;
  box.dispatchEvent(new Event("change", { bubbles: true }));
};
beforeEach(() => {
  view.click('[data-kw-edge="0-0-1"]');
  switchHandles(view, true);
});

interface Sent {
  index: number;
  value: number;
  commit: boolean;
  edge: number[];
  grid: number;
}
const drags = () => view.commands("drag") as unknown as Sent[];
const handle = (index: number) => view.find<SVGGElement & HTMLElement>(`[data-kw-handle="${index}"]`);
const received = (index: number) => row(view.explorer.store.state.detail.get("handles"), 1)![index]!;
const centre = (index: number): [number, number] => {
  const circle = handle(index).firstElementChild!;
  return [Number(circle.getAttribute("cx")), Number(circle.getAttribute("cy"))];
};
const pointer = (target: Element, type: string, [clientX, clientY]: [number, number]) =>
  target.dispatchEvent(new PointerEvent(type, { bubbles: true, cancelable: true, button: 0, clientX, clientY }));
const grab = (index: number): [number, number] => {
  const at = centre(index);
  pointer(handle(index).firstElementChild!, "pointerdown", at);
  return at;
};
const path = () => view.all("[data-kw-panel=inspector] .kw-stage svg > g > path.kw-c1").at(-1)!.getAttribute("d");

describe("with the pointer", () => {
  it("one message a frame on the way, and one that commits", () => {
    const [x, y] = grab(3);
    for (const up of [2, 5, 9]) pointer(handle(3), "pointermove", [x, y - up]);
    expect(drags().length).toBe(0);
    frame();
    pointer(handle(3), "pointermove", [x, y - 20]);
    frame();
    pointer(handle(3), "pointerup", [x, y - 20]);
    frame();
    expect(drags().map(({ commit, index }) => [commit, index])).toEqual([
      [false, 3],
      [false, 3],
      [true, 3],
    ]);
    // The index means something on one grid only.
    const knots = view.explorer.store.state.detail.get("knots")!.values;
    expect(drags().map(({ grid }) => grid)).toEqual(Array(3).fill(knots.length - 1));
    expect(drags().at(-1)).toMatchObject({ edge: [0, 0, 1], value: drags()[1]!.value });
    expect(drags()[1]!.value).toBeGreaterThan(drags()[0]!.value);
    pointer(handle(3), "lostpointercapture", [x, y]);
    expect(drags().length).toBe(3);
  });

  it("a lost capture commits; a mere click sends nothing", () => {
    const [x, y] = grab(3);
    pointer(handle(3), "pointerup", [x, y]);
    expect(drags().length).toBe(0);
    grab(3);
    pointer(handle(3), "pointermove", [x, y + 9]);
    pointer(handle(3), "lostpointercapture", [x, y + 9]);
    expect(drags()).toMatchObject([{ commit: true }]);
  });

  it("the nearest handle is meant where targets overlap", () => {
    const [x, y] = centre(4);
    pointer(handle(3).firstElementChild!, "pointerdown", [x, y]);
    pointer(handle(4), "pointermove", [x, y - 9]);
    frame();
    expect(drags()).toMatchObject([{ index: 4 }]);
  });

  it("a kernel that is slower than the frames is not overrun", () => {
    view.kernel.silent = true;
    const [x, y] = grab(3);
    for (let i = 1; i <= 9; i++) {
      pointer(handle(3), "pointermove", [x, y - i]);
      frame();
    }
    expect(drags().length).toBe(1);
    vi.advanceTimersByTime(200);
    expect(drags().length).toBe(2);
    expect(drags()[1]!.value).not.toBe(drags()[0]!.value);
  });

  it("targets are 24 px wide", () => {
    expect(handle(3).querySelector(".kw-reach")?.getAttribute("r")).toBe("12");
  });
});

describe("the curve", () => {
  it("follows at once by the spline's own basis, before the kernel has answered", () => {
    view.kernel.silent = true;
    const { store } = view.explorer;
    const before = selectedCurve(store)!;
    const line = path();
    const [x, y] = grab(3);
    pointer(handle(3), "pointermove", [x, y - 30]);
    expect(path()).not.toBe(line);
    frame();
    const change = drags()[0]!.value - received(3);
    // What the kernel will tell is what is shown already.
    const knots = store.state.detail.get("full_knots")!.values;
    const column = basis(before.xs, knots, 3, 3);
    const shown = path();
    view.kernel.silent = false;
    view.kernel.answer({ v: 2, seq: 99, kind: "drag", ...drags()[0]!, commit: true } as never);
    frame();
    const after = selectedCurve(store)!;
    for (const i of [20, 40, 60, 80]) expect(after.ys[i]! - before.ys[i]!).toBeCloseTo(change * column[i]!, 4);
    expect(path()).toBe(shown);
  });

  it("works with knots that have to be extended here", () => {
    view.kernel.silent = true;
    const [x, y] = grab(3);
    pointer(handle(3), "pointermove", [x, y - 30]);
    const full = path();
    view.explorer.store.state.detail.delete("full_knots");
    pointer(handle(3), "pointermove", [x, y - 31]);
    pointer(handle(3), "pointermove", [x, y - 30]);
    expect(path()).toBe(full);
  });

  it("what the kernel refuses goes back", () => {
    view.kernel.silent = true;
    const line = path();
    const [x, y] = grab(3);
    pointer(handle(3), "pointermove", [x, y - 30]);
    pointer(handle(3), "pointerup", [x, y - 30]);
    expect(path()).not.toBe(line);
    view.kernel.push("ack", { of: 999, ok: false, settings: view.kernel.settings() });
    vi.advanceTimersByTime(500);
    expect(path()).toBe(line);
  });

  it("the errors stand beside what they were, and the act before is no news any more", () => {
    view.kernel.note("lock 2 edges", "lock", view.explorer.store.state.selection.edges);
    view.deliver();
    expect(view.find(".kw-effect").hidden).toBe(false);
    const [x, y] = grab(3);
    pointer(handle(3), "pointermove", [x, y - 30]);
    frame();
    frame();
    const live = view.find("[data-kw-panel=inspector] .kw-live");
    expect(live.hidden).toBe(false);
    expect(view.find(".kw-effect").hidden).toBe(true);
    expect(live.textContent).toMatch(/RMSE.*train \S+ → \S+.*test \S+ → \S+/);
    pointer(handle(3), "pointerup", [x, y - 30]);
    expect(live.hidden).toBe(true);
  });

  it("another edge ends a gesture without a trace", () => {
    grab(3);
    view.click('[data-kw-edge="1-2-0"]');
    frame();
    expect(view.all(".kw-handle[data-held]").length).toBe(0);
    expect(drags().length).toBe(0);
  });
});

describe("what it did", () => {
  it("the act's errors are those from before the gesture, not from its way", () => {
    const error = () => view.explorer.store.state.status.test!;
    const said = (value: number) => value.toPrecision(3).replace(/0+$/, "");
    const first = error();
    const [x, y] = grab(3);
    pointer(handle(3), "pointermove", [x, y - 30]);
    frame();
    frame();
    expect(said(error())).not.toBe(said(first));
    pointer(handle(3), "pointerup", [x, y - 30]);
    frame();
    expect(view.find(".kw-effect").textContent).toContain(`RMSE ${said(first)} → `);
  });
});

describe("with keys", () => {
  const key = (name: string, init: KeyboardEventInit = {}) => view.key(document.activeElement!, name, init);
  const up = () => document.activeElement!.dispatchEvent(new KeyboardEvent("keyup", { key: "ArrowUp", bubbles: true }));

  it("handles are one tab stop; arrows go along them", () => {
    const stops = () => view.all('[data-kw-handle][tabindex="0"]').map((item) => item.dataset.kwHandle);
    expect(stops()).toEqual(["6"]);
    handle(6).focus();
    key("ArrowRight");
    expect(stops()).toEqual(["7"]);
    expect(document.activeElement).toBe(handle(7));
    key("ArrowLeft");
    key("ArrowLeft");
    expect(stops()).toEqual(["5"]);
    expect(drags().length).toBe(0);
  });

  it("up and down move one, Shift finer; letting go commits", () => {
    const before = received(4);
    handle(4).focus();
    key("ArrowUp");
    key("ArrowUp");
    const coarse = drags().at(-1)!.value - before;
    up();
    expect(drags().at(-1)!.commit).toBe(true);
    expect(drags().filter(({ commit }) => commit).length).toBe(1);
    frame();
    const start = received(4);
    key("ArrowUp", { shiftKey: true });
    expect((drags().at(-1)!.value - start) * 20).toBeCloseTo(coarse, 3);
    up();
  });

  it("Escape goes back to where it began, and keeps the selection", () => {
    const before = received(4);
    handle(4).focus();
    key("ArrowDown");
    key("Escape");
    expect(drags().at(-1)).toMatchObject({ commit: true });
    expect(drags().at(-1)!.value).toBeCloseTo(before, 6);
    expect(view.commands("select").length).toBe(1);
  });

  it("say what they are and where they stand", () => {
    expect(handle(4).getAttribute("role")).toBe("slider");
    expect(handle(4).getAttribute("aria-label")).toBe("coefficient 4 of 0 to 11, at −0.333");
    expect(Number(handle(4).getAttribute("aria-valuenow"))).toBeCloseTo(received(4), 3);
  });
});

describe("where there are none", () => {
  const count = () => view.all("[data-kw-handle]").length;

  it("a switch shows and hides them; at first they are hidden", () => {
    expect(count()).toBe(12);
    switchHandles(view, false);
    expect(count()).toBe(0);
    const fresh = mount({ width: [2, 5, 1], steps: 10 });
    fresh.click('[data-kw-edge="0-0-1"]');
    expect(fresh.all("[data-kw-handle]")).toEqual([]);
    expect(fresh.find<HTMLInputElement>('[data-kw-toggle="handles"]').checked).toBe(false);
  });

  it.each([
    ["symbolic", "A formula has no handles"],
    ["pruned", "A pruned edge has no handles"],
  ] as const)("%s edges say why", (state, words) => {
    view.kernel.setState(2, state, state === "symbolic" ? "sin" : null);
    view.deliver();
    expect(count()).toBe(0);
    expect(view.find("[data-kw-panel=inspector]").textContent).toContain(words);
  });

  it("a saved page has none", () => {
    view.explorer.store.setLink("none");
    frame();
    expect(count()).toBe(0);
    expect(view.find('[data-kw-toggle="handles"]').parentElement!.hidden).toBe(true);
  });

  it("of many, only those near the pointer and the focus", () => {
    const fine = mount({ width: [1, 1], steps: 5, grid: 50 });
    fine.click('[data-kw-edge="0-0-0"]');
    switchHandles(fine, true);
    const shown = () => fine.all("[data-kw-handle]").map((item) => Number(item.dataset.kwHandle));
    expect(shown()).toEqual([28]);
    const stage = fine.find("[data-kw-panel=inspector] .kw-stage");
    stage.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 150 }));
    expect(shown().length).toBeGreaterThanOrEqual(7);
    expect(shown().length).toBeLessThanOrEqual(8);
    stage.dispatchEvent(new PointerEvent("pointerleave"));
    expect(shown()).toEqual([28]);
  });
});

it("handles say between which values they are", () => {
  for (const part of view.all("[data-kw-handle]")) {
    const [low, now, high] = ["min", "now", "max"].map((name) => Number(part.getAttribute(`aria-value${name}`)));
    expect(low).toBeLessThanOrEqual(now!);
    expect(high).toBeGreaterThanOrEqual(now!);
    expect(part.hasAttribute("aria-valuemin") && high! > low!).toBe(true);
  }
});

describe("after a change of structure", () => {
  it("what is held since before another structure is let go: its key means another edge now", () => {
    const [x, y] = grab(3);
    pointer(handle(3), "pointermove", [x, y - 9]);
    frame();
    const sent = drags().length;
    const held = handle(3);
    view.kernel.push("structure", { structure: { ...view.kernel.structure(), version: 9 } });
    view.kernel.selected = [];
    view.kernel.pushSelection();
    frame();
    pointer(held, "pointermove", [x, y - 20]);
    frame();
    pointer(held, "lostpointercapture", [x, y - 20]);
    frame();
    expect(drags().length).toBe(sent);
  });
});
