"""The next sensible act on the way from data to a formula, as the page highlights it and `follow` carries it out."""

import dataclasses

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.core import StepRecord
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.guide import Train
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.commands.training import Pause, Start, Step
from kanwidget.explorer.describe.guide import guide
from kanwidget.explorer.describe.panels.forms import computed_forms
from kanwidget.explorer.guide.discovery import network_error
from kanwidget.explorer.guide.progress import progress
from kanwidget.explorer.guide.steps import STEPS, guidance
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.training_run import FLAT
from kanwidget.explorer.session.view import FormulaForms
from kanwidget.insight.yardsticks import Score, Yardsticks
from kanwidget.simplification.laws import Rival
from tests.unit.explorer.states import everything, fit_formula, train


def to_the_end(session):
    while session.running:
        session.advance(10.0)


def falling(session, count=40, flat=0, test=None):
    """Records of a training that wasn't: errors that fall, then stay."""
    errors = [0.5**i for i in range(count)] + [0.5**count] * flat
    session.run.records = [
        StepRecord(i, error, error if test is None else test[i - 1], 0.0, 0.0) for i, error in enumerate(errors, 1)
    ]
    session.run.last_record = session.run.records[-1]
    session.run.state = "paused"


def test_each_step_is_a_message_that_a_command_reads():
    for _, _, message in STEPS:
        assert len(parse(message)) == 1


def test_at_first_it_is_to_train(session):
    found = guidance(session)
    assert (found.act.step, found.act.label) == ("train", "Train")
    assert found.act.sentence == found.sentence


@pytest.mark.parametrize("log", [[], ["y"]])
def test_the_error_of_a_network_counts_in_the_unit_of_formulas(log):
    x = torch.linspace(1, 3, 40, dtype=torch.float64)[:, None]
    test = x[1::2] + 0.01
    session = Session(KAN([1, 1], log=log), Dataset(x[::2], (4 * x[::2]).exp(), test, (4 * test).exp(), out_vars=["y"]))
    train(session, 3)
    difference = session.model.predict(test) - (4 * test).exp()
    assert network_error(session) == pytest.approx(float(difference.square().mean().sqrt()), rel=1e-9)
    assert (network_error(session) == session.run.last_record.test_loss) != bool(log)


def test_the_error_of_a_network_counts_rows_by_their_weights():
    x = torch.linspace(1, 3, 40, dtype=torch.float64)[:, None]
    y, weight = (4 * x).exp(), torch.ones(40, dtype=torch.float64)
    y[3], weight[3] = 1e9, 0.0
    session = Session(KAN([1, 1], log=["y"]), Dataset(x, y, out_vars=["y"], train_weight=weight))
    train(session, 8)
    assert network_error(session) < 1e6


def test_asking_changes_nothing(session):
    train(session, 3)
    before = everything(session)
    guidance(session)
    guide(session)
    assert everything(session) == before


def test_training_until_it_is_flat_pauses_by_itself_and_the_script_repeats_it(model, data):
    session = Session(model, data, evidence=False)
    session.apply(Train())
    assert guidance(session).act is None
    assert "pauses by itself" in guidance(session).sentence
    to_the_end(session)
    assert (session.run.state, session.run.stop_reason) == ("paused", FLAT)
    steps = session.run.last_record.step
    assert steps <= 300
    # It has ended at its best step.
    count = len(session.tree.nodes[1].latest.records)
    assert session.script.statements() == [f"explorer.step({count})", "explorer.back_to_best()"]
    record = session.run.last_record
    assert record.test_loss == min(other.test_loss for other in session.tree.nodes[1].latest.records)
    assert guidance(session).sentence == f"Kept step {steps}, where the test error was least: simplify, or stop here."


def test_with_evidence_no_return_is_worth_what_is_chance(data):
    session = Session(KAN([2, 3, 1], grid=3, k=3, seed=2), data)
    session.apply(Train())
    to_the_end(session)
    assert len(session.script.statements()) == 1
    least = min(record.test_loss for record in session.run.records)
    assert least < session.run.last_record.test_loss <= least / 0.9


