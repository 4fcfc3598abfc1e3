"""How far a formula is from the rows, and how long it takes to describe them with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from torch import Tensor

#: Errors below this part of the target's spread are round-off: formulas of exact data differ by it.
EXACT = 1e-8
#: Bits of a unit of complexity.
_COMPLEXITY = 1.5
#: By so many bits noise that grows with the value must be likelier.
_GAIN = 3.0
#: An error must be smaller by this factor to be worth more complexity.
_SMALLER = 0.99


@dataclass(frozen=True, slots=True)
class Misfit:
    """Residuals of one formula, in parts of the target's spread."""

    train: float
    """Root mean square on the rows that constants are fitted to; of a robust loss the mean size."""
    held_out: float
    """The same on the rows held out; that of the others, where none are."""
    bits: float
    """Bits to write down all residuals, where the noise is the same everywhere."""
    relative_bits: float
    """The same where it grows with the value; infinite where values change sign."""


class Ranked(Protocol):
    """What is compared."""

    @property
    def complexity(self) -> float:
        """Of the formula."""

    @property
    def constants(self) -> int:
        """How many of its numbers were fitted."""

    @property
    def misfit(self) -> Misfit:
        """Its residuals."""


R = TypeVar("R", bound=Ranked)


def misfit(
    train: tuple[Tensor, Tensor, Tensor | None],
    held_out: tuple[Tensor, Tensor, Tensor | None] | None,
    spread: float,
    *,
    robust: bool,
) -> Misfit:
    """The residuals of values on the training rows and on those held out.

    Args:
        train: The target, a formula's values, and the rows' weights.
        held_out: The same of other rows.
        spread: The target's standard deviation.
        robust: Whether sizes count, not squares.
    """
    parts = [train] if held_out is None else [train, held_out]
    errors = [_error(y - value, weight, robust=robust) / spread for y, value, weight in parts]
    bits = sum(_bits(len(part[0]), error) for part, error in zip(parts, errors, strict=True))
    return Misfit(errors[0], errors[-1], bits, _relative_bits(parts, spread, robust=robust))


def _error(residual: Tensor, weight: Tensor | None, *, robust: bool) -> float:
    size = residual.abs() if robust else residual.square()
    mean = float(size.mean() if weight is None else (weight * size).sum() / weight.sum())
    if not math.isfinite(mean):
        return math.inf
    return mean if robust else math.sqrt(mean)


def _bits(rows: int, error: float) -> float:
    return rows * math.log2(math.hypot(error, EXACT)) if math.isfinite(error) else math.inf


def _relative_bits(parts: Sequence[tuple[Tensor, Tensor, Tensor | None]], spread: float, *, robust: bool) -> float:
    total = 0.0
    for y, value, weight in parts:
        if not bool((value > 0).all() if y[0] > 0 else (value < 0).all()):
            return math.inf
        size = value.abs().clamp(min=1e-3 * float(y.abs().median()))
        error = _error((y - value) / size, weight, robust=robust)
        total += _bits(len(y), error) + float((size / spread).log2().sum())
    return total


def pareto(members: Sequence[R]) -> list[R]:
    """The members that no simpler one equals, from simple to accurate.

    An error on held-out rows must be smaller by a hundredth than that of all simpler members, and round-off isn't.
    """
    front: list[R] = []
    for member in sorted(members, key=lambda m: (m.complexity, m.misfit.held_out, m.constants)):
        if math.isfinite(member.misfit.held_out) and (not front or is_smaller(member, front[-1])):
            front.append(member)
    return front


def is_smaller(member: Ranked, other: Ranked) -> bool:
    """Whether a formula's error is smaller than another's, beyond round-off."""
    return max(member.misfit.held_out, EXACT) < _SMALLER * max(other.misfit.held_out, EXACT)


def is_exact(member: Ranked) -> bool:
    """Whether a formula leaves nothing but round-off."""
    return member.misfit.held_out < EXACT


def has_relative_noise(members: Sequence[Ranked]) -> bool:
    """Whether the residuals of the formulas say that the noise grows with the value."""
    plain = min(member.misfit.bits for member in members)
    return min(member.misfit.relative_bits for member in members) < plain - _GAIN


def best(members: Sequence[R], rows: int) -> R:
    """The member with the shortest description: its residuals, half a logarithm of the rows a constant, and its form.

    Args:
        members: At least one.
        rows: Number of rows.
    """
    relative = has_relative_noise(members)

    def length(member: R) -> float:
        misfit = member.misfit.relative_bits if relative else member.misfit.bits
        return misfit + member.constants / 2 * math.log2(max(rows, 2)) + _COMPLEXITY * member.complexity

    return min(members, key=length)
