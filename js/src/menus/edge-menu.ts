// The menu of edges. Disabled entries name the reason.

import type { EdgeKey, NodeInfo } from "../protocol/messages";
import { type EdgeInfo, keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import { endNames } from "../state/edge-text";
import { edgesOf, ends, selectedEdges } from "../state/graph";
import { ranked } from "../state/ranking";
import { count, pretty } from "../text/format";
import { called } from "../text/names";
import { type Content, type ContextMenu, type Entries, type Item, NO_KERNEL } from "./context-menu";

/** Opens the menu of an edge. An unselected edge becomes the selection. */
export function openEdgeMenu(
  menu: ContextMenu,
  context: Context,
  key: EdgeKey,
  opener: Element,
  at: [number, number] | null,
): void {
  const { selection, structure } = context.store.state;
  if (!selection.edges.some((edge) => keyText(edge) === keyText(key))) context.act.select(key);
  const several = selection.edges.length > 1 && context.store.state.selection === selection;
  const name = several ? count(selection.edges.length, "edge") : endNames(structure, key).join(" → ");
  menu.open(opener, at, name, edgeContent(context));
}

/** The menu of the selected edges. */
export const edgeContent = (context: Context): Content => ({
  entries: () => edgeEntries(context),
  subject: () => {
    const { structure, selection } = context.store.state;
    return JSON.stringify([structure.version, selection.edges]);
  },
});

/** Entries for the selected edges. */
function edgeEntries(context: Context): Entries {
  const { act } = context;
  const infos = selectedEdges(context.store);
  const edges = infos.map(({ key }) => key);
  const first = infos[0];
  if (!first) return [];
  const frozen = infos.every((edge) => edge.frozen);
  const pruned = infos.every(({ state }) => state === "pruned");
  const lost = !act.hasKernel && NO_KERNEL;
  const best = bestName(context, first);
  const fixed = infos.some(({ state }) => state === "symbolic" || state === "both");
  const acts: Entries = [
    {
      action: "fix-best",
      label: best ? `Fix to ${pretty(best)}` : "Fix to the best candidate",
      why: lost || (pruned && "pruned: restore it first") || (!best && "its candidates aren't known yet"),
      run: () => best && act.fix(best),
    },
    {
      action: "menu-unfix",
      label: "Unfix",
      why: lost || (!fixed && "not fixed to a formula"),
      run: () => act.unfix(),
    },
    {
      action: frozen ? "unfreeze" : "freeze",
      label: frozen ? "Unfreeze: train it again" : "Freeze: keep out of training",
      why: lost || (pruned && "pruned: nothing to train"),
      run: () => act.send({ kind: "freeze", edges, on: !frozen }),
    },
    lockItem(context, infos, lost),
    {
      action: pruned ? "menu-restore" : "menu-prune",
      label: pruned ? "Restore" : "Prune",
      why: lost,
      run: () => (pruned ? act.restore() : act.prune()),
    },
  ];
  return [
    ...(act.isSavedPage ? [] : [...acts, null]),
    ...ends(context.store.state.structure, first.key).flatMap(neighbors),
  ];

  function neighbors(node: NodeInfo | undefined, at: number): Entries {
    if (!node) return [];
    const group = edgesOf(context.store.state.structure, node)[at === 0 ? "out" : "into"];
    return [
      {
        action: at === 0 ? "select-out" : "select-into",
        label: `Select all edges ${at === 0 ? "out of" : "into"} ${called(node.name)}`,
        why: group.length < 2 && "it is the only one",
        run: () => act.selectAll(group.map(({ key }) => key)),
      },
    ];
  }
}

function bestName({ store, ui }: Context, { key, best }: EdgeInfo): string | null {
  const { edge, rows } = store.state.candidates;
  const rankedBest = edge && keyText(edge) === keyText(key) ? rows[ranked(rows, ui.values.weight)[0] ?? -1] : undefined;
  return rankedBest?.name ?? best;
}

function lockItem({ act }: Context, infos: EdgeInfo[], lost: string | false): Item {
  const edges = infos.map(({ key }) => key);
  const [first] = infos;
  const tied = infos.some((edge) => edge.tied !== undefined) && infos.every((edge) => edge.tied === first!.tied);
  if (tied)
    return {
      action: "unlock",
      label: "Unlock from each other",
      why: lost,
      run: () => act.send({ kind: "lock", edges, on: false }),
    };
  const oneLayer = infos.every(({ key }) => key[0] === first!.key[0]);
  return {
    action: "lock",
    label: "Lock together: one function",
    why:
      lost ||
      (infos.length < 2 && "shift-click selects more edges") ||
      (!oneLayer && "only edges of one layer can share one"),
    run: () => act.send({ kind: "lock", edges, on: true }),
  };
}
