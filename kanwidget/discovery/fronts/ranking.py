"""How far a formula is from the rows, and how long it takes to describe them with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor

#: Errors below this part of the target's spread are round-off: formulas of exact data differ by it.
EXACT = 1e-11
#: Bits of a unit of complexity: there are about as many columns and operations to choose from.
_COMPLEXITY = 2.0
#: By so many bits noise that grows with the value must be likelier, and a formula that held-out rows speak against shorter.
_GAIN = 3.0
#: Bits of a constant that the data leave open: another form says the same without it.
_DOUBT = 10.0
#: Values below this part of the median are no units of their noise.
SMALL = 1e-3
#: An error must be smaller by this factor to be worth more complexity.
_SMALLER = 0.99


@dataclass(frozen=True, slots=True)
class Errors:
    """Residuals of one formula."""

    train: float
    """Root mean square on the rows that constants are fitted to; of a robust loss the mean size."""
    held_out: float
    """The same on the rows held out; that of the others, where none are."""
    bits: float
    """Bits to write all of them down."""


@dataclass(frozen=True, slots=True)
class Misfit:
    """Residuals under two kinds of noise."""

    plain: Errors
    """In parts of the target's spread: the noise is the same everywhere."""
    relative: Errors
    """In parts of the values: the noise grows with them. Infinite where values change sign."""


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

    @property
    def doubtful(self) -> bool:
        """Whether the data are known to leave one of them open."""


R = TypeVar("R", bound=Ranked)
#: A target, a formula's values, and the rows' weights.
Rows = tuple[Tensor, Tensor, Tensor | None]


def misfit(train: Rows, held_out: Rows | None, spread: float, *, robust: bool) -> Misfit:
    """The residuals of values on the training rows and on those held out.

    Args:
        train: The rows that constants are fitted to.
        held_out: Others.
        spread: The target's standard deviation.
        robust: Whether sizes count, not squares.
    """
    parts = [train] if held_out is None else [train, held_out]
    units = [torch.full_like(y, spread) for y, _, _ in parts]
    plain = _errors(parts, units, spread, robust=robust)
    signed = all(bool((value > 0).all() if y[0] > 0 else (value < 0).all()) for y, value, _ in parts)
    if not signed:
        return Misfit(plain, Errors(math.inf, math.inf, math.inf))
    units = [value.abs().clamp(min=SMALL * float(y.abs().median())) for y, value, _ in parts]
    return Misfit(plain, _errors(parts, units, spread, robust=robust))


def _errors(parts: Sequence[Rows], units: Sequence[Tensor], spread: float, *, robust: bool) -> Errors:
    """Residuals in some unit a row."""
    errors, bits = [], 0.0
    for (y, value, weight), unit in zip(parts, units, strict=True):
        errors.append(_error((y - value) / unit, weight, robust=robust))
        bits += len(y) * math.log2(math.hypot(errors[-1], EXACT)) + float((unit / spread).log2().sum())
    return Errors(errors[0], errors[-1], bits if math.isfinite(bits) else math.inf)


def _error(residual: Tensor, weight: Tensor | None, *, robust: bool) -> float:
    size = residual.abs() if robust else residual.square()
    mean = float(size.mean() if weight is None else (weight * size).sum() / weight.sum())
    if not math.isfinite(mean):
        return math.inf
    return mean if robust else math.sqrt(mean)


def held_out(member: Ranked, *, relative: bool) -> float:
    """The error that counts."""
    return (member.misfit.relative if relative else member.misfit.plain).held_out


def pareto(members: Sequence[R], *, relative: bool = False) -> list[R]:
    """The members that no simpler one equals, from simple to accurate.

    An error on held-out rows must be smaller by a hundredth than that of all simpler members, and round-off isn't.

    Args:
        members: In any order.
        relative: Whether the noise grows with the value.
    """
    front: list[R] = []
    for member in sorted(members, key=lambda m: (m.complexity, held_out(m, relative=relative), m.constants)):
        error = held_out(member, relative=relative)
        smaller = not front or max(error, EXACT) < _SMALLER * max(held_out(front[-1], relative=relative), EXACT)
        if math.isfinite(error) and smaller:
            front.append(member)
    return front


def front(members: Sequence[R], rows: int, *, relative: bool = False) -> list[R]:
    """The members that no simpler one equals, and the one with the shortest description; arguments as of `length`.

    The held-out rows are few: by chance a wrong formula may come nearer to them, and all rows together know better.
    """

    def bits(member: R) -> float:
        return length(member, rows, relative=relative)

    kept = pareto(members, relative=relative)
    shortest = min(members, key=bits, default=None)
    if not kept or shortest is None or bits(shortest) > min(map(bits, kept)) - _GAIN:
        return kept
    return sorted([*kept, shortest], key=lambda member: member.complexity)


def is_exact(member: Ranked) -> bool:
    """Whether a formula leaves nothing but round-off."""
    return member.misfit.plain.held_out < EXACT


def length(member: Ranked, rows: int, *, relative: bool) -> float:
    """Bits to write down the residuals, the constants as exactly as the rows determine them, and the form.

    Args:
        member: The formula.
        rows: Number of rows.
        relative: Whether the noise grows with the value.
    """
    errors = member.misfit.relative if relative else member.misfit.plain
    if not math.isfinite(errors.bits):
        return math.inf
    # The standard error of a constant is about this part of it, over the root of the rows.
    digits = max(0.0, -math.log2(math.hypot(errors.held_out, EXACT)))
    constants = member.constants * (math.log2(max(rows, 2)) / 2 + digits)
    return errors.bits + constants + _COMPLEXITY * member.complexity + _DOUBT * member.doubtful


def has_relative_noise(members: Sequence[Ranked], rows: int) -> bool:
    """Whether descriptions are shorter where the noise grows with the value."""
    plain, relative = (min(length(m, rows, relative=kind) for m in members) for kind in (False, True))
    return relative < plain - _GAIN


def best(members: Sequence[R], rows: int, *, relative: bool = False) -> R:
    """The member with the shortest description; arguments as of `length`."""
    return min(members, key=lambda member: length(member, rows, relative=relative))
