"""Coverage of the truth by intervals: which constant is which, and what counts as covered."""

import pytest
import sympy

from tools.benchmarks.discovery.coverage import LAWS, covered, fitted, matched, shares

DISCHARGE, MICHAELIS, ALLOMETRY = LAWS
t, S, m = sympy.symbols("t S m")


def table(*pairs):
    return {sympy.Float(value): (value, error) for value, error in pairs}


def test_constants_are_matched_with_those_of_the_law():
    found = 3.2 * sympy.exp(-0.58 * t) + 0.4
    estimates = matched(DISCHARGE, found, table((3.2, 0.1), (-0.58, 0.02), (0.4, 0.05)))
    assert estimates == {"A": (3.2, 0.1), "k": (0.58, 0.02), "c": (0.4, 0.05)}
    assert matched(MICHAELIS, 2.1 * S / (S + 0.06), table((2.1, 0.1), (0.06, 0.01))) == {
        "V": (2.1, 0.1),
        "K": (0.06, 0.01),
    }


def test_round_numbers_have_no_error():
    assert matched(ALLOMETRY, 3.4 * m ** sympy.Rational(3, 4), table((3.4, 0.1))) == {"a": (3.4, 0.1), "p": (0.75, 0.0)}


@pytest.mark.parametrize(
    ("law", "expression"),
    [
        (DISCHARGE, 3.2 * sympy.exp(-0.58 * t)),
        (DISCHARGE, 3.2 / (t + 1)),
        (MICHAELIS, 2.1 * sympy.tanh(S)),
        (ALLOMETRY, 3 * sympy.log(m)),
    ],
)
def test_another_form_has_no_constants_of_the_law(law, expression):
    assert matched(law, expression, {}) is None


def test_an_interval_covers_the_truth_or_not():
    hits = covered(ALLOMETRY, {"a": (3.413 + 0.19, 0.1), "p": (0.75, 0.0)})
    assert hits == {"a": True, "p": False}
    assert not covered(ALLOMETRY, {"a": (3.413 + 0.21, 0.1), "p": (0.75, 0.0)})["a"]


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.equation.name)
def test_the_true_form_is_fitted_from_the_start(law):
    count, parts = shares(law, fitted, 3)
    assert count == 3
    assert parts.keys() == law.truth.keys()
    clean = fitted(law, law.equation.dataset(60, 0))
    assert {name: value for name, (value, _) in clean.items()} == pytest.approx(law.truth)


def test_repetitions_without_the_form_do_not_count():
    count, parts = shares(DISCHARGE, lambda law, data: None, 2)
    assert (count, set(parts.values())) == (0, {0.0})
