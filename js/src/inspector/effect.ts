// Effect of the last act on the error, with an undo button: of an act on edges in the inspector of these edges only, of an act on
// the whole network where no edge is selected.

import type { EdgeKey, StateInfo } from "../protocol/messages";
import { keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import { errorWord } from "../state/errors";
import { type Topics, touches } from "../state/topics";
import { number, pretty } from "../text/format";
import { button, iconButton } from "../ui/controls";
import { h, setText } from "../ui/dom";
import type { Registry } from "../ui/listeners";

/** Kinds of tree nodes without a message. */
const SILENT = new Set(["start", "train", "reset", "log", "load"]);

export function effect({ store, act, ui }: Context, registry: Registry) {
  const text = h("span", { class: "kw-cut kw-fill" });
  const undo = button({ action: "undo-last", label: "Undo", icon: "undo", small: true });
  const close = iconButton("dismiss-effect", "Dismiss", "close", { small: true });
  const node = h("div", { class: "kw-row kw-bar kw-effect", hidden: true }, text, undo, close);
  let shownState: number | null = null;
  let newest = Number.NEGATIVE_INFINITY;
  /** Whether the act has a message, and the edges that it was done to; none for the whole network. */
  let news = false;
  let owner = "";
  registry.listen(undo, "click", () => act.undo());
  registry.listen(close, "click", () => {
    news = false;
    node.hidden = true;
  });
  const draw = (topics: Topics) => {
    if (!touches(topics, "history", "selection", "link", "dragging")) return;
    const { states, can_undo } = store.state.history;
    const current = actBehind(states, store.state.history.current, store.running);
    if (current !== shownState) {
      // No message for acts before this view was opened, nor for restored states.
      const state = states.find(({ id }) => id === current);
      news = shownState !== null && current > newest && state !== undefined && !SILENT.has(state.kind);
      if (news) {
        setText(text, effectText(state!, states, errorWord(store)));
        owner = keys(state!.edges);
      }
    }
    // During a drag the handles show the errors.
    node.hidden =
      !news || owner !== keys(store.state.selection.edges) || !can_undo || !act.hasKernel || ui.values.dragging;
    shownState = current;
    newest = Math.max(newest, current);
  };
  return { node, draw };
}

const keys = (edges: readonly EdgeKey[] = []): string => edges.map(keyText).join();

/** The act whose steps the current state is, while it trains. */
function actBehind(states: readonly StateInfo[], current: number, running: boolean): number {
  const state = states.find(({ id }) => id === current);
  return running && state?.kind === "train" && state.parent !== null ? state.parent : current;
}

function effectText(state: StateInfo, states: readonly StateInfo[], loss: string): string {
  const label = pretty(state.label);
  if (state.error === null) return label;
  // The status line may show an error from the middle of the act.
  // Parts of a longer act are compared with what was before the whole.
  const first = states.find(({ id }) => id === state.group) ?? state;
  const previous = states.find(({ id }) => id === first.parent)?.latest ?? null;
  const change = previous === null ? number(state.error) : `${number(previous)} → ${number(state.error)}`;
  return `${label} · ${loss} ${change}`;
}
