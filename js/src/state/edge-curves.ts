// Curves of the edges: importance, range and samples of each edge.
import type { NumberArray } from "../protocol/codecs";
import { CURVE_HEAD, type EdgeKey } from "../protocol/messages";
import { edgeKeys, keyText, type Structure } from "../protocol/structure";

interface EdgeCurve {
  importance: number;
  low: number;
  high: number;
  values: Float32Array;
  /** Highest minus lowest finite value. */
  height: number;
}

export class EdgeCurves {
  #rows = new Map<string, EdgeCurve>();

  set(array: NumberArray | undefined, keys: readonly EdgeKey[]): void {
    if (array?.shape.length !== 2 || array.shape[0] !== keys.length) return;
    const width = array.shape[1] ?? 0;
    if (width <= CURVE_HEAD) return;
    for (const [i, key] of keys.entries()) {
      const row = array.values.subarray(i * width, (i + 1) * width);
      const values = row.subarray(CURVE_HEAD);
      const curve = { importance: row[0]!, low: row[1]!, high: row[2]!, values, height: height(values) };
      this.#rows.set(keyText(key), curve);
    }
  }

  /** Sets the importance of all edges. */
  setImportance(importance: NumberArray | undefined, structure: Structure): void {
    if (importance?.values.length !== structure.edges.length) return;
    for (const [i, key] of edgeKeys(structure).entries()) {
      const row = this.#rows.get(key);
      if (row) row.importance = importance.values[i]!;
    }
  }

  /** Removes edges that are not in the structure. */
  keep(structure: Structure): void {
    const keys = new Set(structure.edges.map((edge) => keyText(edge.key)));
    for (const key of this.#rows.keys()) if (!keys.has(key)) this.#rows.delete(key);
  }

  get(key: string): EdgeCurve | null {
    return this.#rows.get(key) ?? null;
  }

  /**
   * Smallest range of y for the thumbnails, by edge: a part of the tallest curve that ends in the same node. A nearly
   * constant one then looks flat, instead of showing rounding noise in full size. Other nodes may have other units.
   */
  minimumHeights(structure: Structure, part = 0.03): Map<string, number> {
    const tallest = new Map<string, number>();
    const keys = edgeKeys(structure);
    const target = (i: number) => `${structure.edges[i]!.key[0]}-${structure.edges[i]!.key[2]}`;
    for (const [i, key] of keys.entries()) {
      tallest.set(target(i), Math.max(tallest.get(target(i)) ?? 0, this.#rows.get(key)?.height ?? 0));
    }
    return new Map(keys.map((key, i) => [key, (tallest.get(target(i)) ?? 0) * part]));
  }

  /** Importance of every edge, scaled so that the strongest has 1; NaN counts as none. */
  importance(structure: Structure): Float32Array {
    const keys = edgeKeys(structure);
    const all = new Float32Array(keys.length);
    let top = 0;
    for (let i = 0; i < keys.length; i++) {
      const value = this.#rows.get(keys[i]!)?.importance ?? 0;
      if (Number.isFinite(value) && value > 0) all[i] = value;
      top = Math.max(top, all[i]!);
    }
    return top > 0 ? all.map((value) => value / top) : all;
  }
}

/** Highest minus lowest finite sample. */
function height(samples: Float32Array): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of samples) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high > low ? high - low : 0;
}
