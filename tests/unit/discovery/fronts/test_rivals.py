"""Rivals: what the rows can't tell from the best formula, and what is none."""

import math

import pytest
import torch

from kanwidget import Dataset, discover
from kanwidget.discovery import steps
from kanwidget.discovery.arguments import operations
from kanwidget.discovery.engine.search import Report
from kanwidget.discovery.engine.trees import values
from kanwidget.discovery.fronts.finishing import Finishing
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
    list(Finishing(front, None, forever).members())
    front.trees = {fitted(tree, front): "test" for tree in near}
    return front


def forever():
    return math.inf


def rivals_of(front, seconds=math.inf):
    list(find_rivals(Finishing(front, None, lambda: seconds), front.trees))
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
    # The noise is so large that values never differ, but a root has none beyond 2.3.
    front = searched([SQUARE], low=0.2, high=2.2, sigma=50)
    square, line, root = (
        next(front.contenders({fitted(with_constants(form), front): "test"}))
        for form in (("sq", X), X, ("sqrt", ("sub", ("c", 2.3), X)))
    )
    comparison = Comparison(front)
    assert not comparison.is_new(square, [line])
    assert comparison.is_new(square, [root])


def test_a_column_that_is_never_negative_stays_so():
    front = searched([LINE, with_constants(("sqrt", X))], first=LINE, low=0.2, high=2.2, sigma=50)
    comparison = Comparison(front)
    line, root = front.contenders(front.trees)
    assert not comparison.is_new(line, [root])


def test_the_noise_grows_with_the_value_where_errors_do():
    x = torch.linspace(1, 2, 200, dtype=torch.float64)[:, None]
    y = 1e3 * x[:, 0] ** 12 * (1 + 0.02 * noise(200))
    (table,) = tables(Dataset(x, y), 0)
    front = Front(table, operations(None), 40.0, robust=False)
    power = ("mul", ("c", 1e3 / table.y_unit), ("pow", X, ("c", 12.0)))
    front.offer(power, "test")
    assert front.noise is not None
    assert front.has_relative_noise
    near, far = (("mul", ("c", factor * 1e3 / table.y_unit), ("pow", X, ("c", 12.0))) for factor in (1.002, 1.02))
    comparison, members = Comparison(front), list(front.contenders({near: "near", far: "far"}))
    assert [comparison.is_new(member, [front.best]) for member in members] == [
        member.equation.origin == "far" for member in members
    ]


def test_outliers_do_not_hide_rivals():
    def outliers(rows):
        values = 0.1 * noise(rows)
        values[::20] = 100.0
        return values

    x = torch.linspace(0.8, 1.2, 200, dtype=torch.float64)[:, None]
    (table,) = tables(Dataset(x, 1.3 * x[:, 0] ** 2 + 0.2 + outliers(200)), 0)
    front = Front(table, operations(None), 40.0, robust=True)
    front.offer(("add", ("mul", ("c", 1.3), ("sq", X)), ("c", 0.2)), "test")
    cube = ("add", ("mul", ("c", 0.87), ("mul", X, ("sq", X))), ("c", 0.63))
    (member,) = front.contenders({cube: "test"})
    assert Comparison(front).is_new(member, [front.best])


def test_columns_near_the_largest_number():
    x = 1e308 * torch.linspace(-1.7, 1.7, 200, dtype=torch.float64)
    y = 2 * (x / 1e308) ** 2 + 0.1 * noise(200)
    assert discover(x, y, steps=10, progress=False).stop_reason == "steps"


def test_exact_rows_with_noise_in_those_held_out():
    x = torch.linspace(1, 2, 60, dtype=torch.float64)[:, None]
    y = 1.3 * x**2 + 0.2
    data = Dataset(x, y, val_input=x, val_label=y + 0.1 * noise(60)[:, None])
    (table,) = tables(data, 0)
    front = Front(table, operations(None), 40.0, robust=False)
    front.offer(("add", ("mul", ("c", 1.3), ("sq", X)), ("c", 0.2)), "test")
    front.trees = {("add", ("mul", ("c", 1.3 * (1 + 1e-15)), ("mul", X, X)), ("c", 0.2)): "other"}
    assert rivals_of(front) == []


def test_rivals_keep_the_strategy_that_found_them():
    front = searched([CUBE, SQUARE], first=CUBE)
    front.trees = dict.fromkeys(front.trees, "cubes and squares")
    rivals_of(front)
    assert front.best.equation.origin == "cubes and squares"


def test_a_few_formulas_are_finished_at_most():
    front = searched([with_constants(("pow", X, ("n", power))) for power in range(3, 13)], sigma=1.0)
    assert len(list(find_rivals(Finishing(front, None, forever), front.trees))) <= 4
    assert len(front.rivals) <= 3


def test_the_last_fits_of_all_targets_come_before_rivals(monkeypatch):
    order = []
    monkeypatch.setattr(steps, "find_rivals", lambda finishing, trees: order.append("rivals") or iter(()))
    monkeypatch.setattr(Finishing, "members", lambda self: order.append("fits") or iter(()))
    x = torch.linspace(1, 2, 60, dtype=torch.float64)
    discover(x, torch.stack([x**2, 3 * x], 1), steps=4, progress=False)
    assert order == ["fits", "fits", "rivals", "rivals"]


def test_a_search_that_ends_with_a_formula_keeps_its_contenders(monkeypatch):
    def search(rows, limits):
        yield Report("trying", "squares", contenders=((CUBE, "cubes"),))
        yield Report("formula", "squares", SQUARE)
        raise AssertionError("the steps are over")

    asked = []
    monkeypatch.setattr(steps, "search", search)
    monkeypatch.setattr(steps, "find_rivals", lambda finishing, trees: asked.append(trees) or iter(()))
    x = torch.linspace(1, 2, 60, dtype=torch.float64)
    discover(x, 1.3 * x**2 + 0.2 + 0.1 * noise(60), steps=2, progress=False)
    assert asked == [{CUBE: "cubes"}]


@pytest.mark.slow
def test_a_discovery_names_its_rivals():
    x = torch.linspace(1, 2, 60, dtype=torch.float64)
    targets = torch.stack([1.3 * x**2 + 0.2 + 0.2 * noise(60), 3 * x], 1)
    discovery = discover(x, targets, steps=200, progress=False)
    first, second = (discovery[target] for target in discovery.targets)
    assert first.rivals == discovery.rivals != ()
    assert second.rivals == ()
    for rival in first.rivals:
        assert rival is not first.best
        assert any("also possible" in text and rival.text in text for text in discovery.rival_sentences)
        assert rival.text in repr(discovery)
