"""The forms of the formula: worked out beside the training, on a copy, for the network as it is."""

import pytest
import sympy
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.commands.edges import Unfix
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.commands.training import Start
from kanwidget.explorer.describe.forms import form_figures, form_rows, value_and_error
from kanwidget.explorer.describe.panels.forms import forms
from kanwidget.explorer.describe.snapshot import status
from kanwidget.symbolic import FormulaForm, symbolic_formula
from tests.unit.explorer.states import fit_formula, train


def texts(tree):
    return tree if isinstance(tree, str) else "".join(texts(child) for child in tree[2])


@pytest.fixture
def line():
    """y = 2.34·x with noise, its edge replaced."""
    x = torch.linspace(0, 1, 60, dtype=torch.float64)[:, None]
    y = 2.34 * x + 0.01 * torch.cos(50 * x)
    data = Dataset(x[::2], y[::2], x[1::2], y[1::2], in_vars=["time"], out_vars=["way"])
    with KANExplorer(KAN([1, 1], seed=0), data, driver="blocking") as explorer:
        explorer.fix("x", edge=(0, 0, 0))
        yield explorer._session


def test_forms_are_worked_out_on_request_and_kept_until_the_network_changes(line):
    jobs = []
    line.view.work_out_with(jobs.append)
    first, arrays = forms(line)
    assert (first, arrays) == ({"forms": [], "busy": True, "current": True}, {})
    assert forms(line)[0]["busy"]
    (job,) = jobs
    finishes = []
    job(lambda: False, finishes.append)
    assert [finish() for finish in finishes] == [{"forms"}] * len(finishes)
    ready = forms(line)[0]
    assert (ready["busy"], ready["current"], len(jobs)) == (False, True, 1)
    names = [form["name"] for form in ready["forms"]]
    assert names[0] == "as trained"
    assert "rounded" in names
    rounded = ready["forms"][names.index("rounded")]
    assert rounded["text"].startswith("way = 2.34")
    assert [texts(tree) for tree in rounded["constants"]] == ["2.340±0.002"]
    line.run.network_changed()
    assert forms(line)[0] == {"forms": [], "busy": True, "current": True}
    assert len(jobs) == 2


def test_a_form_that_says_the_same_is_left_out(line):
    line.apply(Unfix((0, 0, 0)))
    jobs = []
    line.view.work_out_with(jobs.append)
    forms(line)
    finishes = []
    jobs[0](lambda: False, finishes.append)
    for finish in finishes:
        finish()
    shown = forms(line)[0]["forms"]
    assert shown[0]["name"] == "as trained"
    assert len({(form["text"], str(form["constants"])) for form in shown}) == len(shown)
    assert "rounded" not in [form["name"] for form in shown]


def test_a_training_waits_for_no_forms(line):
    line.apply(Start())
    assert forms(line)[0] == {"forms": [], "busy": False, "current": False}


def test_a_thread_works_them_out_and_sends_them(line, no_thread_left):
    with KANExplorer(line.model, line.data, driver="thread") as explorer:
        session = explorer._session
        explorer._driver.ask(lambda: forms(session))
        explorer._driver.join_workers()
        assert explorer._driver.ask(lambda: forms(session))[0]["current"]


@pytest.mark.parametrize(
    ("value", "error", "text"),
    [
        (0.12034, 0.00012, "0.1203±0.0001"),
        (-54173456.7, 8e6, "(−5.4±0.8)·107"),
        (3.043e6, 8e4, "(3.04±0.08)·106"),
        (1.0, float("inf"), "1 (any value)"),
    ],
)
def test_constants_are_typeset_with_their_errors(value, error, text):
    assert texts(value_and_error(value, error)) == text


def test_the_error_of_a_form_is_that_of_the_status_line(line):
    """One state has one error: on the held-out rows, in the target's unit."""
    (trained, *_) = form_rows(line, line.model)
    assert trained["error"] == pytest.approx(status(line, "blocking", None)["test"], rel=1e-9)


def test_forms_of_classes_are_scores_said_in_words():
    x = torch.linspace(-1, 1, 80, dtype=torch.float64)[:, None]
    with KANExplorer(
        KAN([1, 2], seed=0), Dataset(x, (x[:, 0] + 0.3 * torch.sin(9 * x[:, 0]) > 0).long()), loss="cross_entropy"
    ) as explorer:
        explorer.fix("x", edge=(0, 0, 0))
        explorer.fix("x", edge=(0, 0, 1))
        rows = list(form_rows(explorer._session, explorer.model))
    assert rows[0]["meaning"]
    assert all(row["error"] > 0 for row in rows)


def test_the_formula_step_shows_its_result_at_once(line):
    line.view.work_out_with(lambda job: None)
    fit_formula(line)
    (row,) = forms(line)[0]["forms"]
    assert (row["name"], row["text"]) == ("rounded", "way = 2.34*time")


def test_the_formula_step_shows_its_result_again_after_a_return(line):
    fit_formula(line)
    line.apply(Unfix((0, 0, 0)))
    assert line.formula_result is None
    line.apply(Undo())
    assert line.formula_result.text == "way = 2.34*time"


def test_forms_say_which_one_is_to_be_preferred(line):
    rows = {row["name"]: row["verdict"] for row in form_rows(line, line.model)}
    assert rows["as trained"] == ""
    assert rows["rounded"] == "preferred: as good as trained within the noise"


def test_a_form_that_is_worse_says_so(line):
    form = FormulaForm("rounded", ("way",), (2.6 * sympy.Symbol("time"),), [sympy.Symbol("time")], {}, 0.0, {})
    train(line, 5)
    _, as_good = form_figures(form, line.model, line.data)
    assert not as_good


def test_errors_of_forms_are_those_of_the_status_line_also_with_weights():
    x = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    weight = torch.linspace(0.1, 2, 20, dtype=torch.float64)
    y = x + 0.3 * (9 * x).sin()
    with KANExplorer(
        KAN([1, 1], grid=3), Dataset(x[::2], y[::2], x[1::2], y[1::2], test_weight=weight), driver="blocking"
    ) as explorer:
        explorer.step(5)
        session = explorer._session
        expressions, variables = symbolic_formula(explorer.model, session.in_vars)
        form = FormulaForm("as trained", ("y",), tuple(expressions), list(variables), {}, 0.0, {})
        error, as_good = form_figures(form, explorer.model, session.data)
        assert error == pytest.approx(session.run.last_record.test_loss, rel=1e-9)
        assert as_good


def test_a_job_gives_up_on_a_network_that_is_gone(line):
    jobs, finishes = [], []
    line.view.work_out_with(jobs.append)
    forms(line)
    line.run.network_changed()
    jobs[0](lambda: False, finishes.append)
    assert len(finishes) == 1
