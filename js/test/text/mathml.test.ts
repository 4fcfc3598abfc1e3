import { describe, expect, it } from "vitest";
import type { MathNode } from "../../src/protocol/messages";
import { formula, mathNode, wrapping } from "../../src/text/mathml";
import { golden } from "../support/helpers";

const markup = (tree: MathNode): string => {
  const box = document.createElement("div");
  box.append(formula(tree));
  return box.innerHTML;
};

describe("formulas", () => {
  it("become MathML elements", () => {
    const node = formula([
      "msup",
      {},
      [
        ["mi", {}, ["x"]],
        ["mn", {}, ["2"]],
      ],
    ]);
    expect(node.namespaceURI).toBe("http://www.w3.org/1998/Math/MathML");
    expect(node.localName).toBe("math");
    expect(node.firstElementChild?.localName).toBe("msup");
  });

  it("that are mere text are text, which breaks its lines", () => {
    const words = wrapping(["math", {}, [["mtext", {}, ["y = f(x_1, x_2)"]]]]);
    expect(words.outerHTML).toBe("<span>y = f(x_1, x_2)</span>");
  });

  it("of the golden messages keep all their tags", () => {
    const { message } = golden("to_browser.candidates.json")[0]!;
    for (const row of message.candidates.rows) {
      const tags = JSON.stringify(row.formula)
        .match(/"m[a-z]+"/g)!
        .map((tag) => tag.slice(1, -1))
        .filter((tag) => tag !== "mathvariant");
      const node = formula(row.formula);
      expect(node.querySelectorAll("*").length + 1).toBe(tags.length);
    }
  });

  it("of long sums are one element a term", () => {
    const term: MathNode = ["math", {}, [["mn", {}, ["1"]]]];
    expect(formula(["span", {}, [term, "\u200b", term]]).querySelectorAll("math").length).toBe(2);
  });
});

describe("hostile input", () => {
  it("names stay text", () => {
    const text = markup(["math", {}, [["mi", {}, ["<img src=x onerror=alert(1)>"]]]]);
    expect(text).not.toContain("<img");
    expect(text).toContain("&lt;img");
  });

  it.each(["script", "img", "iframe", "style", "a", "annotation-xml", "svg", "math:script", "SCRIPT", "semantics"])(
    "<%s> is not made",
    (tag) => {
      const box = document.createElement("div");
      box.append(mathNode([tag, { src: "x" }, ["inside"]]));
      expect(box.querySelector("*")).toBeNull();
      expect(box.textContent).toBe("inside");
    },
  );

  it.each([
    ["onclick", "alert(1)"],
    ["href", "javascript:alert(1)"],
    ["style", "position:fixed"],
    ["xlink:href", "x"],
    ["class", "kw-primary"],
    ["class", "kw-edge kw-other"],
    ["mathvariant", "bold"],
    ["width", "1em;x"],
    ["id", "x"],
    ["__proto__", "x"],
  ])("%s=%s is dropped", (name, value) => {
    const node = formula(["math", {}, [["mi", { [name]: value }, ["x"]]]]);
    expect(node.firstElementChild?.attributes.length).toBe(0);
  });

  it("what is allowed is kept", () => {
    const node = mathNode(["mo", { form: "prefix", stretchy: "false", class: "kw-cases" }, ["−"]]) as Element;
    expect(node.attributes.length).toBe(3);
    expect((mathNode(["mspace", { width: "0.17em" }, []]) as Element).getAttribute("width")).toBe("0.17em");
  });

  it("depth is bounded", () => {
    let tree: MathNode = ["mrow", {}, ["x"]];
    for (let i = 0; i < 5000; i++) tree = ["mrow", {}, [tree]];
    expect(() => mathNode(tree)).not.toThrow();
  });
});

describe("formulas in a narrow place", () => {
  const mo = (sign: string, form?: string): MathNode => ["mo", form ? { form } : {}, [sign]];
  const mn = (digits: string): MathNode => ["mn", {}, [digits]];
  const inner: MathNode = ["mrow", {}, [mo("(", "prefix"), mn("0.5"), mo("−", "infix"), mn("2"), mo(")", "postfix")]];
  const sum: MathNode = [
    "math",
    { displaystyle: "true" },
    [mo("−", "prefix"), mn("10.4"), ["mi", {}, ["tanh"]], inner, mo("+", "infix"), mn("9.98")],
  ];
  const boxes = (tree: MathNode) =>
    [...wrapping(tree).children].map((term) => [...term.children].map((part) => part.textContent));

  it("break between terms, and within a term between summands", () => {
    expect(boxes(sum)).toEqual([["−10.4tanh(0.5", "−2)"], ["+9.98"]]);
    expect(boxes(["mrow", {}, [mn("1"), mo("−"), mn("2")]])).toEqual([["1"], ["−2"]]);
    expect(boxes(["span", {}, [sum, "\u200b", ["math", {}, [mo("+", "infix"), mn("3")]]]]).at(-1)).toEqual(["+3"]);
  });

  it("keep the way in which their parts are set", () => {
    for (const part of wrapping(sum).querySelectorAll("math")) expect(part.getAttribute("displaystyle")).toBe("true");
    for (const { message } of golden("to_browser.candidates.json"))
      for (const { formula: tree } of message.candidates.rows)
        expect(wrapping(tree).textContent?.replaceAll("\u200b", "")).toBe(formula(tree).textContent);
  });
});
