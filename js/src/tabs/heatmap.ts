// Heat maps: colors and contours as pure functions, and painting on a canvas.
import type { Scale } from "../plot/scales";

/**
 * From blue over the background of the page to orange, in even steps of lightness (OKLab): readable for color-blind
 * users, and in the hues of the curves. The middle is dark in a dark theme.
 */
const STOPS = [
  "0b4f8f 377bb3 5fa8d8 accde3 f5f2ec f3caa0 eda04a cb6f2b a83e05",
  "8fd0ff 60a7db 2f7fb8 2b4b64 1d1c1b 663f22 b86418 db8b4d ffb27a",
].map((list) => list.split(" ").map((hex) => [0, 2, 4].map((i) => Number.parseInt(hex.slice(i, i + 2), 16))));

/** Red, green and blue at a position of the scale, clamped to its ends. */
export function colorAt(part: number, dark: boolean): number[] {
  const stops = STOPS[Number(dark)]!;
  const at = Math.max(0, Math.min(1, part)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  return stops[i]!.map((from, c) => Math.round(from + (at - i) * (stops[i + 1]![c]! - from)));
}

export const css = (part: number, dark: boolean): string => `rgb(${colorAt(part, dark).join()})`;

interface Grid {
  z: ArrayLike<number>;
  columns: number;
  rows: number;
}

/** Bilinear interpolation of the grid at parts of its width and height; NaN beside a NaN. */
export function heightAt({ z, columns, rows }: Grid, u: number, v: number): number {
  const x = Math.max(0, Math.min(1, u)) * (columns - 1);
  const y = Math.max(0, Math.min(1, v)) * (rows - 1);
  const [i, j] = [Math.min(columns - 2, Math.floor(x)), Math.min(rows - 2, Math.floor(y))];
  const at = (k: number) => z[(j + (k >> 1)) * columns + i + (k & 1)]!;
  const [p, q] = [x - i, y - j];
  return (at(0) * (1 - p) + at(1) * p) * (1 - q) + (at(2) * (1 - p) + at(3) * p) * q;
}

/** The contour of a level: a short stroke in each crossed cell. */
export function contour({ z, columns, rows }: Grid, level: number, x: Scale, y: Scale): string {
  let d = "";
  for (let j = 0; j + 1 < rows; j++)
    for (let i = 0; i + 1 < columns; i++) {
      const k = j * columns + i;
      // The corners around the cell.
      const corners = [
        [i, j, z[k]!],
        [i + 1, j, z[k + 1]!],
        [i + 1, j + 1, z[k + columns + 1]!],
        [i, j + 1, z[k + columns]!],
      ] as const;
      let pen = "M";
      for (let e = 0; e < 4; e++) {
        const [x0, y0, a] = corners[e]!;
        const [x1, y1, b] = corners[(e + 1) % 4]!;
        if (a < level === b < level || Number.isNaN(a + b)) continue;
        const t = (level - a) / (b - a);
        d += `${pen}${x(x0 + t * (x1 - x0)).toFixed(1)} ${y(y0 + t * (y1 - y0)).toFixed(1)}`;
        pen = pen === "M" ? "L" : "M";
      }
    }
  return d;
}

let small: HTMLCanvasElement | null = null;

/** Paints the grid over the whole canvas, first row at the bottom; NaN stays transparent. */
export function paint(canvas: HTMLCanvasElement, { z, columns, rows }: Grid, part: Scale, dark: boolean): void {
  const to = canvas.getContext("2d");
  small ??= canvas.ownerDocument.createElement("canvas");
  const from = small.getContext("2d", { willReadFrequently: true });
  if (!to || !from) return;
  [small.width, small.height] = [columns, rows];
  const image = from.createImageData(columns, rows);
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < columns; i++) {
      const value = z[(rows - 1 - j) * columns + i]!;
      if (Number.isFinite(value)) image.data.set([...colorAt(part(value), dark), 255], (j * columns + i) * 4);
    }
  from.putImageData(image, 0, 0);
  to.clearRect(0, 0, canvas.width, canvas.height);
  to.imageSmoothingQuality = "high";
  // The outermost values lie on the border: half a cell is cut off on each side.
  to.drawImage(small, 0.5, 0.5, columns - 1, rows - 1, 0, 0, canvas.width, canvas.height);
}
