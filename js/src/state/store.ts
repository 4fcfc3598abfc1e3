// The store: the last payload of each topic. Messages and snapshots go in, changed topics come out.

import { type NumberArray, readArrays } from "../protocol/codecs";
import { expandStructure } from "../protocol/compact";
import type {
  Candidates,
  EdgeKey,
  ErrorInfo,
  Example,
  Formula,
  Guide,
  HeldOut,
  History,
  Message,
  MessageOf,
  Panel,
  Preview,
  Selection,
  Settings,
  Snapshot,
  Status,
} from "../protocol/messages";
import { complete, keyText, mergeStructure, type Structure } from "../protocol/structure";
import { EdgeCurves } from "./edge-curves";
import { Metrics } from "./metrics";
import type { DataTopic } from "./topics";

/** `live`: a kernel answers; `lost`: it stopped; `none`: a saved page. */
export type Link = "live" | "lost" | "none";

/** Last payload of a panel, with its arrays. */
interface PanelContent<T = unknown> {
  payload: T;
  arrays: Map<string, NumberArray>;
}

interface State {
  structure: Structure;
  status: Status;
  settings: Settings;
  selection: Selection;
  detail: Map<string, NumberArray>;
  candidates: Candidates;
  fits: Map<string, NumberArray>;
  formula: Formula;
  history: History;
  guide: Guide;
  primitives: string[];
  /** `[name, label]` of the export formats. */
  formats: string[][];
  /** The problems of the gallery. */
  examples: Example[];
  survey: Preview | null;
  error: ErrorInfo | null;
  code: string | null;
}

const EMPTY: State = {
  structure: { width: [], k: 3, grid: 1, nodes: [], edges: [], n_parameters: 0 },
  status: {
    state: "idle",
    step: 0,
    train: null,
    test: null,
    penalty: null,
    ms_per_step: null,
    stop_reason: null,
    driver: "thread",
    task: null,
  },
  settings: { lamb: 0, grid: 1, opt: "", opts: [], lr: null, simplicity: 0, loss: "RMSE" },
  selection: { edges: [] },
  detail: new Map(),
  candidates: { edge: null, busy: false, version: 0, rows: [] },
  fits: new Map(),
  formula: { outputs: [], text: "", latex: "", python: "", rmse: null, fixed: 0, active: 0 },
  history: { states: [], current: 0, can_undo: false, can_redo: false, events: [] },
  guide: { steps: [], sentence: "", notices: [] },
  primitives: [],
  formats: [],
  examples: [],
  survey: null,
  error: null,
  code: null,
};

export class Store {
  state: State = { ...EMPTY };
  readonly metrics = new Metrics();
  readonly curves = new EdgeCurves();
  /** Panels of the page: messages of others are unreadable. */
  panels: readonly Panel[] = [];
  readonly #contents = new Map<string, PanelContent>();
  link: Link = "live";
  /** Whether a snapshot has arrived. */
  ready = false;
  /** Number of the last acknowledged command. */
  lastAck = -1;
  /** Name of this view; an acknowledgement carries the name of the view that it answers. */
  view: string | null = null;
  /** Number of `hello_ack` messages and losses: after each the kernel has no open panels. */
  helloCount = 0;
  /** Whether the symbolify preview is open. */
  previewOpen = false;
  /** Number of messages that this page could not read. */
  unreadable = 0;
  #seq = Number.NEGATIVE_INFINITY;
  #snapshotSeq = Number.NEGATIVE_INFINITY;
  /** The unacknowledged `select`: older selections must not flash up meanwhile. */
  #pendingSelection: { seq: number; edges: string } | null = null;
  #changed: (topics: DataTopic[]) => void = () => {};

  onChange(call: (topics: DataTopic[]) => void): void {
    this.#changed = call;
  }

  /** Whether the training or a search within one act runs, and the kernel is alive. */
  get running(): boolean {
    const { state, task } = this.state.status;
    return this.link === "live" && (state === "running" || task !== null);
  }

  /** Content of a panel, if it has arrived. */
  panel<T>({ name }: Panel<T>): PanelContent<T> | undefined {
    return this.#contents.get(name) as PanelContent<T> | undefined;
  }

  setLink(link: Link): void {
    if (this.link === link) return;
    this.link = link;
    if (link === "lost") this.helloCount += 1;
    this.#changed(["link", "status"]);
  }

