"""The definition of a primitive: a symbolic function that an edge can become.

A symbolic edge is c·f(a·x + b) + d. A primitive says how f and its first two derivatives are computed, on which intervals f is
defined, which of a and b carry information (the others are absorbed by c and d, or by each other), how complex it is, where the
search for a and b starts, and its formula as plain data, from which `kanwidget.symbolic` builds all writings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from kanwidget._types import Elementwise

#: A formula in the variable "u": a name, a number, or a tuple (operation, operand, …).
Form = str | float | int | tuple["str | Form", ...]
#: An interval of u on which a function is defined.
Interval = tuple[float, float]

#: Where the search for a and b starts, for a function that is defined everywhere: see `kanwidget.symbolic.fits.search`.
Starts = Literal["centers", "centers of both signs", "phases", "extrema", "best split"]

#: All numbers.
REAL: tuple[Interval, ...] = ((-math.inf, math.inf),)


@dataclass(frozen=True, slots=True)
class Primitive:
    """One symbolic function f(u), u = a·x + b."""

    name: str
    fn: Elementwise
    """f, elementwise on tensors."""
    d1: Elementwise
    """f′"""
    d2: Elementwise
    """f″"""
    complexity: float
    """Cost in the trade against accuracy; pykan's values where it has the function."""
    form: Form
    """The formula as data, for instance `("exp", ("neg", ("pow", "u", 2)))`; `("call", name, "u")` for an unnamed function."""
    intervals: tuple[Interval, ...] = REAL
    """Where f is defined, in u."""
    closed: bool = False
    """Whether the intervals' finite ends belong to them."""
    period: float | None = None
    """The intervals repeat with this period (tan)."""
    free: tuple[bool, bool] = (True, True)
    """Whether a and b are free parameters. A fixed a is 1 (or -1, see `mirrored`), a fixed b is 0."""
    mirrored: bool = False
    """With a fixed: whether a = -1 gives a different function (sqrt, log)."""
    symmetric: bool = False
    """Whether f(-u) is ±f(u) plus a constant, so that c and d absorb the sign of u and a can be positive."""
    antiperiod: float | None = None
    """A shift of u by this changes the sign of f (sin: π), so that b stays within half of it."""
    absorbed: Literal["scale", "shift"] | None = None
    """The change of u that c and d absorb: u^n and log of a scaled u, exp of a shifted u."""
    exponent: float | None = None
    """n of the primitives that are u^n."""
    limits: tuple[str, ...] = ()
    """Simpler functions that a limit of its parameters imitates: tanh with a → ∞ is sgn, with a → 0 it is x."""
    twin: str | None = None
    """The primitive that is the same function with other constants: sin(u) = cos(u - π/2)."""
    starts: Starts = "centers"
    """Where the search for a and b starts."""
    value_and_derivative: Callable[[Tensor], tuple[Tensor, Tensor]] | None = None
    """f and f′ at once, for built-in functions of which that costs less than one after the other; not within `vmap`."""

    @property
    def derivatives(self) -> tuple[Elementwise, Elementwise, Elementwise, Elementwise]:
        """f, f′, f″ and f‴, the last by automatic differentiation of f″."""
        return self.fn, self.d1, self.d2, derivative(self.d2)

    def interval(self, low: float, high: float) -> Interval | None:
        """The interval of u = a·x + b on which f(u) is defined that holds all of [low, high], or None if none does.

        Its ends count where it is `closed`. The intervals of a periodic function repeat: it is then the one at that place.
        """
        shift = 0.0
        if self.period is not None:
            shift = self.period * math.floor((low - self.intervals[0][0]) / self.period)
        for start, end in self.intervals:
            start, end = start + shift, end + shift
            if start <= low and high <= end if self.closed else start < low and high < end:
                return start, end
        return None


def inner_point(interval: Interval) -> float:
    """A point of an interval, which may have no ends.

    Examples:
        >>> inner_point((0.0, math.inf)), inner_point((-1.0, 3.0)), inner_point((-math.inf, math.inf))
        (1.0, 1.0, 0.5)
    """
    low, high = interval
    if math.isfinite(low) and math.isfinite(high):
        return (low + high) / 2
    if math.isfinite(low):
        return low + 1
    return high - 1 if math.isfinite(high) else 0.5


def derivative(fn: Elementwise) -> Elementwise:
    """The derivative of an elementwise function by automatic differentiation; itself differentiable."""

    def differentiate(u: Tensor) -> Tensor:
        """The derivative at u, of the same shape; it is in u's graph only where u is in one."""
        with torch.enable_grad():
            leaf = u if u.requires_grad else u.detach().requires_grad_(True)
            value = fn(leaf)
            if not value.requires_grad:
                return torch.zeros_like(u)
            (gradient,) = torch.autograd.grad(value.sum(), leaf, create_graph=True)
        return gradient if u.requires_grad else gradient.detach()

    return differentiate
