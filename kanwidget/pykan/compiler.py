"""Networks that compute a formula, by pykan's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

import kanwidget
from kanwidget.pykan.MultKAN import MultKAN

__all__ = ["expr2kan", "kanpiler", "sf2kan"]


def kanpiler(input_variables: Sequence[Any], expr: Any, grid: int = 5, k: int = 3, auto_save: bool = False) -> MultKAN:
    """A network that computes a formula exactly, see `kanwidget.KAN.from_formula`.

    Args:
        input_variables: A symbol for each column.
        expr: A sympy expression, or a list of them, one an output.
        grid: Grid intervals of the splines that edges may get later.
        k: Their order.
        auto_save: Whether versions are kept.

    Raises:
        ValueError: For functions that the library doesn't hold.

    Examples:
        >>> import sympy
        >>> x, y = sympy.symbols("x y")
        >>> kanpiler([x, y], sympy.exp(sympy.sin(x) + y**2)).symbolic_formula([x, y])[0]
        [exp(y**2 + sin(x))]
    """
    network = kanwidget.KAN.from_formula(expr, list(input_variables), grid, k, dtype=torch.get_default_dtype())
    model = MultKAN.of(network)
    model.auto_save = auto_save
    return model


sf2kan = expr2kan = kanpiler
