"""The front of a target: its rows in the engine's units, the formulas that stay, and their last constants."""

import math

import pytest
import sympy
import torch

from kanwidget import Dataset
from kanwidget.discovery.arguments import operations
from kanwidget.discovery.fronts import finishing
from kanwidget.discovery.fronts.finishing import Finishing
from kanwidget.discovery.fronts.front import Front
from kanwidget.discovery.fronts.robust import row_weights
from kanwidget.discovery.fronts.table import simple_trees, tables
from kanwidget.formulas import equivalent
from kanwidget.symbolic.formulas.regression.problem import Problem
from tests.support.networks import uniform

SINE = ("mul", ("c", 2.0), ("sin", ("mul", ("c", 1.01), ("x", 0))))


def noise(rows):
    return torch.randn(rows, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def front_of(x, y, **options):
    (table,) = tables(Dataset(x, y, **options), 0)
    return Front(table, operations(None), 40.0, robust=False)


def forever():
    return math.inf


def test_a_fifth_is_held_out_from_50_rows_on():
    (few,) = tables(Dataset(uniform(49, 1), uniform(49, 1)), 0)
    assert few.held_out is None
    (many,) = tables(Dataset(uniform(50, 1), uniform(50, 1)), 0)
    assert (len(many.train.y), len(many.held_out.y), len(many.every.y)) == (40, 10, 50)
    other = tables(Dataset(uniform(50, 1), uniform(50, 1)), 1)[0]
    assert not torch.equal(many.held_out.y, other.held_out.y)


def test_validation_rows_are_those_held_out():
    data = Dataset(uniform(80, 1), uniform(80, 1), val_input=uniform(9, 1, seed=1), val_label=uniform(9, 1, seed=2))
    (table,) = tables(data, 0)
    assert (len(table.train.y), len(table.held_out.y)) == (80, 9)


def test_large_tables_are_searched_with_a_sample():
    (table,) = tables(Dataset(uniform(20_000, 1), uniform(20_000, 1)), 0)
    assert len(table.rows().x) == 5000
    assert len(table.every.y) == 20_000


def test_trees_are_written_in_the_units_of_the_table():
    (table,) = tables(Dataset(1e9 * (uniform(20, 1) + 2), 1e-9 * (uniform(20, 1) + 2)), 0)
    x = sympy.Symbol("x_1")
    assert table.units == (1e9,)
    expression = table.expression(("add", ("mul", ("c", 3.0), ("sq", ("x", 0))), ("c", 1.0)))
    assert float(expression.subs(x, 2e9) / table.y_unit) == pytest.approx(13.0)
    assert table.expression(("inv", ("sub", ("x", 0), ("x", 0)))) is None


def test_a_power_of_an_exponential_is_one():
    (table,) = tables(Dataset(uniform(20, 1), uniform(20, 1)), 0)
    x = sympy.Symbol("x_1")
    assert table.expression(("pow", ("exp", ("x", 0)), ("c", 0.25))) == sympy.exp(0.25 * x)
    assert table.expression(("mul", ("c", 2.5), ("exp", ("x", 0)))) == 2.5 * sympy.exp(x)


@pytest.mark.parametrize("size", [9000.0, -9000.0])
def test_a_formula_whose_constants_are_no_doubles_stays_out(size):
    x = 1 + 1e-4 * uniform(60, 1)
    y = (size * (x - 1)).exp()
    tree = ("exp", ("add", ("c", -size), ("mul", ("c", size), ("x", 0))))  # sympy: exp(-9000)·exp(9000·x)
    front = front_of(x, y)
    assert front.offer(tree, "mine") is None
    assert front.offer(("exp", ("mul", ("c", size), ("sub", ("x", 0), ("n", 1)))), "mine") is None
    assert front.offer(("exp", ("x", 0)), "mine") is not None


def test_formulas_stay_if_no_simpler_one_equals_them():
    x = uniform(60, 1)
    front = front_of(x, 2 * x.sin())
    for tree in simple_trees(front.table):
        front.offer(tree, "simple")
    assert front.offer(("mul", ("c", 2.0), ("sin", ("x", 0))), "mine").origin == "mine"
    assert front.exact.equation.origin == "mine"
    assert front.offer(("add", ("mul", ("c", 2.0), ("sin", ("x", 0))), ("c", 0.0)), "longer") is None
    assert front.offer(("log", ("x", 0)), "undefined") is None
    assert [equation.text for equation in front.equations][-1] == "2*sin(x_1)"


def test_the_limit_of_complexity_applies_in_the_end():
    x = uniform(60, 1)
    (table,) = tables(Dataset(x, 2 * x.sin()), 0)
    front = Front(table, operations(None), 5.0, robust=False)
    front.offer(("c", 1.0), "simple")
    longer = ("add", ("mul", ("c", 2.0), ("sin", ("mul", ("c", 1.0), ("x", 0)))), ("c", 1e-14))
    assert front.offer(longer, "mine") is None
    assert front.exact is None
    assert [member.complexity for member in front.members] == [1.0]
    list(Finishing(front, None, forever).members())
    assert front.exact is front.best
    assert front.best.equation.text == "2*sin(x_1)"


def test_a_longer_formula_that_the_rows_speak_against_leaves():
    x = uniform(30, 1)
    y = 2 * x.sin() + 0.3 * noise(30)[:, None]
    front = front_of(x, y)
    front.offer(("mul", ("c", 2.0), ("sin", ("x", 0))), "mine")
    wiggles = ("mul", ("c", 0.05), ("cos", ("mul", ("c", 90.0), ("sq", ("x", 0)))))
    longer = ("add", ("mul", ("c", 2.0), ("sin", ("x", 0))), wiggles)
    front.offer(longer, "longer")
    assert [equation.text for equation in front.equations][-1] == "2.00*sin(x_1)"


def test_another_quantity_is_no_formula():
    x = uniform(60, 2)
    front = front_of(x, x[:, :1] + 0.5 * x[:, 1:])
    assert front.offer(("x", 0), "mine") is None
    assert front_of(x, x[:, :1]).offer(("x", 0), "mine") is not None


@pytest.mark.slow
def test_exact_numbers_only_where_the_rows_agree():
    x = uniform(200, 1) * 3
    front = front_of(x, 2 * x.sin() + 0.05 * noise(200)[:, None])
    front.offer(SINE, "mine")
    finished = list(Finishing(front, None, forever).members())
    assert finished[-1].equation.text == "2*sin(x_1)"
    other = front_of(x, 2 * (1.02 * x).sin() + 0.002 * noise(200)[:, None])
    other.offer(SINE, "mine")
    finished = list(Finishing(other, None, forever).members())
    assert "1.0199" in finished[-1].equation.text


def test_constants_are_fitted_to_all_rows_and_errors_to_those_held_out():
    x = uniform(100, 1) + 2
    y = 1.2345 * x + 0.3 * noise(100)[:, None]
    front = front_of(x, y)
    front.offer(("mul", ("c", 1.2), ("x", 0)), "mine")
    (finished,) = Finishing(front, None, forever).members()
    slope = float((x * y).sum() / (x * x).sum())
    assert next(iter(finished.equation.constants.values()))[0] == pytest.approx(slope)
    train, held = front.table.train, front.table.held_out
    unseen = held.y - float((train.x[:, 0] * train.y).sum() / train.x.square().sum()) * held.x[:, 0]
    assert finished.equation.rmse_test == pytest.approx(float(unseen.square().mean().sqrt()))


def test_no_time_is_no_change():
    x = uniform(60, 1)
    front = front_of(x, x.exp())
    equation = front.offer(("mul", ("c", 1.1), ("exp", ("x", 0))), "mine")
    assert list(Finishing(front, None, lambda: 0.0).members()) == []
    assert front.equations == (equation,)


def test_no_fit_is_begun_that_would_take_longer_than_what_is_left(monkeypatch):
    x = uniform(60, 1)
    front = front_of(x, 3 * x + 0.1 * x**2)
    line = ("mul", ("c", 3.0), ("x", 0))
    front.offer(line, "mine")
    front.offer(("add", line, ("mul", ("c", 0.1), ("sq", ("x", 0)))), "mine")
    assert len(front.by_length) == 2
    left = [10.0]

    def within(end, work):
        left[0] -= 6.0

    monkeypatch.setattr(finishing, "within", within)
    assert list(Finishing(front, None, lambda: left[0]).members()) == []
    assert left == [4.0]  # the second would take 6, too


def test_last_fits_that_take_too_long_are_broken_off(monkeypatch):
    x = uniform(60, 1)
    front = front_of(x, x.exp())
    equation = front.offer(("mul", ("c", 1.1), ("exp", ("x", 0))), "mine")
    monkeypatch.setattr(finishing, "_GRACE", -1e6)
    monkeypatch.setattr(Problem, "fit", lambda *_: pytest.fail("there is no time for it"))
    assert list(Finishing(front, None, lambda: 1.0).members()) == []
    assert front.equations == (equation,)


def test_a_formula_gets_no_simpler_once_the_time_is_nearly_over(monkeypatch):
    x = uniform(60, 1)
    front = front_of(x, x.exp())
    front.offer(("mul", ("c", 1.1), ("exp", ("x", 0))), "mine")
    monkeypatch.setattr(finishing, "_SIMPLER", -1e6)
    monkeypatch.setattr(finishing, "_GRACE", 1e6)
    (finished,) = Finishing(front, None, lambda: 1.0).members()
    assert [value for value, _ in finished.equation.constants.values()] == pytest.approx([1.0])


@pytest.mark.parametrize("rounded", [lambda y: y.float().double(), lambda y: (1e6 * y).round() / 1e6])
def test_a_law_of_rounded_values_is_exact(rounded):
    x = uniform(60, 1).float().double() + 2
    law = ("mul", ("c", 2.0), ("exp", ("mul", ("c", 0.7), ("x", 0))))
    y = 2 * (0.7 * x).exp()
    front = front_of(x, rounded(y))
    assert front.exact is None
    front.offer(law, "mine")
    assert front.exact.equation.origin == "mine"
    noisy = front_of(x, y + 1e-5 * noise(60)[:, None])
    noisy.offer(law, "mine")
    assert noisy.exact is None


def test_an_exact_number_counts_once():
    x = uniform(60, 1) + 2
    front = front_of(x, x / 2**0.5)
    front.offer(("mul", ("c", 0.7071), ("x", 0)), "mine")
    (finished,) = Finishing(front, None, forever).members()
    assert (finished.equation.text, finished.complexity) == ("sqrt(2)*x_1/2", 3)


def test_a_formula_that_no_fit_improves_stays():
    x = uniform(60, 1) + 2
    front = front_of(x, x**2)
    front.offer(("sq", ("x", 0)), "mine")
    (finished,) = Finishing(front, None, forever).members()
    assert finished.equation.text == "x_1**2"
    assert finished.equation.constants == {}


WRITINGS = {
    # x₁·(1 + x₂·(−x₃)/x₁) has a fraction that the factor takes away.
    "x_1 - x_2*x_3": (
        ("mul", ("x", 0), ("sub", ("n", 1), ("div", ("mul", ("x", 1), ("x", 2)), ("x", 0)))),
        lambda a, b, c: a - b * c,
    ),
    "exp(x_1*(x_2 - x_3))": (
        ("exp", ("sub", ("mul", ("x", 0), ("x", 1)), ("mul", ("x", 0), ("x", 2)))),
        lambda a, b, c: torch.exp(a * b - a * c),
    ),
    "x_1*(x_2/x_1)**exp(-x_3)": (
        (
            "mul",
            ("x", 0),
            ("exp", ("mul", ("neg", ("exp", ("neg", ("x", 2)))), ("sub", ("log", ("x", 0)), ("log", ("x", 1))))),
        ),
        lambda a, b, c: a * (b / a) ** torch.exp(-c),
    ),
}


@pytest.mark.parametrize("written", WRITINGS)
@pytest.mark.parametrize("noisy", [0.0, 0.01])
def test_final_formulas_have_the_shortest_writing(written, noisy):
    tree, law = WRITINGS[written]
    x = uniform(200, 3) + 2.5
    y = law(*x.unbind(1))
    front = front_of(x, (y + noisy * noise(200))[:, None])
    before = front.offer(tree, "long")
    assert before is not None
    list(Finishing(front, None, forever).members())
    best = front.best.equation
    assert equivalent(best.sympy, sympy.sympify(written), {f"x_{i}": (1.5, 3.5) for i in (1, 2, 3)}), best
    assert best.complexity <= before.complexity
    assert str(best.sympy).count("x_") == written.count("x_")


@pytest.mark.parametrize("loss", ["huber", "absolute"])
def test_outliers_on_both_sides_count_alike(loss):
    residual = 0.1 * noise(50)
    residual[0] = 5.0
    weights = row_weights(residual, 1.0, loss)
    assert float(weights[0]) < 0.1 * float(weights.median())
    assert torch.equal(weights, row_weights(-residual, 1.0, loss))
