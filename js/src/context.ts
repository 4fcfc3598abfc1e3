// What every view is given.
import type { Actions } from "./actions";
import { pretty } from "./format";
import type { EdgeInfo } from "./protocol";
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
