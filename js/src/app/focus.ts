// The focus is not lost: what has it may be hidden or switched off by its own act, like the last undo. Then it goes to the
// stop before, rather than out of the explorer, where a notebook's own keys begin.
import { activeIn } from "../ui/dom";
import type { Registry } from "../ui/listeners";

const STOPS = "button, input, select, [tabindex='0']";

const usable = (node: Element): boolean =>
  node.isConnected &&
  !node.matches(":disabled, [tabindex='-1']") &&
  !node.closest("[hidden]") &&
  (node.checkVisibility?.() ?? true);

/** Returns what is to be called after each drawing. */
export function keepFocus(root: HTMLElement, registry: Registry): () => void {
  let last: HTMLElement | null = null;
  let blurred: HTMLElement | null = null;
  let path: EventTarget[] = [];
  const keep = () => {
    // Some browsers say of what is taken away that the focus leaves it, just before.
    if (blurred && !blurred.isConnected) last = blurred;
    blurred = null;
    if (!last || last.matches("[tabindex='-1']") || usable(last)) return;
    const active = activeIn(root);
    const previous = last;
    last = null;
    if (active && active !== previous && active !== previous.ownerDocument.body) return;
    // Of what was taken away itself, its place is that of what it stood in.
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
  // Whoever leaves what can still be used wants to leave.
  registry.listen(root, "focusout", () => {
    if (!last || !usable(last)) return;
    blurred = last;
    last = null;
  });
  registry.listen(root, "click", () => registry.frame(keep));
  return keep;
}
