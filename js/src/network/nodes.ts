// Nodes: inputs and outputs as pills with the names of the data, sums and products as operator signs.

import type { EdgeKey, NodeInfo } from "../protocol/messages";
import { keyText, type Structure } from "../protocol/structure";
import type { Context } from "../state/context";
import { edgesOf, ends } from "../state/graph";
import { count, variable } from "../text/format";
import { cut, measure } from "../text/names";
import { activeIn, attrs, line, s, setChildren } from "../ui/dom";
import { type Layout, type PlacedNode, pillWidth } from "./layout";

/** Pixels of an average letter beside an operator. */
const LETTER = 6;
const PILL_H = 24;

export function drawNodes(layer: SVGGElement, { nodes, width }: Layout, context: Context): void {
  const groups = new Map([...layer.children].map((node) => [node.getAttribute("data-kw-node"), node as SVGGElement]));
  const lit = litNodes(context);
  const { structure } = context.store.state;
  const live = liveNodes(structure);
  const drawn = nodes.map((node) => {
    const key = keyText(node.info.key);
    const { info, x, y, r, room, ports, text } = node;
    const signature = [x, y, r, info.name, text, info.kind, room, ports.length, width].join();
    let group = groups.get(key);
    if (group?.dataset.drawn !== signature) {
      group = makeNode(node, key, width, isProduct(info, structure));
      group.dataset.drawn = signature;
    }
    if (NAMED.get(group) !== structure) attrs(group, { "aria-label": label(structure, info, group) });
    NAMED.set(group, structure);
    const idle = (info.kind === "sum" || info.kind === "product") && !live.has(key);
    const { cursor, hover } = context.ui.values;
    attrs(group, { "data-lit": lit.has(key) || key === hover, "data-idle": idle, tabindex: key === cursor ? 0 : -1 });
    return group;
  });
  const focused = activeIn(layer) as SVGElement | null;
  setChildren(layer, drawn);
  // Moving or recreating an element takes the focus away from it.
  const lost = focused?.dataset.kwNode;
  if (lost && activeIn(layer) !== focused)
    drawn.find((group) => group.dataset.kwNode === lost)?.focus({ preventScroll: true });
}

/** Structure of each node's last description. */
const NAMED = new WeakMap<SVGGElement, Structure>();

/** An output can be a product too, although its kind is `output`. */
const isProduct = ({ key, kind }: NodeInfo, { width }: Structure): boolean =>
  kind === "product" || (kind === "output" && key[1]! >= (width.at(-1)?.[0] ?? 0));

function label(structure: Structure, info: NodeInfo, group: Element): string {
  const { into, out } = edgesOf(structure, info);
  const kind = info.kind === "output" && isProduct(info, structure) ? "product output" : info.kind;
  const [name, caption] = [variable(info.name), group.querySelector("text")?.textContent ?? ""];
  // The accessible name contains the visible text, also if that is cut.
  return `${name.includes(caption) ? "" : `${caption} `}${name}, ${kind} node, ${count(into.length, "edge")} in, ${out.length} out`;
}

/** The ends of the edge under the pointer. */
function litNodes({ store, ui }: Context): Set<string> {
  const hover = ui.values.hover?.split("-").map(Number) as EdgeKey | undefined;
  if (hover?.length !== 3) return new Set();
  return new Set(ends(store.state.structure, hover).map((node) => keyText(node?.key ?? [])));
}

const LIVE = new WeakMap<Structure, Set<string>>();

/** Nodes with active edges on both sides. */
function liveNodes(structure: Structure): Set<string> {
  const visible = LIVE.get(structure);
  if (visible) return visible;
  const { nodes, edges } = structure;
  const sources = new Set<string>();
  const targets = new Set<string>();
  for (const { key, state } of edges) {
    if (state === "pruned") continue;
    sources.add(`${key[0]}-${key[1]}`);
    targets.add(`${key[0]! + 1}-${key[2]}`);
  }
  const live = nodes.filter(
    ({ key, subnodes }) => sources.has(keyText(key)) && subnodes.some((sub) => targets.has(`${key[0]}-${sub}`)),
  );
  const active = new Set(live.map(({ key }) => keyText(key)));
  LIVE.set(structure, active);
  return active;
}

