"""Acts that come while one of the three steps is at work: refused or with a notice, never half."""

import pytest

from kanwidget.explorer.commands import guide as commands
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.extension import Extend
from kanwidget.explorer.commands.guide import FitFormula, FormulaResult, Simplify, Train
from kanwidget.explorer.commands.training import Pause, Set
from kanwidget.explorer.describe.guide import guide
from kanwidget.explorer.describe.snapshot import status
from tests.unit.explorer.states import fit_formula, train


@pytest.fixture
def waiting(session):
    """The longer acts that were begun; the test carries them out, or not."""
    jobs = []
    session.view.work_out_with(jobs.append)
    return jobs


def buttons(session):
    return {step["name"]: (step["label"], step.get("hint")) for step in guide(session)["steps"]}


@pytest.mark.parametrize("step", [Train(), Simplify(), FitFormula()])
def test_the_step_at_work_can_be_stopped_and_the_others_say_why_they_wait(session, waiting, step):
    train(session, 2)
    session.apply(step)
    words = buttons(session)
    at_work = words.pop(step.action)
    assert at_work == ("Stop", "Stop here: the best so far is kept")
    label = {"train": "Train", "simplify": "Simplify", "formula": "Formula"}[step.action]
    assert {hint for _, hint in words.values()} == {f"{label} is at work: wait for its end, or stop it first"}
    assert status(session, "thread")["state"] == "running"
    session.apply(Pause())
    assert not session.running
    assert {hint for _, hint in buttons(session).values()} == {None}


def test_a_click_on_another_step_is_refused_and_the_search_goes_on(session, waiting):
    session.apply(Simplify())
    with pytest.raises(ValueError, match="Simplify is at work, so nothing was done"):
        FitFormula().check_stamps(session, {})
    assert session.process is not None


@pytest.mark.parametrize("step", [Train(), Simplify(), FitFormula(), Extend()])
def test_a_second_click_on_a_step_at_work_asks_for_what_is_done(session, waiting, step):
    assert not step.repeats(session)
    session.apply(step)
    assert [each for each in (Train(), Simplify(), FitFormula(), Extend()) if each.repeats(session)] == [step]


def test_training_is_refused_while_grids_are_extended(session, waiting):
    session.apply(Extend())
    assert not Train().repeats(session)
    with pytest.raises(ValueError, match="Train is at work, so nothing was done"):
        Train().check_stamps(session, {})


@pytest.mark.parametrize("step", [Train(), Simplify(), FitFormula()])
def test_a_step_that_was_clicked_on_another_structure_is_refused(session, step):
    step.check_stamps(session, {"structure": session.structure_id})
    with pytest.raises(ValueError, match="the network has changed since this was clicked"):
        step.check_stamps(session, {"structure": session.structure_id + 1})


def test_an_act_stops_the_search_and_a_notice_says_so(session, waiting):
    session.apply(Simplify())
    session.apply(Fix((0, 0, 0), "sin"))
    assert session.view.announcement.title == "Simplify was stopped by another act"
    assert session.view.announcement.message == "It had found nothing yet."
    assert session.script.statements() == ["explorer.fix('sin', edge=(0, 0, 0))"]  # nothing was simplified


def test_a_pause_needs_no_notice(session, waiting):
    session.apply(Simplify())
    session.apply(Pause())
    assert session.view.announcement is None


def test_a_formula_that_was_stopped_is_never_kept(session, waiting, monkeypatch):
    monkeypatch.setattr(commands, "fit_formula", lambda model, data: FormulaResult(None, "y = 1"))
    session.apply(FitFormula())
    (job,) = waiting
    session.apply(Set(lamb=0.1))
    assert session.view.announcement.title == "Formula was stopped by another act"
    job(lambda: False, lambda _: None)
    session.advance(0.0)
    assert session.formula_result is None
    assert "explorer.fit_formula()" not in session.script.statements()


def test_a_formula_is_a_line_of_the_script(session):
    for edge in session.model.edge_refs(active=True):
        session.apply(Fix(edge, "x"))
    fit_formula(session)
    assert session.script.statements()[-1] == "explorer.fit_formula()"
