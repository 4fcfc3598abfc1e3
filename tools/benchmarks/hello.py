"""The first tutorial beside pykan 0.2.8, in one run on the same machine: `python -m tools.benchmarks.hello`.

Both on one torch thread (small networks run fastest so) and in float64. Needs the `bench` extra.
"""

from __future__ import annotations

import argparse
import statistics
from typing import Any

import torch

from kanwidget import KAN, create_dataset
from tools.benchmarks._pykan import peer_kan, quiet, timed

LIBRARY = ["x", "x^2", "x^3", "x^4", "exp", "log", "sqrt", "tanh", "sin", "abs"]
GRIDS = (3, 5, 10, 20)


def target(x: torch.Tensor) -> torch.Tensor:
    """exp(sin πx + y²)"""
    return torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)


def problem(*, as_dict: bool = False) -> Any:
    """1,000 training and 1,000 test points, the same for both."""
    data = create_dataset(target, n_var=2)
    return {key: data[key] for key in data.keys()} if as_dict else data  # noqa: SIM118 - Dataset.keys are pykan's


# ---- the whole tutorial


def ours_tutorial(seed: int) -> tuple[str, float]:
    """Fit with lamb, prune, fit, refine, fit, symbols, fit: the formula and its test error."""
    data = problem()
    model = KAN([2, 5, 1], grid=3, k=3, seed=seed)
    model.fit(data, steps=50, lamb=1e-3, progress=False)
    model = model.prune()
    model.fit(data, steps=50, progress=False)
    model = model.refine(10)
    model.fit(data, steps=50, progress=False)
    model.auto_symbolic(lib=LIBRARY)
    history = model.fit(data, steps=50, progress=False)
    return str(model.formula(round=4)), history.last.test_loss or 0.0


def peer_tutorial(seed: int) -> tuple[str, float]:
    """The same in pykan."""
    from kan.utils import ex_round

    data = problem(as_dict=True)
    model = peer_kan(width=[2, 5, 1], grid=3, k=3, seed=seed)
    model.fit(data, opt="LBFGS", steps=50, lamb=0.001)
    model = model.prune()
    model.fit(data, opt="LBFGS", steps=50)
    model = model.refine(10)
    model.fit(data, opt="LBFGS", steps=50)
    model.auto_symbolic(lib=LIBRARY)
    history = model.fit(data, opt="LBFGS", steps=50)
    return str(ex_round(model.symbolic_formula()[0][0], 4)), float(history["test_loss"][-1])


def tutorial(seeds: int) -> None:
    """Times and formulas of the whole tutorial."""
    print("\nThe first tutorial, whole: fit 50 (lamb) → prune → fit 50 → refine 10 → fit 50 → symbols → fit 50")
    ours_tutorial(99)  # imports and first calls
    ratios = []
    for seed in range(seeds):
        seconds, (formula, error) = timed(lambda s=seed: ours_tutorial(s))
        with quiet():
            peer_seconds, (peer_formula, peer_error) = timed(lambda s=seed: peer_tutorial(s))
        ratios.append(peer_seconds / seconds)
        print(f"seed {seed}  kanwidget {seconds:6.2f} s  test {error:.1e}  {formula}")
        print(
            f"        pykan     {peer_seconds:6.2f} s  test {peer_error:.1e}  {peer_formula}   ratio {ratios[-1]:.0f}"
        )
    print(f"median ratio {statistics.median(ratios):.0f} (target ≥ 25)")


# ---- grid extension


def ours_extension(seed: int, steps: int) -> list[tuple[float, float]]:
    """Seconds and test RMSE at each grid, each continued from the one before."""
    data, rows = problem(), []
    model = KAN([2, 5, 1], grid=GRIDS[0], k=3, seed=seed)
    for grid in GRIDS:
        model = model if grid == GRIDS[0] else model.refine(grid)
        seconds, history = timed(lambda m=model: m.fit(data, steps=steps, progress=False))
        rows.append((seconds, history.last.test_loss or 0.0))
    return rows


