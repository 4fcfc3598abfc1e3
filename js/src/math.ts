// Formulas arrive as trees of [tag, attributes, children] and become MathML node by node. Only what stands in these
// tables gets through; text stays text, whatever a variable is called.
import type { MathNode } from "./protocol";

const MATHML = "http://www.w3.org/1998/Math/MathML";

const MATH_TAGS = new Set(
  `math mrow mi mn mo ms mtext mspace msub msup msubsup munder mover munderover mfrac msqrt mroot mtable mtr mtd
   mpadded mstyle mphantom merror`.split(/\s+/),
);
/** A wrapper for sums that must wrap: one `<math>` a term, a zero-width space between them. */
const HTML_TAGS = new Set(["span"]);

const LENGTH = /^-?\d*\.?\d+(em|ex|px|%)?$/;
const BOOLEAN = /^(true|false)$/;
const VALUES: Record<string, RegExp> = {
  mathvariant: /^normal$/,
  displaystyle: BOOLEAN,
  stretchy: BOOLEAN,
  fence: BOOLEAN,
  separator: BOOLEAN,
  symmetric: BOOLEAN,
  largeop: BOOLEAN,
  movablelimits: BOOLEAN,
  accent: BOOLEAN,
  form: /^(prefix|infix|postfix)$/,
  display: /^(block|inline)$/,
  width: LENGTH,
  height: LENGTH,
  depth: LENGTH,
  lspace: LENGTH,
  rspace: LENGTH,
  minsize: LENGTH,
  maxsize: LENGTH,
  linethickness: LENGTH,
  scriptlevel: /^[+-]?\d$/,
  columnalign: /^(left|center|right)( (left|center|right))*$/,
  /** Looks: cases, numeric edges, fixed edges, sans identifiers. */
  class: /^kw-(cases|edge|fixed|name)$/,
};

const MAX_DEPTH = 60;

function element(tag: string): Element | null {
  if (MATH_TAGS.has(tag)) return document.createElementNS(MATHML, tag);
  return HTML_TAGS.has(tag) ? document.createElement(tag) : null;
}

/** The node for a tree; an unknown tag becomes its children, an unknown attribute nothing. */
export function mathNode(tree: MathNode | string, depth = 0): Node {
  if (typeof tree === "string" || depth > MAX_DEPTH)
    return document.createTextNode(typeof tree === "string" ? tree : "…");
  const [tag, values, children] = tree;
  const node: Element | DocumentFragment = element(tag) ?? document.createDocumentFragment();
  if (node instanceof Element)
    for (const [name, value] of Object.entries(values))
      if (Object.hasOwn(VALUES, name) && VALUES[name]!.test(value)) node.setAttribute(name, value);
  for (const child of children) node.append(mathNode(child, depth + 1));
  return node;
}

/** A formula ready to be placed: wrapped in `<math>` when the tree does not begin with one. */
export function formula(tree: MathNode): Element {
  const node = mathNode(tree);
  if (node instanceof Element && (node.localName === "math" || node.localName === "span")) return node;
  const wrapper = document.createElementNS(MATHML, "math");
  wrapper.append(node);
  return wrapper;
}
