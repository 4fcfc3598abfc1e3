// The structure of the network as views read it: message fields completed, keys as text, partial updates merged.
import type { WireEdge, WireStructure } from "./messages";

/** An edge with defaults for the fields that messages leave out. */
export interface EdgeInfo extends WireEdge {
  function: string | null;
  best: string | null;
  best_r2: number | null;
  frozen: boolean;
  /** Frozen or tied. */
  locked: boolean;
}

export type Structure = Omit<WireStructure, "edges"> & { edges: EdgeInfo[] };

const DEFAULTS = { function: null, best: null, best_r2: null, frozen: false };

/** A structure completed by derived fields and defaults. */
export const complete = (wire: WireStructure): Structure => ({
  ...wire,
  edges: wire.edges.map((edge) => ({
    ...DEFAULTS,
    ...edge,
    locked: edge.frozen === true || edge.tied !== undefined,
  })),
});

/** Merges a partial update; unchanged nodes and edges stay the same objects. */
export function mergeStructure(previous: Structure, part: WireStructure): Structure {
  const { nodes, edges, ...whole } = complete(part);
  const changed = new Map([...nodes, ...edges].map((item) => [keyText(item.key), item]));
  const latest = <T extends { key: number[] }>(item: T) => (changed.get(keyText(item.key)) as T | undefined) ?? item;
  return { ...whole, nodes: previous.nodes.map(latest), edges: previous.edges.map(latest) };
}

/** `[0, 2, 1]` as the text in `data-kw-edge`. */
export const keyText = (key: readonly number[]): string => key.join("-");

const KEYS = new WeakMap<Structure, string[]>();

/** The keys of all edges as text, cached per structure. */
export function edgeKeys(structure: Structure): string[] {
  let keys = KEYS.get(structure);
  if (!keys) {
    keys = structure.edges.map((edge) => keyText(edge.key));
    KEYS.set(structure, keys);
  }
  return keys;
}