def peer_extension(seed: int) -> list[tuple[float, float]]:
    """The same in pykan, 50 LBFGS steps each."""
    data, rows = problem(as_dict=True), []
    model = peer_kan(width=[2, 5, 1], grid=GRIDS[0], k=3, seed=seed)
    for grid in GRIDS:
        if grid != GRIDS[0]:
            model = model.refine(grid)
        seconds, history = timed(lambda m=model: m.fit(data, opt="LBFGS", steps=50))
        rows.append((seconds, float(history["test_loss"][-1])))
    return rows


def extension(seeds: int, steps: int) -> None:
    """Median over seeds of test error and time at each grid."""
    print(f"\nGrid extension, [2, 5, 1], 1,000 points; kanwidget {steps} LM steps, pykan 50 LBFGS steps a grid")
    ours = [ours_extension(seed, steps) for seed in range(seeds)]
    with quiet():
        peer = [peer_extension(seed) for seed in range(seeds)]
    print(f"{'G':>4} {'kanwidget':>20} {'pykan':>20} {'error ratio':>12} {'time ratio':>11}")
    for index, grid in enumerate(GRIDS):
        ours_s, ours_e = (statistics.median(run[index][k] for run in ours) for k in (0, 1))
        peer_s, peer_e = (statistics.median(run[index][k] for run in peer) for k in (0, 1))
        print(
            f"{grid:>4} {ours_e:>10.1e} {ours_s:>7.2f} s {peer_e:>10.1e} {peer_s:>7.2f} s "
            f"{peer_e / ours_e:>12.1f} {peer_s / ours_s:>11.1f}"
        )
    print("targets: error ratio ≥ 2 at G = 3 and ≥ 5 above, time ratio ≥ 10")


# ---- the rest


def robustness(seeds: int) -> None:
    """Seeds of [2, 1, 1] at G = 3, and of pruning with lamb."""
    data = problem()
    errors = [KAN([2, 1, 1], seed=s).fit(data, steps=50, progress=False).last.test_loss or 0 for s in range(seeds)]
    print(f"\n[2, 1, 1] at G = 3, seeds 0 to {seeds - 1}: worst test RMSE {max(errors):.2e} (target < 2.5e-2)")
    kept = []
    for seed in range(seeds):
        model = KAN([2, 5, 1], seed=seed)
        model.fit(data, steps=50, lamb=1e-3, progress=False)
        kept.append(model.prune().width[1][0])
    print(f"lamb = 1e-3, then prune: hidden nodes left {kept}; one in {kept.count(1)} of {seeds} (target ≥ 9 of 10)")


def single_calls() -> None:
    """Candidates of one edge over the whole table, and the plot."""
    data = problem()
    model = KAN([2, 5, 1], seed=0)
    model.fit(data, steps=20, progress=False)
    with quiet():
        peer = peer_kan(width=[2, 5, 1], grid=3, k=3, seed=0)
        peer.fit(problem(as_dict=True), opt="LBFGS", steps=5)
        peer(problem().train_input)
    rows = [
        (
            "candidates",
            lambda: model.suggest_symbolic(0, 0, 0, topk=None, data=data),
            lambda: peer.suggest_symbolic(0, 0, 0),
            100,
        ),
        ("plot", lambda: model.plot().canvas.draw(), lambda: peer.plot(), 10),
    ]
    print(f"\n{'call':<12} {'kanwidget':>12} {'pykan':>10} {'ratio':>8} {'target':>8}")
    for name, ours, theirs, goal in rows:
        ours()
        seconds = statistics.median(timed(ours)[0] for _ in range(5))
        with quiet():
            peer_seconds = timed(theirs)[0]
        print(f"{name:<12} {seconds * 1e3:>9.1f} ms {peer_seconds:>8.2f} s {peer_seconds / seconds:>8.0f} {goal:>8}")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=90, help="LM steps a grid in the grid extension")
    given = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    print(f"torch {torch.__version__}, one thread, float64")
    robustness(10)
    single_calls()
    tutorial(given.seeds)
    extension(given.seeds, given.steps)


if __name__ == "__main__":
    main()
