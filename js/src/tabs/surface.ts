// The network's output over one or two inputs as a map or a line, the data on it in the same colours, the others held.

import { Stage } from "../plot/stage";
import type { Surface } from "../protocol/messages";
import type { Context, View } from "../state/context";
import type { Store } from "../state/store";
import { touches } from "../state/topics";
import { called } from "../text/names";
import { chooser } from "../ui/chooser";
import { h } from "../ui/dom";
import { Registry } from "../ui/listeners";
import { classLegend } from "./classes";
import { holders, isRead } from "./held-inputs";
import type { Chart } from "./surface-plot";
import { drawSurface, readPoint } from "./surface-plot";

type Choice = Pick<Surface, "x" | "y" | "output">;

export function surface(context: Context): View {
  const registry = new Registry();
  const { store, act } = context;
  let chart: Chart | null = null;
  /** As the kernel has told, and what was asked for since. */
  let held: (number | null)[] = [];
  let seen: Surface | null = null;
  let asked = -1;
  let last = "";
  const ask = (change: Partial<Choice> = {}): number | null => {
    const told = store.state.surface;
    if (!told) return null;
    const view = { ...exchanged(store, told, change), at: told.names.map((_, i) => held[i] ?? null) };
    // A typed value is echoed and committed: one message is enough.
    if (JSON.stringify(view) === last) return asked;
    last = JSON.stringify(view);
    asked = act.send({ kind: "surface", ...view }) ?? asked;
    return asked;
  };
  const stage = new Stage(context.ui, registry, (x, y) => readPoint(stage, chart, store, x, y));
  const canvas = h("canvas", { class: "kw-heat", "aria-hidden": "true" });
  stage.node.prepend(canvas);
  const x = chooser("surface-x", "Across", registry, (value) => ask({ x: value }));
  const y = chooser("surface-y", "Up", registry, (value) => ask({ y: value < 0 ? null : value }));
  const output = chooser("surface-output", "Output", registry, (value) => ask({ output: value }));
  const rest = holders(context, registry, (column, value) => {
    if (column < 0) held = [];
    else held[column] = value;
    return ask();
  });
  const legend = classLegend();
  const parts = [output, x, y, legend, rest].map((one) => one.node);
  const side = h("div", { class: "kw-col kw-scroll kw-side kw-fine kw-dim" }, ...parts);
  const node = h(
    "section",
    { class: "kw-fill kw-split", "data-kw-panel": "surface", "aria-label": "Surface" },
    stage.node,
    side,
  );
  const draw: View["draw"] = (topics) => {
    if (!touches(topics, "surface", "size", "view", "link", "structure", "settings")) return;
    const told = store.state.surface;
    const look = { uid: context.uid, dark: node.closest(".kw-dark") !== null, waits: act.possible };
    if (touches(topics, "surface", "size", "view", "link", "structure")) {
      chart = drawSurface(stage, canvas, told, store.state.heights, look);
      canvas.hidden = !chart?.grid;
      if (told) legend.draw(told, look.dark);
      stage.point();
    }
    // What was asked for stands until it is answered.
    if (!told || store.answered < asked) return;
    last = "";
    held = heldOf(told, told !== seen, held);
    seen = told;
    const names = options(told.names);
    const read = names.filter(([i]) => isRead(store, told, i));
    const some = read.length > 0 ? read : names;
    x.set(some, told.x);
    y.set(some.length > 1 ? [...some, [-1, "nothing: a line"]] : [], told.y ?? -1);
    output.set(options(told.outputs), told.output);
    rest.draw(told, held);
    side.hidden = parts.every((one) => one.hidden);
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

const options = (names: string[]) => names.map((name, i): [number, string] => [i, called(name)]);

/** Choosing what the other axis shows exchanges the two; the input of a line that goes up leaves its place to another. */
function exchanged(store: Store, told: Surface, change: Partial<Choice>): Choice {
  const { x, y, output } = { ...told, ...change };
  if (x !== y) return { x, y, output };
  if (change.x !== undefined) return { x, y: told.x, output };
  const other = told.names.findIndex((_, i) => i !== y && isRead(store, told, i));
  return { x: told.y ?? (other < 0 ? x : other), y: told.y === null && other < 0 ? null : y, output };
}

/** What is held: news of the kernel say it, if it isn't older than that; else it is what was asked for. */
function heldOf({ held, names }: Surface, news: boolean, asked: (number | null)[]): (number | null)[] {
  if (news && held) return [...held];
  return asked.length === names.length ? asked : names.map(() => null);
}
