// A network of real splines that "learns": what the stand-in kernel tells about.
import type { Guide, NodeInfo, Snapshot, StateInfo } from "../../src/protocol/messages";
import type { EdgeInfo } from "../../src/protocol/structure";
import { equation, fitAll, PRIMITIVES, symbol } from "./library";
import { nodesOf } from "./nodes";
import { pack } from "./pack";
import { greville, random, SHAPES, Spline } from "./spline";

export interface SampleOptions {
  /** Sums per layer, or [sums, products]. */
  width: (number | [number, number])[];
  names?: string[];
  outputs?: string[];
  seed?: number;
  steps?: number;
  test?: boolean;
  lamb?: number;
  grid?: number;
}

/** Two standard errors of every curve: wider where data are few. */
const bandAt = (x: number): number => 0.05 * (1 + 3 * x ** 4);
/** The part of an edge that is no spline. */
export const baseAt = (x: number): number => (0.3 * x) / (1 + Math.exp(-x));

export class Sample {
  seq = 1;
  running = false;
  step = 0;
  lamb: number;
  grid: number;
  opt = "auto";
  simplicity = 0;
  selected: number[][] = [];
  error: { title: string; message: string; hint: string | null } | null = null;
  edges: EdgeInfo[] = [];
  nodes: NodeInfo[] = [];
  splines: Spline[] = [];
  strength: number[] = [];
  states: StateInfo[] = [
    {
      id: 0,
      parent: null,
      label: "start",
      kind: "start",
      step: 0,
      error: 0.71,
      latest: 0.71,
      complexity: 60,
      kept: true,
    },
  ];
  current = 0;
  events: { step: number; label: string; kind: string }[] = [];
  rows: number[][] = [];
  guide: Guide = {
    steps: [
      { name: "train", label: "Train", next: true, done: false, command: { kind: "control", action: "train" } },
      {
        name: "simplify",
        label: "Simplify",
        next: false,
        done: false,
        command: { kind: "control", action: "simplify" },
      },
      { name: "formula", label: "Formula", next: false, done: false, command: { kind: "control", action: "formula" } },
    ],
    sentence: "Train: the curves bend until they fit the data.",
    notices: [],
  };
  #starts: Spline[] = [];
  #surveyed: { edge: number[]; name: string; r2: number }[] | null = null;
  /** How far hands have moved it from what it had learned. */
  distance = 0;
  #noted = 0;
  #random: () => number;
  #width: [number, number][];
  #targets: Spline[] = [];

  constructor(readonly options: SampleOptions) {
    this.#random = random(options.seed ?? 7);
    this.lamb = options.lamb ?? 0;
    this.grid = options.grid ?? 5;
    this.#width = options.width.map((w) => (typeof w === "number" ? [w, 0] : w));
    this.#build();
    for (let i = 0; i < (options.steps ?? 0); i++) this.advance();
  }

  #build(): void {
    this.nodes = nodesOf(this.#width, this.options);
    for (let layer = 1; layer < this.#width.length; layer++) {
      const [sums, products] = this.#width[layer]!;
      this.#buildEdges(layer - 1, sums + 2 * products);
    }
  }

