// Candidates for the edge's function: small multiples on shared axes, best first.

import { keyText } from "../protocol/structure";
import type { Context, View } from "../state/context";
import { ranked } from "../state/ranking";
import { type Topics, touches } from "../state/topics";
import { pretty } from "../text/format";
import { button } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";
import { SIMPLICITY_VALUES, slider } from "../ui/slider";
import { CardList } from "./card-list";

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
  const cards = new CardList(context, registry);
  const list = cards.node;
  const note = h("p", { class: "kw-empty kw-dim" });
  const bar = h("div", { class: "kw-row kw-bar" }, order.node, filter, library.node);
  const node = h("div", { class: "kw-col" }, bar, list, note);
  let pinnedOrder: string[] | null = null;
  const show = (topics: Topics) => {
    const { rows } = store.state.candidates;
    const names = ranked(rows, ui.values.weight).map((i) => rows[i]!.name);
    // Under the pointer or the focus the order is frozen: new scores must not move a card that is about to be clicked.
    const sorted = pinnedOrder
      ? [...pinnedOrder.filter((name) => names.includes(name)), ...names.filter((name) => !pinnedOrder?.includes(name))]
      : names;
    const pattern = ui.values.filter.trim().toLowerCase();
    const visible = sorted.filter((name) => name.toLowerCase().includes(pattern) || pretty(name).includes(pattern));
    if (topics.has("size")) cards.resized();
    cards.draw(visible);
    attrs(list, { "aria-busy": String(store.state.candidates.busy && act.hasKernel) });
    note.hidden = visible.length > 0;
    setText(note, emptyText(context, names.length));
  };
  registry.listen(filter, "input", () => ui.set("filter", filter.value));
  const presence = trackPresence(node, registry, (inside) => {
    pinnedOrder = inside ? cards.names : null;
    // Deferred: the focus may leave because a card is being removed.
    if (!inside) registry.frame(() => show(new Set()));
  });
  registry.listen(list, "click", (event) => {
    const pressed = (event.target as Element).closest("[data-kw-action]");
    const name = pressed?.closest("[data-kw-candidate]")?.getAttribute("data-kw-candidate");
    if (name) act.fix(name, pressed?.getAttribute("data-kw-action") === "fix-both");
  });
  let edge = "";
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "candidates", "selection", "settings", "rank", "link", "structure", "size")) return;
    const key = store.state.selection.edges.map(keyText).join();
    // Another edge starts with its own order, scrolled to the top.
    if (key !== edge) {
      pinnedOrder = null;
      cards.top();
    }
    edge = key;
    if (touches(topics, "rank")) pinnedOrder = null;
    order.draw();
    library.draw();
    show(topics);
    // A new order by the slider is frozen as well.
    if (presence.inside) pinnedOrder ??= cards.names;
  };
  return { node, draw, destroy: () => registry.destroy() };
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
    label: "Fix",
    small: true,
    attrs: { "data-kw-action": "fix-other", "aria-label": "Fix to the other function" },
  });
  const node = h("span", { class: "kw-row kw-fill", style: "min-width:168px" }, select, fix);
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
