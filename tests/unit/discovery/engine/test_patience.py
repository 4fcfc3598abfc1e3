"""A step of the engine that takes too long is broken off where it looks at the clock, and what it brought stays."""

import itertools

import pytest
import torch

from kanwidget.discovery.engine.patience import in_time, look_at_the_clock
from kanwidget.discovery.engine.search import Limits, Rows, search
from kanwidget.discovery.engine.shortening import simplify_stepwise
from tests.support.engine import EVERYTHING, run, table_of, uniform


def rows():
    x = uniform(100, (0.5, 2), (0.5, 3), (0.5, 2))
    y = x[:, 0] * torch.exp(-x[:, 1]) + torch.sin(2 * x[:, 2])
    return Rows(x, y, None, ("a", "b", "c"), "y")


def test_nobody_is_late_unless_it_is_said():
    look_at_the_clock()
    assert in_time(lambda: look_at_the_clock() or "done", lambda: False) == "done"
    assert in_time(lambda: look_at_the_clock() or "done", lambda: True) is None
    look_at_the_clock()


def test_handlers_of_failed_fits_let_it_pass():
    def step():
        try:
            look_at_the_clock()
        except Exception:
            return "failed"
        return "done"

    assert in_time(step, lambda: True) is None


@pytest.mark.slow
@pytest.mark.parametrize("looks", [0, 10, 500, 30000])
def test_nothing_is_evaluated_once_the_time_is_over(looks):
    counted = itertools.count(1)
    limits = Limits(EVERYTHING, 60.0, in_time=lambda step: in_time(step, lambda: next(counted) > looks))
    reports = list(search(rows(), limits))
    assert next(counted) == looks + 2  # the look that broke it off was the last
    assert looks < 30000 or any(report.tree is not None for report in reports)


@pytest.mark.slow
def test_what_a_step_brought_until_then_is_reported():
    whole = [report.kind for report in itertools.islice(search(rows(), Limits(EVERYTHING, 60.0)), 60)]
    end = whole.index("trying", whole.index("formula"))
    counted = itertools.count(1)
    # All until the end of the first step that brings a formula, but for its last look.
    looks = itertools.count(1)
    list(itertools.islice(search(rows(), Limits(EVERYTHING, 60.0, in_time=counting(looks))), end + 1))
    most = next(looks) - 2
    limits = Limits(EVERYTHING, 60.0, in_time=lambda step: in_time(step, lambda: next(counted) > most))
    reports = list(search(rows(), limits))
    assert reports[-1].kind == "formula"


def counting(looks):
    return lambda step: in_time(step, lambda: next(looks) < 0)


@pytest.mark.slow
def test_simpler_forms_of_a_long_formula_come_in_several_steps():
    table = table_of(lambda a, b: torch.exp(a) + torch.sin(b), (0.5, 2), (0.5, 2))
    tree = ("mul", ("c", 1.0), ("x", 0))
    for power in range(2, 9):
        tree = ("add", tree, ("mul", ("c", 0.1 * power), ("pow", ("x", power % 2), ("n", power))))
    table.offer([tree], "long")
    steps = iter(simplify_stepwise(table))
    next(steps)
    assert table.pool.best.tree[0] == "add"
    assert len(run(steps)) > 20
