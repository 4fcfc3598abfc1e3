// What only this view knows: where the pointer is, which tab is open. Never sent, never saved.
import type { UiTopic } from "./topics";

interface UiValues {
  /** The edge under the pointer or with the focus ring. */
  hover: string | null;
  /** The edge that takes the network's one tab stop. */
  cursor: string | null;
  tab: string;
  axis: "step" | "seconds";
  filter: string;
  /** Accuracy (0) against simplicity (1), as the slider stands. */
  weight: number;
  expanded: boolean;
  showParts: boolean;
  showPruned: boolean;
  /** Since when a pause is asked for and not yet answered, in ms; null when none is. */
  stopping: number | null;
  /** A hand holds a coefficient. */
  dragging: boolean;
  /** What the last act did, in words. */
  note: string | null;
}

const TOPIC: Record<keyof UiValues, UiTopic> = {
  hover: "hover",
  cursor: "hover",
  tab: "view",
  axis: "view",
  filter: "rank",
  weight: "rank",
  expanded: "view",
  showParts: "view",
  showPruned: "view",
  stopping: "stopping",
  dragging: "dragging",
  note: "note",
};

export class UiState {
  readonly values: UiValues = {
    hover: null,
    cursor: null,
    tab: "curves",
    axis: "step",
    filter: "",
    weight: 0,
    expanded: false,
    showParts: false,
    showPruned: true,
    stopping: null,
    dragging: false,
    note: null,
  };
  #changed: (topics: UiTopic[]) => void = () => {};

  onChange(call: (topics: UiTopic[]) => void): void {
    this.#changed = call;
  }

  set<K extends keyof UiValues>(name: K, value: UiValues[K]): void {
    // A note may be about the same act again.
    if (this.values[name] === value && name !== "note") return;
    this.values[name] = value;
    this.#changed([TOPIC[name]]);
  }

  /** Something that is no value of its own has changed (a panel's size). */
  touch(topic: UiTopic): void {
    this.#changed([topic]);
  }
}
