"""The search for formulas: beside the network, to be held and ended; a formula becomes the network in one act."""

import threading
from dataclasses import replace

import pytest
import torch

import kanwidget.discovery
from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.commands.discovery.search import FindFormulas, PauseSearch, ResumeSearch, StopSearch
from kanwidget.explorer.commands.discovery.use_formula import UseFormula
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.guide import Simplify
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.commands.training import Pause, UsePreset
from kanwidget.explorer.describe.guide import guide
from kanwidget.explorer.describe.panels.discovery import discovery
from kanwidget.explorer.guide.steps import guidance
from kanwidget.explorer.session.background.formula_search import SearchNews
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.searches import BETTER, SIMPLE, FakeSearch, FakeStep, equation, usual_steps
from tests.unit.explorer.states import everything, network, train
from tests.unit.explorer.threads import eventually


@pytest.fixture
def search(monkeypatch):
    fake = FakeSearch(usual_steps())
    monkeypatch.setattr(kanwidget.discovery, "discover_steps", fake)
    return fake


@pytest.fixture
def workers(session):
    """The searches that threads would do: the test carries them out, or not."""
    jobs = []
    session.view.work_out_with(jobs.append, has_threads=True)
    return jobs


def to_the_end(session):
    while session.running:
        session.advance(0.0)


def panel(session):
    return discovery(session)[0]


def texts(session):
    return [formula["text"] for formula in panel(session)["formulas"]]


# ---- without threads


def test_it_goes_on_bit_by_bit_and_says_what_it_does(session, search):
    before = network(session.model)
    session.apply(FindFormulas(20.0, seed=3))
    assert session.running
    assert guide(session)["search"]["label"] == "Pause search"
    session.advance(0.0)
    assert panel(session)["sentence"] == guidance(session).sentence == "Trying short laws"
    assert texts(session) == ["2.5*x_1"]
    to_the_end(session)
    content = panel(session)
    assert (content["state"], content["findings"], content["of"]) == ("done", ["x_2 hardly matters"], 20.0)
    assert texts(session) == ["2.5*x_1", "2.5*x_1 + 0.125*x_2^2"]
    assert content["best"] == content["formulas"][1]["id"]
    assert content["sentence"].startswith("2 formulas in 2 s, the likeliest marked. Click one")
    assert network(session.model) == before
    assert session.script.statements() == []
    (data, options) = search.asked[0]
    assert data.in_vars == session.in_vars
    assert options == {"seconds": 20.0, "seed": 3, "steps": None, "lib": None}


def test_a_network_that_errs_less_than_every_formula_is_named(session, search):
    session.apply(FindFormulas(20.0, seed=3))
    to_the_end(session)
    assert "errs less" not in str(panel(session)["findings"])
    train(session, 30)
    error, least = session.run.last_record.test_loss, min(formula["error"] for formula in panel(session)["formulas"])
    assert f"your network errs less: {error:.3g} beside {least:.3g}" in panel(session)["findings"]


def test_errors_of_a_logarithm_are_not_compared_with_those_of_formulas(data, search):
    positive = replace(data, train_label=data.train_label.exp(), test_label=data.test_label.exp())
    session = Session(KAN([2, 3, 1], log=["y"], grid=3, seed=1), positive)
    session.apply(FindFormulas(20.0, seed=3))
    to_the_end(session)
    train(session, 30)
    assert session.run.last_record.test_loss < 0.5 * min(formula["error"] for formula in panel(session)["formulas"])
    assert "errs less" not in str(panel(session)["findings"])


def test_rivals_of_the_best_formula_stand_beside_it(session, search):
    rival = equation("2.75*x_1", 5.0)
    search.steps = [FakeStep("finding", "also possible: …", (SIMPLE, BETTER), BETTER, rivals=(rival, SIMPLE))]
    session.apply(FindFormulas(20.0))
    to_the_end(session)
    assert texts(session) == ["2.5*x_1", "2.75*x_1", "2.5*x_1 + 0.125*x_2^2"]
    content = panel(session)
    assert content["best"] == content["formulas"][2]["id"]
    session.apply(UseFormula(content["formulas"][1]["id"]))
    assert panel(session)["current"] == content["formulas"][1]["id"]


