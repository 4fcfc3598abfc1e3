// What every view is given.
import type { Actions } from "./actions";
import { pretty, variable } from "./format";
import type { EdgeInfo, EdgeKey, Structure } from "./protocol";
import type { Store } from "./store";
import type { Topics } from "./topics";
import type { UiState } from "./ui-state";

export interface Context {
  store: Store;
  ui: UiState;
  act: Actions;
  /** Prefix of ids, unique per view. */
  uid: string;
}

export interface View {
  node: Element;
  draw(topics: Topics): void;
  destroy(): void;
}

/** What an edge is shown to be, in words: the second cue beside its colour. */
export function stateText(edge: EdgeInfo): string {
  if (edge.state === "symbolic") return `fixed to ${pretty(edge.function ?? "a formula")}`;
  if (edge.state === "both") return `${pretty(edge.function ?? "formula")} + spline`;
  return edge.state;
}

/** The names of the nodes that an edge joins. */
export function endNames({ nodes }: Structure, edge: EdgeKey): [string, string] {
  const [layer, from, to] = edge as [number, number, number];
  const source = nodes.find(({ key }) => key[0] === layer && key[1] === from);
  const target = nodes.find(({ key, subnodes }) => key[0] === layer + 1 && subnodes.includes(to));
  return [variable(source?.name ?? ""), variable(target?.name ?? "")];
}
