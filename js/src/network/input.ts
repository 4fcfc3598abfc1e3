// Pointer and keys of the drawing: one listener per kind of event on the stage, because edges and nodes come and go.

import type { ContextMenu } from "../menus/context-menu";
import { openEdgeMenu } from "../menus/edge-menu";
import { menuEvents } from "../menus/menu-events";
import { openNodeMenu } from "../menus/node-menu";
import type { NodeInfo } from "../protocol/messages";
import { type EdgeInfo, keyText } from "../protocol/structure";
import { edgesOf, ends, graph } from "../state/graph";
import { onKey } from "../ui/keys";
import type { Registry } from "../ui/listeners";
import type { Drawing } from "./drawing";

/** Listens on the stage: an SVG element with focus listeners would become a tab stop. */
export function networkInput(drawing: Drawing, menu: ContextMenu, registry: Registry): void {
  const { stage, context } = drawing;
  const { ui } = context;
  registry.listen(stage, "pointermove", (event) => ui.set("hover", keyAt(drawing, event.target, at(event))));
  registry.listen(stage, "pointerleave", () => ui.set("hover", null));
  menuEvents(stage, registry, (target, point) => {
    const key = point ? keyAt(drawing, target, point) : keyOf(target);
    const [edge, node] = [drawing.findEdge(key ?? ""), findNode(drawing, key ?? "")];
    const opener = drawing.element(key ?? "") ?? target;
    if (edge) openEdgeMenu(menu, context, edge.key, opener, point);
    else if (node) openNodeMenu(menu, context, node, opener, point);
    return Boolean(edge ?? node);
  });
  registry.listen(stage, "click", (event) => {
    const key = keyAt(drawing, event.target, at(event)) ?? "";
    // JupyterLab takes the focus from an element clicked with Shift.
    drawing.element(key)?.focus({ preventScroll: true });
    select(drawing, key, event.shiftKey);
  });
  registry.listen(stage, "focusin", (event) => {
    const key = keyOf(event.target as Element);
    if (!key) return;
    ui.set("cursor", key);
    ui.set("hover", key);
  });
  registry.listen(stage, "focusout", () => ui.set("hover", null));
  onKey(registry, stage, (event) => useKey(drawing, registry, event));
}

const at = (event: MouseEvent): [number, number] => [event.clientX, event.clientY];

const keyOf = (target: Element): string | null =>
  target.closest("[data-kw-edge]")?.getAttribute("data-kw-edge") ??
  target.closest("[data-kw-node]")?.getAttribute("data-kw-node") ??
  null;

/** The edge or node under the pointer. */
function keyAt(drawing: Drawing, hit: EventTarget | null, [left, top]: [number, number]): string | null {
  const target = hit as Element;
  const hitKey = keyOf(target) ?? target.getAttribute("data-hit");
  const box = drawing.svg.getBoundingClientRect();
  const [x, y] = [left - box.left, top - box.top];
  // Hit paths of bare wires overlap each other and the nodes: the nearest counts, not the topmost.
  const bare = target.classList.contains("kw-hit");
  const node = bare || !hitKey ? drawing.nodeNear(x, y) : null;
  if (node) return keyText(node.info.key);
  if (hitKey && !(bare && target.parentElement?.hasAttribute("data-kw-edge"))) return hitKey;
  const near = drawing.near(x, y);
  return near ? keyText(near.key) : hitKey;
}

const findNode = ({ context }: Drawing, key: string): NodeInfo | undefined =>
  graph(context.store.state.structure).nodes.get(key);

/** Selects an edge, or all edges of a node. */
function select(drawing: Drawing, key: string, add: boolean): void {
  const { act, store } = drawing.context;
  const [edge, node] = [drawing.findEdge(key), findNode(drawing, key)];
  if (edge) act.select(edge.key, add);
  if (!node) return;
  const { into, out } = edgesOf(store.state.structure, node);
  const nodeEdges = [...into, ...out].map((item) => item.key);
  const nodeKeys = new Set(nodeEdges.map(keyText));
  const rest = add ? store.state.selection.edges.filter((item) => !nodeKeys.has(keyText(item))) : [];
  act.selectAll([...rest, ...nodeEdges]);
  drawing.context.ui.set("cursor", key);
}

function useKey(drawing: Drawing, registry: Registry, event: KeyboardEvent): boolean {
  const key = keyOf(event.target as Element);
  if (!key) return false;
  if (event.key === "Enter" || event.key === " ") {
    select(drawing, key, event.shiftKey);
    return true;
  }
  const next = neighbor(drawing, key, event.key);
  if (!next) return event.key.startsWith("Arrow");
  drawing.context.ui.set("cursor", next);
  // A merged edge has an element only with the cursor: focus it after the next drawing.
  const focus = () => drawing.element(next)?.focus();
  if (drawing.element(next)) focus();
  else registry.frame(focus);
  return true;
}

/** An element that arrow keys reach. Rows of nodes and rows of edges alternate. */
interface Stop {
  key: string;
  row: number;
  x: number;
}

function stops(drawing: Drawing): Stop[] {
  const edges = drawing.edges.map((edge) => {
    const { key } = drawing.edge(edge);
    return { key: keyText(key), row: 2 * key[0]! + 1, x: edge.box.x + edge.box.w / 2 };
  });
  const nodes = drawing.nodes.map(({ info, x }) => ({ key: keyText(info.key), row: 2 * info.key[0]!, x }));
  return [...nodes, ...edges];
}

/** Target of an arrow key: left and right within a row, up and down along the wires between edges and nodes. */
function neighbor(drawing: Drawing, key: string, arrow: string): string | null {
  const all = stops(drawing);
  const position = all.find((spot) => spot.key === key);
  const turn = { ArrowLeft: -1, ArrowRight: 1 }[arrow];
  const climb = { ArrowUp: 1, ArrowDown: -1 }[arrow];
  if (!position) return null;
  if (turn) {
    const row = all.filter((spot) => spot.row === position.row).sort((a, b) => a.x - b.x);
    return row[row.indexOf(position) + turn]?.key ?? null;
  }
  if (!climb) return null;
  const joined = linked(drawing, key, climb);
  const next = all.filter((spot) => spot.row === position.row + climb && joined.has(spot.key));
  return next.sort((a, b) => Math.abs(a.x - position.x) - Math.abs(b.x - position.x))[0]?.key ?? null;
}

/** Neighbors of an edge or node, above or below. */
function linked(drawing: Drawing, key: string, climb: number): Set<string> {
  const { structure } = drawing.context.store.state;
  const [edge, node] = [drawing.findEdge(key), findNode(drawing, key)];
  const linkedItems: (EdgeInfo | NodeInfo | undefined)[] = [];
  if (edge) linkedItems.push(ends(structure, edge.key)[climb > 0 ? 1 : 0]);
  if (node) linkedItems.push(...edgesOf(structure, node)[climb > 0 ? "out" : "into"]);
  return new Set(linkedItems.map((item) => keyText(item?.key ?? [])));
}
