"""Constants of trees: against scipy, on exact and noisy data, at all sizes of the columns, in batches."""

import numpy as np
import pytest
import scipy.optimize
import torch

from kanwidget.discovery.engine.fitting.refits import fit_tree, least_errors
from kanwidget.discovery.engine.trees import constants, values, with_constants

C, X = ("c", 1.0), ("x", 0)
LINE = ("mul", C, X)
DECAY = ("mul", C, ("exp", LINE))
CASES = {
    "decay": (("add", C, DECAY), [0.5, 2.0, -0.7]),
    "damped": (("mul", DECAY, ("sin", ("add", LINE, C))), [2.0, -0.7, 5.0, 1.0]),
    "two decays": (("add", DECAY, DECAY), [2.0, -0.7, -3.0, -2.2]),
    "rational": (("div", ("add", C, LINE), ("add", ("add", ("n", 1), LINE), ("mul", C, ("sq", X)))), [2, 3, 0.5, 0.2]),
    "saturation": (("mul", C, ("inv", ("add", ("n", 1), ("pow", ("mul", C, X), C)))), [5.0, 0.6, 2.7]),
    "activation": (("mul", C, ("exp", ("div", C, ("add", X, C)))), [5.0, -8.0, 3.0]),
    "pulse": (("mul", C, ("exp", ("mul", C, ("sq", ("add", X, C))))), [5.0, -3.0, -2.0]),
    "quotient": (("div", C, ("sub", ("exp", ("div", C, X)), ("n", 1))), [5.0, 2.5]),
}
NAMES = list(CASES)


def rows(count=300, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.1 + 4 * torch.rand(1, count, generator=generator, dtype=torch.float64)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("name", NAMES)
def test_exact_data_are_fitted_to_round_off(name):
    tree, numbers = CASES[name]
    x = rows()
    y = values(with_constants(tree, numbers), list(x))
    fitted, sse = fit_tree(with_constants(tree, [1.03 * number for number in numbers]), x, y)
    assert (sse / float(y.square().sum())) ** 0.5 < 1e-12
    torch.testing.assert_close(values(fitted, list(x)), y, rtol=1e-9, atol=1e-12)


def test_the_errors_of_many_starts_are_those_of_fits_without_a_step():
    """Starts of several forms, mixed; in one the values aren't finite, one has no factor."""
    x = rows()
    y = 2 + values(with_constants(*CASES["decay"]), list(x)) + 0.1 * torch.sin(9 * x[0])
    weights = 0.5 + torch.rand(len(y), generator=seeded(4), dtype=torch.float64)
    trees = [
        with_constants(tree, [part * number for number in numbers])
        for part in (0.5, 1.0, 1.7)
        for tree, numbers in CASES.values()
    ]
    trees += [("exp", ("pow", C, ("n", 2))), ("mul", C, ("exp", ("mul", ("c", 1e6), X)))]
    expected = [fit_tree(tree, x, y, weights, steps=0)[1] for tree in trees]
    assert least_errors(trees, x, y, weights) == pytest.approx(expected, rel=1e-9)
    assert expected[-1] == float("inf") > max(expected[:-1])
    assert least_errors(trees[:3], x, y) == pytest.approx([fit_tree(t, x, y, steps=0)[1] for t in trees[:3]], rel=1e-9)
    assert least_errors([], x, y) == []


@pytest.mark.parametrize("name", NAMES)
def test_noisy_data_come_to_the_minimum_of_scipy(name):
    tree, numbers = CASES[name]
    x = rows()
    y = values(with_constants(tree, numbers), list(x))
    y = y + 0.02 * y.std() * torch.randn(len(y[:]), generator=seeded(3), dtype=torch.float64)
    weights = 0.5 + torch.rand(len(y), generator=seeded(4), dtype=torch.float64)

    def residuals(free):
        return ((values(with_constants(tree, free), list(x)) - y) * weights.sqrt()).numpy()

    oracle = scipy.optimize.least_squares(residuals, numbers, x_scale="jac", xtol=1e-14, ftol=1e-14, gtol=1e-14)
    fitted, sse = fit_tree(with_constants(tree, [1.03 * number for number in numbers]), x, y, weights)
    assert sse == pytest.approx(2 * oracle.cost, rel=1e-7)
    np.testing.assert_allclose(constants(fitted), oracle.x, rtol=2e-3)


def test_linear_constants_are_those_of_lstsq():
    x = rows(50)
    y = torch.randn(50, generator=seeded(), dtype=torch.float64)
    tree = ("sub", ("add", C, LINE), ("mul", C, ("sq", X)))
    matrix = torch.stack([torch.ones(50, dtype=torch.float64), x[0], -(x[0] ** 2)], 1)
    expected = torch.linalg.lstsq(matrix, y[:, None]).solution[:, 0]
    torch.testing.assert_close(torch.tensor(constants(fit_tree(tree, x, y)[0]), dtype=torch.float64), expected)


def test_exact_data_are_fitted_to_round_off_where_normal_equations_have_too_few_digits():
    """y = a·b/√(b + 0.21) - … written with two inner constants, each a little off."""
    generator = seeded()
    a, b = 0.5 + 1.5 * torch.rand(2, 100, generator=generator, dtype=torch.float64)
    root = ("sqrt", ("add", C, X))
    tree = (
        "div",
        ("add", ("sub", ("mul", C, ("mul", X, ("x", 1))), ("mul", C, ("mul", X, root))), ("mul", C, ("x", 1))),
        root,
    )
    start = with_constants(tree, [1.0, 1.0, 0.20995, 0.21, 0.20995])
    _, sse = fit_tree(start, torch.stack([a, b]), b * (a + 0.21).sqrt() - a)
    assert (sse / float((b * (a + 0.21).sqrt() - a).square().sum())) ** 0.5 < 1e-14


def test_columns_that_nearly_agree_are_still_fitted():
    x = 1000 + rows(200)
    tree = ("add", ("add", C, LINE), ("mul", C, ("sq", X)))
    y = values(with_constants(tree, [3.0, 2.0, 0.5]), list(x))
    _, sse = fit_tree(tree, x, y)
    assert (sse / float(y.square().sum())) ** 0.5 < 1e-12


def test_a_term_without_a_factor_and_one_without_constants():
    x = rows()
    tree = ("add", ("exp", LINE), ("sq", X))
    y = values(with_constants(tree, [0.4]), list(x))
    assert constants(fit_tree(with_constants(tree, [0.5]), x, y)[0]) == [pytest.approx(0.4)]
    assert fit_tree(("sq", X), x, x[0] ** 2) == (("sq", X), 0.0)


def test_values_that_are_not_finite_end_a_start_but_not_the_fit():
    x = rows() - 2
    hopeless = ("mul", C, ("log", ("sub", X, ("n", 100))))
    assert fit_tree(hopeless, x, x[0]) == (hopeless, float("inf"))


def test_a_constant_without_effect_does_no_harm():
    x = rows()
    tree = ("mul", C, ("exp", ("mul", C, ("sub", X, X))))
    assert fit_tree(tree, x, torch.full_like(x[0], 7.0))[1] < 1e-20
