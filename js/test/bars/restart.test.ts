// Starting again, with another seed, noise, batch or problem.
import { beforeEach, describe, expect, it } from "vitest";
import { frame, mountEach } from "../support/helpers";
import { tabs } from "../support/tabs";

const view = mountEach({ width: [4, 3, 2], steps: 60 });
const { type } = tabs(view);

const startAgain = () => {
  view.kernel.presets = ["ripples", "<i>"];
  view.deliver("hello_ack", { snapshot: view.kernel.snapshot() });
  view.click('[data-kw-menu="again"]');
};

describe("starting again", () => {
  beforeEach(startAgain);
  const resets = () => view.commands("control") as unknown as { action: string; seed?: number }[];

  it("resets with the seed in the field, or with another one", () => {
    view.click('[data-kw-action="reset-seed"]');
    type('[data-kw-control="seed"]', "7");
    view.click('[data-kw-action="new-seed"]');
    const [same, typed, other] = resets();
    expect([same!.seed, typed!.seed]).toEqual([42, 7]);
    expect(other).toMatchObject({ action: "reset" });
    expect(Number.isInteger(other!.seed)).toBe(true);
    type('[data-kw-control="seed"]', "x");
    expect(view.find('[data-kw-control="seed"]').getAttribute("aria-invalid")).toBe("true");
    expect(resets().length).toBe(3);
  });

  it("sets noise and batch", () => {
    type('[data-kw-field="noise"]', "25");
    type('[data-kw-field="batch"]', "64");
    type('[data-kw-field="batch"]', "all");
    expect(view.commands("set").map((item) => (item as unknown as { settings: object }).settings)).toEqual([
      { noise: 0.25 },
      { batch: 64 },
      { batch: null },
    ]);
    expect(view.find<HTMLInputElement>('[data-kw-field="batch"]').value).toBe("all");
    expect(view.find<HTMLInputElement>('[data-kw-field="noise"]').value).toBe("25 %");
  });

  it("names the problem on screen, and offers the others in a gallery, as text", () => {
    expect(view.find('[data-kw-menu="again"]').textContent).toBe("ripples");
    view.click('[data-kw-action="examples"]');
    const titles = view.all(".kw-example h3").map((item) => item.textContent);
    expect(titles).toEqual(["ripples", "<i>"]);
    expect(view.find(".kw-example-formula").textContent).toBe("y = ripples");
    expect(view.commands("preset")).toEqual([]);
    view.click('[data-kw-example="<i>"]');
    expect(view.commands("preset")).toMatchObject([{ name: "<i>" }]);
    expect(view.find<HTMLDialogElement>("dialog").open).toBe(false);
  });

  it("without examples it is named by what is learnt", () => {
    view.kernel.presets = [];
    view.kernel.nodes.at(-1)!.name = "n_dot";
    view.deliver("hello_ack", { snapshot: view.kernel.snapshot() });
    expect(view.find('[data-kw-menu="again"]').textContent).toBe("y₁, n_dot");
  });

  it("a press on its words leaves it open; fields and choices take theirs", () => {
    const pressed = (selector: string) => {
      const event = new MouseEvent("mousedown", { bubbles: true, cancelable: true });
      view.find(`[role="dialog"] ${selector}`).dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(["h2", "p", "label", "button"].map(pressed)).toEqual([true, true, true, true]);
    expect(["input"].map(pressed)).toEqual([false]);
  });

  it("a seed that was typed stands through acks, until the kernel tells another one", () => {
    const field = view.find<HTMLInputElement>('[data-kw-control="seed"]');
    field.focus();
    field.value = "7";
    view.find('[data-kw-action="reset-seed"]').focus();
    const tell = () => {
      view.deliver("settings", { settings: view.kernel.settings() });
    };
    tell();
    expect(field.value).toBe("7");
    view.kernel.seed = 8;
    tell();
    expect(field.value).toBe("8");
  });

  it("without a kernel nothing of it can be pressed", () => {
    view.kernel.lose();
    frame();
    for (const action of ["reset-seed", "new-seed"])
      expect(view.find<HTMLButtonElement>(`[data-kw-action="${action}"]`).disabled).toBe(true);
  });
});

describe("the popover of starting again", () => {
  beforeEach(startAgain);

  it("closes on Escape, gives the focus back, and is not there without a kernel", () => {
    const pop = view.find('[role="dialog"]');
    const opener = view.find<HTMLButtonElement>('[data-kw-menu="again"]');
    expect([pop.hidden, opener.getAttribute("aria-expanded")]).toEqual([false, "true"]);
    expect(pop.contains(document.activeElement)).toBe(true);
    view.key(document.activeElement!, "Escape");
    expect(pop.hidden).toBe(true);
    expect(document.activeElement).toBe(opener);
    view.kernel.lose();
    frame();
    expect(opener.disabled).toBe(true);
  });
});
