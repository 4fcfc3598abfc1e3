// The symbolify preview.
import { beforeEach, describe, expect, it } from "vitest";
import { R2_VALUES } from "../../src/network/symbolify-preview";
import { frame, mount, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 2, 1], steps: 30 });

const R2 = [0.99995, 0.9991, 0.985, 0.9, 0.999, 0.2];
const rows = () => view.kernel.edges.map(({ key }, i) => ({ edge: key, name: i % 2 ? "sin" : "x^2", r2: R2[i]! }));
const tell = (first: number, last: number) => {
  view.deliver("survey", {
    survey: { first, of: 6, busy: last < 6, rows: rows().slice(first, last) },
  });
};
const open = () => {
  view.kernel.silent = true;
  view.click('[data-kw-action="symbolify"]');
};
const threshold = (value: string) => {
  const field = view.find<HTMLInputElement>('[data-kw-field="r2"]');
  field.value = value;
  field.dispatchEvent(new Event("change", { bubbles: true }));
  frame();
};
const panel = () => view.find(".kw-symbolify");
const marked = () => view.all("[data-kw-edge][data-marked]").map((edge) => edge.dataset.kwEdge);
const listed = () => view.all(".kw-symbolify li").map((row) => row.textContent);

it("steps are finer near 1", () => {
  expect([R2_VALUES[0], R2_VALUES.at(-1)]).toEqual([0.9, 0.9999]);
  expect(R2_VALUES).toEqual([...R2_VALUES].sort((a, b) => a - b));
  expect(new Set(R2_VALUES).size).toBe(R2_VALUES.length);
  expect(R2_VALUES).toContain(0.995);
});

describe("looking", () => {
  it("asks for a survey, and says how far it is", () => {
    open();
    expect(view.commands("survey")).toMatchObject([{ on: true }]);
    expect(panel().hidden).toBe(false);
    expect(panel().textContent).toContain("Looking at the edges…");
    tell(0, 4);
    expect(panel().textContent).toContain("4 of 6 edges looked at: 4 edges would be replaced so far");
    expect(view.find("progress").getAttribute("value")).toBe("4");
    // Only the end is spoken.
    expect(panel().querySelector("[role=status]")?.getAttribute("aria-busy")).toBe("true");
    tell(4, 6);
    expect(panel().textContent).toContain("6 of 6 edges looked at: 5 edges would be replaced.");
    expect(view.find("progress").hidden).toBe(true);
    expect(panel().querySelector("[role=status]")?.hasAttribute("aria-busy")).toBe(false);
  });

  it("begins with the threshold of auto_symbolic", () => {
    open();
    expect(view.find<HTMLInputElement>('[data-kw-field="r2"]').value).toBe("0.9");
  });

  it("marks them in the drawing, with names, and lists them best first", () => {
    open();
    tell(0, 6);
    threshold("0.99");
    expect(marked()).toEqual(["0-0-0", "0-1-0", "1-0-0"]);
    expect(view.all(".kw-float .kw-badge").map((badge) => badge.textContent)).toEqual(["→ x²", "→ sin", "→ x²"]);
    expect(view.find('[data-kw-edge="0-0-0"]').getAttribute("aria-label")).toContain("would be replaced by x²");
    expect(listed()).toEqual(["x₁ → h₁,₁x²0.99995", "x₂ → h₁,₁sin0.9991", "h₁,₁ → yx²0.9990"]);
    view.find(".kw-symbolify li span").dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    frame();
    expect(view.find('[data-kw-edge="0-0-0"]').hasAttribute("data-hover")).toBe(true);
  });

  it("the threshold chooses at once, by slider and by number", () => {
    open();
    tell(0, 6);
    threshold("0.9");
    expect(marked().length).toBe(5);
    const range = view.find<HTMLInputElement>('[data-kw-control="r2"]');
    range.value = String(R2_VALUES.length - 1);
    range.dispatchEvent(new Event("input", { bubbles: true }));
    frame();
    expect(marked()).toEqual(["0-0-0"]);
    threshold("1");
    expect(panel().textContent).toContain("none would be replaced");
    expect(view.find<HTMLButtonElement>('[data-kw-action="symbolify-apply"]').disabled).toBe(true);
    threshold("1.5");
    expect(view.find('[data-kw-field="r2"]').getAttribute("aria-invalid")).toBe("true");
  });

  it("an act in between starts it anew, and what is fixed is no candidate", () => {
    open();
    tell(0, 6);
    view.kernel.setState(0, "symbolic", "x^2");
    view.deliver("structure", { structure: view.kernel.structure() });
    expect(marked()).not.toContain("0-0-0");
    tell(0, 0);
    expect(panel().textContent).toContain("0 of 6 edges");
    expect(marked()).toEqual([]);
  });

  it("what an earlier look has found is not shown", () => {
    open();
    tell(0, 6);
    view.click('[data-kw-action="symbolify-cancel"]');
    view.click('[data-kw-action="symbolify"]');
    expect(panel().textContent).toContain("Looking");
    expect(marked()).toEqual([]);
  });
});

