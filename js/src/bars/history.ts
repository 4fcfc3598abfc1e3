// The undo tree, one chip per act: an act after an undo starts a branch, and both branches are kept.

import type { StateInfo } from "../protocol/messages";
import type { Context, View } from "../state/context";
import { comparable, errorOf, errorText, labelOf } from "../state/errors";
import type { Store } from "../state/store";
import { touches } from "../state/topics";
import { number, pretty } from "../text/format";
import { activeIn, attrs, h, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";

interface PlacedState {
  state: StateInfo;
  column: number;
  lane: number;
  /** Lane of the parent. */
  from: number;
  /** A child follows in the same lane. */
  continues: boolean;
}

/** Lanes of the tree: first the path through the current state to its newest descendant, below it the branches. */
export function placeStates(states: readonly StateInfo[], current: number): PlacedState[] {
  const children = new Map<number | null, StateInfo[]>();
  for (const state of states) children.set(state.parent, [...(children.get(state.parent) ?? []), state]);
  const ids = new Set(states.map(({ id }) => id));
  const onPath = pathTo(states, current);
  const placed: PlacedState[] = [];
  let lanes = 0;
  const visit = (first: StateInfo, column: number, lane: number, from: number): void => {
    const waiting: [StateInfo, number][] = [];
    let state: StateInfo | undefined = first;
    let at = column;
    while (state) {
      const next: StateInfo[] = children.get(state.id) ?? [];
      placed.push({ state, column: at, lane, from: state === first ? from : lane, continues: next.length > 0 });
      // Without a current state further on, the newest act is the main line.
      const main: StateInfo | undefined = next.find(({ id }) => onPath.has(id)) ?? next.at(-1);
      for (const sibling of next) if (sibling !== main) waiting.push([sibling, at + 1]);
      state = main;
      at += 1;
    }
    for (const [sibling, start] of waiting.reverse()) {
      lanes += 1;
      visit(sibling, start, lanes, lane);
    }
  };
  for (const root of states.filter(({ parent }) => parent === null || !ids.has(parent))) visit(root, 0, lanes, lanes);
  return placed;
}

function pathTo(states: readonly StateInfo[], current: number): Set<number> {
  const byId = new Map(states.map((state) => [state.id, state]));
  const path = new Set<number>();
  let at: number | null = current;
  while (at !== null && byId.has(at) && !path.has(at)) {
    path.add(at);
    at = byId.get(at)!.parent;
  }
  return path;
}

export function history({ store, act }: Context): View {
  const registry = new Registry();
  const list = h("div", { class: "kw-tree", role: "list" });
  const node = h(
    "section",
    { class: "kw-history kw-line", "data-kw-panel": "history", "aria-label": "History", tabindex: -1 },
    list,
  );
  registry.listen(list, "click", (event) => {
    const id = (event.target as Element).closest("[data-kw-state-id]")?.getAttribute("data-kw-state-id");
    if (id && act.hasKernel) act.goTo(Number(id));
  });
  let scrolledTo = -1;
  let drawn = "";
  const show = () => reveal(node, list.querySelector<HTMLElement>("[aria-current]"));
  // An opening notebook draws outputs before they have a size; scrolling works only with a size.
  registry.resize(node, show);
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "history", "link", "settings", "status")) return;
    const { states, current } = store.state.history;
    const { error_name, label_spread } = store.state.settings;
    const signature = JSON.stringify([states, current, error_name, label_spread, act.hasKernel]);
    if (signature === drawn) {
      // While it trains, the current chip counts and says its error; a chip made anew would lose a press.
      const node = list.querySelector<HTMLElement>("[aria-current]");
      const state = states.find(({ id }) => id === current);
      if (node && state) write(node, state, store, act.hasKernel);
      return;
    }
    drawn = signature;
    const focused = list.contains(activeIn(list)) ? activeIn(list)?.getAttribute("data-kw-state-id") : null;
    list.replaceChildren(...placeStates(states, current).map((entry) => chip(entry, current, store, act.hasKernel)));
    if (focused) list.querySelector<HTMLElement>(`[data-kw-state-id="${focused}"]`)?.focus();
    if (current !== scrolledTo) registry.frame(show);
    scrolledTo = current;
  };
  return { node, draw, destroy: () => registry.destroy() };
}

function chip(
  { state, column, lane, from, continues }: PlacedState,
  current: number,
  store: Store,
  restorable: boolean,
): HTMLElement {
  const values = {
    class: "kw-box kw-button kw-chip",
    "data-kw-state-id": state.id,
    "data-kind": state.kind,
    "aria-current": state.id === current ? "true" : null,
  };
  const parts = [h("span"), h("span", { class: "kw-dim" })];
  // Without a kernel a state cannot be restored: the chip is text, not a disabled button.
  const label = restorable
    ? h("button", { type: "button", ...values }, ...parts)
    : h("span", { ...values, style: "cursor:default" }, ...parts);
  write(label, state, store, restorable);
  const item = h(
    "div",
    {
      role: "listitem",
      class: "kw-branch",
      "data-root": column === 0,
      "data-turn": lane !== from,
      "data-on": continues,
    },
    label,
  );
  item.style.gridColumn = String(column + 1);
  item.style.gridRow = String(lane + 1);
  item.style.setProperty("--kw-rise", String(lane - from));
  return item;
}

/** Writes the label and the error of a state into its chip. */
function write(node: HTMLElement, state: StateInfo, store: Store, restorable: boolean): void {
  const error = comparable(store.state.history).includes(state) ? errorOf(store, state) : null;
  setText(node.children[0] as HTMLElement, pretty(labelOf(store, state)));
  setText(node.children[1] as HTMLElement, error === null ? "" : number(error, 2));
  const facts = error === null ? pretty(state.label) : `${pretty(labelOf(store, state))}: ${errorText(store, error)}`;
  attrs(node, { title: `${facts}${restorable ? "; click to go there" : ""}` });
}

/** Scrolls the bar, and nothing around it, to the current state. */
function reveal(bar: HTMLElement, chip: HTMLElement | null): void {
  if (!chip) return;
  const [outer, inner] = [bar.getBoundingClientRect(), chip.getBoundingClientRect()];
  if (inner.right > outer.right || inner.left < outer.left) bar.scrollLeft += inner.right - outer.right + 24;
  if (inner.bottom > outer.bottom || inner.top < outer.top) bar.scrollTop += inner.bottom - outer.bottom + 8;
}
