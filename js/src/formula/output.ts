// A typeset formula of one or more outputs. Its parts and the edges they come from light each other, a click on a part selects its
// edges, and a selection is copied as LaTeX.

import type { MathNode } from "../protocol/messages";
import { keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import { edgesOf, graph } from "../state/graph";
import { type Topics, touches } from "../state/topics";
import { wrapping } from "../text/mathml";
import { attrs, h } from "../ui/dom";
import type { Registry } from "../ui/listeners";

export interface Output {
  node: HTMLElement;
  /** Shows other trees, if they are others; false if not. */
  write(trees: readonly MathNode[]): boolean;
  draw(topics: Topics): void;
}

/** `latex` gives what a selection copies. */
export function output(context: Context, registry: Registry, latex: () => string): Output {
  const { act, store, ui } = context;
  const node = h("div", { class: "kw-output kw-math", tabindex: 0, role: "group", "aria-label": "Formula" });
  const keysAt = (target: EventTarget | null) =>
    (target as Element).closest<HTMLElement>("[data-edges]")?.getAttribute("data-edges") ?? null;
  registry.listen(node, "pointerover", (event) => ui.set("hover", keysAt(event.target)));
  registry.listen(node, "pointerleave", () => ui.set("hover", null));
  registry.listen(node, "click", (event) => {
    // Who selects text to copy it doesn't mean the edge.
    if (!String(getSelection() ?? "")) act.selectAll(edgesOfKeys(context, keysAt(event.target)));
  });
  registry.listen(node, "copy", (event) => {
    (event as ClipboardEvent).clipboardData?.setData("text/plain", latex());
    event.preventDefault();
    ui.set("note", "LaTeX copied");
  });
  let written = "";
  const light = () => {
    const lit = litKeys(context);
    const selected = new Set(store.state.selection.edges.map(keyText));
    for (const part of node.querySelectorAll("[data-edges]")) {
      const keys = part.getAttribute("data-edges")!.split(" ");
      attrs(part, {
        "data-lit": keys.some((key) => lit.has(key)),
        "data-chosen": keys.some((key) => selected.has(key)),
      });
    }
  };
  const write = (trees: readonly MathNode[]) => {
    const json = JSON.stringify(trees);
    if (json === written) return false;
    written = json;
    node.replaceChildren(...trees.map((tree) => h("div", {}, wrapping(tree))));
    light();
    return true;
  };
  return {
    node,
    write,
    draw: (topics) => {
      if (touches(topics, "hover", "selection", "structure")) light();
    },
  };
}

/** The keys of the edges under the pointer, wherever that is: of a part or an edge, or those that lead into a node. */
function litKeys({ store, ui }: Context): Set<string> {
  const { hover } = ui.values;
  const { structure } = store.state;
  const node = graph(structure).nodes.get(hover ?? "");
  return new Set(node ? edgesOf(structure, node).into.map(({ key }) => keyText(key)) : hover?.split(" "));
}

const edgesOfKeys = ({ store }: Context, keys: string | null) =>
  (keys?.split(" ") ?? []).flatMap((key) => {
    const edge = graph(store.state.structure).edges.get(key);
    return edge ? [edge.key] : [];
  });
