"""Reductions: structure that exact derivatives show, and the smaller tables that follow."""

import pytest
import torch

from kanwidget.discovery.engine.reductions import Reduction, reductions, sample_of
from kanwidget.discovery.engine.surrogates import Surrogate
from kanwidget.discovery.engine.table import EngineTable
from tests.support.engine import EVERYTHING, X, Y, Z, table_of, uniform

NAMES = ("a", "b", "c")
RANGES = (0.5, 2), (0.6, 2.2), (0.7, 3)
#: y, and the columns of the smallest table that has the same y.
PLANTED = {
    "power": (lambda a, b, c: a**2 * (torch.sin(b) * c + c**2 + b), 2),
    "inverse root": (lambda a, b, c: a**-0.5 * (torch.sin(b) * c + c**2 + b), 2),
    "irrelevant": (lambda a, b, c: 0 * a + torch.exp(b) * c + c**3 + b, 2),
    "product": (lambda a, b, c: torch.sin(a * b) + c**2 * a * b + c, 2),
    "ratio": (lambda a, b, c: torch.sin(a / b) + c**2 * a / b + c, 2),
    "power times ratio": (lambda a, b, c: b**2 * (torch.sin(a / b) + c**2 * a / b + c), 2),
    "square": (lambda a, b, c: torch.exp(-(a**2) / b / 3) + c**2 * a**2 / b + c, 2),
    "difference": (lambda a, b, c: torch.exp(a - b) + c**2 * (a - b) ** 3 + c, 2),
    "sum": (lambda a, b, c: torch.exp(a + b) * c + (a + b) * c**2, 2),
    "weighted sum": (lambda a, b, c: torch.exp(a + 0.3 * b) * c + (a + 0.3 * b) * c**2, 2),
    "product with an offset": (lambda a, b, c: torch.sin(a * (b + 0.4)) + c**2 * a * (b + 0.4) + c, 2),
    "quotient with an offset": (lambda a, b, c: torch.exp(-a / (b + 0.7)) + c**2 * a / (b + 0.7) + c, 2),
    "several": (lambda a, b, c: a**3 * torch.exp(-b * c) * (1 + b * c), 1),
}


