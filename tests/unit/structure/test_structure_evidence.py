"""Violations, floors and verdicts of expressions whose truth is known."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kanwidget.structure.evidence import NOTHING, RESOLUTION, Measurement, measure
from kanwidget.structure.findings import Finding

ROWS = 400


def draws(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def noisy(terms, noise, members=8, seed=1):
    """Terms with an error that all members share, as a fit's, and one of the same size of each member, as drawing rows again shows."""
    shared = noise * draws(len(terms), 1, ROWS, seed=seed)
    return [
        term + e + noise * draws(members, ROWS, seed=seed + 7 + n)
        for n, (term, e) in enumerate(zip(terms, shared, strict=True))
    ]


def test_terms_that_cancel_violate_nothing():
    a = draws(ROWS).expand(3, ROWS)
    assert measure([a, -a]) == Measurement(0.0, 0.0, 0.0)


def test_a_violation_is_that_of_the_sum_over_the_terms():
    a = torch.ones(3, ROWS, dtype=torch.float64)
    assert measure([a, -0.9 * a]).violation == pytest.approx(0.1 / math.sqrt(1 + 0.81))
    assert measure([0.3 * a], [a]).violation == pytest.approx(0.3 / math.sqrt(1.09))


@given(st.floats(1e-8, 1e8), st.floats(0.0, 1.0))
def test_it_has_no_unit(factor, part):
    a, b = draws(3, ROWS), draws(3, ROWS, seed=5)
    plain, scaled = measure([a, -part * a + 0.1 * b]), measure([factor * a, factor * (-part * a + 0.1 * b)])
    assert scaled.violation == pytest.approx(plain.violation, rel=1e-9)
    assert scaled.floor == pytest.approx(plain.floor, rel=1e-9)


def test_noise_alone_is_no_violation():
    a = draws(1, ROWS).sign()  # of one size: each point counts the same
    found = measure(noisy([a, -a], 0.05))
    assert found.floor == pytest.approx(0.05, rel=0.3)
    assert found.violation < found.floor
    assert found.verdict(0.05) == "holds"


@pytest.mark.parametrize(
    ("violation", "words"), [(0.17, "fails (violation 0.17 ± 0.1)"), (0.3, "fails (violation 0.3 ± 0.1, above 0.2)")]
)
def test_words_never_put_a_violation_above_what_it_is_below(violation, words):
    found = Measurement(violation, 0.1, 0.1)
    verdict = found.verdict(0.05)
    assert Finding("additive", "f", verdict, (("x",), ("z",)), found, found.threshold(0.05)).words == words


def test_a_violation_is_seen_through_noise():
    a, b = draws(1, ROWS).sign(), draws(1, ROWS, seed=3).sign()
    found = measure(noisy([a, -a + 0.5 * b], 0.05))
    assert found.violation == pytest.approx(0.5 / math.sqrt(2.25), rel=0.15)
    assert found.floor <= found.error < 0.08
    assert found.verdict(0.05) == "fails"


def test_noise_that_hides_everything_leaves_it_undecided():
    a = 0.1 * draws(1, ROWS)
    found = measure(noisy([a, -a], 0.5))
    assert found.threshold(0.05) > RESOLUTION
    assert found.verdict(0.05) == "undecided"


def test_what_values_deny_does_not_hold():
    assert Measurement(0.0, 0.0, 0.0).verdict(1e-6) == "holds"
    assert Measurement(0.0, 0.0, 0.0, contradicted=True).verdict(1e-6) == "undecided"
    assert Measurement(0.3, 0.0, 0.0, contradicted=True).verdict(1e-6) == "fails"


def test_points_where_members_differ_count_less():
    a = torch.ones(4, ROWS, dtype=torch.float64)
    wild = a.clone()
    wild[:, :20] += 100 * draws(4, 20)
    assert measure([wild, -a]).violation < 0.05


def test_a_singularity_does_not_hide_a_violation():
    size = torch.ones(3, ROWS, dtype=torch.float64)
    size[:, 0] = 1e12
    gap = 0.3 * torch.ones_like(size)
    gap[:, 0] = 0.0
    assert measure([size + gap, -size]).violation > 0.1


@pytest.mark.parametrize("terms", [torch.zeros(3, ROWS), torch.zeros(3, 0)])
def test_where_nothing_is_to_be_seen_nothing_is_said(terms):
    found = measure([terms.double(), terms.double()])
    assert found is NOTHING
    assert found.verdict(0.05) == "undecided"


@given(st.floats(0, 2), st.floats(0, 0.5), st.floats(1e-6, 1.0))
def test_a_claim_is_bounded(violation, floor, tolerance):
    found = Measurement(violation, 0.0, floor)
    if found.verdict(tolerance) == "holds":
        assert violation <= max(tolerance, floor) <= found.threshold(tolerance) <= max(RESOLUTION, tolerance)
    if found.verdict(tolerance) == "fails":
        assert violation > 1.4 * max(tolerance, floor)
