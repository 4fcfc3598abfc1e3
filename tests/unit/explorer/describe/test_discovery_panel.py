"""What a page gets of the formulas: typeset, with the errors and the rows that it draws."""

import pytest
import torch

import kanwidget.discovery
from kanwidget import KAN, Dataset
from kanwidget.discovery.discovery import ALSO_POSSIBLE
from kanwidget.explorer.commands.discovery.search import FindFormulas
from kanwidget.explorer.describe.equations import EquationWriter
from kanwidget.explorer.describe.panels import discovery as panel
from kanwidget.explorer.describe.panels.discovery import discovery
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.searches import FakeSearch, FakeStep, equation


def filled(monkeypatch, session, *equations):
    monkeypatch.setattr(kanwidget.discovery, "discover_steps", FakeSearch([FakeStep("formula", "", equations)]))
    session.apply(FindFormulas())
    while session.running:
        session.advance(0.0)
    return discovery(session)


def test_before_a_search_there_is_a_sentence_and_nothing_to_draw(session):
    content, arrays = discovery(session)
    assert (content["state"], content["formulas"], arrays) == ("idle", [], {})
    assert content["sentence"] == "Formulas of your table, from simple to accurate"


def test_errors_and_rows_are_those_of_the_test_data_in_own_units(monkeypatch):
    x = torch.linspace(1, 9, 50, dtype=torch.float64)[:, None]
    data = Dataset(x, 3 * x, x[::2] + 0.5, 3 * (x[::2] + 0.5) + 1, in_vars=("t [s]",), out_vars=("s [m]",))
    session = Session(KAN([1, 1]), data)
    from sympy import Symbol

    content, arrays = filled(monkeypatch, session, equation(3.0 * Symbol("t [s]"), 3.0))
    (formula,) = content["formulas"]
    assert formula["error"] == pytest.approx(1.0)
    assert formula["text"] == "3*t"
    assert formula["formula"][0] == "math"
    assert (content["error_name"], content["target"], content["column"]) == ("test error, in s [m]", "s [m]", "t [s]")
    assert content["spread"] == pytest.approx(float(data.test_label.std(correction=0)))
    assert torch.equal(arrays["x"], data.test_input[:, 0])
    assert torch.equal(arrays["truth"], data.test_label[:, 0])
    assert torch.allclose(arrays["values"][0], 3 * data.test_input[:, 0])


def test_without_test_data_errors_are_those_of_the_training_with_its_weights():
    x = torch.tensor([[1.0], [2.0], [3.0]], dtype=torch.float64)
    weights = torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64)
    data = Dataset(x, x.clone(), train_weight=weights)
    formula = EquationWriter(Session(KAN([1, 1]), data)).formula("2.0*x_1", 3.0)
    assert formula.error == formula.train_error == pytest.approx(3.0)


def test_what_errs_more_than_a_constant_is_left_out_unless_nothing_else_is_there(monkeypatch):
    x = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None]
    session = Session(KAN([1, 1]), Dataset(x, 2.5 * x + 0.01))
    worse = equation("x_1 + 50", 3.0)
    content, _ = filled(monkeypatch, session, worse, equation("1.26", 1.0), equation("2.5*x_1", 3.0))
    assert [formula["text"] for formula in content["formulas"]] == ["1.26", "2.5*x_1"]
    other = Session(session.model, session.data)
    content, _ = filled(monkeypatch, other, worse)
    assert [formula["text"] for formula in content["formulas"]] == ["x_1 + 50"]


def test_words_name_columns_and_target_as_formulas_do(monkeypatch):
    x = torch.linspace(1, 9, 50, dtype=torch.float64)[:, None]
    session = Session(KAN([1, 1]), Dataset(x, 3 * x, in_vars=("t [s]",), out_vars=("s [m]",)))
    trying = FakeStep("trying", "trying sums of functions of t [s] for 1/y²", ())
    steps = [trying, FakeStep("finding", "also possible: t [s]**2", ())]
    monkeypatch.setattr(kanwidget.discovery, "discover_steps", FakeSearch(steps))
    session.apply(FindFormulas())
    session.advance(0.0)
    assert discovery(session)[0]["sentence"] == "Trying sums of functions of t for 1/s²"
    session.advance(0.0)
    assert discovery(session)[0]["findings"] == ["also possible: t^2"]