def test_label_noise_and_the_library_count(model, data, search):
    session = Session(model, data, lib=["x", "sin"])
    session.run.set({"noise": 0.5})
    session.apply(FindFormulas())
    to_the_end(session)
    (found, options) = search.asked[0]
    assert torch.equal(found.train_label, session.run.trainer.data.train_label)
    assert options["lib"] == ("x", "sin")


def test_another_act_holds_it_and_it_goes_on_from_there(session, search):
    session.apply(FindFormulas())
    session.advance(0.0)
    session.apply(Fix((0, 0, 0), "sin"))
    assert not session.running
    assert session.view.announcement.message == "Its formulas stay, and it can go on."
    assert (panel(session)["state"], guide(session)["search"]["label"]) == ("paused", "Search on")
    assert panel(session)["sentence"] == "Paused after less than 1 s: 1 formula so far"
    session.apply(ResumeSearch())
    to_the_end(session)
    assert panel(session)["state"] == "done"
    assert len(texts(session)) == 2
    assert len(search.asked) == 1


@pytest.mark.parametrize("command", [Pause(), PauseSearch()])
def test_a_pause_needs_no_notice(session, search, command):
    session.apply(FindFormulas())
    session.advance(0.0)
    session.apply(command)
    assert not session.running
    assert panel(session)["state"] == "paused"
    assert session.view.announcement is None
    session.apply(ResumeSearch())
    assert session.running


def test_an_end_finishes_the_formulas_and_says_so(session, search):
    session.apply(FindFormulas())
    session.advance(0.0)
    session.apply(StopSearch())
    assert (panel(session)["state"], guide(session)["search"]["label"]) == ("finishing", "Finishing")
    assert panel(session)["sentence"].startswith("Finishing the constants: exact numbers where they are as good")
    session.advance(0.0)
    assert search.ended
    to_the_end(session)
    content = panel(session)
    assert (content["state"], content["findings"]) == ("stopped", [])  # of the steps left only the last fits were done
    assert texts(session) == ["2.5*x_1", "2.5*x_1 + 0.125*x_2^2"]
    assert session.view.announcement is None


def test_a_second_end_ends_that_too(session, search):
    session.apply(FindFormulas())
    session.advance(0.0)
    session.apply(StopSearch())
    session.apply(StopSearch())
    assert (session.running, panel(session)["state"], texts(session)) == (False, "stopped", ["2.5*x_1"])
    session.apply(ResumeSearch())
    assert not session.running


def test_what_is_held_while_it_finishes_goes_on_to_finish(session, search):
    session.apply(FindFormulas())
    session.advance(0.0)
    session.apply(PauseSearch())
    session.apply(StopSearch())
    assert session.running
    session.apply(Fix((0, 0, 0), "sin"))
    assert panel(session)["state"] == "paused"
    session.apply(ResumeSearch())
    assert panel(session)["state"] == "finishing"
    to_the_end(session)
    assert (panel(session)["state"], len(texts(session))) == ("stopped", 2)


def test_an_end_beside_a_longer_act_leaves_the_formulas_as_they_are(session, search):
    session.apply(FindFormulas())
    session.advance(0.0)
    session.apply(PauseSearch())
    session.apply(Simplify())
    session.apply(StopSearch())
    assert (session.running, panel(session)["state"], texts(session)) == (True, "stopped", ["2.5*x_1"])


def test_it_waits_for_its_turn_where_a_longer_act_is_at_work(session, search):
    session.view.work_out_with(lambda job: None)
    session.apply(Simplify())
    with pytest.raises(ValueError, match="a longer act is at work here"):
        session.apply(FindFormulas())
    assert guidance(session).sentence.startswith("Simplifying")


