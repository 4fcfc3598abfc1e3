// The network: every wire carries its own spline. Elements are kept per edge and only what changed is written.
import type { Context, View } from "../context";
import { attrs, h, s, setText } from "../dom";
import { count } from "../format";
import { distance, type Layout, layout, type PlacedEdge } from "../layout";
import { Registry } from "../listeners";
import { type Tier, tiers } from "../lod";
import { type EdgeInfo, keyText } from "../protocol";
import type { Topics } from "../topics";
import { touches } from "../topics";
import { button, panel } from "./controls";
import { hoverCard } from "./hover-card";
import { EdgeLayer } from "./network-edges";
import { networkInput } from "./network-input";
import { drawNodes } from "./network-nodes";

/** Importance changes while training runs: which edges get a thumbnail is decided anew this often. */
const RESORT_MS = 2000;
const HIT_PX = 8;

export function network(context: Context): View {
  const registry = new Registry();
  const drawing = new Drawing(context, registry);
  return { node: drawing.node, draw: (topics) => drawing.draw(topics), destroy: () => registry.destroy() };
}

export class Drawing {
  readonly node: HTMLElement;
  readonly svg: SVGSVGElement;
  #size = { width: 440, height: 430 };
  #placed: Layout = { width: 0, height: 0, nodes: [], edges: [] };
  #tiers: Tier[] = [];
  #sorted = 0;
  #crowded = false;
  #merged = s("g", { class: "kw-merged", "aria-hidden": "true" });
  #nodes = s("g", { class: "kw-nodes" });
  #edges: EdgeLayer;
  #sub = h("span", { class: "kw-sub" });
  #more = h("p", { class: "kw-more", hidden: true });
  #card: ReturnType<typeof hoverCard>;
  #stage: HTMLElement;

