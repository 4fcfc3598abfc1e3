import numpy as np
import pytest
import torch

from kanwidget import _check


@pytest.mark.parametrize("value", [1, np.int64(3), 10])
def test_integer_takes_whole_numbers(value):
    found = _check.integer(value, "n", "f", low=1, high=10)
    assert type(found) is int
    assert found == value


@pytest.mark.parametrize("value", [0, 11, 1.0, 1.5, True, "1", None, float("nan")])
def test_integer_refuses(value):
    with pytest.raises(ValueError, match="the `n` argument of f must be an integer from 1 to 10; got "):
        _check.integer(value, "n", "f", low=1, high=10)


@pytest.mark.parametrize("value", [0, 0.5, np.float32(1)])
def test_real_takes_finite_numbers(value):
    found = _check.real(value, "x", "f", low=0, high=1)
    assert type(found) is float


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, 1.1, "1", None, True, 1j])
def test_real_refuses(value):
    with pytest.raises(ValueError, match="the `x` argument of f must be a finite number ≥ 0 and ≤ 1; got "):
        _check.real(value, "x", "f", low=0, high=1)


def test_real_open_end_and_no_bounds():
    with pytest.raises(ValueError, match="a finite number > 0; got 0"):
        _check.real(0, "x", "f", low=0, open_low=True)
    with pytest.raises(ValueError, match="must be a finite number; got inf"):
        _check.real(float("inf"), "x", "f")


def test_choice_names_the_closest():
    assert _check.choice("sin", "fun", "f", ["sin", "cos"]) == "sin"
    with pytest.raises(ValueError, match=r"one of 'sin', 'cos'; got 'sine'. Did you mean 'sin'\?"):
        _check.choice("sine", "fun", "f", ["sin", "cos"])
    with pytest.raises(ValueError, match=r"got 3\.$"):
        _check.choice(3, "fun", "f", iter(["sin", "cos"]))


def test_descriptions_stay_short():
    assert _check.describe(torch.zeros(2, 3)) == "Tensor of shape (2, 3)"
    assert _check.describe(np.zeros(4)) == "ndarray of shape (4,)"
    assert len(_check.describe("x" * 1000)) == 80


def test_fail_raises_what_it_is_told():
    with pytest.raises(TypeError, match=r"^the `a` argument of f must be b; got 'c'\. Do d\.$"):
        _check.fail("a", "f", "b", "c", "Do d.", error=TypeError)


def test_of_a_long_list_only_what_may_be_meant_is_named():
    names = [f"name{number}" for number in range(30)] + ["sin", "sinh", "arcsin"]
    with pytest.raises(
        ValueError, match=r"one of 'sin', 'sinh', 'arcsin' or 30 others; got 'sine'. Did you mean 'sin'\?"
    ):
        _check.choice("sine", "name", "fix", names)
    with pytest.raises(ValueError, match=r"one of 'name0', 'name1', 'name2', 'name3' or 29 others; got '∫'\.?$"):
        _check.choice("∫", "name", "fix", names)