function makeNode(node: PlacedNode, key: string, width: number, product: boolean): SVGGElement {
  const { info, x, y, r, room } = node;
  const named = info.kind === "input" || info.kind === "output";
  const group = s("g", { class: "kw-node", role: "button", "data-kw-node": key }, s("title", {}, info.name));
  if (named && room >= 34) group.append(...pillParts(node, width));
  else if (named) group.append(s("circle", { class: "kw-f", cx: x, cy: y, r: Math.min(r, 7) }));
  else group.append(...operatorParts(node, width));
  if (named && product) group.append(times(x, y + PILL_H / 2 + 7));
  if (node.ports.length > 1 || info.kind === "product") group.prepend(...arms(node));
  return group;
}

function pillParts(node: PlacedNode, width: number): SVGElement[] {
  const { x, y } = node;
  const { text } = node;
  const w = pillWidth(text);
  // A pill near the border moves inwards.
  const cx = Math.max(w / 2 + 2, Math.min(width - w / 2 - 2, x));
  return [
    s("rect", { class: "kw-f", x: cx - w / 2, y: y - 12, width: w, height: 24, rx: 12 }),
    s("text", { class: "kw-inverse", x: cx, y: y + 4.5, "text-anchor": "middle" }, text),
  ];
}

/** The sign of a product, at the meeting point of its factors' wires. */
const times = (x: number, y: number): SVGElement =>
  s(
    "g",
    {},
    s("rect", { class: "kw-solid", x: x - 7, y: y - 7, width: 14, height: 14, rx: 3, "stroke-width": 1.5 }),
    line(`M${x - 3} ${y - 3}l6 6m0 -6l-6 6`, ""),
  );

function operatorParts({ x, y, r, room, info }: PlacedNode, width: number): SVGElement[] {
  const product = info.kind === "product";
  const arm = r * 0.5;
  const sign = product
    ? `M${x - arm} ${y - arm}L${x + arm} ${y + arm}M${x + arm} ${y - arm}L${x - arm} ${y + arm}`
    : `M${x - arm} ${y}H${x + arm}M${x} ${y - arm}V${y + arm}`;
  const shape = s("rect", {
    class: "kw-solid",
    x: x - r,
    y: y - r,
    width: 2 * r,
    height: 2 * r,
    rx: product ? 3 : r,
    "stroke-width": 1.5,
  });
  const parts: SVGElement[] = [shape, line(sign, "")];
  const from = x - 12;
  let to = x + 12;
  if (room >= 44) {
    const name = cut(variable(info.name), Math.max(3.5, (room - 2 * r - 8) / LETTER));
    // Beside the node; at the right border on the left, above the neighbor's name.
    const left = x + r + 5 + measure(name) * LETTER > width;
    const position = left ? { x: x - 5, y: y - r - 4, "text-anchor": "end" } : { x: x + r + 5, y: y + 4 };
    parts.push(s("text", { class: "kw-f kw-fine", ...position }, name));
    if (!left) to += measure(name) * LETTER;
  }
  // Pointer target of at least 24 px, name included.
  return [s("rect", { class: "kw-reach", x: from, y: y - 12, width: to - from, height: 24, rx: 12 }), ...parts];
}

/** Lines from the factors to the product. */
function arms({ x, y, ports }: PlacedNode): SVGElement[] {
  const lines = ports.map(([px, py]) => `M${px} ${py}L${x} ${y}`).join("");
  return [line(lines, ""), ...ports.map(([px, py]) => s("circle", { class: "kw-f", cx: px, cy: py, r: 2.5 }))];
}
