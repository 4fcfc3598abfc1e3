"""The loops of `fused`, which numba compiles: sums of cubic splines on even grids, and their gradients.

Only four functions aren't 0 at a point, so half of a product of matrices (of 8 functions on a grid of 5) would be zeros. Here the rows of
an input are put in the order of their intervals: those of one interval share four rows of weights, and four rows are taken at once, so
that four sums are written for sixteen products. numba makes the loops over outputs into vector instructions.

Compiled code stays on disk, beside this file or in numba's folder of the user. This module needs numba: the extra `fast`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])

#: Rows whose basis functions are worked out at once.
_ROWS = 1024
#: Sums may be taken in any order, and a product and a sum be one instruction; what is no number stays none.
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz"},
}


def _compiled(function: F) -> F:
    """The function, compiled by numba when it is called first."""
    compiled: F = njit(**_OPTIONS)(function)
    return compiled


@_compiled
def _functions(x: Any, low: float, step: float, intervals: int, interval: Any, value: Any, slope: Any) -> None:
    """Write the interval of each of the points x, and value and slope (by x) of the four functions that aren't 0 there.

    Args:
        x: Points, `(rows,)`.
        low: The grid's left end.
        step: The length of an interval.
        intervals: Their number.
        interval: For the number of each point's interval, `(rows + 1,)`; beyond the grid the one at its end.
        value: For the functions' values, `(4, rows + 1)`; beyond the grid they go on as lines.
        slope: For their slopes, of the same shape.
    """
    number = x.dtype.type
    zero, one, two, three, four = number(0), number(1), number(2), number(3), number(4)
    half, sixth, end, per_step = number(1 / 2), number(1 / 6), number(intervals), one / step
    for row in range(len(x)):
        place = (x[row] - low) / step  # in intervals
        inside = place if place > zero else zero  # also of what is no number
        inside = inside if inside < end else end
        left = min(np.int32(inside), np.int32(intervals - 1))
        beyond = place - inside
        u = inside - number(left)  # from the interval's left end, and v from its right
        v = one - u
        u2, v2 = u * u, v * v
        first, second = -half * v2, half * (three * u2 - four * u)
        third, fourth = half * (four * v - three * v2), half * u2
        interval[row] = left
        value[0, row] = sixth * v2 * v + beyond * first
        value[1, row] = sixth * (three * u2 * (u - two) + four) + beyond * second
        value[2, row] = sixth * (three * v2 * (v - two) + four) + beyond * third
        value[3, row] = sixth * u2 * u + beyond * fourth
        slope[0, row], slope[1, row] = first * per_step, second * per_step
        slope[2, row], slope[3, row] = third * per_step, fourth * per_step


@_compiled
def _by_interval(interval: Any, count: int, order: Any, ends: Any) -> None:
    """Write rows in the order of their intervals to `order`; those of interval g end before `ends[g]`, and are a multiple of four.

    The gaps are filled with the row `count`, which is none: its functions are 0.

    Args:
        interval: The number of each row's interval, `(count,)` or more.
        count: The number of rows.
        order: For the rows, `(count + 3·intervals,)` or more.
        ends: For the ends, `(intervals + 1,)`.
    """
    ends[:] = 0
    for row in range(count):
        ends[interval[row] + 1] += 1
    for number in range(len(ends) - 1):
        filled = ends[number + 1]
        ends[number + 1] = ends[number] + (filled + 3) // 4 * 4
        for gap in range(ends[number] + filled, ends[number + 1]):
            order[gap] = count
    for row in range(count):  # `ends[g]` goes from where interval g begins to where its rows end
        number = interval[row]
        order[ends[number]] = row
        ends[number] += 1
    for number in range(len(ends) - 1):
        ends[number] = (ends[number] + 3) // 4 * 4


@_compiled
def add_sums(x: Any, low: Any, step: Any, weight: Any, sums: Any, first: int, last: int) -> None:
    """Add the sums of the splines of all inputs to `sums`, for the rows from `first` to before `last`.

    Args:
        x: Points, `(inputs, rows)`.
        low: The left ends of grids, `(inputs,)`.
        step: The lengths of their intervals, `(inputs,)`.
        weight: Coefficients, `(inputs, G + 3, outputs)`.
        sums: `(rows + 1, outputs)`; the last row takes what is added for no row.
        first: The first row.
        last: The row that is no longer taken.
    """
    inputs, outputs, intervals = len(x), weight.shape[2], weight.shape[1] - 3
    interval, order = np.empty(_ROWS + 1, np.int32), np.empty(_ROWS + 3 * intervals, np.int32)
    value, slope = np.empty((4, _ROWS + 1), x.dtype), np.empty((4, _ROWS + 1), x.dtype)
    ends = np.empty(intervals + 1, np.int64)
    for begin in range(first, last, _ROWS):
        count = min(_ROWS, last - begin)
        none = len(sums) - 1
        for i in range(inputs):
            _functions(x[i, begin : begin + count], low[i], step[i], intervals, interval, value, slope)
            _by_interval(interval, count, order, ends)
            place = 0
            for g in range(intervals):
                while place < ends[g]:
                    p, q, r, s = order[place], order[place + 1], order[place + 2], order[place + 3]
                    p0, p1, p2, p3 = value[0, p], value[1, p], value[2, p], value[3, p]
                    q0, q1, q2, q3 = value[0, q], value[1, q], value[2, q], value[3, q]
                    r0, r1, r2, r3 = value[0, r], value[1, r], value[2, r], value[3, r]
                    s0, s1, s2, s3 = value[0, s], value[1, s], value[2, s], value[3, s]
                    # The first of four is always a row.
                    p, q = begin + p, begin + q if q < count else none
                    r, s = begin + r if r < count else none, begin + s if s < count else none
                    for o in range(outputs):
                        w0, w1, w2, w3 = weight[i, g, o], weight[i, g + 1, o], weight[i, g + 2, o], weight[i, g + 3, o]
                        sums[p, o] += p0 * w0 + p1 * w1 + p2 * w2 + p3 * w3
                        sums[q, o] += q0 * w0 + q1 * w1 + q2 * w2 + q3 * w3
                        sums[r, o] += r0 * w0 + r1 * w1 + r2 * w2 + r3 * w3
                        sums[s, o] += s0 * w0 + s1 * w1 + s2 * w2 + s3 * w3
                    place += 4


@_compiled
def add_gradients(
    x: Any, low: Any, step: Any, weight: Any, grad: Any, by_weight: Any, by_x: Any, first: int, last: int
) -> None:
    """Add the gradients by weights to `by_weight`, and write those by points to `by_x`, for the inputs from `first` to before `last`.

    Args:
        x: Points, `(inputs, rows)`.
        low: The left ends of grids, `(inputs,)`.
        step: The lengths of their intervals, `(inputs,)`.
        weight: Coefficients, `(inputs, G + 3, outputs)`.
        grad: The gradient by sums, `(rows + 1, outputs)`; its last row is 0.
        by_weight: Of the shape of `weight`.
        by_x: Of the shape of `x`, or `(0, 0)` where nobody asks for it.
        first: The first input.
        last: The input that is no longer taken.
    """
    rows, outputs, intervals = x.shape[1], weight.shape[2], weight.shape[1] - 3
    interval, order = np.empty(_ROWS + 1, np.int32), np.empty(_ROWS + 3 * intervals, np.int32)
    value, slope = np.empty((4, _ROWS + 1), x.dtype), np.empty((4, _ROWS + 1), x.dtype)
    found, ends = np.empty(_ROWS + 1, x.dtype), np.empty(intervals + 1, np.int64)
    zero, none = x.dtype.type(0), len(grad) - 1
    for begin in range(0, rows, _ROWS):
        count = min(_ROWS, rows - begin)
        for i in range(first, last):
            _functions(x[i, begin : begin + count], low[i], step[i], intervals, interval, value, slope)
            value[:, count], slope[:, count] = 0, 0
            _by_interval(interval, count, order, ends)
            place = 0
            for g in range(intervals):
                while place < ends[g]:
                    a, b, c, d = order[place], order[place + 1], order[place + 2], order[place + 3]
                    p, q = begin + a, begin + b if b < count else none
                    r, s = begin + c if c < count else none, begin + d if d < count else none
                    if len(by_x):
                        p0, p1, p2, p3 = slope[0, a], slope[1, a], slope[2, a], slope[3, a]
                        q0, q1, q2, q3 = slope[0, b], slope[1, b], slope[2, b], slope[3, b]
                        r0, r1, r2, r3 = slope[0, c], slope[1, c], slope[2, c], slope[3, c]
                        s0, s1, s2, s3 = slope[0, d], slope[1, d], slope[2, d], slope[3, d]
                        of_p, of_q, of_r, of_s = zero, zero, zero, zero
                        for o in range(outputs):
                            w0, w1, w2 = weight[i, g, o], weight[i, g + 1, o], weight[i, g + 2, o]
                            w3 = weight[i, g + 3, o]
                            of_p += grad[p, o] * (p0 * w0 + p1 * w1 + p2 * w2 + p3 * w3)
                            of_q += grad[q, o] * (q0 * w0 + q1 * w1 + q2 * w2 + q3 * w3)
                            of_r += grad[r, o] * (r0 * w0 + r1 * w1 + r2 * w2 + r3 * w3)
                            of_s += grad[s, o] * (s0 * w0 + s1 * w1 + s2 * w2 + s3 * w3)
                        found[a], found[b], found[c], found[d] = of_p, of_q, of_r, of_s
                    p0, p1, p2, p3 = value[0, a], value[1, a], value[2, a], value[3, a]
                    q0, q1, q2, q3 = value[0, b], value[1, b], value[2, b], value[3, b]
                    r0, r1, r2, r3 = value[0, c], value[1, c], value[2, c], value[3, c]
                    s0, s1, s2, s3 = value[0, d], value[1, d], value[2, d], value[3, d]
                    for o in range(outputs):
                        g_p, g_q, g_r, g_s = grad[p, o], grad[q, o], grad[r, o], grad[s, o]
                        by_weight[i, g, o] += p0 * g_p + q0 * g_q + r0 * g_r + s0 * g_s
                        by_weight[i, g + 1, o] += p1 * g_p + q1 * g_q + r1 * g_r + s1 * g_s
                        by_weight[i, g + 2, o] += p2 * g_p + q2 * g_q + r2 * g_r + s2 * g_s
                        by_weight[i, g + 3, o] += p3 * g_p + q3 * g_q + r3 * g_r + s3 * g_s
                    place += 4
            if len(by_x):
                by_x[i, begin : begin + count] = found[:count]
