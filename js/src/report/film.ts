// The film of a saved page: the curves of every shot, unpacked one shot at a time.
import { fromBase64 } from "../protocol/codecs";
import type { Formula, WireStructure } from "../protocol/messages";
import { keyText } from "../protocol/structure";

/** What selecting an edge shows; arrays named `selection.*` and `candidates.*`. */
export interface StoredEdge {
  selection?: unknown;
  candidates?: unknown;
  arrays?: unknown;
  buffer?: unknown;
}

/** As `kanwidget/explorer/movie.py` writes it. */
export interface FilmData {
  steps: number[];
  /** Train, test and penalty of every shot. */
  losses: (number | null)[][];
  scenes: WireStructure[];
  /** The scene of every shot. */
  scene: number[];
  samples: number;
  /** Of every curve importance, x_min, x_max, y_min and y_max, float32 as base64. */
  heads: string;
  /** Of every curve its samples as parts of its range in y, uint16 as base64. */
  values: string;
  /** The states before acts: `state` is the act's in the history, `edges` places in `stored`. */
  acts: { shot: number; state: number | null; label: string; formula: Formula; edges: Record<string, number> }[];
  stored: (StoredEdge | null)[];
}

const HEAD = 5;
const NO_NUMBER = 65535;

export class Film {
  readonly #first: number[] = [];
  readonly #heads: DataView;
  readonly #values: DataView;

  private constructor(
    readonly data: FilmData,
    heads: DataView,
    values: DataView,
  ) {
    this.#heads = heads;
    this.#values = values;
    let row = 0;
    for (const scene of data.scene) {
      this.#first.push(row);
      row += data.scenes[scene]!.edges.length;
    }
  }

  /** The film, when it is whole; a page whose film is damaged is one without. */
  static open(data: FilmData | undefined): Film | null {
    try {
      const [heads, values] = [fromBase64(data!.heads), fromBase64(data!.values)];
      const rows = data!.scene.reduce((sum, scene) => sum + data!.scenes[scene]!.edges.length, 0);
      const whole =
        heads?.byteLength === rows * HEAD * 4 &&
        values?.byteLength === rows * data!.samples * 2 &&
        data!.steps.length === data!.scene.length &&
        Array.isArray(data!.acts) &&
        Array.isArray(data!.stored) &&
        data!.steps.length > 1;
      return whole ? new Film(data!, heads, values) : null;
    } catch {
      return null;
    }
  }

  get length(): number {
    return this.data.steps.length;
  }

  structure(shot: number): WireStructure {
    return this.data.scenes[this.data.scene[shot]!]!;
  }

  act(shot: number) {
    return this.data.acts.find((act) => act.shot === shot) ?? null;
  }

  /** The act at a shot, or the next one: between two acts the formula has one form. */
  actFrom(shot: number) {
    return this.data.acts.find((act) => act.shot >= shot) ?? null;
  }

  /** The rows of `curves`. */
  curves(shot: number): { values: Float32Array; shape: [number, number] } {
    const { samples } = this.data;
    const n = this.structure(shot).edges.length;
    const width = 3 + samples;
    const values = new Float32Array(n * width);
    for (let i = 0; i < n; i++) values.set(this.#row(shot, i), i * width);
    return { values, shape: [n, width] };
  }

  #row(shot: number, index: number): Float32Array {
    const { samples } = this.data;
    const row = this.#first[shot]! + index;
    const head = Array.from({ length: HEAD }, (_, k) => this.#heads.getFloat32(4 * (row * HEAD + k), true));
    const values = new Float32Array(3 + samples);
    values.set(head.slice(0, 3));
    const [low, high] = [head[3]!, head[4]!];
    for (let k = 0; k < samples; k++) {
      const part = this.#values.getUint16(2 * (row * samples + k), true);
      values[3 + k] = part === NO_NUMBER ? Number.NaN : low + ((high - low) * part) / (NO_NUMBER - 1);
    }
    return values;
  }

  /** One edge as the inspector shows it, without what wasn't recorded; null where there is no such edge. */
  edge(
    shot: number,
    key: string,
  ): { detail: Float32Array; points: number; range: number[]; importance: number } | null {
    const index = this.structure(shot).edges.findIndex((edge) => keyText(edge.key) === key);
    if (index < 0) return null;
    const row = this.#row(shot, index);
    const n = this.data.samples;
    const [importance, low, high] = [row[0]!, row[1]!, row[2]!];
    const detail = new Float32Array(4 * n).fill(Number.NaN);
    for (let k = 0; k < n; k++) detail[k] = low + ((high - low) * k) / (n - 1);
    detail.set(row.subarray(3), n);
    return { detail, points: n, range: [low, high], importance };
  }
}
