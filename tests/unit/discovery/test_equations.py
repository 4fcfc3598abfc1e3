"""`Equation` and `Discovery`: what a formula says, and what it becomes."""

import copy
import pickle
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pandas
import pytest
import torch

from kanwidget import Dataset, discover, discover_steps
from kanwidget.discovery import steps as module
from kanwidget.discovery.discovery import markup
from kanwidget.discovery.engine.search import Report
from kanwidget.formulas import refit
from tests.support.networks import uniform

TREE = ("add", ("mul", ("c", 2.5), ("sin", ("x", 1))), ("mul", ("c", 0.7), ("x", 0)))


@pytest.fixture(scope="module")
def discovery():
    """2.5·sin(b) + 0.7·a with a little noise, and two test rows."""
    x = uniform(100, 2) + 1
    noise = 0.01 * torch.randn(100, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    y = 2.512 * x[:, 1].sin() + 0.713 * x[:, 0] + noise
    data = Dataset(x, y, test_input=x[:2], test_label=y[:2] + 1, in_vars=["a", "b"], out_vars=["h<i>"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "search", lambda rows, limits: iter([Report("formula", "mine", TREE)]))
        return discover(data, steps=5, progress=False)


def test_constants_are_those_of_a_refit_to_all_rows(discovery):
    best = discovery.best
    data = Dataset(best.data.train_input, best.data.train_label, in_vars=["a", "b"], out_vars=["h<i>"])
    expected = refit(best.sympy, data)
    assert best.constants.keys() == expected.constants.keys()
    for constant, (value, error) in best.constants.items():
        assert (value, error) == pytest.approx(expected.constants[constant], rel=1e-6)
    assert sorted(round(value, 1) for value, _ in best.constants.values()) == [0.7, 2.5]
    assert all(0 < error < 0.01 for _, error in best.constants.values())
    assert repr(best).startswith("h<i> = ")


def test_errors(discovery):
    best = discovery.best
    residual = best.data.train_label[:, 0] - best.predict(best.data.train_input)
    assert best.rmse_train == pytest.approx(float(residual.square().mean().sqrt()))
    assert best.rmse_test == pytest.approx(1.0, abs=0.05)
    assert best.r2 == pytest.approx(1 - float(residual.square().sum() / (best.data.train_label.var() * 99)), rel=1e-6)


def test_held_out_rows_test_where_the_data_have_no_test_rows():
    x = uniform(100, 1) + 1
    y = x[:, 0] ** 2 + 0.1 * torch.randn(100, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    constant = next(iter(discover_steps(x, y, steps=1))).best
    assert constant.rmse_test == pytest.approx(constant.rmse_train, rel=0.5)
    assert constant.rmse_test != constant.rmse_train


def test_predictions_go_by_the_names_of_columns(discovery):
    best, x = discovery.best, uniform(5, 2)
    values = best.predict(x)
    frame = pandas.DataFrame({"b": x[:, 1], "note": "n", "a": x[:, 0]})
    assert torch.equal(best.predict(frame), values)
    assert torch.equal(best.predict(Dataset(x, x[:, 0], in_vars=["a", "b"])), values)
    assert best.predict(x.tolist()).shape == (5,)
    with pytest.raises(ValueError, match=r"`data` argument of predict must be of shape \(rows, 2\)"):
        best.predict(uniform(5, 3))


def test_the_network_computes_the_formula(discovery):
    best = discovery.best
    model = best.network
    x = best.data.train_input
    assert torch.allclose(model.predict(x)[:, 0], best.predict(x), rtol=1e-9)
    assert model.in_vars == ("a", "b")
    assert model.history.last.train_loss == pytest.approx(best.rmse_train)
    assert model.history.last.test_loss == pytest.approx(best.rmse_test)
    assert len(model.reference) == 100


def test_a_network_of_one_of_several_targets_has_the_error_of_that_one():
    x = uniform(40, 1)
    data = Dataset(x, torch.cat([x, 2 * x], 1), in_vars=["a"], out_vars=["once", "twice"])
    found = discover(data, steps=20, progress=False)["twice"].best
    assert str(found.sympy) == "2*a"
    assert found.network.history.last.train_loss < 1e-12


def test_the_code_computes_the_formula(discovery):
    namespace = {}
    exec(discovery.best.code(name="law"), namespace)
    x = discovery.data.train_input.numpy()
    assert np.allclose(namespace["law"](*x.T), discovery.best.predict(x).numpy())


def test_the_explorer_opens_on_formula_and_table(discovery):
    explorer = discovery.best.explorer()
    try:
        assert explorer.model.width == discovery.best.network.width
    finally:
        explorer.close()


def test_writing(discovery):
    assert re.fullmatch(r"0\.71\d+\*a \+ 2\.51\d*\*sin\(b\)", discovery.best.text)
    assert "\\sin" in discovery.best.latex


def test_the_table_marks_the_best(discovery):
    head, *lines = repr(discovery).splitlines()
    assert head.split() == ["complexity", "RMSE", "held", "out", "R²", "formula"]
    assert [line.startswith("→") for line in lines] == [equation is discovery.best for equation in discovery.front]
    frame = discovery.to_pandas()
    assert frame["best"].sum() == 1
    assert frame["complexity"].is_monotonic_increasing
    assert (np.diff(frame["rmse_train"]) < 0).all()


def test_the_html_is_typeset_and_escaped(discovery):
    html = discovery._repr_html_()
    root = ElementTree.fromstring(html)
    assert len(root.findall(".//math")) == len(discovery.front)
    assert "h<i>" not in html
    assert any("sin" in "".join(node.itertext()) for node in root.iter("math"))


def test_what_the_search_found_out_stands_below_the_table():
    x = torch.linspace(1, 2, 20, dtype=torch.float64)
    data = Dataset(torch.stack([x, torch.ones_like(x)], 1), 1 / x, in_vars=["a", "b<c"])
    found = discover(data, steps=1, progress=False)
    assert found.to_pandas()["rmse_test"].isna().all()
    notes = repr(found).splitlines()[-2:]
    assert notes == [
        "too few rows to hold some out: the errors are those of the fit",
        "b<c is the same in every row: left out",
    ]
    root = ElementTree.fromstring(found._repr_html_())
    assert [paragraph.text for paragraph in root.iter("p")] == notes


@pytest.mark.parametrize(
    ("r2", "text"),
    [
        (-1e-17, "0.000"),
        (0.5, "0.500"),
        (0.99998, "0.99998"),
        (1.0, "1.000"),
        (-0.25, "-0.250"),
        (-2460.4, "-2.46e+03"),
    ],
)
def test_r2_in_the_table(discovery, r2, text):
    row = replace(discovery.best, r2=r2)
    alone = replace(discovery, fronts={row.target: (row,)}, _best={}, _rivals={})
    assert repr(alone).splitlines()[1].split()[3] == text


@pytest.mark.parametrize("theme", ["light", "dark", "auto"])
def test_the_plot_has_a_mark_for_each_formula(discovery, theme):
    (ax,) = discovery.plot(theme=theme, title="mine").axes
    assert ax.get_yscale() == "log"
    assert len(ax.lines[0].get_xdata()) == len(discovery.front)
    best = discovery.best
    (label,) = (text for text in ax.texts if text.get_text() == best.text)
    assert label.get_fontweight() == "bold"
    assert ax.lines[-1].get_xydata().tolist() == [[best.complexity, best.rmse_test]]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_say_the_same(discovery, again):
    twin = again(discovery)
    assert repr(twin) == repr(discovery)
    assert twin.best in twin.front
    assert twin.stop_reasons == discovery.stop_reasons
    equation, x = again(discovery.best), uniform(5, 2)
    assert repr(equation) == repr(discovery.best)
    assert torch.equal(equation.predict(x), discovery.best.predict(x))


def test_columns_whose_names_differ_by_their_units_alone(monkeypatch):
    monkeypatch.setattr(
        module, "search", lambda rows, limits: iter([Report("formula", "mine", ("div", ("x", 0), ("x", 1)))])
    )
    x = uniform(60, 2) + 2
    data = Dataset(x, x[:, 0] / x[:, 1], in_vars=["v [m/s]", "v [km/h]"])
    best = discover(data, units={"v [m/s]": "m/s", "v [km/h]": "km/h", "y": "1"}, progress=False).best
    assert best.text == "v [m/s]/v [km/h]"
    assert best.dimensions
    scope = {}
    exec(best.code(), scope)
    assert scope["formula"](6.0, 4.0) == float(best.predict([[6.0, 4.0]])) == pytest.approx(1.5)
    assert best.network.predict([[6.0, 4.0]]).item() == pytest.approx(1.5)


def test_a_target_that_is_not_there(discovery):
    with pytest.raises(ValueError, match="`target` argument of Discovery must be one of 'h<i>'"):
        _ = discovery["y"]


@pytest.mark.parametrize("weight", [None, [1.0, 2.0, 0.5]])
def test_leave_one_out_is_the_error_of_fits_without_each_row(weight):
    x = torch.tensor([1.0, 2.0, 4.0], dtype=torch.float64)
    data = Dataset(x, torch.tensor([2.0, 5.0, 7.0], dtype=torch.float64), train_weight=weight)
    with pytest.MonkeyPatch.context() as patch:
        tree = ("mul", ("c", 1.9), ("x", 0))
        patch.setattr(module, "search", lambda rows, limits: iter([Report("formula", "mine", tree)]))
        line = next(e for e in discover(data, steps=5, progress=False).front if e.sympy.free_symbols)
    rows = [*zip(weight or [1.0] * 3, [1, 2, 4], [2, 5, 7], strict=True)]
    squares = []
    for row, (share, v, y) in enumerate(rows):
        others = rows[:row] + rows[row + 1 :]
        slope = sum(w * a * b for w, a, b in others) / sum(w * a * a for w, a, _ in others)
        squares.append(share * (y - slope * v) ** 2)
    assert line.leave_one_out() == pytest.approx((sum(squares) / sum(share for share, *_ in rows)) ** 0.5)


def line_through(x, y):
    """The formula a·t + b of a table by least squares, before any constant becomes an exact number."""

    def search(rows, limits):
        design = torch.cat([rows.x, torch.ones_like(rows.x)], 1)
        a, b = torch.linalg.lstsq(design, rows.y[:, None]).solution.flatten().tolist()
        yield Report("formula", "mine", ("add", ("mul", ("c", a), ("x", 0)), ("c", b)))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "search", search)
        laws = [law for step in discover_steps(Dataset(x, y, in_vars=["t"])) for law in step.changed]
    return next(law for law in laws if law.origin == "mine")


@pytest.mark.parametrize(("noise", "slope"), [(0.0, "1.49984"), (1e-4, "1.4998"), (0.1, "1.4999"), (10.0, "1.")])
def test_constants_have_the_digits_that_their_errors_allow(noise, slope):
    x = torch.linspace(1, 9, 40, dtype=torch.float64)
    law = line_through(x, 1.49984 * x + 2.71828 + noise * torch.cos(5 * x))
    (value, error) = next(pair for pair in law.constants.values() if abs(pair[0] - 1.5) < 1)
    text = re.match(r"(\d\.\d+)\*t", law.text)[1]
    assert text.startswith(slope)
    last = 10.0 ** -len(text.partition(".")[2])
    # The written digits end at the second digit of the error, or where the number does.
    assert last <= error < 100 * last or error < 1e-9
    assert abs(float(text) - value) <= max(last / 2, 1e-12)
    assert law.latex.startswith(text)
    typeset = "".join(ElementTree.fromstring(markup(law.math)).itertext())
    assert text in typeset
    assert repr(law).startswith(f"y = {law.text}\n")


def test_a_measured_number_is_no_exact_one():
    x = torch.linspace(1, 9, 40, dtype=torch.float64)
    noise = torch.cos(5 * x)
    direction = torch.stack([x, torch.ones_like(x)], 1)
    noise -= direction @ torch.linalg.lstsq(direction, noise[:, None]).solution[:, 0]
    law = line_through(x, 1.5 * x + 2 + 0.2 * noise)
    assert law.text == "1.5000*t + 2.000"
    assert line_through(x, 1.5 * x + 2).text == "1.5*t + 2"


def test_a_formula_as_it_is_written_fits_the_rows():
    year = torch.linspace(1990, 2020, 31, dtype=torch.float64)
    y = 19.4321 * year - 38512.7 + torch.cos(7 * year)
    law = line_through(year, y)
    slope, offset = map(float, re.fullmatch(r"(\S+)\*t - (\S+)", law.text).groups())
    # The errors of both are far larger than what their last digits stand for.
    assert min(error for _, error in law.constants.values()) < 0.05
    rounded = slope * year - offset
    assert float((rounded - y).square().mean().sqrt()) < 1.01 * law.rmse_train
