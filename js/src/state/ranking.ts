// The order of candidates: accuracy against simplicity, by the same rule as in the kernel, without a round trip.
import type { Candidate } from "../protocol/messages";

type Ranked = Pick<Candidate, "r2" | "complexity" | "misfit">;

/** Score in bits, smaller is better. The twin of kanwidget/symbolic/fits/ranking.py. */
export const score = ({ r2, complexity, misfit }: Ranked, weight: number): number =>
  weight * complexity + (1 - weight) * (misfit ?? Math.log2(1e-12 + Math.max(0, 1 - r2)));

/** Indices of the rows, best first; those that only imitate another one last. Ties: complexity, the function in place, R², name. */
export function ranked(rows: readonly Candidate[], weight: number): number[] {
  const scores = rows.map((row) => score(row, weight));
  return rows
    .map((_, i) => i)
    .sort((a, b) => {
      const [p, q] = [rows[a]!, rows[b]!];
      return (
        Number(Boolean(p.imitates)) - Number(Boolean(q.imitates)) ||
        scores[a]! - scores[b]! ||
        p.complexity - q.complexity ||
        Number(Boolean(q.in_place)) - Number(Boolean(p.in_place)) ||
        q.r2 - p.r2 ||
        (p.name < q.name ? -1 : 1)
      );
    });
}
