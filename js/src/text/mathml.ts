// Formulas arrive as trees of [tag, attributes, children] and become MathML node by node. Only tags and attributes of
// these tables are accepted; text is set as text, so names of variables need no escaping.
import type { MathNode } from "../protocol/messages";

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
  "data-kw-edge": /^\d+-\d+-\d+( \d+-\d+-\d+)*$/,
};

const MAX_DEPTH = 60;
/** Keys of the edges that a part comes from: the attribute of the drawing's edges is theirs alone. */
const EDGES = "data-kw-edge";

function element(tag: string): Element | null {
  if (MATH_TAGS.has(tag)) return document.createElementNS(MATHML, tag);
  return HTML_TAGS.has(tag) ? document.createElement(tag) : null;
}

/** The node of a tree; an unknown tag is replaced by its children, an unknown attribute is dropped. */
export function mathNode(tree: MathNode | string, depth = 0): Node {
  if (typeof tree === "string" || depth > MAX_DEPTH)
    return document.createTextNode(typeof tree === "string" ? tree : "…");
  const [tag, values, children] = tree;
  const node: Element | DocumentFragment = element(tag) ?? document.createDocumentFragment();
  if (node instanceof Element)
    for (const [name, value] of Object.entries(values))
      if (Object.hasOwn(VALUES, name) && VALUES[name]!.test(value))
        node.setAttribute(name === EDGES ? "data-edges" : name, value);
  for (const child of children) node.append(mathNode(child, depth + 1));
  return node;
}

/** The element of a formula, wrapped in `<math>` if needed. */
export function formula(tree: MathNode): Element {
  const node = mathNode(tree);
  if (node instanceof Element && (node.localName === "math" || node.localName === "span")) return node;
  const wrapper = document.createElementNS(MATHML, "math");
  wrapper.append(node);
  return wrapper;
}

type Tree = MathNode | string;
const MATH_SUM = /^[+−-]$/;

/** A sign between two terms, not one before the first. */
function joins(tree: Tree, previous: Tree | undefined): boolean {
  if (typeof tree === "string" || tree[0] !== "mo" || !MATH_SUM.test(String(tree[2][0]))) return false;
  return tree[1].form ? tree[1].form === "infix" : previous !== undefined && previous[0] !== "mo";
}

/** A sign after which a product may break: a dot, one that can't be seen, or a space. */
const isBetweenFactors = (tree: Tree): boolean =>
  typeof tree !== "string" && (tree[0] === "mspace" || (tree[0] === "mo" && /[\u2062·]/.test(String(tree[2][0]))));

/** Written digits, or a power of ten: a number stays with what it is a factor of. */
const isNumber = (tree: Tree | undefined): boolean =>
  tree !== undefined && typeof tree !== "string" && (tree[0] === "mn" || (tree[0] === "msup" && isNumber(tree[2][0])));

/** Factors of a row, each with what stands behind it. */
function factors(row: Tree[]): Tree[][] {
  const groups: Tree[][] = [[]];
  row.forEach((tree, i) => {
    groups.at(-1)!.push(tree);
    if (isBetweenFactors(tree) && !isNumber(row[i - 1])) groups.push([]);
  });
  return groups.filter((group) => group.length > 0);
}

/** Terms of a row, each but the first with its leading sign. */
function terms(row: Tree[]): Tree[][] {
  const groups: Tree[][] = [[]];
  row.forEach((tree, i) => {
    if (joins(tree, row[i - 1])) groups.push([["mo", { form: "infix" }, tree[2] as string[]]]);
    else groups.at(-1)!.push(tree);
  });
  return groups;
}

const isRow = (tree: Tree): tree is MathNode => tree[0] === "mrow" && typeof tree !== "string";
/** Nodes of a base that is too long to stay on one line. */
const LONG_BASE = 16;
const size = (tree: Tree): number =>
  typeof tree === "string" ? 1 : tree[2].reduce((sum, child) => sum + size(child), 0);

/** A long base in parentheses may break: its power stands at the closing one. */
function opened(tree: Tree): Tree[] {
  if (typeof tree === "string" || tree[0] !== "msup") return [tree];
  const [base, power] = tree[2] as [Tree, Tree];
  if (!isRow(base) || size(base) < LONG_BASE) return [tree];
  return [...flat(base[2].slice(0, -1)), ["msup", tree[1], [base[2].at(-1)!, power]]];
}
const flat = (row: Tree[]): Tree[] => row.flatMap((tree) => (isRow(tree) ? flat(tree[2]) : opened(tree)));
const withBreaks = (nodes: MathNode[]): Tree[] => nodes.flatMap((node, i) => (i > 0 ? ["\u200b", node] : [node]));

function breakable(tree: Tree): Tree[] {
  if (typeof tree === "string") return [tree];
  if (tree[0] === "span") return tree[2].flatMap(breakable);
  const [tag, values, children] = tree[0] === "math" ? tree : (["math", {}, [tree]] as MathNode);
  // Plain text (for example of a formula that is too long): MathML could neither wrap nor scroll it.
  const [first] = children;
  if (children.length === 1 && typeof first !== "string" && first![0] === "mtext") return first![2];
  const only = children.length === 1 && isRow(children[0]!) ? children[0]![2] : children;
  const whole = terms(only).map((term): MathNode => {
    const parts = terms(flat(term)).flatMap(factors);
    return ["span", {}, withBreaks(parts.map((part): MathNode => [tag, values, part]))];
  });
  return withBreaks(whole);
}

/**
 * A formula for a narrow box. Browsers do not wrap MathML, so every term becomes a box with one `<math>` per summand and
 * factor: lines break between terms, and within a term that is wider than the box.
 */
export const wrapping = (tree: MathNode): Element => formula(["span", {}, breakable(tree)]);
