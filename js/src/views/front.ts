// Error against size, one mark a state of the history: the lower left is simple and accurate. A click returns to one.
import type { Context, View } from "../context";
import { activeIn, attrs, h, line, s, tick } from "../dom";
import { number, pretty, thousands } from "../format";
import { Registry } from "../listeners";
import type { StateInfo } from "../protocol";
import { extent, padded, type Scale } from "../scales";
import { touches } from "../topics";
import { axes, Stage } from "./axes";

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
    .map(({ id, label, step, complexity, error, latest, kept }) => {
      const now = latest ?? error ?? Number.NaN;
      return { id, label: pretty(label), step, size: complexity ?? Number.NaN, error: now, kept: kept ?? true };
    })
    .filter(({ size, error }) => Number.isFinite(size) && error > 0 && Number.isFinite(error))
    .sort((a, b) => a.size - b.size || a.error - b.error);
}

/** Those that no other one beats in both: each larger one is more accurate. */
export const paretoOf = (marks: readonly Mark[]): Mark[] => {
  let least = Number.POSITIVE_INFINITY;
  return marks.filter(({ error }) => {
    const better = error < least;
    if (better) least = error;
    return better;
  });
};

export function front(context: Context): View {
  const registry = new Registry();
  const { store, act, ui } = context;
  const stage = new Stage(ui, registry, () => {});
  attrs(stage.svg, { role: "group" });
  const node = h("section", { class: "kw-col kw-fill", "data-kw-panel": "front", "aria-label": "Front" }, stage.node);
  let marks: Mark[] = [];
  let cursor = -1;
  const markAt = (event: Event) => {
    const id = (event.target as Element).closest("[data-kw-front]")?.getAttribute("data-kw-front");
    return marks.find((one) => String(one.id) === id);
  };
  const go = (mark: Mark | undefined) => {
    if (mark?.kept && act.possible) act.goTo(mark.id);
  };
  const read = (mark: Mark | undefined) => {
    const g = mark && stage.svg.querySelector(`[data-kw-front="${mark.id}"]`);
    const [x, y] = (g?.getAttribute("transform") ?? "").match(/[\d.]+/g)?.map(Number) ?? [0, 0];
    stage.read(x!, y!, mark ? facts(mark, context, act.possible) : []);
  };
  registry.listen(stage.svg, "click", (event) => go(markAt(event)));
  for (const type of ["pointerover", "focusin"]) registry.listen(stage.svg, type, (event) => read(markAt(event)));
  for (const type of ["pointerleave", "focusout"]) registry.listen(stage.svg, type, () => read(undefined));
  registry.listen(stage.svg, "keydown", (event) => {
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter" || event.key === " ") go(markAt(event));
    else if (move) {
      const at = marks.findIndex(({ id }) => id === cursor);
      cursor = marks[(at + move + marks.length) % marks.length]?.id ?? -1;
      for (const g of stage.svg.querySelectorAll<SVGElement>("[data-kw-front]")) {
        const here = g.dataset.kwFront === String(cursor);
        attrs(g, { tabindex: here ? 0 : -1 });
        if (here) g.focus();
      }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "history", "size", "view", "settings", "link")) return;
    marks = marksOf(store.state.history.states);
    if (!marks.some(({ id }) => id === cursor)) cursor = store.state.history.current;
    const focused = stage.svg.contains(activeIn(stage.svg));
    drawFront(context, stage, marks, cursor);
    if (focused) stage.svg.querySelector<SVGElement>('[tabindex="0"]')?.focus();
  };
  return { node, draw, destroy: () => registry.destroy() };
}

function facts(mark: Mark, { store }: Context, possible: boolean): string[] {
  const here = mark.id === store.state.history.current;
  const tail = here ? "now" : mark.kept ? (possible ? "click to return" : "") : "no longer kept";
  return [
    mark.label,
    `${store.state.settings.loss} ${number(mark.error)}`,
    `${thousands(mark.size)} free parameters`,
    `step ${thousands(mark.step)}`,
    tail,
  ].filter(Boolean);
}

function drawFront(context: Context, stage: Stage, marks: Mark[], cursor: number): void {
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
    (one, i) => `${i > 0 ? `H${x(one.size).toFixed(1)}V` : `M${x(one.size).toFixed(1)} `}${y(one.error).toFixed(1)}`,
  );
  const { current } = store.state.history;
  const drawn = marks.map((mark) => {
    const here = mark.id === current;
    const on = best.includes(mark);
    const words = [...facts(mark, context, false), on ? "on the front" : ""].filter(Boolean).join(", ");
    return s(
      "g",
      {
        class: `kw-mark ${on ? "kw-c1" : "kw-c6"}`,
        transform: `translate(${x(mark.size).toFixed(1)} ${y(mark.error).toFixed(1)})`,
        role: "button",
        tabindex: mark.id === cursor ? 0 : -1,
        "data-kw-front": mark.id,
        "data-kept": mark.kept && act.possible,
        "aria-label": words,
        "aria-current": here ? "true" : null,
        "aria-disabled": mark.kept && act.possible ? null : "true",
      },
      s("circle", { class: "kw-hit kw-f", r: 12, "fill-opacity": 0 }),
      here ? s("circle", { class: "kw-p", r: 8.5, "stroke-width": 2 }) : null,
      s("circle", { class: mark.kept ? "kw-f" : "kw-solid", r: here ? 5 : 4, "stroke-width": 1.5 }),
    );
  });
  // The current one last, above its neighbours.
  drawn.sort((a, b) => Number(a.hasAttribute("aria-current")) - Number(b.hasAttribute("aria-current")));
  stage.show(`Error against size of ${marks.length} states, ${best.length} of them on the front`, [
    ...nodes,
    line(`${front.join("")}H${right}`, "kw-c1", 1.4, "5 3"),
    hint(right, top),
    ...names(best, x, y, right),
    ...drawn,
  ]);
}

/** Which way is better. */
const hint = (right: number, top: number): SVGElement => tick(right, top - 9, "↙ simpler and more accurate", "end");

/** Names of the acts beside the marks of the front, where they don't run into one another. */
function names(best: Mark[], x: Scale, y: Scale, right: number): SVGElement[] {
  const taken: [number, number, number][] = [];
  return best.flatMap(({ label, size, error }) => {
    const long = label.length * 5.8;
    const at = Math.min(x(size) + 10, right - long);
    const up = y(error) - 9;
    if (taken.some(([from, to, above]) => at < to && at + long > from && Math.abs(above - up) < 13)) return [];
    taken.push([at, at + long, up]);
    return [tick(at, up, label, "start")];
  });
}
