"""Is the first candidate of an edge the function that made the data? 20 polynomials and 20 other curves, at three levels of noise.

`python -m tools.benchmarks.candidates` prints a table; `--part tuning` and `--part unseen` take one half, which were drawn before
the ranking was tuned on the first. Each curve is learned by one edge from 200 rows, 50 of them for its test, and `suggest_symbolic`
is asked for its best.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from kanwidget import KAN, Dataset

NOISES = (0.0, 0.001, 0.01)
ROWS, GRID = 200, 5


class Curve(NamedTuple):
    """A function of one variable on an interval, and the primitives that are that function."""

    text: str
    function: Callable[[Tensor], Tensor]
    low: float
    high: float
    right: tuple[str, ...]
    part: str


def _j0(x: Tensor) -> Tensor:
    return torch.special.bessel_j0(x)


POLYNOMIALS = (
    Curve("2x + 1", lambda x: 2 * x + 1, -1, 1, ("x",), "tuning"),
    Curve("-3x", lambda x: -3 * x, 0, 5, ("x",), "unseen"),
    Curve("x/1000", lambda x: x / 1000, 260, 340, ("x",), "tuning"),
    Curve("4x + 2", lambda x: 4 * x + 2, 10, 12, ("x",), "unseen"),
    Curve("-x", lambda x: -x, -0.1, 0.1, ("x",), "unseen"),
    Curve("|x|, x > 0", lambda x: x.abs(), 0.5, 3, ("x",), "tuning"),
    Curve("x^2", lambda x: x**2, -1, 1, ("x^2",), "tuning"),
    Curve("(x - 0.3)^2", lambda x: (x - 0.3) ** 2, -1, 1, ("x^2",), "unseen"),
    Curve("3x^2 - 2x + 1", lambda x: 3 * x**2 - 2 * x + 1, 0, 4, ("x^2",), "tuning"),
    Curve("(x - 300)^2", lambda x: (x - 300) ** 2, 260, 340, ("x^2",), "unseen"),
    Curve("-x^2, x > 0", lambda x: -(x**2), 0, 3, ("x^2",), "unseen"),
    Curve("(x + 1)^2", lambda x: (x + 1) ** 2, 0, 2, ("x^2",), "tuning"),
    Curve("x^2 / 2", lambda x: x**2 / 2, -10, 30, ("x^2",), "unseen"),
    Curve("x^3", lambda x: x**3, -1, 1, ("x^3",), "tuning"),
    Curve("(x - 0.5)^3", lambda x: (x - 0.5) ** 3, -2, 2, ("x^3",), "unseen"),
    Curve("2 - x^3", lambda x: 2 - x**3, -3, 1, ("x^3",), "tuning"),
    Curve("x^4", lambda x: x**4, -1, 1, ("x^4",), "unseen"),
    Curve("(x - 1)^4", lambda x: (x - 1) ** 4, -1, 3, ("x^4",), "tuning"),
    Curve("x^5", lambda x: x**5, -1, 1, ("x^5",), "tuning"),
    Curve("(x + 0.2)^5", lambda x: (x + 0.2) ** 5, -1, 1, ("x^5",), "unseen"),
)
OTHERS = (
    Curve("exp(-4x^2)", lambda x: torch.exp(-4 * x**2), -1, 1, ("gaussian",), "tuning"),
    Curve("exp(-(2x - 2)^2)", lambda x: torch.exp(-((2 * x - 2) ** 2)), -1, 3, ("gaussian",), "unseen"),
    Curve("sin 3x", lambda x: torch.sin(3 * x), -1, 1, ("sin", "cos"), "tuning"),
    Curve("sin pi x", lambda x: torch.sin(torch.pi * x), -1, 1, ("sin", "cos"), "unseen"),
    Curve("cos 2x", lambda x: torch.cos(2 * x), -2, 2, ("sin", "cos"), "unseen"),
    Curve("sin(5x + 1)", lambda x: torch.sin(5 * x + 1), -1, 1, ("sin", "cos"), "tuning"),
    Curve("exp x", torch.exp, -2, 2, ("exp",), "tuning"),
    Curve("exp(-3x)", lambda x: torch.exp(-3 * x), 0, 2, ("exp",), "unseen"),
    Curve("log x", torch.log, 0.1, 5, ("log",), "tuning"),
    Curve("log(x + 1)", lambda x: torch.log(x + 1), 0, 10, ("log",), "unseen"),
    Curve("sqrt x", torch.sqrt, 0, 4, ("sqrt",), "tuning"),
    Curve("1/x", lambda x: 1 / x, 0.5, 5, ("1/x",), "unseen"),
    Curve("1/x^2", lambda x: x**-2, 0.5, 3, ("1/x^2",), "tuning"),
    Curve("tanh 2x", lambda x: torch.tanh(2 * x), -2, 2, ("tanh", "sigmoid"), "unseen"),
    Curve("|x|", torch.abs, -1, 1, ("abs",), "tuning"),
    Curve("|x - 0.3|", lambda x: (x - 0.3).abs(), -1, 1, ("abs",), "unseen"),
    Curve("arctan 3x", lambda x: torch.atan(3 * x), -3, 3, ("arctan",), "tuning"),
    Curve("tan x", torch.tan, -1.3, 1.3, ("tan",), "unseen"),
    Curve("x^1.5", lambda x: x**1.5, 0, 4, ("x^1.5",), "tuning"),
    Curve("J0(4x)", lambda x: _j0(4 * x), -1.5, 1.5, ("J0",), "unseen"),
)
CURVES = POLYNOMIALS + OTHERS


def learned(curve: Curve, noise: float, seed: int = 0, rows: int = ROWS, grid: int = GRID) -> tuple[KAN, Dataset]:
    """One edge, trained on noisy rows of a curve; the noise is a part of the curve's standard deviation."""
    generator = torch.Generator().manual_seed(seed)
    x = curve.low + (curve.high - curve.low) * torch.rand(rows, 1, generator=generator, dtype=torch.float64)
    y = curve.function(x)
    y = y + noise * y.std() * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    data = Dataset.from_arrays(x, y, test_fraction=0.25, seed=seed)
    model = KAN([1, 1], grid=grid, seed=seed, grid_range=(curve.low, curve.high))
    model.fit(data, steps=50, progress=False)
    return model, data


def answers(curve: Curve, noise: float, seed: int = 0, **options: float) -> list[str]:
    """Names of the candidates, best first."""
    model, data = learned(curve, noise, seed)
    return [fit.name for fit in model.suggest_symbolic(0, 0, 0, data=data, topk=3, **options)]


def main() -> None:
    """Print which first candidates are right, and how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("all", "tuning", "unseen"), default="all")
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    curves = [curve for curve in CURVES if arguments.part in ("all", curve.part)]
    for seed in range(arguments.seeds):
        counts = dict.fromkeys(NOISES, 0)
        for curve in curves:
            cells = []
            for noise in NOISES:
                names = answers(curve, noise, seed)
                right = names[0] in curve.right
                counts[noise] += right
                cells.append(f"{'' if right else '! '}{' '.join(names)}")
            print(f"{curve.text:18} " + " | ".join(f"{cell:26}" for cell in cells))
        totals = ", ".join(f"{count} at {noise:.1%}" for noise, count in counts.items())
        print(f"seed {seed}: of {len(curves)} first candidates are right: {totals}")


if __name__ == "__main__":
    main()
