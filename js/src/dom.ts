// Building blocks for nodes. Text always goes in as text: nothing that comes from data is ever parsed as markup.

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

export function append(node: Element, children: Child[]): void {
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

/** A line without fill, in the colour that its class gives it. */
export const line = (d: string, classes: string, width = 1.5, dash: string | null = null): SVGPathElement =>
  s("path", { class: `kw-p ${classes}`, d, "stroke-width": width, "stroke-dasharray": dash });

/** Small text on an axis. */
export const tick = (x: number, y: number, text: string, anchor = "middle"): SVGTextElement =>
  s("text", { class: "kw-tick", x: x.toFixed(1), y: y.toFixed(1), "text-anchor": anchor }, text);

/** Replaces the text of a node when it differs. */
export function setText(node: Element, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** Makes `children` the children of `node`, in order, moving only what is out of place. */
export function place(node: Element, children: Element[]): void {
  const keep = new Set<Node>(children);
  for (const old of [...node.childNodes]) if (!keep.has(old)) old.remove();
  children.forEach((child, i) => {
    if (node.childNodes[i] !== child) node.insertBefore(child, node.childNodes[i] ?? null);
  });
}

/** What has the focus, also within a shadow root. */
export const activeIn = (node: Element): Element | null =>
  (node.getRootNode() as Document | ShadowRoot).activeElement ?? null;
