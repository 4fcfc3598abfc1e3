// The payload of the surface: the twin of kanwidget/explorer/describe/panels/surface.py.
import { flag, type Guarded, list, number, orNull, record, text, whole } from "../protocol/guards";

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
    { held: list(orNull(number)), rows: whole },
  ),
};
export type Surface = Guarded<typeof SURFACE.payload>;
