// What an edge is, beside the pointer. Screen readers have the same in the edge's name.
import { type Context, endNames, stateText } from "../context";
import { h, setText } from "../dom";
import { number, pretty, rSquared } from "../format";
import type { Layout } from "../layout";
import { type EdgeInfo, edgeKeys, keyText } from "../protocol";
import { type Topics, touches } from "../topics";

const WIDTH = 190;

export function hoverCard(context: Context) {
  const { store, ui } = context;
  const name = h("b");
  const ends = h("span", { class: "kw-dim kw-cut" });
  const lines = h("div", { class: "kw-dim" });
  const node = h(
    "div",
    { class: "kw-card kw-box kw-pop kw-fine", "aria-hidden": "true", hidden: true },
    h("div", { class: "kw-row" }, name, ends),
    lines,
  );
  const draw = (topics: Topics, { edges, width, height }: Layout) => {
    if (!touches(topics, "hover", "structure", "curves")) return;
    const infos = store.state.structure.edges;
    const keys = edgeKeys(store.state.structure);
    const placed = ui.values.hover ? edges.find(({ index }) => keys[index] === ui.values.hover) : undefined;
    node.hidden = !placed;
    if (!placed) return;
    const info = infos[placed.index]!;
    setText(name, info.name);
    setText(ends, endNames(store.state.structure, info.key).join(" → "));
    lines.replaceChildren(...facts(context, info).map((fact) => h("div", {}, fact)));
    const right = placed.box.x + placed.box.w + 10;
    node.style.left = `${Math.max(4, right + WIDTH > width ? placed.box.x - node.offsetWidth - 10 : right)}px`;
    node.style.top = `${Math.max(4, Math.min(placed.box.y - 8, height - 90))}px`;
  };
  return { node, draw };
}

function facts({ store }: Context, info: EdgeInfo): string[] {
  const importance = store.curves.get(keyText(info.key))?.importance;
  const best = info.best && info.best_r2 !== null ? `best ${pretty(info.best)}, R² ${rSquared(info.best_r2)}` : "";
  return [stateText(info) + (info.locked ? ", pinned" : ""), `importance ${number(importance)}`, best].filter(Boolean);
}
