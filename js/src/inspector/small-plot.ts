// The small plots of the candidates: the fit over the edge's curve, and the residual below, in one scale for all rows.

import { extent, linear, padded, path, type Scale } from "../plot/scales";
import { type NumberArray, row } from "../protocol/codecs";
import { attrs, line, s } from "../ui/dom";

/** Half the height of the strip of residuals, as a part of the curve's height: larger residuals are cut off. */
export const RESIDUAL_PART = 0.1;

interface Size {
  width: number;
  /** Of the fit. */
  height: number;
  /** Of the strip of residuals. */
  strip: number;
}
const SMALL: Size = { width: 50, height: 19, strip: 9 };
const LARGE: Size = { width: 220, height: 84, strip: 30 };

/** The curve of the edge, and the scales that all candidates are drawn in. */
export interface Shared {
  fits: Map<string, NumberArray>;
  xs: Float32Array;
  ys: Float32Array;
  low: number;
  high: number;
  /** Path of the curve by the width of the plot: it is the same in all rows. */
  paths: Map<number, string>;
}

export function sharedBy(fits: Map<string, NumberArray>): Shared | null {
  const [xs, ys] = [fits.get("x")?.values, fits.get("y")?.values];
  if (!xs || !ys) return null;
  const [low, high] = extent(ys);
  return { fits, xs, ys, low, high, paths: new Map() };
}

/** Largest distance of a candidate from the curve. */
export function largestError({ fits, ys }: Shared, index: number): number {
  const fit = row(fits.get("fits"), index);
  let largest = 0;
  for (const [i, value] of (fit ?? []).entries()) {
    const gap = Math.abs(value - ys[i]!);
    if (Number.isFinite(gap)) largest = Math.max(largest, gap);
  }
  return largest;
}

export class SmallPlot {
  readonly node: SVGSVGElement;
  #edge = line("", "kw-c7", 4);
  #fit = line("", "kw-c2", 1.5);
  #residual = line("", "kw-c4", 1.1);
  readonly #size: Size;

  constructor(large = false) {
    this.#size = large ? LARGE : SMALL;
    const { width, height, strip } = this.#size;
    const zero = line(`M1 ${height + strip / 2}H${width - 1}`, "kw-c8", 1);
    this.node = s(
      "svg",
      {
        class: "kw-small-plot",
        viewBox: `0 0 ${width} ${height + strip}`,
        "aria-hidden": "true",
        preserveAspectRatio: "none",
      },
      ...[this.#edge, this.#fit, zero, this.#residual],
    );
  }

  draw(shared: Shared, index: number): void {
    const { fits, xs, ys, low, high, paths } = shared;
    const fit = row(fits.get("fits"), index);
    if (!fit) return;
    const { width, height, strip } = this.#size;
    const x = linear(...extent(xs), 2, width - 2);
    const y = linear(...padded([low, high], 0.12), height - 1, 2);
    if (!paths.has(width)) paths.set(width, path(xs, ys, x, y));
    attrs(this.#edge, { d: paths.get(width) });
    attrs(this.#fit, { d: path(xs, fit, x, y) });
    attrs(this.#residual, { d: residual(shared, fit, x, height, strip) });
  }
}

/** Residuals beyond the strip run along its border. */
function residual({ xs, ys, low, high }: Shared, fit: Float32Array, x: Scale, top: number, strip: number): string {
  const reach = RESIDUAL_PART * (high - low);
  const y = linear(-reach, reach, top + strip, top);
  const cut = fit.map((value, i) => Math.max(-reach, Math.min(reach, value - ys[i]!)));
  return path(xs, cut, x, y);
}
