// The elements of edges: a wire and a wide invisible path to hit, and above all wires the thumbnail. Edges without a
// slot for a thumbnail show one that floats above the rest while they are selected or pointed at.
import { type Context, endNames, stateText } from "../context";
import { activeIn, attrs, line, place, s, setText } from "../dom";
import { number, pretty } from "../format";
import { boundText, edgesOf, graph, isPinned } from "../graph";
import { type Box, type PlacedEdge, wirePath } from "../layout";
import { cut, measure } from "../names";
import { type EdgeInfo, edgeKeys, keyText } from "../protocol";
import { extent, linear, path } from "../scales";
import { type Topics, touches } from "../topics";

interface Parts {
  wire: SVGPathElement;
  hit: SVGPathElement;
  group: SVGGElement;
  frame: SVGRectElement;
  curve: SVGPathElement;
  badge: SVGGElement | null;
  /** Signs above the thumbnails, which its name says in words: what a preview would fix it to, pin and lock. */
  mark: SVGGElement | null;
  bound: SVGGElement | null;
  sign: string;
  /** What the curve was last drawn from. */
  drawn: unknown[];
}

const DASH: Record<EdgeInfo["state"], string | null> = { spline: null, symbolic: null, both: "9 3", pruned: "1.5 3.5" };
/** A bare wire has no label that says it. */
const BARE: Partial<typeof DASH> = { symbolic: "12 2 2 2" };

export class EdgeLayer {
  readonly wires = s("g", { "aria-hidden": "true" });
  readonly node = s("g");
  readonly signs = s("g", { class: "kw-float", "aria-hidden": "true" });
  readonly floating = s("g", { class: "kw-float", "aria-hidden": "true" });
  #parts = new Map<string, Parts>();
  #order = "";
  #heights: number[] = [];
  #marks: ReadonlyMap<string, string> = new Map();

  constructor(private readonly context: Context) {}

