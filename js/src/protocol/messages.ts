// Messages of the kernel: the twin of kanwidget/explorer/protocol/records.py, which explains each field. Types follow
// from the guards, so that every declared field is checked. Payloads of panels are defined in `tabs`.

import {
  flag,
  type Guard,
  type Guarded,
  list,
  many,
  mapOf,
  number,
  oneOf,
  orNull,
  record,
  text,
  whole,
} from "./guards";

export const VERSION = 2;
/** Columns of `metrics`, in order. */
export const METRIC_COLUMNS = ["step", "seconds", "train", "test", "penalty"] as const;
/** Numbers before the samples in a row of `curves`: importance, x_min, x_max. */
export const CURVE_HEAD = 3;

const state = oneOf("idle", "running", "paused", "done", "error");
const edgeState = oneOf("spline", "symbolic", "both", "pruned", "levels");
const edgeKey = many(3);
const nodeKey = many(2);

/** `[tag, attributes, children]`, children of the same form or plain text. */
export type MathNode = [string, Record<string, string>, (MathNode | string)[]];
export const mathNode: Guard<MathNode> = ((v: unknown) =>
  Array.isArray(v) &&
  v.length === 3 &&
  text(v[0]) &&
  mapOf(text)(v[1]) &&
  Array.isArray(v[2]) &&
  v[2].every((child) => text(child) || mathNode(child))) as Guard<MathNode>;

type ArrayEntry = [number, number[]];
const arrayEntry: Guard<ArrayEntry> = ((v: unknown) =>
  Array.isArray(v) &&
  v.length === 2 &&
  whole(v[0]) &&
  Array.isArray(v[1]) &&
  v[1].every((n) => whole(n) && n >= 0)) as Guard<ArrayEntry>;
const arrays = mapOf(arrayEntry);

const nodeInfo = record(
  {
    key: nodeKey,
    name: text,
    kind: oneOf("input", "sum", "product", "output"),
    subnodes: list(whole),
    importance: number,
  },
  { logged: text },
);
const edgeInfo = record(
  { key: edgeKey, state: edgeState },
  { function: orNull(text), best: orNull(text), best_r2: orNull(number), frozen: flag, tied: whole, levels: whole },
);
const structure = record(
  {
    width: list(list(whole)),
    k: whole,
    grid: whole,
    nodes: list(nodeInfo),
    edges: list(edgeInfo),
    n_parameters: whole,
  },
  { version: whole },
);
const status = record(
  {
    state,
    step: whole,
    train: orNull(number),
    test: orNull(number),
    penalty: orNull(number),
    ms_per_step: orNull(number),
    stop_reason: orNull(text),
    driver: oneOf("thread", "cooperative", "blocking"),
    task: orNull(text),
  },
  { process: text, accuracy: orNull(number), best: orNull(record({ step: whole, error: number })), rows: list(whole) },
);
const settings = record(
  {
    lamb: number,
    grid: whole,
    opt: text,
    opts: list(text),
    lr: orNull(number),
    simplicity: number,
    loss: text,
  },
  {
    error_name: text,
    label_spread: orNull(number),
    batch: orNull(whole),
    noise: number,
    seed: orNull(whole),
    rows: whole,
    presets: list(text),
    preset: orNull(text),
  },
);
const selection = record(
  { edges: list(edgeKey) },
  { x_name: text, data_range: list(number), importance: number, k: whole, levels: list(text) },
);
const candidate = record(
  {
    name: text,
    formula: mathNode,
    text,
    params: list(number),
    r2: number,
    complexity: number,
    valid: orNull(list(orNull(number))),
  },
  { imitates: orNull(text), misfit: orNull(number), error: orNull(number), in_place: flag, in_band: flag },
);
/** Errors by the name of the candidate. */
const heldOut = record({ edge: edgeKey, version: whole, errors: mapOf(number) });
const bestOf = record({ key: edgeKey, best: text, best_r2: orNull(number) });
const merge = record({ groups: list(list(whole)), text, odds: text, r2: number });
const candidates = record(
  { edge: orNull(edgeKey), busy: flag, version: whole, rows: list(candidate) },
  { best: list(bestOf), lock: number, merges: list(merge), merged: flag },
);
const formula = record({
  outputs: list(mathNode),
  text,
  latex: text,
  python: text,
  rmse: orNull(number),
  fixed: whole,
  active: whole,
});
const stateInfo = record(
  {
    id: whole,
    parent: orNull(whole),
    label: text,
    kind: text,
    step: whole,
    error: orNull(number),
  },
  { kept: flag, latest: orNull(number), complexity: whole, group: whole, edges: list(edgeKey) },
);
const historyEvent = record({ step: whole, label: text, kind: text });
const history = record(
  {
    states: list(stateInfo),
    current: whole,
    can_undo: flag,
    can_redo: flag,
    events: list(historyEvent),
  },
  { acts: list(list(number)) },
);
const surveyRow = record({ edge: edgeKey, name: text, r2: number });
/** Rows from `first` on, as in `metrics`; `of` is their final number. */
const survey = record({ first: whole, of: whole, busy: flag, rows: list(surveyRow) });
/** A command of the kernel's choice, which a button sends back as it is. */
export type GuideCommand = { kind: string } & Record<string, unknown>;
const guideCommand = record({ kind: text }) as unknown as Guard<GuideCommand>;
const guideStep = record(
  { name: text, label: text, next: flag, done: flag, command: guideCommand },
  { working: flag, hint: text },
);
const guideNotice = record({ name: text, text, label: orNull(text), command: orNull(guideCommand) });
const guide = record({ steps: list(guideStep), sentence: text, notices: list(guideNotice) }, { search: guideStep });
const example = record({ name: text, formula: text, line: text });
const errorInfo = record({ title: text, message: text, hint: orNull(text) });
const snapshot = record(
  {
    v: whole,
    seq: whole,
    structure,
    status,
    settings,
    selection,
    candidates,
    formula,
    history,
    guide,
    primitives: list(text),
    error: orNull(errorInfo),
    arrays,
  },
  { n_metrics: whole, formats: list(list(text)), examples: list(example) },
);

