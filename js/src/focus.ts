// The focus is not lost: what has it may be hidden or switched off by its own act, like the last undo. Then it goes to the
// stop before, rather than out of the explorer, where a notebook's own keys begin.
import { activeIn } from "./dom";
import type { Registry } from "./listeners";

const STOPS = "button, input, select, [tabindex='0']";

const usable = (node: Element): boolean =>
  node.isConnected &&
  !node.matches(":disabled, [tabindex='-1']") &&
  !node.closest("[hidden]") &&
  (node.checkVisibility?.() ?? true);

/** Returns what is to be called after each drawing. */
export function keepFocus(root: HTMLElement, registry: Registry): () => void {
  let last: HTMLElement | null = null;
  const keep = () => {
    if (!last?.isConnected || last.matches("[tabindex='-1']") || usable(last)) return;
    const now = activeIn(root);
    const before = last;
    last = null;
    if (now && now !== before && now !== before.ownerDocument.body) return;
    const stops = [...root.querySelectorAll<HTMLElement>(STOPS)].filter(usable);
    const earlier = stops.filter((one) => one.compareDocumentPosition(before) & Node.DOCUMENT_POSITION_FOLLOWING);
    (earlier.at(-1) ?? stops[0])?.focus({ preventScroll: true });
  };
  registry.listen(root, "focusin", (event) => {
    last = event.composedPath()[0] as HTMLElement;
  });
  // Whoever leaves what can still be used wants to leave.
  registry.listen(root, "focusout", () => {
    if (last && usable(last)) last = null;
  });
  registry.listen(root, "click", () => registry.frame(keep));
  return keep;
}
