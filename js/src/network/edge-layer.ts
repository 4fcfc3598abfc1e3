// Elements of the edges: a wire, a wide invisible path for the pointer, and above all wires the thumbnail. An edge
// without room for a thumbnail shows a floating one while it is selected or under the pointer.

import { extent, linear, path, type Scale } from "../plot/scales";
import { type EdgeInfo, edgeKeys, keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import { boundText, endNames, functionName, importanceText, stateText } from "../state/edge-text";
import { edgesOf, graph } from "../state/graph";
import { type Topics, touches } from "../state/topics";
import { pretty } from "../text/format";
import { attrs, line, s, setChildren } from "../ui/dom";
import { badgeText, boundSign, label, markText } from "./edge-signs";
import { type Box, type PlacedEdge, wirePath } from "./layout";

interface Parts {
  wire: SVGPathElement;
  hit: SVGPathElement;
  group: SVGGElement;
  frame: SVGRectElement;
  curve: SVGPathElement;
  badge: SVGGElement | null;
  /** Sign above the thumbnail: the primitive of the preview. The accessible name has the words. */
  mark: SVGGElement | null;
  /** Sign above the thumbnail: the pin of a frozen edge, or the chain of tied edges. */
  bound: SVGGElement | null;
  /** Inputs of the last drawing of `bound`. */
  sign: string;
  /** Inputs of the last drawing: position, curve, wire width, flags. */
  placed: PlacedEdge | null;
  drawn: unknown[];
  weight: string;
  looks: string;
}

/** Interval for renewing accessible names during training: one per frame would be noise for screen readers. */
const NAME_MS = 1000;

const DASH: Record<EdgeInfo["state"], string | null> = {
  spline: null,
  symbolic: null,
  both: "9 3",
  pruned: "1.5 3.5",
  levels: null,
};
/** Dash of a wire without a thumbnail, which has no label either. */
const BARE: Partial<typeof DASH> = { symbolic: "12 2 2 2" };

export class EdgeLayer {
  readonly wires = s("g", { "aria-hidden": "true" });
  readonly node = s("g");
  readonly signs = s("g", { class: "kw-float", "aria-hidden": "true" });
  readonly floating = s("g", { class: "kw-float", "aria-hidden": "true" });
  #parts = new Map<string, Parts>();
  #drawn: PlacedEdge[] = [];
  /** Inputs of the last choice of visible edges. */
  #shownFor: unknown[] = [];
  #order = "";
  #namesWrittenAt = 0;
  #heights: ReadonlyMap<string, number> = new Map();
  #marks: ReadonlyMap<string, string> = new Map();

  constructor(private readonly context: Context) {}

  #key(edge: PlacedEdge): string {
    return edgeKeys(this.context.store.state.structure)[edge.index]!;
  }

  /** Chooses the edges with elements: all but merged edges, selected edges, and the edge under the pointer. */
  #show(edges: readonly PlacedEdge[], full: ReadonlySet<string>): void {
    const { cursor } = this.context.ui.values;
    const key = [edges, cursor, ...full];
    if (key.length === this.#shownFor.length && key.every((item, i) => item === this.#shownFor[i])) return;
    this.#shownFor = key;
    this.#drawn = edges.filter((edge) => {
      if (edge.tier !== "merged") return true;
      const key = this.#key(edge);
      return full.has(key) || key === cursor;
    });
    this.#keep(this.#drawn);
  }

  /** `marks`: edges of the symbolify preview with their primitives. */
  draw(
    edges: readonly PlacedEdge[],
    importance: Float32Array,
    topics: Topics,
    marks: ReadonlyMap<string, string>,
  ): void {
    const { store, ui } = this.context;
    const near = this.#near();
    const selected = new Set(store.state.selection.edges.map(keyText));
    const full = new Set(selected);
    if (ui.values.hover) full.add(ui.values.hover);
    this.#show(edges, full);
    const stop = this.#tabStop();
    const remarked = marks !== this.#marks;
    const moved = remarked || touches(topics, "structure", "size", "view", "curves");
    const due = !store.running || Date.now() - this.#namesWrittenAt > NAME_MS;
    const rewriteNames = due && touches(topics, "curves", "status");
    if (rewriteNames) this.#namesWrittenAt = Date.now();
    this.#marks = marks;
    if (moved) this.#heights = store.curves.minimumHeights(store.state.structure);
    for (const edge of this.#drawn) {
      const key = this.#key(edge);
      const parts = this.#parts.get(key)!;
      const strength = importance[edge.index] ?? 0;
      const changed = remarked || parts.placed !== edge;
      if (changed) this.#put(parts, edge);
      if (changed || moved) this.#weigh(parts, edge, strength);
      if (changed || rewriteNames) this.#name(parts, edge);
      const hover = ui.values.hover === key || near.has(key);
      mark(parts, key === stop, selected.has(key), hover, marks.has(key));
    }
    this.#float(
      this.#drawn.filter((edge) => edge.tier !== "thumb" && full.has(this.#key(edge))),
      selected,
    );
  }

  /** The edges of the node under the pointer. */
  #near(): Set<string> {
    const { structure } = this.context.store.state;
    const keys = this.context.ui.values.hover?.split(" ") ?? [];
    // A part of the formula that comes from several edges.
    if (keys.length > 1) return new Set(keys);
    const node = graph(structure).nodes.get(this.context.ui.values.hover ?? "");
    if (!node) return new Set();
    const { into, out } = edgesOf(structure, node);
    return new Set([...into, ...out].map(({ key }) => keyText(key)));
  }

  /** Exactly one edge, or one node, is reached by Tab. */
  #tabStop(): string | null {
    const cursor = this.context.ui.values.cursor;
    if (graph(this.context.store.state.structure).nodes.has(cursor ?? "")) return null;
    const [first] = this.#drawn;
    return cursor && this.#parts.has(cursor) ? cursor : first ? this.#key(first) : null;
  }

  /** Creates and removes elements to have one set per visible edge; thumbnails lie above bare wires. */
  #keep(visible: PlacedEdge[]): void {
    const sorted = [...visible].sort(
      (a, b) => Number(a.tier === "thumb") - Number(b.tier === "thumb") || a.index - b.index,
    );
    const keys = sorted.map((edge) => this.#key(edge));
    const order = sorted.map((edge, i) => edge.tier + keys[i]).join();
    if (order === this.#order) return;
    this.#order = order;
    const current = new Set(keys);
    for (const [key, parts] of this.#parts) {
      if (current.has(key)) continue;
      unsign(parts);
      this.#parts.delete(key);
    }
    for (const key of keys) {
      if (!this.#parts.has(key)) this.#parts.set(key, make(key));
    }
    const parts = sorted.map((edge, i) => ({ ...this.#parts.get(keys[i]!)!, bare: edge.tier !== "thumb" }));
    // Hit paths lie below all thumbnails. Without a thumbnail the hit path is the body of the edge and takes the focus.
    setChildren(
      this.wires,
      parts.flatMap(({ wire, hit, bare }) => (bare ? [wire] : [wire, hit])),
    );
    for (const { group, hit, frame, curve, badge, bare } of parts)
      setChildren(group, bare ? [hit] : badge ? [frame, curve, badge] : [frame, curve]);
    setChildren(
      this.node,
      parts.map(({ group }) => group),
    );
  }

  #info(edge: PlacedEdge): EdgeInfo {
    return this.context.store.state.structure.edges[edge.index]!;
  }

  /** Writes attributes that depend on position and state. */
  #put(parts: Parts, edge: PlacedEdge): void {
    parts.placed = edge;
    const info = this.#info(edge);
    const thumb = edge.tier === "thumb";
    const d = wirePath(edge, thumb);
    attrs(parts.wire, {
      d,
      "data-state": info.state,
      "stroke-dasharray": thumb ? DASH[info.state] : (BARE[info.state] ?? DASH[info.state]),
    });
    attrs(parts.hit, { d });
    attrs(parts.group, { "data-kw-state": info.state, "data-state": info.state });
    if (!thumb) {
      unsign(parts);
      return;
    }
    attrs(parts.frame, {
      ...rect(edge.box),
      "stroke-dasharray": info.frozen ? "2 2" : info.state === "both" ? "6 2" : null,
    });
    attrs(parts.curve, { "stroke-width": info.state === "pruned" ? 1.2 : 1.8 });
    const mark = this.#marks.get(this.#key(edge));
    parts.badge = label(
      parts.badge,
      parts.group,
      mark === undefined ? badgeText(info, functionName(this.context.store.state.structure, info)) : null,
      edge.box,
    );
    parts.mark = label(parts.mark, this.signs, mark === undefined ? null : markText(mark, edge.box.w), edge.box);
    if (parts.mark) attrs(parts.mark, { "data-state": "symbolic" });
    this.#bind(parts, info, edge.box);
  }

  /** Writes attributes that every frame of a training changes. */
  #weigh(parts: Parts, edge: PlacedEdge, importance: number): void {
    const thumb = edge.tier === "thumb";
    const info = this.#info(edge);
    const looks = weight(info, importance, thumb);
    const key = Object.values(looks).join();
    if (key !== parts.weight) attrs(parts.wire, looks);
    parts.weight = key;
    if (thumb) this.#thumb(parts, info, edge.box);
  }

  #name(parts: Parts, edge: PlacedEdge): void {
    attrs(parts.group, { "aria-label": describe(this.context, this.#info(edge), this.#marks) });
  }

  #bind(parts: Parts, info: EdgeInfo, box: Box): void {
    const bound = info.frozen || info.tied !== undefined;
    const key = bound ? [info.frozen, info.tied, info.state, box.x, box.y].join() : "";
    if (key === parts.sign) return;
    parts.sign = key;
    parts.bound?.remove();
    parts.bound = bound ? boundSign(info, box) : null;
    if (parts.bound) this.signs.append(parts.bound);
  }

  /** Draws the curve of a thumbnail, if its samples or its position have changed. */
  #thumb(parts: Parts, info: EdgeInfo, box: Box): void {
    const values = this.context.store.curves.get(keyText(info.key))?.values;
    const height = this.#heights.get(keyText(info.key));
    const key = [values?.buffer, values?.byteOffset, height, box.x, box.y, box.w, box.h];
    if (key.every((value, i) => value === parts.drawn[i])) return;
    parts.drawn = key;
    attrs(parts.curve, { d: this.#curve(info, box) });
  }

  #float(edges: PlacedEdge[], selected: ReadonlySet<string>): void {
    const { structure } = this.context.store.state;
    this.floating.replaceChildren(
      ...edges.map((edge) => {
        const info = structure.edges[edge.index]!;
        const frame = s("rect", { class: "kw-solid", rx: 4, ...rect(edge.box) });
        const curve = line(this.#curve(info, edge.box), "", 1.8);
        const marks = selected.has(this.#key(edge)) ? { "data-selected": true } : { "data-hover": true };
        return s("g", { "data-state": info.state, ...marks }, frame, curve);
      }),
    );
  }

  #curve(info: EdgeInfo, box: Box): string {
    const values = this.context.store.curves.get(keyText(info.key))?.values;
    if (!values) return "";
    const [low, high] = atLeast(extent(values), this.#heights.get(keyText(info.key)) ?? 0);
    const y = linear(low, high, box.y + box.h - 5, box.y + 5);
    if (info.levels) return dashes(info.levels, values, box, y);
    const x = linear(0, values.length - 1, box.x + 4, box.x + box.w - 4);
    return path(
      Array.from(values, (_, i) => i),
      values,
      x,
      y,
    );
  }
}

/** A dash for each level of words, at its value. */
function dashes(levels: number, values: Float32Array, { x, w }: Box, y: Scale): string {
  const room = (w - 8) / levels;
  const dash = (i: number) => {
    const value = values[Math.round((i * (values.length - 1)) / (levels - 1))]!;
    return `M${(x + 4 + (i + 0.15) * room).toFixed(1)} ${y(value).toFixed(1)}h${(0.7 * room).toFixed(1)}`;
  };
  return Array.from({ length: levels }, (_, i) => dash(i)).join("");
}

/** A range widened on both sides to a height. */
function atLeast([low, high]: [number, number], height: number): [number, number] {
  const missing = Math.max(0, height - (high - low)) / 2;
  return [low - missing, high + missing];
}

/** Writes the flags: tab stop, selected, under the pointer, in a preview. */
function mark(parts: Parts, stop: boolean, selected: boolean, hover: boolean, marked: boolean): void {
  const looks = [stop, selected, hover, marked].join();
  if (looks === parts.looks) return;
  parts.looks = looks;
  attrs(parts.group, { "aria-pressed": String(selected), tabindex: stop ? 0 : -1 });
  for (const node of [parts.group, parts.wire])
    attrs(node, { "data-selected": selected, "data-hover": hover, "data-marked": marked });
}

/**
 * Importance as width and opacity, rounded to invisible steps: each write costs a style and a layout. Bare wires are
 * lighter, so that many of them stay distinguishable.
 */
function weight(info: EdgeInfo, importance: number, thumb: boolean) {
  if (info.state === "pruned") return { "stroke-width": 1, "stroke-opacity": 1 };
  const strength = Math.sqrt(importance);
  const width = thumb ? 0.9 + 3.4 * strength : 0.5 + 1.6 * importance;
  const opacity = thumb ? 0.35 + 0.65 * strength : 0.12 + 0.6 * importance;
  return { "stroke-width": width.toFixed(1), "stroke-opacity": (Math.round(opacity * 50) / 50).toFixed(2) };
}

const rect = ({ x, y, w, h }: Box) => ({ x: x.toFixed(1), y: y.toFixed(1), width: w.toFixed(1), height: h.toFixed(1) });

function unsign(parts: Parts): void {
  parts.mark?.remove();
  parts.bound?.remove();
  Object.assign(parts, { mark: null, bound: null, sign: "" });
}

function make(key: string): Parts {
  return {
    wire: line("", "kw-wire"),
    hit: s("path", { class: "kw-hit", "data-hit": key }),
    frame: s("rect", { class: "kw-solid", rx: 4 }),
    curve: line("", ""),
    group: s("g", { class: "kw-edge", role: "button", "data-kw-edge": key, tabindex: -1 }),
    badge: null,
    mark: null,
    bound: null,
    sign: "",
    placed: null,
    drawn: [],
    weight: "",
    looks: "",
  };
}

function describe({ store }: Context, info: EdgeInfo, marks: ReadonlyMap<string, string>): string {
  const [source, target] = endNames(store.state.structure, info.key);
  const bound = info.locked || info.tied !== undefined ? `, ${boundText(store.state.structure, info)}` : "";
  // The accessible name contains the visible text, for `both` that of the badge.
  const name = functionName(store.state.structure, info);
  const state = info.state === "both" ? badgeText(info, name) : stateText(info);
  const mark = marks.get(keyText(info.key));
  const would = mark === undefined ? "" : `, would be replaced by ${pretty(mark)}`;
  return `${name ? `${name}, ` : ""}${source} to ${target}, ${state}, ${importanceText(store, info)}${bound}${would}`;
}