def test_it_goes_on_when_the_longer_act_is_over(session, search):
    session.apply(FindFormulas())
    session.apply(PauseSearch())
    session.apply(Simplify())
    with pytest.raises(ValueError, match="a longer act is at work here"):
        session.apply(ResumeSearch())
    assert panel(session)["state"] == "paused"
    session.apply(Pause())
    session.apply(ResumeSearch())
    to_the_end(session)
    assert panel(session)["state"] == "done"


@pytest.mark.parametrize("command", [PauseSearch(), ResumeSearch(), StopSearch()])
def test_without_a_search_there_is_nothing_to_do(session, command):
    before = everything(session)
    assert session.apply(command) == frozenset()
    assert everything(session) == before


# ---- beside the session


def test_clicks_go_on_beside_it(session, search, workers):
    session.apply(FindFormulas())
    assert not session.running
    (job,) = workers
    reports = []
    job(lambda: False, reports.append)
    session.apply(Fix((0, 0, 0), "sin"))
    train(session, 1)
    assert session.discoveries.search.state == "searching"
    for report in reports:
        report()
    assert (panel(session)["state"], len(texts(session))) == ("done", 2)
    assert session.view.announcement is None


def test_reports_never_pile_up(session, monkeypatch, workers):
    steps = [FakeStep("trying", f"trying {i} curves", (SIMPLE,), SIMPLE, i / 100) for i in range(500)]
    monkeypatch.setattr(kanwidget.discovery, "discover_steps", FakeSearch(steps))
    session.apply(FindFormulas())
    reports = []
    workers[0](lambda: False, reports.append)
    assert len(reports) == 2  # the first and the last
    for report in reports:
        report()
    assert session.discoveries.search.elapsed == 4.99


def test_an_end_ends_the_work_and_keeps_the_formulas(session, search, workers):
    session.apply(FindFormulas())
    seen = []

    def report(finish):
        finish()
        seen.append(session.discoveries.search.state)
        session.apply(StopSearch())

    workers[0](lambda: False, report)
    assert seen == ["searching", "stopped"]
    assert (search.ended, texts(session)) == (True, ["2.5*x_1", "2.5*x_1 + 0.125*x_2^2"])
    assert guide(session)["search"]["label"] == "Find formulas"


def test_it_rests_while_a_page_is_written(session, search, workers):
    session.apply(FindFormulas())
    discoveries, job = session.discoveries, workers[0]
    reports, going = [], threading.Event()
    worker = threading.Thread(target=lambda: (going.set(), job(lambda: False, reports.append)))
    with discoveries.at_rest():
        worker.start()
        assert going.wait(60)
        eventually(lambda: len(reports) == 1)
        assert worker.is_alive()
    worker.join(60)
    for report in reports:
        report()
    assert panel(session)["state"] == "done"


def test_an_explorer_that_closes_ends_the_work(session, search, workers):
    session.apply(FindFormulas())
    reports = []
    workers[0](lambda: True, reports.append)
    reports[0]()
    assert texts(session) == ["2.5*x_1"]


def test_a_search_that_fails_says_so(session, monkeypatch, workers):
    def broken(data, **options):
        yield usual_steps()[0]
        raise ArithmeticError("no more numbers")

    monkeypatch.setattr(kanwidget.discovery, "discover_steps", broken)
    session.apply(FindFormulas())
    workers[0](lambda: False, lambda finish: finish())
    assert panel(session)["sentence"] == "The search has failed: no more numbers"
    assert guide(session)["search"]["command"] == {"kind": "discover", "action": "start"}


def test_a_call_that_waits_says_that_the_search_has_failed(model, data, monkeypatch):
    def broken(data, **options):
        yield usual_steps()[0]
        raise ArithmeticError("no more numbers")

    monkeypatch.setattr(kanwidget.discovery, "discover_steps", broken)
    with KANExplorer(model, data, driver="blocking") as explorer:
        with pytest.raises(RuntimeError, match="has failed: no more numbers"):
            explorer.discover()
        assert explorer.formulas == [SIMPLE]


