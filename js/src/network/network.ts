// The section of the network: the drawing, its acts, its menu and the symbolify preview.

import { ContextMenu } from "../menus/context-menu";
import { edgeKeys } from "../menus/edge-keys";
import type { Context, View } from "../state/context";
import { type Topics, touches } from "../state/topics";
import { button, iconButton } from "../ui/controls";
import { attrs } from "../ui/dom";
import { Registry } from "../ui/listeners";
import { Drawing } from "./drawing";
import { networkInput } from "./input";
import { symbolifyPreview } from "./symbolify-preview";

export function network(context: Context): View {
  const registry = new Registry();
  const acts = networkActs(context, registry);
  const preview = symbolifyPreview(context, registry);
  const drawing = new Drawing(context, registry, [preview.opener, ...acts.nodes], preview);
  const menu = new ContextMenu();
  networkInput(drawing, menu, registry);
  edgeKeys(drawing.node, context, registry);
  const draw = (topics: Topics) => {
    acts.draw(topics);
    preview.draw(topics);
    drawing.draw(topics);
    menu.draw(topics);
  };
  const destroy = () => {
    preview.destroy();
    menu.close(false);
    registry.destroy();
  };
  return { node: drawing.node, draw, destroy };
}

function networkActs({ act, store }: Context, registry: Registry) {
  const prune = button({
    action: "prune",
    label: "Prune",
    small: true,
    title: "Remove edges and nodes that hardly matter",
  });
  const refine = button({ action: "refine", label: "Refine", small: true });
  const extend = iconButton("extend", "Extend", "further", {
    small: true,
    title: "Extend: refine and train, again and again, while the held-out error gets smaller",
  });
  registry.listen(prune, "click", () => act.send({ kind: "prune" }));
  registry.listen(refine, "click", () => act.send({ kind: "refine", grid: finer(store.state.settings.grid) }));
  registry.listen(extend, "click", () => act.send({ kind: "extend" }));
  const draw = (topics: Topics) => {
    if (!touches(topics, "settings", "link")) return;
    const { grid } = store.state.settings;
    for (const node of [prune, refine, extend]) node.hidden = act.isSavedPage;
    for (const node of [prune, extend]) attrs(node, { disabled: !act.hasKernel });
    attrs(refine, {
      disabled: !act.hasKernel || grid >= 200,
      title: `Grid ${grid} → ${finer(grid)}: finer splines, the same functions`,
    });
  };
  return { nodes: [prune, refine, extend], draw };
}

const finer = (grid: number): number => Math.min(200, grid * 2);
