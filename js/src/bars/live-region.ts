// Speaks changes of state to screen readers: training starts and stops, an edge is selected or fixed.

import { keyText } from "../protocol/structure";
import type { Context, View } from "../state/context";
import { stateText } from "../state/edge-text";
import { touches } from "../state/topics";
import { number } from "../text/format";
import { h, setText } from "../ui/dom";
import { stateWords } from "./status";

export function voice(context: Context): View {
  const { store, ui } = context;
  const node = h("div", { class: "kw-hidden", role: "status", "aria-live": "polite", "data-kw-voice": "" });
  // The same words again are no change, and only changes are spoken: a blank makes them one.
  const say = (words: string) => setText(node, node.textContent === words ? `${words}\u00a0` : words);
  let state = "";
  let selected = "";
  let current = -1;
  const news = (): string[] => {
    const said: string[] = [];
    const words = stateWords(context);
    if (words !== state) said.push(words === "training" ? words : `${words} at step ${store.state.status.step}`);
    state = words;
    const chosen = store.state.selection.edges.map(keyText).join();
    if (chosen !== selected) said.push(selectionText(context));
    selected = chosen;
    const { history } = store.state;
    if (history.current !== current) said.push(historyText(context));
    current = history.current;
    return said;
  };
  const draw: View["draw"] = (topics) => {
    if (touches(topics, "note") && ui.values.note) say(ui.values.note);
    if (!touches(topics, "status", "link", "stopping", "selection", "history")) return;
    const first = current === -1;
    const said = news().filter(Boolean);
    // What is there from the beginning is no news.
    if (!first && said.length > 0) say(said.join(". "));
  };
  return { node, draw, destroy: () => {} };
}

function selectionText({ store }: Context): string {
  const { edges } = store.state.selection;
  if (edges.length !== 1) return edges.length === 0 ? "no edge selected" : `${edges.length} edges selected`;
  const edge = store.state.structure.edges.find((one) => keyText(one.key) === keyText(edges[0]!));
  return edge ? `${edge.name} selected, ${stateText(edge)}` : "";
}

function historyText({ store }: Context): string {
  const { states, current } = store.state.history;
  const state = states.find((one) => one.id === current);
  return state ? `${state.label}, error ${number(state.error)}` : "";
}
