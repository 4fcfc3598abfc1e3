// The hall of fame as rows, from simple to accurate: a small picture, the formula, its error and its complexity.
import type { Context } from "../../state/context";
import { inLine, number } from "../../text/format";
import { iconButton } from "../../ui/controls";
import { activeIn, attrs, h, line, s, setChildren, setText } from "../../ui/dom";
import { onKey } from "../../ui/keys";
import { Registry } from "../../ui/listeners";
import type { Discovery, HallFormula } from "./panel";
import { written } from "./preview";
import { sparkOf, type Values } from "./values";

export interface Choice {
  /** Formulas that are compared, at most two. */
  compared: readonly number[];
}

interface Acts {
  point(id: number | null): void;
  compare(id: number): void;
}

export function hallOfFame(context: Context, acts: Acts) {
  const registry = new Registry();
  const list = h("ol", { class: "kw-hall-list", "aria-label": "Formulas, from simple to accurate" });
  const heads = ["", "formula", "error", "size", ""].map((word) => h("span", {}, word));
  attrs(heads[3]!, { title: "Complexity: columns and constants count 1, operations 1, functions 2" });
  const heading = h("div", { class: "kw-hall-row kw-dim kw-fine", "aria-hidden": "true" }, ...heads);
  const node = h("div", { class: "kw-scroll kw-hall" }, heading, list);
  const rows = new Map<number, HTMLLIElement>();
  const idOf = (event: Event) => {
    const row = (event.target as Element).closest<HTMLElement>("[data-kw-hall]");
    return row ? Number(row.dataset.kwHall) : null;
  };
  for (const type of ["pointerover", "focusin"]) registry.listen(list, type, (event) => acts.point(idOf(event)));
  for (const type of ["pointerleave", "focusout"]) registry.listen(list, type, () => acts.point(null));
  /** The row that Tab leads to; arrows go to the others. */
  let cursor: number | null = null;
  const buttonsOf = (row?: Element | null) => (row ? ([...row.children] as HTMLButtonElement[]) : []);
  const stopAt = (id: number | null) => {
    cursor = id;
    for (const [of, row] of rows) for (const one of buttonsOf(row)) one.tabIndex = of === id ? 0 : -1;
  };
  registry.listen(list, "focusin", (event) => stopAt(idOf(event)));
  onKey(registry, list, (event) => {
    const move = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const row = rows.get(cursor!);
    if (!move || !row) return false;
    focusAt([...list.children].indexOf(row) + move, buttonsOf(row).indexOf(event.target as HTMLButtonElement));
    return true;
  });
  const focusAt = (index: number, column: number) => {
    const row = list.children[Math.max(0, Math.min(list.children.length - 1, index))];
    buttonsOf(row)[column]?.focus();
  };
  registry.listen(list, "click", (event) => {
    const id = idOf(event);
    const pressed = (event.target as Element).closest<HTMLButtonElement>("button");
    if (id === null || !pressed) return;
    if (pressed.dataset.kwAction === "compare") acts.compare(id);
    else if (context.act.hasKernel) context.act.send({ kind: "use_formula", id });
  });
  const draw = (payload: Discovery, values: Values, { compared }: Choice) => {
    const { formulas, current, best } = payload;
    heading.hidden = formulas.length === 0;
    setText(heads[2]!, payload.error_name);
    for (const id of rows.keys()) if (!values.of.has(id)) rows.delete(id);
    for (const formula of formulas) {
      const row = rows.get(formula.id) ?? rowOf(formula, values);
      rows.set(formula.id, row);
      const [load, compare] = row.children as unknown as [HTMLButtonElement, HTMLButtonElement];
      const isCurrent = formula.id === current;
      attrs(row, { "data-current": isCurrent, "data-best": formula.id === best });
      attrs(load, {
        "aria-current": isCurrent ? "true" : null,
        "aria-disabled": context.act.hasKernel ? null : "true",
        title: titleOf(formula.id === best, isCurrent, context.act.hasKernel),
      });
      attrs(compare, { "aria-pressed": String(compared.includes(formula.id)) });
    }
    const focused = activeIn(list)?.closest("[data-kw-hall]");
    const at = [...list.children].indexOf(focused!);
    const column = buttonsOf(focused).indexOf(activeIn(list) as HTMLButtonElement);
    setChildren(
      list,
      formulas.map(({ id }) => rows.get(id)!),
    );
    if (!rows.has(cursor!)) stopAt(current ?? best ?? formulas.at(-1)?.id ?? null);
    else stopAt(cursor);
    // A better formula has taken the place of the one with the focus.
    if (at >= 0 && !list.contains(focused!)) focusAt(at, column);
  };
  return { node, draw, destroy: () => registry.destroy() };
}

function titleOf(isBest: boolean, isCurrent: boolean, isAlive: boolean): string {
  const act = !isAlive ? "" : isCurrent ? "It is the network now" : "Click: it becomes the network";
  return [isBest ? "The likeliest for its length" : "", act].filter(Boolean).join(". ");
}

function rowOf(formula: HallFormula, values: Values): HTMLLIElement {
  const { truth, curve } = sparkOf(values, values.of.get(formula.id)!);
  const lines = [line(truth, "kw-c6", values.x ? 2 : 1), line(curve, "kw-c1", values.x ? 1.6 : 2)];
  for (const drawn of lines) attrs(drawn, { "stroke-linecap": "round" });
  const picture = s("svg", { class: "kw-hall-spark", viewBox: "0 0 46 30", "aria-hidden": "true" }, ...lines);
  const cell = h("span", { class: "kw-hall-cell", title: inLine(formula.text) }, written(formula));
  const load = h(
    "button",
    { type: "button", class: "kw-bare kw-hall-row" },
    picture,
    cell,
    h("b", {}, hidden("error "), number(formula.error, 2)),
    h("span", { class: "kw-dim" }, hidden("size "), number(formula.complexity, 3)),
  );
  const compare = iconButton("compare", "Compare", "swap", {
    title: "Compare: keep it over the data beside another one",
  });
  return h("li", { "data-kw-hall": formula.id, "data-kw-text": formula.text }, load, compare);
}

/** For screen readers: the heading says it to the eye. */
const hidden = (word: string) => h("span", { class: "kw-hidden" }, word);
