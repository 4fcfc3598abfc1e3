// A few primitives and fits of c·f(a·x + b) + d, good enough to fill cards with honest curves.
import type { Candidate, MathNode } from "../../src/protocol/messages";

export interface Primitive {
  name: string;
  complexity: number;
  f: (x: number) => number;
  math: (inner: (MathNode | string)[]) => MathNode;
  valid?: [number | null, number | null];
}

const mi = (t: string): MathNode => ["mi", {}, [t]];
const mo = (t: string, attributes: Record<string, string> = {}): MathNode => ["mo", attributes, [t]];
const mn = (t: string): MathNode => ["mn", {}, [t]];
const row = (...children: (MathNode | string)[]): MathNode => ["mrow", {}, children];
const fenced = (inner: (MathNode | string)[]): MathNode =>
  row(mo("(", { stretchy: "false" }), ...inner, mo(")", { stretchy: "false" }));
const call = (name: string) => (inner: (MathNode | string)[]) =>
  row(["mspace", { width: ".12em" }, []], mi(name), mo("\u2061"), fenced(inner));
const power =
  (n: string) =>
  (inner: (MathNode | string)[]): MathNode => ["msup", {}, [fenced(inner), mn(n)]];

export const LIBRARY: readonly Primitive[] = [
  { name: "x", complexity: 1, f: (x) => x, math: (inner) => row(...inner) },
  { name: "x^2", complexity: 2, f: (x) => x * x, math: power("2") },
  { name: "x^3", complexity: 3, f: (x) => x ** 3, math: power("3") },
  { name: "sin", complexity: 2, f: Math.sin, math: call("sin") },
  {
    name: "exp",
    complexity: 2,
    f: Math.exp,
    math: (inner) => ["msup", {}, [["mi", { mathvariant: "normal" }, ["e"]], row(...inner)]],
  },
  { name: "tanh", complexity: 3, f: Math.tanh, math: call("tanh") },
  {
    name: "abs",
    complexity: 3,
    f: Math.abs,
    math: (inner) => row(mo("|", { stretchy: "false" }), ...inner, mo("|", { stretchy: "false" })),
  },
  {
    name: "gaussian",
    complexity: 3,
    f: (x) => Math.exp(-x * x),
    math: (inner) => [
      "msup",
      {},
      [["mi", { mathvariant: "normal" }, ["e"]], row(mo("−", { form: "prefix" }), power("2")(inner))],
    ],
  },
  {
    name: "sqrt",
    complexity: 2,
    f: (x) => Math.sqrt(x),
    math: (inner) => ["msqrt", {}, [row(...inner)]],
    valid: [-1.2, null],
  },
  { name: "log", complexity: 2, f: (x) => Math.log(x), math: call("log"), valid: [-1.2, null] },
  {
    name: "1/x",
    complexity: 2,
    f: (x) => 1 / x,
    math: (inner) => ["mfrac", {}, [mn("1"), row(...inner)]],
    valid: [-1.2, null],
  },
  { name: "arctan", complexity: 4, f: Math.atan, math: call("arctan") },
];

const MORE = [
  "0",
  "x^4",
  "x^5",
  "1/x^2",
  "1/x^3",
  "1/sqrt(x)",
  "cos",
  "tan",
  "arcsin",
  "arccos",
  "arctanh",
  "sgn",
  "sinh",
  "cosh",
  "erf",
  "J0",
];
export const PRIMITIVES: readonly string[] = [...LIBRARY.map(({ name }) => name), ...MORE].sort();

interface Fit {
  candidate: Candidate;
  values: Float32Array;
}

const text = (v: number): string => String(Number(Math.abs(v).toPrecision(3)));

/** All primitives fitted to samples, the best affine inside found on a grid, the outside by least squares. */
export function fitAll(xs: ArrayLike<number>, ys: ArrayLike<number>, x: MathNode): Fit[] {
  return LIBRARY.map((primitive) => fitOne(primitive, xs, ys, x)).sort((a, b) => b.candidate.r2 - a.candidate.r2);
}

