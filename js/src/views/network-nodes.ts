// Nodes: inputs and outputs as pills with the user's names, sums and products as what they do.
import type { Context } from "../context";
import { attrs, place, s } from "../dom";
import type { Layout, PlacedNode } from "../layout";
import { type EdgeKey, keyText } from "../protocol";

const LONGEST = 14;

const short = (name: string, most = LONGEST): string => {
  const letters = [...name];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : name;
};

export function drawNodes(layer: SVGGElement, { nodes, width }: Layout, context: Context): void {
  const known = new Map([...layer.children].map((node) => [node.getAttribute("data-kw-node"), node as SVGGElement]));
  const lit = litNodes(context);
  const drawn = nodes.map((node) => {
    const key = keyText(node.info.key);
    const signature = [
      node.x,
      node.y,
      node.r,
      node.info.name,
      node.info.kind,
      node.showName,
      node.ports.length,
      width,
    ].join();
    let group = known.get(key);
    if (group?.dataset.drawn !== signature) {
      group = makeNode(node, key, width);
      group.dataset.drawn = signature;
    }
    attrs(group, { "data-lit": lit.has(key), "data-idle": isIdle(context, node) });
    return group;
  });
  place(layer, drawn);
}

/** The ends of the edge under the pointer. */
function litNodes({ store, ui }: Context): Set<string> {
  const hover = ui.values.hover?.split("-").map(Number) as EdgeKey | undefined;
  if (hover?.length !== 3) return new Set();
  const [layer, from, to] = hover as [number, number, number];
  const target = store.state.structure.nodes.find(({ key, subnodes }) => key[0] === layer + 1 && subnodes.includes(to));
  return new Set([`${layer}-${from}`, target ? keyText(target.key) : ""]);
}

/** A node that nothing flows through any more. */
function isIdle({ store }: Context, { info }: PlacedNode): boolean {
  if (info.kind === "input" || info.kind === "output") return false;
  const [layer, index] = info.key as [number, number];
  const { edges } = store.state.structure;
  const live = edges.filter(({ state }) => state !== "pruned");
  const fed = live.some(({ key }) => key[0] === layer - 1 && info.subnodes.includes(key[2]!));
  return !fed || !live.some(({ key }) => key[0] === layer && key[1] === index);
}

function makeNode(node: PlacedNode, key: string, width: number): SVGGElement {
  const { info } = node;
  const pill = info.kind === "input" || info.kind === "output";
  const group = s("g", { class: "kw-node", "data-kw-node": key, "data-kind": info.kind }, s("title", {}, info.name));
  if (pill && node.showName) group.append(...pillParts(node, width));
  else if (pill) group.append(s("circle", { cx: node.x, cy: node.y, r: Math.min(node.r, 7) }));
  else group.append(...operatorParts(node));
  if (node.ports.length > 1 || info.kind === "product") group.prepend(...arms(node));
  return group;
}

function pillParts({ x, y, info }: PlacedNode, width: number): SVGElement[] {
  const text = short(info.name);
  const w = Math.max(32, [...text].length * 7.6 + 18);
  // A long name near the border moves inwards instead of being cut off.
  const cx = Math.max(w / 2 + 2, Math.min(width - w / 2 - 2, x));
  return [
    s("rect", { x: cx - w / 2, y: y - 12, width: w, height: 24, rx: 12 }),
    s("text", { x: cx, y: y + 4.5, "text-anchor": "middle" }, text),
  ];
}

function operatorParts({ x, y, r, info, showName }: PlacedNode): SVGElement[] {
  const arm = r * 0.5;
  const sign =
    info.kind === "product"
      ? `M${x - arm} ${y - arm}L${x + arm} ${y + arm}M${x + arm} ${y - arm}L${x - arm} ${y + arm}`
      : `M${x - arm} ${y}H${x + arm}M${x} ${y - arm}V${y + arm}`;
  const shape =
    info.kind === "product"
      ? s("rect", { x: x - r, y: y - r, width: 2 * r, height: 2 * r, rx: 3, class: "kw-body-shape" })
      : s("circle", { cx: x, cy: y, r, class: "kw-body-shape" });
  const parts: SVGElement[] = [shape, s("path", { d: sign, class: "kw-sign" })];
  if (showName) parts.push(s("text", { x: x + r + 5, y: y + 4, class: "kw-node-name" }, short(info.name, 8)));
  return parts;
}

/** From a product's factors to the product. */
function arms({ x, y, ports }: PlacedNode): SVGElement[] {
  const lines = ports.map(([px, py]) => `M${px} ${py}L${x} ${y}`).join("");
  return [
    s("path", { d: lines, class: "kw-arm" }),
    ...ports.map(([px, py]) => s("circle", { cx: px, cy: py, r: 2.5, class: "kw-port" })),
  ];
}
