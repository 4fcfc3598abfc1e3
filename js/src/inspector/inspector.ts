// The inspector of the selected edge: its function at the left, its candidates at the right.

import { menuOf } from "../menus/context-menu";
import { edgeKeys } from "../menus/edge-keys";
import { edgeContent } from "../menus/edge-menu";
import { saveMenu } from "../menus/save-menu";
import { type EdgeInfo, keyText } from "../protocol/structure";
import type { Context, View } from "../state/context";
import { boundText, endNames, functionName, importanceText, stateText } from "../state/edge-text";
import { selectedEdges } from "../state/graph";
import { type Topics, touches } from "../state/topics";
import { count } from "../text/format";
import { button, headedSection, iconButton } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { setIcon } from "../ui/icons";
import { Registry } from "../ui/listeners";
import { candidates } from "./candidates";
import { effect } from "./effect";
import { merges } from "./merges";
import { splinePlot } from "./spline-plot";

export function inspector(context: Context): View {
  const registry = new Registry();
  const heading = head(context, registry);
  const plot = splinePlot(context);
  const list = candidates(context);
  const words = merges(context);
  const empty = h(
    "p",
    { class: "kw-empty kw-dim" },
    "Click an edge of the network to see its function and the formulas that could replace it.",
  );
  const row = h("div", { class: "kw-detail kw-fill" }, plot.node, list.node, words.node);
  const change = effect(context, registry);
  const node = headedSection("inspector", "Edge", [heading.sub, heading.end]);
  node.classList.add("kw-fill", "kw-line");
  node.append(change.node, row, empty);
  edgeKeys(node, context, registry);
  const headLine = node.firstElementChild as HTMLElement;
  const title = node.querySelector("h2")!;
  const draw: View["draw"] = (topics) => {
    const { edges } = context.store.state.selection;
    change.draw(topics);
    if (touches(topics, "selection", "structure", "view", "link", "curves", "history")) {
      headLine.hidden = row.hidden = edges.length === 0;
      empty.hidden = edges.length > 0;
      heading.draw(topics, title);
      // Nothing takes the place of words, or of an edge that is gone.
      const state = selectedEdges(context.store)[0]?.state;
      list.node.toggleAttribute("hidden", state === "levels" || state === "pruned");
    }
    list.draw(topics);
    words.draw(topics);
    if (edges.length > 0) plot.draw(topics);
  };
  const destroy = () => {
    plot.destroy();
    list.destroy();
    words.destroy();
    registry.destroy();
  };
  return { node, draw, destroy };
}

function head(context: Context, registry: Registry) {
  const { act, ui, store } = context;
  const sub = h("span", { class: "kw-dim kw-cut" });
  const unfix = button({
    action: "unfix",
    small: true,
    label: "Back to spline",
    title: "Take the formula away; the spline that it replaced comes back",
  });
  const prune = button({
    action: "prune-edge",
    small: true,
    label: "Prune edge",
    title: "Remove it from the network (Delete key); Undo brings it back",
  });
  const previous = iconButton("previous-edge", "Previous edge", "left", { small: true });
  const next = iconButton("next-edge", "Next edge", "right", { small: true });
  const expand = iconButton("expand", "Expand", "expand", { small: true });
  const close = iconButton("deselect", "Close", "close", { small: true });
  registry.listen(close, "click", () => act.selectAll([]));
  registry.listen(unfix, "click", () => act.unfix());
  registry.listen(prune, "click", () => {
    if (selectedEdges(store).every(({ state }) => state === "pruned")) act.restore();
    else act.prune();
  });
  registry.listen(previous, "click", () => walk(context, -1));
  registry.listen(next, "click", () => walk(context, 1));
  const moreActs = iconButton("edge-menu", "More acts on the edge", "more", {
    small: true,
    attrs: { "aria-haspopup": "menu" },
  });
  const menu = menuOf(moreActs, registry, edgeContent(context));
  registry.listen(expand, "click", () => ui.set("expanded", !ui.values.expanded));
  const save = saveMenu(context, registry, () => ({ panel: "edge", label: "the curve of the edge" }));
  const end = h("span", { class: "kw-row kw-end" }, unfix, prune, moreActs, save.node, previous, next, expand, close);
  const draw = (topics: Topics, title: HTMLElement) => {
    menu.draw(topics);
    save.draw();
    const infos = selectedEdges(context.store);
    describe(context, infos, title, sub);
    const pruned = infos.length > 0 && infos.every(({ state }) => state === "pruned");
    unfix.hidden = act.isSavedPage || !infos.some(({ state }) => state === "symbolic" || state === "both");
    prune.hidden = act.isSavedPage;
    setText(prune.firstElementChild!, pruned ? "Restore edge" : "Prune edge");
    for (const item of [unfix, prune]) attrs(item, { disabled: !act.hasKernel });
    for (const item of [previous, next]) attrs(item, { disabled: store.state.structure.edges.length < 2 });
    setIcon(expand, ui.values.expanded ? "collapse" : "expand");
    attrs(expand, { "aria-pressed": String(ui.values.expanded) });
  };
  return { sub, end, draw };
}

function describe(context: Context, infos: EdgeInfo[], title: HTMLElement, sub: HTMLElement): void {
  describeTexts(context, infos, title, sub);
  // Long texts are cut: the title has them in full.
  for (const item of [title, sub]) item.title = item.textContent ?? "";
}

function describeTexts({ store }: Context, infos: EdgeInfo[], title: Element, sub: Element): void {
  const [info, second] = infos;
  if (!info) return;
  if (second) {
    setText(title, count(infos.length, "edge"));
    setText(
      sub,
      `${infos.map(({ key }) => endNames(store.state.structure, key).join(" → ")).join(", ")} · an act is done to all of them`,
    );
    return;
  }
  setText(title, endNames(store.state.structure, info.key).join(" → "));
  const bound = info.locked || info.tied !== undefined ? ` · ${boundText(store.state.structure, info)}` : "";
  const name = functionName(store.state.structure, info);
  setText(sub, `${name ? `${name} · ` : ""}${stateText(info)}${bound} · ${importanceText(store, info)}`);
}

/** Selects the edge before or after the selected one. */
function walk({ act, store }: Context, by: number): void {
  const { edges } = store.state.structure;
  const current = store.state.selection.edges[0];
  const at = current ? edges.findIndex((edge) => keyText(edge.key) === keyText(current)) : by > 0 ? -1 : 0;
  const next = edges[(at + by + edges.length) % edges.length];
  if (next) act.select(next.key);
}
