"""Simplification as a longer act: in bits, live, to be paused, undone as one, and repeated by the script."""

import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.core import EdgeRef
from kanwidget.explorer.commands import guide as guide_commands
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.guide import FitFormula, Simplify
from kanwidget.explorer.commands.history import Goto, Redo, Undo
from kanwidget.explorer.commands.training import Pause, Set
from kanwidget.explorer.commands.view import Select
from kanwidget.explorer.describe.guide import guide
from kanwidget.explorer.describe.snapshot import status
from kanwidget.explorer.guide.steps import guidance
from kanwidget.explorer.session.undo import copied
from kanwidget.simplification import SimplificationStep
from tests.unit.explorer.states import everything, network, train


@pytest.fixture(autouse=True)
def worker(session):
    session.view.work_out_with(lambda job: job(lambda: False, lambda _: None))


@pytest.fixture
def bits(monkeypatch):
    """Three bits of a simplification: an edge goes, nothing is found, another edge goes; then the last one."""

    def steps(model, data, **options):
        for number, (kind, improved) in enumerate(
            (("prune", True), ("shape", False), ("replace", True), ("refit", True))
        ):
            if improved and kind != "refit":
                model = copied(model)
                model.remove_edge(0, 0, number)
            yield SimplificationStep(kind, f"bit {number}", model, 0.5, improved)

    monkeypatch.setattr(guide_commands, "simplify_steps", steps)


def pruned(session):
    return [ref for ref in session.model.edge_refs() if session.model.layer(ref.layer).state(*ref[1:]) == "pruned"]


def labels(session):
    return [node.label for node in session.tree.nodes.values()]


def to_the_end(session):
    while session.running:
        session.advance(0.0)


def test_every_bit_that_finds_something_is_a_chip_and_one_undo_takes_all_back(session, bits):
    train(session, 2)
    before = network(session.model)
    session.apply(Simplify())
    assert session.running
    to_the_end(session)
    assert session.run.state == "paused"
    assert labels(session)[-3:] == ["prune", "functions", "simplified"]
    assert pruned(session) == [EdgeRef(0, 0, 0), EdgeRef(0, 0, 2)]
    after = network(session.model)
    session.apply(Undo())
    assert network(session.model) == before
    session.apply(Redo())
    assert network(session.model) == after


def test_between_two_bits_others_have_their_turn(session, bits):
    session.apply(Simplify())
    session.advance(0.0)
    assert session.process.sentence == "Simplifying. Bit 0."
    assert guidance(session).act is None
    assert guidance(session).sentence == "Simplifying. Bit 0."
    assert status(session, "thread")["process"] == "simplifying"
    session.apply(Select((EdgeRef(1, 0, 0),)))  # it goes on
    assert session.running
    to_the_end(session)
    assert "simplified" in labels(session)
    assert "process" not in status(session, "thread")


def test_a_pause_keeps_what_is_found_and_the_script_repeats_so_much(session, bits):
    session.apply(Simplify())
    session.advance(0.0)
    session.advance(0.0)
    session.apply(Pause())
    assert session.run.state == "paused"
    assert session.process is None
    assert pruned(session) == [EdgeRef(0, 0, 0)]
    assert session.script.statements() == ["explorer.simplify(bits=2)"]
    assert guidance(session).act.step in ("train", "simplify")


def test_another_act_ends_it_first(session, bits):
    session.apply(Simplify())
    session.advance(0.0)
    session.apply(Fix(EdgeRef(1, 1, 0), "x"))
    assert session.process is None
    assert session.script.statements() == ["explorer.simplify(bits=1)", "explorer.fix('x', edge=(1, 1, 0))"]
    session.apply(Undo())  # of the fix alone
    assert pruned(session) == [EdgeRef(0, 0, 0)]


def test_so_many_bits_are_the_same_again(session, bits):
    session.apply(Simplify(2))
    to_the_end(session)
    assert pruned(session) == [EdgeRef(0, 0, 0)]
    assert session.script.statements() == ["explorer.simplify(bits=2)"]


def test_a_script_in_the_middle_says_how_far_it_has_come(session, bits):
    session.apply(Simplify())
    session.advance(0.0)
    assert session.script.statements() == ["explorer.simplify(bits=1)"]
    to_the_end(session)
    assert session.script.statements() == ["explorer.simplify()"]


