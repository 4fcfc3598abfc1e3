// Pareto front of error against size, one mark per state of the undo tree. A click restores the state.

import { axes } from "../plot/axes";
import { extent, padded, type Scale } from "../plot/scales";
import { Stage } from "../plot/stage";
import type { StateInfo } from "../protocol/messages";
import type { Context, View } from "../state/context";
import { touches } from "../state/topics";
import { number, pretty, thousands } from "../text/format";
import { activeIn, attrs, h, line, s, tick } from "../ui/dom";
import { onKey } from "../ui/keys";
import { Registry } from "../ui/listeners";

interface Mark {
  id: number;
  label: string;
  step: number;
  size: number;
  error: number;
  kept: boolean;
}

/** The states that can be drawn, simplest first, then the most accurate. */
export function marksOf(states: readonly StateInfo[]): Mark[] {
  return states
    .map(({ id, label, step, complexity, error, latest, kept }) => ({
      id,
      label: pretty(label),
      step,
      size: complexity ?? -1,
      error: latest ?? error ?? 0,
      kept: kept ?? true,
    }))
    .filter(({ size, error }) => size >= 0 && error > 0)
    .sort((a, b) => a.size - b.size || a.error - b.error);
}

/** The Pareto front: marks that no smaller mark beats. */
export const paretoOf = (marks: readonly Mark[]): Mark[] => {
  let lowest = Number.POSITIVE_INFINITY;
  return marks.filter(({ error }) => {
    const better = error < lowest;
    if (better) lowest = error;
    return better;
  });
};

export function front(context: Context): View {
  const registry = new Registry();
  const { store, act, ui } = context;
  const stage = new Stage(ui, registry);
  const { svg } = stage;
  // Children of an `img` are hidden from screen readers.
  svg.setAttribute("role", "group");
  const node = h("section", { class: "kw-col kw-fill", "data-kw-panel": "front", "aria-label": "Front" }, stage.node);
  let marks: Mark[] = [];
  let cursor = "";
  let drawn = "";
  /** Id of the mark with the readout. */
  let pointed = "";
  const all = () => [...svg.querySelectorAll<SVGElement>("[data-kw-front]")];
  const readOut = (id = "") => {
    const g = all().find((item) => item.dataset.kwFront === id);
    const mark = marks.find((item) => String(item.id) === id);
    pointed = g && mark ? id : "";
    if (g && mark) stage.read(Number(g.dataset.x), Number(g.dataset.y), facts(mark, context));
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
  const go = (event: Event) => {
    const g = (event.target as Element).closest<SVGElement>("[data-kept]");
    if (g) act.goTo(Number(g.dataset.kwFront));
  };
  registry.listen(svg, "click", go);
  onKey(registry, svg, (event) => {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") go(event);
    else if (move) {
      const at = marks.findIndex(({ id }) => String(id) === cursor);
      const next = marks[(at + move + marks.length) % marks.length];
      svg.querySelector<SVGElement>(`[data-kw-front="${next?.id}"]`)?.focus();
    } else return false;
    return true;
  });
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "history", "size", "view", "settings", "link")) return;
    const { history, settings } = store.state;
    // A recreated mark loses a click in progress: redrawn only after a change.
    const signature = JSON.stringify([history.states, history.current, settings.loss, stage.size, act.hasKernel]);
    if (signature === drawn) return;
    drawn = signature;
    marks = marksOf(history.states);
    if (!marks.some(({ id }) => String(id) === cursor)) cursor = String(history.current);
    const focused = svg.contains(activeIn(svg));
    drawFront(context, stage, marks, cursor);
    if (focused) svg.querySelector<SVGElement>('[tabindex="0"]')?.focus();
    if (pointed) readOut(pointed);
  };
  return { node, draw, destroy: () => registry.destroy() };
}

const facts = (mark: Mark, { store, act }: Context): string[] => [
  mark.label,
  `${store.state.settings.loss} ${number(mark.error)}`,
  `${thousands(mark.size)} free parameters`,
  `step ${thousands(mark.step)}`,
  ...(mark.id === store.state.history.current
    ? ["now"]
    : !mark.kept
      ? ["no longer kept"]
      : act.hasKernel
        ? ["click to return"]
        : []),
];

function drawFront(context: Context, stage: Stage, marks: Mark[], cursor: string): void {
  const { store, act } = context;
  if (marks.length === 0) {
    stage.show("Front", [], "Every act (pruning, a fixed function, a finer grid) leaves a mark here.");
    return;
  }
  const sizes = extent(marks.map(({ size }) => size));
  const [low, high] = extent(marks.map(({ error }) => Math.log10(error)));
  const { x, y, right, top, nodes } = axes(stage.size, {
    x: { range: padded(sizes, 0.07), name: "free parameters" },
    y: { range: [10 ** (low - 0.25), 10 ** (high + 0.25)], name: store.state.settings.loss, log: true },
    right: 24,
  });
  const best = paretoOf(marks);
  const front = best.map(
    (item, i) =>
      `${i > 0 ? `H${x(item.size).toFixed(1)}V` : `M${x(item.size).toFixed(1)} `}${y(item.error).toFixed(1)}`,
  );
  const { current } = store.state.history;
  const drawn = marks.map((mark) => {
    const isCurrent = mark.id === current;
    const [px, py] = [x(mark.size).toFixed(1), y(mark.error).toFixed(1)];
    const open = mark.kept && act.hasKernel;
    return s(
      "g",
      {
        class: `kw-mark ${best.includes(mark) ? "kw-c1" : "kw-c6"}`,
        transform: `translate(${px} ${py})`,
        role: "button",
        tabindex: String(mark.id) === cursor ? 0 : -1,
        "data-kw-front": mark.id,
        "data-x": px,
        "data-y": py,
        "data-kept": open,
        "aria-label": facts(mark, context).join(", ") + (best.includes(mark) ? ", on the front" : ""),
        "aria-current": isCurrent ? "true" : null,
        "aria-disabled": open ? null : "true",
      },
      s("circle", { class: "kw-hit", r: 12 }),
      isCurrent ? s("circle", { class: "kw-p", r: 8.5, "stroke-width": 2 }) : null,
      s("circle", { class: mark.kept ? "kw-f" : "kw-solid", r: isCurrent ? 5 : 4, "stroke-width": 1.5 }),
    );
  });
  // The current mark is last, above its neighbors.
  drawn.sort((a, b) => Number(a.hasAttribute("aria-current")) - Number(b.hasAttribute("aria-current")));
  stage.show(`Error against size of ${marks.length} states, ${best.length} of them on the front`, [
    ...nodes,
    line(`${front.join("")}H${right}`, "kw-c1", 1.4, "5 3"),
    tick(right, top - 9, "↙ simpler and more accurate", "end"),
    ...names(best, x, y, right),
    ...drawn,
  ]);
}

/** Labels beside the marks of the front, unless they overlap the previous one. */
function names(best: Mark[], x: Scale, y: Scale, right: number): SVGElement[] {
  let [end, above] = [0, 0];
  return best.flatMap(({ label, size, error }) => {
    const long = label.length * 5.8;
    const at = Math.min(x(size) + 10, right - long);
    const up = y(error) - 9;
    if (at < end + 8 && Math.abs(above - up) < 13) return [];
    [end, above] = [at + long, up];
    return [tick(at, up, label, "start")];
  });
}
