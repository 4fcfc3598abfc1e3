"""Ways to the formulas of `formulas.py`: the one without a person, and those in which a person says something."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import sympy
import torch
from torch import Tensor

from kanwidget import KAN, Dataset, create_dataset
from kanwidget.datasets import with_columns
from kanwidget.symbolic.edges import numeric_edges

#: Points of the check, and how far an exact expression may be off, as a part of the spread.
_POINTS, _TOLERANCE = 2000, 1e-9
Ranges = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Answer:
    """What a way ends with."""

    formula: str
    error: float | None
    """Test error, RMSE; None for classes."""
    exact: bool
    accuracy: float | None = None
    """Of classes, on test rows."""


def regression(
    f: Callable[[Tensor], Tensor],
    width: Sequence[Any],
    ranges: Ranges,
    wide: Ranges | None = None,
    rows: int = 1000,
    grid: int = 5,
) -> Callable[[int], Answer]:
    """Fit, simplify, fit the formula."""

    def solve(seed: int) -> Answer:
        data = create_dataset(f, n_var=len(ranges), ranges=ranges, train_num=rows)
        model = KAN(width, grid=grid, seed=seed)
        model.fit(data, steps=60, progress=False)
        return answer(model.simplify(data).fit_formula(data), data, f, wide or [(2 * a, 2 * b) for a, b in ranges])

    return solve


def answer(
    fitted: Any,
    data: Dataset,
    f: Callable[[Tensor], Tensor],
    wide: Ranges,
    columns: Mapping[sympy.Symbol, sympy.Expr] | None = None,
) -> Answer:
    """The test error of a formula, in the columns that were measured, and whether it is the function."""
    if fitted.curves:
        return Answer(fitted.text, None, False)
    expression = fitted.expression.subs(columns or {})
    variables = fitted.variables[: len(wide)]
    unit = torch.rand(_POINTS, len(wide), generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    low, high = torch.tensor(wide, dtype=torch.float64).T
    points = low + (high - low) * unit
    error, _ = deviation(variables, expression, data.test_input[:, : len(wide)], data.test_label)
    _, worst = deviation(variables, expression, points, f(points))
    return Answer(str(expression), error, worst < _TOLERANCE)


def deviation(variables: Sequence[sympy.Symbol], expression: Any, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Root mean square and largest deviation of a formula, the latter as a part of the spread."""
    function = sympy.lambdify(variables, expression, ["scipy", "numpy"])
    with np.errstate(all="ignore"):
        values = np.broadcast_to(function(*x.numpy().T), len(x))
    gap = np.abs(values - y.numpy()[:, 0])
    worst = float(gap.max() / y.std()) if np.isfinite(gap).all() else math.inf
    return float(np.sqrt(np.mean(gap**2))), worst


# ---- ways in which a person says something


def mass(x: Tensor) -> Tensor:
    """m₀/√(1 - v²/c²)"""
    return x[:, [0]] / torch.sqrt(1 - (x[:, [1]] / x[:, [2]]) ** 2)


_MASS = [(0.0, 1.0), (0.0, 0.9), (1.1, 2.0)]
_WIDE_MASS = [(0.0, 2.0), (0.0, 1.05), (1.1, 4.0)]
_V, _C, _BETA, _GAMMA = sympy.symbols("v c beta gamma")


def mass_data(columns: Mapping[sympy.Symbol, sympy.Expr]) -> Dataset:
    """Samples of the mass, with further columns."""
    data = create_dataset(mass, n_var=3, ranges=_MASS)
    parts = {key: data[key] for key in data}
    return with_columns(Dataset(**parts, in_vars=("m_0", "v", "c"), out_vars=("m",)), columns)


def with_factor(seed: int) -> Answer:
    """The columns of pykan's notebook: the ratio β, and γ, which is the answer but for m₀."""
    columns = {_BETA: _V / _C, _GAMMA: 1 / sympy.sqrt(1 - _V**2 / _C**2)}
    data = mass_data(columns)
    model = KAN([5, [0, 1]], grid=5, seed=seed)
    model.fit(data, steps=60, progress=False)
    return answer(model.simplify(data).fit_formula(data), data, mass, _WIDE_MASS, columns)


