"""What a step costs, beside the fastest other libraries and beside what nothing can go below: `python -m tools.benchmarks.speed`.

One row a piece of work, all from one run on one thread: milliseconds of processor time, the least of some trials that take turns, and the
ratio to the floor. The floor of a wide layer is a perceptron with about as many weights; that of a Levenberg-Marquardt step its product JᵀJ
and one Cholesky factor. A step is a twelfth of a whole `fit` of a new network, set-up included.
inkan and flashkan take part where they are installed (`pip install inkan==0.5.2 flashkan==0.2.0`).
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import nn

from kanwidget import KAN, Dataset

#: Other libraries with the same splines: modules with a class `KANNetwork`.
PEERS = ("inkan", "flashkan")

Work = Callable[[], object]


@dataclass
class Row:
    """One piece of work."""

    name: str
    works: dict[str, Work]
    """By who does it; the first is kanwidget, the last the floor."""
    least: dict[str, float] = field(default_factory=dict)
    """Seconds of the processor."""


def forward_and_backward(network: nn.Module, x: torch.Tensor) -> Work:
    """The gradient of all weights."""

    def work() -> None:
        network.zero_grad()
        network(x).square().mean().backward()

    return work


def wide(width: list[int], rows: int, hidden: list[int]) -> Row:
    """Forward and backward in float32, beside a perceptron with these hidden nodes."""
    x = 2 * torch.rand(rows, width[0]) - 1
    sizes = [width[0], *hidden, width[-1]]
    levels = [layer for pair in itertools.pairwise(sizes) for layer in (nn.Linear(*pair), nn.SiLU())]
    works = {"kanwidget": forward_and_backward(KAN(width, grid=5, dtype=torch.float32), x)}
    for name in PEERS:
        try:
            network = importlib.import_module(name).KANNetwork(width, grid_size=5)
        except ImportError:
            continue
        works[name] = forward_and_backward(network, x)
    works["floor"] = forward_and_backward(nn.Sequential(*levels[:-1]), x)
    return Row(f"{'→'.join(map(str, width))}, {rows:,} rows, forward and backward", works)


def levenberg_marquardt(rows: int, lamb: float) -> Row:
    """A step on [2, 5, 1], G = 5, in float64, with evidence where there is no penalty."""
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(rows, 2, generator=generator, dtype=torch.float64) - 1
    y = torch.exp(torch.sin(math.pi * x[:, :1]) + x[:, 1:] ** 2)
    y = y + 0.1 * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    data = Dataset(x, y)
    network = KAN([2, 5, 1], grid=5)
    network.fit(data, steps=5, lamb=lamb, progress=False)
    jacobian = torch.randn(rows, network.n_parameters, generator=generator, dtype=torch.float64)

    def floor() -> None:
        product = jacobian.T @ jacobian
        product.diagonal().add_(1.0)
        torch.linalg.cholesky(product)

    def steps() -> None:
        KAN([2, 5, 1], grid=5).fit(data, steps=_STEPS, lamb=lamb, progress=False)

    noise = "penalty" if lamb else "evidence"
    return Row(f"a step of LM, [2, 5, 1], {rows:,} rows, {noise}", {"kanwidget": steps, "floor": floor})


_STEPS = 12


def measure(rows: list[Row], trials: int) -> None:
    """The least time of each work; one after the other, so that a busy machine is busy for all."""
    for number in range(trials + 1):
        for row in rows:
            for who, work in row.works.items():
                begun = time.process_time()
                work()
                spent = time.process_time() - begun
                if row.name.startswith("a step of LM") and who == "kanwidget":
                    spent /= _STEPS
                if number:  # the first one warms up
                    row.least[who] = min(spent, row.least.get(who, math.inf))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rows = [
        wide([784, 64, 10], 1024, [512]),
        wide([4, 100, 100, 100, 1], 1000, [300, 300, 300]),
        *(levenberg_marquardt(count, lamb) for count in (300, 1000) for lamb in (0.0, 1e-3)),
    ]
    measure(rows, options.trials)
    names = ["kanwidget", *PEERS, "floor"]
    print(
        f"{'milliseconds of the processor, one thread':62s}" + "".join(f"{name:>11s}" for name in names) + "   ÷ floor"
    )
    for row in rows:
        cells = [f"{1e3 * row.least[name]:11.1f}" if name in row.least else f"{'–':>11s}" for name in names]
        print(f"{row.name:62s}" + "".join(cells) + f"{row.least['kanwidget'] / row.least['floor']:10.1f}")


if __name__ == "__main__":
    main()
