// Sliders for the inputs that the surface holds constant.
import type { Surface } from "../protocol/messages";
import type { Context } from "../state/context";
import type { Store } from "../state/store";
import { number } from "../text/format";
import { called } from "../text/names";
import { h } from "../ui/dom";
import { Registry } from "../ui/listeners";
import { type Slider, slider } from "../ui/slider";

/** Whether the network reads a column of the data. */
export const isRead = ({ state }: Store, told: Surface, column: number): boolean =>
  state.structure.nodes.some(({ kind, name }) => kind === "input" && name === told.names[column]);

/** Over what an input ranges: the data, and where it is held. */
function domainOf(told: Surface, column: number): [number, number] {
  const [low, high] = told.ranges[column]!;
  return [Math.min(low!, told.at[column]!), Math.max(high!, told.at[column]!)];
}

/** Sliders for the inputs that the map doesn't show. */
export function holders(
  { store, uid }: Context,
  registry: Registry,
  hold: (column: number, value: number) => number | null,
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
  let own = new Registry();
  let sliders: [number, Slider][] = [];
  let known = "";
  registry.listen(middle, "click", () => hold(-1, 0));
  const build = (told: Surface, columns: number[]) => {
    own.destroy();
    own = new Registry();
    sliders = columns.map((column) => {
      const [low, high] = domainOf(told, column);
      const label = called(told.names[column]!);
      const made = slider(
        {
          name: `at-${column}`,
          label,
          title: `Where ${label} is held`,
          values: Array.from({ length: 101 }, (_, i) => Number((low + ((high - low) * i) / 100).toPrecision(6))),
          format: (value) => number(value),
          allows: Number.isFinite,
          // The map follows the hand.
          echo: (value) => hold(column, value),
          commit: (value) => hold(column, value),
          uid,
        },
        own,
      );
      return [column, made];
    });
    list.replaceChildren(...sliders.map(([, one]) => one.node));
  };
  const draw = (told: Surface, held: (number | null)[]) => {
    const others = told.names.map((_, i) => i).filter((i) => i !== told.x && i !== told.y && isRead(store, told, i));
    const columns = others.filter((i) => told.ranges[i]![0]! < told.ranges[i]![1]!);
    // The data's ranges only: a typed value outside of them must not rebuild what the hand is on.
    const key = JSON.stringify([columns, told.names, columns.map((i) => told.ranges[i])]);
    if (key !== known) build(told, columns);
    known = key;
    node.hidden = columns.length === 0;
    middle.disabled = held.every((value) => value === null);
    for (const [column, one] of sliders) one.accept(told.at[column]!, store.answered);
  };
  return { node, draw, destroy: () => own.destroy() };
}
