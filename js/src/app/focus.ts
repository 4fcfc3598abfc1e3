// Keeps the focus inside the explorer. An element can hide or disable itself by its own act, like the last undo: the focus
// then moves to the previous tab stop, and not to the notebook, whose own keys would take over.
import { activeIn } from "../ui/dom";
import type { Registry } from "../ui/listeners";

const STOPS = "button, input, select, [tabindex='0']";

const usable = (node: Element): boolean =>
  node.isConnected &&
  !node.matches(":disabled, [tabindex='-1']") &&
  !node.closest("[hidden]") &&
  (node.checkVisibility?.() ?? true);

/** Returns a function to call after each drawing. */
export function keepFocus(root: HTMLElement, registry: Registry): () => void {
  let last: HTMLElement | null = null;
  let blurred: HTMLElement | null = null;
  let path: EventTarget[] = [];
  const keep = () => {
    // Some browsers send `focusout` just before an element is removed.
    if (blurred && !blurred.isConnected) last = blurred;
    blurred = null;
    if (!last || last.matches("[tabindex='-1']") || usable(last)) return;
    const active = activeIn(root);
    const previous = last;
    last = null;
    if (active && active !== previous && active !== previous.ownerDocument.body) return;
    // The nearest ancestor still in the page marks the position of a removed element.
    const anchor = path.find((node) => (node as Node).isConnected) as Node;
    const stops = [...root.querySelectorAll<HTMLElement>(STOPS)].filter(usable);
    const earlier = stops.filter((node) => node.compareDocumentPosition(anchor) & Node.DOCUMENT_POSITION_FOLLOWING);
    (earlier.at(-1) ?? stops[0])?.focus({ preventScroll: true });
  };
  registry.listen(root, "focusin", (event) => {
    path = event.composedPath();
    last = path[0] as HTMLElement;
    blurred = null;
  });
  // Focus that leaves a usable element is meant to leave.
  registry.listen(root, "focusout", () => {
    if (!last || !usable(last)) return;
    blurred = last;
    last = null;
  });
  registry.listen(root, "click", () => registry.frame(keep));
  return keep;
}
