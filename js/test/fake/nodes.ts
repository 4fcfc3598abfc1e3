// The nodes of a network, named as the kernel names them.
import type { NodeInfo } from "../../src/protocol/messages";
import { sub } from "./library";

interface Names {
  names?: string[];
  outputs?: string[];
}

/** Sums and products of every layer, with the places that wires lead to. */
export function nodesOf(width: [number, number][], { names, outputs }: Names): NodeInfo[] {
  const last = width.length - 1;
  const ends = (layer: number) => (layer === 0 ? names : layer === last ? outputs : undefined);
  return width.flatMap(([sums, products], layer) => {
    let target = 0;
    return Array.from({ length: sums + products }, (_, index): NodeInfo => {
      const arity = layer === 0 ? 0 : index < sums ? 1 : 2;
      const kind = layer === 0 ? "input" : layer === last ? "output" : index < sums ? "sum" : "product";
      const subnodes = Array.from({ length: arity }, () => target++);
      const name = ends(layer)?.[index] ?? plainName(layer, index, last, sums);
      return { key: [layer, index], name, kind, subnodes, importance: 1 };
    });
  });
}

function plainName(layer: number, index: number, last: number, sums: number): string {
  if (layer === 0) return `x${sub(index + 1)}`;
  if (layer < last) return `h${sub(layer)},${sub(index + 1)}`;
  return sums > 1 ? `y${sub(index + 1)}` : "y";
}
