// The states that the gallery shows, each a kernel ready to be mounted.
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
  many: () => {
    const kernel = new FakeKernel({ width: [20, 24, 1], steps: 30, seed: 2 });
    kernel.selected = [[0, 3, 9]];
    return kernel;
  },
  huge: () => new FakeKernel({ width: [40, 48, 1], steps: 10, seed: 2 }),
  deep: () => new FakeKernel({ width: [4, 5, 4, 3, 2, 1], steps: 30 }),
  names: () => {
    const kernel = new FakeKernel({
      width: [6, 2, 2],
      names: hostile,
      outputs: ["<b>out</b>", "a_very_long_name_of_an_output"],
      steps: 50,
    });
    kernel.selected = [[0, 0, 0]];
    return kernel;
  },
  notest: () => new FakeKernel({ width: [3, 2, 1], steps: 80, test: false }),
};
