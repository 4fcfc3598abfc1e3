// Where a context menu is requested: right button, menu key, Shift+F10, long press.
import { onKey } from "../ui/keys";
import type { Registry } from "../ui/listeners";

const LONG_PRESS_MS = 500;

const STILL_PX = 10;

/**
 * Calls `open` on the right button, the menu key, Shift+F10 and a long press. It returns whether the target has a menu;
 * otherwise the browser's own opens.
 */
export function menuEvents(
  stage: HTMLElement,
  registry: Registry,
  open: (target: Element, at: [number, number] | null) => boolean,
): void {
  let press: (() => void) | null = null;
  let start: [number, number] = [0, 0];
  let opened = 0;
  let pressed = false;
  const cancelPress = () => {
    press?.();
    press = null;
  };
  registry.listen(stage, "contextmenu", (event) => {
    cancelPress();
    // A long press and the menu key raise this event too, after the menu is open.
    const repeated = Date.now() - opened < 800;
    if (!repeated && !open(event.target as Element, [event.clientX, event.clientY])) return;
    event.preventDefault();
    // JupyterLab listens on the document and would open its own menu on top.
    event.stopPropagation();
  });
  onKey(registry, stage, (event) => {
    if (event.key !== "ContextMenu" && !(event.key === "F10" && event.shiftKey)) return false;
    if (!open(event.target as Element, null)) return false;
    opened = Date.now();
    return true;
  });
  registry.listen(stage, "pointerdown", (event) => {
    cancelPress();
    pressed = false;
    if (event.pointerType !== "touch") return;
    start = [event.clientX, event.clientY];
    // Within a shadow root the event loses its target later.
    const target = event.target as Element;
    press = registry.timeout(() => {
      press = null;
      pressed = open(target, start);
      if (pressed) opened = Date.now();
    }, LONG_PRESS_MS);
  });
  registry.listen(stage, "pointermove", (event) => {
    if (press && Math.hypot(event.clientX - start[0], event.clientY - start[1]) > STILL_PX) cancelPress();
  });
  for (const type of ["pointerup", "pointercancel", "pointerleave"] as const) registry.listen(stage, type, cancelPress);
  // Lifting the finger after a long press must neither click nor move the focus.
  const swallow = (event: Event) => {
    if (!pressed) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.type === "click") pressed = false;
  };
  for (const type of ["mousedown", "click"]) registry.listen(stage, type, swallow, { capture: true });
}
