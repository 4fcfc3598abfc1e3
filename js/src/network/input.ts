// Pointer and keys of the drawing, by one listener per kind of event: edges and nodes come and go, these stay.

import type { ContextMenu } from "../menus/context-menu";
import { openEdgeMenu } from "../menus/edge-menu";
import { menuEvents } from "../menus/menu-events";
import { openNodeMenu } from "../menus/node-menu";
import type { NodeInfo } from "../protocol/messages";
import { type EdgeInfo, keyText } from "../protocol/structure";
import { edgesOf, ends, graph } from "../state/graph";
import type { Registry } from "../ui/listeners";
import type { Drawing } from "./drawing";

/** The stage is what listens: an SVG element with focus listeners would become a tab stop of its own. */
export function networkInput(drawing: Drawing, menu: ContextMenu, registry: Registry): void {
  const { stage, context } = drawing;
  const { ui } = context;
  registry.listen(stage, "pointermove", (event) => ui.set("hover", keyAt(drawing, event.target, at(event))));
  registry.listen(stage, "pointerleave", () => ui.set("hover", null));
  menuEvents(stage, registry, (target, point) => {
    const key = point ? keyAt(drawing, target, point) : keyOf(target);
    const [edge, node] = [drawing.find(key ?? ""), findNode(drawing, key ?? "")];
    const opener = drawing.element(key ?? "") ?? target;
    if (edge) openEdgeMenu(menu, context, edge.key, opener, point);
    else if (node) openNodeMenu(menu, context, node, opener, point);
    return Boolean(edge ?? node);
  });
  registry.listen(stage, "click", (event) => {
    const key = keyAt(drawing, event.target, at(event)) ?? "";
    // JupyterLab takes the focus from what is pressed with Shift.
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
  registry.listen(stage, "keydown", (event) => {
    if (event.defaultPrevented || !onKey(drawing, registry, event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

const at = (event: MouseEvent): [number, number] => [event.clientX, event.clientY];

const keyOf = (target: Element): string | null =>
  target.closest("[data-kw-edge]")?.getAttribute("data-kw-edge") ??
  target.closest("[data-kw-node]")?.getAttribute("data-kw-node") ??
  null;

/** The edge or node under the pointer. */
function keyAt(drawing: Drawing, hit: EventTarget | null, [left, top]: [number, number]): string | null {
  const target = hit as Element;
  const own = keyOf(target) ?? target.getAttribute("data-hit");
  const box = drawing.svg.getBoundingClientRect();
  const [x, y] = [left - box.left, top - box.top];
  // Hit paths of bare wires overlap each other and the nodes: there the nearest is meant, not the topmost.
  const bare = target.classList.contains("kw-hit");
  const node = bare || !own ? drawing.nodeNear(x, y) : null;
  if (node) return keyText(node.info.key);
  if (own && !(bare && target.parentElement?.hasAttribute("data-kw-edge"))) return own;
  const near = drawing.near(x, y);
  return near ? keyText(near.key) : own;
}

const findNode = ({ context }: Drawing, key: string): NodeInfo | undefined =>
  graph(context.store.state.structure).nodes.get(key);

/** Selects an edge, or all edges of a node. */
function select(drawing: Drawing, key: string, add: boolean): void {
  const { act, store } = drawing.context;
  const [edge, node] = [drawing.find(key), findNode(drawing, key)];
  if (edge) act.select(edge.key, add);
  if (!node) return;
  const { into, out } = edgesOf(store.state.structure, node);
  const wanted = [...into, ...out].map((one) => one.key);
  const known = new Set(wanted.map(keyText));
  const others = add ? store.state.selection.edges.filter((one) => !known.has(keyText(one))) : [];
  act.selectAll([...others, ...wanted]);
  drawing.context.ui.set("cursor", key);
}

function onKey(drawing: Drawing, registry: Registry, event: KeyboardEvent): boolean {
  const key = keyOf(event.target as Element);
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "Enter" || event.key === " ") {
    select(drawing, key, event.shiftKey);
    return true;
  }
  const next = neighbour(drawing, key, event.key);
  if (!next) return event.key.startsWith("Arrow");
  drawing.context.ui.set("cursor", next);
  // The element may be drawn only because it has the cursor: focus it once it is there.
  const focus = () => drawing.element(next)?.focus();
  if (drawing.element(next)) focus();
  else registry.frame(focus);
  return true;
}

/** A row of the drawing: nodes and the edges between them take turns. */
interface Spot {
  key: string;
  row: number;
  x: number;
}

function spots(drawing: Drawing): Spot[] {
  const edges = drawing.placed.map((edge) => {
    const { key } = drawing.edge(edge);
    return { key: keyText(key), row: 2 * key[0]! + 1, x: edge.box.x + edge.box.w / 2 };
  });
  const nodes = drawing.nodes.map(({ info, x }) => ({ key: keyText(info.key), row: 2 * info.key[0]!, x }));
  return [...nodes, ...edges];
}

/** Where an arrow key leads: left and right within a row; up and down along the wires, between edges and nodes. */
function neighbour(drawing: Drawing, key: string, arrow: string): string | null {
  const all = spots(drawing);
  const here = all.find((spot) => spot.key === key);
  const turn = { ArrowLeft: -1, ArrowRight: 1 }[arrow];
  const climb = { ArrowUp: 1, ArrowDown: -1 }[arrow];
  if (!here) return null;
  if (turn) {
    const row = all.filter((spot) => spot.row === here.row).sort((a, b) => a.x - b.x);
    return row[row.indexOf(here) + turn]?.key ?? null;
  }
  if (!climb) return null;
  const joined = linked(drawing, key, climb);
  const next = all.filter((spot) => spot.row === here.row + climb && joined.has(spot.key));
  return next.sort((a, b) => Math.abs(a.x - here.x) - Math.abs(b.x - here.x))[0]?.key ?? null;
}

/** What an edge or a node is joined to, above or below. */
function linked(drawing: Drawing, key: string, climb: number): Set<string> {
  const { structure } = drawing.context.store.state;
  const [edge, node] = [drawing.find(key), findNode(drawing, key)];
  const found: (EdgeInfo | NodeInfo | undefined)[] = [];
  if (edge) found.push(ends(structure, edge.key)[climb > 0 ? 1 : 0]);
  if (node) found.push(...edgesOf(structure, node)[climb > 0 ? "out" : "into"]);
  return new Set(found.map((one) => keyText(one?.key ?? [])));
}
