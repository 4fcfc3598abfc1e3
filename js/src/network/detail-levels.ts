// Level of detail of each edge. Legibility fails before speed: a thumbnail needs about 36 px of its layer's width, and
// more than about 150 separate wires are neither readable nor redrawn within 8 ms.
import type { EdgeInfo } from "../protocol/structure";

export type Tier = "thumb" | "wire" | "merged" | "hidden";

const THUMB_PX = 36;
export const MAX_WIRES = 150;

interface LodInput {
  edges: readonly EdgeInfo[];
  /** One number per edge, larger is more important. */
  importance: ArrayLike<number>;
  width: number;
  showPruned: boolean;
}

/** The tier of each edge. In a crowded layer pruned edges are merged. */
export function tiers({ edges, importance, width, showPruned }: LodInput): Tier[] {
  const levels: Tier[] = edges.map((edge) => (edge.state === "pruned" && !showPruned ? "hidden" : "wire"));
  const room = Math.max(1, Math.floor(width / THUMB_PX));
  for (const layer of byLayer(edges)) {
    const visible = layer.filter((i) => levels[i] !== "hidden");
    const active = visible.filter((i) => edges[i]!.state !== "pruned");
    if (visible.length <= room) for (const i of visible) levels[i] = "thumb";
    else {
      for (const i of visible) if (edges[i]!.state === "pruned") levels[i] = "merged";
      for (const i of strongest(active, importance, room)) levels[i] = "thumb";
    }
  }
  mergeWeak(levels, importance);
  return levels;
}

function mergeWeak(levels: Tier[], importance: ArrayLike<number>): void {
  const drawn = levels.filter((tier) => tier === "thumb" || tier === "wire").length;
  if (drawn <= MAX_WIRES) return;
  const thumbs = levels.filter((tier) => tier === "thumb").length;
  const wires = levels.flatMap((tier, i) => (tier === "wire" ? [i] : []));
  const keep = new Set(strongest(wires, importance, Math.max(0, MAX_WIRES - thumbs)));
  for (const i of wires) if (!keep.has(i)) levels[i] = "merged";
}

const strongest = (indices: number[], importance: ArrayLike<number>, n: number): number[] =>
  [...indices].sort((a, b) => (importance[b] ?? 0) - (importance[a] ?? 0) || a - b).slice(0, n);

function byLayer(edges: readonly EdgeInfo[]): number[][] {
  const layers: number[][] = [];
  edges.forEach((edge, i) => {
    const layer = edge.key[0]!;
    layers[layer] ??= [];
    layers[layer].push(i);
  });
  return layers.filter(Boolean);
}
