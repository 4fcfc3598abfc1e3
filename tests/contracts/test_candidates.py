"""The candidates of an edge that has a function: judged by the rows, and the same wherever a person asks for them."""

import numpy as np
import pytest
import sympy
import torch

from kanwidget import KAN, Dataset, KANExplorer
from tests.support.saved_pages import Page, unpacked

A, B = sympy.symbols("a b")
FORMULAS = {
    str(formula): formula
    for formula in (
        A ** sympy.Rational(3, 2),
        sympy.sqrt(A) + B**2,
        A * B,
        A**2 / (1 + B),
        A * sympy.exp(-B),
        sympy.sin(A) + B,
        sympy.sqrt(A**2 + B**2),
        sympy.log(A + B),
    )
}
#: Columns of two decades and more, most of whose values are small.
COLUMNS = {
    "lognormal": lambda draws: np.exp(draws.normal(size=(200, 2))),
    "wide": lambda draws: 10 ** draws.uniform(-2, 2, (200, 2)),
}
NOISES = {
    "exact": lambda y, errors: y,
    "5 % of the spread": lambda y, errors: y + 0.05 * y.std() * errors,
    "5 % of the value": lambda y, errors: y * (1 + 0.05 * errors),
}
each_formula = pytest.mark.parametrize("formula", FORMULAS.values(), ids=FORMULAS)
each_column = pytest.mark.parametrize("column", COLUMNS.values(), ids=COLUMNS)
each_noise = pytest.mark.parametrize("noise", NOISES.values(), ids=NOISES)


def table(formula, column, noise):
    draws = np.random.default_rng(0)
    x = column(draws)
    y = sympy.lambdify((A, B), formula, "numpy")(*x.T)
    return Dataset(x, noise(y, draws.normal(size=len(y))), in_vars=["a", "b"], out_vars=["y"])


def replaced(model):
    """The edges that have a function, with its name."""
    states = [(ref, model.layer(ref.layer).symbol(ref.source, ref.target)) for ref in model.edge_refs(active=True)]
    return [(ref, name) for ref, name in states if name is not None]


def facts(fits):
    """Name, R² and what it imitates of each candidate, in order."""
    return [(fit.name, round(fit.r2, 9), fit.imitates) for fit in fits]


@pytest.mark.slow
@each_noise
@each_column
@each_formula
def test_the_function_in_place_is_first_unless_a_simpler_one_is_as_good(formula, column, noise):
    data, model = table(formula, column, noise), KAN.from_formula(formula, [A, B])
    for edge, name in replaced(model):
        fits = model.suggest_symbolic(*edge, data=data, topk=None)
        (own,) = [fit for fit in fits if fit.name == name]
        assert own.imitates is None
        if noise is NOISES["exact"]:
            assert fits[0] is own
            assert own.r2 > 1 - 1e-12
        else:
            assert fits[0] is own or fits[0].complexity < own.complexity
            # As good: without the noise it is the function in place, but for a small part of what that leaves.
            assert 1 - fits[0].r2 < 1.2 * (1 - own.r2)


@pytest.mark.slow
@each_column
@pytest.mark.parametrize("formula", [f for f in FORMULAS.values() if not f.has(sympy.sin)], ids=str)
def test_a_function_that_the_rows_contradict_gives_way_to_the_one_that_made_them(formula, column):
    data, model = table(formula, column, NOISES["exact"]), KAN.from_formula(formula, [A, B])
    last = [(edge, name) for edge, name in replaced(model) if edge.layer == model.depth - 1 and name != "x"]
    for edge, name in last:
        wrong = KAN.from_formula(formula, [A, B])
        wrong.fix_symbolic(*edge, "x", data=data)
        fits = wrong.suggest_symbolic(*edge, data=data, topk=None)
        (own,) = [fit for fit in fits if fit.name == "x"]
        assert fits[0].name == name
        assert fits[0].r2 > 1 - 1e-9 > own.r2


