// The one error of a state, in the words and the unit of the kernel, wherever a view shows it.

import type { History, StateInfo } from "../protocol/messages";
import { number, rSquared } from "../text/format";
import type { Store } from "./store";

/** Name of the errors with their unit: "test error, in n_dot". */
export const errorName = ({ state: { settings } }: Store): string => settings.error_name ?? settings.loss;

/** The same without the unit, where this stands nearby: "test error". */
export const errorWord = (store: Store): string => errorName(store).split(", in ")[0]!;

/** The same for the curves of both parts of the data: "error, in n_dot". */
export const curveName = (store: Store): string => errorName(store).replace(/^(test|training) /, "");

/** The states whose errors can be compared: of the current problem, in the unit of the current error. */
export function comparable({ states, current }: History): StateInfo[] {
  const roots = new Map<number, number>();
  for (const { id, parent, kind } of states)
    roots.set(id, parent === null || kind === "load" || kind === "log" ? id : (roots.get(parent) ?? id));
  return states.filter(({ id }) => roots.get(id) === (roots.get(current) ?? roots.get(id)));
}

/** The error of a state. While it trains, the current state's is that of the status line. */
export function errorOf(store: Store, { id, latest, error }: StateInfo): number | null {
  const { status, history } = store.state;
  if (id === history.current && store.running) return status.test ?? status.train;
  return latest ?? error;
}

/** The label of a state. While it trains, the current one counts its steps. */
export function labelOf(store: Store, { id, kind, label, step }: StateInfo): string {
  const { status, history } = store.state;
  const count = status.step - step;
  if (kind !== "train" || id !== history.current || !store.running || count < 1) return label;
  return `${count} step${count === 1 ? "" : "s"}`;
}

/** R² of an error, null where the error is no root of squares. */
export function r2Of({ state: { settings } }: Store, error: number): number | null {
  const spread = settings.label_spread;
  return spread ? 1 - (error / spread) ** 2 : null;
}

/** `test error, in n_dot 0.0312 (R² 0.998)` */
export const errorText = (store: Store, error: number): string => `${errorName(store)} ${errorFigures(store, error)}`;

/** `0.0312 (R² 0.998)` */
export function errorFigures(store: Store, error: number): string {
  const r2 = r2Of(store, error);
  return `${number(error)}${r2 === null ? "" : ` (R² ${rSquared(r2)})`}`;
}
