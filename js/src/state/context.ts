// The context of a view: store, user interface state, acts.

import type { Actions } from "./actions";
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
