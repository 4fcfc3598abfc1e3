// The film of a saved page: the curves of every frame, unpacked one frame at a time.
import { fromBase64 } from "../protocol/codecs";
import type { Formula, WireStructure } from "../protocol/messages";
import { keyText } from "../protocol/structure";
import { type Identities, sameEdge } from "./identity";

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
  /** Identities of the nodes of each structure; without them an edge is found by its indices. */
  nodes?: Identities[];
  /** Content of the panels in every frame. */
  panels?: Record<string, { payload: unknown; arrays: Record<string, StoredArray> }>;
  samples: number;
  /** Of every curve importance, x_min, x_max, y_min and y_max, float32 as base64. */
  heads: string;
  /** Of every curve its samples as parts of its range in y, uint16 as base64. */
  values: string;
  /** States before acts: `shot` is the frame, `state` the id in the undo tree, `edges` indices into `stored`. */
  acts: { shot: number; state: number | null; label: string; formula: Formula; edges: Record<string, number> }[];
  stored: (StoredEdge | null)[];
}

/** An array of every frame, as its lowest and highest value and parts between them, or one that never changes. */
interface StoredArray {
  shape: number[];
  /** float32 as base64. */
  ends?: string;
  /** uint16 as base64. */
  values?: string;
  /** float32 as base64. */
  constant?: string;
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
      values[3 + k] = between(this.#values.getUint16(2 * (row * samples + k), true), low, high);
    }
    return values;
  }

  /** The edge at one frame that an edge of another frame is; null if it isn't there. */
  follow(edge: number[], from: number, to: number): number[] | null {
    const [a, b] = [this.data.scene[from]!, this.data.scene[to]!];
    const ids = this.data.nodes;
    if (a === b || !ids?.[a] || !ids[b]) return this.#has(to, edge) ? edge : null;
    return sameEdge(edge, this.structure(from), ids[a], this.structure(to), ids[b]);
  }

  #has(frame: number, edge: number[]): boolean {
    return this.structure(frame).edges.some(({ key }) => keyText(key) === keyText(edge));
  }

  /** Messages of the panels at a frame, each with its numbers. */
  panels(frame: number): { message: Record<string, unknown>; buffer: Float32Array }[] {
    return Object.entries(this.data.panels ?? {}).map(([kind, { payload, arrays }]) => {
      const parts = Object.values(arrays).map((array) => unpacked(array, frame));
      const buffer = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
      const places: Record<string, [number, number[]]> = {};
      let offset = 0;
      Object.entries(arrays).forEach(([name, { shape }], i) => {
        buffer.set(parts[i]!, offset);
        places[name] = [offset, shape];
        offset += parts[i]!.length;
      });
      return { message: { kind, [kind]: payload, arrays: places }, buffer };
    });
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

/** The numbers of an array at a frame; none where they are damaged. */
function unpacked({ shape, ends, values, constant }: StoredArray, frame: number): Float32Array {
  const size = shape.reduce((product, n) => product * n, 1);
  const result = new Float32Array(size).fill(Number.NaN);
  if (constant !== undefined) {
    const floats = fromBase64(constant);
    for (let k = 0; floats && 4 * k < floats.byteLength && k < size; k++) result[k] = floats.getFloat32(4 * k, true);
    return result;
  }
  const [pairs, parts] = [fromBase64(ends ?? ""), fromBase64(values ?? "")];
  const row = frame;
  if (!pairs || !parts || pairs.byteLength < 8 * (row + 1) || parts.byteLength < 2 * size * (row + 1)) return result;
  const [low, high] = [pairs.getFloat32(8 * row, true), pairs.getFloat32(8 * row + 4, true)];
  for (let k = 0; k < size; k++) result[k] = between(parts.getUint16(2 * (row * size + k), true), low, high);
  return result;
}

const between = (part: number, low: number, high: number): number =>
  part === NO_NUMBER ? Number.NaN : low + ((high - low) * part) / (NO_NUMBER - 1);
