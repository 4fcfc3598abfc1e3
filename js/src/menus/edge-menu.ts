// The menu of edges. Disabled entries name the reason.

import type { EdgeKey, NodeInfo } from "../protocol/messages";
import { type EdgeInfo, keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import { endNames } from "../state/edge-text";
import { edgesOf, ends, selectedEdges } from "../state/graph";
import { ranked } from "../state/ranking";
import { count, number, pretty } from "../text/format";
import { called } from "../text/names";
import { type Content, type ContextMenu, type Entries, type Item, NO_KERNEL } from "./context-menu";
import { PRUNE_KEY } from "./edge-keys";

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
  const words = first.state === "levels" && "words have values, no function";
  const fixed = infos.some(({ state }) => state === "symbolic" || state === "both");
  const acts: Entries = [
    ...replaceItems(context, first, lost || (pruned && "pruned: restore it first") || words),
    {
      action: "menu-unfix",
      label: "Back to spline",
      why: lost || words || (!fixed && "it is a spline"),
      run: () => act.unfix(),
    },
    {
      action: frozen ? "unfreeze" : "freeze",
      label: frozen ? "Unfreeze: train it again" : "Freeze: keep out of training",
      why: lost || (pruned && "pruned: nothing to train"),
      run: () => act.send({ kind: "freeze", edges, on: !frozen }),
    },
    lockItem(context, infos, lost),
    pruned
      ? { action: "menu-restore", label: "Restore", why: lost, run: () => act.restore() }
      : { action: "menu-prune", label: "Prune", keys: PRUNE_KEY, why: lost, run: () => act.prune() },
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

/** Replacing by the best candidate, with or without the rest. */
function replaceItems(context: Context, first: EdgeInfo, why: string | false): Item[] {
  const best = bestName(context, first);
  const by = best ? `Replace by ${pretty(best)}` : "Replace by the best candidate";
  const reason = why || (!best && "its candidates aren't known yet");
  return [
    { action: "fix-best", label: by, why: reason, run: () => best && context.act.fix(best) },
    {
      action: "fix-best-both",
      label: `${by} and keep the rest`,
      why: reason,
      run: () => best && context.act.fix(best, true),
    },
  ];
}

function lockItem({ act, store }: Context, infos: EdgeInfo[], lost: string | false): Item {
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
  const { lock } = store.state.candidates;
  const { test, train } = store.state.status;
  const oneLayer = infos.every(({ key }) => key[0] === first!.key[0]);
  return {
    action: "lock",
    label: "Lock together: one function",
    note: typeof lock === "number" ? `error right after it: ${number(lock)}, now ${number(test ?? train)}` : undefined,
    why:
      lost ||
      (infos.length < 2 && "shift-click selects more edges") ||
      (!oneLayer && "only edges of one layer can share one"),
    run: () => act.send({ kind: "lock", edges, on: true }),
  };
}
