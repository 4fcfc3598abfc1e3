// The menu of a node: select its edges, grow its layer, remove it.
import type { NodeInfo } from "../protocol/messages";
import { keyText } from "../protocol/structure";
import type { Context } from "../state/context";
import { edgesOf, graph } from "../state/graph";
import { count } from "../text/format";
import { called } from "../text/names";
import type { ContextMenu, Entries, Item } from "./context-menu";
import { NO_KERNEL } from "./context-menu";

export const openNodeMenu = (
  menu: ContextMenu,
  context: Context,
  node: NodeInfo,
  opener: Element,
  at: [number, number] | null,
): void =>
  menu.open(opener, at, called(node.name), {
    // The structure may change while the menu is open.
    entries: () => nodeEntries(context, currentNode(context, node) ?? node),
    subject: () => JSON.stringify([context.store.state.structure.version, currentNode(context, node)?.name]),
  });

const currentNode = ({ store }: Context, { key }: NodeInfo): NodeInfo | undefined =>
  graph(store.state.structure).nodes.get(keyText(key));

function nodeEntries({ act, store }: Context, node: NodeInfo): Entries {
  const { structure } = store.state;
  const [level, index] = node.key as [number, number];
  const { into, out } = edgesOf(structure, node);
  const all = [...into, ...out].map(({ key }) => key);
  const hidden = node.kind === "sum" || node.kind === "product";
  const alone = structure.nodes.filter(({ key }) => key[0] === level).length < 2;
  const lost = !act.hasKernel && NO_KERNEL;
  const select: Item = {
    action: "select-node",
    label: `Select its ${count(all.length, "edge")}`,
    run: () => act.selectAll(all),
  };
  if (act.isSavedPage) return [select];
  const grow = (product: boolean): Item => ({
    action: product ? "add-product" : "add-sum",
    label: `Add a ${product ? "product" : "sum"} node to this layer`,
    why: lost || (!hidden && "only hidden layers can grow"),
    run: () => act.send({ kind: "add_node", level, product }),
  });
  const column = node.logged ?? node.name;
  const logarithm: Item = {
    action: "use-log",
    label: node.logged === undefined ? `Use log ${column}: begin again` : `Use ${column} itself: begin again`,
    why: lost,
    run: () => act.send({ kind: "use_log", names: [column], toggle: true }),
  };
  if (!hidden) return [select, null, logarithm];
  return [
    select,
    null,
    grow(false),
    grow(true),
    {
      action: "remove-node",
      label: "Remove this node",
      why: lost || (!hidden && "inputs and outputs stay") || (alone && "the only node of its layer"),
      run: () => act.send({ kind: "prune", node: [level, index] }),
    },
  ];
}
