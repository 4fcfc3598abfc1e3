// Basis functions of splines, the twin of kanwidget/core/splines.py: any order, any increasing knots, linear beyond the
// grid. A dragged coefficient shows its effect before the kernel answers.

/** k knots more at each end of a grid, spaced as its mean interval. */
export function extendKnots(grid: ArrayLike<number>, k: number): number[] {
  const inner = Array.from(grid);
  const [first, last] = [inner[0] ?? 0, inner.at(-1) ?? 0];
  const step = (last - first) / Math.max(1, inner.length - 1);
  const outside = Array.from({ length: k }, (_, i) => (i + 1) * step);
  return [...outside.map((d) => first - d).reverse(), ...inner, ...outside.map((d) => last + d)];
}

/** Basis function `index` of order k at the points `xs`, on extended knots. */
export function basis(xs: ArrayLike<number>, knots: ArrayLike<number>, k: number, index: number): Float64Array {
  return Float64Array.from(xs, (x) => at(x, knots, k, index));
}

function at(x: number, t: ArrayLike<number>, k: number, index: number): number {
  const last = t.length - 1 - k;
  const inside = Math.min(Math.max(x, t[k]!), t[last]!);
  // Points go to the interval at their right, the grid's end to its last interval.
  let m = k;
  while (m < last - 1 && t[m + 1]! <= inside) m++;
  const offset = index - m + k;
  if (offset < 0 || offset > k) return 0;
  // De Boor's recursion; its last step at inside + k·(x - inside) is the line beyond the end.
  let values = [1];
  for (let d = 1; d <= k; d++) {
    const point = d === k ? inside + k * (x - inside) : inside;
    const next = new Array<number>(d + 1).fill(0);
    for (let i = 0; i < d; i++) {
      const [low, high] = [t[m + 1 - d + i]!, t[m + 1 + i]!];
      const share = values[i]! / (high - low);
      next[i]! += (high - point) * share;
      next[i + 1]! += (point - low) * share;
    }
    values = next;
  }
  return values[offset]!;
}
