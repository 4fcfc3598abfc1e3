// Pointer and keys of the drawing, by one listener per kind of event: edges come and go, these stay.
import type { PlacedEdge } from "../layout";
import type { Registry } from "../listeners";
import { keyText } from "../protocol";
import type { Drawing } from "./network";

/** `stage` is what listens: an SVG element with focus listeners would become a tab stop of its own. */
export function networkInput(drawing: Drawing, stage: HTMLElement, registry: Registry): void {
  const { svg, context } = drawing;
  const { ui, act } = context;
  const keyAt = (event: PointerEvent | MouseEvent): string | null => {
    const target = event.target as Element;
    const own = target.closest("[data-kw-edge]")?.getAttribute("data-kw-edge") ?? target.getAttribute("data-hit");
    // Hit paths of bare wires overlap: there the nearest wire is meant, not the topmost.
    const bare = target.classList.contains("kw-hit") && target.parentElement?.hasAttribute("data-kw-edge");
    if (own && !bare) return own;
    const box = svg.getBoundingClientRect();
    const near = drawing.near(event.clientX - box.left, event.clientY - box.top);
    return near ? keyText(near.key) : own;
  };
  registry.listen(stage, "pointermove", (event) => ui.set("hover", keyAt(event)));
  registry.listen(stage, "pointerleave", () => ui.set("hover", null));
  registry.listen(stage, "click", (event) => {
    const edge = drawing.find(keyAt(event) ?? "");
    if (edge) act.select(edge.key, event.shiftKey);
  });
  registry.listen(stage, "focusin", (event) => {
    const key = (event.target as Element).getAttribute("data-kw-edge");
    if (!key) return;
    ui.set("cursor", key);
    ui.set("hover", key);
  });
  registry.listen(stage, "focusout", () => ui.set("hover", null));
  registry.listen(stage, "keydown", (event) => {
    if (onKey(drawing, event)) {
      event.preventDefault();
      event.stopPropagation();
    }
  });
}

function onKey(drawing: Drawing, event: KeyboardEvent): boolean {
  const { ui, act } = drawing.context;
  const key = (event.target as Element).getAttribute("data-kw-edge");
  if (!key || event.ctrlKey || event.metaKey || event.altKey) return false;
  if (event.key === "Enter" || event.key === " ") {
    const edge = drawing.find(key);
    if (edge) act.select(edge.key, event.shiftKey);
    return true;
  }
  const next = neighbour(drawing, key, event.key);
  if (!next) return event.key.startsWith("Arrow");
  ui.set("cursor", next);
  // The element may be drawn only because it has the cursor: focus it once it is there.
  const focus = () => (drawing.element(next) as SVGElement | null)?.focus();
  if (drawing.element(next)) focus();
  else requestAnimationFrame(focus);
  return true;
}

/** The edge that an arrow key leads to: left and right within a layer, up and down to the nearest of the next. */
function neighbour(drawing: Drawing, key: string, arrow: string): string | null {
  const all = drawing.placed;
  const here = all.find((edge) => keyText(drawing.edge(edge).key) === key);
  if (!here) return null;
  const x = (edge: PlacedEdge) => edge.box.x + edge.box.w / 2;
  const layerOf = (edge: PlacedEdge) => drawing.edge(edge).key[0]!;
  const turn = { ArrowLeft: -1, ArrowRight: 1 }[arrow];
  if (turn) {
    const row = all.filter((edge) => layerOf(edge) === layerOf(here)).sort((a, b) => x(a) - x(b) || a.index - b.index);
    const next = row[row.indexOf(here) + turn];
    return next ? keyText(drawing.edge(next).key) : null;
  }
  const climb = { ArrowUp: 1, ArrowDown: -1 }[arrow];
  if (!climb) return null;
  const row = all.filter((edge) => layerOf(edge) === layerOf(here) + climb);
  const next = row.sort((a, b) => Math.abs(x(a) - x(here)) - Math.abs(x(b) - x(here)))[0];
  return next ? keyText(drawing.edge(next).key) : null;
}
