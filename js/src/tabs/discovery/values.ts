// The rows that the page draws of each formula: the truth, what the formula says, and the only column where there is one.
import { extent } from "../../plot/scales";
import type { NumberArray } from "../../protocol/codecs";
import type { Discovery } from "./panel";

export interface Values {
  truth: Float32Array;
  /** The values of the only column, in increasing order as all rows are then; null where there are several columns. */
  x: Float32Array | null;
  /** By the id of the formula. */
  of: ReadonlyMap<number, Float32Array>;
}

export function valuesOf(payload: Discovery, arrays: Map<string, NumberArray>): Values {
  const truth = arrays.get("truth")?.values ?? new Float32Array();
  const all = arrays.get("values")?.values ?? new Float32Array();
  const x = arrays.get("x")?.values ?? null;
  const order = Array.from(truth.keys());
  if (x) order.sort((a, b) => x[a]! - x[b]!);
  const sorted = (values: Float32Array) => Float32Array.from(order, (row) => values[row]!);
  const rows = truth.length;
  const formula = (i: number) => sorted(all.subarray(i * rows, (i + 1) * rows));
  return {
    truth: sorted(truth),
    x: x && sorted(x),
    of: new Map(payload.formulas.map(({ id }, i) => [id, formula(i)])),
  };
}

const SPARK = { width: 46, height: 30 };
const MOST = 60;

/** A small picture: prediction against truth, or the formula over its only column. */
export function sparkOf({ truth, x }: Values, values: Float32Array): { truth: string; curve: string } {
  const step = Math.max(1, Math.floor(truth.length / MOST));
  const rows = Array.from(truth.keys()).filter((row) => row % step === 0);
  const across = x ?? truth;
  const [left, right] = extent(across);
  const [low, high] = extent(truth);
  const px = (v: number) => (2 + ((v - left) / (right - left)) * (SPARK.width - 4)).toFixed(1);
  // What lies far outside stays at the border: the picture is about the range of the data.
  const py = (v: number) =>
    Math.max(1, Math.min(SPARK.height - 1, SPARK.height - 2 - ((v - low) / (high - low)) * (SPARK.height - 4))).toFixed(
      1,
    );
  const dots = (ys: Float32Array) =>
    rows
      .filter((row) => Number.isFinite(ys[row]!))
      .map((row) => `M${px(across[row]!)} ${py(ys[row]!)}h.1`)
      .join("");
  if (!x) return { truth: `M${px(low)} ${py(low)}L${px(high)} ${py(high)}`, curve: dots(values) };
  const drawn = rows.filter((row) => Number.isFinite(values[row]!));
  return { truth: dots(truth), curve: `M${drawn.map((row) => `${px(across[row]!)} ${py(values[row]!)}`).join("L")}` };
}
