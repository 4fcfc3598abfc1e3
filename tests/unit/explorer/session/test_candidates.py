"""Functions that are registered while an explorer lives: they appear, and those that don't work are left out and named."""

import math
from dataclasses import replace

import pytest
import torch

from kanwidget import KANExplorer
from kanwidget.core import EdgeRef
from kanwidget.core.primitives.table import _TABLE
from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.network import AutoSymbolic
from kanwidget.explorer.commands.training import Start
from kanwidget.explorer.commands.view import Select, ShowPreview
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.describe.candidates import candidates as describe_candidates
from kanwidget.explorer.page.publisher import Publisher
from tests.unit.explorer.states import everything, train

EDGE = (0, 0, 0)


def raises(u):
    return u * 1.0 if u.numel() == 6 else u / (1 // 0)


@pytest.fixture(params=["blocking", "cooperative", "thread"])
def explorer(request, model, data):
    with KANExplorer(model, data, driver=request.param) as explorer:
        yield explorer


def settle(explorer):
    """Until what was asked for is done and told."""
    for _ in range(3):
        explorer._driver.ask(lambda: explorer._publisher.flush(force=True))
        explorer._driver.ask(lambda: [None for _ in range(3) if explorer._publisher.send_costly()])


def test_a_new_function_appears_by_itself_and_goes_again(explorer, page_of, registered):
    page = page_of(explorer._publisher, acknowledges=True)
    explorer.select(*EDGE)
    settle(explorer)
    page.clear()
    registered("mine", torch.sinc)
    settle(explorer)
    assert page.last("library")["primitives"][-1] == "mine"
    assert page.kinds().count("library") == 1
    assert "mine" in [row["name"] for row in page.last("candidates")["candidates"]["rows"]]
    assert page.snapshots[-1]["primitives"][-1] == "mine"
    assert "mine" in [fit.name for fit in explorer.candidates(EDGE)]
    del _TABLE["mine"]
    explorer.select(*EDGE)
    settle(explorer)
    assert "mine" not in page.last("library")["primitives"]
    assert "mine" not in [row["name"] for row in page.last("candidates")["candidates"]["rows"]]
    assert "error" not in page.kinds()


def test_a_replaced_function_is_fitted_anew(session, registered):
    registered("mine", torch.sinc)
    session.apply(Select((EDGE,)))
    fit = {fit.name: fit for fit in session.candidates.of(EDGE)}["mine"]
    session.candidates.best_of((0, 0, 0))
    registered("mine", torch.arctan, replace=True)
    assert not session.selection_is_cached()
    assert session.candidates.best_of((0, 0, 0)) is None
    assert {fit.name: fit for fit in session.candidates.of(EDGE)}["mine"] != fit


def test_in_training_the_library_of_a_look_is_the_present_one(session, registered):
    session.apply(Select((EDGE,)))
    session.apply(Start())
    train_some(session)
    assert describe.candidates(session, session.view.selected_edge)[0]["rows"]
    seen = session.candidates._live
    registered("mine", torch.sinc)
    session.run.version += 1
    describe.candidates(session, session.view.selected_edge)
    assert "mine" not in [fit.name for fit in seen.fits]
    assert "mine" in [fit.name for fit in session.candidates._live.fits]


def test_a_survey_begins_again_with_other_functions(session, page_of, registered):
    page = page_of(Publisher(session), acknowledges=True)
    session.apply(ShowPreview(True, "a"))
    page.publisher.mark_changed(frozenset(("survey",)))
    while page.publisher.send_preview():
        pass
    first = page.last("survey")["survey"]
    registered("mine", torch.sinc)
    page.clear()
    page.publisher.flush()
    while page.publisher.send_preview():
        pass
    told = [message["survey"] for message in page.messages if message["kind"] == "survey"]
    assert told[0]["first"] == 0
    assert sum(len(survey["rows"]) for survey in told) == first["of"]
    session.apply(ShowPreview(False, "a"))
    assert not session.view.preview.on


def train_some(session):
    session.advance(0.01)


@pytest.mark.slow
def test_a_broken_function_is_left_out_and_told_once(explorer, page_of, registered):
    page = page_of(explorer._publisher, acknowledges=True)
    registered("mine", raises)
    explorer.select(*EDGE)
    settle(explorer)
    told = [m["error"] for m in page.messages if m["kind"] == "error" and m["error"]]
    assert len(told) == 1
    assert told[0]["message"].startswith("The function `mine` raised ZeroDivisionError")
    assert len(page.last("candidates")["candidates"]["rows"]) >= 12
    explorer._driver.apply(ShowPreview())
    explorer.select(0, 1, 0)
    settle(explorer)
    explorer.fit(2)
    assert len([m for m in page.messages if m["kind"] == "error" and m["error"]]) == 1


@pytest.mark.slow
def test_auto_goes_on_without_a_broken_function(session, registered):
    registered("mine", raises)
    session.warm_up()
    session.apply(AutoSymbolic(r2_threshold=-1.0))
    assert all(state == "symbolic" for state in states(session))
    assert session.candidates.unreported == [
        "the function `mine` raised ZeroDivisionError: integer division or modulo by zero"
    ]


def test_fixing_to_a_broken_function_is_refused_in_words(session, registered):
    registered("mine", raises)
    train(session, 2)
    before = everything(session)
    with pytest.raises(ValueError, match="the function `mine` raised ZeroDivisionError"):
        session.apply(Fix(EDGE, "mine"))
    assert everything(session) == before


def test_a_candidate_that_cannot_be_drawn_is_left_out(session, registered):
    """It fits on the data, and fails on the even grid of the drawing."""
    registered("mine", lambda u: raises(u) if u.shape == (129,) else torch.sinc(u))
    session.apply(Select((EDGE,)))
    told, arrays = describe.candidates(session, session.view.selected_edge)
    assert "mine" in [fit.name for fit in session.candidates.of(EDGE)]
    assert "mine" not in [row["name"] for row in told["rows"]]
    assert len(told["rows"]) == len(arrays["fits"])


def test_functions_of_their_own_come_before_imitations(session, monkeypatch):
    fits = {fit.name: fit for fit in session.candidates.of(EDGE)}
    imitation = replace(fits["x^3"], imitates="x")
    nothing = replace(fits["exp"], r2=math.nan)
    monkeypatch.setattr(
        session.candidates, "for_view", lambda edge: [imitation, nothing, replace(fits["x"], imitates=None)]
    )
    told, _ = describe_candidates(session, EdgeRef(*EDGE))
    assert [row["name"] for row in told["rows"]] == ["x", "x^3"]


def states(session):
    return [session.model.layer(ref.layer).state(ref.source, ref.target) for ref in session.model.edge_refs()]


def test_the_function_of_an_edge_is_in_place_with_its_own_constants(session):
    train(session, 10)
    session.apply(Fix((0, 0, 0), "sin"))
    params = (2.0, 0.25, 1.5, -0.5)
    session.model.fix_symbolic(0, 0, 0, "sin", params=params)
    session.run.version += 1
    rows = describe_candidates(session, EdgeRef(0, 0, 0))[0]["rows"]
    (own,) = [row for row in rows if row["name"] == "sin"]
    assert own["in_place"]
    assert own["params"] == pytest.approx(params)
    assert not any(row.get("in_place") for row in rows if row["name"] != "sin")


def test_a_row_of_the_survey_with_nothing_but_imitations_stays_empty(session, monkeypatch):
    session.apply(ShowPreview(True, "a"))
    (fit, *_) = session.candidates.of_layer([EdgeRef(*EDGE)])[0]
    copies = [replace(fit, imitates="x^2"), replace(fit, name="own", imitates=None)]
    for ranking, name in ((copies[:1], ""), (copies, "own")):
        monkeypatch.setattr(session.candidates, "of_layer", lambda edges, ranking=ranking: [ranking] * len(edges))
        session.view.preview.restart()
        session.view.preview.search(session.candidates)
        assert {row["name"] for row in session.view.preview.unsent()["rows"]} == {name}
