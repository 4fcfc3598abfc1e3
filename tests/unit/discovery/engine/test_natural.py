"""Functions as laws have them: where they are defined, and that a fit finds each again from its starts."""

import math

import pytest
import torch

from kanwidget.discovery.engine.curves import curves
from kanwidget.discovery.engine.curves.curve import CurveRows
from kanwidget.discovery.engine.curves.natural import NATURAL, functions_of_one_constant, natural_functions
from kanwidget.discovery.engine.trees import OPERATIONS, nodes, values

ALL = frozenset(OPERATIONS)
X = torch.linspace(0.5, 6, 120, dtype=torch.float64)


@pytest.mark.parametrize("x", [X, -X, X - 3], ids=["positive", "negative", "both signs"])
def test_every_function_has_values_on_the_rows(x):
    rows = CurveRows(x, x, None)
    for natural in NATURAL:
        if natural.holds(rows) and natural.domain != "all":
            for start in natural.starts(rows):
                assert bool(torch.isfinite(values(natural.tree(*start), [x])).all()), natural.name


def test_a_logarithm_of_negative_numbers_is_none():
    heads = {node[0] for tree in natural_functions(CurveRows(-X, X, None), ALL) for node in nodes(tree)}
    assert "log" not in heads


def test_only_functions_that_formulas_may_hold():
    allowed = frozenset({"add", "mul", "sub", "div", "inv", "sq", "pow"})
    heads = {node[0] for tree in natural_functions(CurveRows(X, X, None), allowed) for node in nodes(tree)}
    assert heads & OPERATIONS.keys() <= allowed
    assert all(tree[0] == "exp" for tree in functions_of_one_constant(X, frozenset({"exp"})))


LAWS = {
    "x/(x + K)": lambda x: 12 * x / (3.3 + x),
    "hill": lambda x: 6.5 * x**2.6 / (4**2.6 + x**2.6),
    "shifted power": lambda x: 0.6 * (x + 2.5) ** 1.5,
    "wave": lambda x: 2.3 * torch.sin(6 * x + 0.4) + 9,
    "damped": lambda x: 5 * torch.exp(-x / 2) * torch.sin(4 * x + 0.5),
    "wave and line": lambda x: 9 + 2 * torch.cos(3.7 * x) + 0.21 * x,
    "amplitude": lambda x: x * torch.sin(2.4 * x + 0.4),
    "resonance": lambda x: 3 / ((x - 2.5) ** 2 + 0.4),
    "step": lambda x: torch.tanh(3 * (x - 2)),
    "approach": lambda x: 4 * (1 - torch.exp(-x / 1.7)),
    "kink": lambda x: 2 + 0.5 * x - 1.4 * (x - 4.2).clamp(min=0),
    "flat, then a line": lambda x: 3 * (x - 2).clamp(min=0),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_a_law_is_found_in_the_first_stage(name):
    y = LAWS[name](X)
    noise = 0.02 * y.std() * torch.randn(120, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    best = min((curve for curve in curves(X, y + noise, stages=1) if curve), key=lambda curve: curve.bits)
    error = float((values(best.tree, [X]) - y).square().mean().sqrt())
    assert error < 5 * 0.02 * float(y.std()) / math.sqrt(len(X))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_hump_is_found_beside_a_factor_that_is_often_0(seed):
    """Of a part of a product: rows where the factor is nearly 0 are far off, and hardly count."""
    generator = torch.Generator().manual_seed(seed)
    x, phase = (10 * torch.rand(300, generator=generator, dtype=torch.float64) for _ in range(2))
    truth, factor = 3 * torch.exp(-((x - 1.2) ** 2) / 0.5) + 2, phase.sin()
    noisy = truth + 0.1 * torch.randn(300, generator=generator, dtype=torch.float64) / factor
    best = min((c for c in curves(x, noisy, factor.square(), stages=1) if c), key=lambda curve: curve.bits)
    assert float((values(best.tree, [x]) - truth).square().mean().sqrt()) < 0.07 * float(truth.std())


def test_the_first_stage_ends_with_it():
    assert sum(curve is None for curve in curves(X, X.sin(), stages=1)) < 20
