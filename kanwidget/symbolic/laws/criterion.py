"""How long it takes to describe a column of numbers with a law: its misfit, its constants and its functions, in bits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
#: Smallest misfit that counts, as a part of the target's standard deviation.
_NOTHING = 1e-11
#: Relative error of a value that a few operations have rounded.
ROUNDING = 8 * float(np.finfo(np.float64).eps)


@dataclass(frozen=True, slots=True)
class Noise:
    """How the noise of a row grows: as it is, or with the row's value."""

    relative: bool

    def root(self, y: Array, value: Array) -> Array:
        """Roots of the rows' weights."""
        if not self.relative:
            return np.ones_like(y)
        size = np.abs(value)
        return 1 / np.maximum(size, 1e-3 * float(np.median(np.abs(y))) + 1e-300)


def misfit(y: Array, value: Array, noise: Noise) -> float:
    """Bits to write down what a law leaves of y, up to a constant of the table."""
    root = noise.root(y, value)
    floor = (_floor(y) * float(root.mean())) ** 2
    mean_square = float((((y - value) * root) ** 2).mean())
    if not math.isfinite(mean_square):
        return math.inf
    return len(y) / 2 * math.log2(mean_square + floor) - float(np.log2(root).sum())


def bits(y: Array, value: Array, constants: int, functions: float, noise: Noise) -> float:
    """The whole description: half a logarithm of the rows for each constant, and the names of the functions."""
    return misfit(y, value, noise) + 0.5 * constants * math.log2(len(y)) + functions


def noise_of(y: Array, value: Array) -> Noise:
    """The kind of noise under which a fit is likelier; round-off is none that grows."""
    one_sided = bool((np.sign(value) == np.sign(value[0])).all()) and value[0] != 0
    if not one_sided or float(((y - value) ** 2).mean()) <= _floor(y) ** 2:
        return Noise(False)
    return Noise(misfit(y, value, Noise(True)) < misfit(y, value, Noise(False)))


def _floor(y: Array) -> float:
    """The smallest error that counts: smaller ones are round-off."""
    return max(_NOTHING * (float(y.std()) or 1.0), ROUNDING * float(np.abs(y).max()))
