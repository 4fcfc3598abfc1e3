"""Registered functions that are wrong: left out with a word about why, and all others as if they weren't there."""

import math

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kanwidget import KAN
from kanwidget.core.primitives import primitives, register_primitive
from kanwidget.core.primitives.table import _TABLE
from kanwidget.simplification import auto_symbolic
from kanwidget.symbolic import fix_symbolic, suggest_symbolic
from kanwidget.symbolic.fits.fitting import fit_primitives

#: A probe of `register_primitive` has six numbers: what is wrong shows later.
PROBE = 6
grid = torch.linspace(-1.5, 2, 120, dtype=torch.float64)
X = torch.stack([grid, grid + 3, grid / 2], 1)
Y = torch.stack([torch.sin(2 * grid) + 0.1 * grid**3, (grid + 4).log(), grid.abs().sqrt()], 1)


def later(wrong):
    """Right for the probe, wrong for all else."""
    return lambda u: u * 1.0 if u.numel() == PROBE else wrong(u)


def on(condition, wrong):
    """Right where nothing is beyond a bound."""
    return lambda u: wrong(u) if u.numel() > PROBE and bool(condition(u)) else torch.sin(1.7 * u)


def raises(error):
    def wrong(u):
        raise error

    return wrong


WRONG = {
    "raises ZeroDivisionError": raises(ZeroDivisionError("division by zero")),
    "raises MemoryError": raises(MemoryError()),
    "raises StopIteration": raises(StopIteration("over")),
    "NaN": lambda u: u * math.nan,
    "infinity": lambda u: u + math.inf,
    "one number": lambda u: 3.0,
    "None": lambda u: None,
    "a scalar": lambda u: u.sum(),
    "transposed": lambda u: u.T if u.dim() > 1 else u[:-1],
    "broadcast": lambda u: u[..., :1],
    "float32": lambda u: u.float(),
    "integers": lambda u: u.long(),
    "complex": lambda u: u.to(torch.complex128),
    "changes its argument": lambda u: u.mul_(2.0).sin(),
}
CONDITIONS = {
    "always": None,
    "where it is large": lambda u: u.max() > 2,
    "of many": lambda u: u.numel() > 20_000,
    "of few": lambda u: u.dim() == 2 and u.shape[-1] == 65,
}
broken = st.tuples(
    st.sampled_from(sorted(WRONG)),
    st.sampled_from(sorted(CONDITIONS)),
    st.sampled_from([(True, True), (False, True), (True, False), (False, False)]),
    st.sampled_from([((-math.inf, math.inf),), ((0.0, math.inf),), ((-1.0, 1.0),), ((0.0, 1e-9),), ((-5, -4), (7, 8))]),
    st.booleans(),
)


def function(wrong, condition):
    return later(WRONG[wrong]) if CONDITIONS[condition] is None else on(CONDITIONS[condition], WRONG[wrong])


@pytest.mark.slow
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken)
def test_a_broken_function_leaves_the_others_candidates_bit_for_bit(case):
    wrong, condition, free, intervals, slope = case
    rows, told = primitives(), []
    before = fit_primitives(X, Y, rows)
    one = function(wrong, condition)
    register_primitive("mine", one, free=free, intervals=intervals, d1=one if slope else None)
    try:
        after = fit_primitives(X, Y, primitives(), on_broken=lambda found: told.append(str(found)))
    finally:
        del _TABLE["mine"]
    assert [[repr(fit) for fit in fits if fit.name != "mine"] for fits in after] == [
        [repr(fit) for fit in fits] for fits in before
    ]
    assert len(told) <= 1
    assert all(text.startswith("the function `mine` r") for text in told)
    if told:
        assert all(fit.name != "mine" for fits in after for fit in fits)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("raises ZeroDivisionError", "the function `mine` raised ZeroDivisionError: division by zero"),
        ("raises MemoryError", "the function `mine` raised MemoryError"),
        ("NaN", "the function `mine` returned no finite number"),
        ("None", "the function `mine` returned NoneType, not a tensor"),
        ("a scalar", "the function `mine` returned the shape"),
        ("float32", "the function `mine` returned torch.float32 for torch.float64"),
    ],
)
def test_what_is_wrong_is_said_once_and_fixing_to_it_is_refused(registered, caplog, wrong, words):
    registered("mine", function(wrong, "always"))
    model = KAN([2, 2, 1], seed=3)
    x = torch.rand(80, 2, dtype=torch.float64)
    told = []
    fits = suggest_symbolic(model, 0, 0, 0, x, topk=None, on_broken=lambda found: told.append(str(found)))
    assert len(fits) > 10
    assert len(told) == 1
    assert told[0].startswith(words)
    state = model.layer(0).state(0, 0)
    with pytest.raises(ValueError, match="fix_symbolic needs a function that works: the function `mine` r"):
        fix_symbolic(model, 0, 0, 0, "mine", x)
    assert model.layer(0).state(0, 0) == state
    assert len(auto_symbolic(model, x, r2_threshold=-1.0)) == 6
    assert "the function `mine` r" in caplog.text


def test_constants_given_for_a_broken_function_are_refused_too(registered):
    registered("mine", function("raises ZeroDivisionError", "always"))
    x = torch.rand(80, 1, dtype=torch.float64)
    with pytest.raises(ValueError, match="raised ZeroDivisionError"):
        fix_symbolic(KAN([1, 1]), 0, 0, 0, "mine", x, params=(1, 0, 1, 0))


def test_a_formula_that_cannot_be_written_is_a_fault_of_its_function(registered):
    told = []
    registered("mine", torch.sin, form=("mul",))
    after = fit_primitives(X, Y, primitives(), on_broken=lambda found: told.append(str(found)))
    assert len(told) <= 1
    assert all(fit.name != "mine" for fits in after for fit in fits) == bool(told)


def test_no_fault_of_the_package_is_blamed_on_a_function(monkeypatch):
    from kanwidget.symbolic.fits import fitting

    monkeypatch.setattr(fitting, "equation", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        fit_primitives(X, Y, primitives(["sin"]))