def test_ctrl_c_ends_a_call_that_waits_once_the_formulas_are_finished(model, data, monkeypatch):
    class Pressed(FakeSearch):
        def __iter__(self):
            for step in super().__iter__():
                yield step
                if not self.ended:
                    explorer._driver.interrupt()

    search = Pressed(usual_steps())
    monkeypatch.setattr(kanwidget.discovery, "discover_steps", search)
    with KANExplorer(model, data, driver="blocking") as explorer:
        assert explorer.discover() == [SIMPLE, BETTER]
        assert (search.ended, panel(explorer._session)["state"]) == (True, "stopped")


def test_late_news_of_a_search_that_was_ended_count_no_more(session, search, workers):
    session.apply(FindFormulas())
    reports = []
    session.discoveries.search._tell(SearchNews("formula", "", 1.0, ()), reports.append)
    session.apply(FindFormulas())
    workers[1](lambda: False, lambda finish: finish())
    assert len(texts(session)) == 2
    workers[0](lambda: False, reports.append)
    for report in reports:
        report()
    assert (panel(session)["state"], len(texts(session))) == ("done", 2)


def test_a_search_that_is_over_lets_go_of_what_it_has_worked_with(session, monkeypatch):
    closed = []

    def endless(data, **options):
        try:
            while True:
                yield usual_steps()[0]
        finally:
            closed.append(True)

    monkeypatch.setattr(kanwidget.discovery, "discover_steps", endless)
    session.apply(FindFormulas())
    session.advance(0.0)
    assert not closed
    session.apply(StopSearch())
    session.apply(StopSearch())
    assert closed


def test_other_data_hold_it_and_their_formulas_are_never_mistaken(search):
    with KANExplorer.demo("product", driver="blocking") as explorer:
        session = explorer._session
        session.apply(FindFormulas())
        to_the_end(session)
        before = [formula["id"] for formula in panel(session)["formulas"]]
        session.view.work_out_with(lambda job: None, has_threads=True)
        session.apply(FindFormulas())
        session.apply(UsePreset("ripples"))
        assert (session.discoveries.search.state, panel(session)["state"]) == ("paused", "idle")
        session.view.work_out_with(lambda job: job(lambda: False, lambda finish: finish()), has_threads=True)
        session.apply(FindFormulas())
        assert not {formula["id"] for formula in panel(session)["formulas"]} & set(before)
        session.apply(Undo())
        assert [formula["id"] for formula in panel(session)["formulas"]] == before


def test_a_second_search_adds_to_the_first_and_numbers_stay(session, search, workers):
    session.apply(FindFormulas())
    workers[0](lambda: False, lambda finish: finish())
    numbers = [formula["id"] for formula in panel(session)["formulas"]]
    search.steps = [FakeStep("formula", "x_1", (SIMPLE,), SIMPLE)]
    session.apply(FindFormulas())
    workers[1](lambda: False, lambda finish: finish())
    assert [formula["id"] for formula in panel(session)["formulas"]] == numbers


# ---- what can't be searched


def test_classes_and_several_targets_are_refused_in_plain_words(search):
    classes = Session(KAN([1, 2]), Dataset([[0.0], [1.0], [2.0]], torch.tensor([0, 1, 1])))
    with pytest.raises(ValueError, match="this target has classes"):
        classes.apply(FindFormulas())
    assert "classes" in guide(classes)["search"]["hint"]
    x = torch.rand(20, 1, dtype=torch.float64)
    several = Session(KAN([1, 2]), Dataset(x, torch.cat([x, -x], 1), out_vars=("a", "b")))
    with pytest.raises(ValueError, match="this table has 2: a, b"):
        several.apply(FindFormulas())
    assert panel(several)["obstacle"] == panel(several)["sentence"]
    for session in (classes, several):
        with pytest.raises(ValueError, match=r"Formulas are searched for (numbers|one target)"):
            session.apply(UseFormula(source="x_1"))


