"""The figures that the documentation promises, with margins: the cost of a changed default shows here."""

import functools

import pytest
import sympy
import torch

from kanwidget import KAN, create_dataset
from kanwidget.symbolic import snap_constants

X, Y = sympy.symbols("x y")


@functools.cache
def data():
    return create_dataset(lambda p: torch.exp(torch.sin(torch.pi * p[:, [0]]) + p[:, [1]] ** 2), n_var=2)


@functools.cache
def sparse(seed):
    """Too large a network, trained with a penalty and pruned: the first steps of the first tutorial."""
    model = KAN([2, 5, 1], seed=seed)
    model.fit(data(), steps=50, lamb=1e-3, progress=False)
    return model.prune()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_network_of_the_right_shape_learns_from_every_start(seed):
    assert KAN([2, 1, 1], seed=seed).fit(data(), steps=50, progress=False).last.test_loss < 2.5e-2


@pytest.mark.slow
def test_pruning_finds_the_shape():
    widths = [sparse(seed).width for seed in range(10)]
    assert sum(width == [[2, 0], [1, 0], [1, 0]] for width in widths) >= 9


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_the_first_tutorial_ends_in_the_exact_formula(seed):
    model = sparse(seed).refine(10)
    model.fit(data(), steps=20, progress=False)
    assert [fit.name for _, fit in model.auto_symbolic()] == ["sin", "x^2", "exp"]
    assert model.fit(data(), steps=20, progress=False).last.test_loss < 1e-12
    formula = snap_constants(model.formula([X, Y]), [X, Y], data().train_input, data().train_label)
    assert formula == sympy.exp(sympy.sin(sympy.pi * X) + Y**2)
