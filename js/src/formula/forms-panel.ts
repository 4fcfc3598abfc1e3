// The payload of the forms of the formula: the twin of kanwidget/explorer/describe/panels/forms.py.

import { flag, type Guarded, list, number, orNull, record, text } from "../protocol/guards";
import { mathNode } from "../protocol/messages";

export const FORMS = {
  name: "forms",
  payload: record({
    forms: list(
      record({
        name: text,
        outputs: list(mathNode),
        text,
        latex: text,
        python: text,
        error: orNull(number),
        constants: list(mathNode),
        meaning: text,
        verdict: text,
      }),
    ),
    busy: flag,
    current: flag,
  }),
};
export type Forms = Guarded<typeof FORMS.payload>;
export type Form = Forms["forms"][number];
