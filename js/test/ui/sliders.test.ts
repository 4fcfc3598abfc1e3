import { describe, expect, it, vi } from "vitest";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

const range = 'input[data-kw-control="lamb"]';
const field = 'input[data-kw-field="lamb"]';
const sent = () => view.commands("set").map((message) => (message as unknown as { settings: object }).settings);

const drag = (at: string) => {
  view.find(range).dispatchEvent(new PointerEvent("pointerdown"));
  view.input(range, at, "input", "change");
  frame();
};

describe("sliders", () => {
  it("echo at once and send when the hand rests", () => {
    view.kernel.silent = true;
    for (const at of ["10", "20", "31"]) {
      view.input(range, at, "input");
      vi.advanceTimersByTime(100);
    }
    expect(view.find<HTMLInputElement>(field).value).toBe("1e-4");
    expect(sent()).toEqual([]);
    vi.advanceTimersByTime(60);
    expect(sent()).toEqual([{ lamb: 1e-4 }]);
    expect(view.find(range).dataset.kwValue).toBe("0.001");
  });

  it("send on release, once", () => {
    drag("31");
    expect(sent()).toEqual([{ lamb: 1e-4 }]);
    vi.advanceTimersByTime(500);
    expect(sent()).toEqual([{ lamb: 1e-4 }]);
    expect(view.find(range).dataset.kwValue).toBe("0.0001");
  });

  it("end at their largest value", () => {
    const { max } = view.find<HTMLInputElement>(range);
    drag(max);
    expect(sent()).toEqual([{ lamb: 10 }]);
  });

  it("have an explicit 0", () => {
    drag("0");
    expect(sent()).toEqual([{ lamb: 0 }]);
  });
});

describe("the grid's slider", () => {
  it("sends the number of intervals that it says", () => {
    const grid = 'input[data-kw-control="grid"]';
    const at = Number(view.find<HTMLInputElement>(grid).value) + 3;
    view.input(grid, String(at), "input");
    vi.advanceTimersByTime(200);
    const said = Number(view.find(grid).getAttribute("aria-valuetext"));
    expect(sent()).toEqual([{ grid: said }]);
    expect(view.find<HTMLInputElement>('input[data-kw-field="grid"]').value).toBe(String(said));
  });
});

describe("sliders and answers", () => {
  it("do not jump under the hand when settings arrive", () => {
    const slider = view.find<HTMLInputElement>(range);
    slider.dispatchEvent(new PointerEvent("pointerdown"));
    view.input(range, "31", "input");
    view.deliver("settings", { settings: { ...view.kernel.settings(), lamb: 0.5 } });
    expect(slider.value).toBe("31");
    expect(slider.dataset.kwValue).toBe("0.5");
  });

  it("send what keys did when the keys rest", () => {
    for (const at of ["42", "43", "44"]) view.input(range, at, "input", "change");
    expect(sent()).toEqual([]);
    vi.advanceTimersByTime(160);
    expect(sent()).toEqual([{ lamb: 0.002 }]);
  });

  it("are not pulled back by the answer to an older command", () => {
    view.kernel.silent = true;
    view.click('[data-kw-action="prune"]');
    drag("31");
    view.deliver("ack", { of: 2, ok: true, settings: view.kernel.settings() });
    expect(view.find<HTMLInputElement>(field).value).toBe("1e-4");
    view.deliver("ack", { of: 3, ok: true, settings: { ...view.kernel.settings(), lamb: 1e-4 } });
    expect(view.find<HTMLInputElement>(field).value).toBe("1e-4");
    expect(view.find(range).dataset.kwValue).toBe("0.0001");
  });

  it("go back to what the kernel has accepted when it refuses", () => {
    view.kernel.silent = true;
    drag("31");
    view.deliver("ack", { of: 2, ok: false, settings: view.kernel.settings() });
    expect(view.find<HTMLInputElement>(field).value).toBe("0.001");
  });

  it("send what was typed at Enter, and once only", () => {
    const field = view.input('[data-kw-field="grid"]', "12");
    view.key(field, "Enter");
    field.dispatchEvent(new Event("change", { bubbles: true }));
    expect(sent()).toEqual([{ grid: 12 }]);
    field.value = "99";
    view.key(field, "Escape");
    expect(field.value).toBe("12");
  });

  it("can be typed into, between 1 and 200 for the grid", () => {
    view.input('[data-kw-field="grid"]', "37", "change");
    expect(sent()).toEqual([{ grid: 37 }]);
    for (const bad of ["0", "201", "3.5", "many", ""]) {
      const field = view.input('[data-kw-field="grid"]', bad, "change");
      expect(field.getAttribute("aria-invalid")).toBe("true");
    }
    expect(sent().length).toBe(1);
  });
});
