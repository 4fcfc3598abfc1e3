// The compact structure of stored snapshots: the twin of `compact` in kanwidget/explorer/page/large_networks.py.
import type { NumberArray } from "./codecs";
import type { NodeInfo, WireStructure } from "./messages";
import { keyText } from "./structure";

const STATES = ["spline", "symbolic", "both", "pruned", "levels"] as const;

/** Adds the edges that a compact structure leaves out: keys follow from the nodes, states from `states`. */
export function expandStructure(wire: WireStructure, states: NumberArray | undefined): WireStructure {
  const named = new Map(wire.edges.map((edge) => [keyText(edge.key), edge]));
  const count = (level: number, of: (node: NodeInfo) => number) =>
    wire.nodes.reduce((sum, node) => sum + (node.key[0] === level ? of(node) : 0), 0);
  const edges: WireStructure["edges"] = [];
  for (let layer = 0; layer + 1 < wire.width.length; layer++) {
    const sources = count(layer, () => 1);
    const targets = count(layer + 1, ({ subnodes }) => subnodes.length);
    for (let i = 0; i < sources * targets; i++) {
      const key = [layer, i % sources, Math.floor(i / sources)];
      const state = STATES[states?.values[edges.length] ?? 0] ?? "spline";
      edges.push(named.get(keyText(key)) ?? { key, state });
    }
  }
  return { ...wire, edges };
}