def test_rivals_are_named_in_one_line(monkeypatch, session):
    """A line each left the table of formulas no room on a page of 1,280 pixels."""
    found = (
        "x_2 doesn't matter",
        "y = f(x_1)",
        *(f"{ALSO_POSSIBLE}{n}*log(x_1**2) (RMSE {n}, the best one's 2)" for n in (1, 2, 3)),
    )
    monkeypatch.setattr(
        kanwidget.discovery, "discover_steps", FakeSearch([FakeStep("finding", text, ()) for text in found])
    )
    session.apply(FindFormulas())
    for _ in found:
        session.advance(0.0)
    lines = discovery(session)[0]["findings"]
    assert lines == ["x_2 doesn't matter", "y = f(x_1)", f"{ALSO_POSSIBLE}1·log(x_1^2); 2·log(x_1^2); 3·log(x_1^2)"]


def test_a_formula_without_values_is_left_out(monkeypatch, session):
    content, _ = filled(monkeypatch, session, equation("log(x_1 - 100)", 4.0), equation("x_1", 1.0))
    assert [formula["text"] for formula in content["formulas"]] == ["x_1"]


def test_a_very_long_formula_is_cut():
    x = torch.rand(9, 1, dtype=torch.float64)
    writer = EquationWriter(Session(KAN([1, 1]), Dataset(x, x)))
    formula = writer.formula(" + ".join(f"sin({i}.5*x_1)" for i in range(90)), 270.0)
    assert formula.writing["formula"] is None
    assert formula.writing["text"].endswith("…")


def test_of_many_rows_a_page_gets_a_sample(monkeypatch):
    x = torch.rand(5000, 2, dtype=torch.float64)
    _, arrays = filled(monkeypatch, Session(KAN([2, 1]), Dataset(x, x[:, :1])), equation("x_1", 1.0))
    assert {name: tuple(array.shape) for name, array in arrays.items()} == {"truth": (200,), "values": (1, 200)}


def test_r2_is_of_all_rows_and_their_weights(monkeypatch):
    x = torch.arange(1000, dtype=torch.float64)[:, None]
    y = torch.where(x % 7 == 3, 50.0, x / 100)
    data = Dataset(x, y, train_weight=(x[:, 0] < 500).double())
    content, _ = filled(monkeypatch, Session(KAN([1, 1]), data), equation("x_1/100", 3.0))
    assert content["spread"] == pytest.approx(float(y[:500].std(correction=0)))


def test_large_numbers_of_single_precision_have_errors():
    x = torch.tensor([[1e20], [2e20], [3e20]])
    writer = EquationWriter(Session(KAN([1, 1]), Dataset(x, x * 2)))
    assert writer.formula("x_1**3/1e40", 5.0).error == pytest.approx(1e20 * (1 + 16 + 441) ** 0.5 / 3**0.5, rel=1e-5)


def test_a_formula_that_has_no_text_is_left_out_and_the_search_goes_on(monkeypatch, session):
    content, _ = filled(monkeypatch, session, equation("phi_0_0_0(x_1)", 4.0), equation("x_1", 1.0))
    assert ([formula["text"] for formula in content["formulas"]], content["state"]) == (["x_1"], "done")


def test_what_a_search_leaves_out_stays_beside_what_it_has_found_out_last(monkeypatch):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"x": [1.0, None, 3.0, 4.0] * 5, "town": list("abab") * 5, "y": [1.0, 2.0, 3.0, 4.0] * 5})
    data = Dataset.from_frame(frame, "y", 0)
    session = Session(KAN.for_data(data), data)
    assert discovery(session)[0]["findings"] == []
    steps = [FakeStep("finding", f"finding {number}", ()) for number in range(6)]
    monkeypatch.setattr(kanwidget.discovery, "discover_steps", FakeSearch(steps))
    session.apply(FindFormulas())
    while session.running:
        session.advance(0.0)
    left_out = ["rows without x are left out, 5 of them", "town holds words: left out"]
    assert discovery(session)[0]["findings"] == [*left_out, *(f"finding {number}" for number in (2, 3, 4, 5))]


def test_of_a_long_list_the_most_accurate_formulas_are_shown(monkeypatch):
    monkeypatch.setattr(panel, "_MOST_FORMULAS", 1)
    x = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None]
    session = Session(KAN([1, 1]), Dataset(x, 2.5 * x + 0.01))
    content, _ = filled(monkeypatch, session, equation("1.26", 1.0), equation("2.5*x_1", 3.0))
    assert [formula["text"] for formula in content["formulas"]] == ["2.5*x_1"]