def surrogate_of(law, *ranges, rows=120, error=1e-9):
    """Values and exact derivatives of a law."""
    x = uniform(rows, *ranges).T.contiguous().requires_grad_()
    y = law(*x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    return Surrogate(x.detach(), y.detach(), gradient, error)


def table_of_surrogate(surrogate):
    return EngineTable(surrogate.x.T.contiguous(), surrogate.value, None, EVERYTHING)


def suggested(surrogate, names):
    """The reductions of a surrogate; none where too few of its rows say something."""
    sample = sample_of(surrogate)
    return [] if sample is None else reductions(sample, names)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_structure_is_found(name):
    law, count = PLANTED[name]
    found = suggested(surrogate_of(law, *RANGES), NAMES)
    assert len(found[0].columns) == count
    assert all(reduction.text for reduction in found)


@pytest.mark.parametrize("name", PLANTED)
def test_the_new_target_is_a_function_of_the_new_columns(name):
    """At rows moved along the level lines of the new columns the new target stays."""
    law, _ = PLANTED[name]
    surrogate = surrogate_of(law, *RANGES)
    whole = table_of_surrogate(surrogate)
    for reduction in suggested(surrogate, NAMES):
        small = reduction.table(whole)
        x = surrogate.x.clone().requires_grad_()
        (g,) = torch.autograd.grad((law(*x) / _values(reduction.factor, x)).sum(), x)
        columns = [torch.autograd.grad(_values(tree, x).sum(), x)[0] for tree in reduction.columns]
        basis = torch.linalg.qr(torch.stack(columns, 2).permute(1, 0, 2))[0]
        off = g.T - (basis @ (basis.mT @ g.T[:, :, None]))[:, :, 0]
        assert float(off.norm() / g.norm()) < 1e-6
        assert len(small.columns) == len(reduction.columns)


def _values(tree, x):
    from kanwidget.discovery.engine.trees import values

    return values(tree, x.unbind())


@pytest.mark.parametrize(
    "law",
    [
        lambda a, b, c: torch.exp(a * b + b * c) + torch.sin(c) * a + a**2,
        lambda a, b, c: (a + 2 * b**2 + 3 * c**3) ** 2 + a * torch.exp(c),
        lambda a, b, c: torch.log(a + b * c + torch.exp(a * c)) + a * b,
    ],
)
def test_a_function_without_structure_has_no_reduction(law):
    assert suggested(surrogate_of(law, *RANGES), NAMES) == []


def test_a_product_of_powers_has_nothing_left():
    assert suggested(surrogate_of(lambda a, b: a**2 / b, *RANGES[:2]), NAMES[:2]) == []


def test_verdicts_are_in_units_of_the_error():
    def law(a, b):
        return a**2 * (b + torch.sin(3 * b)) + 0.003 * a

    exact, rough = (suggested(surrogate_of(law, *RANGES[:2], error=e), NAMES) for e in (1e-9, 3e-4))
    assert exact == []
    assert rough[0].columns == (Y,)


def test_few_rows_say_nothing():
    assert suggested(surrogate_of(PLANTED["power"][0], *RANGES, rows=15), NAMES) == []


def test_words_name_the_columns():
    (found, *_) = suggested(surrogate_of(PLANTED["power"][0], *RANGES), ("mass", "length", "time"))
    assert found.text == "it is proportional to mass^2"
    assert found.names(("mass", "length", "time")) == ["length", "time"]
    (found, *_) = suggested(surrogate_of(PLANTED["irrelevant"][0], *RANGES), NAMES)
    assert found.text == "a doesn't matter"
    (found, *_) = suggested(surrogate_of(PLANTED["difference"][0], *RANGES), NAMES)
    assert found.text == "it depends on a and b through a - b"
    assert found.names(NAMES) == ["a - b", "c"]


def test_words_hold_no_numbers_of_the_units_that_columns_have_inside():
    (found, *_) = suggested(surrogate_of(PLANTED["product with an offset"][0], *RANGES), NAMES)
    assert found.text == "it depends on a and b through a*(b + constant)"


def test_constants_that_are_nearly_the_same_lead_to_the_same_table():
    def key(offset):
        return Reduction((("mul", X, ("add", Y, ("c", offset))), Z), ("n", 1), "").key

    assert key(0.4) == key(0.4003)
    assert key(0.4) != key(0.5)


def test_formulas_go_back_to_the_columns():
    reduction = Reduction((("div", X, Y), Z), ("sq", Y), "")
    # Powers of columns cancel: y²·(x/y + exp(z)) is y·(x + y·exp(z)).
    assert reduction.outside(("add", X, ("exp", Y))) == ("mul", Y, ("add", X, ("mul", Y, ("exp", Z))))
    whole = table_of(lambda a, b, c: b**2 * (a / b + torch.exp(c)), *RANGES)
    small = reduction.table(whole)
    torch.testing.assert_close(small.values(("add", X, ("exp", Y))), small.y)
    torch.testing.assert_close(whole.values(reduction.outside(("add", X, ("exp", Y)))), whole.y)


def test_errors_count_in_the_smaller_table_as_in_the_whole():
    reduction = Reduction((X,), Y, "")
    whole = table_of(lambda a, b: b * a, *RANGES[:2])
    small = reduction.table(whole)
    torch.testing.assert_close(small.weights / small.weights[0], (whole.columns[1] / whole.columns[1, 0]) ** 2)


def test_a_reduction_without_values_has_no_table():
    whole = table_of(lambda a, b: a + b, (-1, 1), (1, 2))
    assert Reduction((("log", X), Y), ("n", 1), "").table(whole) is None
    assert Reduction((Y,), ("add", X, Y), "").table(whole) is None  # nothing is left to explain
