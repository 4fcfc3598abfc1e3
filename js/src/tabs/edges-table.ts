// Table of all edges, for reading, sorting and screen readers.

import { ContextMenu } from "../menus/context-menu";
import { openEdgeMenu } from "../menus/edge-menu";
import { menuEvents } from "../menus/menu-events";
import { type EdgeInfo, keyText } from "../protocol/structure";
import type { Context, View } from "../state/context";
import { functionName } from "../state/edge-text";
import { graph } from "../state/graph";
import { touches } from "../state/topics";
import { number, pretty, rSquared, variable } from "../text/format";
import { isolated } from "../text/names";
import { attrs, h, setChildren, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";

type Sort = "edge" | "function" | "state" | "importance" | "best" | "r2";
const COLUMNS: readonly [Sort, string][] = [
  ["edge", "Edge"],
  ["function", "Function"],
  ["state", "State"],
  ["importance", "Importance"],
  ["best", "Best"],
  ["r2", "R²"],
];
/** As in the legend of the drawing. */
const STATES = { spline: "spline", symbolic: "formula", both: "both", pruned: "pruned", levels: "levels" };
/** Shortest interval between two sorts during training. */
const STILL_MS = 1500;
/** Length of the table; sorting brings the other rows up. */
const MAX_ROWS = 400;

interface Row {
  info: EdgeInfo;
  key: string;
  index: number;
  cells: [string, string, string, number, string, number];
}

export function edgesTable(context: Context): View {
  const registry = new Registry();
  const { store, act } = context;
  let sort: Sort = "importance";
  let down = true;
  const headers = COLUMNS.map(([name, label]) => {
    const button = h("button", { type: "button", class: "kw-link kw-bare", "data-sort": name }, label);
    return h("th", { scope: "col" }, button);
  });
  const body = h("tbody");
  const note = h("p", { class: "kw-more kw-dim kw-fine", hidden: true });
  const table = h("table", { class: "kw-table" }, h("thead", {}, h("tr", {}, ...headers)), body);
  const node = h(
    "section",
    { class: "kw-col kw-fill", "data-kw-panel": "edges", "aria-label": "Edges" },
    h("div", { class: "kw-scroll kw-fill kw-wide" }, table),
    note,
  );
  const rows = new Map<string, HTMLTableRowElement>();
  const order = new Order(table, registry);
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "structure", "curves", "selection", "candidates", "view")) return;
    for (const [i, [name]] of COLUMNS.entries())
      attrs(headers[i]!, { "aria-sort": name === sort ? (down ? "descending" : "ascending") : null });
    const sorted = order.apply(readRows(context), sort, down, topics.has("view"));
    note.hidden = sorted.length <= MAX_ROWS;
    setText(note, `The first ${MAX_ROWS} of ${sorted.length} edges in this order.`);
    const selected = new Set(store.state.selection.edges.map(keyText));
    setChildren(
      body,
      sorted.slice(0, MAX_ROWS).map((row) => drawRow(rows, row, selected.has(row.key))),
    );
  };
  registry.listen(table, "click", (event) => {
    const target = event.target as Element;
    const name = target.closest("[data-sort]")?.getAttribute("data-sort") as Sort | undefined;
    if (name) {
      down = name === sort ? !down : name === "importance" || name === "r2";
      sort = name;
      draw(new Set(["view"] as const));
      return;
    }
    const key = target.closest("tr")?.dataset.row;
    const edge = graph(store.state.structure).edges.get(key ?? "");
    if (edge) act.select(edge.key, event.shiftKey);
  });
  const menu = new ContextMenu();
  menuEvents(table, registry, (target, at) => {
    const row = target.closest("tr");
    const edge = graph(store.state.structure).edges.get(row?.dataset.row ?? "");
    if (edge) openEdgeMenu(menu, context, edge.key, row!.querySelector("button")!, at);
    return edge !== undefined;
  });
  return {
    node,
    draw: (topics) => {
      menu.draw(topics);
      draw(topics);
    },
    destroy: () => {
      menu.close(false);
      registry.destroy();
    },
  };
}

