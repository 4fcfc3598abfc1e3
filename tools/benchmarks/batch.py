"""Many small networks at once against one by one, and what a step costs: `python -m tools.benchmarks.batch`.

256 networks [2, 5, 1], G = 5, on 300 rows, 100 LM steps each with lamb; then how a step's time grows with rows, width
and grid; then the peak memory of one step of a large network. float64 (the large one float32), one torch thread if
not set otherwise.

Where the time of a step goes, [2, 5, 1], 1,000 rows, one network, one thread:

- G = 20 (360 parameters): 14 ms. The product JᵀJ takes 5 ms (50 GFLOP/s, near the limit of a core), the solve 1.5 ms,
  the rest builds bases and J.
- G = 3 (105 parameters): 6 ms, nearly all of it the cost of some hundred small tensor operations.
- JᵀJ by halves gained nothing. Keeping the bases of the test inputs, making values and derivatives of a basis
  together and writing J in place saved 30 % of processor time at G = 3 and 25 % at G = 10. At G = 20, where the
  product rules, two runs disagreed.

In a batch of 256 (G = 5, 300 rows, lamb) a network and step takes 1.9 ms, 5.6 ms alone. The rest is elementwise work
on arrays that no cache holds: bases, values of edges, J, and 1.6 trials a step. JᵀJ itself takes 0.14 ms, 7 %, at 80
GFLOP/s.
"""

from __future__ import annotations

import argparse
import math
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from kanwidget import KAN, create_dataset, fit_many
from tools.benchmarks._pykan import timed

LAMB = 1e-3
#: `[12, 84, 42, 2]` on 30,000 rows.
LARGE = ([12, 84, 42, 2], 30_000)


def target(x: torch.Tensor) -> torch.Tensor:
    """exp(sin πx + y²)"""
    return torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)


def networks(count: int) -> list[KAN]:
    """Of [2, 5, 1] from different seeds."""
    return [KAN([2, 5, 1], grid=5, seed=seed) for seed in range(count)]


def compare(count: int, alone: int, steps: int, threads: int) -> None:
    """Batched against one by one, without and with lamb; one by one only for some, since each costs the same."""
    data = create_dataset(target, n_var=2, train_num=300, test_num=300)
    print(
        f"{count} networks [2, 5, 1], G = 5, 300 rows, {steps} LM steps: milliseconds a network and step (processor time)"
    )
    print(
        f"lamb      one by one       batched          ratio     on {threads} threads    ratio on the clock (target 3)"
    )
    for lamb in (LAMB, 0.0):
        one = _cost(lambda lamb=lamb: [m.fit(data, "LM", steps, lamb=lamb, progress=False) for m in networks(alone)])
        costs = []
        for most in (1, threads):
            torch.set_num_threads(most)
            costs.append(
                _cost(lambda lamb=lamb: fit_many(networks(count), data, "LM", steps, lamb=lamb, progress=False)[1])
            )
        torch.set_num_threads(1)
        single, several = costs
        print(
            f"{lamb:<8g}  {one[0]:5.2f} ({one[1]:5.2f})    {single[0]:5.2f} ({single[1]:5.2f})    {one[1] / single[1]:5.1f}"
            f"     {several[0]:5.2f} ({several[1]:5.2f})   {one[0] / several[0]:5.1f}"
        )


def _cost(work: Callable[[], list]) -> tuple[float, float]:
    """Milliseconds a step of a network: on the clock and of the processor."""
    started, clock = time.process_time(), time.perf_counter()
    histories = work()
    steps = sum(len(history) for history in histories) / 1e3
    return (time.perf_counter() - clock) / steps, (time.process_time() - started) / steps


def exponents() -> None:
    """How the time of a step grows: t ∝ size^exponent between the last two sizes."""
    print("\nmilliseconds a step of one network, doubling")
    rows = [500, 1000, 2000, 4000, 8000]
    _growth("rows, [2, 5, 1], G = 5", rows, [_step([2, 5, 1], 5, n) for n in rows])
    widths = [5, 10, 20, 40, 80]
    _growth("width n, [2, n, 1], G = 5, 1,000 rows", widths, [_step([2, n, 1], 5, 1000) for n in widths])
    grids = [5, 10, 20, 40, 80]
    _growth("grid G, [2, 5, 1], 1,000 rows", grids, [_step([2, 5, 1], g, 1000) for g in grids])


def _growth(name: str, sizes: list[int], times: list[float]) -> None:
    exponent = math.log2(times[-1] / times[-2])
    print(
        f"{name:40}"
        + "".join(f"{size:>6}: {t:7.2f}" for size, t in zip(sizes, times, strict=True))
        + f"   exponent {exponent:.2f}"
    )


def _step(width: list[int], grid: int, rows: int, steps: int = 6) -> float:
    data = create_dataset(target, n_var=2, train_num=rows, test_num=2)
    model = KAN(width, grid=grid)
    model.fit(data, "LM", 1, update_grid=False, progress=False)
    seconds, history = timed(lambda: model.fit(data, "LM", steps, update_grid=False, progress=False))
    return 1e3 * seconds / len(history)


def product_share(count: int = 64) -> None:
    """What the matrix product alone takes of a batched step, at the speed of torch.bmm here."""
    size, rows = 135, 300
    jac = torch.rand(count, rows, size, dtype=torch.float64)
    seconds = min(timed(lambda: jac.mT @ jac)[0] for _ in range(20))
    print(
        f"\nthe product JᵀJ of 300 x 135: {1e3 * seconds / count:.2f} ms a network, "
        f"{2 * rows * size**2 * count / seconds / 1e9:.0f} GFLOP/s"
    )


def memory(opt: str) -> None:
    """Peak memory that one step of the large network adds, in MB; run in a process of its own."""
    width, rows = LARGE
    x = torch.rand(rows, width[0])
    data = (x, x[:, :2])
    model = KAN(width, grid=5, dtype=torch.float32)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model.fit(data, opt, 1, update_grid=False, progress=False)
    print(f"{(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024:.0f}")


def memories() -> None:
    """The same for both gradient methods."""
    print(f"\npeak memory of one step of {LARGE[0]} on {LARGE[1]:,} rows, float32 (target 1,024 MB)")
    for opt in ("LBFGS", "Adam"):
        command = [sys.executable, "-m", "tools.benchmarks.batch", "--memory", opt]
        found = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        print(f"{opt:6} {int(found):6} MB")


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=256)
    parser.add_argument("--alone", type=int, default=64, help="how many are trained one by one")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument(
        "--threads", type=int, default=torch.get_num_threads(), help="for the batch; one by one uses one"
    )
    parser.add_argument("--memory", choices=("LBFGS", "Adam"), help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    torch.set_num_threads(1)
    if wanted.memory:
        memory(wanted.memory)
        return
    compare(wanted.count, wanted.alone, wanted.steps, wanted.threads)
    product_share()
    exponents()
    memories()


if __name__ == "__main__":
    main()
