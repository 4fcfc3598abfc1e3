"""Where formulas are compared."""

import pytest
import sympy
import torch
from hypothesis import given
from hypothesis import strategies as st

from kanwidget.formulas.points import agreement, points

x, y = sympy.symbols("x y")
ENDS = st.tuples(st.floats(-100, 100), st.floats(0.01, 100)).map(lambda drawn: (drawn[0], drawn[0] + drawn[1]))


@given(ENDS, st.floats(0, 2))
def test_ranges_are_widened_by_a_part_and_keep_their_sign(ends, widen):
    low, high = ends
    sample = points([x], {"x": ends}, widen, "equivalent")
    width = high - low
    for column, span in ((sample.inner, width), (sample.wider, (1 + widen) * width)):
        assert float(column.max() - column.min()) == pytest.approx(span, rel=0.05)
    slack = 1e-9 * (1 + abs(low) + abs(high))
    assert low - slack <= float(sample.inner.min())
    assert float(sample.inner.max()) <= high + slack
    if low >= 0:
        assert float(sample.wider.min()) >= 0
    if high <= 0:
        assert float(sample.wider.max()) <= slack
    if low < -widen * width / 2 and high > widen * width / 2:
        assert float(sample.wider.mean()) == pytest.approx((low + high) / 2, abs=0.1 * width)


def test_points_of_data_are_rows_and_between_two_rows():
    rows = torch.tensor([[0.0, 0.0], [1.0, 2.0], [3.0, 6.0]], dtype=torch.float64)
    sample = points([sympy.Symbol("x_1"), sympy.Symbol("x_2")], rows, 0.5, "equivalent")
    assert torch.allclose(sample.inner[:, 1], 2 * sample.inner[:, 0])
    present = (sample.inner[::2, None] == rows).all(-1).any(1)
    assert bool(present.all())
    assert len(sample.inner[1::2, 0].unique()) > 300


def test_symbols_know_the_sign_of_their_values():
    signed = points([x, y], {"x": (0, 1), "y": (-2, -1)}, 0.5, "equivalent").symbols()
    assert signed["x"].is_positive
    assert signed["y"].is_negative
    both = points([x], {"x": (-1e-9, 4)}, 0.5, "equivalent").symbols()["x"]
    assert both.is_positive is None
    assert both.is_real
    with_zero = points([sympy.Symbol("x_1")], torch.tensor([0.0, 1.0]), 0.5, "equivalent").symbols()["x_1"]
    assert with_zero.is_positive is None
    assert with_zero.is_nonnegative


def test_differences_have_no_unit_and_no_offset():
    column = {x: torch.linspace(0, 3, 500, dtype=torch.float64)}
    errors = [
        agreement(unit * (offset + 1.01 * sympy.sin(x)), unit * (offset + sympy.sin(x)), column, 500).error
        for unit in (1, 1e-20, 1e20)
        for offset in (0, 1000)
    ]
    assert errors == pytest.approx([errors[0]] * 6, rel=1e-3)


def test_a_pole_does_not_hide_a_difference_nor_make_one():
    column = {x: torch.linspace(-1.5, 1.5, 1000, dtype=torch.float64)}
    assert agreement(1 / x + 0.01 * x, 1 / x, column).error > 1e-3
    assert agreement(sympy.tan(x), sympy.sin(x) / sympy.cos(x), column).error < 1e-12
