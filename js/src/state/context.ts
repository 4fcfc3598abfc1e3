// What every view is given.

import type { EdgeInfo, EdgeKey, Structure } from "../protocol/messages";
import { pretty } from "../text/format";
import { called } from "../text/names";
import type { Actions } from "./actions";
import { ends } from "./graph";
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
export const endNames = (structure: Structure, edge: EdgeKey): [string, string] =>
  ends(structure, edge).map((node) => called(node?.name ?? "")) as [string, string];
