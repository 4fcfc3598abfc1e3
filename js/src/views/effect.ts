// What the last act did to the network's error, with the way back beside it.
import type { Context } from "../context";
import { h, setText } from "../dom";
import { number } from "../format";
import type { Registry } from "../listeners";
import type { StateInfo } from "../protocol";
import { type Topics, touches } from "../topics";
import { button } from "./controls";

/** Acts whose effect is plain elsewhere, or that are no acts. */
const QUIET = new Set(["start", "train", "reset"]);

export function effect({ store, act }: Context, registry: Registry) {
  const words = h("span", { class: "kw-cut kw-fill" });
  const undo = button({ action: "undo-last", label: "Undo", icon: "undo", small: true });
  const close = button({ action: "dismiss-effect", label: "Dismiss", icon: "close", iconOnly: true, small: true });
  const node = h("div", { class: "kw-row kw-bar kw-effect", hidden: true }, words, undo, close);
  let seen: number | null = null;
  registry.listen(undo, "click", () => act.undo());
  registry.listen(close, "click", () => {
    node.hidden = true;
  });
  const draw = (topics: Topics) => {
    if (!touches(topics, "history", "link")) return;
    const { states, current, can_undo } = store.state.history;
    // What was done before this view was opened, and states gone back to, are no news.
    const fresh = seen !== null && current > seen;
    if (current !== seen) node.hidden = !fresh;
    seen = Math.max(current, seen ?? current);
    const state = states.find(({ id }) => id === current);
    if (!state || QUIET.has(state.kind) || !can_undo || !act.possible) node.hidden = true;
    if (state) setText(words, effectText(state, states, store.state.settings.loss));
  };
  return { node, draw };
}

function effectText(state: StateInfo, states: readonly StateInfo[], loss: string): string {
  const before = states.find(({ id }) => id === state.parent)?.error ?? null;
  if (state.error === null) return state.label;
  const change = before === null ? number(state.error) : `${number(before)} → ${number(state.error)}`;
  return `${state.label} · ${loss} ${change}`;
}
