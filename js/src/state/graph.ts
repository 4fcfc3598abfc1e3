// Index of a structure: edges and nodes by key, and the edges of each node. Cached, because the pointer needs it at every move.

import type { EdgeKey, NodeInfo } from "../protocol/messages";
import { type EdgeInfo, edgeKeys, keyText, type Structure } from "../protocol/structure";
import type { Store } from "./store";

interface Graph {
  /** By the text of the key. */
  edges: ReadonlyMap<string, EdgeInfo>;
  nodes: ReadonlyMap<string, NodeInfo>;
  /** Target node by level and subnode. */
  targets: ReadonlyMap<string, NodeInfo>;
  /** Incoming and outgoing edges by the key of the node. */
  into: ReadonlyMap<string, EdgeInfo[]>;
  out: ReadonlyMap<string, EdgeInfo[]>;
}

const GRAPHS = new WeakMap<Structure, Graph>();

export function graph(structure: Structure): Graph {
  let index = GRAPHS.get(structure);
  if (!index) {
    const { nodes, edges } = structure;
    const keys = edgeKeys(structure);
    const targets = new Map(
      nodes.flatMap((node) => node.subnodes.map((sub) => [`${node.key[0]}-${sub}`, node] as const)),
    );
    const [into, out] = [new Map<string, EdgeInfo[]>(), new Map<string, EdgeInfo[]>()];
    const add = (to: Map<string, EdgeInfo[]>, key: string, edge: EdgeInfo) => {
      const list = to.get(key);
      if (list) list.push(edge);
      else to.set(key, [edge]);
    };
    for (const edge of edges) {
      const [layer, source, target] = edge.key as [number, number, number];
      add(out, `${layer}-${source}`, edge);
      add(into, keyText(targets.get(`${layer + 1}-${target}`)?.key ?? []), edge);
    }
    index = {
      edges: new Map(edges.map((edge, i) => [keys[i]!, edge])),
      nodes: new Map(nodes.map((node) => [keyText(node.key), node])),
      targets,
      into,
      out,
    };
    GRAPHS.set(structure, index);
  }
  return index;
}

/** The nodes at the two ends of an edge. */
export function ends(structure: Structure, [layer, from, to]: EdgeKey): [NodeInfo | undefined, NodeInfo | undefined] {
  const { nodes, targets } = graph(structure);
  return [nodes.get(`${layer}-${from}`), targets.get(`${layer! + 1}-${to}`)];
}

/** Incoming and outgoing edges of a node; pruned ones only if all are pruned. */
export function edgesOf(structure: Structure, node: NodeInfo): { into: EdgeInfo[]; out: EdgeInfo[] } {
  const { into, out } = graph(structure);
  const alive = (all: EdgeInfo[] = []) => {
    const active = all.filter(({ state }) => state !== "pruned");
    return active.length > 0 ? active : all;
  };
  const key = keyText(node.key);
  return { into: alive(into.get(key)), out: alive(out.get(key)) };
}

/** The selected edges that exist. */
export function selectedEdges({ state }: Store): EdgeInfo[] {
  const { edges } = graph(state.structure);
  return state.selection.edges.flatMap((key) => edges.get(keyText(key)) ?? []);
}
