"""The error after a swap: computed on a copy, a step at a time, and told when nothing else is to do."""

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.core import EdgeRef
from kanwidget.datasets.validation import sampled_data
from kanwidget.explorer.commands.edges import Fix, Lock
from kanwidget.explorer.commands.view import Select
from kanwidget.explorer.describe.candidates import candidates
from kanwidget.explorer.page.publisher import _REST_SECONDS, Publisher
from kanwidget.explorer.session.background import trials
from kanwidget.explorer.session.background.trials import (
    MOST_CANDIDATES,
    SwapErrors,
    error_after_lock,
    errors_after_swap,
)
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.states import everything, train

EDGE = EdgeRef(0, 1, 0)


@pytest.fixture
def fitted():
    """y = sin(3a) + b², as one sum of two splines."""
    draw = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(160, 2, generator=draw, dtype=torch.float64) - 1
    y = torch.sin(3 * x[:, :1]) + x[:, 1:] ** 2
    session = Session(KAN([2, 1], grid=6, seed=0), Dataset(x[:120], y[:120], x[120:], y[120:]))
    train(session, 15)
    return session


def fit_of(session, name):
    return next(fit for fit in session.candidates.of(EDGE) if fit.name == name)


def test_the_true_function_costs_nothing_and_a_wrong_one_what_it_can_not_say(fitted):
    before = everything(fitted)
    now = fitted.run.last_record.test_loss
    *_, right = errors_after_swap(fitted.run, EDGE, fit_of(fitted, "x^2"))
    *_, wrong = errors_after_swap(fitted.run, EDGE, fit_of(fitted, "x"))
    assert right < 1.5 * now
    # Without b² the best that is left is its mean: √(E b⁴ − (E b²)²) = √(1/5 − 1/9).
    assert wrong == pytest.approx((1 / 5 - 1 / 9) ** 0.5, rel=0.2)
    assert everything(fitted) == before


def test_the_errors_come_one_by_one_and_end(fitted):
    errors = SwapErrors(fitted.run)
    errors.begin(EDGE, fitted.candidates.of(EDGE))
    assert errors.of(EDGE) == {}
    told = 0
    while not errors.is_complete:
        told += errors.advance()
    assert 0 < told <= MOST_CANDIDATES
    assert set(errors.of(EDGE)) <= {fit.name for fit in fitted.candidates.of(EDGE) if fit.imitates is None}
    assert "x^2" in errors.of(EDGE)
    assert errors.of(EdgeRef(0, 0, 0)) == {}
    assert errors.advance() is False


def test_another_state_of_the_network_has_no_errors_yet(fitted):
    errors = fitted.swap_errors
    errors.begin(EDGE, fitted.candidates.of(EDGE))
    while not errors.is_complete:
        errors.advance()
    fitted.apply(Fix(EdgeRef(0, 0, 0), "sin"))
    assert errors.of(EDGE) == {}
    assert errors.is_complete


def test_a_page_is_told_after_a_rest_and_what_it_is_told_again_has_the_errors(fitted, page_of, clock):
    publisher = Publisher(fitted, clock=clock)
    page = page_of(publisher)
    publisher.mark_changed(fitted.apply(Select((EDGE,))))
    publisher.flush()
    while publisher.send_costly():
        pass
    assert publisher.send_preview() is False
    publisher.flush(force=True)
    assert publisher.next_wait() == pytest.approx(_REST_SECONDS)
    clock.now += _REST_SECONDS
    while publisher.send_preview():
        pass
    told = [message["held_out"] for message in page.messages if message["kind"] == "held_out"]
    assert told[-1]["edge"] == list(EDGE)
    assert told[-1]["version"] == page.last("candidates")["candidates"]["version"]
    assert told[-1]["errors"]["x^2"] == pytest.approx(fitted.swap_errors.of(EDGE)["x^2"])
    publisher.send_candidates()
    rows = {row["name"]: row for row in page.last("candidates")["candidates"]["rows"]}
    assert rows["x^2"]["error"] == told[-1]["errors"]["x^2"]


def test_nothing_is_tried_while_it_trains(fitted):
    fitted.swap_errors.begin(EDGE, fitted.candidates.of(EDGE))
    fitted.run.start(None)
    assert fitted.swap_errors.is_complete
    assert fitted.swap_errors.advance() is False


