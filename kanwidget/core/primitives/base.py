"""The function beside each spline, the base function, and its derivatives: silu, or a primitive."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from kanwidget._types import Elementwise
from kanwidget.core.primitives.table import primitive


def _silu_first(x: Tensor) -> Tensor:
    """The first derivative of silu(x) = x·s(x), with the sigmoid s, of which s′ = s·(1 - s)."""
    s = torch.sigmoid(x)
    return s * (1 + x * (1 - s))


def _silu_second(x: Tensor) -> Tensor:
    """The second derivative of silu(x) = x·s(x), with the sigmoid s, of which s′ = s·(1 - s)."""
    s = torch.sigmoid(x)
    return s * (1 - s) * (2 + x * (1 - 2 * s))


def _silu_third(x: Tensor) -> Tensor:
    """The third derivative of silu(x) = x·s(x), with the sigmoid s, of which s′ = s·(1 - s)."""
    s = torch.sigmoid(x)
    return s * (1 - s) * (3 * (1 - 2 * s) + x * (1 - 6 * s * (1 - s)))


def base_functions(name: str) -> tuple[Elementwise, Elementwise, Elementwise, Elementwise]:
    """A base function, by its name (silu, identity, zero, or any primitive), and its first three derivatives, all elementwise."""
    if name == "silu":
        return functional.silu, _silu_first, _silu_second, _silu_third
    return primitive({"identity": "x", "zero": "0"}.get(name, name)).derivatives
