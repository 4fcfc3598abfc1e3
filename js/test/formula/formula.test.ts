// The formula: its parts and the edges of the network light each other, forms come on request, a selection is copied as LaTeX.
import { describe, expect, it } from "vitest";
import type { MathNode } from "../../src/protocol/messages";
import { number } from "../../src/text/format";
import { frame, mountEach } from "../support/helpers";

const view = mountEach({ width: [2, 5, 1], steps: 10 });

const part = (letter: string, keys: string): MathNode => ["mi", { "data-kw-edge": keys }, [letter]];
const tree: MathNode = [
  "math",
  {},
  [part("f", "0-0-0"), ["mo", {}, ["+"]], part("g", "0-1-0 0-1-1"), ["mn", {}, ["1"]]],
];

function deliverFormula(): void {
  const formula = { outputs: [tree], text: "f + g1", latex: "f + g", python: "", rmse: null, fixed: 0, active: 15 };
  view.deliver("formula", { formula });
}

const bar = () => view.find("[data-kw-panel=formula]");
const partOf = (keys: string) => view.find(`[data-kw-panel=formula] [data-edges="${keys}"]`);

describe("a part of the formula", () => {
  it("lights its edges, also several", () => {
    deliverFormula();
    partOf("0-0-0").dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    frame();
    expect(view.find('[data-kw-edge="0-0-0"]').hasAttribute("data-hover")).toBe(true);
    partOf("0-1-0 0-1-1").dispatchEvent(new PointerEvent("pointerover", { bubbles: true }));
    frame();
    const lit = view.all("[data-kw-edge][data-hover]").map((edge) => edge.dataset.kwEdge);
    expect(lit).toEqual(["0-1-0", "0-1-1"]);
  });

  it("is lit by its edge, and by the node that its edge leads to", () => {
    deliverFormula();
    view.find('[data-kw-edge="0-1-1"] rect').dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    const lit = () => view.all("[data-edges][data-lit]").map((item) => item.textContent);
    expect(lit()).toEqual(["g"]);
    view.find('[data-kw-node="1-0"] rect').dispatchEvent(new PointerEvent("pointermove", { bubbles: true }));
    frame();
    expect(lit()).toEqual(["f", "g"]);
  });

  it("selects its edges with a click, and shows that they are selected", () => {
    deliverFormula();
    partOf("0-1-0 0-1-1").dispatchEvent(new MouseEvent("click", { bubbles: true }));
    frame();
    expect(view.commands("select").at(-1)).toMatchObject({
      edges: [
        [0, 1, 0],
        [0, 1, 1],
      ],
    });
    expect(partOf("0-1-0 0-1-1").hasAttribute("data-chosen")).toBe(true);
    expect(partOf("0-0-0").hasAttribute("data-chosen")).toBe(false);
  });
});

it("a selection is copied as LaTeX, which is said", () => {
  deliverFormula();
  const copied = new Map<string, string>();
  const event = new Event("copy", { bubbles: true, cancelable: true });
  Object.assign(event, { clipboardData: { setData: (kind: string, text: string) => copied.set(kind, text) } });
  partOf("0-0-0").dispatchEvent(event);
  frame();
  expect(copied.get("text/plain")).toBe("f + g");
  expect(event.defaultPrevented).toBe(true);
  expect(view.find("[data-kw-voice]").textContent).toBe("LaTeX copied");
});

const form = (name: string, text: string, error: number) => ({
  name,
  outputs: [["math", {}, [["mtext", {}, [text]]]]],
  text,
  latex: text,
  python: text,
  error,
  constants: [
    [
      "math",
      {},
      [
        ["mn", {}, ["2"]],
        ["mo", {}, ["±"]],
        ["mn", {}, ["0.1"]],
      ],
    ],
  ],
  meaning: "",
  verdict: name === "rounded" ? "preferred: as good as trained within the noise" : "",
});
const forms = [form("as trained", "2.01x", 0.1), form("expanded", "2x + 0.1", 0.2), form("rounded", "2x", 0.3)];

describe("another form", () => {
  const choose = (name: string) => {
    const select = view.find<HTMLSelectElement>('[data-kw-control="form"]');
    select.value = name;
    select.dispatchEvent(new Event("change", { bubbles: true }));
    frame();
  };
  const deliverForms = (more = {}) =>
    view.deliver("forms", { forms: { forms, busy: false, current: true, ...more }, arrays: {} });

  it("is asked for once it is chosen, and shown with its constants and its error when it is there", () => {
    deliverFormula();
    choose("rounded");
    expect(view.commands("watch").at(-1)).toMatchObject({ panels: ["forms"] });
    expect(bar().dataset.kwFormula).toBe("f + g1");
    deliverForms();
    expect(bar().dataset.kwFormula).toBe("2x");
    expect(view.find('[data-kw-panel="formula"] [aria-label="Constants"]').textContent).toBe("2±0.1");
    expect(bar().textContent).toContain("rounded · test RMSE 0.3");
    choose("as trained");
    expect(view.commands("watch").at(-1)).toMatchObject({ panels: [] });
    expect(bar().dataset.kwFormula).toBe("f + g1");
  });

  it("as trained has the error of the test rows, where there are some", () => {
    const { status } = view.explorer.store.state;
    expect(status.test).not.toBe(status.train);
    deliverForms();
    const option = view.find('[data-kw-control="form"] option[value="as trained"]');
    expect(option.textContent).toBe(`as trained · test RMSE ${number(status.test)}`);
  });

  it("says what stands in it with the signs of formulas", () => {
    const meaning = "where f(town) = {north-west: -1.50 ± 0.20, east: (-1.5 ± 0.2)e-05}";
    view.click('[data-kw-tab="formula"]');
    deliverForms({ forms: [{ ...forms[0]!, meaning }] });
    const line = view.find('[data-kw-form="as trained"] .kw-lines').textContent;
    expect(line).toBe("where f(town) = {north-west: −1.50 ± 0.20, east: (−1.5 ± 0.2)·10⁻⁵}");
  });

  it("without anything new is none, and the fitted one stands for it", () => {
    choose("factored");
    deliverForms();
    expect(bar().dataset.kwFormula).toBe("2x");
    const option = view.find<HTMLOptionElement>('[data-kw-control="form"] option[value="factored"]');
    expect([option.textContent, option.disabled]).toEqual(["factored · none", true]);
  });

  it("of an earlier network isn't shown", () => {
    deliverFormula();
    choose("rounded");
    deliverForms({ forms: [], busy: true, current: false });
    expect(bar().dataset.kwFormula).toBe("f + g1");
  });

  it("has a place in a tab of its own, each with what it costs", () => {
    view.click('[data-kw-tab="formula"]');
    expect(view.commands("watch").at(-1)).toMatchObject({ panels: ["forms"] });
    deliverForms();
    const rows = view.all("[data-kw-form]");
    expect(rows.map((row) => row.dataset.kwForm)).toEqual(["as trained", "expanded", "rounded"]);
    expect(rows[2]!.textContent).toContain("RMSE 0.3 · preferred: as good as trained within the noise");
    expect(rows[1]!.textContent).not.toContain("preferred");
  });
});
