// The elements of edges: a wire and a wide invisible path to hit, and above all wires the thumbnail.
import { type Context, stateText } from "../context";
import { attrs, place, s } from "../dom";
import { number, pretty } from "../format";
import { type Box, type PlacedEdge, wirePath } from "../layout";
import { type EdgeInfo, keyText } from "../protocol";
import { extent, linear, path } from "../scales";
import { type Topics, touches as touching } from "../topics";

interface Parts {
  wire: SVGPathElement;
  hit: SVGPathElement;
  group: SVGGElement;
  frame: SVGRectElement;
  curve: SVGPathElement;
  badge: SVGGElement | null;
  drawn: string;
}

export class EdgeLayer {
  readonly wires = s("g", { class: "kw-wires", "aria-hidden": "true" });
  readonly node = s("g", { class: "kw-edges" });
  #parts = new Map<string, Parts>();
  #order = "";

  constructor(private readonly context: Context) {}

  /** Which edges have elements: those with a tier of their own, the selected ones and the one pointed at. */
  #shown(placed: readonly PlacedEdge[]): PlacedEdge[] {
    const { store, ui } = this.context;
    const { edges } = store.state.structure;
    const extra = new Set(store.state.selection.edges.map(keyText));
    for (const key of [ui.values.hover, ui.values.cursor]) if (key) extra.add(key);
    return placed.filter(({ tier, index }) => tier !== "merged" || extra.has(keyText(edges[index]!.key)));
  }

  draw(placed: readonly PlacedEdge[], importance: Float32Array, topics: Topics): void {
    const { store, ui } = this.context;
    const { edges } = store.state.structure;
    const selected = new Set(store.state.selection.edges.map(keyText));
    const shown = this.#shown(placed);
    this.#keep(shown);
    const stop = this.#tabStop(shown);
    const moved = touching(topics, "structure", "size", "view", "curves");
    for (const edge of shown) {
      const info = edges[edge.index]!;
      const key = keyText(info.key);
      const parts = this.#parts.get(key)!;
      const full = edge.tier === "thumb" || selected.has(key) || ui.values.hover === key;
      if (moved || parts.drawn !== String(full)) this.#shape(parts, edge, info, importance[edge.index] ?? 0, full);
      attrs(parts.group, { "aria-pressed": String(selected.has(key)), tabindex: key === stop ? 0 : -1 });
      for (const node of [parts.group, parts.wire]) {
        attrs(node, { "data-selected": selected.has(key), "data-hover": ui.values.hover === key });
      }
    }
  }

  /** Exactly one edge is reached by Tab. */
  #tabStop(shown: PlacedEdge[]): string | null {
    const { edges } = this.context.store.state.structure;
    const keys = shown.map(({ index }) => keyText(edges[index]!.key));
    const wanted = this.context.ui.values.cursor;
    return wanted && keys.includes(wanted) ? wanted : (keys[0] ?? null);
  }

  /** Makes and removes elements so that there is one set per shown edge; thumbnails lie above bare wires. */
  #keep(shown: PlacedEdge[]): void {
    const { edges } = this.context.store.state.structure;
    const rank = { hidden: 0, merged: 1, wire: 0, thumb: 2 };
    const keys = [...shown]
      .sort((a, b) => rank[a.tier] - rank[b.tier] || a.index - b.index)
      .map(({ index }) => keyText(edges[index]!.key));
    const order = keys.join();
    if (order === this.#order) return;
    this.#order = order;
    const wanted = new Set(keys);
    for (const key of this.#parts.keys()) if (!wanted.has(key)) this.#parts.delete(key);
    for (const key of keys) if (!this.#parts.has(key)) this.#parts.set(key, make(key));
    const parts = keys.map((key) => this.#parts.get(key)!);
    place(
      this.wires,
      parts.flatMap(({ wire, hit }) => [wire, hit]),
    );
    place(
      this.node,
      parts.map(({ group }) => group),
    );
  }

  #shape(parts: Parts, edge: PlacedEdge, info: EdgeInfo, importance: number, full: boolean): void {
    parts.drawn = String(full);
    const through = full && edge.tier === "thumb";
    const d = wirePath(edge, through);
    const pruned = info.state === "pruned";
    const strength = Math.sqrt(importance);
    attrs(parts.wire, {
      d,
      "data-kw-state": info.state,
      "stroke-width": pruned ? 1 : (0.9 + 3.4 * strength).toFixed(2),
      "stroke-opacity": pruned ? 1 : (0.3 + 0.7 * strength).toFixed(2),
    });
    attrs(parts.hit, { d });
    attrs(parts.group, {
      "data-kw-state": info.state,
      "data-bare": !full,
      "data-locked": info.locked,
      "aria-label": label(this.context, info, importance),
    });
    attrs(parts.frame, full ? { ...rect(edge.box), d: null } : { x: 0, y: 0, width: 0, height: 0 });
    attrs(parts.curve, {
      d: full ? this.#curve(info, edge.box) : "",
      "stroke-opacity": pruned ? 0.75 : (0.55 + 0.45 * strength).toFixed(2),
    });
    drawBadge(parts, info, full ? edge.box : null);
  }

  #curve(info: EdgeInfo, box: Box): string {
    const curve = this.context.store.curves.get(keyText(info.key));
    if (!curve) return "";
    const { values } = curve;
    const [low, high] = extent(values);
    const x = linear(0, values.length - 1, box.x + 4, box.x + box.w - 4);
    const y = linear(low, high, box.y + box.h - 5, box.y + 5);
    return path(
      Array.from(values, (_, i) => i),
      values,
      x,
      y,
    );
  }
}

