// The payload of the search for formulas: the twin of kanwidget/explorer/describe/panels/discovery.py.
import { type Guarded, list, number, oneOf, orNull, record, text, whole } from "../../protocol/guards";
import { mathNode } from "../../protocol/messages";

export const DISCOVERY = {
  name: "discovery",
  payload: record({
    state: oneOf("idle", "searching", "finishing", "paused", "done", "stopped", "failed"),
    sentence: text,
    findings: list(text),
    seconds: number,
    of: number,
    obstacle: text,
    formulas: list(record({ id: whole, text, formula: orNull(mathNode), error: number, complexity: number })),
    best: orNull(whole),
    current: orNull(whole),
    error_name: text,
    spread: orNull(number),
    target: text,
    column: orNull(text),
  }),
};
export type Discovery = Guarded<typeof DISCOVERY.payload>;
export type HallFormula = Discovery["formulas"][number];
