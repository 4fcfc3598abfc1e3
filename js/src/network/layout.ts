// Layout of the drawing: inputs below, outputs above, a row of thumbnails between two rows of nodes, ordered by target
// and then by source, so that the edges of a node stand below it.

import type { NodeInfo } from "../protocol/messages";
import type { Structure } from "../protocol/structure";
import { measure, shortened, withoutUnit } from "../text/names";
import type { Tier } from "./detail-levels";

export interface Box {
  x: number;
  y: number;
  w: number;
  h: number;
}
export interface PlacedNode {
  info: NodeInfo;
  x: number;
  y: number;
  r: number;
  /** End points of incoming wires, one per subnode. */
  ports: [number, number][];
  /** Width available for the name of the node. */
  room: number;
  /** The name of an input or output, as far as there is room. */
  text: string;
}
export interface PlacedEdge {
  index: number;
  tier: Tier;
  source: [number, number];
  target: [number, number];
  /** Box of the thumbnail, or of the floating thumbnail of an edge without a slot. */
  box: Box;
}
export interface Layout {
  width: number;
  height: number;
  nodes: PlacedNode[];
  edges: PlacedEdge[];
}

const PAD_X = 6;
const PAD_TOP = 22;
const PAD_BOTTOM = 20;
const MIN_GAP = 84;
const GROUP_GAP = 0.18;
const PILL_H = 24;
/** Pixels of an average letter in a pill, and around its text. */
const LETTER = 8;
const LEAST_PILL = 32;
const PILL_PAD = 14;
const LONGEST = 20;
/** Between the two rows of names where one has too little room for them. */
const STAGGER = PILL_H + 4;

interface Slot {
  index: number;
  target: number;
  source: number;
  x: number;
  width: number;
}

export function layout(structure: Structure, tiers: readonly Tier[], width: number, height: number): Layout {
  const layers = Math.max(1, structure.width.length - 1);
  const bottom = PAD_BOTTOM + (isStaggered(structure, width) ? STAGGER : 0);
  const gap = Math.max(MIN_GAP, (height - PAD_TOP - bottom) / layers);
  const total = gap * layers + PAD_TOP + bottom;
  const rowY = (layer: number) => total - bottom - gap * layer;
  const slots = structure.width.slice(1).map((_, layer) => layerSlots(structure, tiers, layer, width));
  const nodes = placeNodes(structure, slots, width, rowY);
  const edges = placeEdges(structure, tiers, nodes, slots, gap, rowY);
  return { width, height: total, nodes, edges };
}

/** The thumbnails of one layer of edges, spread over the width with a little room between the targets' groups. */
function layerSlots(structure: Structure, tiers: readonly Tier[], layer: number, width: number): Slot[] {
  const slots: Slot[] = [];
  structure.edges.forEach((edge, index) => {
    if (edge.key[0] !== layer || tiers[index] !== "thumb") return;
    slots.push({ index, target: edge.key[2]!, source: edge.key[1]!, x: 0, width: 0 });
  });
  slots.sort((a, b) => a.target - b.target || a.source - b.source);
  const groups = new Set(slots.map((slot) => slot.target)).size;
  const unit = (width - 2 * PAD_X) / Math.max(1, slots.length + groups * GROUP_GAP);
  let x = PAD_X;
  slots.forEach((slot, i) => {
    if (slot.target !== slots[i - 1]?.target) x += (unit * GROUP_GAP) / 2;
    slot.x = x + unit / 2;
    slot.width = unit;
    x += unit;
    if (slot.target !== slots[i + 1]?.target) x += (unit * GROUP_GAP) / 2;
  });
  return slots;
}

/** The middle of each target's thumbnails, for layers where every target has some. */
function groupCenters(slots: Slot[]): Map<number, number> {
  const sums = new Map<number, [number, number]>();
  for (const { target, x } of slots) {
    const [sum, n] = sums.get(target) ?? [0, 0];
    sums.set(target, [sum + x, n + 1]);
  }
  return new Map([...sums].map(([target, [sum, n]]) => [target, sum / n]));
}

function placeNodes(
  structure: Structure,
  slots: Slot[][],
  width: number,
  rowY: (layer: number) => number,
): PlacedNode[] {
  return structure.width.flatMap((_, layer) => {
    const row = structure.nodes.filter((node) => node.key[0] === layer);
    const centers = layer > 0 ? groupCenters(slots[layer - 1]!) : new Map<number, number>();
    const all = row.every((node) => node.subnodes.every((sub) => centers.has(sub)));
    const spacing = spacingOf(row.length, width);
    const xs = row.map((info, i) => {
      const even = width / 2 + (i - (row.length - 1) / 2) * spacing;
      const mean = info.subnodes.reduce((sum, sub) => sum + (centers.get(sub) ?? 0), 0) / info.subnodes.length;
      return all && info.subnodes.length > 0 ? mean : even;
    });
    const staggered = layer === 0 && isStaggered(structure, width);
    const placed = row.map((info, i) => {
      // Nodes over groups of unequal width are closer than average.
      const room = xs.reduce((closest, x, k) => (k === i ? closest : Math.min(closest, Math.abs(x - xs[i]!))), spacing);
      if (!staggered) return placeNode(info, xs[i]!, rowY(layer), room);
      // The wires of the lower row pass between the upper ones; the last one moves inwards at the border.
      const free = (i % 2 && i === row.length - 1 ? 1.5 : 2) * room - 4;
      return { ...placeNode(info, xs[i]!, rowY(layer) + (i % 2 ? 0 : STAGGER), room), room: free };
    });
    return named(placed);
  });
}

