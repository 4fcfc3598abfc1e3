// The drawing of the network: wires carry thumbnails where there is room. Elements are kept per edge; only changes are written.
import { type EdgeInfo, keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import { graph } from "../state/graph";
import { type Topics, touches } from "../state/topics";
import { count, thousands } from "../text/format";
import { headedSection } from "../ui/controls";
import { attrs, h, line, s, setText } from "../ui/dom";
import type { Registry } from "../ui/listeners";
import { type Tier, tiers } from "./detail-levels";
import { EdgeLayer } from "./edge-layer";
import { hoverCard } from "./hover-card";
import { distance, type Layout, layout, type PlacedEdge, type PlacedNode, pillWidth } from "./layout";
import { legend } from "./legend";
import { drawNodes } from "./nodes";
import type { SymbolifyPreview } from "./symbolify-preview";

/** Interval for choosing the edges with a thumbnail anew: importance changes during training. */
const REARRANGE_MS = 2000;

const HIT_PX = 8;

export class Drawing {
  readonly node: HTMLElement;
  readonly svg: SVGSVGElement;
  readonly stage: HTMLElement;
  #size = { width: 440, height: 430 };
  #placed: Layout = { width: 0, height: 0, nodes: [], edges: [] };
  #tiers: Tier[] = [];
  #tiersChosenAt = 0;
  #importance: Float32Array = new Float32Array();
  #marks: ReadonlyMap<string, string> = new Map();
  #merged = s("g", { "aria-hidden": "true" });
  #nodes = s("g", { class: "kw-nodes" });
  #edges: EdgeLayer;
  #subtitle = h("span", { class: "kw-dim kw-cut" });
  #note = h("p", { class: "kw-dim kw-fine kw-more", hidden: true }, "Point at a line without a curve to see it.");
  #legend: ReturnType<typeof legend>;
  #card: ReturnType<typeof hoverCard>;

  constructor(
    readonly context: Context,
    registry: Registry,
    acts: HTMLElement[],
    private readonly preview: SymbolifyPreview,
  ) {
    this.#edges = new EdgeLayer(context);
    const { wires, node: edges, signs, floating } = this.#edges;
    this.svg = s("svg", { role: "group" }, this.#merged, wires, this.#nodes, edges, signs, floating);
    this.#card = hoverCard(context);
    this.#legend = legend(context, registry);
    this.stage = h("div", { class: "kw-stage kw-fill kw-scroll" }, this.svg, this.#card.node);
    this.node = headedSection("network", "Network", [this.#subtitle, h("span", { class: "kw-row kw-end" }, ...acts)]);
    this.node.append(preview.node, this.stage, this.#note, this.#legend.node);
    registry.resize(this.stage, (width, height) => {
      this.#size = { width: Math.floor(width), height: Math.floor(height) };
      context.ui.touch("size");
    });
  }

  get edges(): readonly PlacedEdge[] {
    return this.#placed.edges;
  }

  edge(placed: PlacedEdge): EdgeInfo {
    return this.context.store.state.structure.edges[placed.index]!;
  }

  draw(topics: Topics): void {
    const { structure } = this.context.store.state;
    if (touches(topics, "structure", "curves")) this.#importance = this.context.store.curves.importance(structure);
    const importance = this.#importance;
    const due = topics.has("curves") && this.#crowded && Date.now() - this.#tiersChosenAt > REARRANGE_MS;
    const rearranged = due || touches(topics, "structure", "size", "view");
    if (rearranged) this.#arrange(importance);
    const remarked = this.#marks !== this.preview.marked;
    if (remarked || rearranged || touches(topics, "curves", "selection", "hover", "status"))
      this.#edges.draw(this.#placed.edges, importance, topics, this.preview.marked);
    if (remarked) this.#drawMerged();
    if (rearranged || touches(topics, "hover")) drawNodes(this.#nodes, this.#placed, this.context);
    this.#card.draw(topics, this.#placed);
  }

  get #crowded(): boolean {
    const { edges } = this.context.store.state.structure;
    return this.#tiers.some((tier, i) => tier === "wire" || (tier === "merged" && edges[i]?.state !== "pruned"));
  }

  #arrange(importance: Float32Array): void {
    const { structure } = this.context.store.state;
    const { width, height } = this.#size;
    const { showPruned } = this.context.ui.values;
    this.#tiers = tiers({ edges: structure.edges, importance, width: width - 20, showPruned });
    this.#tiersChosenAt = Date.now();
    this.#placed = layout(structure, this.#tiers, width, height);
    attrs(this.svg, {
      width,
      height: this.#placed.height,
      viewBox: `0 0 ${width} ${this.#placed.height}`,
      "aria-label": `Network ${shapeText(structure.width)}, ${count(structure.edges.length, "edge")}; arrow keys move, Enter selects, Shift+Space adds`,
    });
    // On a narrow page, which scrolls as a whole, the drawing has the height that its layers need.
    this.node.style.setProperty("--kw-layers", String(structure.width.length - 1));
    this.#describe();
    this.#drawMerged();
  }

  #describe(): void {
    const { edges, width } = this.context.store.state.structure;
    const active = edges.filter((edge) => edge.state !== "pruned").length;
    const all = count(edges.length, "edge");
    const summary = `${shapeText(width)} · ${active < edges.length ? `${thousands(active)} of ` : ""}${all}`;
    setText(this.#subtitle, summary);
    this.#subtitle.title = `${summary} active`;
    this.#note.hidden = !this.#crowded;
    this.#legend.draw(active < edges.length);
  }

  #drawMerged(): void {
    const layers = new Map<string, string>();
    this.#marks = this.preview.marked;
    for (const edge of this.#placed.edges) {
      const info = this.edge(edge);
      if (edge.tier !== "merged" || info.state === "pruned") continue;
      // Edges of the symbolify preview are highlighted.
      const layer = `${this.#marks.size > 0 && this.#marks.has(keyText(info.key)) ? "kw-c3" : "kw-c8"} ${info.key[0]}`;
      const [sx, sy, tx, ty] = [...edge.source, ...edge.target].map(Math.round) as [number, number, number, number];
      const middle = (sy + ty) >> 1;
      layers.set(layer, `${layers.get(layer) ?? ""}M${sx} ${sy}C${sx} ${middle} ${tx} ${middle} ${tx} ${ty}`);
    }
    const lines = [...layers].map(([layer, d]) => line(d, layer.split(" ")[0]!, layer.startsWith("kw-c3") ? 1.2 : 0.8));
    this.#merged.replaceChildren(...lines);
  }

  /** The nearest wire to a point, among edges without a thumbnail. */
  near(x: number, y: number): EdgeInfo | null {
    let best: PlacedEdge | null = null;
    let smallest = HIT_PX;
    for (const edge of this.#placed.edges) {
      const unseen = edge.tier === "merged" && this.edge(edge).state === "pruned";
      const gap = edge.tier === "thumb" || unseen ? Number.POSITIVE_INFINITY : distance(edge, x, y);
      if (gap < smallest) [best, smallest] = [edge, gap];
    }
    return best ? this.edge(best) : null;
  }

  /** The node at a point of the drawing. */
  nodeNear(x: number, y: number): PlacedNode | null {
    const { width } = this.#placed;
    const hit = (node: PlacedNode) => {
      const named = (node.info.kind === "input" || node.info.kind === "output") && node.room >= 34;
      const half = named ? pillWidth(node.text) / 2 : Math.min(12, Math.max(node.r, node.room / 2));
      const cx = named ? Math.max(half, Math.min(width - half, node.x)) : node.x;
      return Math.abs(x - cx) <= half && Math.abs(y - node.y) <= 12;
    };
    return this.#placed.nodes.find(hit) ?? null;
  }

  get nodes(): readonly PlacedNode[] {
    return this.#placed.nodes;
  }

  /** The element of an edge or node, if any. */
  element(key: string): SVGElement | null {
    return this.svg.querySelector<SVGElement>(`[data-kw-edge="${key}"], [data-kw-node="${key}"]`);
  }

  findEdge(key: string): EdgeInfo | undefined {
    return graph(this.context.store.state.structure).edges.get(key);
  }
}

/** `[2, 5, 1]`; layers with products as `3+2×`. */
const shapeText = (width: number[][]): string =>
  `[${width.map(([sum, product]) => (product ? `${sum}+${product}×` : String(sum))).join(", ")}]`;
