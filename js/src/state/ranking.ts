// The order of candidates: accuracy against simplicity, by the same rule as in the kernel, without a round trip.
import type { Candidate } from "../protocol/messages";

/** Score, smaller is better; the floor lets an exact fit win. The twin of kanwidget/symbolic/fits/ranking.py. */
export const score = ({ r2, complexity }: Pick<Candidate, "r2" | "complexity">, weight: number): number =>
  weight * complexity + (1 - weight) * Math.log2(1e-12 + Math.max(0, 1 - r2));

/** Score of a candidate, never better than that of the simpler primitive which it imitates. */
function price(row: Candidate, rows: readonly Candidate[], weight: number): number {
  const original = row.imitates ? rows.find(({ name }) => name === row.imitates) : undefined;
  return Math.max(score(row, weight), original ? score(original, weight) : Number.NEGATIVE_INFINITY);
}

/** Indices of the rows, best first. Ties: originals before imitations, then complexity, then name. */
export function ranked(rows: readonly Candidate[], weight: number): number[] {
  const prices = rows.map((row) => price(row, rows, weight));
  return rows
    .map((_, i) => i)
    .sort((a, b) => {
      const [p, q] = [rows[a]!, rows[b]!];
      return (
        prices[a]! - prices[b]! ||
        Number(Boolean(p.imitates)) - Number(Boolean(q.imitates)) ||
        p.complexity - q.complexity ||
        (p.name < q.name ? -1 : 1)
      );
    });
}
