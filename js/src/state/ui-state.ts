// State of this view only: pointer, open tab, sliders. Never sent, never saved.
import type { UiTopic } from "./topics";

interface UiValues {
  /** The edge under the pointer or with the focus ring. */
  hover: string | null;
  /** The edge or node with the tab stop of the network. */
  cursor: string | null;
  tab: string;
  axis: "step" | "seconds";
  /** In which form the formula is shown. */
  form: string;
  /** The fitted formula has been asked for, and is to be brought into view. */
  awaited: boolean;
  filter: string;
  /** Accuracy (0) against simplicity (1), position of the slider. */
  weight: number;
  expanded: boolean;
  showParts: boolean;
  showPruned: boolean;
  /** Time of an unanswered pause, in ms; null without one. */
  stopping: number | null;
  /** A coefficient is being dragged. */
  dragging: boolean;
  /** Notice about the last act. */
  note: string | null;
}

const TOPIC: Record<keyof UiValues, UiTopic> = {
  hover: "hover",
  cursor: "hover",
  tab: "view",
  axis: "view",
  form: "view",
  awaited: "awaited",
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
    form: "as trained",
    awaited: false,
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
    // The same notice twice is two notices.
    if (this.values[name] === value && name !== "note") return;
    this.values[name] = value;
    this.#changed([TOPIC[name]]);
  }

  /** Marks a topic without a value as changed (the size of a panel). */
  touch(topic: UiTopic): void {
    this.#changed([topic]);
  }
}
