// Facts of the edge under the pointer. Screen readers get them in the edge's name.

import { type EdgeInfo, edgeKeys } from "../protocol/structure";
import type { Context } from "../state/context";
import { boundText, comparedTo, endNames, functionName, importanceText, stateText } from "../state/edge-text";
import { type Topics, touches } from "../state/topics";
import { pretty, rSquared } from "../text/format";
import { h, setText } from "../ui/dom";
import type { Box, Layout } from "./layout";

const GAP = 10;

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
  const draw = (topics: Topics, placement: Layout) => {
    if (!touches(topics, "hover", "structure", "curves", "candidates")) return;
    const infos = store.state.structure.edges;
    const keys = edgeKeys(store.state.structure);
    const { edges } = placement;
    const placed = ui.values.hover ? edges.find(({ index }) => keys[index] === ui.values.hover) : undefined;
    node.hidden = !placed;
    if (!placed) return;
    const info = infos[placed.index]!;
    setText(name, functionName(store.state.structure, info));
    setText(ends, endNames(store.state.structure, info.key).join(" → "));
    lines.replaceChildren(...facts(context, info).map((fact) => h("div", {}, fact)));
    // Measured at the left border, where nothing limits the width.
    node.style.left = "0";
    const { x, y } = cardPlace(placement, placed.index, node.offsetWidth, node.offsetHeight);
    node.style.left = `${x}px`;
    node.style.top = `${y}px`;
  };
  return { node, draw };
}

const overlap = (a: Box, b: Box): number =>
  Math.max(0, Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x)) *
  Math.max(0, Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y));

/** Position of a card that covers least: beside, above or below the edge's thumbnail, which counts most. */
export function cardPlace({ edges, nodes, width, height }: Layout, index: number, w: number, h: number): Box {
  const { box } = edges.find((edge) => edge.index === index)!;
  const boxes = edges.filter(({ tier }) => tier === "thumb").map((edge) => edge.box);
  boxes.push(...nodes.map(({ x, y }) => ({ x: x - 12, y: y - 12, w: 24, h: 24 })), box, box, box);
  const within = (value: number, limit: number) => Math.max(4, Math.min(value, limit - 4));
  const [right, left] = [box.x + box.w + GAP, box.x - w - GAP];
  const [above, below] = [box.y - h - GAP, box.y + box.h + GAP];
  const middle = box.x + (box.w - w) / 2;
  let best: Box | null = null;
  let smallest = Number.POSITIVE_INFINITY;
  for (const y of [box.y - 8, above, below])
    for (const x of y === box.y - 8 ? [right, left] : [middle, right, left]) {
      const candidate = { x: within(x, width - w), y: within(y, height - h), w, h };
      const hidden = boxes.reduce((sum, item) => sum + overlap(candidate, item), 0);
      if (hidden < smallest) [best, smallest] = [candidate, hidden];
    }
  return best!;
}

function facts({ store }: Context, info: EdgeInfo): string[] {
  const best =
    info.best && info.best_r2 !== null
      ? `best ${pretty(info.best)}, R² ${rSquared(info.best_r2)} to the ${comparedTo(info)}`
      : "";
  const bound = info.locked || info.tied !== undefined ? boundText(store.state.structure, info) : "";
  return [stateText(info), bound, importanceText(store, info), best].filter(Boolean);
}
