// Levels of words that may have one value: groupings that the data allow, the likeliest first.

import type { Context, View } from "../state/context";
import { selectedEdges } from "../state/graph";
import { touches } from "../state/topics";
import { number } from "../text/format";
import { button } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";

const ODDS = "How much likelier it is, given the data, than the values as they are; R² of the values";

export function merges({ act, store }: Context): View {
  const registry = new Registry();
  const heading = h("p", { class: "kw-dim" });
  const list = h("div");
  const split = button({ action: "split", small: true, label: "Split", title: "Each level gets its own value again" });
  const node = h(
    "section",
    { class: "kw-merges kw-scroll", "data-kw-panel": "merges", "aria-label": "Levels with one value" },
    heading,
    list,
    split,
  );
  registry.listen(node, "click", (event) => {
    const pressed = (event.target as Element).closest<HTMLElement>("button");
    const [edge] = selectedEdges(store);
    if (!pressed || !edge) return;
    const groups = store.state.candidates.merges?.[Number(pressed.dataset.kwRow)]?.groups ?? [];
    act.send({ kind: "merge_levels", edge: edge.key, groups });
  });
  let drawn = "";
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "candidates", "selection", "structure", "link", "status")) return;
    const { merges: rows, merged, busy } = store.state.candidates;
    const [edge] = selectedEdges(store);
    // Where nothing can be said of them the plot has the room.
    const silent = !busy && !rows && !merged;
    node.toggleAttribute("hidden", edge?.state !== "levels" || edge.levels === 2 || silent);
    setText(heading, headingText(rows, merged));
    split.hidden = act.isSavedPage || !merged;
    const text = JSON.stringify(rows ?? []);
    if (text !== drawn) list.replaceChildren(...(rows ?? []).map(row));
    drawn = text;
    for (const item of node.querySelectorAll("button")) attrs(item, { disabled: !act.hasKernel || store.running });
  };
  return { node, draw, destroy: () => registry.destroy() };

  function row({ text, odds, r2 }: Row, index: number): HTMLElement {
    const apply = button({ action: "merge", small: true, label: "Merge", attrs: { "data-kw-row": String(index) } });
    apply.setAttribute("aria-label", `Merge: ${text}`);
    apply.hidden = act.isSavedPage;
    const facts = h("span", { class: "kw-dim kw-fine kw-fill", title: ODDS }, `odds ${odds}, R² ${number(r2)}`);
    return h("div", {}, text, h("div", { class: "kw-row" }, facts, apply));
  }
}

type Row = NonNullable<Context["store"]["state"]["candidates"]["merges"]>[number];

function headingText(rows: readonly Row[] | undefined, merged: boolean | undefined): string {
  if (!rows) return merged ? "Merged levels have one value." : "";
  if (rows.length > 0) return "Levels that may have one value:";
  return `The data tell ${merged ? "the other" : "all these"} levels apart.`;
}
