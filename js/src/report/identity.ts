// Edges through a film: nodes keep an identity where others are pruned or added between them.
import type { WireStructure } from "../protocol/messages";

/** Identities of the nodes of each level, in the order of a structure. */
export type Identities = readonly (readonly number[])[];

/** The edge of `next` that an edge of `structure` is, or null if it isn't there. */
export function sameEdge(
  [layer, source, target]: readonly number[],
  structure: WireStructure,
  ids: Identities,
  next: WireStructure,
  nextIds: Identities,
): number[] | null {
  const above = structure.nodes.find(({ key, subnodes }) => key[0] === layer! + 1 && subnodes.includes(target!));
  const from = nextIds[layer!]?.indexOf(ids[layer!]?.[source!] ?? -1) ?? -1;
  const to = above ? (nextIds[layer! + 1]?.indexOf(ids[layer! + 1]?.[above.key[1]!] ?? -1) ?? -1) : -1;
  const subnodes = next.nodes.find(({ key }) => key[0] === layer! + 1 && key[1] === to)?.subnodes;
  const subnode = subnodes?.[above!.subnodes.indexOf(target!)];
  return from < 0 || subnode === undefined ? null : [layer!, from, subnode];
}
