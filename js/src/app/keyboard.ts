// Keys of the whole explorer. A control handles its own keys first.
import type { Context } from "../state/context";
import { activeIn } from "../ui/dom";
import { KEYS } from "../ui/key-table";
import { onKey, shieldKeys } from "../ui/keys";
import type { Registry } from "../ui/listeners";
import { keySheet } from "./key-sheet";

const CONTROLS = "input, button, [role=button]";
const TYPING = "input:not([type=range]), select";

export function handleKeys(context: Context, root: HTMLElement, registry: Registry): void {
  shieldKeys(root, registry);
  const sheet = keySheet(() => root);
  registry.add(() => sheet.destroy());
  registry.listen(root, "click", (event) => {
    if ((event.target as Element).closest('[data-kw-action="keys"]')) sheet.open();
  });
  onKey(registry, root, (event) => {
    const target = event.composedPath()[0] as Element;
    const name = pressed(event);
    if (target.closest("dialog") || name === null) return false;
    if (target.closest(TYPING)) return name === "leave" && leave(root);
    if (name === "run" && (target.closest(CONTROLS) || !context.act.hasKernel)) return false;
    if (name === "sheet") sheet.open();
    else act(context, name, root);
    return true;
  });
}

type Name = "run" | "undo" | "redo" | "sheet" | "leave";

/** The key of the table that was pressed. */
function pressed({ key, ctrlKey, metaKey, shiftKey }: KeyboardEvent): Name | null {
  if (ctrlKey || metaKey) return key.toLowerCase() !== "z" ? null : shiftKey ? "redo" : "undo";
  if (key === KEYS.sheet.keys) return "sheet";
  return key === "Escape" ? "leave" : key === " " && !shiftKey ? "run" : null;
}

function act({ act, ui, store }: Context, name: Exclude<Name, "sheet">, root: HTMLElement): void {
  if (name === "run") act.toggleRun();
  else if (name === "undo") act.undo();
  else if (name === "redo") act.redo();
  else if (ui.values.expanded) ui.set("expanded", false);
  else if (store.state.selection.edges.length > 0) act.selectAll([]);
  else leave(root);
}

/** Gives the focus back to the notebook's cell, which then hears the keys of its command mode. */
function leave(root: HTMLElement): boolean {
  const outside = root.parentElement ?? (root.getRootNode() as ShadowRoot).host;
  const cell = outside?.closest<HTMLElement>("[tabindex]");
  if (cell) cell.focus({ preventScroll: true });
  else (activeIn(root) as HTMLElement | null)?.blur();
  return true;
}
