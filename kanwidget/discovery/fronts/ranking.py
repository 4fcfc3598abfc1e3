"""How far a formula is from the rows, and how long it takes to describe them with it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

from kanwidget.symbolic.formulas.regression.noise import GrowingNoise

#: Errors below this part of the target's spread are round-off: formulas of exact data differ by it.
EXACT = 1e-11
#: Bits of a unit of complexity: there are about as many columns and operations to choose from.
_COMPLEXITY = 2.0
#: By so many bits noise that grows with the value must be likelier, and a formula that held-out rows speak against shorter.
_GAIN = 3.0
#: Bits of a constant that the data leave open: another form says the same without it.
_DOUBT = 10.0
#: Noise that grows with the value: it is as large as a constant part where the value is the median over one of these.
_RATIOS = (1.0, 10.0, 100.0, 1000.0)
#: The kinds of noise, as of `Misfit.under`.
ALL_KINDS = range(len(_RATIOS) + 1)
#: An error must be smaller by this factor to be worth more complexity.
_SMALLER = 0.99


@dataclass(frozen=True, slots=True)
class Errors:
    """Residuals of one formula."""

    held_out: float
    """Root mean square on the rows held out, or on those that constants are fitted to where none are; of a robust loss the mean size."""
    bits: float
    """Bits to write all of them down."""


_NO_ERRORS = Errors(math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Misfit:
    """Residuals under several kinds of noise."""

    plain: Errors
    """In parts of the target's spread: the noise is the same everywhere."""
    growing: tuple[Errors, ...]
    """In parts of the values and smaller and smaller constant parts: the noise grows with the value. Infinite where values change sign."""

    def under(self, noise: int) -> Errors:
        """The residuals under one kind of noise: 0 is the same everywhere, 1 and more grow with the value."""
        return self.growing[noise - 1] if noise else self.plain


@dataclass(frozen=True, slots=True)
class Ranked:
    """What is compared of a formula."""

    complexity: float
    constants: int
    """How many of its numbers were fitted."""
    misfit: Misfit
    """Its residuals."""
    doubtful: bool = field(default=False, kw_only=True)
    """Whether the data are known to leave a constant open."""


R = TypeVar("R", bound=Ranked)
#: A target, a formula's values, and the rows' weights.
Rows = tuple[Tensor, Tensor, Tensor | None]


def misfit(parts: Sequence[Rows], spread: float, *, robust: bool) -> Misfit:
    """The residuals of a formula's values on the training rows and on those held out, under each kind of noise.

    Args:
        parts: The rows that constants are fitted to, and those held out where there are any, each as the target, the values of the
            formula and the weights or None, `(rows,)`.
        spread: The target's standard deviation.
        robust: Whether sizes count, not squares.
    """
    plain = [torch.full_like(y, spread)[None] for y, _, _ in parts]
    # Noise in proportion to values has a meaning only where none of these changes its sign.
    signed = all(bool((value > 0).all() if y[0] > 0 else (value < 0).all()) for y, value, _ in parts)
    middle = float(parts[0][0].abs().median())
    if not signed or not middle:  # then no growing noise is possible: infinite errors
        return Misfit(_errors(parts, plain, spread, robust=robust)[0], (_NO_ERRORS,) * len(_RATIOS))
    # What residuals are divided by, `(ways, rows)`: the spread, then the sizes of each kind of growing noise.
    growing = [
        torch.cat([unit, torch.stack([noise.sizes(value) for noise in kinds(middle)])])
        for unit, (_, value, _) in zip(plain, parts, strict=True)
    ]
    first, *others = _errors(parts, growing, spread, robust=robust)
    return Misfit(first, tuple(others))


def kinds(middle: float) -> list[GrowingNoise]:
    """The kinds of noise that grows with the value: its constant part equals the other one at `middle` over 1, 10, 100 or 1000.

    Args:
        middle: The median of the target's sizes, without signs; positive.
    """
    return [GrowingNoise(ratio / middle) for ratio in _RATIOS]