def test_trained_on_it_goes_some_way_before_it_is_flat_again(model, data):
    session = Session(model, data, evidence=False)
    session.apply(Train())
    to_the_end(session)
    count, steps = len(session.script.statements()), session.run.last_record.step
    session.apply(Train())
    to_the_end(session)
    further = session.script.entries[count]
    assert steps + further > 30
    assert further > 30 or session.run.stop_reason in ("converged", "stalled")


def test_a_session_with_a_number_of_steps_takes_these_at_most(model, data):
    session = Session(model, data, steps=7)
    session.apply(Train())
    to_the_end(session)
    assert session.run.last_record.step == 7


def test_while_the_error_falls_it_is_to_train_on(session):
    falling(session)
    found = guidance(session)
    assert (found.act.step, found.act.label) == ("train", "Train on")
    first = guide(session)["steps"][0]
    assert (first["name"], first["next"], first["done"]) == ("train", True, False)


def test_a_flat_error_asks_for_simplification_and_says_for_how_long(session):
    falling(session, 20, flat=60)
    assert guidance(session).sentence == "Test error has been flat for 59 steps: simplify, or stop here."
    session.run.state = "running"
    assert guidance(session).act.step == "simplify"


def test_a_risen_error_says_since_when(session):
    falling(session, 40, test=[1.0, 0.1, *[0.5] * 38])
    assert guidance(session).sentence == "Test error has risen since step 2: simplify, or stop here."


def test_an_ended_training_asks_for_simplification(session):
    falling(session)
    session.run.state, session.run.stop_reason = "done", "converged"
    assert guidance(session).sentence == "The training has converged: simplify, or stop here."


def test_a_network_of_functions_asks_for_its_formula_and_then_it_is_done(session):
    falling(session)
    for edge in session.model.edge_refs(active=True):
        session.apply(Fix(edge, "x"))
    found = guidance(session)
    assert (found.act.step, found.sentence) == (
        "formula",
        "Every edge is a function: fit the formula's constants to the data.",
    )
    before = everything(session)
    fit_formula(session)
    after = everything(session)
    assert after[:-2] == before[:-2]
    assert after[-2] == [*before[-2], "explorer.fit_formula()"]
    done = guidance(session)
    assert done.act is None
    assert done.sentence.startswith("Done: y = ")
    train(session, 1)
    assert guidance(session).act.step == "formula"  # it is another network now


