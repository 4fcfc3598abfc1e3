"""Sums, products, and sums of products, of functions of one column each, from rows with and without noise."""

import math

import pytest
import sympy
import torch

from kanwidget.discovery.engine.assembly import of_sum
from kanwidget.discovery.engine.parts import curves_of_parts, curves_of_terms
from kanwidget.discovery.engine.separation import Separation, near_enough, separations
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.targets import TARGETS
from kanwidget.discovery.engine.trees import OPERATIONS, expression
from kanwidget.formulas import equivalent

SYMBOLS = sympy.symbols("a b c")
RANGES = {"a": (0.5, 3.0), "b": (0.5, 2.5), "c": (0.5, 3.5)}


def rows(law, count=400, noise=0.05, seed=0):
    """Three columns, of which the last says nothing, and the law with noise, in parts of its spread."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(count, 3, generator=generator, dtype=torch.float64) * torch.tensor([2.5, 2.0, 3.0]) + 0.5
    y = law(*x.T)
    return x, y + noise * y.std() * torch.randn(count, generator=generator, dtype=torch.float64)


def seen(data, near):
    return near_enough(separations(data), near)


def table(x, y, weights=None):
    return EngineTable(x, y, weights, frozenset(OPERATIONS))


LAWS = {
    "a*exp(-1.5/b)*(1 + c**2/3)": "f(a)·g(b)·h(c)",
    "a*sin(2*c)": "f(a)·g(c)",
    "exp(-b)*cos(4*c)*a": "f(a)·g(b)·h(c)",
    "a/(a + 4/5)*b**2": "f(a)·g(b)",
    "3*a**2 + sin(5*b) + c": "f(a) + g(b) + h(c)",
    "log(b) + 2*c": "f(b) + g(c)",
    "2*a*sqrt(b) + sin(3*c)": "f(a)·g(b) + h(c)",
    "a**2 + 2*b*sin(2*c)": "f(a) + g(b)·h(c)",
    "4*b*exp(-a) + 7": "f(a)·g(b) + constant",
}


@pytest.mark.slow
@pytest.mark.parametrize(("law", "noise"), [*((law, 0.05) for law in LAWS), ("3*a**2 + sin(5*b) + c", 0.0)])
def test_the_form_is_seen_and_its_parts_are_found(law, noise):
    truth = sympy.sympify(law)
    data = table(*rows(sympy.lambdify(SYMBOLS, truth, "torch"), noise=noise))
    form = seen(data, max(noise, 0.02))[0]
    assert form.text(["a", "b", "c"], "y") == f"y = {LAWS[law]}"
    assert form.error < max(1.1 * noise, 0.02)
    list(curves_of_parts(data, form))
    best = expression(data.pool.best.tree, SYMBOLS)
    assert equivalent(best, truth, RANGES, constants=True), best


@pytest.mark.parametrize("law", ["a*b/(a + b)", "(a + b)*c", "sin(a*b)", "sqrt(a**2 + b**2)"])
def test_what_no_sum_or_product_comes_near_to_has_no_form(law):
    data = table(*rows(sympy.lambdify(SYMBOLS, sympy.sympify(law), "torch"), noise=0.02))
    assert seen(data, 0.02) == []


def test_noise_is_told_from_what_splines_miss():
    data = table(*rows(lambda a, b, c: a * torch.exp(-b) * c, noise=0.03))
    (form,) = seen(data, math.inf)
    assert form.leaves_noise(data)
    data = table(*rows(lambda a, b, c: a * b / (a + c), noise=0.01))
    assert not any(form.leaves_noise(data) for form in seen(data, math.inf))
    data = table(*rows(lambda a, b, c: torch.sin(4 * a) + b, noise=0.0))
    assert not any(form.leaves_noise(data) for form in seen(data, math.inf))


def test_rows_of_weight_zero_count_for_nothing():
    x, y = rows(lambda a, b, c: a * torch.exp(-b), noise=0.01)
    wild = torch.arange(len(y)) % 10 == 0
    form = seen(table(x, torch.where(wild, 50.0, y), (~wild).double()), 0.01)[0]
    assert form.groups == ((0, 1),)
    assert form.is_product


def test_columns_with_two_values_or_one_have_a_part_or_none():
    x, _ = rows(lambda a, b, c: a)
    x[:, 1], x[:, 2] = (x[:, 1] > 1.5).double(), 7.0
    form = seen(table(x, x[:, 0] ** 2 + 3 * x[:, 1]), 1e-3)[0]
    assert form.text(["a", "b", "c"], "y") == "y = f(a) + g(b)"


#: Laws whose form isn't sought where splines can't follow: columns by number, of which 2 and 3 say nothing.
HARD = {
    "a pole": lambda x: 1 / (x[:, 0] - 0.45) + x[:, 1],
    "a column that is mostly 0": lambda x: x[:, 0].where(x[:, 0] > 3.7, 0).square() + x[:, 1],
    "years": lambda x: x[:, 0] + 3 * (2019 + (x[:, 1] > 2).double()),
    "far from 0": lambda x: 1 + 1e-6 * (x[:, 0] + torch.sin(3 * x[:, 1])),
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", HARD)
def test_columns_that_say_nothing_are_no_factors(name, seed):
    x = 0.5 + 3.5 * torch.rand(300, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    y = HARD[name](x)
    if name == "years":
        x[:, 1] = 2019 + (x[:, 1] > 2).double()
    elif name == "a column that is mostly 0":
        x[:, 0] = x[:, 0].where(x[:, 0] > 3.7, 0)
    assert seen(table(x, y), math.inf)[0].text(["a", "b", "c", "d"], "y") == "y = f(a) + g(b)"


def test_of_equal_columns_one_is_enough():
    x, _ = rows(lambda a, b, c: a)
    x[:, 1] = x[:, 0]
    y = x[:, 0] ** 2 * (1 + 0.1 * torch.sin(3 * x[:, 2]))
    form = seen(
        table(x, y + 0.02 * torch.randn(400, generator=torch.Generator().manual_seed(0), dtype=torch.float64)), 1
    )[0]
    assert len(form.parts) == 2


def test_rows_without_weight_are_no_rows():
    generator = torch.Generator().manual_seed(0)
    x, y = (torch.rand(400, *size, generator=generator, dtype=torch.float64) for size in ((4,), ()))
    assert seen(table(x, y, (torch.arange(400) < 40).double()), math.inf) == []


def test_a_product_is_seen_among_many_columns():
    generator = torch.Generator().manual_seed(0)
    x = 0.5 + 1.5 * torch.rand(1500, 40, generator=generator, dtype=torch.float64)
    y = x[:, 7] * x[:, 20] + torch.sin(2 * x[:, 31])
    y = y + 0.05 * y.std() * torch.randn(1500, generator=generator, dtype=torch.float64)
    assert [form.groups for form in seen(table(x, y), math.inf)] == [((7, 20), (31,))]


def test_functions_of_many_parts_have_names_of_their_own():
    count = 24
    form = Separation(tuple((i,) for i in range(count)), {i: torch.ones(1) for i in range(count)}, 0.0, 0.1)
    names = ["f", "h", *(f"x{i}" for i in range(2, count))]
    functions = [part.partition("(")[0] for part in form.text(names, "y").removeprefix("y = ").split(" + ")]
    assert len({*functions, *names}) == 2 * count


@pytest.mark.slow
def test_many_parts_are_put_together_without_all_choices():
    generator = torch.Generator().manual_seed(0)
    x = 0.5 + torch.rand(600, 12, generator=generator, dtype=torch.float64)
    y = x.sum(1) + 0.3 * torch.randn(600, generator=generator, dtype=torch.float64)
    data = table(x, y)
    list(curves_of_parts(data, seen(data, math.inf)[0], stages=1))
    assert data.pool.best.error < 0.4


def test_a_handful_of_rows_has_no_splines():
    assert seen(table(*rows(lambda a, b, c: a * b, count=40)), 1.0) == []


@pytest.mark.parametrize("seed", range(5))
def test_noise_alone_has_no_form(seed):
    x, _ = rows(lambda a, b, c: a, seed=seed)
    x[:, 2] = torch.where(x[:, 2] < 2.5, 0.0, x[:, 2])
    y = torch.randn(len(x), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    assert seen(table(x, y), math.inf) == []


def test_one_column_alone_is_no_product():
    form, *others = seen(table(*rows(lambda a, b, c: torch.sin(3 * b), noise=0.02)), 0.02)
    assert form.text(["a", "b", "c"], "y") == "y = f(b)"
    assert others == []


def test_what_other_parts_leave_where_they_vanish_counts_for_nothing():
    x, y = rows(lambda a, b, c: a * (b - 1), noise=0.0)
    x[0, 1], y[0] = 1.0, 0.0
    data = table(x, y)
    form = next(form for form in seen(data, 1e-3) if form.is_product)
    form.parts[1][0] = 0.0
    target, weights = form.rest(data, 0)
    assert bool(torch.isfinite(target).all())
    assert float(weights[0]) == 0


A, B, C = (("x", index) for index in range(3))
OF_C = [C, ("sq", C), ("cube", C), ("sin", C)]
#: Laws, and terms that come near to them.
IMITATED = {
    "2*a*sqrt(b) + sin(1.3*c)": [("mul", A, ("sqrt", B)), *OF_C],
    "2*a*sqrt(b) + 3*exp(-c)": [A, ("mul", A, B), ("mul", A, ("cos", B)), ("exp", ("neg", C))],
    # Written as quotients, and in another order.
    "3*sqrt(c)/a + sin(3*b)": [
        ("div", C, A),
        ("mul", ("sq", C), ("inv", A)),
        ("inv", A),
        ("sin", ("mul", ("c", 3.0), B)),
    ],
    "2*a*sqrt(b) + sin(1.1*c) + 1": [A, ("mul", A, B), ("mul", A, ("cos", B)), *OF_C],
}


@pytest.mark.parametrize("law", IMITATED)
def test_one_curve_takes_the_place_of_terms_that_imitate_it(law):
    truth = sympy.sympify(law)
    data = table(*rows(sympy.lambdify(SYMBOLS, truth, "torch")))
    data.offer([of_sum(data, TARGETS[0], torch.ones(400, dtype=torch.float64), IMITATED[law])], "terms")
    before = data.pool.best
    assert not equivalent(expression(before.tree, SYMBOLS), truth, RANGES, constants=True)
    list(curves_of_terms(data))
    assert equivalent(expression(data.pool.best.tree, SYMBOLS), truth, RANGES, constants=True)
    assert data.pool.best.bits < before.bits


def test_no_curve_is_looked_for_beside_an_exact_formula():
    data = table(*rows(lambda a, b, c: a + b**2 + b**3, noise=0.0))
    data.offer([("add", A, ("add", ("sq", B), ("cube", B)))], "terms")
    assert data.pool.is_exact
    assert list(curves_of_terms(data)) == []
