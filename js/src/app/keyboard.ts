// Keys of the whole explorer. Keys that a control understands itself are left to it.
import type { Context } from "../state/context";
import type { Registry } from "../ui/listeners";

const CONTROLS = "input, select, textarea, button, a, summary, [role=button], [role=menuitem], [role=tab]";
const TYPING = "input:not([type=range]), select, textarea";

export function handleKeys({ act, ui, store }: Context, root: HTMLElement, registry: Registry): void {
  // JupyterLab looks for this mark from the focused element upwards and asks each on its way whether a shortcut is meant:
  // on the root alone it comes too late, arrows would move between cells and Enter would open them.
  registry.listen(root, "focusin", (event) => {
    (event.composedPath()[0] as Element).setAttribute("data-lm-suppress-shortcuts", "true");
  });
  registry.listen(root, "keydown", (event) => {
    const target = event.composedPath()[0] as Element;
    if (event.defaultPrevented || target.closest(TYPING)) return;
    const command = event.ctrlKey || event.metaKey;
    const key = event.key.toLowerCase();
    if (command && key === "z") {
      if (event.shiftKey) act.redo();
      else act.undo();
    } else if (command || event.altKey) return;
    else if (key === " " && !target.closest(CONTROLS) && act.possible) act.toggleRun();
    else if (key === "f" && act.possible) act.fixBest();
    else if (key === "escape") {
      if (ui.values.expanded) ui.set("expanded", false);
      else if (store.state.selection.edges.length > 0) act.selectAll([]);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
}
