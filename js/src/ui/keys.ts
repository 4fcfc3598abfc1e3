// Division of keys between the explorer and its host (notebook and browser).
import type { Registry } from "./listeners";

type Chord = Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">;

/**
 * Chords other than undo and redo, Shift+Enter (runs a cell) and function keys belong to the host. All other keys stay in
 * the explorer, also those without a use: `d d` on an edge must not delete the cell around it.
 */
export const isHostKey = ({ key, ctrlKey, metaKey, altKey, shiftKey }: Chord): boolean =>
  altKey || ((ctrlKey || metaKey) && key.toLowerCase() !== "z") || (shiftKey ? key === "Enter" : /^F\d/.test(key));

/** Calls `use` with the explorer's own keys pressed within `node`. A key that it used goes no further. */
export function onKey(registry: Registry, node: EventTarget, use: (event: KeyboardEvent) => boolean | undefined): void {
  registry.listen(node, "keydown", (event: KeyboardEvent) => {
    if (event.defaultPrevented || isHostKey(event) || !use(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/**
 * JupyterLab and Notebook look for this attribute from the focused element upwards, in the capture phase on the document;
 * the window hears a key before that.
 */
export function shieldKeys(root: Element, registry: Registry): void {
  const shield = (event: KeyboardEvent) => {
    const path = event.composedPath();
    if (path.includes(root)) (path[0] as Element).toggleAttribute("data-lm-suppress-shortcuts", !isHostKey(event));
  };
  registry.listen(window, "keydown", shield, { capture: true });
}
