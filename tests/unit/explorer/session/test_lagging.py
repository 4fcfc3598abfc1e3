"""What may be a moment old while a network trains."""

from dataclasses import dataclass

import pytest

from kanwidget.explorer.session.states import run_states
from kanwidget.explorer.session.states.run_states import Lagging


@dataclass
class Run:
    version: int = 3
    act_version: int = 3
    running: bool = False


@pytest.fixture
def computed():
    return []


@pytest.fixture
def value(computed):
    run = Run()
    return run, Lagging(run, lambda edge: computed.append((edge, run.version)) or len(computed))


def test_each_version_and_edge_is_computed_once(value, computed):
    run, of = value
    assert [of("a"), of("a"), of("b")] == [1, 1, 2]
    run.version += 1
    assert [of("b"), of("b")] == [3, 3]
    assert computed == [("a", 3), ("b", 3), ("b", 4)]


def test_while_it_trains_a_value_may_lag_but_not_behind_an_act(value, computed, monkeypatch):
    run, of = value
    monkeypatch.setattr(run_states, "SECONDS", float("inf"))
    assert of("a") == 1
    run.running, run.version = True, 4
    assert of("a") == 1
    assert of("b") == 2
    run.version = run.act_version = 5
    assert of("b") == 3
    run.version = 6
    assert of("b") == 3
    run.running = False
    assert of("b") == 4


def test_a_value_that_is_old_enough_is_computed_again(value, computed, monkeypatch):
    run, of = value
    monkeypatch.setattr(run_states, "SECONDS", -1.0)
    monkeypatch.setattr(run_states, "REST", 0)
    run.running = True
    assert of("a") == 1
    run.version += 1
    assert of("a") == 2