def test_several_outputs_have_a_formula_each():
    x = torch.rand(30, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    session = Session(KAN([1, 2]), Dataset(x, torch.cat([x, 2 * x], 1)))
    for edge in session.model.edge_refs(active=True):
        session.apply(Fix(edge, "x"))
    fit_formula(session)
    assert guidance(session).sentence == "Done: y_1 = x_1; y_2 = 2*x_1."


def test_a_formula_that_cannot_be_fitted_says_why_and_asks_no_more(session, monkeypatch):
    def refuse(*_):
        raise ValueError("for a reason.")

    monkeypatch.setattr(KAN, "fit_formula", refuse)
    for edge in session.model.edge_refs(active=True):
        session.apply(Fix(edge, "x"))
    fit_formula(session)
    assert guidance(session).act is None
    assert guidance(session).sentence == "No fitted constants: for a reason."


def test_losses_that_are_not_finite_ask_for_nothing(session):
    falling(session)
    session.run.stop_reason = "stalled: the loss is not finite"
    assert guidance(session).act is None


def test_the_page_is_told_the_same(session):
    falling(session, 20, flat=60)
    told = guide(session)
    assert told["sentence"] == guidance(session).sentence
    assert [(step["name"], step["next"], step["done"]) for step in told["steps"]] == [
        ("train", False, True),
        ("simplify", True, False),
        ("formula", False, False),
    ]
    assert [parse(step["command"])[0].action for step in told["steps"]] == ["train", "simplify", "formula"]


def test_an_undo_leads_back_on_the_way(session):
    falling(session, 20, flat=60)
    session.apply(Fix(session.model.edge_refs()[0], "x"))
    session.apply(Undo())
    assert guidance(session).act.step in ("train", "simplify")


def test_a_started_training_is_not_the_one_that_pauses_by_itself(session):
    session.apply(Start())
    assert "Pause it" in guidance(session).sentence
    session.apply(Pause())
    session.apply(Step(2))
    to_the_end(session)
    assert session.run.stop_reason == "steps done"


def test_a_formula_of_curves_alone_ticks_nothing_and_asks_for_simplification(session):
    falling(session, 20, flat=60)
    fit_formula(session)
    steps = {step["name"]: step["done"] for step in guide(session)["steps"]}
    assert steps == {"train": True, "simplify": False, "formula": False}
    assert guidance(session).act.step == "simplify"
    assert "names curves" in guidance(session).sentence


def test_what_else_the_rows_allow_is_said_of_the_state_that_it_holds_for(session):
    for edge in session.model.edge_refs(active=True):
        session.apply(Fix(edge, "x"))
    rival = Rival("3·x_1^2", "also possible by these rows: 3·x_1^2 (RMSE 2, the best one's 1.9 on the training rows)")
    session.state_rows.rivals[session.state] = (rival, Rival("x_1", "also possible by these rows: x_1 (…)"))
    fit_formula(session)
    assert guidance(session).sentence.endswith(". Also possible by these rows: 3·x_1^2, and 1 more: see Formula.")
    (rounded,) = (row for row in computed_forms(session)["forms"] if row["name"] == "rounded")
    assert rounded["meaning"].splitlines()[-2:] == [rival.sentence, "also possible by these rows: x_1 (…)"]
    train(session, 1)
    fit_formula(session)
    assert "lso possible" not in guidance(session).sentence + str(computed_forms(session)["forms"])


def test_rivals_of_a_formula_that_has_one_form_stand_under_that(session):
    session.state_rows.rivals[session.state] = (Rival("x_1", "also possible by these rows: x_1 (…)"),)
    row = {"name": "as trained", "meaning": "", "text": "y = x_1^2", "constants": []}
    session.view.keep_forms(FormulaForms(session.version, (row,)))
    assert [form["meaning"] for form in computed_forms(session)["forms"]] == ["also possible by these rows: x_1 (…)"]


@pytest.mark.parametrize(("explained", "searches"), [(0.9, True), (0.5, False)])
def test_curves_that_explain_much_lead_to_a_longer_search(session, monkeypatch, explained, searches):
    falling(session, 20, flat=60)
    fit_formula(session)
    sticks = Yardsticks(Score(explained, 0.1), None, None, None, None, True)
    monkeypatch.setattr(type(session.richer), "yardsticks", sticks)
    now = progress(session)
    monkeypatch.setattr("kanwidget.explorer.guide.steps.progress", lambda _: dataclasses.replace(now, simplified=True))
    found = guidance(session)
    assert found.sentence.startswith("No short formula found: ")
    assert (found.act is not None and found.act.step == "discover") is searches


# ---- from Python


@pytest.mark.slow
def test_following_the_acts_leads_from_data_to_the_exact_formula():
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(120, 2, generator=generator, dtype=torch.float64) - 1
    data = Dataset(x[:80], x[:80, [0]] ** 2 + 3 * x[:80, [1]], x[80:], x[80:, [0]] ** 2 + 3 * x[80:, [1]])
    with KANExplorer(KAN([2, 1, 1]), data, driver="blocking", lib=["x", "x^2"], steps=60) as explorer:
        followed = []
        while act := explorer.next_act():
            followed.append(act.step)
            explorer.follow(act)
            assert len(followed) < 10
        assert followed[-2:] == ["simplify", "formula"]
        assert set(followed[:-2]) == {"train"}
        assert str(explorer.fitted_formula) == "y = x_1**2 + 3*x_2"
        assert explorer.status["test"] < 1e-9


def test_an_act_is_what_next_act_gives():
    with KANExplorer.demo("product", driver="blocking") as explorer:
        with pytest.raises(TypeError, match=r"`act` argument of follow must be an act"):
            explorer.follow("train")
        act = explorer.next_act()
        with pytest.raises(dataclasses.FrozenInstanceError):
            act.label = "other"