describe("locked edges", () => {
  it("says of an edge that shares its function how many are fixed with it", () => {
    for (const edge of view.kernel.edges.slice(0, 3)) edge.tied = 0;
    view.kernel.push("structure", { structure: view.kernel.structure() });
    open();
    tell(0, 6);
    expect(listed()[0]).toBe("x₁ → h₁,₁ + 2 lockedx²0.99995");
    expect(listed()[2]).toBe("h₁,₁ → yx²0.9990");
  });
});

describe("deciding", () => {
  beforeEach(() => {
    open();
    tell(0, 6);
  });

  it("Apply fixes exactly what was shown", () => {
    threshold("0.999");
    expect(view.find('[data-kw-action="symbolify-apply"]').textContent).toBe("Replace 3 edges");
    view.click('[data-kw-action="symbolify-apply"]');
    const shown = rows();
    expect(view.commands("auto")).toMatchObject([{ r2_threshold: 0.999, edges: [0, 1, 4].map((i) => shown[i]!.edge) }]);
    expect(view.commands("survey").at(-1)).toMatchObject({ on: false });
    expect(panel().hidden).toBe(true);
    expect(marked()).toEqual([]);
  });

  it("Cancel and Escape change nothing, and give the focus back", () => {
    view.click('[data-kw-action="symbolify-cancel"]');
    expect(view.commands("survey").at(-1)).toMatchObject({ on: false });
    expect(view.find('[data-kw-action="symbolify"]').getAttribute("aria-expanded")).toBe("false");
    view.click('[data-kw-action="symbolify"]');
    view.key(view.find('[data-kw-control="r2"]'), "Escape");
    expect(panel().hidden).toBe(true);
    expect((document.activeElement as HTMLElement).dataset.kwAction).toBe("symbolify");
    expect(view.commands("auto").length).toBe(0);
  });

  it("a lost kernel closes it; so does the end of the view, which tells the kernel", () => {
    const other = mount({ width: [1, 1] });
    other.click('[data-kw-action="symbolify"]');
    other.explorer.destroy();
    expect(other.commands("survey")).toMatchObject([{ on: true }, { on: false }]);
    view.find('[data-kw-field="r2"]').focus();
    view.kernel.lose();
    frame();
    expect(panel().hidden).toBe(true);
    expect(document.activeElement?.matches(".kw-network [tabindex='0']")).toBe(true);
  });
});

it("a kernel that has greeted a view is asked again", () => {
  const greet = () => view.kernel.push("hello_ack", { snapshot: view.kernel.snapshot() });
  greet();
  frame();
  open();
  greet();
  frame();
  frame();
  expect(view.commands("survey")).toMatchObject([{ on: true }, { on: true }]);
  view.click('[data-kw-action="symbolify-cancel"]');
  greet();
  frame();
  expect(view.commands("survey").length).toBe(3);
});

describe("after a change of structure", () => {
  it("what was found before a change of structure is about other edges", () => {
    open();
    tell(0, 6);
    view.deliver("structure", { structure: { ...view.kernel.structure(), version: 9 } });
    expect(marked()).toEqual([]);
    expect(panel().textContent).toContain("Looking at the edges…");
    expect(view.find<HTMLButtonElement>('[data-kw-action="symbolify-apply"]').disabled).toBe(true);
    tell(0, 6);
    expect(marked().length).toBe(5);
  });
});
