"""Scales: the units of a network's inputs and outputs, and its own numbers of order one.

Inside, a network computes with (u − centre)/size, where u is a column or its logarithm, and its output is centre + size·v (or the
exponential of that). So grids, base functions, damping and penalty see numbers of order one whatever the units of the data, and a
change of units changes nothing but these scales.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from kanwidget import _check

#: Columns keep their numbers if none is larger than the first and their spread is at least the second: they are of order one. Their
#: size is the third times the standard deviation: half the width of a uniform distribution, so that such inputs become -1 … 1.
_ORDINARY = {"input": (4.0, 0.1, math.sqrt(3)), "output": (10.0, 0.1, 1.0)}
_BUFFERS = ("input_centre", "input_size", "input_log", "output_centre", "output_size", "output_log", "fixed")


class Scale(NamedTuple):
    """Centre and size of every column; its scaled numbers are (column − centre)/size."""

    centre: Tensor
    """`(columns,)`, in the unit of each column."""
    size: Tensor
    """`(columns,)`, > 0, in the unit of each column."""


class EdgeUnits(NamedTuple):
    """What an edge's own numbers are in units: x = x_centre + x_size·(scaled x), y = y_size·(scaled y)."""

    x_centre: float
    x_size: float
    y_size: float


class Scaling(nn.Module):
    """The scales of a network's columns and outputs, and which of them are logarithms. At first it changes nothing.

    Args:
        n_features: Columns of the data.
        n_out: Outputs.
        like: A tensor of the network's type, on its device.
    """

    input_centre: Tensor
    input_size: Tensor
    input_log: Tensor
    output_centre: Tensor
    output_size: Tensor
    output_log: Tensor
    fixed: Tensor
    """Whether the scales of inputs and of outputs are settled, `(2,)`: learnt, or set."""

    def __init__(self, n_features: int, n_out: int, like: Tensor) -> None:
        """Make scales of `n_features` columns and `n_out` outputs that change nothing, and aren't settled (`fixed`) yet.

        Centres are 0, sizes 1, and no column has a logarithm; they have the type and device of `like`. `fixed` says whether those of the
        inputs and those of the outputs are settled.
        """
        super().__init__()
        for side, count in (("input", n_features), ("output", n_out)):
            self.register_buffer(f"{side}_centre", like.new_zeros(count))
            self.register_buffer(f"{side}_size", like.new_ones(count))
            self.register_buffer(f"{side}_log", torch.zeros(count, dtype=torch.bool, device=like.device))
        self.register_buffer("fixed", torch.zeros(2, dtype=torch.bool, device=like.device))
        self._refresh()

    def _refresh(self) -> None:
        """Note, after a change, whether inputs and outputs have scales and logarithms: computations skip those that change nothing."""
        self.scales_input = not _is_identity(self.input_centre, self.input_size, self.input_log)
        self.scales_output = not _is_identity(self.output_centre, self.output_size, self.output_log)
        self.has_logs = bool(self.input_log.any()), bool(self.output_log.any())

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Load the buffers, and note again which of them change anything."""
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._refresh()

    def identity(self) -> dict[str, Tensor]:
        """The state of scales that change nothing, and that no training may change: for files of earlier versions, which have none."""
        plain = Scaling(len(self.input_size), len(self.output_size), self.input_size)
        plain.settle()
        return {name: getattr(plain, name) for name in _BUFFERS}

    # ---- there and back

    def scaled_inputs(self, x: Tensor, columns: Tensor | None) -> Tensor:
        """Scaled numbers of the columns that the inputs read, `(…, n_in)`, from all columns of the data, x.

        `columns` has the number of the column that each input reads; None where they read all in order.
        """
        if columns is not None:
            x = x[..., columns]
        if not self.scales_input:
            return x
        pick = slice(None) if columns is None else columns
        if self.has_logs[0]:
            x = _logarithm(x, self.input_log[pick], "x", "KAN")
        return (x - self.input_centre[pick]) / self.input_size[pick]

    def own_outputs(self, y: Tensor) -> Tensor:
        """Outputs in the units of the data, `(…, n_out)`, from the network's scaled ones, y; exponentials where it learns the logarithm."""
        if not self.scales_output:
            return y
        y = self.output_centre + self.output_size * y
        return torch.where(self.output_log, y.exp(), y) if self.has_logs[1] else y

    def scaled_outputs(self, y: Tensor) -> Tensor:
        """The network's scaled numbers for outputs y in the units of the data, `(…, n_out)`: the labels of a training."""
        if not self.scales_output:
            return y
        if self.has_logs[1]:
            y = _logarithm(y, self.output_log, "data", "fit")
        return (y - self.output_centre) / self.output_size

    @property
    def error_unit(self) -> float:
        """What a root mean squared error of 1 is in the target's unit (in its logarithm, if that is learnt).

        Targets of several units have no error in common: theirs counts in sizes of the targets, and this is 1.
        """
        sizes = self.output_size
        return float(sizes[0]) if bool((sizes == sizes[0]).all()) else 1.0

    def __deepcopy__(self, memo: dict[int, Any]) -> Scaling:
        """A copy with buffers of its own."""
        # A film (the recorded networks of a training) copies it after every step: torch's own way takes four times as long.
        made = object.__new__(type(self))
        memo[id(self)] = made
        for name, value in vars(self).items():
            vars(made)[name] = copy.copy(value) if isinstance(value, dict) else value
        vars(made)["_buffers"] = {name: getattr(self, name).clone() for name in _BUFFERS}
        return made

    def key(self) -> bytes:
        """The numbers of all scales as bytes: equal for equal scales, to compare them and to look results up by them."""
        return b"".join(getattr(self, name).cpu().numpy().tobytes() for name in _BUFFERS)

    # ---- settle them

    def learn(self, x: Tensor | None, y: Tensor | None) -> None:
        """Settle the scales (centre and size of each column) that aren't yet, from training inputs x, `(rows, n_features)`, and labels y.

        Labels are `(rows, n_out)`.

        A side that is None stays as it is. Columns of order one keep their numbers, others get their mean and spread.
        """
        for index, (side, values) in enumerate((("input", x), ("output", y))):
            if values is not None and not self.fixed[index]:
                if self.has_logs[index]:
                    values = _logarithm(values, getattr(self, f"{side}_log"), "data", "fit")
                # `_ORDINARY` says which columns are of order one, and by which factor a size is more than the standard deviation.
                self._set(side, *_scale_of(values, *_ORDINARY[side]))

    def settle(self) -> None:
        """Leave the scales as they are from now on."""
        self.fixed = torch.ones_like(self.fixed)

    def set_scale(self, side: str, value: Any) -> None:
        """Set the scale of a side, `input` or `output`, from a pair of centres and sizes; an error unless these are possible."""
        name = f"{side}_scale"
        like: Tensor = getattr(self, f"{side}_size")
        parts: list[Tensor] = []
        if isinstance(value, (tuple, list)):
            with suppress(TypeError, ValueError, RuntimeError):
                parts = [torch.as_tensor(part, dtype=like.dtype, device=like.device) for part in value]
        if [part.shape for part in parts] != [like.shape, like.shape]:
            _check.fail(name, "KAN", f"centres and sizes, {len(like)} of each", value)
        centre, size = parts
        if not bool((torch.isfinite(centre) & torch.isfinite(size) & (size > 0)).all()):
            _check.fail(name, "KAN", "made of finite centres and sizes > 0", value, "A size is a column's spread.")
        self._set(side, centre, size)

    def set_logs(self, inputs: Sequence[int], outputs: Sequence[int]) -> None:
        """Let the network take the logarithms of these columns and outputs, by their numbers. To call before the scales are learnt."""
        for side, chosen in (("input", inputs), ("output", outputs)):
            log = getattr(self, f"{side}_log")
            log.zero_()
            log[list(chosen)] = True
        self._refresh()

    def _set(self, side: str, centre: Tensor, size: Tensor) -> None:
        """Take centres and sizes, one a column, as the scale of a side, `input` or `output`, and settle that side: `learn` leaves it."""
        like = getattr(self, f"{side}_size")  # a tensor of the right type and device
        setattr(self, f"{side}_centre", centre.to(like))
        setattr(self, f"{side}_size", size.to(like))
        self.fixed = self.fixed.clone()  # states that were taken before keep the old tensor
        self.fixed[0 if side == "input" else 1] = True
        self._refresh()

    def extra_repr(self) -> str:
        """For torch's printed form of the module: `input`, `output`, both or neither, those whose scales change anything."""
        return ", ".join(side for side in ("input", "output") if getattr(self, f"scales_{side}"))


