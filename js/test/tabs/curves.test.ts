// The curves of the training, and the names of their marks.
import { describe, expect, it } from "vitest";
import { eventLabels, markLabels } from "../../src/tabs/curves-plot";
import { FakeKernel } from "../fake/kernel";
import { pack } from "../fake/pack";
import { frame, mount, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10, lamb: 1e-3 });

describe("curves", () => {
  it("draw what there is, marks and their labels", () => {
    view.kernel.note("prune", "prune");
    view.deliver();
    const chart = view.find('[data-kw-panel="curves"] svg');
    expect(chart.getAttribute("aria-label")).toContain("train, test, penalty");
    expect(chart.textContent).toContain("prune");
    view.click('[data-kw-toggle="axis"]');
    expect(view.find('[data-kw-toggle="axis"]').textContent).toBe("seconds");
  });

  it("have 2 and 5 times the powers of ten on their axis where these are few", () => {
    const labels = (steps: number) => {
      const marks = mount({ width: [1, 1], steps }).all('[data-kw-panel="curves"] text[text-anchor=end]');
      return marks.map((item) => item.textContent);
    };
    expect(labels(60)).toEqual(["0.05", "0.1", "0.2", "0.5"]);
    expect(labels(600)).toEqual(["10⁻⁴", "10⁻³", "10⁻²", "10⁻¹"]);
  });

  it("keep the elements that stay", () => {
    const ticks = () => view.all('[data-kw-panel="curves"] svg .kw-tick');
    const before = ticks();
    view.kernel.tick(20);
    frame();
    const kept = ticks().filter((item) => before.includes(item));
    expect(kept.length).toBeGreaterThan(before.length / 2);
  });

  it("leave out test and penalty where there are none", () => {
    const bare = mount({ width: [1, 1], steps: 5, test: false });
    expect(bare.find('[data-kw-panel="curves"] svg').getAttribute("aria-label")).toContain("curves of train;");
  });

  it("say their name and unit once, and R² nowhere where it has no meaning", () => {
    view.deliver("settings", { settings: { ...view.kernel.settings(), error_name: "test error, in n_dot" } });
    const chart = view.find('[data-kw-panel="curves"] svg');
    expect(chart.textContent).toContain("error, in n_dot");
    expect(chart.textContent).not.toContain("test error");
  });

  it("are walked: a pointer reads a step, a click returns to it", () => {
    const chart = view.find('[data-kw-panel="curves"] svg');
    chart.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 60, clientY: 50 }));
    const readout = view.find('[data-kw-panel="curves"] .kw-readout');
    expect(readout.textContent).toMatch(/^step 1.*click to return here$/);
    chart.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: 60, clientY: 50 }));
    expect(view.commands("go_to_step")).toMatchObject([{ step: 1 }]);
    // The last step is where the training is.
    chart.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: 400, clientY: 50 }));
    expect(view.commands("go_to_step").length).toBe(1);
  });

  it("read R² beside the error of the rows that it is judged by", () => {
    view.deliver("settings", { settings: { ...view.kernel.settings(), label_spread: 10 } });
    const chart = view.find('[data-kw-panel="curves"] svg');
    chart.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: 60, clientY: 50 }));
    const readout = view.find('[data-kw-panel="curves"] .kw-readout');
    expect(readout.textContent).toMatch(/train [\d.]+test [\d.]+ \(R² 0\.99\d+\)penalty/);
  });

  it("lead back to the best step while there is one", () => {
    const button = () => view.find('[data-kw-action="back-to-best"]');
    expect(button().hidden).toBe(true);
    view.deliver("status", { status: { ...view.kernel.status(), best: { step: 4, error: 0.01 } } });
    expect(button().hidden).toBe(false);
    expect(button().title).toContain("Step 4: RMSE 0.01");
    view.click('[data-kw-action="back-to-best"]');
    expect(view.commands("back_to_best").length).toBe(1);
    view.deliver("status", { status: view.kernel.status() });
    expect(button().hidden).toBe(true);
  });

  it("say so before the first step", () => {
    const idle = mount({ width: [1, 1] });
    expect(idle.find('[data-kw-panel="curves"] p').hidden).toBe(false);
  });
});

it("the way back to the best step covers no label", () => {
  const end = () => {
    const label = view.all('[data-kw-panel="curves"] .kw-tick').find((item) => item.textContent === "prune")!;
    return Number(label.getAttribute("x")) + 5.8 * "prune".length;
  };
  view.kernel.note("prune", "prune");
  view.deliver();
  expect(end()).toBeGreaterThan(420 - 104);
  view.deliver("status", { status: { ...view.kernel.status(), best: { step: 4, error: 0.01 } } });
  expect(end()).toBeLessThanOrEqual(420 - 104);
});

