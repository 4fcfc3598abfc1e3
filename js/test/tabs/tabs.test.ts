// The data tabs: which are there, what is watched, and what they say without a kernel.
import { describe, expect, it } from "vitest";
import { FakeKernel } from "../fake/kernel";
import { frame, mount, mountEach } from "../support/helpers";
import { tabs } from "../support/tabs";

const view = mountEach({ width: [4, 3, 2], steps: 60 });
const { open, panel } = tabs(view);

describe("what is watched", () => {
  const watched = () => view.commands("watch").map((one) => (one as unknown as { panels: string[] }).panels);

  it("is what is open, and nothing afterwards", () => {
    open("parity");
    open("surface");
    open("surface");
    open("front");
    expect(watched()).toEqual([["parity"], ["surface"], ["front"]]);
    expect(view.commands("watch")[0]).toMatchObject({ view: view.root.id });
    open("parity");
    const { kernel } = view;
    view.explorer.destroy();
    expect(kernel.sent.filter(({ kind }) => kind === "watch").at(-1)).toMatchObject({ panels: [] });
  });

  it("is told again to a kernel that has greeted a view", () => {
    const greet = () => view.kernel.push("hello_ack", { snapshot: view.kernel.snapshot() });
    greet();
    frame();
    expect(watched()).toEqual([]);
    open("parity");
    greet();
    frame();
    frame();
    expect(watched()).toEqual([["parity"], ["parity"]]);
  });

  it("is told again to a kernel that was away, however shortly", () => {
    open("parity");
    view.explorer.store.setLink("lost");
    frame();
    view.explorer.store.setLink("live");
    frame();
    view.explorer.store.setLink("lost");
    view.explorer.store.setLink("live");
    frame();
    expect(watched()).toEqual([["parity"], ["parity"], ["parity"]]);
  });
});

it("tabs that need a kernel are not there on a saved page, unless it holds what they show", () => {
  view.explorer.store.setLink("none");
  frame();
  const shown = () => view.all("[role=tab]").flatMap((tab) => (tab.hidden ? [] : [tab.dataset.kwTab]));
  // A front of one state is none.
  expect(shown()).toEqual(["curves", "edges"]);
  view.kernel.note("prune", "prune");
  view.deliver();
  view.explorer.store.setLink("none");
  frame();
  expect(shown()).toEqual(["curves", "edges", "front"]);
  view.key(view.find('[data-kw-tab="curves"]'), "ArrowRight");
  expect(document.activeElement!.getAttribute("data-kw-tab")).toBe("edges");
  view.kernel.watched = ["parity"];
  view.kernel.pushWatched();
  frame();
  expect(shown()).toEqual(["curves", "parity", "edges", "front"]);
});

describe("without a kernel", () => {
  it.each(["parity", "surface"])("%s doesn't wait for ever", (name) => {
    view.kernel.silent = true;
    open(name);
    expect(panel(name).textContent).toContain("as soon as the kernel is free");
    view.kernel.lose();
    frame();
    expect(panel(name).textContent).toContain("the kernel is gone");
  });

  it("neither do the candidates", () => {
    view.kernel.silent = true;
    view.click('[data-kw-edge="0-0-1"]');
    const list = view.find('[aria-label="Candidates"]');
    expect(list.getAttribute("aria-busy")).toBe("true");
    view.kernel.lose();
    frame();
    expect(list.getAttribute("aria-busy")).toBe("false");
    expect(panel("inspector").textContent).not.toContain("Fitting candidates");
  });
});

it("another problem begins with its errors", () => {
  const kernel = new FakeKernel({ width: [2, 5, 1], steps: 10 });
  kernel.presets = ["product", "ripples"];
  const shown = mount(kernel);
  shown.click('[data-kw-tab="formula"]');
  shown.deliver("settings", { settings: { ...kernel.settings(), preset: "ripples" } });
  frame();
  expect(shown.find('[data-kw-tab="curves"]').getAttribute("aria-selected")).toBe("true");
});
