"""The arguments of `KAN`, each checked and brought to one form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._types import Arities, LayerWidth
from kanwidget.core.primitives import primitives
from kanwidget.datasets import arrays, frames
from kanwidget.datasets.encoding import Encoding


def normalize_width(width: Sequence[LayerWidth], where: str = "KAN") -> list[list[int]]:
    """The number of sums and of products of each level: `[2, [5, 2], 1]` → `[[2, 0], [5, 2], [1, 0]]`, in a new list.

    Other values raise an error that names the call, `where`.
    """
    advice = (
        "Give the number of nodes of each layer, inputs first: [2, 5, 1]; [5, 2] within it means 5 sums and 2 products."
    )
    if isinstance(width, (str, bytes)) or not isinstance(width, Sequence) or len(width) < 2:
        _check.fail("width", where, "a list of at least two layers", width, advice)
    pairs = []
    for level, entry in enumerate(width):
        pair = list(entry) if isinstance(entry, Sequence) and not isinstance(entry, str) else [entry, 0]
        if len(pair) != 2:
            _check.fail(f"width[{level}]", where, "a number of nodes or [sums, products]", entry, advice)
        sums, products = (_check.integer(n, f"width[{level}]", where, low=0, advice=advice) for n in pair)
        if sums + products == 0 or (level == 0 and products):
            expected = "at least one input, without products" if level == 0 else "at least one node"
            _check.fail(f"width[{level}]", where, expected, entry, advice)
        pairs.append([sums, products])
    return pairs


def normalize_arities(mult_arity: int | Arities, width: Sequence[Sequence[int]]) -> list[list[int]]:
    """The number of factors of each product node, a list for each level of nodes, or an error.

    Args:
        mult_arity: One number ≥ 2 for all products, or already such lists.
        width: Numbers of sums and of products of each level.
    """
    if not isinstance(mult_arity, Sequence):
        arity = _check.integer(mult_arity, "mult_arity", "KAN", low=2, advice="A product has at least two factors.")
        return [[arity] * n_mult for _, n_mult in width]
    if len(mult_arity) != len(width):
        _check.fail("mult_arity", "KAN", f"a number or a list of {len(width)} lists, one a layer", mult_arity)
    arities = []
    for level, (entry, (_, n_mult)) in enumerate(zip(mult_arity, width, strict=True)):
        if not isinstance(entry, Sequence) or len(entry) != n_mult:
            _check.fail(f"mult_arity[{level}]", "KAN", f"a list of {n_mult} numbers of factors", entry)
        arities.append([_check.integer(a, f"mult_arity[{level}]", "KAN", low=2) for a in entry])
    return arities


def normalize_grids(grid: int | Sequence[int], count: int, where: str = "KAN") -> list[int]:
    """The number of grid intervals of each of `count` layers of edges, from one for all or a list of them; else an error.

    The error names the call, `where`.
    """
    grids = list(grid) if isinstance(grid, Sequence) and not isinstance(grid, str) else [grid] * count
    if len(grids) != count:
        _check.fail("grid", where, f"an integer or {count} integers, one a layer of edges", grid)
    return [_check.integer(g, "grid", where, low=1, advice="Use at least one interval.") for g in grids]


def normalize_range(ends: Any) -> tuple[float, float]:
    """The first and the last point of a grid, `ends`, as two increasing floats, or an error."""
    try:
        low, high = ends
    except (TypeError, ValueError):
        _check.fail("grid_range", "KAN", "two increasing numbers", ends)
    low, high = _check.real(low, "grid_range", "KAN"), _check.real(high, "grid_range", "KAN")
    if high <= low:
        _check.fail("grid_range", "KAN", "two increasing numbers", ends)
    return low, high


def network_inputs(
    x: Any,
    n_features: int,
    dtype: torch.dtype,
    device: torch.device | None = None,
    names: Sequence[str] = (),
    encoding: Encoding | None = None,
) -> Tensor:
    """Inputs of a network as a tensor `(batch, n_features)` of its type: tensors keep their gradient, all else is copied.

    Args:
        x: A tensor, an array, a nested list or a frame of floats or integers of any type.
        n_features: Columns that the network has.
        dtype: Type of the network.
        device: Where arrays and frames go; a tensor stays where it is.
        names: Columns to take from a frame; those of arrays and tensors go by position.
        encoding: How a frame's columns become numbers: words become numbers of levels, say; None where the network has none.

    Raises:
        ValueError: For another shape, and for a frame without these columns.
        TypeError: For complex numbers, and for what isn't numbers.

    Examples:
        >>> network_inputs([[1, 2]], 2, torch.float32)
        tensor([[1., 2.]])
    """
    if isinstance(x, Tensor) and x.is_complex():
        _check.fail("x", "KAN", "a tensor of real numbers", x.dtype, error=TypeError)
    if isinstance(x, Tensor) and x.layout != torch.strided:
        x = x.to_dense()
    if not isinstance(x, Tensor):
        x = arrays.tensor(frames.by_name(x, names, "KAN", "x", encoding), "x", "KAN").to(device)
    if x.ndim != 2 or x.shape[1] != n_features:
        expected = f"of shape (batch, {n_features}), one row a sample, one column an input"
        _check.fail("x", "KAN", expected, x)
    return x if x.dtype == dtype else x.to(dtype)


def check_base_fun(name: Any) -> None:
    """An error unless `name` is a base function that is defined for all numbers: nodes can take any value in a training."""
    bounded = {row.name for row in primitives() if row.intervals != ((-math.inf, math.inf),)}
    if isinstance(name, str) and name in bounded:
        advice = "Put it on single edges with fix_symbolic."
        _check.fail("base_fun", "KAN", "a function that is defined for all numbers, such as 'silu'", name, advice)
    whole = [row.name for row in primitives() if row.name not in bounded]
    _check.choice(name, "base_fun", "KAN", ["silu", "identity", "zero", *whole])


def check_start(noise_scale: float, sparse_init: bool, dtype: torch.dtype) -> None:
    """An error unless the arguments of a network's random start are possible.

    These are the size of the random splines (≥ 0), whether only edges between neighbours are there at first, and the parameters' type.
    """
    _check.real(noise_scale, "noise_scale", "KAN", low=0)
    _check.boolean(sparse_init, "sparse_init", "KAN")
    if dtype not in (torch.float32, torch.float64):
        _check.fail("dtype", "KAN", "torch.float64 or torch.float32", dtype)


def check_device(device: Any) -> torch.device:
    """The device that `device` (a name or a `torch.device`) means, or an error if torch has no such one here."""
    try:
        checked = torch.device(device)
        # torch accepts the names of devices that aren't here: only a tensor shows that they are.
        torch.empty(0, device=checked)
    except (RuntimeError, TypeError, AssertionError, NotImplementedError):
        _check.fail("device", "KAN", "'cpu' or another device that torch finds here", device, "Leave it out for 'cpu'.")
    return checked


def check_logs(log: Any, where: str) -> tuple[str | int, ...]:
    """What `log` names, as a tuple: columns or outputs by name, columns by number, of which the network takes the logarithm.

    A single name or number stands for a list of one, None for none. Other things raise an error that names the call, `where`.
    """
    names = [log] if isinstance(log, (str, int)) else [] if log is None else log
    if not isinstance(names, Sequence):
        _check.fail("log", where, "a list of names of columns, or of the target", log, error=TypeError)
    for name in names:
        if isinstance(name, bool) or not isinstance(name, (str, int)):
            _check.fail("log", where, "made of names of columns, or their numbers", name, error=TypeError)
    return tuple(names)
