"""Coverage of the truth by intervals: the true values of constants in a writing, and what counts as covered."""

import pytest
import sympy

from tools.benchmarks.discovery.coverage import LAWS, Interval, fitted, intervals, lines, shares

DISCHARGE, MICHAELIS, ALLOMETRY = LAWS
t, S, m = sympy.symbols("t S m")


def table(*pairs):
    return {sympy.Float(value): (value, error) for value, error in pairs}


def test_constants_stand_beside_those_of_the_law():
    found = intervals(MICHAELIS, 2.1 * S / (S + 0.06), table((2.1, 0.1), (0.06, 0.01)))
    assert {(value, error) for value, error, _ in found} == {(2.1, 0.1), (0.06, 0.01)}
    assert sorted(truth for *_, truth in found) == pytest.approx([0.0641, 2.127])


def test_another_writing_has_other_true_constants():
    found = intervals(MICHAELIS, 33.1 / (15.5 + 1 / S), table((33.1, 0.5), (15.5, 0.2)))
    assert {value: truth for value, _, truth in found} == pytest.approx({33.1: 2.127 / 0.0641, 15.5: 1 / 0.0641})


def test_a_constant_that_became_a_round_number_has_no_error():
    found = intervals(ALLOMETRY, 3.2 * m ** sympy.Rational(3, 4), table((3.2, 0.1)))
    assert {value: error for value, error, _ in found} == {3.2: 0.1, 0.75: 0.0}
    assert {value: truth for value, _, truth in found} == pytest.approx({3.2: 3.413, 0.75: 0.7043})


@pytest.mark.parametrize(
    ("law", "expression"),
    [(DISCHARGE, 3.2 * sympy.exp(-0.58 * t)), (MICHAELIS, 2.1 * sympy.tanh(9.0 * S)), (ALLOMETRY, 9.0 * sympy.log(m))],
)
def test_another_form_has_no_constants_of_the_law(law, expression):
    assert intervals(law, expression, {}) is None


def test_an_interval_covers_the_truth_or_not():
    assert Interval(1.19, 0.1, 1.0).covers
    assert not Interval(1.21, 0.1, 1.0).covers
    assert Interval(0.5, 0.0, 0.5).covers
    assert not Interval(0.75, 0.0, 0.7043).covers


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.equation.name)
def test_the_true_form_is_fitted_from_the_start(law):
    forms, hits = shares(law, fitted, 2)
    assert forms == 2
    assert {name: count for name, (_, count) in hits.items()} == dict.fromkeys(law.truth, 2)


def test_repetitions_without_the_form_do_not_count():
    assert shares(ALLOMETRY, lambda law, data: (sympy.log(m), {}), 2) == (0, {})


def test_a_line_says_how_many_intervals_cover_the_truth(monkeypatch):
    monkeypatch.setattr("tools.benchmarks.discovery.coverage.LAWS", [ALLOMETRY])
    (line,) = lines(1, None)
    assert line.startswith("allometry         fit of the form  form right   1 of 1: a ")
