"""From a formula to a network and back: the same formula, by numbers and by sympy."""

import random

import numpy as np
import pytest
import sympy
import torch
from sympy import Rational, Symbol, besselj, cos, exp, log, nsimplify, pi, sin, sqrt, tanh

from kanwidget import KAN

x, y, z = Symbol("x"), Symbol("y"), Symbol("z")
x0, x1, x2, x3, x4 = (Symbol(f"x{i}") for i in range(5))

#: What the tutorials of pykan fit or compile.
TUTORIALS = {
    "first tutorial": exp(sin(pi * x1) + x2**2),
    "deep formula": exp((sin(pi * (x1**2 + x2**2)) + sin(pi * (x3**2 + x4**2))) / 2),
    "special function": exp(besselj(0, 20 * x) + y**2),
    "poisson": sin(pi * x) * sin(pi * y),
    "singularity": sin(2 * (log(x) + log(y))),
    "root": sqrt(x**2 + y**2),
    "relativity addition": (x + y) / (1 + x * y),
    "linear": sin(pi * x),
    "product": x * y,
    "attribution": x0**2 + Rational(3, 10) * x1 + x2**3 / 10,
    "auxiliary variables": x / sqrt(1 - y**2 / (z + 1) ** 2),
    "conserved energy": (x1**2 + x2**2) / 2,
    "angular momentum": x1 * x4 - x2 * x3,
    "relativistic mass": 1 - sqrt(1 - x**2),
    "gaussian peaks": sum(exp(-300 * (x - Rational(2 * i + 1, 10)) ** 2) for i in range(5)),
    "feynman 36": y * cos(z) / (4 * pi * x**2),
}
UNARY = [sin, cos, tanh, exp, lambda e: e**2, lambda e: 1 / (2 + e**2), lambda e: sqrt(3 + e**2)]


def tree(dice, depth):
    """A random expression of three variables, with rational constants that composing keeps rational."""
    if depth == 0 or dice.random() < 0.15:
        return dice.choice([x, y, z])
    kind = dice.randrange(3)
    inner = tree(dice, depth - 1)
    if kind == 0:
        outer = dice.choice(UNARY)
        shift = 0 if outer is exp else dice.choice([0, 1, Rational(1, 2)])
        return outer(Rational(dice.choice([-2, -1, 1, 2]), 3) * inner + shift)
    other = tree(dice, depth - 1)
    return (
        inner * other if kind == 1 else dice.choice([-2, 1, 3]) * inner + dice.choice([-1, 1, Rational(1, 2)]) * other
    )


def there_and_back(formula):
    """The variables, the network and the formula that it tells."""
    names = sorted(formula.free_symbols, key=str)
    model = KAN.from_formula(formula)
    (found,), _ = model.symbolic_formula([symbol.name for symbol in names])
    return names, model, found


def compare(formula, found, names, model):
    points = np.random.default_rng(0).uniform(0.2, 0.9, (30, len(names)))
    wanted, told = (
        np.broadcast_to(sympy.lambdify(names, one, ["scipy", "numpy"])(*points.T), 30) for one in (formula, found)
    )
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(told, wanted, rtol=1e-12, atol=1e-12 * scale)
    computed = model(torch.from_numpy(points)).detach().numpy()[:, 0]
    np.testing.assert_allclose(computed, wanted, rtol=1e-12, atol=1e-12 * scale)


@pytest.mark.parametrize("name", TUTORIALS)
def test_formulas_of_the_tutorials(name):
    formula = TUTORIALS[name]
    names, model, found = there_and_back(formula)
    compare(formula, found, names, model)


@pytest.mark.parametrize("seed", range(30))
def test_random_formulas(seed):
    """sympy agrees too, once decimals are the fractions that they stand for."""
    formula = tree(random.Random(seed), 3)
    names, model, found = there_and_back(formula)
    compare(formula, found, names, model)
    assert (formula - nsimplify(found, rational=True, tolerance=1e-12)).equals(0)
