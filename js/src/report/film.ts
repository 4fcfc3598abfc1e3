// The film of a saved page: the curves of every frame, unpacked one frame at a time.
import { fromBase64 } from "../protocol/codecs";
import type { Formula, WireStructure } from "../protocol/messages";
import { keyText } from "../protocol/structure";

/** Record of a selected edge; arrays named `selection.*` and `candidates.*`. */
export interface StoredEdge {
  selection?: unknown;
  candidates?: unknown;
  arrays?: unknown;
  buffer?: unknown;
}

/** As `kanwidget/explorer/files/film.py` writes it. */
export interface FilmData {
  steps: number[];
  /** Train, test and penalty of every frame. */
  losses: (number | null)[][];
  scenes: WireStructure[];
  /** Index of each frame's structure in `scenes`. */
  scene: number[];
  samples: number;
  /** Of every curve importance, x_min, x_max, y_min and y_max, float32 as base64. */
  heads: string;
  /** Of every curve its samples as parts of its range in y, uint16 as base64. */
  values: string;
  /** States before acts: `shot` is the frame, `state` the id in the undo tree, `edges` indices into `stored`. */
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
    for (const index of data.scene) {
      this.#first.push(row);
      row += data.scenes[index]!.edges.length;
    }
  }

  /** The film, or null if it is missing or damaged. */
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

  structure(frame: number): WireStructure {
    return this.data.scenes[this.data.scene[frame]!]!;
  }

  act(frame: number) {
    return this.data.acts.find((act) => act.shot === frame) ?? null;
  }

  /** The act at a frame, or the next one: between two acts the formula keeps its form. */
  actFrom(frame: number) {
    return this.data.acts.find((act) => act.shot >= frame) ?? null;
  }

  /** The rows of `curves`. */
  curves(frame: number): { values: Float32Array; shape: [number, number] } {
    const { samples } = this.data;
    const n = this.structure(frame).edges.length;
    const width = 3 + samples;
    const values = new Float32Array(n * width);
    for (let i = 0; i < n; i++) values.set(this.#row(frame, i), i * width);
    return { values, shape: [n, width] };
  }

  #row(frame: number, index: number): Float32Array {
    const { samples } = this.data;
    const row = this.#first[frame]! + index;
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

  /** Data of one edge for the inspector, NaN where not recorded; null without such an edge. */
  edge(
    frame: number,
    key: string,
  ): { detail: Float32Array; points: number; range: number[]; importance: number } | null {
    const index = this.structure(frame).edges.findIndex((edge) => keyText(edge.key) === key);
    if (index < 0) return null;
    const row = this.#row(frame, index);
    const n = this.data.samples;
    const [importance, low, high] = [row[0]!, row[1]!, row[2]!];
    const detail = new Float32Array(4 * n).fill(Number.NaN);
    for (let k = 0; k < n; k++) detail[k] = low + ((high - low) * k) / (n - 1);
    detail.set(row.subarray(3), n);
    return { detail, points: n, range: [low, high], importance };
  }
}
