// The order of candidates: accuracy against simplicity, decided here at once and in the kernel by the same rule.
import type { Candidate } from "../protocol/messages";

/** Smaller is better; the floor lets an exact fit win against any inexact one. The mirror of symbolic/ranking.py. */
export const score = ({ r2, complexity }: Pick<Candidate, "r2" | "complexity">, weight: number): number =>
  weight * complexity + (1 - weight) * Math.log2(1e-12 + Math.max(0, 1 - r2));

/** What imitates a simpler function is never better than that function. */
function price(row: Candidate, rows: readonly Candidate[], weight: number): number {
  const original = row.imitates ? rows.find(({ name }) => name === row.imitates) : undefined;
  return Math.max(score(row, weight), original ? score(original, weight) : Number.NEGATIVE_INFINITY);
}

/** Indices of the rows, best first; ties go to originals, then to the simpler and to the name: the order is stable. */
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
