import { describe, expect, it } from "vitest";
import { formula, mathNode } from "../src/math";
import type { MathNode } from "../src/protocol";
import { golden } from "./helpers";

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