def test_an_error_pauses_and_keeps_what_is_found(session, monkeypatch):
    def steps(model, data, **options):
        model = copied(model)
        model.remove_edge(0, 0, 0)
        yield SimplificationStep("prune", "one edge", model, 0.5, True)
        raise ValueError("no more")

    monkeypatch.setattr(guide_commands, "simplify_steps", steps)
    session.apply(Simplify())
    session.advance(0.0)
    with pytest.raises(ValueError, match="no more"):
        to_the_end(session)
    assert session.run.state == "paused"
    assert pruned(session) == [EdgeRef(0, 0, 0)]


def test_it_begins_with_the_penalty_that_is_set_and_ends_without(session, monkeypatch):
    begun = []

    def steps(model, data, *, lamb, **_):
        begun.append(lamb)
        yield SimplificationStep("refit", "the constants", model, 0.5, True)

    monkeypatch.setattr(guide_commands, "simplify_steps", steps)
    session.run.set({"lamb": 0.02})
    session.apply(Simplify())
    to_the_end(session)
    assert begun == [0.02]
    assert session.run.trainer.settings.lamb == 0.0
    session.apply(Simplify())
    to_the_end(session)
    assert begun[1] == guide_commands.LAMB


def test_a_pause_breaks_off_the_work_on_its_thread(no_thread_left):
    with KANExplorer.demo("product", driver="thread") as explorer:
        explorer._driver.start(Simplify())
        explorer.pause()
        assert explorer.status["state"] == "paused"
        explorer._driver.join_workers()


def test_a_replayed_script_comes_to_the_same_network(data, bits):
    with KANExplorer(KAN([2, 3, 1], seed=2), data, driver="blocking") as explorer:
        explorer.step(5)
        explorer.simplify()
        text, result = explorer.code(), explorer.model
    names = {"data": data}
    exec(compile(text, "session.py", "exec"), names)
    assert network(names["model"]) == network(result)
    assert torch.equal(names["model"](data.test_input), result(data.test_input))
    names["explorer"].close()


def test_the_penalty_goes_back_and_forth_with_the_simplification(session, bits):
    session.run.set({"lamb": 0.02})
    train(session, 2)
    before = everything(session)[:5]
    session.apply(Simplify())
    to_the_end(session)
    assert session.run.trainer.settings.lamb == 0.0
    after = everything(session)[:5]
    session.apply(Undo())
    assert session.run.trainer.settings.lamb == 0.02
    assert everything(session)[:5] == before
    session.apply(Redo())
    assert session.run.trainer.settings.lamb == 0.0
    assert everything(session)[:5] == after
    session.apply(Goto(0))
    assert session.run.trainer.settings.lamb == 0.02


def test_the_penalty_belongs_to_its_problem(bits):
    with KANExplorer.demo("ripples", driver="blocking", lamb=0.02) as explorer:
        explorer.step(1)
        explorer.simplify()
        explorer.use_example("product")
        of_product = explorer.lamb
        explorer.undo(2)
        assert explorer.lamb == 0.02
        explorer.redo()
        explorer.redo()
        assert explorer.lamb == of_product
        explorer.undo()
        assert explorer.lamb == 0.0


def test_a_penalty_that_a_person_sets_belongs_to_no_act(session):
    session.apply(Fix((0, 0, 0), "sin"))
    session.apply(Set(lamb=0.3))
    session.apply(Undo())
    assert session.run.trainer.settings.lamb == 0.3


def test_curves_that_stay_are_no_formula_and_the_nearest_law_is_named(session, monkeypatch):
    def steps(model, data, **options):
        yield SimplificationStep("refit", "the constants", copied(model), 0.5, True, "2*a, held-out error 0.7")

    monkeypatch.setattr(guide_commands, "simplify_steps", steps)
    train(session, 2)
    session.apply(Simplify())
    to_the_end(session)
    sentence = "No short formula found: 9 edges stay curves. Nearest law: 2*a, held-out error 0.7."
    assert guidance(session).sentence == sentence
    session.apply(FitFormula())
    to_the_end(session)
    assert session.formula_result is not None
    assert guidance(session).sentence in (sentence, f"No fitted constants: {session.formula_result.sentence}")
    assert "formula" not in [step["name"] for step in guide(session)["steps"] if step["done"]]
    (notice,) = [notice for notice in guide(session)["notices"] if notice["name"] == "unexplained"]
    assert "noise" not in notice["text"]