export type EdgeKey = number[];
export type NodeKey = number[];
export type Arrays = Record<string, ArrayEntry>;
export type NodeInfo = Guarded<typeof nodeInfo>;
export type WireEdge = Guarded<typeof edgeInfo>;
export type WireStructure = Guarded<typeof structure>;
export type Status = Guarded<typeof status>;
export type Settings = Guarded<typeof settings>;
export type Selection = Guarded<typeof selection>;
export type Candidate = Guarded<typeof candidate>;
export type Candidates = Guarded<typeof candidates>;
export type HeldOut = Guarded<typeof heldOut>;
export type Formula = Guarded<typeof formula>;
export type StateInfo = Guarded<typeof stateInfo>;
export type History = Guarded<typeof history>;
export type Example = Guarded<typeof example>;
export type Guide = Guarded<typeof guide>;
export type Preview = Guarded<typeof survey>;
export type ErrorInfo = Guarded<typeof errorInfo>;
export type Snapshot = Guarded<typeof snapshot> & { buffer?: unknown };

export const isSnapshot = snapshot as Guard<Snapshot>;
export const isSelection = selection;
export const isCandidates = candidates;
export const isArrays = arrays;

/** Payloads of the messages, beside `v`, `kind`, `seq` and `frame`. */
const BODIES = {
  hello_ack: record({ snapshot }),
  metrics: record({ first: whole, replace: flag, arrays }),
  curves: record({ edges: orNull(list(edgeKey)), arrays }),
  structure: record({ structure }, { part: flag }),
  selection: record({ selection, arrays }),
  candidates: record({ candidates, arrays }),
  held_out: record({ held_out: heldOut }),
  formula: record({ formula }),
  history: record({ history }),
  status: record({ status }),
  settings: record({ settings }),
  error: record({ error: orNull(errorInfo) }),
  survey: record({ survey }),
  library: record({ primitives: list(text) }),
  guide: record({ guide }),
  ack: record({ of: whole, ok: flag, settings }, { view: orNull(text) }),
  export: record({ format: text, filename: text, mime: text, text: orNull(text) }),
};
const head = record({ v: whole, kind: text, seq: whole }, { frame: whole });

type Head<K> = { v: number; kind: K; seq: number; frame?: number };
type MessageKind = keyof typeof BODIES;
type FixedMessage = { [K in MessageKind]: Head<K> & Guarded<(typeof BODIES)[K]> }[MessageKind];

/** Content that the kernel computes while a tab is open. `name` is the kind of its messages, and the key of its payload in them. */
export interface Panel<T = unknown> {
  name: string;
  payload: Guard<T>;
}
/** A panel's message, the same for all panels: `readMessage` has checked the payload. */
export type PanelMessage = Head<"panel"> & { name: string; payload: unknown; arrays: Arrays };
export type Message = FixedMessage | PanelMessage;
export type MessageOf<K extends Message["kind"]> = Extract<Message, { kind: K }>;

/** The message, or null for one that this page, with these panels, does not understand. */
export function readMessage(value: unknown, panels: readonly Panel[]): Message | null {
  if (!head(value) || value.v !== VERSION) return null;
  const { kind } = value;
  const panel = panels.find(({ name }) => name === kind);
  if (panel) {
    const body = record({ [kind]: panel.payload, arrays });
    return body(value) ? { ...value, kind: "panel", name: kind, payload: value[kind] } : null;
  }
  return Object.hasOwn(BODIES, kind) && BODIES[kind as MessageKind](value) ? (value as unknown as Message) : null;
}
