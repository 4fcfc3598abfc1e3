// The payload of the front: the twin of kanwidget/explorer/describe/panels/front.py.
import { flag, type Guarded, list, number, orNull, record, text, whole } from "../../protocol/guards";
import { mathNode } from "../../protocol/messages";

export const FRONT = {
  name: "front",
  payload: record({
    states: list(record({ id: whole, text, formula: orNull(mathNode) })),
    laws: list(record({ id: whole, text, formula: orNull(mathNode), error: number, size: number, as_good: flag })),
    noise: orNull(number),
    busy: flag,
  }),
};
export type Front = Guarded<typeof FRONT.payload>;
