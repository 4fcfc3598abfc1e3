// The key that acts on the selected edges. It stands beside its entry in the menu.
import type { Context } from "../state/context";
import { selectedEdges } from "../state/graph";
import { KEYS } from "../ui/key-table";
import { onKey } from "../ui/keys";
import type { Registry } from "../ui/listeners";

/** Backspace does the same, where keyboards have no other. */
export const PRUNE_KEY = KEYS.prune.keys;

const TYPING = "input:not([type=range]):not([type=checkbox]), select";

/** Prunes the selected edges by a key that is pressed within `node`; undo brings them back. */
export function edgeKeys(node: Element, { act, store }: Context, registry: Registry): void {
  onKey(registry, node, (event) => {
    if (event.key !== PRUNE_KEY && event.key !== "Backspace") return false;
    const typing = (event.target as Element).closest(TYPING);
    // Held down, it doesn't go on with what is selected next.
    if (typing || event.repeat || event.ctrlKey || event.metaKey || !act.hasKernel) return false;
    if (selectedEdges(store).every(({ state }) => state === "pruned")) return false;
    act.prune();
    return true;
  });
}
