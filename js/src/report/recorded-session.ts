// Answers of a saved page in place of a kernel: the state at each frame of the film, and the records of selected edges.
import { fromBase64 } from "../protocol/codecs";
import { type History, isArrays, isCandidates, isSelection } from "../protocol/messages";
import { keyText } from "../protocol/structure";
import { Film, type FilmData, type StoredEdge } from "./film";

export interface Report {
  /** The trait `snapshot`, its `buffer` as base64 text. */
  snapshot: Record<string, unknown>;
  /** Records of the edges at the end of the training. */
  edges?: Record<string, StoredEdge>;
  film?: FilmData;
  /** Messages of the panels at the end of the training. */
  panels?: StoredMessage[];
}

export interface StoredMessage {
  message: Record<string, unknown>;
  buffer?: unknown;
}

export const binary = (value: unknown): unknown => (typeof value === "string" ? fromBase64(value) : value);

/** In earlier frames nothing is done. */
const NOTHING_DONE = { steps: [], sentence: "", notices: [] };

/** Arrays whose name begins with `prefix`, without it. */
function withPrefix(arrays: unknown, prefix: string): Record<string, unknown> {
  if (!isArrays(arrays)) return {};
  const matching = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(matching.map(([name, entry]) => [name.slice(prefix.length), entry]));
}

/** Messages for a selection of edges. */
function edgeMessages(stored: StoredEdge | undefined, edges: number[][]): StoredMessage[] {
  const selection = isSelection(stored?.selection) ? { ...stored.selection, edges } : { edges };
  const candidates = isCandidates(stored?.candidates)
    ? { ...stored.candidates, busy: false }
    : { edge: edges[0] ?? null, busy: false, version: 0, rows: [] };
  const buffer = binary(stored?.buffer);
  return [
    { message: { kind: "selection", selection, arrays: withPrefix(stored?.arrays, "selection.") }, buffer },
    { message: { kind: "candidates", candidates, arrays: withPrefix(stored?.arrays, "candidates.") }, buffer },
  ];
}

/** Stands in for the kernel of a saved page. */
export class RecordedSession {
  readonly film: Film | null;
  readonly #last: number;
  #frame: number;
  #structure: number;
  #selected: number[][];
  /** Frame at which the edges were selected: in other frames they may have other indices. */
  #selectedAt: number;

  constructor(private readonly report: Report) {
    this.film = Film.open(report.film);
    this.#last = this.#frame = (this.film?.length ?? 1) - 1;
    this.#structure = this.film?.data.scene[this.#last] ?? 0;
    // The page opens with a selected edge.
    const { selection } = report.snapshot;
    this.#selected = isSelection(selection) ? selection.edges : [];
    this.#selectedAt = this.#last;
  }

  select(edges: number[][]): StoredMessage[] {
    this.#selected = edges;
    this.#selectedAt = this.#frame;
    return this.#edgeMessages();
  }

  /** Messages of the panels at the current frame. */
  panels(): StoredMessage[] {
    const atEnd = !this.film || this.#frame === this.#last;
    const last = () => (this.report.panels ?? []).map(({ message, buffer }) => ({ message, buffer: binary(buffer) }));
    return atEnd ? last() : this.film!.panels(this.#frame);
  }

  /** Messages for a frame of the film. */
  show(frame: number): StoredMessage[] {
    const film = this.film!;
    this.#frame = frame;
    const structure = film.data.scene[frame]!;
    const changed = structure !== this.#structure;
    this.#structure = structure;
    const { values, shape } = film.curves(frame);
    const curves = { kind: "curves", edges: null, arrays: { curves: [0, shape] } };
    return [
      ...(changed ? [{ message: { kind: "structure", structure: film.structure(frame) } }] : []),
      { message: curves, buffer: values },
      { message: { kind: "status", status: this.#status() } },
      { message: { kind: "formula", formula: this.#formula() } },
      { message: { kind: "history", history: this.#history() } },
      { message: { kind: "guide", guide: frame === this.#last ? this.report.snapshot.guide : NOTHING_DONE } },
      ...this.panels(),
      ...(this.#selected.length > 0 ? this.#edgeMessages() : []),
    ];
  }

  #edgeMessages(): StoredMessage[] {
    const { film } = this;
    const atEnd = !film || this.#frame === this.#last;
    const present = film
      ? this.#selected.flatMap((edge) => {
          const now = film.follow(edge, this.#selectedAt, this.#frame);
          return now ? [now] : [];
        })
      : this.#selected;
    const key = present[0] ? keyText(present[0]) : "";
    if (atEnd)
      return edgeMessages(Object.hasOwn(this.report.edges ?? {}, key) ? this.report.edges![key] : undefined, present);
    const number = film.act(this.#frame)?.edges[key];
    const stored = number === undefined ? null : film.data.stored[number];
    return edgeMessages(stored ?? this.#drawn(film, key), present);
  }

  /** Record of an edge between two acts: only its curve. */
  #drawn(film: Film, key: string): StoredEdge | undefined {
    const edge = film.edge(this.#frame, key);
    if (!edge) return undefined;
    const { detail, points, range, importance } = edge;
    const [layer, source] = key.split("-").map(Number);
    const node = film.structure(this.#frame).nodes.find((item) => item.key[0] === layer && item.key[1] === source);
    return {
      selection: { edges: [], x_name: node?.name ?? "x", data_range: range, importance },
      arrays: { "selection.detail": [0, [4, points]] },
      buffer: detail,
    };
  }

  #status(): unknown {
    const { snapshot } = this.report;
    if (this.#frame === this.#last) return snapshot.status;
    const [train, test, penalty] = this.film!.data.losses[this.#frame] ?? [];
    const figures = { train: train ?? null, test: test ?? null, penalty: penalty ?? null };
    const step = this.film!.data.steps[this.#frame];
    return {
      ...(snapshot.status as object),
      ...figures,
      step,
      state: "paused",
      stop_reason: null,
      ms_per_step: null,
    };
  }

  #formula(): unknown {
    const { snapshot } = this.report;
    if (this.#frame === this.#last) return snapshot.formula;
    const recorded = this.film!.actFrom(this.#frame)?.formula ?? (snapshot.formula as object);
    const [train, test] = this.film!.data.losses[this.#frame] ?? [];
    return { ...recorded, rmse: test ?? train ?? null };
  }

  /** History at the current frame: events with a mark at the frame, and the state before the next act. */
  #history(): unknown {
    const history = this.report.snapshot.history as History;
    if (this.#frame === this.#last) return history;
    const step = this.film!.data.steps[this.#frame]!;
    const at = history.events.findIndex((event) => event.step > step);
    const cut = at < 0 ? history.events.length : at;
    const events = [...history.events.slice(0, cut), { step, kind: "film", label: "▼" }, ...history.events.slice(cut)];
    const next = this.film!.actFrom(this.#frame)?.state;
    const current = history.states.find(({ id }) => id === next)?.parent ?? history.current;
    return { ...history, current, events };
  }
}
