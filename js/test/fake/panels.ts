// What the stand-in kernel tells about predictions: a network on its way to a known function.
import type { Surface } from "../../src/tabs/surface-panel";
import type { Sample } from "./sample";
import { random } from "./spline";

type Named = Record<string, [ArrayLike<number>, number[]]>;
export type View = Pick<Surface, "x" | "y" | "output"> & { at: (number | null)[] };

const truth = (v: readonly number[]): number =>
  Math.exp(0.6 * Math.sin(Math.PI * (v[0] ?? 0)) + 0.7 * (v[1] ?? 0) ** 2) + 0.4 * (v[2] ?? 0) * (v[3] ?? 1);

/** What the network says after so many steps. */
const predict = (sample: Sample, v: readonly number[]): number => {
  const learnt = 1 - Math.exp(-sample.step / 25);
  const wave = 0.03 * Math.sin(7 * (v[0] ?? 0) + 3 * (v[1] ?? 0)) * (1.3 - learnt);
  return 1.4 + learnt * (truth(v) - 1.4) + wave;
};

function points(sample: Sample, n: number, seed: number): number[][] {
  const next = random(seed);
  const inputs = sample.nodes.filter(({ kind }) => kind === "input").length;
  return Array.from({ length: n }, () => Array.from({ length: inputs }, () => 2 * next() - 1));
}

const outputsOf = (sample: Sample): string[] =>
  sample.nodes.filter(({ kind }) => kind === "output").map(({ name }) => name);

export function parityPart(sample: Sample, classes: boolean): [object, Named] {
  const outputs = outputsOf(sample);
  const part = (n: number, seed: number): [number[], number[]] => {
    const next = random(seed + 1);
    const rows = points(sample, n, seed);
    if (classes) {
      const c = outputs.length;
      const counts = new Array<number>(c * c).fill(0);
      for (let i = 0; i < n; i++) {
        const is = Math.floor(next() * c);
        const seen = next() < 0.9 ? is : Math.min(c - 1, Math.max(0, is + (next() < 0.5 ? 1 : -1)));
        counts[is * c + seen]! += 1;
      }
      return [counts, [c, c]];
    }
    const values = outputs.flatMap((_, o) => {
      const labels = rows.map((v) => truth(v) * (1 + o) + 0.05 * (next() - 0.5));
      return [...labels, ...rows.map((v) => predict(sample, v) * (1 + o))];
    });
    return [values, [outputs.length, 2, n]];
  };
  const arrays: Named = { train: part(300, 1) };
  if (sample.options.test !== false) arrays.test = part(120, 5);
  return [{ outputs, classes }, arrays];
}

export function surfacePart(sample: Sample, view: View, hole = false): [Surface, Named] {
  const names = sample.nodes.filter(({ kind }) => kind === "input").map(({ name }) => name);
  const at = names.map((_, i) => view.at[i] ?? 0);
  const [n, rows] = view.y === null ? [161, 1] : [40, 40];
  const z: number[] = [];
  for (let j = 0; j < rows; j++)
    for (let i = 0; i < n; i++) {
      const v = [...at];
      v[view.x] = -1 + (2 * i) / (n - 1);
      if (view.y !== null) v[view.y] = -1 + (2 * j) / (rows - 1);
      z.push(hole && v[view.x]! > 0.4 && (v[view.y ?? 0] ?? 0) > 0.5 ? Number.NaN : predict(sample, v));
    }
  const data = points(sample, 200, 1);
  const labels = data.map((v, i) => (i % 40 === 7 ? 3 - truth(v) : truth(v)));
  const up = view.y === null ? labels : data.map((v) => v[view.y!]!);
  const range = [-1, 1];
  const payload: Surface = {
    ...view,
    at,
    names,
    outputs: outputsOf(sample),
    x_range: range,
    y_range: view.y === null ? null : range,
    ranges: names.map(() => range),
    classes: false,
    held: names.map((_, i) => view.at[i] ?? null),
  };
  const across = data.map((v) => v[view.x]!);
  return [
    payload,
    {
      z: [z, [rows, n]],
      points: [
        [...across, ...up, ...labels],
        [3, data.length],
      ],
    },
  ];
}
