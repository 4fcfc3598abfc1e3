// Edges in words: a second cue beside their color.
import type { EdgeKey } from "../protocol/messages";
import { type EdgeInfo, keyText, type Structure } from "../protocol/structure";
import { count, number, pretty, variable } from "../text/format";
import { called } from "../text/names";
import { ends } from "./graph";
import type { Store } from "./store";

const NAMES = new WeakMap<Structure, Map<EdgeInfo, string>>();

/**
 * The name of a function that is still a spline, or of the values of words, as in the formula (`function_names` in Python): up to three are f, g and h, more are
 * f₁, f₂, …, in the order of layers, targets and sources. Other edges have none.
 */
export function functionName(structure: Structure, edge: EdgeInfo): string {
  let names = NAMES.get(structure);
  if (!names) {
    // A term with two levels is on or off, and needs no name.
    const splines = structure.edges.filter(
      ({ state, levels }) => state === "spline" || state === "both" || (state === "levels" && levels !== 2),
    );
    const order = ({ key: [layer, source, target] }: EdgeInfo) => [layer!, target!, source!];
    splines.sort((a, b) => {
      const [p, q] = [order(a), order(b)];
      const at = p.findIndex((n, i) => n !== q[i]);
      return at < 0 ? 0 : p[at]! - q[at]!;
    });
    names = new Map(splines.map((info, i) => [info, splines.length <= 3 ? "fgh"[i]! : variable(`f_${i + 1}`)]));
    NAMES.set(structure, names);
  }
  return names.get(edge) ?? "";
}

/** The state of an edge in words. */
export function stateText(edge: EdgeInfo): string {
  if (edge.state === "symbolic") return `replaced by ${pretty(edge.function ?? "a formula")}`;
  if (edge.state === "both") return `${pretty(edge.function ?? "formula")} and a spline for the rest`;
  if (edge.state === "levels") return `${edge.levels ?? 0} levels`;
  return edge.state;
}

/** To what R² compares the candidates of an edge. */
export const comparedTo = (edge: EdgeInfo | undefined): string => (edge?.function ? "data" : "curve");

/** The importance of an edge in words, the same to the eye and to screen readers. */
export const importanceText = (store: Store, edge: EdgeInfo): string =>
  `importance ${number(store.curves.get(keyText(edge.key))?.importance)}`;

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
