// What an edge is, beside the pointer. Screen readers have the same in the edge's name.
import { type Context, stateText } from "../context";
import { h, setText } from "../dom";
import { number, pretty, rSquared } from "../format";
import type { Layout } from "../layout";
import { keyText } from "../protocol";
import { type Topics, touches } from "../topics";

const WIDTH = 190;

export function hoverCard({ store, ui }: Context) {
  const name = h("b");
  const ends = h("span", { class: "kw-sub" });
  const lines = h("div");
  const node = h("div", { class: "kw-card", "aria-hidden": "true", hidden: true }, h("div", {}, name, ends), lines);
  const draw = (topics: Topics, { edges, width, nodes }: Layout) => {
    if (!touches(topics, "hover", "structure", "curves")) return;
    const infos = store.state.structure.edges;
    const placed = edges.find(({ index }) => infos[index] && keyText(infos[index].key) === ui.values.hover);
    node.hidden = !placed;
    if (!placed) return;
    const info = infos[placed.index]!;
    const [layer, from, to] = info.key as [number, number, number];
    const source = nodes.find((one) => one.info.key[0] === layer && one.info.key[1] === from);
    const target = nodes.find((one) => one.info.key[0] === layer + 1 && one.info.subnodes.includes(to));
    setText(name, info.name);
    setText(ends, `${source?.info.name ?? ""} → ${target?.info.name ?? ""}`);
    const importance = store.curves.get(keyText(info.key))?.importance;
    const best = info.best && info.best_r2 !== null ? `best ${pretty(info.best)}, R² ${rSquared(info.best_r2)}` : "";
    const facts = [stateText(info) + (info.locked ? ", pinned" : ""), `importance ${number(importance)}`, best];
    lines.replaceChildren(...facts.filter(Boolean).map((fact) => h("div", {}, fact)));
    const left = placed.box.x + placed.box.w + 10;
    node.style.left = `${Math.max(4, left + WIDTH > width ? placed.box.x - WIDTH - 8 : left)}px`;
    node.style.top = `${Math.max(4, placed.box.y - 8)}px`;
  };
  return { node, draw };
}