@pytest.mark.slow
@each_noise
@each_formula
def test_python_explorer_and_saved_page_give_one_answer(formula, noise, tmp_path):
    data, model = table(formula, COLUMNS["lognormal"], noise), KAN.from_formula(formula, [A, B])
    path = tmp_path / "page.html"
    with KANExplorer(model, data, driver="blocking") as explorer:
        explorer.save_html(path)
        details = unpacked(Page(path.read_text(encoding="utf-8")))["edges"]
        for edge, name in replaced(model):
            fits = model.suggest_symbolic(*edge, data=data, topk=None)
            assert facts(explorer.candidates(edge)) == facts(fits)
            rows = details["-".join(map(str, edge))]["candidates"]["rows"]
            originals = [fit for fit in fits if fit.imitates is None]
            shown = [row for row in rows if row["imitates"] is None]
            # A page has sixteen rows for each edge.
            assert [(row["name"], row["r2"]) for row in shown] == [(fit.name, fit.r2) for fit in originals[:16]]
            assert [row["name"] for row in rows if row.get("in_place")] == [name]


@pytest.mark.slow
def test_edges_that_are_splines_have_one_answer_too(tmp_path):
    data = table(A**2 / (1 + B), COLUMNS["lognormal"], NOISES["5 % of the spread"])
    model = KAN([2, 2, 1], seed=0)
    model.fit(data, steps=5, progress=False)
    path = tmp_path / "page.html"
    with KANExplorer(model, data, driver="blocking") as explorer:
        explorer.save_html(path)
        details = unpacked(Page(path.read_text(encoding="utf-8")))["edges"]
        for edge in model.edge_refs(active=True):
            fits = [fit for fit in model.suggest_symbolic(*edge, data=data, topk=None) if fit.imitates is None][:6]
            rows = details["-".join(map(str, edge))]["candidates"]["rows"][: len(fits)]
            assert [row["name"] for row in rows] == [fit.name for fit in fits]
            # Edges that are fitted together end a search a little sooner or later.
            assert [row["r2"] for row in rows] == pytest.approx([fit.r2 for fit in fits], abs=1e-4)


@pytest.mark.parametrize("keep_spline", [False, True])
def test_a_function_that_the_rest_was_trained_beside_gives_way(keep_spline):
    draws = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(150, 2, generator=draws, dtype=torch.float64) - 1
    y = 1000 * (x[:, [0]] ** 2 + x[:, [1]]) + 10 * torch.randn(150, 1, generator=draws, dtype=torch.float64)
    model = KAN([2, 1], seed=0)
    model.fit((x, y), steps=15, progress=False, evidence=False)
    model.fix_symbolic(0, 0, 0, "sin", keep_spline=keep_spline)
    model.fit((x, y), steps=5, progress=False, evidence=False)
    fits = model.suggest_symbolic(0, 0, 0, data=(x, y), topk=None)
    assert fits[0].name == "x^2"
    assert "sin" in [fit.name for fit in fits]
    assert model.layer(0).symbol(0, 0) == "sin"


def test_classes_are_judged_by_their_likelihood():
    draws = torch.Generator().manual_seed(0)
    x = 6 * torch.rand(800, 1, generator=draws, dtype=torch.float64) - 3
    score = 3 * torch.sin(2 * x[:, 0])
    label = (torch.rand(800, generator=draws, dtype=torch.float64) < torch.sigmoid(score)).long()
    model = KAN([1, 2], seed=0)
    model.fix_symbolic(0, 0, 0, "x", params=(1, 0, 0, 0))
    model.fix_symbolic(0, 0, 1, "x", params=(1, 0, 0.1, 0))
    assert model.suggest_symbolic(0, 0, 1, data=(x, label))[0].name == "sin"
    model.fix_symbolic(0, 0, 1, "sin", params=(2, 0, 3, 0))
    best, *others = model.suggest_symbolic(0, 0, 1, data=(x, label))
    assert best.params == (2, 0, 3, 0)
    assert all(fit.score >= best.score for fit in others if fit.imitates is None)