const rect = ({ x, y, w, h }: Box) => ({ x: x.toFixed(1), y: y.toFixed(1), width: w.toFixed(1), height: h.toFixed(1) });

function make(key: string): Parts {
  const wire = s("path", { class: "kw-wire" });
  const hit = s("path", { class: "kw-hit", "data-hit": key });
  const frame = s("rect", { class: "kw-thumb", rx: 4 });
  const curve = s("path", { class: "kw-thumb-curve" });
  const group = s("g", { class: "kw-edge", role: "button", "data-kw-edge": key, tabindex: -1 }, frame, curve);
  return { wire, hit, group, frame, curve, badge: null, drawn: "" };
}

function label({ store }: Context, info: EdgeInfo, importance: number): string {
  const [layer, from, to] = info.key as [number, number, number];
  const { nodes } = store.state.structure;
  const source = nodes.find(({ key }) => key[0] === layer && key[1] === from)?.name ?? "";
  const target = nodes.find(({ key, subnodes }) => key[0] === layer + 1 && subnodes.includes(to))?.name ?? "";
  const locked = info.locked ? ", pinned" : "";
  return `${info.name}, ${source} to ${target}, ${stateText(info)}, importance ${number(importance, 2)}${locked}`;
}

/** The name of a fixed function, under the thumbnail. */
function drawBadge(parts: Parts, info: EdgeInfo, box: Box | null): void {
  const name = info.function && (info.state === "symbolic" || info.state === "both") ? pretty(info.function) : null;
  if (!name || !box) {
    parts.badge?.remove();
    parts.badge = null;
    return;
  }
  parts.badge ??= parts.group.appendChild(
    s("g", { class: "kw-badge" }, s("rect", { rx: 8, height: 16 }), s("text", { "text-anchor": "middle" })),
  );
  const text = info.state === "both" ? `${name} + φ` : name;
  const width = text.length * 6.4 + 12;
  const [x, y] = [box.x + box.w / 2, box.y + box.h + 2];
  attrs(parts.badge.firstElementChild!, {
    x: (x - width / 2).toFixed(1),
    y: (y - 5).toFixed(1),
    width: width.toFixed(1),
  });
  attrs(parts.badge.lastElementChild!, { x: x.toFixed(1), y: (y + 7).toFixed(1) });
  if (parts.badge.textContent !== text) parts.badge.lastElementChild!.textContent = text;
}
