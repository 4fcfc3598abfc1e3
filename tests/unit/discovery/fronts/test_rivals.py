"""Rivals: what the rows can't tell from the best formula, and what is none."""

import math

import pytest
import torch

from kanwidget import Dataset, discover
from kanwidget.discovery.arguments import operations
from kanwidget.discovery.engine.trees import values
from kanwidget.discovery.fronts.finishing import finish
from kanwidget.discovery.fronts.front import Front
from kanwidget.discovery.fronts.rivals import Comparison, find_rivals
from kanwidget.discovery.fronts.table import tables

X = ("x", 0)


def with_constants(form):
    return ("add", ("mul", ("c", 1.0), form), ("c", 0.5))


SQUARE, CUBE, LINE = (with_constants(form) for form in (("sq", X), ("mul", X, ("sq", X)), X))


def noise(rows):
    return torch.randn(rows, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def fitted(tree, front):
    """a·f + b with the a and b of least squares, as a search gives it."""
    (_, (_, _, form), _), train = tree, front.table.train
    values_of_form = values(form, train.x.unbind(1))
    solution = torch.linalg.lstsq(torch.stack([values_of_form, torch.ones_like(train.y)], 1), train.y[:, None]).solution
    a, b = solution[:, 0].tolist()
    return ("add", ("mul", ("c", a), form), ("c", b))


def searched(near, *, low=0.8, high=1.2, sigma=0.1, first=SQUARE, rows=200, lib=None):
    """A front as a search for 1.3·x² + 0.2 leaves it, with rows of a range."""
    x = torch.linspace(low, high, rows, dtype=torch.float64)[:, None]
    (table,) = tables(Dataset(x, 1.3 * x[:, 0] ** 2 + 0.2 + sigma * noise(rows)), 0)
    front = Front(table, operations(lib), 40.0, robust=False)
    front.offer(fitted(first, front), "test")
    front.near = tuple(fitted(tree, front) for tree in near)
    list(finish(front, None, lambda: math.inf))
    return front


def rivals_of(front, seconds=math.inf):
    list(find_rivals(front, None, lambda: seconds))
    return [member.equation.text for member in front.rivals]


def test_a_narrow_range_lets_other_forms_stand():
    front = searched([SQUARE, CUBE, LINE])
    texts = [*rivals_of(front), front.best.equation.text]
    assert len(texts) == 3
    for part in ("x_1**2", "x_1**3", "x_1 "):
        assert sum(part in text for text in texts) == 1
    for member in front.rivals:
        assert member.equation.rmse_train == pytest.approx(front.best.equation.rmse_train, rel=0.05)
        assert 0 <= front.length(member) - front.length(front.best) <= 5


def test_a_wide_range_decides():
    assert rivals_of(searched([SQUARE, CUBE, LINE], low=-2, high=2)) == []


def test_another_writing_of_the_best_formula_is_none():
    product, power, exponential = (
        with_constants(form)
        for form in (("mul", X, X), ("pow", X, ("c", 2.0001)), ("exp", ("mul", ("n", 2), ("log", X))))
    )
    assert rivals_of(searched([SQUARE, product, power, exponential])) == []


def test_of_rivals_with_the_same_values_one_is_named():
    assert len(rivals_of(searched([SQUARE, CUBE, with_constants(("exp", ("mul", ("n", 3), ("log", X))))]))) == 1


def test_a_likelier_one_becomes_the_best_and_the_best_a_rival():
    front = searched([CUBE, SQUARE], first=CUBE)
    assert "x_1**3" in front.best.equation.text
    (text,) = rivals_of(front)
    assert "x_1**3" in text
    assert "x_1**2" in front.best.equation.text


def test_an_exact_formula_has_none():
    assert rivals_of(searched([SQUARE, CUBE], sigma=0.0)) == []


def test_without_time_there_are_none():
    assert rivals_of(searched([SQUARE, CUBE]), seconds=0.0) == []


def test_a_form_that_is_not_allowed_is_none():
    assert rivals_of(searched([SQUARE, CUBE])) != []
    sine = with_constants(("sin", X))
    assert rivals_of(searched([SQUARE, sine], lib=["x^2"])) == []


def test_formulas_part_where_one_has_no_value():
    # The noise is so large that values never differ, but the columns' range is widened to -0.3, where a root has none.
    front = searched([SQUARE], low=0.2, high=2.2, sigma=50)
    square, line, root = (
        front.member(fitted(with_constants(form), front), "test") for form in (("sq", X), X, ("sqrt", X))
    )
    comparison = Comparison(front)
    assert not comparison.part(square, line)
    assert comparison.part(square, root)


def test_a_discovery_names_its_rivals():
    x = torch.linspace(1, 2, 60, dtype=torch.float64)
    targets = torch.stack([1.3 * x**2 + 0.2 + 0.3 * torch.sin(1e3 * x), 3 * x], 1)
    discovery = discover(x, targets, steps=60, progress=False)
    first, second = (discovery[target] for target in discovery.targets)
    assert first.rivals == discovery.rivals != ()
    assert second.rivals == ()
    for rival in first.rivals:
        assert rival is not first.best
        assert any("also possible" in text and rival.text in text for text in discovery.findings)
        assert rival.text in repr(discovery)
