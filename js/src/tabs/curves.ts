// Training curves: errors on a logarithmic axis over steps or seconds, with marks of events.

import { bisect } from "../plot/scales";
import { Stage } from "../plot/stage";
import type { Context, View } from "../state/context";
import { errorFigures, errorText } from "../state/errors";
import type { Column } from "../state/metrics";
import type { Store } from "../state/store";
import { touches } from "../state/topics";
import { number, pretty, thousands } from "../text/format";
import { WORDS } from "../text/words";
import { button } from "../ui/controls";
import { attrs, h, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";
import { type Chart, COLOR, drawChart, readings } from "./curves-plot";

/** Width of the button above the plot. */
const BUTTON = 104;

export function curves(context: Context): View {
  const registry = new Registry();
  const { ui, act } = context;
  const axis = h("button", {
    type: "button",
    class: "kw-button kw-bare kw-small kw-fine kw-dim",
    "data-kw-toggle": "axis",
    title: "Steps or seconds on the axis",
  });
  const best = button({ action: "back-to-best", label: "Back to best", small: true });
  let chart: Chart | null = null;
  const stage = new Stage(ui, registry, (x) => hover(context, stage, chart, x));
  best.classList.add("kw-corner");
  stage.node.append(best);
  const node = h(
    "section",
    { class: "kw-col kw-fill", "data-kw-panel": "curves", "aria-label": WORDS.error },
    stage.node,
    h("div", { class: "kw-axis" }, axis),
  );
  // Back to a step under the pointer; the button leads to the best one.
  registry.listen(stage.svg, "click", (event) => {
    const step = chart?.drawn ? stepAt(context, chart, event.clientX - stage.svg.getBoundingClientRect().left) : null;
    if (step !== null) act.goToStep(step);
  });
  registry.listen(best, "click", () => act.backToBest());
  registry.listen(axis, "click", () => ui.set("axis", ui.values.axis === "step" ? "seconds" : "step"));
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "metrics", "history", "size", "view", "settings", "status", "link")) return;
    const offered = best.hidden;
    offerBest(context, best);
    if (best.hidden === offered && !touches(topics, "metrics", "history", "size", "view", "settings")) return;
    setText(axis, ui.values.axis === "step" ? "steps" : "seconds");
    chart = drawChart(context, stage, emptyText(context), best.hidden ? 0 : BUTTON);
    axis.hidden = !chart.drawn;
    stage.svg.style.cursor = chart.drawn && act.hasKernel ? "pointer" : "";
    stage.point();
  };
  return { node, draw, destroy: () => registry.destroy() };
}

const emptyText = ({ act, store }: Context): string => {
  if (store.metrics.length > 0) return "The errors are too large, too small or not finite: there is nothing to draw.";
  return act.isSavedPage ? "No training was recorded." : "Press Train to see the network learn.";
};

/** The button is there while an earlier step was clearly better. */
function offerBest({ store, act }: Context, node: HTMLElement): void {
  const { best } = store.state.status;
  node.hidden = !best || !act.hasKernel;
  if (best)
    attrs(node, { title: `Step ${thousands(best.step)}: ${errorText(store, best.error)}. Undo takes this back.` });
}

/** The recorded step at a place of the plot. */
function stepAt({ store }: Context, chart: Chart, at: number): number | null {
  return store.metrics.column("step")[bisect(chart.xs, chart.invert(at))] ?? null;
}

/** The value of a curve. R² is that of the rows whose error a state has: those of the test, where there are any. */
function figures(store: Store, name: Column, value: number): string {
  const judged = store.metrics.outline("test").last >= 0 ? "test" : "train";
  return name === judged ? errorFigures(store, value) : number(value);
}

/** The crosshair and the values under it. */
function hover({ store, act }: Context, stage: Stage, chart: Chart | null, at: number): void {
  const visible = chart?.drawn && !Number.isNaN(at);
  if (!visible) {
    attrs(stage.cross, { d: "" });
    stage.read(0, 0, []);
    return;
  }
  const row = bisect(chart.xs, chart.invert(at));
  const x = chart.x(chart.xs[row]!);
  attrs(stage.cross, { d: `M${x.toFixed(1)} ${chart.top}V${chart.bottom}` });
  const step = store.metrics.column("step")[row]!;
  const near = store.state.history.events.filter((event) => Math.abs(chart.eventX(event.step) - at) < 6);
  stage.read(x, 34, [
    `step ${step.toLocaleString("en-US")}`,
    ...readings(store, row).map(({ name, value }) =>
      h("span", { class: COLOR[name] }, `${name} ${figures(store, name, value)}`),
    ),
    ...near.slice(-4).map((event) => pretty(event.label)),
    ...(act.hasKernel && step !== store.state.status.step ? ["click to return here"] : []),
  ]);
}
