// The order of candidates: accuracy against simplicity, decided here at once and in the kernel by the same rule.
import type { Candidate } from "./protocol";

/** Smaller is better. Each halving of 1 − R² is worth one unit of complexity at equal weights. */
export const score = ({ r2, complexity }: Pick<Candidate, "r2" | "complexity">, weight: number): number =>
  weight * complexity + (1 - weight) * Math.log2(1e-5 + Math.max(0, 1 - r2));

/** Indices of the rows, best first; ties go to the better fit, then to the name, so that the order is stable. */
export function ranked(rows: readonly Candidate[], weight: number): number[] {
  return rows
    .map((_, i) => i)
    .sort((a, b) => {
      const [p, q] = [rows[a]!, rows[b]!];
      return score(p, weight) - score(q, weight) || q.r2 - p.r2 || (p.name < q.name ? -1 : 1);
    });
}