def test_of_many_rows_some_are_enough():
    x = torch.arange(10.0)[:, None]
    few = sampled_data(Dataset(x, x, x[:3], x[:3]), 4)
    assert (len(few.train_input), len(few.test_input)) == (4, 3)
    assert few.train_input[-1] == 9
    assert torch.equal(few.train_input, few.train_label)


def test_what_a_lock_costs_is_the_error_right_after_it(fitted):
    edges = [EdgeRef(0, 0, 0), EDGE]
    told = error_after_lock(fitted.run, edges)
    fitted.apply(Lock(0, ((0, 0), (1, 0))))
    assert told == pytest.approx(fitted.run.last_record.test_loss)
    assert error_after_lock(fitted.run, [EDGE]) is None
    fitted.apply(Fix(EdgeRef(0, 0, 0), "sin"))
    assert error_after_lock(fitted.run, [EDGE]) is None


def test_edges_of_different_kinds_or_layers_have_no_price(fitted):
    fitted.apply(Fix(EdgeRef(0, 0, 0), "sin"))
    assert error_after_lock(fitted.run, [EdgeRef(0, 0, 0), EDGE]) is None


def test_the_price_of_a_lock_is_told_with_the_candidates_of_several_edges(fitted, page_of):
    publisher = Publisher(fitted)
    page = page_of(publisher)
    fitted.apply(Select((EdgeRef(0, 0, 0), EDGE)))
    publisher.send_candidates()
    price = page.last("candidates")["candidates"]["lock"]
    assert price > 10 * fitted.run.last_record.test_loss
    fitted.apply(Select((EDGE,)))
    publisher.send_candidates()
    assert "lock" not in page.last("candidates")["candidates"]


def test_candidates_of_a_replaced_edge_fit_what_the_data_ask_for(fitted):
    """The edge is b² and was replaced by |b|: fitted to that, nothing could be better than |b|."""
    fitted.apply(Fix(EDGE, "abs"))
    assert fitted.candidates.of(EDGE)[0].name == "x^2"
    square = fit_of(fitted, "x^2")
    before = fitted.run.last_record.test_loss
    fitted.apply(Fix(EDGE, "x^2"))
    # It takes the parameters of the candidate, not of a parabola that comes close to |b|.
    a, _, c, _ = fitted.model.layer(0).affine[0, 1].tolist()
    assert c * a**2 == pytest.approx(square.params[2] * square.params[0] ** 2)
    assert fitted.run.last_record.test_loss < before


def test_the_function_in_place_stands_among_the_others_with_its_own_error(fitted):
    fitted.apply(Fix(EDGE, "abs"))
    shown, arrays = candidates(fitted, EDGE)
    (place,) = [i for i, row in enumerate(shown["rows"]) if row.get("in_place")]
    own, best = shown["rows"][place], shown["rows"][0]
    assert (own["name"], best["name"]) == ("abs", "x^2")
    # |b| explains all but a sixteenth of b²: 1 - Var(b² - c|b|)/Var(b²) = 1 - (1/5 - 1/9 - 12·(1/24)²)/(4/45), best c = 1.
    assert 0.85 < own["r2"] < 0.96 < best["r2"]
    assert own["error"] == fitted.run.last_record.test_loss
    # The curve below all candidates is the edge as it is.
    assert float((arrays["fits"][place] - arrays["y"]).abs().max()) < 1e-6


def test_a_candidate_that_fails_has_no_error_and_the_others_go_on(fitted, monkeypatch):
    tried = errors_after_swap

    def failing(run, edge, fit):
        if fit.name == "x^2":
            raise ZeroDivisionError
        yield from tried(run, edge, fit)

    monkeypatch.setattr(trials, "STEPS", 1)
    monkeypatch.setattr(trials, "errors_after_swap", failing)
    fitted.swap_errors.begin(EDGE, fitted.candidates.of(EDGE))
    while not fitted.swap_errors.is_complete:
        fitted.swap_errors.advance()
    assert "x^2" not in fitted.swap_errors.of(EDGE)
    assert fitted.swap_errors.of(EDGE)


def test_a_large_network_is_not_trained_in_the_background(fitted, monkeypatch):
    monkeypatch.setattr(trials, "MOST_PARAMETERS", 5)
    fitted.swap_errors.begin(EDGE, fitted.candidates.of(EDGE))
    assert fitted.swap_errors.is_complete
