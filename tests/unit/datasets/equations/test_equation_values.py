"""Values of the formulas: against the physics written a second time, sympy's reading of the text, and networks made of it."""

import numpy as np
import pytest
import sympy
import torch

from kanwidget import KAN
from kanwidget.datasets import dimensionless_equations, feynman_equations
from tests.unit.datasets.equations.lectures_physics import LECTURES
from tests.unit.datasets.equations.other_physics import DIMENSIONLESS, OTHERS

FEYNMAN = LECTURES | OTHERS
EQUATIONS = [
    *(pytest.param(equation, FEYNMAN, id=f"feynman {equation.name}") for equation in feynman_equations()),
    *(
        pytest.param(equation, DIMENSIONLESS, id=f"dimensionless {equation.name}")
        for equation in dimensionless_equations()
    ),
]
ROWS = 10_000


def rows_of(equation, count=ROWS):
    return equation.dataset(count, 0, seed=equation.number)


def expression_of(equation):
    symbols = {name: sympy.Symbol(name, real=True) for name in equation.variables}
    return sympy.sympify(equation.formula, symbols), list(symbols.values())


def test_each_equation_is_written_twice():
    assert list(FEYNMAN) == [equation.name for equation in feynman_equations()]
    assert list(DIMENSIONLESS) == [equation.name for equation in dimensionless_equations()]


@pytest.mark.parametrize(("equation", "physics"), EQUATIONS)
def test_values_are_those_of_the_physics(equation, physics):
    data = rows_of(equation)
    expected = physics[equation.name](*data.train_input.numpy().T)
    value = data.train_label[:, 0].numpy()
    assert np.isfinite(value).all()
    assert np.isfinite(expected).all()
    assert value.std() > 0
    np.testing.assert_allclose(value, expected, rtol=1e-9, atol=1e-12 * value.std())


@pytest.mark.parametrize(("equation", "physics"), EQUATIONS)
def test_sympy_reads_the_text_alike(equation, physics):
    expression, symbols = expression_of(equation)
    assert expression.free_symbols == set(symbols)  # each variable counts
    data = rows_of(equation, 50)
    value = sympy.lambdify(symbols, expression, "numpy")(*data.train_input.numpy().T)
    np.testing.assert_allclose(data.train_label[:, 0].numpy(), value, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("equation", "physics"), EQUATIONS)
def test_a_network_of_the_formula_has_its_values(equation, physics):
    expression, symbols = expression_of(equation)
    data = rows_of(equation, 50)
    model = KAN.from_formula(expression, symbols)
    torch.testing.assert_close(model(data.train_input), data.train_label, rtol=1e-11, atol=1e-12)