def with_ratio(seed: int) -> Answer:
    """β alone: m₀ times a function of β², the function is looked for."""
    columns = {_BETA: _V / _C}
    data = mass_data(columns)
    model = KAN([4, 2, [0, 1]], grid=5, seed=seed)
    m_0, beta = 0, 3
    for layer, used in ((0, [(beta, 0), (m_0, 1)]), (1, [(0, 0), (1, 1)])):
        for edge in model.edge_refs():
            if edge.layer == layer and edge[1:] not in used:
                model.remove_edge(*edge)
    model.fix_symbolic(0, beta, 0, "x^2", params=(1, 0, 1, 0), data=data)
    model.fix_symbolic(0, m_0, 1, "x", params=(1, 0, 1, 0), data=data)
    model.fit(data, steps=60, progress=False)
    model.auto_symbolic(data=data)
    model.fit(data, steps=100, progress=False)
    return answer(model.fit_formula(data), data, mass, _WIDE_MASS, columns)


def order_parameter(x: Tensor) -> Tensor:
    """sin πx₁ + cos πx₂ + tan(πx₃/2), of which the rows show the sign alone"""
    return torch.sin(torch.pi * x[:, [0]]) + torch.cos(torch.pi * x[:, [1]]) + torch.tan(torch.pi / 2 * x[:, [2]])


def phases(seed: int) -> Answer:
    """Two phases as classes. Near the border tan can't be told from sinh: a person decides."""
    drawn = create_dataset(order_parameter, n_var=3, train_num=3000)
    sides = [(drawn[f"{part}_label"][:, 0] > 0).long() for part in ("train", "test")]
    data = Dataset(drawn.train_input, sides[0], drawn.test_input, sides[1])
    model = KAN([3, 2], grid=5, seed=seed)
    model.fit(data, steps=40, progress=False)
    model = model.simplify(data, lib=["x", "x^2", "sin", "cos", "tan"])
    for edge in numeric_edges(model):
        model.fix_symbolic(*edge, "tan", data=data)
    model.fit(data, steps=60, progress=False)
    fitted = model.fit_formula(data)
    heads = {type(atom).__name__ for atom in fitted.expression.atoms(sympy.Function)}
    return Answer(fitted.text, None, heads == {"sin", "cos", "tan"}, accuracy(model, data))


def accuracy(model: KAN, data: Dataset) -> float:
    """The part of the test rows whose class is right."""
    return float((torch.as_tensor(model.classify(data.test_input)) == data.test_label).double().mean())


def moons(seed: int) -> Answer:
    """Two half circles with noise; the class as a number, a sum of two functions out of a short list."""
    random = np.random.default_rng(0)
    (x, y), (x_test, y_test) = (half_circles(1000, random) for _ in range(2))
    data = Dataset(x, y, x_test, y_test)
    model = KAN([2, 1], grid=3, seed=seed)
    model.fit(data, steps=40, progress=False)
    model.auto_symbolic(lib=["x", "x^2", "sin"], data=data, r2_threshold=-1)
    model.fit(data, steps=60, progress=False)
    right = (model.predict(x_test)[:, 0] > 0.5) == torch.as_tensor(y_test > 0.5)
    return Answer(model.fit_formula(data).text, None, False, float(right.double().mean()))


def half_circles(rows: int, random: np.random.Generator) -> tuple[Any, Any]:
    """Points of two half circles that reach into each other, with noise of 0.1, and the number of their circle."""
    angle, circle = random.uniform(0, math.pi, rows), np.arange(rows) % 2
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.where(circle[:, None] == 0, upper, [1.0, 0.5] - upper)
    return points + 0.1 * random.normal(size=points.shape), circle.astype(float)


# ---- relations without a target


def relations(seed: int) -> Answer:
    """Six columns, two relations among them: each column in turn is the target of the others."""
    x = 2 * torch.rand(1000, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64) - 1
    x[:, 2] = torch.exp(torch.sin(torch.pi * x[:, 0]) + x[:, 1] ** 2)
    x[:, 3] = x[:, 4] ** 3
    found = {}
    for column in range(6):
        inputs = [other for other in range(6) if other != column]
        names = [f"x_{other + 1}" for other in inputs]
        data = Dataset.from_arrays(x[:, inputs], x[:, column], in_vars=names)
        model = KAN([5, 5, 1], grid=5, seed=seed)
        model.fit(data, steps=60, lamb=1e-3, progress=False)
        fitted = model.simplify(data).fit_formula(data)
        if not fitted.curves and fitted.error < _TOLERANCE * float(data.train_label.std()):
            found[f"x_{column + 1}"] = fitted.text
    expected = {"x_3": "exp(x_2**2 + sin(pi*x_1))", "x_4": "x_5**3"}
    text = ", ".join(f"{name} = {formula}" for name, formula in found.items())
    right = "x_6" not in found and all(found.get(name) == formula for name, formula in expected.items())
    return Answer(text, None, right)
