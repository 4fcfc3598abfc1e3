// The surface tab: the output over one or two inputs, the others held constant.

import { SHAPES } from "../plot/marks";
import { Stage } from "../plot/stage";
import type { Context, View } from "../state/context";
import type { Store } from "../state/store";
import { touches } from "../state/topics";
import { thousands } from "../text/format";
import { called } from "../text/names";
import { chooser } from "../ui/chooser";
import { h, s, setText } from "../ui/dom";
import { Registry } from "../ui/listeners";
import { classLegend } from "./classes";
import { heldInputs, isRead } from "./held-inputs";
import { SURFACE, type Surface } from "./surface-panel";
import type { Chart } from "./surface-plot";
import { drawSurface, FAR, readPoint } from "./surface-plot";

type Choice = Pick<Surface, "x" | "y" | "output">;

export function surface(context: Context): View {
  const registry = new Registry();
  const { store, act } = context;
  let chart: Chart | null = null;
  /** Held inputs: the kernel's values with the requests since. */
  let inputs: (number | null)[] = [];
  let lastPanel: Surface | null = null;
  let requestSeq = -1;
  let last = "";
  const ask = (change: Partial<Choice> = {}): number | null => {
    const panel = store.panel(SURFACE)?.payload;
    if (!panel) return null;
    const view = { ...exchanged(store, panel, change), at: panel.names.map((_, i) => inputs[i] ?? null) };
    // A typed value is echoed and committed, but sent once.
    if (JSON.stringify(view) === last) return requestSeq;
    last = JSON.stringify(view);
    requestSeq = act.send({ kind: "surface", ...view }) ?? requestSeq;
    return requestSeq;
  };
  const stage = new Stage(context.ui, registry, (x, y) => readPoint(stage, chart, store, x, y));
  const canvas = h("canvas", { class: "kw-heat", "aria-hidden": "true" });
  stage.node.prepend(canvas);
  const x = chooser("surface-x", "Across", registry, (value) => ask({ x: value }));
  const y = chooser("surface-y", "Up", registry, (value) => ask({ y: value < 0 ? null : value }));
  const output = chooser("surface-output", "Output", registry, (value) => ask({ output: value }));
  const rest = heldInputs(context, registry, (column, value) => {
    if (column < 0) inputs = [];
    else inputs[column] = value;
    return ask();
  });
  const legend = classLegend();
  const far = farLegend();
  const parts = [output, x, y, legend, far, rest].map((item) => item.node);
  const side = h("div", { class: "kw-col kw-scroll kw-side kw-fine kw-dim" }, ...parts);
  const looks = { class: "kw-fill kw-split", "data-kw-panel": "surface", "aria-label": "Surface" };
  const node = h("section", looks, stage.node, side);
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "panels", "size", "view", "link", "structure", "settings")) return;
    const { payload: panel, arrays } = store.panel(SURFACE) ?? {};
    const look = { uid: context.uid, dark: node.closest(".kw-dark") !== null, waits: act.hasKernel };
    if (touches(topics, "panels", "size", "view", "link", "structure")) {
      chart = drawSurface(stage, canvas, panel, arrays, look);
      canvas.hidden = !chart?.grid;
      if (panel) legend.draw(panel, look.dark);
      far.draw(!!chart?.grid, arrays?.get("points")?.shape[1] ?? 0, panel?.rows);
      stage.point();
    }
    // A request stands until its acknowledgement.
    if (!panel || store.lastAck < requestSeq) return;
    last = "";
    inputs = currentInputs(panel, panel !== lastPanel, inputs);
    lastPanel = panel;
    const names = options(panel.names);
    const read = names.filter(([i]) => isRead(store, panel, i));
    // A saved page has no kernel to compute another surface.
    const choices = act.isSavedPage ? [] : read.length > 0 ? read : names;
    x.set(choices, panel.x);
    y.set(choices.length > 1 ? [...choices, [-1, "nothing: a line"]] : [], panel.y ?? -1);
    output.set(act.isSavedPage ? [] : options(panel.outputs), panel.output);
    rest.draw(panel, inputs);
    side.hidden = parts.every((item) => item.hidden);
  };
  return {
    node,
    draw,
    destroy: () => {
      rest.destroy();
      registry.destroy();
    },
  };
}

/** What the rim of a point says, and how many of the rows are drawn. */
function farLegend() {
  const mark = s("path", {
    class: "kw-dot-on",
    d: SHAPES[0]!,
    fill: "none",
    "data-far": true,
    transform: "translate(8 7)scale(1.5)",
  });
  const sample = s("svg", { width: 16, height: 14, "aria-hidden": "true" }, mark);
  const words = `data off the map by over ${100 * FAR} % of the scale`;
  const row = h("div", { class: "kw-row" }, sample, h("span", {}, words));
  const count = h("div");
  const node = h("div", {}, row, count);
  const draw = (onMap: boolean, shown: number, all = shown) => {
    row.hidden = !onMap;
    setText(count, all > shown ? `${thousands(shown)} of ${thousands(all)} rows are drawn` : "");
    node.hidden = !onMap && all <= shown;
  };
  return { node, draw };
}

const options = (names: string[]) => names.map((name, i): [number, string] => [i, called(name)]);

/** Choosing the input of the other axis exchanges both. If the input of a line moves to y, another input takes its place. */
function exchanged(store: Store, panel: Surface, change: Partial<Choice>): Choice {
  const { x, y, output } = { ...panel, ...change };
  if (x !== y) return { x, y, output };
  if (change.x !== undefined) return { x, y: panel.x, output };
  const free = panel.names.findIndex((_, i) => i !== y && isRead(store, panel, i));
  return { x: panel.y ?? (free < 0 ? x : free), y: panel.y === null && free < 0 ? null : y, output };
}

/** Held values: those of a new message, otherwise the requested ones. */
function currentInputs({ held, names }: Surface, news: boolean, requested: (number | null)[]): (number | null)[] {
  if (news && held) return [...held];
  return requested.length === names.length ? requested : names.map(() => null);
}
