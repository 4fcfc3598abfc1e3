// Effect of the last act on the error, with an undo button.

import type { StateInfo } from "../protocol/messages";
import type { Context } from "../state/context";
import { errorName } from "../state/errors";
import { type Topics, touches } from "../state/topics";
import { number, pretty } from "../text/format";
import { button } from "../ui/controls";
import { h, setText } from "../ui/dom";
import type { Registry } from "../ui/listeners";

/** Kinds of tree nodes without a message. */
const SILENT = new Set(["start", "train", "reset"]);

export function effect({ store, act, ui }: Context, registry: Registry) {
  const text = h("span", { class: "kw-cut kw-fill" });
  const undo = button({ action: "undo-last", label: "Undo", icon: "undo", small: true });
  const close = button({ action: "dismiss-effect", label: "Dismiss", icon: "close", iconOnly: true, small: true });
  const node = h("div", { class: "kw-row kw-bar kw-effect", hidden: true }, text, undo, close);
  let shownState: number | null = null;
  let newest = Number.NEGATIVE_INFINITY;
  registry.listen(undo, "click", () => act.undo());
  registry.listen(close, "click", () => {
    node.hidden = true;
  });
  const draw = (topics: Topics) => {
    if (!touches(topics, "history", "link", "dragging")) return;
    const { states, can_undo } = store.state.history;
    const current = actBehind(states, store.state.history.current, store.running);
    if (current !== shownState) {
      // No message for acts before this view was opened, nor for restored states.
      node.hidden = shownState === null || current <= newest;
      const state = states.find(({ id }) => id === current);
      if (!state || SILENT.has(state.kind)) node.hidden = true;
      else setText(text, effectText(state, states, errorName(store)));
    }
    // During a drag the handles show the errors.
    if (!can_undo || !act.hasKernel || ui.values.dragging) node.hidden = true;
    shownState = current;
    newest = Math.max(newest, current);
  };
  return { node, draw };
}

/** The act whose steps the current state is, while it trains. */
function actBehind(states: readonly StateInfo[], current: number, running: boolean): number {
  const state = states.find(({ id }) => id === current);
  return running && state?.kind === "train" && state.parent !== null ? state.parent : current;
}

function effectText(state: StateInfo, states: readonly StateInfo[], loss: string): string {
  const label = pretty(state.label);
  if (state.error === null) return label;
  // The status line may show an error from the middle of the act.
  const previous = states.find(({ id }) => id === state.parent)?.latest ?? null;
  const change = previous === null ? number(state.error) : `${number(previous)} → ${number(state.error)}`;
  return `${label} · ${loss} ${change}`;
}