function fitOne(primitive: Primitive, xs: ArrayLike<number>, ys: ArrayLike<number>, x: MathNode): Fit {
  let best = { r2: Number.NEGATIVE_INFINITY, a: 1, b: 0, c: 1, d: 0 };
  const bounded = primitive.valid !== undefined;
  for (const a of primitive.name === "x" || bounded ? [1] : [0.5, 1, 1.5, 2, 2.5, Math.PI, 4, 5, 2 * Math.PI])
    for (const b of bounded ? [1.2] : [-2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2]) {
      const fit = affine(xs, ys, (v) => primitive.f(a * v + b));
      if (fit.r2 > best.r2 + 1e-9) best = { ...fit, a, b };
    }
  const { a, b, c, d } = best;
  const values = Float32Array.from(xs, (v) => c * primitive.f(a * v + b) + d);
  const sign = (v: number): MathNode => mo(v < 0 ? "−" : "+");
  const inner: (MathNode | string)[] = [
    ...(a === 1 ? [] : [mn(text(a)), mo("\u2062")]),
    x,
    ...(b ? [sign(b), mn(text(b))] : []),
  ];
  const formula = row(
    ...(c < 0 ? [mo("−", { form: "prefix" })] : []),
    mn(text(c)),
    mo("\u2062"),
    primitive.name === "x" && b ? fenced(inner) : primitive.math(inner),
    sign(d),
    mn(text(d)),
  );
  const candidate: Candidate = {
    name: primitive.name,
    formula,
    text: `${text(c)}*${primitive.name}(${text(a)}*x + ${text(b)}) + ${text(d)}`,
    params: [a, b, c, d],
    r2: best.r2,
    complexity: primitive.complexity,
    valid: primitive.valid ?? null,
  };
  return { candidate, values };
}

function affine(
  xs: ArrayLike<number>,
  ys: ArrayLike<number>,
  f: (x: number) => number,
): { r2: number; c: number; d: number } {
  let [n, su, sy, suu, suy, syy] = [0, 0, 0, 0, 0, 0];
  for (let i = 0; i < xs.length; i++) {
    const u = f(xs[i]!);
    const y = ys[i]!;
    if (!Number.isFinite(u)) return { r2: -1, c: 0, d: 0 };
    n += 1;
    su += u;
    sy += y;
    suu += u * u;
    suy += u * y;
    syy += y * y;
  }
  const spread = suu - (su * su) / n;
  const total = syy - (sy * sy) / n || 1e-12;
  const c = spread > 1e-12 ? (suy - (su * sy) / n) / spread : 0;
  const explained = c * (suy - (su * sy) / n);
  return { r2: Math.min(1 - 1e-9, explained / total), c, d: (sy - c * su) / n };
}

const SUB = "₀₁₂₃₄₅₆₇₈₉";
export const sub = (n: number): string => [...String(n)].map((c) => SUB[Number(c)]).join("");

export function symbol(name: string): MathNode {
  const match = /^([a-z])([₀-₉]+)$/.exec(name);
  if (!match) return ["mi", { mathvariant: "normal", class: "kw-name" }, [name]];
  return [
    "msub",
    {},
    [
      ["mi", {}, [match[1]!]],
      ["mn", {}, [[...match[2]!].map((c) => SUB.indexOf(c)).join("")]],
    ],
  ];
}

export function equation(name: string, inputs: string[]): MathNode {
  const phi = (i: number, inner: (MathNode | string)[]): MathNode => [
    "mrow",
    { class: "kw-edge" },
    [
      [
        "msub",
        {},
        [
          ["mi", {}, ["φ"]],
          ["mn", {}, [String(i)]],
        ],
      ],
      ["mo", { stretchy: "false" }, ["("]],
      ...inner,
      ["mo", { stretchy: "false" }, [")"]],
    ],
  ];
  const sum = inputs.flatMap((input, i): MathNode[] => [
    ...(i > 0 ? [["mo", {}, ["+"]] as MathNode] : []),
    phi(i + 2, [symbol(input)]),
  ]);
  return ["math", { displaystyle: "true" }, [["mrow", {}, [symbol(name), ["mo", {}, ["="]], phi(1, sum)]]]];
}
