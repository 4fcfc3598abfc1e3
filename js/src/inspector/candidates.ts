// Candidates for the edge's function: a table, best first, imitations folded under what they imitate.

import { keyText } from "../protocol/structure";
import type { Context, View } from "../state/context";
import { comparedTo } from "../state/edge-text";
import { selectedEdges } from "../state/graph";
import { ranked } from "../state/ranking";
import { touches } from "../state/topics";
import { pretty } from "../text/format";
import { button } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";
import { SIMPLICITY_VALUES, slider } from "../ui/slider";
import { CandidateList } from "./candidate-list";
import { folded } from "./folding";

export function candidates(context: Context): View {
  const registry = new Registry();
  const { store, ui, act } = context;
  const filter = h("input", {
    type: "search",
    class: "kw-box kw-input kw-small kw-fill",
    placeholder: "filter",
    "aria-label": "Filter candidates by name",
    "data-kw-control": "filter",
  });
  const order = orderSlider(context, registry);
  const library = libraryPicker(context, registry);
  const table = new CandidateList(context, registry, () => show());
  const list = table.node;
  const note = h("p", { class: "kw-empty kw-dim" });
  const bar = h("div", { class: "kw-row kw-bar kw-order" }, order.node, filter);
  const heading = tableHeading(context);
  const scroll = h("div", { class: "kw-fill kw-scroll" }, list, note, library.node);
  const node = h("div", { class: "kw-col" }, bar, heading.node, scroll);
  let pinnedOrder: string[] | null = null;
  let shownOrder: string[] = [];
  const show = () => {
    const { rows } = store.state.candidates;
    const index = new Map(rows.map(({ name }, i) => [name, i]));
    const names = ranked(rows, ui.values.weight).map((i) => rows[i]!.name);
    // Under the pointer or the focus the order is frozen: new scores must not move a card that is about to be clicked.
    const sorted = pinnedOrder
      ? [...pinnedOrder.filter((name) => names.includes(name)), ...names.filter((name) => !pinnedOrder?.includes(name))]
      : names;
    shownOrder = sorted;
    const pattern = ui.values.filter.trim().toLowerCase();
    const visible = sorted.filter((name) => name.toLowerCase().includes(pattern) || pretty(name).includes(pattern));
    // A filter finds imitations too: without what they imitate they stand by themselves.
    const found = visible.map((name) => index.get(name)!);
    table.draw(pattern ? found.map((i) => ({ index: i, imitations: [] })) : folded(rows, found));
    heading.node.hidden = visible.length === 0;
    attrs(list, { "aria-busy": String(store.state.candidates.busy && act.hasKernel) });
    note.hidden = visible.length > 0;
    setText(note, emptyText(context, names.length));
  };
  registry.listen(filter, "input", () => ui.set("filter", filter.value));
  const presence = trackPresence(node, registry, (inside) => {
    pinnedOrder = inside ? [...shownOrder] : null;
    // Deferred: the focus may leave because a card is being removed.
    if (!inside) registry.frame(show);
  });
  let edge = "";
  // Reading or setting the position costs a layout.
  let scrolled = false;
  registry.listen(scroll, "scroll", () => {
    scrolled = true;
  });
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "candidates", "selection", "settings", "rank", "link", "structure")) return;
    const key = store.state.selection.edges.map(keyText).join();
    // Another edge starts with its own order, folded, scrolled to the top.
    if (key !== edge) {
      pinnedOrder = null;
      table.reset();
      if (scrolled) scroll.scrollTo(0, 0);
      scrolled = false;
    }
    edge = key;
    if (touches(topics, "rank")) pinnedOrder = null;
    heading.draw();
    order.draw();
    library.draw();
    show();
    // A new order by the slider is frozen as well.
    if (presence.inside) pinnedOrder ??= [...shownOrder];
  };
  return { node, draw, destroy: () => registry.destroy() };
}

