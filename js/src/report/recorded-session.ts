// Answers of a saved page in place of a kernel: the state at each frame of the film, and the records of selected edges.
import { fromBase64 } from "../protocol/codecs";
import { type History, isArrays, isCandidates, isSelection } from "../protocol/messages";
import { keyText } from "../protocol/structure";
import { Film, type FilmData, type StoredEdge } from "./film";

export interface Report {
  /** As the trait `snapshot`; its `buffer` as base64 text. */
  snapshot: Record<string, unknown>;
  /** What selecting each edge shows at the end. */
  edges?: Record<string, StoredEdge>;
  film?: FilmData;
}

export interface StoredMessage {
  message: Record<string, unknown>;
  buffer?: unknown;
}

export const binary = (value: unknown): unknown => (typeof value === "string" ? fromBase64(value) : value);

/** Arrays whose name begins with `prefix`, without it. */
function withPrefix(arrays: unknown, prefix: string): Record<string, unknown> {
  if (!isArrays(arrays)) return {};
  const matching = Object.entries(arrays).filter(([name]) => name.startsWith(prefix));
  return Object.fromEntries(matching.map(([name, entry]) => [name.slice(prefix.length), entry]));
}

/** What a page is told of selected edges. */
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

/** The page's side of a kernel: what is shown now, and what it answers. */
export class RecordedSession {
  readonly film: Film | null;
  readonly #last: number;
  #shot: number;
  #scene: number;
  #selected: number[][] = [];

  constructor(private readonly report: Report) {
    this.film = Film.open(report.film);
    this.#last = this.#shot = (this.film?.length ?? 1) - 1;
    this.#scene = this.film?.data.scene[this.#last] ?? 0;
  }

  select(edges: number[][]): StoredMessage[] {
    this.#selected = edges;
    return this.#edgeMessages();
  }

  /** Goes to a shot. */
  show(shot: number): StoredMessage[] {
    const film = this.film!;
    this.#shot = shot;
    const scene = film.data.scene[shot]!;
    const changed = scene !== this.#scene;
    this.#scene = scene;
    const { values, shape } = film.curves(shot);
    const curves = { kind: "curves", edges: null, arrays: { curves: [0, shape] } };
    return [
      ...(changed ? [{ message: { kind: "structure", structure: film.structure(shot) } }] : []),
      { message: curves, buffer: values },
      { message: { kind: "status", status: this.#status() } },
      { message: { kind: "formula", formula: this.#formula() } },
      { message: { kind: "history", history: this.#history() } },
      ...(this.#selected.length > 0 ? this.#edgeMessages() : []),
    ];
  }

  #edgeMessages(): StoredMessage[] {
    const { film } = this;
    const atEnd = !film || this.#shot === this.#last;
    const present = atEnd ? this.#selected : this.#selected.filter((edge) => film.edge(this.#shot, keyText(edge)));
    const key = present[0] ? keyText(present[0]) : "";
    if (atEnd)
      return edgeMessages(Object.hasOwn(this.report.edges ?? {}, key) ? this.report.edges![key] : undefined, present);
    const number = film.act(this.#shot)?.edges[key];
    const stored = number === undefined ? null : film.data.stored[number];
    return edgeMessages(stored ?? this.#drawn(film, key), present);
  }

  /** Between acts only the curve was recorded. */
  #drawn(film: Film, key: string): StoredEdge | undefined {
    const edge = film.edge(this.#shot, key);
    if (!edge) return undefined;
    const { detail, points, range, importance } = edge;
    const [layer, source] = key.split("-").map(Number);
    const node = film.structure(this.#shot).nodes.find((item) => item.key[0] === layer && item.key[1] === source);
    return {
      selection: { edges: [], x_name: node?.name ?? "x", data_range: range, importance },
      arrays: { "selection.detail": [0, [4, points]] },
      buffer: detail,
    };
  }

  #status(): unknown {
    const { snapshot } = this.report;
    if (this.#shot === this.#last) return snapshot.status;
    const [train, test, penalty] = this.film!.data.losses[this.#shot] ?? [];
    const figures = { train: train ?? null, test: test ?? null, penalty: penalty ?? null };
    const step = this.film!.data.steps[this.#shot];
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
    if (this.#shot === this.#last) return snapshot.formula;
    const recorded = this.film!.actFrom(this.#shot)?.formula ?? (snapshot.formula as object);
    const [train, test] = this.film!.data.losses[this.#shot] ?? [];
    return { ...recorded, rmse: test ?? train ?? null };
  }

  /** The marks on the curves, and one where the film is; the state that the next act left. */
  #history(): unknown {
    const history = this.report.snapshot.history as History;
    if (this.#shot === this.#last) return history;
    const step = this.film!.data.steps[this.#shot]!;
    const at = history.events.findIndex((event) => event.step > step);
    const cut = at < 0 ? history.events.length : at;
    const events = [...history.events.slice(0, cut), { step, kind: "film", label: "▼" }, ...history.events.slice(cut)];
    const next = this.film!.actFrom(this.#shot)?.state;
    const current = history.states.find(({ id }) => id === next)?.parent ?? history.current;
    return { ...history, current, events };
  }
}
