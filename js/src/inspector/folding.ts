// Imitations are folded under the function that they imitate: a cosine over a small part of its period is a parabola.

import type { Candidate } from "../protocol/messages";
import { number, pretty } from "../text/format";

/** A candidate with those that only imitate it, each an index of the rows. */
export interface Fold {
  index: number;
  imitations: number[];
}

/** Smallest periods of functions. */
const PERIODS: Readonly<Record<string, number>> = { sin: 2 * Math.PI, cos: 2 * Math.PI, tan: Math.PI };
/** Above this part of its period nobody would say that a function was folded because of it. */
const SMALL_PART = 0.5;

/** The rows in the given order, imitations below what they imitate. */
export function folded(rows: readonly Candidate[], order: readonly number[]): Fold[] {
  const byName = new Map(rows.map(({ name }, index) => [name, index]));
  const folds = new Map<number, Fold>();
  for (const index of order) if (rootOf(rows, byName, index) === index) folds.set(index, { index, imitations: [] });
  for (const index of order) {
    const root = rootOf(rows, byName, index);
    if (root !== index) folds.get(root)?.imitations.push(index);
  }
  return [...folds.values()];
}

/** The candidate that is imitated in the end; the candidate itself where it imitates none that is there. */
function rootOf(rows: readonly Candidate[], byName: ReadonlyMap<string, number>, index: number): number {
  const passed = new Set([index]);
  let root = index;
  for (;;) {
    const next = byName.get(rows[root]?.imitates ?? "");
    // Two that name each other are no imitations of anything.
    if (next === undefined || passed.has(next)) return next === index ? index : root;
    passed.add(next);
    root = next;
  }
}

/** The imitations in words: `also cos, exp: on 4 % of a period`. */
export function alsoText(rows: readonly Candidate[], { imitations }: Fold, width: number): string {
  const names = imitations.map((index) => pretty(rows[index]!.name)).join(", ");
  const parts = imitations.flatMap((index) => periodPart(rows[index]!, width) ?? []);
  const part = Math.max(...parts);
  return parts.length > 0 && part < SMALL_PART ? `also ${names}: on ${percent(part)} of a period` : `also ${names}`;
}

/** The part of its period that a function runs through; null for one without a period. */
function periodPart({ name, params }: Candidate, width: number): number | null {
  const period = PERIODS[name];
  return period === undefined ? null : (Math.abs(params[0] ?? 0) * width) / period;
}

const percent = (part: number): string =>
  part < 0.001 ? "less than 0.1 %" : `${number(100 * part, part < 0.1 ? 1 : 2)} %`;