/** Titles of the columns. */
function tableHeading({ store }: Context) {
  const words = h("span", { class: "kw-cut" });
  const node = h(
    "div",
    { class: "kw-candidate kw-heading kw-fine kw-dim", "aria-hidden": "true" },
    h("span", { title: "The curve and the candidate, below the difference, in one scale for all rows" }, "fit"),
    words,
    h(
      "span",
      {
        title:
          "Error of the network after the swap and a short training, on rows that it has not seen; R² of the function alone",
      },
      "error, R²",
    ),
    h("span", { title: "Complexity" }, "size"),
  );
  const draw = () => {
    words.title = `by R² to the ${comparedTo(selectedEdges(store)[0])}, size`;
    setText(words, words.title);
  };
  return { node, draw };
}

/** Tracks whether the pointer is over an element or the keyboard focus within it. */
function trackPresence(node: HTMLElement, registry: Registry, call: (inside: boolean) => void) {
  const state = { inside: false, over: false, focused: false };
  let pressed = false;
  const set = (trigger: "over" | "focused", active: boolean) => {
    state[trigger] = active;
    const inside = state.over || state.focused;
    if (inside === state.inside) return;
    state.inside = inside;
    call(inside);
  };
  registry.listen(node, "pointerenter", () => set("over", true));
  registry.listen(node, "pointerleave", () => set("over", false));
  // Focus by a click does not count: it stays behind when the pointer leaves.
  registry.listen(node, "pointerdown", () => {
    pressed = true;
  });
  registry.listen(node, "pointerup", () => {
    pressed = false;
  });
  registry.listen(node, "focusin", () => {
    if (!pressed) set("focused", true);
    pressed = false;
  });
  registry.listen(node, "focusout", (event) => {
    if (!node.contains(event.relatedTarget as Node | null)) set("focused", false);
  });
  return state;
}

function emptyText({ store, ui }: Context, candidateCount: number): string {
  if (candidateCount > 0) return `No candidate is called “${ui.values.filter}”.`;
  if (store.link === "lost") return "No candidates: the kernel is gone.";
  if (store.link === "live" && store.state.candidates.busy) return "Fitting candidates…";
  return store.link === "none" ? "No candidates were stored for this edge at this step." : "No candidates yet.";
}

/** Accuracy against simplicity: re-ranks at once in the page, and sends the value to the kernel. */
function orderSlider({ ui, act, store, uid }: Context, registry: Registry) {
  const control = slider(
    {
      name: "simplicity",
      label: "Simplicity",
      ends: ["accurate", "simple"],
      title: "Left: the best fit first. Right: the simplest first.",
      values: SIMPLICITY_VALUES,
      uid,
      format: (value) => value.toFixed(2),
      allows: () => true,
      range: "0 to 1",
      echo: (value) => ui.set("weight", value),
      commit: (value) => (store.link === "live" ? act.send({ kind: "rank", simplicity: value }) : null),
    },
    registry,
  );
  let accepted = Number.NaN;
  const draw = () => {
    const { simplicity } = store.state.settings;
    if (simplicity === accepted) return;
    accepted = simplicity;
    control.accept(simplicity, store.lastAck);
    ui.set("weight", simplicity);
  };
  return { node: control.node, draw };
}

/** All primitives of the library, also those without a candidate. */
function libraryPicker({ act, store }: Context, registry: Registry) {
  const select = h("select", {
    class: "kw-box kw-input kw-small kw-fill",
    "aria-label": "Other function",
    "data-kw-control": "other",
  });
  const fix = button({
    label: "Replace",
    small: true,
    attrs: { "data-kw-action": "fix-other", "aria-label": "Replace by the other function" },
  });
  const node = h("div", { class: "kw-row kw-other" }, select, fix);
  registry.listen(fix, "click", () => {
    if (select.value) act.fix(select.value);
  });
  const enable = () => attrs(fix, { disabled: !select.value || !act.hasKernel });
  registry.listen(select, "change", enable);
  let listed = "";
  const draw = () => {
    const { primitives } = store.state;
    if (primitives.join() !== listed) {
      listed = primitives.join();
      select.replaceChildren(
        h("option", { value: "" }, "other function…"),
        ...primitives.map((name) => h("option", { value: name }, pretty(name))),
      );
    }
    enable();
    node.hidden = act.isSavedPage;
  };
  return { node, draw };
}
