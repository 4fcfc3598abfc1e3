"""Computations that are broken off when their time is over."""

import sys

import pytest

from kanwidget.symbolic.formulas import deadlines

SOURCE = """
def numbers():
    try:
        yield 1
    finally:
        pass


def throw_generators_away(clock):
    for _ in range(1000):
        generator = numbers()
        next(generator)
        clock[0] = 2.0
        del generator  # an error in it would be swallowed, and the hook with it
    return "to the end"
"""


@pytest.fixture
def clock(monkeypatch):
    times = [0.0]
    monkeypatch.setattr(deadlines.time, "monotonic", lambda: times[0])
    return times


def test_the_time_ends_while_a_generator_is_thrown_away(clock):
    module = {"__name__": "sympy.sample"}
    exec(SOURCE, module)
    assert deadlines.within(1.0, lambda: module["throw_generators_away"](clock)) is None
    assert sys.getprofile() is None


def test_what_is_done_in_time_is_returned(clock):
    module = {"__name__": "sympy.sample"}
    exec(SOURCE, module)
    assert deadlines.within(3.0, lambda: module["throw_generators_away"](clock)) == "to the end"


def test_what_is_within_two_deadlines_ends_by_the_earlier_one(clock):
    module = {"__name__": "sympy.sample"}
    exec(SOURCE, module)
    inner = []
    deadlines.within(1.0, lambda: inner.append(deadlines.within(3.0, lambda: module["throw_generators_away"](clock))))
    assert inner == [None]
    assert sys.getprofile() is None


@pytest.mark.parametrize("readings", range(8))
def test_the_time_ends_at_any_moment(readings, monkeypatch):
    module = {"__name__": "sympy.sample"}
    exec("def add():\n    return 1 + 1", module)
    times = iter([0.0] * readings)
    monkeypatch.setattr(deadlines.time, "monotonic", lambda: next(times, 2.0))
    assert deadlines.within(1.0, module["add"]) in (2, None)
    assert sys.getprofile() is None
