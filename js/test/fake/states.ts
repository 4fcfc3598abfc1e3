// Kernels in every state, each ready to be mounted.
import { FakeKernel } from "./kernel";

function trained(): FakeKernel {
  const kernel = new FakeKernel({ width: [2, 5, 1], steps: 40, lamb: 1e-3, seed: 3 });
  kernel.note("prune", "prune");
  for (const i of [1, 4, 7, 12]) kernel.setState(i, "pruned");
  for (let i = 0; i < 12; i++) kernel.tick();
  kernel.note("grid 5 → 10", "refine");
  for (let i = 0; i < 14; i++) kernel.tick();
  kernel.setState(5, "symbolic", "x^2");
  kernel.note("φ₀,₁,₂ = x²", "fix");
  kernel.current = 2;
  kernel.setState(2, "both", "sin");
  kernel.note("φ₀,₀,₁ = sin + φ", "fix");
  kernel.selected = [[0, 0, 2]];
  return kernel;
}

function failed(): FakeKernel {
  const kernel = trained();
  kernel.error = {
    title: "ValueError",
    message: "the `name` argument of fix must be a primitive of the library; got 'sine'. Did you mean 'sin'?",
    hint: "All names are listed under “other function”.",
  };
  return kernel;
}

function products(): FakeKernel {
  const kernel = new FakeKernel({ width: [3, [2, 2], [1, 1], 1], steps: 60, seed: 5 });
  kernel.selected = [[0, 1, 3]];
  return kernel;
}

const hostile = [
  "<img src=x onerror=alert(1)>",
  "mean_radius_worst",
  'a & b < c "quoted"',
  "temperature of the cooling water in °C",
  "x'); --",
  "日本語の変数名",
  "theta",
  "מהירות הרוח",
  "👩‍👩‍👧 🇩🇪 café",
  "n".repeat(500),
];

export const STATES: Record<string, () => FakeKernel> = {
  training: () => {
    const kernel = new FakeKernel({ width: [2, 5, 1], lamb: 1e-3, seed: 11 });
    kernel.selected = [[0, 1, 2]];
    kernel.running = true;
    return kernel;
  },
  trained,
  idle: () => new FakeKernel({ width: [2, 5, 1] }),
  error: failed,
  one: () => {
    const kernel = new FakeKernel({ width: [1, 1], steps: 30 });
    kernel.selected = [[0, 0, 0]];
    return kernel;
  },
  products,
  bound: () => {
    const kernel = trained();
    kernel.answer({
      v: 2,
      seq: 1,
      kind: "freeze",
      edges: [
        [0, 0, 3],
        [0, 1, 1],
      ],
      on: true,
    } as never);
    kernel.answer({
      v: 2,
      seq: 2,
      kind: "lock",
      edges: [
        [0, 1, 2],
        [0, 1, 3],
        [0, 1, 1],
      ],
      on: true,
    } as never);
    return kernel;
  },
  times: () => new FakeKernel({ width: [3, [2, 2], [1, 2]], steps: 60, seed: 5 }),
  fine: () => {
    const kernel = new FakeKernel({ width: [2, 2, 1], steps: 60, grid: 50 });
    kernel.selected = [[0, 0, 0]];
    return kernel;
  },
  many: () => {
    const kernel = new FakeKernel({ width: [20, 24, 1], steps: 30, seed: 2 });
    kernel.selected = [[0, 3, 9]];
    return kernel;
  },
  limit: () => new FakeKernel({ width: [20, 40, 40, 5], steps: 2, seed: 2 }),
  huge: () => new FakeKernel({ width: [40, 48, 1], steps: 10, seed: 2 }),
  deep: () => new FakeKernel({ width: [4, 5, 4, 3, 2, 1], steps: 30 }),
  names: () => {
    const kernel = new FakeKernel({
      width: [10, 2, 2],
      names: hostile,
      outputs: ["<b>out</b>", "a_very_long_name_of_an_output"],
      steps: 50,
    });
    kernel.selected = [[0, 0, 0]];
    return kernel;
  },
  four: () => {
    const kernel = new FakeKernel({
      width: [4, 3, 2],
      steps: 60,
      names: ["x₁", "x₂", "temperature of the cooling water", "x₄"],
    });
    kernel.hole = true;
    kernel.presets = ["ripples", "exp(sin πx + y²)", "two spirals", "puromycin"];
    return kernel;
  },
  classes: () => {
    const kernel = new FakeKernel({ width: [4, 3], steps: 60, outputs: ["setosa", "versicolor", "virginica"] });
    kernel.classes = true;
    return kernel;
  },
  ten: () => {
    const kernel = new FakeKernel({ width: [4, 10], steps: 60 });
    kernel.classes = true;
    return kernel;
  },
  notest: () => new FakeKernel({ width: [3, 2, 1], steps: 80, test: false }),
};