const spacingOf = (count: number, width: number): number =>
  Math.min((width - 2 * PAD_X) / Math.max(1, count), width * 0.4);

/** Whether the inputs stand in two rows, every other one lower: their names have twice the room then. */
function isStaggered({ nodes }: Structure, width: number): boolean {
  const names = nodes.filter(({ key }) => key[0] === 0).map(({ name }) => withoutUnit(name));
  const room = spacingOf(names.length, width);
  return room > 18 && names.some((name) => pillWidth(name) > room);
}

/** Nodes with their names, which stay apart however short they are. */
function named(row: PlacedNode[]): PlacedNode[] {
  const texts = shortened(
    row.map(({ info }) => info.name),
    row.map(({ room }) => Math.min(LONGEST, (room - PILL_PAD) / LETTER)),
  );
  return row.map((node, i) => ({ ...node, text: texts[i]! }));
}

/** Width of the pill around a text. */
export const pillWidth = (text: string): number => Math.max(LEAST_PILL, measure(text) * LETTER + PILL_PAD);

function placeNode(info: NodeInfo, x: number, y: number, spacing: number): PlacedNode {
  const r = Math.max(3, Math.min(info.kind === "product" ? 10 : 9, spacing * 0.36));
  const reach = info.kind === "output" || info.kind === "input" ? PILL_H / 2 : r;
  const arms = info.subnodes.length;
  // Leaves room for the mark of a product below an output.
  const drop = info.kind === "output" ? 20 : 10;
  const arm = Math.min(14, spacing / Math.max(1, arms));
  const ports = info.subnodes.map((_, k): [number, number] =>
    info.kind === "product" || arms > 1 ? [x + (k - (arms - 1) / 2) * arm, y + reach + drop] : [x, y + reach],
  );
  return { info, x, y, r, ports, room: spacing, text: "" };
}

function placeEdges(
  structure: Structure,
  tiers: readonly Tier[],
  nodes: PlacedNode[],
  slots: Slot[][],
  gap: number,
  rowY: (layer: number) => number,
): PlacedEdge[] {
  const bySource = new Map(nodes.map((node) => [node.info.key.join("-"), node]));
  const byTarget = new Map<string, [number, number]>();
  for (const node of nodes)
    for (const [k, sub] of node.info.subnodes.entries())
      byTarget.set(`${node.info.key[0]! - 1}-${sub}`, node.ports[k]!);
  const bySlot = new Map(slots.flat().map((slot) => [slot.index, slot]));
  const placed: PlacedEdge[] = [];
  structure.edges.forEach((edge, index) => {
    const [layer, i, j] = edge.key as [number, number, number];
    const from = bySource.get(`${layer}-${i}`);
    const target = byTarget.get(`${layer}-${j}`);
    const tier = tiers[index]!;
    if (!from || !target || tier === "hidden") return;
    const source: [number, number] = [from.x, from.y - (layer === 0 ? PILL_H / 2 : from.r)];
    // Thumbnails stand in one row, whichever row their inputs stand in.
    const above: [number, number] = [from.x, source[1] - from.y + rowY(layer)];
    placed.push({ index, tier, source, target, box: thumbBox(bySlot.get(index), above, target, gap) });
  });
  return placed;
}

/** Box of a thumbnail, in the proportions of a plot, with room for wires above and below. */
function thumbBox(slot: Slot | undefined, source: [number, number], target: [number, number], gap: number): Box {
  const w = slot ? Math.max(28, Math.min(76, slot.width - 5)) : 46;
  const h = Math.min(Math.max(26, w * 0.74), gap * 0.36);
  const x = slot ? slot.x : source[0] + (target[0] - source[0]) * 0.64;
  const y = source[1] + (target[1] - source[1]) * 0.6;
  return { x: x - w / 2, y: y - h / 2, w, h };
}

const r1 = (v: number): number => Math.round(v * 10) / 10;

/** A wire with vertical ends: crossings stay readable. */
const curve = (x0: number, y0: number, x1: number, y1: number): string => {
  const middle = r1((y0 + y1) / 2);
  return `M${r1(x0)} ${r1(y0)}C${r1(x0)} ${middle} ${r1(x1)} ${middle} ${r1(x1)} ${r1(y1)}`;
};

/** The wire of an edge, through its thumbnail if any. */
export function wirePath({ source, target, box }: PlacedEdge, through: boolean): string {
  if (!through) return curve(...source, ...target);
  const x = box.x + box.w / 2;
  return curve(...source, x, box.y + box.h) + curve(x, box.y, ...target);
}

/** Distance of a point from an edge's straight-through wire, for hit tests without an element. */
export function distance({ source, target }: PlacedEdge, x: number, y: number): number {
  const t = (y - source[1]) / (target[1] - source[1] || 1);
  if (t < 0 || t > 1) return Number.POSITIVE_INFINITY;
  // With vertical ends the height is 1.5u − 1.5u² + u³ of the way up: solved for u by Newton's method.
  let u = t;
  for (let n = 0; n < 4; n++) {
    const f = 1.5 * u - 1.5 * u * u + u ** 3 - t;
    u = Math.min(1, Math.max(0, u - f / (1.5 - 3 * u + 3 * u * u)));
  }
  const weight = 3 * u * u * (1 - u) + u ** 3;
  return Math.abs(source[0] + (target[0] - source[0]) * weight - x);
}