# ---- loading


def test_a_formula_becomes_the_network_in_one_act(session, search):
    train(session, 2)
    before = network(session.model)
    session.apply(FindFormulas())
    to_the_end(session)
    (command,) = parse({"kind": "use_formula", "id": panel(session)["formulas"][1]["id"]})
    session.apply(command)
    x = session.data.test_input
    with torch.no_grad():
        assert torch.allclose(session.model(x)[:, 0], 2.5 * x[:, 0] + 0.125 * x[:, 1] ** 2)
    assert panel(session)["current"] == command.id
    assert session.tree.nodes[session.tree.current].label == "2.5·x₁ + 0.125·x₂^2"
    assert session.script.statements()[-1] == "explorer.use_formula('2.5*x_1 + 0.125*x_2**2')"
    assert guidance(session).act.step == "formula"
    session.apply(Undo())
    assert network(session.model) == before
    assert panel(session)["current"] is None


def test_a_formula_that_a_better_one_has_replaced_can_still_be_loaded(session, search):
    search.steps = [FakeStep("formula", "", (SIMPLE,)), FakeStep("formula", "", (BETTER,))]
    session.apply(FindFormulas())
    session.advance(0.0)
    number = panel(session)["formulas"][0]["id"]
    to_the_end(session)
    assert texts(session) == ["2.5*x_1 + 0.125*x_2^2"]
    session.apply(UseFormula(number))
    assert session.script.statements() == ["explorer.use_formula('2.5*x_1')"]


def test_a_formula_that_is_not_there_changes_nothing(session):
    before = everything(session)
    with pytest.raises(ValueError, match="no longer there"):
        session.apply(UseFormula(3))
    with pytest.raises(ValueError, match="no part of a formula of x_1, x_2"):
        session.apply(UseFormula(source="__import__('os')"))
    assert everything(session) == before


def test_a_formula_without_values_is_refused_with_its_reason(search):
    x = torch.linspace(1, 6, 20, dtype=torch.float64)[:, None]
    with KANExplorer(KAN([1, 1]), Dataset(x, x, in_vars=("a",)), driver="blocking") as explorer:
        session = explorer._session
        before = everything(session)
        with pytest.raises(ValueError, match=r"`formula` argument of use_formula .* value in every row") as refusal:
            explorer.use_formula("log(a-5)")
        assert "got 'log(a-5)'. It has none in 16 of 20 rows" in str(refusal.value)
        assert "In the data a lies between 1 and 6." in str(refusal.value)
        assert everything(session) == before
        explorer.use_formula("log(a)")


def test_a_call_marks_the_row_of_its_formula(session, search):
    session.apply(FindFormulas())
    to_the_end(session)
    session.apply(UseFormula(source="2.5*x_1"))
    assert panel(session)["current"] == panel(session)["formulas"][0]["id"]


def test_the_script_makes_the_same_network_bit_for_bit(data, model, search):
    with KANExplorer(model, data, driver="blocking") as explorer:
        explorer.step(2)
        (_, formula) = explorer.discover(steps=5)
        explorer.use_formula(formula)
        explorer.step(3)
        script = {"data": data}
        exec(explorer.code(), script)
        with script["explorer"]:
            assert network(script["model"]) == network(explorer.model)


def test_columns_of_any_name_can_be_in_a_formula(search):
    x = torch.rand(40, 2, dtype=torch.float64) + 1
    data = Dataset(x, x[:, :1] * 2, in_vars=("p [bar]", "exp"), out_vars=("n",))
    with KANExplorer(KAN([2, 1]), data, driver="blocking") as explorer:
        import sympy

        explorer.use_formula(2.0 * sympy.Symbol("p [bar]") + sympy.Symbol("exp"))
        assert "explorer.use_formula('x_2 + 2.0*x_1')" in str(explorer.code())
        with pytest.raises(TypeError, match="a sympy expression, or its text"):
            explorer.use_formula(3)