def _is_identity(centre: Tensor, size: Tensor, log: Tensor) -> bool:
    """Whether a scale changes nothing: centres 0, sizes 1, and no logarithms (a mask of the columns)."""
    return bool((centre == 0).all() and (size == 1).all() and not log.any())


def _scale_of(values: Tensor, largest: float, smallest_spread: float, factor: float) -> tuple[Tensor, Tensor]:
    """Centre and size of each column of `values`, `(rows, columns)`: `(columns,)` each.

    Columns of order one have 0 and 1: they have no absolute value above `largest`, and are constant, or `factor` standard deviations are at
    least `smallest_spread`. Else it is the mean, and `factor` standard deviations, or of a constant column its largest absolute value.
    A factor of √3 makes a uniform distribution -1 … 1.
    """
    values = values.detach().double()
    magnitude = values.abs().amax(0)
    unit = torch.where(magnitude > 0, magnitude, 1.0)  # so that no square overflows or vanishes
    parts = values / unit
    mean, spread = unit * parts.mean(0), factor * unit * parts.std(0, correction=0)
    # Up to round-off: rows that differ in the last digits have no spread to divide by.
    constant = parts.amax(0) - parts.amin(0) <= 4 * torch.finfo(torch.float64).eps
    size = torch.where(constant, unit, spread)
    ordinary = (magnitude <= largest) & (spread >= smallest_spread) | (constant & (magnitude <= largest))
    return torch.where(ordinary, 0.0, mean), torch.where(ordinary, 1.0, size)


def _logarithm(values: Tensor, log: Tensor, argument: str, where: str) -> Tensor:
    """Values `(rows, columns)` with logarithms in the columns that the mask `log` marks, or an error where one isn't positive.

    The error names the `argument` and the call, `where`.
    """
    chosen = torch.where(log, values, 1.0)
    if not bool((chosen > 0).all()):
        row, column = (~(chosen > 0)).nonzero()[0][-2:].tolist()
        advice = "Its logarithm is the network's first step: leave that row out, or train without log=…."
        _check.fail(argument, where, f"positive in column {column}, row {row}", float(values[row, column]), advice)
    return torch.where(log, chosen.log(), values)
