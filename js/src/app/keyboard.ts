// Keys of the whole explorer. A control handles its own keys first.
import type { Context } from "../state/context";
import { onKey, shieldKeys } from "../ui/keys";
import type { Registry } from "../ui/listeners";

const CONTROLS = "input, button, [role=button]";
const TYPING = "input:not([type=range]), select";

export function handleKeys({ act, ui, store }: Context, root: HTMLElement, registry: Registry): void {
  shieldKeys(root, registry);
  onKey(registry, root, (event) => {
    const target = event.composedPath()[0] as Element;
    if (target.closest(TYPING)) return false;
    const key = event.key.toLowerCase();
    if (event.ctrlKey || event.metaKey) {
      if (event.shiftKey) act.redo();
      else act.undo();
    } else if (key === " " && !target.closest(CONTROLS) && act.hasKernel) act.toggleRun();
    else if (key === "f" && act.hasKernel) act.fixBest();
    else if (key === "escape") {
      if (ui.values.expanded) ui.set("expanded", false);
      else if (store.state.selection.edges.length > 0) act.selectAll([]);
    } else return false;
    return true;
  });
}
