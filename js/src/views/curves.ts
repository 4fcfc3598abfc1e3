// Training curves: errors on a logarithmic axis over steps or seconds, with a mark wherever something was done.
import type { Context, View } from "../context";
import { attrs, h, s, setText } from "../dom";
import { number, pretty } from "../format";
import { Registry } from "../listeners";
import { bisect } from "../scales";
import { touches } from "../topics";
import { type Chart, COLOUR, drawChart, readings } from "./curves-plot";

export function curves(context: Context): View {
  const registry = new Registry();
  const { ui } = context;
  const axis = h("button", {
    type: "button",
    class: "kw-button kw-bare kw-small kw-fine kw-dim kw-axis",
    "data-kw-toggle": "axis",
    title: "Steps or seconds on the axis",
  });
  const svg = s("svg", { role: "img" });
  const readout = h("div", { class: "kw-readout kw-box kw-pop kw-fine", "aria-hidden": "true", hidden: true });
  const empty = h("p", { class: "kw-empty kw-dim" });
  const stage = h("div", { class: "kw-stage kw-fill" }, svg, readout, empty);
  const node = h(
    "section",
    { class: "kw-col kw-fill", "data-kw-panel": "curves", "aria-label": "Curves" },
    stage,
    axis,
  );
  let size = { width: 420, height: 150 };
  let chart: Chart | null = null;
  let pointer: number | null = null;
  registry.listen(axis, "click", () => ui.set("axis", ui.values.axis === "step" ? "seconds" : "step"));
  registry.resize(stage, (width, height) => {
    size = { width: Math.floor(width), height: Math.floor(height) };
    ui.touch("size");
  });
  const point = () => hover(context, svg, readout, chart, pointer);
  registry.listen(svg, "pointermove", (event) => {
    pointer = event.clientX - svg.getBoundingClientRect().left;
    point();
  });
  registry.listen(svg, "pointerleave", () => {
    pointer = null;
    point();
  });
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "metrics", "history", "size", "view", "settings")) return;
    setText(axis, ui.values.axis === "step" ? "steps" : "seconds");
    chart = drawChart(context, svg, size);
    axis.hidden = !chart.drawn;
    empty.hidden = chart.drawn;
    setText(empty, emptyText(context));
    point();
  };
  return { node, draw, destroy: () => registry.destroy() };
}

const emptyText = ({ act, store }: Context): string => {
  if (store.metrics.length > 0) return "The errors are too large, too small or not finite: there is nothing to draw.";
  return act.reading ? "No training was recorded." : "Press Start to see the network learn.";
};

/** The crosshair and the values under it. */
function hover(
  { store }: Context,
  svg: SVGSVGElement,
  readout: HTMLElement,
  chart: Chart | null,
  at: number | null,
): void {
  const line = svg.lastElementChild;
  readout.hidden = !chart?.drawn || at === null;
  if (line) attrs(line, { d: "" });
  if (!chart?.drawn || at === null) return;
  const value = chart.invert(at);
  const row = bisect(chart.xs, value);
  const x = chart.x(chart.xs[row]!);
  if (line) attrs(line, { d: `M${x.toFixed(1)} ${chart.top}V${chart.bottom}` });
  const step = store.metrics.column("step")[row]!;
  const parts = readings(store, row).map(({ name, value: y }) =>
    h("span", { class: COLOUR[name] }, `${name} ${number(y)}`),
  );
  const near = store.state.history.events.filter((event) => Math.abs(chart.eventX(event.step) - at) < 6);
  readout.replaceChildren(
    h("b", {}, `step ${step.toLocaleString("en-US")}`),
    ...parts,
    ...near.map((event) => h("span", {}, pretty(event.label))),
  );
  const right = x > chart.right * 0.6;
  readout.style.left = right ? "auto" : `${x + 10}px`;
  readout.style.right = right ? `${chart.width - x + 10}px` : "auto";
}