def _errors(parts: Sequence[Rows], units: Sequence[Tensor], spread: float, *, robust: bool) -> list[Errors]:
    """The residuals of one formula, measured in several ways.

    Args:
        parts: The training rows and, where there are any, those held out.
        units: Of each part what a residual of each row is divided by, `(ways, rows)`.
        spread: The target's standard deviation: what the bits of units are relative to.
        robust: Whether sizes count, not squares.

    Returns:
        The errors, one for each way (kind of noise).
    """
    errors: list[float] = []  # root mean square (or mean size) of each way, in the end of the last part
    bits = torch.zeros(len(units[0]), dtype=torch.float64)
    # Residuals take n·log2 of their size in bits, but for a constant of each row; EXACT, round-off, keeps it finite for an exact formula.
    for (y, value, weight), unit in zip(parts, units, strict=True):
        size = (y - value) / unit
        size = size.abs() if robust else size.square()
        mean = size.mean(1) if weight is None else (size @ weight) / weight.sum()
        mean = (mean if robust else mean.sqrt()).nan_to_num(math.inf, math.inf)
        errors = mean.tolist()
        bits = bits + len(y) * (mean.square() + EXACT**2).log2() / 2 + (unit / spread).log2().sum(1)
    bits = bits.nan_to_num(math.inf, math.inf, math.inf)
    return [Errors(*each) for each in zip(errors, bits.tolist(), strict=True)]


def pareto(members: Sequence[R], *, noise: int = 0) -> list[R]:
    """The members that no simpler one equals, from simple to accurate.

    An error on held-out rows must be smaller by a hundredth than that of all simpler members; errors within round-off count as equal.
    Where the data leave a constant open, a member counts as more complex: 500 - 294/x^0.1 may come nearer to some rows than the logarithm
    that it imitates.

    Args:
        members: In any order.
        noise: The kind of noise by which errors are measured: 0 is the same everywhere, 1 and more grow with the value.
    """

    def held_out(member: R) -> float:
        return member.misfit.under(noise).held_out

    def size(member: R) -> float:
        """The complexity; where the data leave a constant open it is larger by the bits of that, in units of complexity."""
        return member.complexity + _DOUBT / _COMPLEXITY * member.doubtful

    front: list[R] = []
    for member in sorted(members, key=lambda m: (size(m), held_out(m), m.constants)):
        error = held_out(member)
        smaller = not front or max(error, EXACT) < _SMALLER * max(held_out(front[-1]), EXACT)
        if math.isfinite(error) and smaller:
            front.append(member)
    return sorted(front, key=lambda member: member.complexity)


def front(members: Sequence[R], rows: int, *, noise: int = 0) -> list[R]:
    """The members that no simpler one equals, and the one with the shortest description, from simple to accurate.

    The held-out rows are few: by chance a wrong formula may come nearer to them. The description is that of all rows. So the one with the
    shortest comes in where it is shorter by more than three bits than all that held-out rows prefer.

    Args:
        members: In any order.
        rows: Number of rows.
        noise: The kind of noise by which residuals are measured: 0 is the same everywhere, 1 and more grow with the value.
    """

    def bits(member: R) -> float:
        return length(member, rows, noise=noise)

    kept = pareto(members, noise=noise)
    shortest = min(members, key=bits, default=None)
    if not kept or shortest is None or bits(shortest) > min(map(bits, kept)) - _GAIN:
        return kept
    return sorted([*kept, shortest], key=lambda member: member.complexity)


def is_exact(member: Ranked) -> bool:
    """Whether a formula leaves nothing but round-off."""
    return member.misfit.plain.held_out < EXACT


def length(member: Ranked, rows: int, *, noise: int) -> float:
    """Bits to write down the residuals, the constants as exactly as the rows determine them, and the form.

    Args:
        member: The formula.
        rows: Number of rows.
        noise: The kind of noise by which residuals are measured: 0 is the same everywhere, 1 and more grow with the value.
    """
    errors = member.misfit.under(noise)
    if not math.isfinite(errors.bits):
        return math.inf
    # A constant is written to its standard error, relative to it about the error over the root of the rows: -log2 of that are its bits.
    digits = max(0.0, -math.log2(math.hypot(errors.held_out, EXACT)))
    constants = member.constants * (math.log2(max(rows, 2)) / 2 + digits)
    # `doubtful`: the rows leave a constant open.
    return errors.bits + constants + _COMPLEXITY * member.complexity + _DOUBT * member.doubtful


def likeliest_noise(members: Sequence[Ranked], rows: int) -> int:
    """The kind of noise under which the shortest of the formulas' descriptions is shortest: 0 is the same everywhere, 1 and more grow with
    the value. `rows` is the number of rows.

    One that grows with the value must be likelier, by three bits, than the same noise everywhere. The last kind, which has nearly no
    constant part, counts unless another one is likelier than it by three bits.
    """
    plain, *growing = (min(length(m, rows, noise=kind) for m in members) for kind in ALL_KINDS)
    shortest = min(growing)
    if shortest >= plain - _GAIN:
        return 0
    return len(growing) if growing[-1] <= shortest + _GAIN else 1 + growing.index(shortest)