describe("names of marks on the curves", () => {
  const names = (...events: [number, string][]) =>
    eventLabels(
      events.map(([at, label]) => ({ at, label })),
      500,
    );

  it("stand apart where there is room, in order of their marks", () => {
    expect(names([300, "prune"], [100, "λ = 0"]).map(({ text }) => text)).toEqual(["λ = 0", "prune"]);
  });

  it("begin at the axis at the earliest, joined ones too", () => {
    const placed = names([70, "prune 12 edges"], [86, "grid 3 → 10"]);
    expect(placed.map(({ text }) => text)).toEqual(["prune 12 edges, grid 3 → 10"]);
    expect(placed[0]!.start).toBe(68);
  });

  it("are joined where two marks are close, and never overlap", () => {
    expect(names([200, "grid 3 → 10"], [206, "λ = 0"]).map(({ text }) => text)).toEqual(["grid 3 → 10, λ = 0"]);
    expect(names([488, "grid 3 → 10"], [495, "λ = 0"]).map(({ text }) => text)).toEqual(["grid 3 → 10, λ = 0"]);
    const many = names(...Array.from({ length: 60 }, (_, i): [number, string] => [8 * i, `grid ${i} → ${i + 1}`]));
    expect(many.length).toBeGreaterThan(2);
    for (const [i, item] of many.entries()) {
      expect(item.start).toBeGreaterThanOrEqual(i > 0 ? many[i - 1]!.end + 8 : 0);
      expect(item.end).toBeLessThanOrEqual(500);
    }
  });

  it("are those of acts first: the grid that adapts itself takes what room is left", () => {
    const adapted = [80, 120, 400].map((at) => ({ at, label: "grid adapted", kind: "grid" }));
    const texts = (...acts: { at: number; label: string; kind: string }[]) =>
      markLabels([...adapted, ...acts], 500).map(({ text }) => text);
    expect(texts()).toEqual(["grid adapted", "grid adapted"]);
    expect(texts({ at: 160, label: "lamb = 0.079", kind: "setting" })).toContain("lamb = 0.079");
    expect(texts({ at: 90, label: "prune", kind: "prune" })).toEqual(["prune", "grid adapted"]);
  });
});

describe("curves without a curve", () => {
  it("say why, and draw no axes", () => {
    const text = (kernel: FakeKernel) => {
      const shown = mount(kernel);
      const panel = shown.find('[data-kw-panel="curves"]');
      expect(panel.querySelectorAll("svg text").length).toBe(0);
      const words = panel.querySelector(".kw-empty")?.textContent;
      return words;
    };
    expect(text(new FakeKernel({ width: [2, 1] }))).toContain("Press Train");
    const infinite = new FakeKernel({ width: [2, 1] });
    infinite.rows.push([1, 0.01, Number.POSITIVE_INFINITY, Number.NaN, Number.NaN]);
    expect(text(infinite)).toContain("nothing to draw");
  });
});

describe("the past", () => {
  it("keep what a return has left behind behind a mark, and a click there goes on again", () => {
    const svg = view.find('[data-kw-panel="curves"] svg');
    const { metrics } = view.explorer.store;
    const rows = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => [from + i, 0.1, 0.2, 0.3, 0.1]);
    const tell = (now: number, later: number) => {
      const arrays: Record<string, [number[], number[]]> = { metrics: [rows(1, now + 1).flat(), [now, 5]] };
      if (later > 0) arrays.later = [rows(now + 1, now + later + 1).flat(), [later, 5]];
      const packed = pack(arrays);
      view.kernel.push("metrics", { first: 0, replace: true, arrays: packed.arrays }, packed.buffer);
      frame();
    };
    view.deliver("status", { status: { ...view.kernel.status(), step: 4 } });
    tell(4, 6);
    expect([metrics.present, metrics.length, metrics.received]).toEqual([4, 10, 4]);
    expect(svg.querySelectorAll("path[opacity]").length).toBeGreaterThan(0);
    svg.dispatchEvent(new MouseEvent("click", { bubbles: true, clientX: 400, clientY: 50 }));
    expect(view.commands("go_to_step")).toMatchObject([{ step: 10 }]);
    // A step of a new training takes its place.
    const packed = pack({ metrics: [rows(5, 6).flat(), [1, 5]] });
    view.kernel.push("metrics", { first: 4, replace: false, arrays: packed.arrays }, packed.buffer);
    frame();
    expect([metrics.present, metrics.length]).toEqual([5, 5]);
    expect(svg.querySelectorAll("path[opacity]").length).toBe(0);
  });

  it("show what an act has made of the error, however small", () => {
    view.deliver("history", { history: { ...view.kernel.history(), acts: [[10, 0.02, 4.6e-16]] } });
    const chart = view.find('[data-kw-panel="curves"] svg');
    expect(chart.textContent).toMatch(/4\.6/);
  });
});
