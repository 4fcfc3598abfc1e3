// The payload of the surface: the twin of kanwidget/explorer/describe/panels/surface.py.
import { flag, type Guarded, list, number, orNull, record, text, whole } from "../protocol/guards";
import { number as digits } from "../text/format";

export const SURFACE = {
  name: "surface",
  payload: record(
    {
      x: whole,
      y: orNull(whole),
      output: whole,
      at: list(number),
      names: list(text),
      outputs: list(text),
      x_range: list(number),
      y_range: orNull(list(number)),
      ranges: list(list(number)),
      classes: flag,
    },
    { held: list(orNull(number)), rows: whole, levels: list(list(text)) },
  ),
};
export type Surface = Guarded<typeof SURFACE.payload>;

/** The value of a column: a level's name of words. */
export const valueText = ({ levels }: Surface, column: number, value: number): string =>
  levels?.[column]?.[Math.round(value)] ?? digits(value);