/** The order of the rows, stable for a while and under the pointer. */
class Order {
  #keys: string[] = [];
  #since = 0;
  #inside = false;

  constructor(table: HTMLElement, registry: Registry) {
    registry.listen(table, "pointerenter", () => {
      this.#inside = true;
    });
    registry.listen(table, "pointerleave", () => {
      this.#inside = false;
    });
  }

  apply(rows: Row[], sort: Sort, down: boolean, resort: boolean): Row[] {
    const byKey = new Map(rows.map((row) => [row.key, row]));
    const unchanged = rows.length === this.#keys.length && this.#keys.every((key) => byKey.has(key));
    if (!resort && unchanged && (this.#inside || Date.now() - this.#since < STILL_MS))
      return this.#keys.map((key) => byKey.get(key)!);
    const sorted = sortRows(rows, sort, down);
    this.#keys = sorted.map(({ key }) => key);
    this.#since = Date.now();
    return sorted;
  }
}

function readRows({ store }: Context): Row[] {
  const { structure } = store.state;
  const names = new Map<string, string>();
  for (const { key, name: plain, subnodes } of structure.nodes) {
    const name = isolated(variable(plain));
    names.set(`from ${key[0]}-${key[1]}`, name);
    for (const sub of subnodes) names.set(`to ${key[0]! - 1}-${sub}`, name);
  }
  return structure.edges.map((info, index) => {
    const key = keyText(info.key);
    const [layer, from, to] = info.key;
    const wire = `${names.get(`from ${layer}-${from}`) ?? ""} → ${names.get(`to ${layer}-${to}`) ?? ""}`;
    const importance = store.curves.get(key)?.importance ?? 0;
    const best = info.best ? pretty(info.best) : "";
    return {
      info,
      key,
      index,
      cells: [
        wire,
        functionName(structure, info) || pretty(info.function ?? ""),
        STATES[info.state],
        importance,
        best,
        info.best_r2 ?? Number.NEGATIVE_INFINITY,
      ],
    };
  });
}

function sortRows(rows: Row[], sort: Sort, down: boolean): Row[] {
  const column = COLUMNS.findIndex(([name]) => name === sort);
  const sign = down ? -1 : 1;
  return rows.sort((a, b) => {
    if (sort === "edge") return sign * (a.index - b.index);
    const [p, q] = [a.cells[column]!, b.cells[column]!];
    const order = typeof p === "number" ? p - (q as number) : String(p).localeCompare(String(q));
    return (order ? sign * order : 0) || a.index - b.index;
  });
}

function drawRow(trs: Map<string, HTMLTableRowElement>, row: Row, selected: boolean): HTMLTableRowElement {
  let tr = trs.get(row.key);
  if (!tr) {
    tr = h(
      "tr",
      { "data-row": row.key },
      h("td", { class: "kw-cut" }, h("button", { type: "button", class: "kw-link kw-bare" })),
      ...[1, 2, 3, 4, 5].map(() => h("td", { class: "kw-cut" })),
    );
    trs.set(row.key, tr);
  }
  const [wire, name, state, importance, best, r2] = row.cells;
  const texts = [wire, name, state, number(importance), best, Number.isFinite(r2) ? rSquared(r2) : ""];
  for (const [i, text] of texts.entries())
    setText(i === 0 ? tr.cells[0]!.firstElementChild! : tr.cells[i]!, i === 5 ? text.slice(0, 7) : text);
  attrs(tr.cells[0]!, { title: wire });
  for (const i of [1, 2, 4, 5]) tr.cells[i]!.title = texts[i]!;
  attrs(tr, { "data-selected": selected });
  attrs(tr.cells[2]!, { "data-state": row.info.state });
  attrs(tr.cells[0]!.firstElementChild!, { "aria-pressed": String(selected) });
  return tr;
}
