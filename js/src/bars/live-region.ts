// Announces changes of state to screen readers: training starts and stops, an edge is selected or fixed.

import { keyText } from "../protocol/structure";
import type { Context, View } from "../state/context";
import { endNames, stateText } from "../state/edge-text";
import { touches } from "../state/topics";
import { number } from "../text/format";
import { h, setText } from "../ui/dom";
import { stateWords } from "./status";

export function liveRegion(context: Context): View {
  const { store, ui } = context;
  const node = h("div", { class: "kw-hidden", role: "status", "aria-live": "polite", "data-kw-voice": "" });
  // Only changes are spoken: repeated text gets a trailing blank.
  const announce = (text: string) => setText(node, node.textContent === text ? `${text}\u00a0` : text);
  let state = "";
  let selected = "";
  let current = -1;
  const changes = (): string[] => {
    const sentences: string[] = [];
    const status = stateWords(context);
    if (status !== state) sentences.push(store.running ? status : `${status} at step ${store.state.status.step}`);
    state = status;
    const chosen = store.state.selection.edges.map(keyText).join();
    if (chosen !== selected) sentences.push(selectionText(context));
    selected = chosen;
    const { history } = store.state;
    if (history.current !== current) sentences.push(historyText(context));
    current = history.current;
    return sentences;
  };
  const draw: View["draw"] = (topics) => {
    if (touches(topics, "note") && ui.values.note) announce(ui.values.note);
    if (!touches(topics, "status", "link", "stopping", "selection", "history")) return;
    const first = current === -1;
    const sentences = changes().filter(Boolean);
    // The first state is not announced.
    if (!first && sentences.length > 0) announce(sentences.join(". "));
  };
  return { node, draw, destroy: () => {} };
}

function selectionText({ store }: Context): string {
  const { edges } = store.state.selection;
  if (edges.length !== 1) return edges.length === 0 ? "no edge selected" : `${edges.length} edges selected`;
  const { structure } = store.state;
  const edge = structure.edges.find((item) => keyText(item.key) === keyText(edges[0]!));
  return edge ? `${endNames(structure, edge.key).join(" to ")} selected, ${stateText(edge)}` : "";
}

function historyText({ store }: Context): string {
  const { states, current } = store.state.history;
  const state = states.find((item) => item.id === current);
  return state ? `${state.label}, error ${number(state.error)}` : "";
}
