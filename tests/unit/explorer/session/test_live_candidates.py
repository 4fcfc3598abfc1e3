"""Candidates while training: cheaper than a search, and nearly as good."""

import pytest
import torch

from kanwidget.explorer.commands.training import Pause, Start
from kanwidget.explorer.commands.view import Select
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol.topics import STEPPED
from kanwidget.explorer.session import candidates as live
from kanwidget.explorer.session.samples import sampled_edge
from tests.unit.explorer.states import train

EDGE = (0, 0, 0)


@pytest.fixture
def running(session):
    train(session, 3)
    session.apply(Select((EDGE,)))
    session.apply(Start())
    session.advance(0.0)
    return session


@pytest.fixture
def searches(running, monkeypatch):
    """Which names were searched for."""
    heard, real = [], live.EdgeCandidates.search

    def spy(self, edge, names=None):
        heard.append(names)
        return real(self, edge, names)

    monkeypatch.setattr(live.EdgeCandidates, "search", spy)
    return heard


def shift(session, size):
    """Move the selected edge's curve a little."""
    layer = session.model.layer(0)
    with torch.no_grad():
        layer.coef[0, 0] += size * torch.sin(torch.arange(layer.coef.shape[2], dtype=torch.float64))
    session.run.version += 1


def test_the_first_look_searches_everything_the_next_ones_a_few(running, searches):
    running.candidates.for_view(EDGE)
    shift(running, 0.01)
    running.candidates.for_view(EDGE)
    assert searches[0] is None
    assert len(searches[1]) == 8
    assert len(searches) == 2


def test_a_look_after_a_far_move_searches_everything(running, searches):
    running.candidates.for_view(EDGE)
    shift(running, 5.0)
    running.candidates.for_view(EDGE)
    assert searches == [None, None]


def test_another_edge_is_searched_whole(running, searches):
    running.candidates.for_view(EDGE)
    running.run.version += 1
    running.apply(Select(((0, 1, 0),)))
    running.candidates.for_view((0, 1, 0))
    assert searches == [None, None]


def test_every_function_has_its_turn(running, searches):
    running.candidates.lib = ("x", "sin", "cos", "x^2", "x^3", "exp", "tanh", "gaussian", "abs", "sgn", "erf", "arctan")
    running.candidates.for_view(EDGE)
    for _ in range(8):
        shift(running, 1e-3)
        running.candidates.for_view(EDGE)
    assert set().union(*searches[1:]) == set(running.candidates.lib)


def test_what_is_followed_is_nearly_what_a_search_finds(running):
    running.candidates.for_view(EDGE)
    for _ in range(5):
        shift(running, 0.01)
        fits = running.candidates.for_view(EDGE)
    exact = {fit.name: fit.r2 for fit in running.candidates.of(EDGE)}
    assert fits[0].name == running.candidates.of(EDGE)[0].name
    assert [fit.name for fit in fits] == list(dict.fromkeys(fit.name for fit in fits))
    for fit in fits[:6]:
        assert fit.r2 == pytest.approx(exact[fit.name], abs=1e-3)
    scores = [fit.score for fit in fits if fit.imitates is None]
    assert scores == sorted(scores)


def test_a_kept_function_has_the_constants_of_now(running):
    fit = next(fit for fit in running.candidates.of(EDGE) if fit.name == "x")
    shift(running, 0.3)
    samples = sampled_edge(running.model, EDGE, running.x)
    found = live.refitted(fit, samples, live.Rule(0.7, 7))
    x, y = samples
    design = torch.stack([x, torch.ones_like(x)], 1)
    slope, constant = torch.linalg.lstsq(design, y[:, None]).solution[:, 0].tolist()
    assert found.params[0] * found.params[2] == pytest.approx(slope)
    assert found.params[1] * found.params[2] + found.params[3] == pytest.approx(constant)


def test_a_function_that_is_no_longer_defined_goes(running):
    fit = next(fit for fit in running.candidates.of(EDGE) if fit.name in ("log", "sqrt", "1/x"))
    samples = sampled_edge(running.model, EDGE, running.x).clone()
    samples[0] *= 1e3
    assert live.refitted(fit, samples, live.Rule(0.7, 7)) is None


def test_paused_candidates_are_exact(running, searches):
    running.candidates.for_view(EDGE)
    shift(running, 0.01)
    running.apply(Pause())
    assert running.candidates.for_view(EDGE) == running.candidates.of(EDGE)
    assert searches == [None, None]


def test_an_edge_that_stands_still_isnt_looked_at_again(running):
    running.candidates.for_view(EDGE)
    assert not running.candidates.has_moved(EDGE)
    shift(running, 1e-6)
    assert not running.candidates.has_moved(EDGE)
    shift(running, 0.05)
    assert running.candidates.has_moved(EDGE)


def test_the_message_says_what_is_best_for_every_edge_that_is_known(session):
    train(session, 2)
    told, _ = describe.candidates(session, session.view.selected_edge)
    assert told["best"] == []
    one, other = session.candidates.of((0, 1, 2))[0], session.candidates.of(EDGE)[0]
    session.apply(Select((EDGE,)))
    told, _ = describe.candidates(session, session.view.selected_edge)
    assert told["best"] == [
        {"key": [0, 0, 0], "best": other.name, "best_r2": other.r2},
        {"key": [0, 1, 2], "best": one.name, "best_r2": one.r2},
    ]
    train(session, 1)
    told, _ = describe.candidates(session, session.view.selected_edge)
    assert [best["key"] for best in told["best"]] == [[0, 0, 0]]


@pytest.mark.slow
def test_frames_and_looks_take_a_bounded_part_of_the_time(running, page_of, monkeypatch):
    """With costs that a clock makes up: a frame takes 20 ms, a look 90 ms, the formula 10 ms, a step 10 ms."""
    now, spent = [0.0], {"curves": 0.0, "candidates": 0.0, "formula": 0.0}
    publisher = Publisher(running, clock=lambda: now[0])
    page_of(publisher, acknowledges=True)

    def costs(seconds, kind):
        def tell(*_, **__):
            now[0] += seconds
            spent[kind] += seconds

        return tell

    monkeypatch.setattr(publisher, "send_curves", costs(0.02, "curves"))
    monkeypatch.setattr(publisher, "send_candidates", costs(0.09, "candidates"))
    monkeypatch.setattr(publisher, "send_formula", costs(0.01, "formula"))
    while now[0] < 60:
        running.run.version += 1
        publisher.mark_changed(STEPPED)
        publisher.flush()
        publisher.send_costly()
        now[0] += 0.01
    assert spent["curves"] / now[0] <= 0.2
    assert spent["candidates"] / now[0] < 0.05
    assert sum(spent.values()) / now[0] < 0.25
    assert spent["curves"] / now[0] > 0.15
    assert spent["candidates"] / now[0] > 0.02
