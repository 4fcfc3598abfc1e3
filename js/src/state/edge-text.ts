// Edges in words: a second cue beside their color.
import type { EdgeKey } from "../protocol/messages";
import type { EdgeInfo, Structure } from "../protocol/structure";
import { count, pretty } from "../text/format";
import { called } from "../text/names";
import { ends } from "./graph";

/** The state of an edge in words. */
export function stateText(edge: EdgeInfo): string {
  if (edge.state === "symbolic") return `fixed to ${pretty(edge.function ?? "a formula")}`;
  if (edge.state === "both") return `${pretty(edge.function ?? "formula")} + spline`;
  return edge.state;
}

/** The names of the nodes that an edge joins. */
export const endNames = (structure: Structure, edge: EdgeKey): [string, string] =>
  ends(structure, edge).map((node) => called(node?.name ?? "")) as [string, string];

/** Frozen and tied in words. */
export function boundText(structure: Structure, edge: EdgeInfo): string {
  const group = edge.tied === undefined ? [] : structure.edges.filter(({ tied }) => tied === edge.tied);
  const tied =
    group.length > 0 ? `function ${edge.tied! + 1}, shared with ${count(group.length - 1, "other edge")}` : "";
  return [edge.frozen ? "frozen, not trained" : "", tied].filter(Boolean).join(", ");
}