  constructor(
    readonly context: Context,
    registry: Registry,
  ) {
    this.#edges = new EdgeLayer(context);
    this.svg = s(
      "svg",
      { class: "kw-net", role: "group" },
      this.#merged,
      this.#edges.wires,
      this.#nodes,
      this.#edges.node,
    );
    this.#card = hoverCard(context);
    this.#stage = h("div", { class: "kw-stage" }, this.svg as unknown as HTMLElement, this.#card.node);
    const { node } = panel("network", "Network", this.#sub, h("span", { class: "kw-end" }, ...this.#acts(registry)));
    node.append(this.#stage, this.#more, legend());
    this.node = node;
    networkInput(this, registry);
    registry.resize(this.#stage, (width, height) => {
      this.#size = { width: Math.floor(width), height: Math.floor(height) };
      context.ui.touch("size");
    });
  }

  #acts(registry: Registry): HTMLElement[] {
    const { act, store, ui } = this.context;
    const prune = button({ action: "prune", label: "Prune", title: "Remove the edges and nodes that hardly matter" });
    const refine = button({ action: "refine", label: "Refine", title: "Twice as many grid intervals, same functions" });
    const auto = button({
      action: "auto-symbolic",
      label: "Auto-symbolic",
      title: "Fix every edge to its best formula",
    });
    const ghosts = button({
      label: "Pruned",
      title: "Show pruned edges",
      attrs: { "data-kw-toggle": "pruned", class: "kw-button kw-toggle" },
    });
    registry.listen(prune, "click", () => act.send({ kind: "prune" }));
    registry.listen(refine, "click", () =>
      act.send({ kind: "refine", grid: Math.min(200, store.state.settings.grid * 2) }),
    );
    registry.listen(auto, "click", () => act.send({ kind: "auto", r2: null }));
    registry.listen(ghosts, "click", () => ui.set("showPruned", !ui.values.showPruned));
    this.#drawActs = () => {
      for (const one of [prune, refine, auto]) attrs(one, { disabled: !act.possible });
      attrs(refine, { disabled: !act.possible || store.state.settings.grid >= 200 });
      attrs(ghosts, { "aria-pressed": String(ui.values.showPruned) });
      ghosts.hidden = !store.state.structure.edges.some((edge) => edge.state === "pruned");
    };
    return [ghosts, prune, refine, auto];
  }
  #drawActs: () => void = () => {};

  get placed(): readonly PlacedEdge[] {
    return this.#placed.edges;
  }

  edge(placed: PlacedEdge): EdgeInfo {
    return this.context.store.state.structure.edges[placed.index]!;
  }

  draw(topics: Topics): void {
    const { structure } = this.context.store.state;
    const importance = this.context.store.curves.importance(structure);
    const due = topics.has("curves") && this.#crowded && Date.now() - this.#sorted > RESORT_MS;
    if (touches(topics, "structure", "size", "view") || due) this.#arrange(importance);
    if (touches(topics, "structure", "settings", "link", "view")) this.#drawActs();
    if (touches(topics, "structure", "size", "view", "curves", "selection", "hover")) {
      this.#edges.draw(this.#placed.edges, importance, topics);
      drawNodes(this.#nodes, this.#placed, this.context);
    }
    this.#card.draw(topics, this.#placed);
  }

  #arrange(importance: Float32Array): void {
    const { structure } = this.context.store.state;
    const { width, height } = this.#size;
    const wanted = tiers({
      edges: structure.edges,
      importance,
      width: width - 20,
      showPruned: this.context.ui.values.showPruned,
    });
    this.#sorted = Date.now();
    this.#crowded = wanted.some((tier) => tier === "wire" || tier === "merged");
    this.#tiers = wanted;
    this.#placed = layout(structure, wanted, width, height);
    attrs(this.svg, {
      width,
      height: this.#placed.height,
      viewBox: `0 0 ${width} ${this.#placed.height}`,
      "aria-label": `Network ${shapeText(structure.width)}, ${count(structure.edges.length, "edge")}; arrow keys move, Enter selects`,
    });
    this.#describe();
    this.#drawMerged();
  }

  #describe(): void {
    const { edges, width } = this.context.store.state.structure;
    const active = edges.filter((edge) => edge.state !== "pruned").length;
    setText(this.#sub, `${shapeText(width)} · ${active} of ${count(edges.length, "edge")} active`);
    const merged = this.#tiers.filter((tier) => tier === "merged").length;
    const bare = this.#tiers.filter((tier) => tier === "wire").length;
    this.#more.hidden = merged + bare === 0;
    const weak = merged > 0 ? `; the ${count(merged, "weakest", "weakest")} are drawn as one line a layer` : "";
    setText(this.#more, `Thumbnails on the most important edges, point at any wire for its own${weak}.`);
  }

  #drawMerged(): void {
    const layers = new Map<number, string>();
    for (const edge of this.#placed.edges) {
      if (edge.tier !== "merged") continue;
      const layer = this.edge(edge).key[0]!;
      const [sx, sy, tx, ty] = [...edge.source, ...edge.target].map(Math.round) as [number, number, number, number];
      const middle = (sy + ty) >> 1;
      layers.set(layer, `${layers.get(layer) ?? ""}M${sx} ${sy}C${sx} ${middle} ${tx} ${middle} ${tx} ${ty}`);
    }
    this.#merged.replaceChildren(...[...layers.values()].map((d) => s("path", { d })));
  }

  /** The edge whose wire passes nearest to a point of the drawing, for wires without an element of their own. */
  near(x: number, y: number): EdgeInfo | null {
    let best: PlacedEdge | null = null;
    let least = HIT_PX;
    for (const edge of this.#placed.edges) {
      const gap = edge.tier === "merged" ? distance(edge, x, y) : Number.POSITIVE_INFINITY;
      if (gap < least) [best, least] = [edge, gap];
    }
    return best ? this.edge(best) : null;
  }

  /** The element of an edge, drawn now if it was not. */
  element(key: string): SVGElement | null {
    return this.#edges.node.querySelector<SVGElement>(`[data-kw-edge="${key}"]`);
  }

  find(key: string): EdgeInfo | undefined {
    return this.context.store.state.structure.edges.find((edge) => keyText(edge.key) === key);
  }
}

/** `[2, 5, 1]`; layers with products as `3+2×`. */
export const shapeText = (width: number[][]): string =>
  `[${width.map(([sum, product]) => (product ? `${sum}+${product}×` : String(sum))).join(", ")}]`;

function legend(): HTMLElement {
  const item = (state: string, label: string) =>
    h(
      "span",
      {},
      s(
        "svg",
        { width: 22, height: 8, "aria-hidden": "true" },
        s("path", { class: "kw-wire", d: "M1 4H21", "data-kw-state": state, "stroke-width": 2.4 }),
      ) as unknown as HTMLElement,
      label,
    );
  return h(
    "div",
    { class: "kw-legend" },
    item("spline", "spline"),
    item("symbolic", "fixed formula"),
    item("both", "formula + spline"),
    item("pruned", "pruned"),
    h("span", {}, "width = importance"),
  );
}
