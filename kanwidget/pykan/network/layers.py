"""Looks at a layer by pykan's names. What is written into them changes nothing but the tensors of `coef` and `scale_base`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from kanwidget.core import Layer


class SplineLayer:
    """The splines of a layer, `KANLayer` in pykan. Axes are pykan's: `(inputs, outputs)`.

    Examples:
        >>> from kanwidget import KAN
        >>> layer = SplineLayer(KAN([2, 5, 1], grid=3).layer(0))
        >>> layer.coef.shape, layer.grid.shape, layer.mask.shape
        (torch.Size([2, 5, 6]), torch.Size([2, 10]), torch.Size([2, 5]))
    """

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self.in_dim, self.out_dim = layer.in_dim, layer.out_dim
        self.num, self.k = layer.grid_size, layer.k

    @property
    def grid(self) -> Tensor:
        """Knots with the k beyond each end, `(inputs, G + 1 + 2k)`."""
        return self._layer.knots

    @property
    def coef(self) -> Tensor:
        """Coefficients, `(inputs, outputs, G + k)`."""
        return self._layer.coef.transpose(0, 1)

    @property
    def scale_base(self) -> Tensor:
        """Factors of the base function, `(inputs, outputs)`."""
        return self._layer.base.T

    @property
    def scale_sp(self) -> Tensor:
        """Ones: the factor of a spline is part of its coefficients."""
        return torch.ones_like(self._layer.base.T)

    @property
    def mask(self) -> Tensor:
        """1 where there is a spline, `(inputs, outputs)`."""
        return self._layer.spline_on.T.to(self._layer.coef.dtype)

    def __repr__(self) -> str:
        return f"KANLayer({self.in_dim} inputs, {self.out_dim} outputs, grid={self.num}, k={self.k})"


class SymbolicLayer:
    """The functions of a layer, `Symbolic_KANLayer` in pykan. Axes are pykan's: `(outputs, inputs)`.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([1, 1])
        >>> fit = model.fix_symbolic(0, 0, 0, "sin", params=(1, 0, 1, 0))
        >>> SymbolicLayer(model.layer(0)).funs_name
        [['sin']]
    """

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self.in_dim, self.out_dim = layer.in_dim, layer.out_dim

    @property
    def funs_name(self) -> list[list[str]]:
        """Names of the functions, `0` where there is none."""
        return [
            [self._layer.symbol(source, target) or "0" for source in range(self.in_dim)]
            for target in range(self.out_dim)
        ]

    @property
    def mask(self) -> Tensor:
        """1 where there is a function."""
        return self._layer.symbolic_on().to(self._layer.coef.dtype)

    @property
    def affine(self) -> Tensor:
        """a, b, c, d of c·f(a·x + b) + d, `(outputs, inputs, 4)`."""
        return self._layer.affine

    def __repr__(self) -> str:
        return f"Symbolic_KANLayer({self.in_dim} inputs, {self.out_dim} outputs)"
