// The three steps, the sentence beside them, and notices.
import { describe, expect, it, vi } from "vitest";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10 });
const step = (name: string) => view.find<HTMLButtonElement>(`[data-kw-action="step-${name}"]`);

const say = (change: Partial<typeof view.kernel.guide>) => {
  view.kernel.guide = { ...view.kernel.guide, ...change };
  view.deliver("guide", { guide: view.kernel.guide });
};

const notice = (name: string, text: string, label: string | null = null) => ({
  name,
  text,
  label,
  command: label === null ? null : { kind: "back_to_best" },
});

describe("steps", () => {
  it("stand in their order, and only the next one is highlighted", () => {
    expect(view.all(".kw-step").map((item) => item.textContent)).toEqual(["1 Train", "2 Simplify", "3 Formula"]);
    expect(view.all(".kw-step.kw-primary").map((item) => item.dataset.kwAction)).toEqual(["step-train"]);
    expect(step("train").getAttribute("aria-current")).toBe("step");
    expect(view.find('[data-kw-panel="steps"]').textContent).toContain("the curves bend");
  });

  it("send the command that the kernel gave them", () => {
    for (const name of ["train", "simplify", "formula"]) step(name).click();
    expect(view.commands("control")).toMatchObject([
      { action: "train" },
      { action: "simplify" },
      { action: "formula" },
    ]);
  });

  it("show what is done, and the label of the next act", () => {
    const [train, simplify, formula] = view.kernel.guide.steps;
    say({
      steps: [{ ...train!, next: false, done: true }, { ...simplify!, next: true, label: "Simplify on" }, formula!],
      sentence: "<b>flat</b>",
    });
    expect(view.all(".kw-step").map((item) => item.textContent)).toEqual(["✓ Train", "2 Simplify on", "3 Formula"]);
    expect(view.all("[data-kw-next]").map((item) => item.dataset.kwAction)).toEqual(["step-simplify"]);
    expect(view.find(".kw-sentence").textContent).toBe("<b>flat</b>");
  });

  it("bring the formula into view where it has been asked for, once, and never by themselves", () => {
    const scroll = vi.spyOn(Element.prototype, "scrollIntoView").mockImplementation(() => {});
    const [train, simplify, formula] = view.kernel.guide.steps;
    const come = () => {
      say({ steps: [train!, simplify!, { ...formula!, done: true }], sentence: "Done: y = 2*x^2." });
      frame();
      frame();
    };
    come();
    expect(scroll).not.toHaveBeenCalled();
    expect(view.find(".kw-sentence").textContent).toBe("Done: y = 2·x².");
    say({ steps: [train!, simplify!, formula!] });
    step("formula").click();
    frame();
    expect(scroll).not.toHaveBeenCalled();
    come();
    expect(new Set(scroll.mock.contexts)).toEqual(new Set([view.find("[data-kw-panel=formula]")]));
    const forms = { forms: [], busy: false, current: true };
    view.deliver("forms", { forms, arrays: {} });
    frame();
    frame();
    scroll.mockClear();
    come();
    frame();
    expect(scroll).not.toHaveBeenCalled();
    scroll.mockRestore();
  });

  it("can't be pressed without a kernel", () => {
    view.kernel.lose();
    frame();
    expect(step("train").disabled).toBe(true);
  });
});

describe("notices", () => {
  it("stand one at a time, with the act that mends it, and are no alerts", () => {
    expect(view.find(".kw-notice").hidden).toBe(true);
    say({
      notices: [notice("overfitting", "The test error <i>rises</i>.", "Back to best"), notice("few_rows", "Few.")],
    });
    const node = view.find(".kw-notice");
    expect([node.hidden, node.getAttribute("role"), node.dataset.kwNotice]).toEqual([false, "note", "overfitting"]);
    expect(node.textContent).toContain("The test error <i>rises</i>.");
    expect(node.textContent).toContain("1 of 2");
    view.click('[data-kw-action="mend"]');
    expect(view.commands("back_to_best").length).toBe(1);
  });

  it("are dismissed by name, and the next one takes the place", () => {
    say({ notices: [notice("overfitting", "Rises.", "Back to best"), notice("few_rows", "Few.")] });
    view.click('[data-kw-action="dismiss-notice"]');
    expect(view.commands("dismiss")).toMatchObject([{ notice: "overfitting" }]);
    // Before the kernel has answered.
    expect(view.find(".kw-notice").dataset.kwNotice).toBe("few_rows");
    expect(view.find(".kw-notice").textContent).not.toContain("1 of");
    say({ notices: [notice("few_rows", "Few.")] });
    expect(view.find(".kw-notice").dataset.kwNotice).toBe("few_rows");
    expect(view.find('[data-kw-action="mend"]').hidden).toBe(true);
    say({ notices: [] });
    expect(view.find(".kw-notice").hidden).toBe(true);
  });
});

describe("steps at work", () => {
  it("at work are stopped, and the others wait and say why", () => {
    const [train, simplify, formula] = view.kernel.guide.steps;
    const stop = {
      ...simplify!,
      label: "Stop",
      working: true,
      hint: "Stop",
      command: { kind: "control", action: "pause" },
    };
    say({ steps: [{ ...train!, hint: "Simplify is at work" }, stop, { ...formula!, hint: "Simplify is at work" }] });
    expect(view.all(".kw-step").map((item) => item.matches(":disabled"))).toEqual([true, false, true]);
    expect(step("formula").title).toBe("Simplify is at work");
    expect(step("simplify").textContent).toBe("■ Stop");
    step("simplify").click();
    expect(view.commands("control").at(-1)).toMatchObject({ action: "pause" });
  });

  it("wait for a search within one act, which can be stopped", () => {
    view.deliver("status", { status: { ...view.kernel.status(), task: "searching formulas" } });
    expect(view.all(".kw-step").every((item) => item.matches(":disabled"))).toBe(true);
    expect(step("train").title).toBe("searching formulas");
    view.click('[data-kw-action="pause"]');
    expect(view.commands("control").at(-1)).toMatchObject({ action: "pause" });
  });
});
