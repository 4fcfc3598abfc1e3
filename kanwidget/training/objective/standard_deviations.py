"""Standard deviations over the samples of what a pass has: all that the penalty looks at besides the coefficients."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from kanwidget.training.jacobian.jacobian import Pass
from kanwidget.training.jacobian.stack import Stack

#: What has a deviation: values per level of nodes but the last, `(networks, nodes)`, or per layer of edges, `(networks, subnodes)` and
#: `(networks, out, in)`.
Kind = Literal["nodes", "subnodes", "edges", "splines"]


class Deviations:
    """Standard deviations of a pass, found when they are first asked for; differentiable where the pass is.

    Args:
        stack: The networks that the pass was made with.
        run: The pass.
        root: Of the first layer's design, see `root_of_covariance`: with it that layer's edges need no values at the samples.
        inputs: Deviations of the inputs, where they are known.
    """

    def __init__(self, stack: Stack, run: Pass, root: Tensor | None = None, inputs: Tensor | None = None) -> None:
        self.stack, self.run, self.root, self.inputs = stack, run, root, inputs
        self._found: dict[Kind, list[Tensor]] = {}
        self._splines: dict[int, Tensor] = {}

    def of(self, kind: Kind) -> list[Tensor]:
        """Those of one kind, layer by layer."""
        if kind == "edges" and not any(layer.symbols for layer in self.stack.layers):
            kind = "splines"
        if kind not in self._found:
            self._found[kind] = [self._one(kind, index) for index in range(len(self.stack.layers))]
        return self._found[kind]

    def slopes(self, kind: Kind, index: int, weight: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Derivatives of the sum of weight times deviation, one of the two.

        Returns:
            In the values, `(networks, batch, …)`; in the weights of the first layer's design, `(networks, out, in, G + k + 1)`.
        """
        found = self.of(kind)[index]
        part = torch.where(found > 0, weight / torch.where(found > 0, found, 1.0), 0.0)
        if self._rooted(kind, index):
            return None, part[..., None] * torch.einsum("sirb,soir->soib", self.root, self._rotated())
        values = self._values(kind, index)
        return _centred(values) * (part / max(1, values.shape[1] - 1))[:, None], None

    def _one(self, kind: Kind, index: int) -> Tensor:
        if self._rooted(kind, index):
            return _square_root(self._rotated().square().sum(-1))
        if kind == "nodes" and index == 0 and self.inputs is not None:
            return self.inputs
        return deviation(self._values(kind, index))

    def _rooted(self, kind: Kind, index: int) -> bool:
        """Whether these are deviations of a known design times weights."""
        known = index == 0 and self.root is not None
        return known and (kind == "splines" or (kind == "edges" and not self.stack.layers[0].symbols))

    def _rotated(self) -> Tensor:
        """R·w, whose length is the deviation, `(networks, out, in, rank)`."""
        return torch.einsum("sirb,soib->soir", self.root, self.stack.layers[0].weight())

    def _values(self, kind: Kind, index: int) -> Tensor:
        if kind == "nodes":
            return self.run.nodes[index]
        if kind == "subnodes":
            return self.run.subnodes[index]
        layer = self.stack.layers[index]
        if index not in self._splines:
            self._splines[index] = torch.einsum("snib,soib->snoi", self.run.designs[index], layer.weight())
        if kind == "edges" and layer.symbols:
            return self._splines[index] + layer.symbolic_edges(self.run.nodes[index])
        return self._splines[index]


def deviation(values: Tensor) -> Tensor:
    """Standard deviation over the batch, the second axis, with a gradient of 0 where it is 0; 0 for one row."""
    if values.shape[1] < 2:
        return torch.zeros_like(values[:, 0])
    return _square_root(_centred(values).square().sum(1) / (values.shape[1] - 1))


def root_of_covariance(design: Tensor) -> Tensor:
    """R of each input, `(networks, in, rank, G + k + 1)`, with RᵀR the covariance of its basis functions over the samples.

    The deviation of a spline with the weights w is then |R·w|. By QR and not from the covariance itself: half of the digits of a
    small deviation would be lost in its square.
    """
    rows = max(1, design.shape[1] - 1)
    return torch.linalg.qr(_centred(design).transpose(1, 2), mode="r").R / rows**0.5


def _centred(values: Tensor) -> Tensor:
    """Less their mean over the second axis: exactly 0 for constants, since sums begin at the first value."""
    shifted = values - values[:, :1]
    return shifted - shifted.mean(1, keepdim=True)


def _square_root(variance: Tensor) -> Tensor:
    """The square root with a slope of 0 at 0."""
    if not variance.requires_grad:
        return variance.sqrt()
    zero = variance <= torch.finfo(variance.dtype).tiny
    return torch.where(zero, 0.0, torch.sqrt(torch.where(zero, 1.0, variance)))
