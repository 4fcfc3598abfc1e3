"""Tapes: values and derivatives of trees, and the starts of their constants."""

import pytest
import torch
from hypothesis import assume, given, settings

from kanwidget.discovery.engine.curves.atoms import draw_starts
from kanwidget.discovery.engine.curves.forms import atoms_with_constants
from kanwidget.discovery.engine.fitting.tapes import Tape
from kanwidget.discovery.engine.trees import constants, nodes, values, with_constants
from tests.support.engine import EVERYTHING, random_trees


def columns(rows=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 0.2 + 0.6 * torch.rand(2, rows, generator=generator, dtype=torch.float64)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(random_trees())
def test_values_are_those_of_the_tree_and_derivatives_those_of_autograd(tree):
    x, tape = columns(), Tape(tree)
    numbers = torch.tensor([constants(tree), [0.9 * c for c in constants(tree)]], dtype=torch.float64).requires_grad_()
    inner, factors = (numbers[:, index, None].unbind(1) for index in (tape.inner, tape.factors))
    results = tape.with_factors(tape.values(tape.fixed(x), inner), factors)
    expected = [values(with_constants(tree, row.tolist()), list(x)) for row in numbers]
    torch.testing.assert_close(
        torch.as_tensor(results[-1]).expand(2, 5).detach(), torch.stack(expected), equal_nan=True, rtol=1e-10, atol=0
    )
    for orders, slopes in ((tape.inner, tape.slopes(results)), (tape.factors, tape.terms(results))):
        for order, slope in zip(orders, slopes, strict=True):
            for row in range(5):
                total = results[-1].expand(2, 5)[:, row].sum()
                (exact,) = torch.autograd.grad(total, numbers, retain_graph=True)
                computed = torch.as_tensor(slope, dtype=torch.float64).expand(2, 5)[:, row].detach()
                regular = exact[:, order].isfinite() & computed.isfinite()
                torch.testing.assert_close(computed[regular], exact[regular, order], rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    ("tree", "factors"),
    [
        (("sub", ("c", 1.0), ("mul", ("c", 1.0), ("exp", ("mul", ("c", 1.0), ("x", 0))))), [0, 1]),
        (("mul", ("exp", ("c", 1.0)), ("add", ("c", 1.0), ("mul", ("x", 0), ("c", 1.0)))), [1, 2]),
        (("div", ("add", ("c", 1.0), ("x", 0)), ("add", ("c", 1.0), ("x", 0))), [0]),
        (("neg", ("mul", ("c", 1.0), ("c", 1.0))), [0]),
        (("sq", ("c", 1.0)), []),
    ],
)
def test_factors_are_the_constants_in_which_a_tree_is_linear(tree, factors):
    assert Tape(tree).factors == factors


@settings(max_examples=100, deadline=None)
@given(random_trees())
def test_the_terms_add_up_to_the_tree(tree):
    x, tape = columns(), Tape(tree)
    numbers = torch.tensor(constants(tree), dtype=torch.float64)
    results = tape.values(tape.fixed(x), numbers[tape.inner].unbind())
    total = torch.as_tensor(results[-1]).expand(5)
    for factor, term in zip(numbers[tape.factors], tape.terms(results), strict=True):
        total = total + factor * term
    whole = values(tree, list(x))
    defined = torch.isfinite(whole)
    assume(bool(defined.any()))  # 0.7/(x - x) is no sum
    torch.testing.assert_close(total[defined], whole[defined], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("size", [1e-20, 1e-7, 1.0, 1e9, 1e20])
def test_starts_follow_the_units_of_a_column(size):
    x = torch.linspace(0.5, 3, 40, dtype=torch.float64)[None]
    c, leaf = ("c", 1.0), ("x", 0)
    tree = ("add", ("exp", ("mul", c, leaf)), ("log", ("add", leaf, c)))
    small = draw_starts(tree, [x], 32, torch.Generator().manual_seed(1))
    large = draw_starts(tree, [x * size], 32, torch.Generator().manual_seed(1))
    torch.testing.assert_close(large * torch.tensor([size, 1 / size], dtype=torch.float64), small, rtol=1e-9, atol=0)


def test_starts_have_one_number_a_constant_in_the_order_of_nodes():
    for tree in atoms_with_constants(EVERYTHING):
        # No number is drawn for these: none of the trees has one.
        assert not any(node[0] == "pow" and node[1][0] == "c" for node in nodes(tree))
        assert not any(node[0] == "div" and node[2][0] == "c" for node in nodes(tree))
        starts = draw_starts(tree, [columns()[:1]], 6, torch.Generator().manual_seed(0))
        assert starts.shape == (6, len(constants(tree)))
