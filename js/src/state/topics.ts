// What can change. Views are told the set of topics and redraw only what depends on them.

export type DataTopic =
  | "structure"
  | "curves"
  | "metrics"
  | "selection"
  | "candidates"
  | "formula"
  | "history"
  | "status"
  | "settings"
  | "error"
  | "parity"
  | "surface"
  | "survey"
  | "library"
  | "link"
  | "code";
export type UiTopic = "hover" | "view" | "rank" | "stopping" | "held" | "size" | "note";
export type Topic = DataTopic | UiTopic;
export type Topics = ReadonlySet<Topic>;

export const EVERYTHING: Topics = new Set<Topic>([
  "structure",
  "curves",
  "metrics",
  "selection",
  "candidates",
  "formula",
  "history",
  "status",
  "settings",
  "error",
  "parity",
  "surface",
  "survey",
  "library",
  "link",
  "code",
  "hover",
  "view",
  "rank",
  "stopping",
  "size",
  "note",
]);

/** Whether any of `names` is among the changed topics. */
export const touches = (topics: Topics, ...names: Topic[]): boolean => names.some((name) => topics.has(name));
