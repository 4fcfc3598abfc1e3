// Topics: parts of the session and of the page. Views receive the set of changed topics and redraw only their own.

const DATA_TOPICS = [
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
  "survey",
  "library",
  "guide",
  "link",
  "code",
  "panels",
] as const;
const UI_TOPICS = ["hover", "view", "rank", "awaited", "stopping", "dragging", "size", "note"] as const;

export type DataTopic = (typeof DATA_TOPICS)[number];
export type UiTopic = (typeof UI_TOPICS)[number];
export type Topic = DataTopic | UiTopic;
export type Topics = ReadonlySet<Topic>;

export const EVERYTHING: Topics = new Set([...DATA_TOPICS, ...UI_TOPICS]);

/** Whether any of `names` is among the changed topics. */
export const touches = (topics: Topics, ...names: Topic[]): boolean => names.some((name) => topics.has(name));
