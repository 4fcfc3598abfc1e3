"""Shape aliases, in the notation of jaxtyping: they document, and tests check them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from torch import Tensor

#: A function of tensors, elementwise.
Elementwise: TypeAlias = Callable[[Tensor], Tensor]
#: Nodes of one layer: a number of sums, or `[sums, products]`.
LayerWidth: TypeAlias = int | Sequence[int]
#: Number of factors of each product node, per layer of nodes.
Arities: TypeAlias = Sequence[Sequence[int]]