  #buildEdges(layer: number, targets: number): void {
    const sources = this.#width[layer]![0] + this.#width[layer]![1];
    for (let to = 0; to < targets; to++)
      for (let from = 0; from < sources; from++) {
        const shape = SHAPES[Math.floor(this.#random() * SHAPES.length)]!;
        const scale = this.#random() < 0.4 ? 1 : 0.15 + 0.4 * this.#random();
        this.edges.push({
          key: [layer, from, to],
          state: "spline",
          function: null,
          best: null,
          best_r2: null,
          frozen: false,
          locked: false,
        });
        this.#targets.push(Spline.of((x) => scale * shape(x), this.grid + 4));
        const phase = this.#random() * 6;
        this.#starts.push(Spline.of((x) => 0.2 * Math.sin(2 * x + phase) + 0.1 * x, this.grid + 4));
        this.strength.push(scale * (0.4 + 0.6 * this.#random()));
      }
    this.splines = this.#targets.map((target, i) => new Spline(target.grid, this.#starts[i]!.coefficients.slice()));
  }

  /** One training step: coefficients move towards their targets. */
  advance(): void {
    this.step += 1;
    const rate = 0.06;
    this.splines.forEach((spline, i) => {
      const goal = this.#targets[i]!.coefficients;
      spline.coefficients.forEach((c, k) => {
        spline.coefficients[k] = c + rate * (goal[k]! - c) + 0.004 * (this.#random() - 0.5) * Math.exp(-this.step / 60);
      });
    });
    const train =
      0.7 * Math.exp(-this.step / 14) + 0.06 * Math.exp(-this.step / 60) + 3e-5 * (1 + 0.2 * this.#random());
    const test = this.options.test === false ? Number.NaN : train * (1.1 + 0.15 * this.#random()) + 1e-5;
    this.rows.push([
      this.step,
      this.step * 0.0021,
      train,
      test,
      this.lamb > 0 ? 0.4 + 2 * Math.exp(-this.step / 40) : Number.NaN,
    ]);
  }

  setState(index: number, state: EdgeInfo["state"], name: string | null = null): void {
    this.edges[index] = { ...this.edges[index]!, state, function: name };
  }

  /** An act: the state before it keeps the error that it had. */
  note(label: string, kind: string, edges?: number[][]): void {
    const [train, test] = [this.rows.at(-1)?.[2] ?? 0.71, this.rows.at(-1)?.[3]];
    const parent = this.states.find(({ id }) => id === this.current);
    if (parent) parent.latest = (test || train) + this.#noted;
    this.#noted = this.distance;
    const error = this.rows.at(-1)?.[2] ?? 0.71;
    const id = Math.max(...this.states.map((item) => item.id)) + 1;
    const size = this.edges.filter(({ state }) => state !== "pruned").length * (kind === "refine" ? 14 : 5);
    this.states.push({
      id,
      complexity: size - 3 * this.edges.filter(({ state }) => state === "symbolic").length,
      latest: error * (0.8 + 0.4 * this.#random()),
      kept: true,
      parent: this.current,
      label,
      kind,
      ...(edges && { edges }),
      step: this.step,
      error: error * (1 + 0.3 * this.#random()),
    });
    this.current = id;
    this.events.push({ step: this.step, label, kind });
  }

  structure() {
    return {
      width: this.#width.map(([s, p]) => [s, p]),
      k: 3,
      grid: this.grid,
      nodes: this.nodes,
      edges: this.edges,
      n_parameters: this.edges.length * (this.grid + 5),
    };
  }

  status() {
    const row = this.rows.at(-1);
    const value = (i: number) => (row && Number.isFinite(row[i]!) ? row[i]! + this.distance : null);
    const state = this.error
      ? ("error" as const)
      : this.running
        ? ("running" as const)
        : this.step > 0
          ? ("paused" as const)
          : ("idle" as const);
    return {
      state,
      step: this.step,
      train: value(2),
      test: value(3),
      penalty: value(4),
      ms_per_step: row ? 2.13 : null,
      stop_reason: null,
      driver: "thread" as const,
      task: null,
    };
  }

  settings() {
    return {
      lamb: this.lamb,
      grid: this.grid,
      opt: this.opt,
      opts: ["auto", "LM", "LBFGS", "Adam"],
      lr: null,
      simplicity: this.simplicity,
      loss: "RMSE",
    };
  }

  history() {
    const parent = this.states.find(({ id }) => id === this.current)?.parent ?? null;
    return {
      states: this.states,
      current: this.current,
      can_undo: parent !== null,
      can_redo: this.states.some((item) => item.parent === this.current),
      events: this.events,
    };
  }

  #index(): number {
    const key = this.selected[0]?.join();
    return this.edges.findIndex((edge) => edge.key.join() === key);
  }

  selectionPart(): [object, Record<string, [ArrayLike<number>, number[]]>] {
    const i = this.#index();
    if (i < 0) return [{ edges: [] }, {}];
    const spline = this.splines[i]!;
    const n = 129;
    const xs = Array.from({ length: n }, (_, k) => -1.3 + (2.6 * k) / (n - 1));
    const ys = xs.map((x) => spline.at(x));
    const base = xs.map(baseAt);
    const px = Array.from({ length: 80 }, () =>
      Math.max(-1, Math.min(1, (this.#random() + this.#random() - 1) * 1.05)),
    );
    const bins = Array.from({ length: 16 }, (_, b) => px.filter((x) => Math.floor((x + 1) * 8) === b).length);
    const most = Math.max(...bins);
    const [layer, from] = this.edges[i]!.key as [number, number, number];
    const source = this.nodes.find(({ key }) => key[0] === layer && key[1] === from)!;
    const knots = Array.from({ length: spline.grid + 1 }, (_, k) => -1 + (2 * k) / spline.grid);
    return [
      { edges: this.selected, x_name: source.name, data_range: [-1, 1], importance: this.strength[i], k: 3 },
      {
        detail: [
          [...xs, ...ys, ...base, ...ys.map((y, k) => y - base[k]!), ...xs.map(bandAt)],
          [5, n],
        ],
        points: [
          [...px, ...px.map((x) => spline.at(x) + 0.15 * (this.#random() - this.#random()))],
          [2, px.length],
        ],
        density: [bins.map((b) => b / most), [bins.length]],
        knots: [knots, [knots.length]],
        handles: [
          [...greville(spline.grid), ...spline.coefficients.map((c, k) => c - baseAt(greville(spline.grid)[k]!))],
          [2, spline.coefficients.length],
        ],
        full_knots: [
          Array.from({ length: spline.grid + 7 }, (_, k) => -1 + (2 * (k - 3)) / spline.grid),
          [spline.grid + 7],
        ],
      },
    ];
  }

  /** The best candidate of every active spline. */
  get surveyed(): { edge: number[]; name: string; r2: number }[] {
    this.#surveyed ??= this.edges.flatMap(({ key, state }, i) => {
      if (state !== "spline") return [];
      const xs = Array.from({ length: 33 }, (_, k) => -1 + k / 16);
      const { candidate } = fitAll(
        xs,
        xs.map((x) => this.splines[i]!.at(x)),
        symbol("x"),
      )[0]!;
      return [{ edge: key, name: candidate.name, r2: candidate.r2 }];
    });
    return this.#surveyed;
  }

  candidatesPart(): [object, Record<string, [ArrayLike<number>, number[]]>] {
    const i = this.#index();
    if (i < 0) return [{ edge: null, busy: false, version: 0, rows: [] }, {}];
    const n = 129;
    const xs = Array.from({ length: n }, (_, k) => -1 + (2 * k) / (n - 1));
    const ys = xs.map((x) => this.splines[i]!.at(x));
    const [layer, from] = this.edges[i]!.key as [number, number, number];
    const source = this.nodes.find(({ key }) => key[0] === layer && key[1] === from)!;
    const fits = fitAll(xs, ys, symbol(source.name));
    const best = fits[0]!.candidate;
    this.edges[i] = { ...this.edges[i]!, best: best.name, best_r2: best.r2 };
    const inBand = (values: ArrayLike<number>) => ys.every((y, k) => Math.abs(values[k]! - y) <= bandAt(xs[k]!));
    const rows = fits.map(({ candidate, values }) => (inBand(values) ? { ...candidate, in_band: true } : candidate));
    return [
      { edge: this.selected[0]!, busy: false, version: this.step, rows },
      { x: [xs, [n]], y: [ys, [n]], fits: [fits.flatMap((fit) => [...fit.values]), [fits.length, n]] },
    ];
  }

  curveRows(indices: number[]): [ArrayLike<number>, number[]] {
    const n = 33;
    const values = indices.flatMap((i) => {
      const grown = this.strength[i]! * Math.min(1, 0.3 + this.step / 60);
      return [grown, -1, 1, ...Array.from({ length: n }, (_, k) => this.splines[i]!.at(-1 + (2 * k) / (n - 1)))];
    });
    return [values, [indices.length, n + 3]];
  }

  formulaPart() {
    const fixed = this.edges.filter(({ state }) => state === "symbolic").length;
    const active = this.edges.filter(({ state }) => state !== "pruned").length;
    const outputs = this.nodes
      .filter(({ kind }) => kind === "output")
      .map((node) =>
        equation(
          node.name,
          this.nodes
            .filter(({ kind }) => kind === "input")
            .slice(0, 6)
            .map(({ name }) => name),
        ),
      );
    const text = "y = phi_1(sin(3.14*x_1) + x_2**2)";
    return {
      outputs,
      text,
      latex: "y = \\varphi_1(\\sin(3.14 x_1) + x_2^2)",
      python: "def f(x_1, x_2): ...",
      rmse: this.rows.at(-1)?.[3] || null,
      fixed,
      active,
    };
  }

  snapshot(): Snapshot {
    const [selection, detail] = this.selectionPart();
    const [candidates, fits] = this.candidatesPart();
    const prefixed = (prefix: string, arrays: Record<string, [ArrayLike<number>, number[]]>) =>
      Object.fromEntries(Object.entries(arrays).map(([name, value]) => [`${prefix}.${name}`, value]));
    const { arrays, buffer } = pack({
      metrics: [this.rows.flat(), [this.rows.length, 5]],
      curves: this.curveRows(this.edges.map((_, i) => i)),
      ...prefixed("selection", detail),
      ...prefixed("candidates", fits),
    });
    return {
      v: 2,
      seq: this.seq,
      structure: this.structure(),
      status: this.status(),
      settings: this.settings(),
      selection,
      candidates,
      formula: this.formulaPart(),
      history: this.history(),
      guide: this.guide,
      primitives: [...PRIMITIVES],
      formats: ["svg", "png", "csv", "json", "html"].map((name) => [name, name.toUpperCase()]),
      error: this.error,
      arrays,
      buffer,
    } as Snapshot;
  }
}
