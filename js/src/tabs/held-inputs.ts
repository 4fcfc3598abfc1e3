// Sliders for the inputs that the surface holds constant.

import type { Context } from "../state/context";
import type { Store } from "../state/store";
import { called } from "../text/names";
import { h } from "../ui/dom";
import { Registry } from "../ui/listeners";
import { type Slider, slider } from "../ui/slider";
import { type Surface, valueText } from "./surface-panel";

/** Whether the network reads a column of the data. */
export const isRead = ({ state }: Store, surface: Surface, column: number): boolean =>
  state.structure.nodes.some(({ kind, name }) => kind === "input" && name === surface.names[column]);

/** Range of an input: its data and its held value. */
function domainOf(surface: Surface, column: number): [number, number] {
  const [low, high] = surface.ranges[column]!;
  return [Math.min(low!, surface.at[column]!), Math.max(high!, surface.at[column]!)];
}

/** Sliders for the inputs that the map doesn't show. */
export function heldInputs(
  { store, uid, act }: Context,
  registry: Registry,
  setInput: (column: number, value: number) => number | null,
) {
  const list = h("div", { class: "kw-held" });
  const middle = h(
    "button",
    {
      type: "button",
      class: "kw-box kw-button kw-small",
      "data-kw-action": "hold-median",
      title: "Back to the medians of the data",
    },
    "Medians",
  );
  const node = h("div", {}, h("div", { class: "kw-row" }, h("b", { class: "kw-fill" }, "Held at"), middle), list);
  let sliderRegistry = new Registry();
  let sliders: [number, Slider][] = [];
  let builtFor = "";
  registry.listen(middle, "click", () => setInput(-1, 0));
  const build = (surface: Surface, columns: number[]) => {
    sliderRegistry.destroy();
    sliderRegistry = new Registry();
    sliders = columns.map((column) => {
      const [low, high] = domainOf(surface, column);
      const label = called(surface.names[column]!);
      const words = surface.levels?.[column] ?? [];
      const steps = words.length > 0 ? words.length - 1 : 100;
      const made = slider(
        {
          name: `at-${column}`,
          label,
          title: `Where ${label} is held`,
          values: Array.from({ length: steps + 1 }, (_, i) =>
            Number((low + ((high - low) * i) / steps).toPrecision(6)),
          ),
          format: (value) => valueText(surface, column, value),
          allows: Number.isFinite,
          range: "a number",
          // The map follows the slider.
          echo: (value) => setInput(column, value),
          commit: (value) => setInput(column, value),
          uid,
        },
        sliderRegistry,
      );
      made.node.title = surface.names[column]!;
      return [column, made];
    });
    list.replaceChildren(...sliders.map(([, item]) => item.node));
  };
  const draw = (surface: Surface, inputs: (number | null)[]) => {
    const candidates = surface.names
      .map((_, i) => i)
      .filter((i) => i !== surface.x && i !== surface.y && isRead(store, surface, i));
    const columns = candidates.filter((i) => surface.ranges[i]![0]! < surface.ranges[i]![1]!);
    // Ranges of the data only: a typed value outside must not rebuild the slider in use.
    const key = JSON.stringify([columns, surface.names, columns.map((i) => surface.ranges[i])]);
    if (key !== builtFor) build(surface, columns);
    builtFor = key;
    node.hidden = columns.length === 0;
    middle.disabled = inputs.every((value) => value === null);
    middle.hidden = act.isSavedPage;
    for (const [column, item] of sliders) {
      item.accept(surface.at[column]!, store.lastAck);
      item.disable(act.isSavedPage);
    }
  };
  return { node, draw, destroy: () => sliderRegistry.destroy() };
}
