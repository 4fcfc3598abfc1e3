"""`PRESETS`: small problems to play with, for `KANExplorer.demo()`."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._types import LayerWidth
from kanwidget.datasets import Dataset, create_dataset
from kanwidget.kan import KAN


@dataclass(frozen=True, slots=True)
class Preset:
    """A small problem, and the shape of a network for it."""

    width: list[LayerWidth]
    data: Callable[[], Dataset]
    grid: int = 3
    formula: str = ""
    """The law behind the data, for people."""
    line: str = ""
    """What there is to see, in one sentence."""
    reached: bool = True
    """Whether Train, Simplify and Formula lead from the network of this shape to the law."""
    lamb: float = 1e-3
    """Weight of the penalty to begin with: needless edges fade, and the curves stay clear."""

    @property
    def outlook(self) -> str:
        """What the steps Train, Simplify and Formula find, in a sentence: the law behind the data (`reached`) or not."""
        result = "find its formula" if self.reached else "leave curves: the formula isn't found"
        return f"The three steps {result}."

    def network(self, seed: int = 0) -> KAN:
        """A new, untrained network for this problem; `seed` draws its parameters."""
        return KAN(self.width, self.grid, seed=seed)


def _samples(f: Callable[[Tensor], Tensor], n_var: int = 2) -> Callable[[], Dataset]:
    """Makes the data of a law when it is called: 500 training and 500 test rows of `n_var` inputs from -1 to 1.

    `f` is the law: inputs `(rows, n_var)` → outputs `(rows, 1)`.
    """
    return lambda: create_dataset(f, n_var=n_var, train_num=500, test_num=500)


def _spirals() -> Dataset:
    """Two spirals, each a class of 400 points, with a little noise; half of all are test rows."""
    generator = torch.Generator().manual_seed(0)
    # Distance from the centre. The length of an arm grows with its square: so the points are even along an arm.
    turn = torch.rand(800, generator=generator, dtype=torch.float64).sqrt()
    arm = torch.arange(800) % 2
    angle = 1.25 * 2 * math.pi * turn + math.pi * arm  # one turn and a quarter; the arms stand opposite each other
    points = torch.stack([turn * angle.cos(), turn * angle.sin()], 1)
    points = points + 0.02 * torch.randn(800, 2, generator=generator, dtype=torch.float64)
    return Dataset(points[:400], arm[:400], points[400:], arm[400:], in_vars=("x", "y"), out_vars=("arm_1", "arm_2"))


#: One row a problem, in the order in which they are offered.
PRESETS: dict[str, Preset] = {
    "exp(sin πx + y²)": Preset(
        [2, 5, 1],
        _samples(lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)),
        formula="y = exp(sin πx₁ + x₂²)",
        line="Three functions, one inside another: a network of three edges says it exactly.",
    ),
    "product": Preset(
        [2, [2, 1], 1],
        _samples(lambda x: x[:, [0]] * x[:, [1]]),
        formula="y = x₁·x₂",
        line="A product node multiplies; sums alone need squares for it.",
    ),
    "ripples": Preset(
        [2, 3, 1],
        _samples(lambda x: torch.sin(6 * (x[:, [0]] ** 2 + x[:, [1]] ** 2).sqrt())),
        5,
        formula="y = sin(6·√(x₁² + x₂²))",
        line="Rings around a point: a wave of the distance.",
        reached=False,
        lamb=1e-4,
    ),
    "step": Preset(
        [2, 2, 1],
        _samples(lambda x: torch.tanh(20 * (x[:, [0]] + x[:, [1]] / 2))),
        5,
        formula="y = tanh(20·(x₁ + x₂/2))",
        line="A steep edge across the plane, seen along its normal.",
    ),
    "four inputs": Preset(
        [4, [2, 1], 1],
        _samples(
            lambda x: torch.exp((torch.sin(torch.pi * (x[:, [0]] ** 2 + x[:, [1]] ** 2)) + x[:, [2]] * x[:, [3]]) / 2),
            4,
        ),
        formula="y = exp((sin(π·(x₁² + x₂²)) + x₃·x₄)/2)",
        line="Two pairs of inputs that act together: one adds, one multiplies.",
        reached=False,
        lamb=1e-4,
    ),
    "two spirals": Preset(
        [2, 6, 2],
        _spirals,
        5,
        formula="the arm of (x, y): one of two spirals",
        line="Two classes wound around each other: watch the boundary in the surface.",
        reached=False,
        lamb=1e-4,
    ),
}


def preset(name: str | None, where: str = "demo") -> tuple[str, Preset]:
    """The name of a preset and the preset itself; the first one where `name` is None. Errors say that they come from the call `where`."""
    chosen = next(iter(PRESETS)) if name is None else _check.choice(name, "name", where, PRESETS)
    return chosen, PRESETS[chosen]