  #key(edge: PlacedEdge): string {
    return edgeKeys(this.context.store.state.structure)[edge.index]!;
  }

  /** Which edges have elements: those with a tier of their own, the selected ones and the one pointed at. */
  #shown(placed: readonly PlacedEdge[], full: ReadonlySet<string>): PlacedEdge[] {
    const { cursor } = this.context.ui.values;
    return placed.filter((edge) => {
      if (edge.tier !== "merged") return true;
      const key = this.#key(edge);
      return full.has(key) || key === cursor;
    });
  }

  /** `marks` are the edges that would be fixed, and to what. */
  draw(
    placed: readonly PlacedEdge[],
    importance: Float32Array,
    topics: Topics,
    marks: ReadonlyMap<string, string>,
  ): void {
    const { store, ui } = this.context;
    const near = this.#near();
    const selected = new Set(store.state.selection.edges.map(keyText));
    const full = new Set(selected);
    if (ui.values.hover) full.add(ui.values.hover);
    const shown = this.#shown(placed, full);
    const fresh = this.#keep(shown);
    const stop = this.#tabStop(shown);
    const moved = touches(topics, "structure", "size", "view", "curves") || marks !== this.#marks;
    this.#marks = marks;
    if (moved) this.#heights = store.curves.leastHeights(store.state.structure);
    for (const edge of shown) {
      const key = this.#key(edge);
      const parts = this.#parts.get(key)!;
      if (moved || fresh.has(key)) this.#shape(parts, edge, importance[edge.index] ?? 0);
      attrs(parts.group, { "aria-pressed": String(selected.has(key)), tabindex: key === stop ? 0 : -1 });
      for (const node of [parts.group, parts.wire])
        attrs(node, {
          "data-selected": selected.has(key),
          "data-hover": ui.values.hover === key || near.has(key),
          "data-marked": marks.has(key),
        });
    }
    this.#float(
      shown.filter((edge) => edge.tier !== "thumb" && full.has(this.#key(edge))),
      selected,
    );
  }

  /** The edges of the node that is pointed at. */
  #near(): Set<string> {
    const { structure } = this.context.store.state;
    const node = graph(structure).nodes.get(this.context.ui.values.hover ?? "");
    if (!node) return new Set();
    const { into, out } = edgesOf(structure, node);
    return new Set([...into, ...out].map(({ key }) => keyText(key)));
  }

  /** Exactly one edge, or one node, is reached by Tab. */
  #tabStop(shown: PlacedEdge[]): string | null {
    const keys = shown.map((edge) => this.#key(edge));
    const wanted = this.context.ui.values.cursor;
    if (graph(this.context.store.state.structure).nodes.has(wanted ?? "")) return null;
    return wanted && keys.includes(wanted) ? wanted : (keys[0] ?? null);
  }

  /** Makes and removes elements so that there is one set per shown edge; thumbnails lie above bare wires. */
  #keep(shown: PlacedEdge[]): Set<string> {
    const sorted = [...shown].sort(
      (a, b) => Number(a.tier === "thumb") - Number(b.tier === "thumb") || a.index - b.index,
    );
    const keys = sorted.map((edge) => this.#key(edge));
    const fresh = new Set<string>();
    const order = sorted.map((edge, i) => edge.tier + keys[i]).join();
    if (order === this.#order) return fresh;
    this.#order = order;
    const wanted = new Set(keys);
    for (const [key, parts] of this.#parts) {
      if (wanted.has(key)) continue;
      unsign(parts);
      this.#parts.delete(key);
    }
    for (const key of keys) {
      if (this.#parts.has(key)) continue;
      this.#parts.set(key, make(key));
      fresh.add(key);
    }
    const focused = activeIn(this.node);
    const parts = sorted.map((edge, i) => ({ ...this.#parts.get(keys[i]!)!, bare: edge.tier !== "thumb" }));
    // A wire is hit below all thumbnails; without one the hit path is the edge's own body, which can take the focus.
    place(
      this.wires,
      parts.flatMap(({ wire, hit, bare }) => (bare ? [wire] : [wire, hit])),
    );
    for (const { group, hit, frame, curve, badge, bare } of parts)
      place(group, bare ? [hit] : badge ? [frame, curve, badge] : [frame, curve]);
    place(
      this.node,
      parts.map(({ group }) => group),
    );
    // Moving an element takes the focus away from it.
    if (focused && this.node.contains(focused) && activeIn(this.node) !== focused)
      (focused as SVGElement).focus({ preventScroll: true });
    return fresh;
  }

  #shape(parts: Parts, edge: PlacedEdge, importance: number): void {
    const info = this.context.store.state.structure.edges[edge.index]!;
    const thumb = edge.tier === "thumb";
    const d = wirePath(edge, thumb);
    attrs(parts.wire, {
      d,
      "data-state": info.state,
      "stroke-dasharray": thumb ? DASH[info.state] : (BARE[info.state] ?? DASH[info.state]),
      ...weight(info, importance, thumb),
    });
    attrs(parts.hit, { d });
    attrs(parts.group, {
      "data-kw-state": info.state,
      "data-state": info.state,
      "aria-label": describe(this.context, info, importance, this.#marks),
    });
    if (!thumb) {
      unsign(parts);
      return;
    }
    attrs(parts.frame, {
      ...rect(edge.box),
      "stroke-dasharray": isPinned(info) ? "2 2" : info.state === "both" ? "6 2" : null,
    });
    attrs(parts.curve, { "stroke-width": info.state === "pruned" ? 1.2 : 1.8 });
    this.#thumb(parts, info, edge.box);
    const mark = this.#marks.get(this.#key(edge));
    parts.badge = label(parts.badge, parts.group, mark === undefined ? badgeText(info) : null, edge.box);
    parts.mark = label(parts.mark, this.signs, mark === undefined ? null : markText(mark, edge.box.w), edge.box);
    if (parts.mark) attrs(parts.mark, { "data-state": "symbolic" });
    this.#bind(parts, info, edge.box);
  }

  #bind(parts: Parts, info: EdgeInfo, box: Box): void {
    const bound = isPinned(info) || info.tied !== undefined;
    const now = bound ? [isPinned(info), info.tied, info.state, box.x, box.y].join() : "";
    if (now === parts.sign) return;
    parts.sign = now;
    parts.bound?.remove();
    parts.bound = bound ? boundSign(info, box) : null;
    if (parts.bound) this.signs.append(parts.bound);
  }

  /** The curve in a thumbnail, when its numbers or its place have changed. */
  #thumb(parts: Parts, info: EdgeInfo, box: Box): void {
    const values = this.context.store.curves.get(keyText(info.key))?.values;
    const height = this.#heights[info.key[0]!];
    const now = [values?.buffer, values?.byteOffset, height, box.x, box.y, box.w, box.h];
    if (now.every((value, i) => value === parts.drawn[i])) return;
    parts.drawn = now;
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
    const [low, high] = atLeast(extent(values), this.#heights[info.key[0]!] ?? 0);
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

/** A range widened on both sides to a height. */
function atLeast([low, high]: [number, number], height: number): [number, number] {
  const missing = Math.max(0, height - (high - low)) / 2;
  return [low - missing, high + missing];
}

/** Importance as width and opacity; many bare wires in one layer are drawn lighter, so that they stay apart. */
function weight(info: EdgeInfo, importance: number, thumb: boolean) {
  if (info.state === "pruned") return { "stroke-width": 1, "stroke-opacity": 1 };
  const strength = Math.sqrt(importance);
  const width = thumb ? 0.9 + 3.4 * strength : 0.5 + 1.6 * importance;
  const opacity = thumb ? 0.35 + 0.65 * strength : 0.12 + 0.6 * importance;
  return { "stroke-width": width.toFixed(2), "stroke-opacity": opacity.toFixed(2) };
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
    drawn: [],
  };
}

function describe({ store }: Context, info: EdgeInfo, importance: number, marks: ReadonlyMap<string, string>): string {
  const [source, target] = endNames(store.state.structure, info.key);
  const bound = info.locked || info.tied !== undefined ? `, ${boundText(store.state.structure, info)}` : "";
  // The name contains the words that are seen: on both, those of the badge.
  const state = info.state === "both" ? badgeText(info) : stateText(info);
  const mark = marks.get(keyText(info.key));
  const would = mark === undefined ? "" : `, would be fixed to ${pretty(mark)}`;
  return `${info.name}, ${source} to ${target}, ${state}, importance ${number(importance, 2)}${bound}${would}`;
}

/** A pin for an edge that is not trained; two links of a chain, and their number, for one that shares its function. */
function boundSign(info: EdgeInfo, box: Box): SVGGElement {
  const { tied, state } = info;
  const pin = isPinned(info)
    ? [line("M-2.5 -4.5h5m-4 0l-.6 4.3l-1.6 1.6h7.4l-1.6 -1.6l-.6 -4.3M0 1.6v3.6", "", 1.2)]
    : [];
  const chain = "M1 -2h-3a2 2 0 0 0 0 4h1.4M-1 2h3a2 2 0 0 0 0 -4h-1.4";
  const number = String((tied ?? 0) + 1);
  const from = pin.length * 13;
  const link = [line(chain, "", 1.4), s("text", { class: "kw-f", x: 6, y: 4 }, number)];
  const links = tied === undefined ? [] : [s("g", { transform: `translate(${from} 0)` }, ...link)];
  const width = 14 + (tied === undefined ? 0 : from + 7 * number.length);
  const plate = s("rect", { class: "kw-solid", x: -7, y: -7, width, height: 14, rx: 7 });
  // Over the corner, where it hides least of the curve.
  const transform = `translate(${(box.x + box.w + 10 - width).toFixed(1)} ${(box.y - 1).toFixed(1)})`;
  const looks = {
    class: "kw-badge kw-strong kw-fine",
    transform,
    "data-state": state,
    "data-bound": keyText(info.key),
  };
  return s("g", looks, plate, ...pin, ...links);
}

/** The name of a fixed function. */
function badgeText(info: EdgeInfo): string | null {
  if (!info.function || !(info.state === "symbolic" || info.state === "both")) return null;
  return info.state === "both" ? `${pretty(info.function)} + φ` : pretty(info.function);
}

/** What a preview would fix it to. These stand side by side: none may be wider than its thumbnail. */
const markText = (name: string, width: number): string =>
  width > 60 ? `→ ${cut(pretty(name), width / 6.4 - 3)}` : cut(pretty(name), width / 6.4 - 1);

/** A label under a thumbnail, or none; the old one is used again. */
function label(old: SVGGElement | null, parent: Element, text: string | null, box: Box): SVGGElement | null {
  if (!text) {
    old?.remove();
    return null;
  }
  const badge =
    old ??
    s(
      "g",
      { class: "kw-badge kw-strong kw-fine" },
      s("rect", { class: "kw-solid", rx: 8, height: 16 }),
      s("text", { class: "kw-f", "text-anchor": "middle" }),
    );
  if (!old) parent.append(badge);
  const width = measure(text) * 6.4 + (box.w > 50 ? 12 : 7);
  const [x, y] = [box.x + box.w / 2, box.y + box.h + 2];
  const [plate, words] = [badge.firstElementChild!, badge.lastElementChild!];
  attrs(plate, { x: (x - width / 2).toFixed(1), y: (y - 5).toFixed(1), width: width.toFixed(1) });
  attrs(words, { x: x.toFixed(1), y: (y + 7).toFixed(1) });
  setText(words, text);
  return badge;
}
