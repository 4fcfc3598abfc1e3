// The thumbnails' numbers: one row per edge of the structure.
import type { NumberArray } from "./codecs";
import { CURVE_HEAD, type EdgeKey, edgeKeys, keyText, type Structure } from "./protocol";

interface EdgeCurve {
  importance: number;
  low: number;
  high: number;
  values: Float32Array;
}

export class Curves {
  #rows = new Map<string, Float32Array>();

  set(array: NumberArray | undefined, keys: readonly EdgeKey[]): void {
    if (array?.shape.length !== 2 || array.shape[0] !== keys.length) return;
    const width = array.shape[1] ?? 0;
    if (width <= CURVE_HEAD) return;
    for (const [i, key] of keys.entries())
      this.#rows.set(keyText(key), array.values.subarray(i * width, (i + 1) * width));
  }

  /** The importance of every edge of the structure. */
  weigh(importance: NumberArray | undefined, structure: Structure): void {
    if (importance?.values.length !== structure.edges.length) return;
    for (const [i, key] of edgeKeys(structure).entries()) {
      const row = this.#rows.get(key);
      if (row) row[0] = importance.values[i]!;
    }
  }

  /** Forgets rows of edges that no longer exist. */
  keep(structure: Structure): void {
    const known = new Set(structure.edges.map((edge) => keyText(edge.key)));
    for (const key of this.#rows.keys()) if (!known.has(key)) this.#rows.delete(key);
  }

  get(key: string): EdgeCurve | null {
    const row = this.#rows.get(key);
    if (!row) return null;
    return { importance: row[0]!, low: row[1]!, high: row[2]!, values: row.subarray(CURVE_HEAD) };
  }

  /**
   * The heights that the thumbnails of each layer must at least span: a part of the tallest curve's. A curve that hardly
   * moves beside the others looks flat, instead of showing its rounding noise in full size.
   */
  leastHeights(structure: Structure, part = 0.03): number[] {
    const most: number[] = [];
    for (const [i, key] of edgeKeys(structure).entries()) {
      const layer = structure.edges[i]!.key[0]!;
      const row = this.#rows.get(key);
      most[layer] = Math.max(most[layer] ?? 0, row ? height(row) : 0);
    }
    return most.map((value) => value * part);
  }

  /** Importance of every edge, scaled so that the strongest has 1; NaN counts as none. */
  importance(structure: Structure): Float32Array {
    const raw = Float32Array.from(edgeKeys(structure), (key) => {
      const value = this.#rows.get(key)?.[0] ?? 0;
      return Number.isFinite(value) ? Math.max(0, value) : 0;
    });
    const top = raw.reduce((most, value) => Math.max(most, value), 0);
    return top > 0 ? raw.map((value) => value / top) : raw;
  }
}

/** From the lowest to the highest sample of a row; infinite samples don't count. */
function height(row: Float32Array): number {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = CURVE_HEAD; i < row.length; i++) {
    const value = row[i]!;
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return high > low ? high - low : 0;
}
