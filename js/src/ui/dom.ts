// Building blocks for nodes. Text is always set as text: no data is ever parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

export type Attrs = Record<string, string | number | boolean | null | undefined>;
type Child = Element | string | null | undefined | false;

/** Sets attributes; null, undefined and false remove them, true sets them empty. */
export function attrs(node: Element, values: Attrs): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined || value === false) node.removeAttribute(name);
    else {
      const text = value === true ? "" : String(value);
      // Writing an unchanged attribute still costs a style recalculation.
      if (node.getAttribute(name) !== text) node.setAttribute(name, text);
    }
  }
}

function append(node: Element, children: Child[]): void {
  for (const child of children) if (child) node.append(child);
}

/** An HTML element. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  values: Attrs = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  attrs(node, values);
  append(node, children);
  return node;
}

/** An SVG element. */
export function s<K extends keyof SVGElementTagNameMap>(
  tag: K,
  values: Attrs = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  const node = document.createElementNS(SVG, tag);
  attrs(node, values);
  append(node, children);
  return node;
}

/** A line without fill, in the color of its class. */
export const line = (d: string, classes: string, width = 1.5, dash: string | null = null): SVGPathElement =>
  s("path", { class: `kw-p ${classes}`, d, "stroke-width": width, "stroke-dasharray": dash });

/** Small text on an axis. */
export const tick = (x: number, y: number, text: string, anchor = "middle"): SVGTextElement =>
  s("text", { class: "kw-tick", x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor }, text);

/** Replaces the text of a node when it differs. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Sets the children of `node` in order, moving only displaced ones; the focus is kept. */
export function setChildren(node: Element, children: Element[]): void {
  const focused = activeIn(node) as HTMLElement | null;
  const keep = new Set<Node>(children);
  for (const old of [...node.childNodes]) if (!keep.has(old)) old.remove();
  children.forEach((child, i) => {
    if (node.childNodes[i] !== child) node.insertBefore(child, node.childNodes[i] ?? null);
  });
  // Moving an element takes the focus away from it.
  if (focused && node.contains(focused) && activeIn(node) !== focused) focused.focus({ preventScroll: true });
}

/** Copies attributes and text of a similar element; false if that is not enough. */
function adopt(node: Element, like: Element): boolean {
  if (node.nodeName !== like.nodeName || node.getAttribute("class") !== like.getAttribute("class")) return false;
  if (node.firstElementChild || like.firstElementChild) return node.isEqualNode(like);
  for (const { name } of [...node.attributes]) if (!like.hasAttribute(name)) node.removeAttribute(name);
  for (const { name, value } of like.attributes) if (node.getAttribute(name) !== value) node.setAttribute(name, value);
  setText(node, like.textContent);
  return true;
}

/**
 * Updates a drawing to look like `children`. Elements of the same kind are reused, from the first on and from the last
 * back: a new element costs style, layout and text.
 */
export function updateChildren(node: Element, children: readonly Element[]): void {
  const old = [...node.children];
  let common = Math.min(old.length, children.length);
  let first = 0;
  while (first < common && adopt(old[first]!, children[first]!)) first++;
  common -= first;
  let last = 0;
  while (last < common && adopt(old.at(-1 - last)!, children.at(-1 - last)!)) last++;
  const anchor = old[old.length - last] ?? null;
  for (const removed of old.slice(first, old.length - last)) removed.remove();
  for (const next of children.slice(first, children.length - last)) node.insertBefore(next, anchor);
}

/** The focused element, also within a shadow root. */
export const activeIn = (node: Element): Element | null =>
  (node.getRootNode() as Document | ShadowRoot).activeElement ?? null;
