// The front: every state as a mark of error against size, and the best of each size as a list of formulas. A click on
// either restores the state.

import { FITTED } from "../../formula/choice";
import { Stage } from "../../plot/stage";
import type { Context, View } from "../../state/context";
import { touches } from "../../state/topics";
import { number, thousands } from "../../text/format";
import { activeIn, attrs, h } from "../../ui/dom";
import { onKey } from "../../ui/keys";
import { Registry } from "../../ui/listeners";
import { bestOfEach, type Mark, marksOf, paretoOf } from "./marks";
import { FRONT } from "./panel";
import { drawFront, formulaOf, readout } from "./plot";

export function front(context: Context): View {
  const registry = new Registry();
  const { store, act, ui } = context;
  const stage = new Stage(ui, registry);
  const { svg } = stage;
  // Children of an `img` are hidden from screen readers.
  svg.setAttribute("role", "group");
  const list = h("ol", { class: "kw-col kw-scroll kw-side kw-best", "aria-label": "Best of each size" });
  const node = h(
    "section",
    { class: "kw-fill kw-split", "data-kw-panel": "front", "aria-label": "Front" },
    stage.node,
    list,
  );
  let marks: Mark[] = [];
  let cursor = "";
  let drawn = "";
  /** Id of the mark with the readout. */
  let pointed = "";
  const all = () => [...svg.querySelectorAll<SVGElement>("[data-kw-front]")];
  const readOut = (id = "") => {
    const g = all().find((item) => item.dataset.kwFront === id);
    const mark = marks.find((item) => item.key === id);
    pointed = g && mark ? id : "";
    if (g && mark) stage.read(Number(g.dataset.x), Number(g.dataset.y), readout(mark, context));
    else stage.read(0, 0, []);
  };
  const read = (event: Event) => {
    const g = (event.target as Element).closest<SVGElement>("[data-kw-front]");
    readOut(g?.dataset.kwFront);
    if (!g || event.type !== "focusin") return;
    cursor = g.dataset.kwFront!;
    for (const item of all()) attrs(item, { tabindex: item === g ? 0 : -1 });
  };
  // On the stage: an SVG element with focus listeners would become a tab stop of its own.
  for (const type of ["pointerover", "focusin"]) registry.listen(stage.node, type, read);
  for (const type of ["pointerleave", "focusout"]) registry.listen(stage.node, type, () => readOut());
  const goTo = (key = "") => returnTo(context, marks, key);
  listenTo(list, registry, readOut, goTo);
  const go = (event: Event) => goTo((event.target as Element).closest<SVGElement>("[data-kept]")?.dataset.kwFront);
  registry.listen(svg, "click", go);
  onKey(registry, svg, (event) => {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") go(event);
    else if (move) {
      const at = marks.findIndex(({ key }) => key === cursor);
      const next = marks[(at + move + marks.length) % marks.length];
      svg.querySelector<SVGElement>(`[data-kw-front="${next?.key}"]`)?.focus();
    } else return false;
    return true;
  });
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "history", "size", "view", "settings", "link", "panels", "status")) return;
    const noise = store.panel(FRONT)?.payload.noise ?? null;
    const next = marksOf(store);
    const { current } = store.state.history;
    // A recreated mark loses a click in progress: redrawn only after a change.
    const signature = JSON.stringify([next, noise, current, store.state.settings, stage.size, act.hasKernel]);
    if (signature === drawn) return;
    drawn = signature;
    marks = next;
    if (!marks.some(({ key }) => key === cursor)) cursor = String(current);
    const focused = svg.contains(activeIn(svg));
    drawFront(context, stage, marks, noise, cursor);
    if (focused) svg.querySelector<SVGElement>('[tabindex="0"]')?.focus();
    if (pointed) readOut(pointed);
    drawList(context, list, bestOfEach(marks));
  };
  return { node, draw, destroy: () => registry.destroy() };
}

function returnTo({ act, ui }: Context, marks: Mark[], of: string): void {
  const mark = marks.find(({ key }) => key === of);
  if (!mark) return;
  // The fitted law is a form of the state's formula.
  if (mark.law) ui.set("form", FITTED);
  act.goTo(mark.id);
}

/** A row points at its mark; a click on it returns to its state. */
function listenTo(
  list: HTMLElement,
  registry: Registry,
  point: (id?: string) => void,
  go: (key: string) => void,
): void {
  for (const type of ["pointerover", "focusin"]) registry.listen(list, type, (e) => point(rowOf(e)?.dataset.kwBest));
  for (const type of ["pointerleave", "focusout"]) registry.listen(list, type, () => point());
  registry.listen(list, "click", (event) => {
    const row = rowOf(event);
    if (row && !row.hasAttribute("disabled")) go(row.dataset.kwBest!);
  });
}

const rowOf = (event: Event) => (event.target as Element).closest<HTMLElement>("[data-kw-best]");

/** The best state of each size, those on the front marked. */
function drawList({ store, act }: Context, list: HTMLElement, best: Mark[]): void {
  const onFront = new Set(paretoOf([...best].sort((a, b) => a.size - b.size)));
  const focused = list.contains(activeIn(list)) ? activeIn(list)?.getAttribute("data-kw-best") : null;
  const rows = best.map((mark) => {
    const row = h(
      "button",
      {
        type: "button",
        class: "kw-bare kw-row kw-best-row",
        "data-kw-best": mark.key,
        "aria-current": !mark.law && mark.id === store.state.history.current ? "true" : null,
        disabled: !mark.kept || !act.hasKernel,
      },
      formulaOf(mark),
      h(onFront.has(mark) ? "b" : "span", { title: "Error" }, number(mark.error, 2)),
      h("span", { class: "kw-dim", title: mark.law ? "Fitted constants" : "Free parameters" }, thousands(mark.size)),
    );
    return h("li", {}, row);
  });
  list.replaceChildren(...rows);
  list.hidden = rows.length === 0;
  if (focused) list.querySelector<HTMLElement>(`[data-kw-best="${focused}"]`)?.focus();
}