  /** Loads a snapshot, unless newer messages have arrived. */
  load(snapshot: Snapshot, binary: unknown = snapshot.buffer): boolean {
    if (snapshot.seq < this.#seq) return false;
    this.#seq = this.#snapshotSeq = snapshot.seq;
    const arrays = readArrays(snapshot.arrays, binary);
    const { status, settings, selection, candidates, formula, history, guide, primitives, error } = snapshot;
    const formats = snapshot.formats ?? this.state.formats;
    const examples = snapshot.examples ?? this.state.examples;
    const structure = complete(expandStructure(snapshot.structure, arrays.get("edges")));
    // A snapshot repeats the last error: one that was dismissed stays so.
    const repeated = JSON.stringify(error) === JSON.stringify(this.state.error);
    this.state = {
      ...this.state,
      structure,
      status,
      settings,
      formula,
      history,
      guide,
      primitives,
      formats,
      examples,
      error: repeated ? this.state.error : error,
    };
    this.metrics.restore(arrays.get("metrics"), snapshot.n_metrics, arrays.get("later"));
    this.curves.keep(structure);
    this.curves.set(
      arrays.get("curves"),
      structure.edges.map((edge) => edge.key),
    );
    this.#setSelection(selection, withPrefix(arrays, "selection."));
    this.#setCandidates(candidates, withPrefix(arrays, "candidates."));
    this.ready = true;
    this.#changed([
      "structure",
      "status",
      "settings",
      "selection",
      "candidates",
      "formula",
      "history",
      "guide",
      "error",
      "metrics",
      "curves",
    ]);
    return true;
  }

  apply(message: Message, binary: unknown): void {
    if (message.kind === "hello_ack") {
      this.load({ ...message.snapshot, seq: Math.max(message.seq, message.snapshot.seq) }, binary);
      this.helloCount += 1;
      this.#changed(["link"]);
      return;
    }
    // The snapshot contains earlier messages.
    const timeless = message.kind === "ack" || message.kind === "export" || message.kind === "error";
    if (!timeless && message.seq < this.#snapshotSeq) return;
    this.#seq = Math.max(this.#seq, message.seq);
    const arrays = "arrays" in message ? readArrays(message.arrays, binary) : new Map<string, NumberArray>();
    const topics = this.#reduce(message, arrays);
    if (topics.length > 0) this.#changed(topics);
  }

  #reduce(message: Exclude<Message, { kind: "hello_ack" }>, arrays: Map<string, NumberArray>): DataTopic[] {
    switch (message.kind) {
      case "panel":
        this.#contents.set(message.name, { payload: message.payload, arrays });
        return ["panels"];
      case "metrics":
        if (message.replace) this.metrics.clear();
        this.metrics.add(arrays.get("metrics"), message.first);
        if (message.replace) this.metrics.addLater(arrays.get("later"));
        return ["metrics"];
      case "curves":
        this.curves.set(arrays.get("curves"), message.edges ?? this.state.structure.edges.map((edge) => edge.key));
        this.curves.setImportance(arrays.get("importance"), this.state.structure);
        return ["curves"];
      case "selection":
        return this.#setSelection(message.selection, arrays);
      case "candidates":
        return this.#setCandidates(message.candidates, arrays);
      case "held_out":
        return this.#setErrors(message.held_out);
      case "survey": {
        const earlier = this.state.survey?.rows.slice(0, message.survey.first) ?? [];
        this.state.survey = { ...message.survey, first: 0, rows: [...earlier, ...message.survey.rows] };
        return ["survey"];
      }
      case "library":
        this.state.primitives = message.primitives;
        return ["library"];
      case "ack":
        return this.#acknowledge(message);
      case "export":
        if (message.format !== "code") return [];
        this.state.code = message.text;
        return ["code"];
      case "structure": {
        const replaced = message.structure.version !== this.state.structure.version;
        // A partial update needs the structure that it updates.
        if (message.part && replaced) return [];
        this.state.structure = message.part
          ? mergeStructure(this.state.structure, message.structure)
          : complete(message.structure);
        this.curves.keep(this.state.structure);
        // The preview belongs to the previous structure.
        if (replaced) this.state.survey = null;
        return ["structure"];
      }
      default:
        Object.assign(this.state, { [message.kind]: message[message.kind as keyof typeof message] });
        return [message.kind];
    }
  }

  /** Whether an acknowledgement answers another view. Views number independently, so a number alone is ambiguous. */
  isForeign({ view = null }: MessageOf<"ack">): boolean {
    return view !== null && this.view !== null && view !== this.view;
  }

  /** Opens or closes the symbolify preview; earlier rows may belong to another structure. */
  openPreview(on: boolean): void {
    this.previewOpen = on;
    this.state.survey = null;
  }

  /** Whether the kernel is still computing candidates or a preview, or searches for formulas. */
  get busy(): boolean {
    const { candidates, survey, guide } = this.state;
    const working = candidates.busy || guide.search?.working || (this.previewOpen && (survey?.busy ?? true));
    return this.link === "live" && working;
  }

  #acknowledge(ack: MessageOf<"ack">): DataTopic[] {
    this.state.settings = ack.settings;
    if (this.isForeign(ack)) return ["settings"];
    if (this.#pendingSelection && ack.of >= this.#pendingSelection.seq) this.#pendingSelection = null;
    this.lastAck = Math.max(this.lastAck, ack.of);
    return ["settings"];
  }

  /** Shows a selection before the kernel has confirmed it. */
  select(edges: EdgeKey[]): void {
    this.#pendingSelection = { seq: Number.POSITIVE_INFINITY, edges: edges.map(keyText).join() };
    const [layer, source] = edges[0] ?? [];
    const from = this.state.structure.nodes.find(({ key }) => key[0] === layer && key[1] === source);
    this.state.selection = from ? { edges, x_name: from.name } : { edges };
    this.state.detail = new Map();
    this.state.candidates = { edge: edges[0] ?? null, busy: edges.length > 0, version: 0, rows: [] };
    this.state.fits = new Map();
    this.#changed(["selection", "candidates"]);
  }

  /** Remembers the number of the `select` command; null if it could not be sent. */
  awaitSelection(seq: number | null): void {
    if (seq === null) this.#pendingSelection = null;
    else if (this.#pendingSelection) this.#pendingSelection.seq = seq;
  }

  #setSelection(selection: Selection, detail: Map<string, NumberArray>): DataTopic[] {
    const edges = selection.edges.map(keyText).join();
    if (this.#pendingSelection && this.#pendingSelection.edges !== edges) return [];
    this.state.selection = selection;
    this.state.detail = detail;
    return ["selection"];
  }

  /** Replaces the best candidates of all edges; edges not listed have none. */
  #updateBest(best: NonNullable<Candidates["best"]>): void {
    const byKey = new Map(best.map((entry) => [keyText(entry.key), entry]));
    for (const edge of this.state.structure.edges) {
      const entry = byKey.get(keyText(edge.key));
      edge.best = entry?.best ?? null;
      edge.best_r2 = entry?.best_r2 ?? null;
    }
  }

  #setCandidates(candidates: Candidates, fits: Map<string, NumberArray>): DataTopic[] {
    const selected = this.state.selection.edges[0];
    const matches = selected && candidates.edge && keyText(selected) === keyText(candidates.edge);
    if (!matches && (selected || candidates.edge)) return [];
    if (candidates.best) this.#updateBest(candidates.best);
    // A busy message without rows keeps the rows on screen.
    if (candidates.busy && candidates.rows.length === 0 && this.state.candidates.rows.length > 0) {
      this.state.candidates = { ...this.state.candidates, busy: true };
      return ["candidates"];
    }
    this.state.candidates = candidates;
    this.state.fits = fits;
    return ["candidates"];
  }

  /** Writes errors after a swap into the candidates that they belong to. */
  #setErrors({ edge, version, errors }: HeldOut): DataTopic[] {
    const { candidates } = this.state;
    if (keyText(candidates.edge ?? []) !== keyText(edge) || candidates.version !== version) return [];
    // Rows without news stay the same objects: they are not drawn again.
    const rows = candidates.rows.map((row) =>
      Object.hasOwn(errors, row.name) ? { ...row, error: errors[row.name]! } : row,
    );
    this.state.candidates = { ...candidates, rows };
    return ["candidates"];
  }
}

/** Arrays whose name begins with `prefix`, without it. */
function withPrefix(arrays: Map<string, NumberArray>, prefix: string): Map<string, NumberArray> {
  const matching = new Map<string, NumberArray>();
  for (const [name, array] of arrays) if (name.startsWith(prefix)) matching.set(name.slice(prefix.length), array);
  return matching;
}
