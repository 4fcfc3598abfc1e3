"""When a search begins to count relative errors: early for noise, late for imitations, never where errors don't grow with the value."""

from dataclasses import dataclass, field

import pytest

from kanwidget.discovery import steps


@dataclass
class Front:
    noise: object
    is_noise: bool
    best: object = "first"
    examined: list = field(default_factory=list)


@pytest.fixture(autouse=True)
def verdicts(monkeypatch):
    def leaves_noise(front):
        front.examined.append(front.best)
        return front.is_noise

    monkeypatch.setattr(steps, "_leaves_noise", leaves_noise)


def turns_at(front, begun=0.0, end=60.0):
    turn = steps._Turn(front, begun, end)
    return next((second for second in range(int(begun), 61) if turn.is_due(second)), None)


def test_noise_turns_it_after_a_third_and_an_imitation_after_half_of_the_time():
    assert turns_at(Front("grows", True)) == 20
    assert turns_at(Front("grows", False)) == 30
    assert turns_at(Front("grows", False), begun=40.0) == 50
    assert turns_at(Front(None, True)) is None


def test_a_formula_is_examined_once():
    front = Front("grows", False)
    turns_at(front)
    assert front.examined == ["first"]


def test_reports_count_alike():
    turn = steps._Turn(Front("grows", True), 10, 40)
    assert [turn.is_due(report) for report in (19, 20)] == [False, True]
