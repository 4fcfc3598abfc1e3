// Nodes: inputs and outputs as pills with the user's names, sums and products as what they do.
import type { Context } from "../context";
import { attrs, line, place, s } from "../dom";
import { letters, variable } from "../format";
import type { Layout, PlacedNode } from "../layout";
import { type EdgeKey, keyText, type Structure } from "../protocol";

const LETTER = 7.6;
const LONGEST = 18;

const short = (name: string, most: number): string =>
  letters(name) > most ? `${[...name].slice(0, Math.max(1, Math.floor(most) - 1)).join("")}…` : name;

export function drawNodes(layer: SVGGElement, { nodes, width }: Layout, context: Context): void {
  const known = new Map([...layer.children].map((node) => [node.getAttribute("data-kw-node"), node as SVGGElement]));
  const lit = litNodes(context);
  const live = liveNodes(context.store.state.structure);
  const drawn = nodes.map((node) => {
    const key = keyText(node.info.key);
    const { info, x, y, r, room, ports } = node;
    const signature = [x, y, r, info.name, info.kind, room, ports.length, width].join();
    let group = known.get(key);
    if (group?.dataset.drawn !== signature) {
      group = makeNode(node, key, width);
      group.dataset.drawn = signature;
    }
    const idle = (info.kind === "sum" || info.kind === "product") && !live.has(key);
    attrs(group, { "data-lit": lit.has(key), "data-idle": idle });
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

/** Nodes that something flows into and out of. */
function liveNodes({ nodes, edges }: Structure): Set<string> {
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
  return new Set(live.map(({ key }) => keyText(key)));
}

function makeNode(node: PlacedNode, key: string, width: number): SVGGElement {
  const { info, x, y, r, room } = node;
  const group = s("g", { class: "kw-node", "data-kw-node": key }, s("title", {}, info.name));
  const pill = info.kind === "input" || info.kind === "output";
  if (pill && room >= 34) group.append(...pillParts(node, width));
  else if (pill) group.append(s("circle", { class: "kw-f", cx: x, cy: y, r: Math.min(r, 7) }));
  else group.append(...operatorParts(node, width));
  if (node.ports.length > 1 || info.kind === "product") group.prepend(...arms(node));
  return group;
}

function pillParts({ x, y, room, info }: PlacedNode, width: number): SVGElement[] {
  const text = short(variable(info.name), Math.min(LONGEST, (room - 16) / LETTER));
  const w = Math.max(32, letters(text) * LETTER + 16);
  // A long name near the border moves inwards instead of being cut off.
  const cx = Math.max(w / 2 + 2, Math.min(width - w / 2 - 2, x));
  return [
    s("rect", { class: "kw-f", x: cx - w / 2, y: y - 12, width: w, height: 24, rx: 12 }),
    s("text", { class: "kw-inverse", x: cx, y: y + 4.5, "text-anchor": "middle" }, text),
  ];
}

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
  if (room >= 44) {
    const name = short(variable(info.name), Math.max(3, (room - 2 * r - 8) / LETTER));
    // Beside the node; at the right border on its other side.
    const left = x + r + 5 + [...name].length * 6 > width;
    const place = left ? { x: x - r - 5, "text-anchor": "end" } : { x: x + r + 5 };
    parts.push(s("text", { class: "kw-f kw-fine", y: y + 4, ...place }, name));
  }
  return parts;
}

/** From a product's factors to the product. */
function arms({ x, y, ports }: PlacedNode): SVGElement[] {
  const lines = ports.map(([px, py]) => `M${px} ${py}L${x} ${y}`).join("");
  return [line(lines, ""), ...ports.map(([px, py]) => s("circle", { class: "kw-f", cx: px, cy: py, r: 2.5 }))];
}
