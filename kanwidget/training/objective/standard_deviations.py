"""Standard deviations over the rows of the values of a trace: the penalty depends on them and on the coefficients only."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from kanwidget.training.jacobian.forward import ForwardTrace
from kanwidget.training.jacobian.stack import Stack

#: Rows whose QR decomposition is made at a time.
_QR_ROWS = 8192
#: Kinds of values with a deviation: per level of nodes but the last, `(networks, nodes)`, or per layer of edges, `(networks, subnodes)` and
#: `(networks, out, in)`.
Kind = Literal["nodes", "subnodes", "edges", "splines"]


class Deviations:
    """Standard deviations of a trace, computed when they are first read; differentiable where the trace is.

    Args:
        stack: The networks that the trace was made with.
        trace: The trace.
        root: Of the first layer's design, see `root_of_covariance`: with it that layer's edges need no values at the rows.
        inputs: Deviations of the inputs, if they are at hand.
    """

    def __init__(
        self, stack: Stack, trace: ForwardTrace, root: Tensor | None = None, inputs: Tensor | None = None
    ) -> None:
        # `trace`: values of a forward pass of `stack`; `root`: R with RᵀR the covariance of the first layer's basis functions; `inputs`:
        # deviations of the inputs. Where these two are at hand the first layer needs no values at the rows.
        self.stack, self.trace, self.root, self.inputs = stack, trace, root, inputs
        #: Deviations of each kind of values that were asked for, per layer; values of the splines at the rows, by layer.
        self._cache: dict[Kind, list[Tensor]] = {}
        self._splines: dict[int, Tensor] = {}

    def of(self, kind: Kind) -> list[Tensor]:
        """The standard deviations over the rows of one kind of values: per layer, those of `nodes` being of the nodes below it.

        Nodes and subnodes (sums of edges) have `(networks, nodes)`, `edges` and `splines` (edges without their functions)
        `(networks, out, in)`.
        """
        if kind == "edges" and not any(layer.symbols for layer in self.stack.layers):
            kind = "splines"  # without symbolic edges both are the same
        if kind not in self._cache:
            self._cache[kind] = [self._compute(kind, index) for index in range(len(self.stack.layers))]
        return self._cache[kind]

    def derivatives(self, kind: Kind, index: int, weight: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Derivatives of the sum of weight times deviation, for one kind and layer.

        Args:
            kind: The kind of values.
            index: The layer; for nodes, the level.
            weight: Factors of the deviations in that sum, of the shape of `of(kind)[index]`.

        Returns:
            A pair of which one is None. The first is by the values, `(networks, batch, …)`; the second, where `root` stands for the first
            layer's values, by that layer's weights, `(networks, out, in, B + 1)`.
        """
        deviation = self.of(kind)[index]
        # The derivative of a deviation s in a value v is (v - mean)/(s·(rows - 1)); 0 where s is 0.
        part = torch.where(deviation > 0, weight / torch.where(deviation > 0, deviation, 1.0), 0.0)
        if self._comes_from_root(kind, index):  # s is |R·w|, with the derivative Rᵀ·R·w/s in the weights w
            return None, part[..., None] * torch.einsum("sirb,soir->soib", self.root, self._root_times_weights())
        values = self._values(kind, index)
        return _centered(values) * (part / max(1, values.shape[1] - 1))[:, None], None

    def _compute(self, kind: Kind, index: int) -> Tensor:
        """The deviations of one kind in one layer (for nodes, on one level), without the cache of `of`."""
        if self._comes_from_root(kind, index):  # the length of R·w, see `root_of_covariance`
            return _square_root(self._root_times_weights().square().sum(-1))
        if kind == "nodes" and index == 0:  # the inputs, whose deviations may be at hand
            return input_deviation(self.stack, self.trace.nodes[0]) if self.inputs is None else self.inputs
        return deviation(self._values(kind, index))

    def _comes_from_root(self, kind: Kind, index: int) -> bool:
        """Whether these are deviations of the first layer's splines, which the root of its basis functions' covariance gives at once."""
        rooted = index == 0 and self.root is not None
        return rooted and (kind == "splines" or (kind == "edges" and not self.stack.layers[0].symbols))

    def _root_times_weights(self) -> Tensor:
        """R·w of each edge of the first layer, `(networks, out, in, rank)`: its length is the deviation of the spline with the weights w.

        RᵀR is the covariance of the basis functions over the rows, see `root_of_covariance`.
        """
        return torch.einsum("sirb,soib->soir", self.root, self.stack.layers[0].weight())

    def _values(self, kind: Kind, index: int) -> Tensor:
        """Values of one kind at the rows, `(networks, batch, …)`: of a level of nodes, or of the subnodes, edges or splines of a layer."""
        if kind == "nodes":
            return self.trace.nodes[index]
        if kind == "subnodes":
            return self.trace.subnodes[index]
        layer = self.stack.layers[index]
        if index not in self._splines:
            self._splines[index] = torch.einsum("snib,soib->snoi", self.trace.designs[index], layer.weight())
        if kind == "edges" and layer.symbols:
            return self._splines[index] + layer.symbolic_edges(self.trace.nodes[index])
        return self._splines[index]


def deviation(values: Tensor) -> Tensor:
    """Standard deviation of values `(networks, batch, …)` over the batch, `(networks, …)`; 0 for one row. Its gradient at 0 is 0."""
    if values.shape[1] < 2:
        return torch.zeros_like(values[:, 0])
    return _square_root(_centered(values).square().sum(1) / (values.shape[1] - 1))


def input_deviation(stack: Stack, x: Tensor) -> Tensor:
    """Standard deviations `(networks, n_in)` of inputs `(networks, batch, n_in)`; 1 for columns of words, whose numbers are no measure."""
    words = torch.tensor(stack.layers[0].levels, device=x.device) > 0
    return torch.where(words, 1.0, deviation(x))


def root_of_covariance(design: Tensor) -> Tensor:
    """R of each input, `(networks, in, rank, B + 1)`, with RᵀR the covariance of its basis functions over the rows.

    `design` holds the basis functions at the rows, `(networks, batch, in, B + 1)`; rank is the smaller of rows and functions.
    The deviation of a spline with the weights w is then |R·w|. By QR and not from the covariance itself: half of the digits of a
    small deviation would be lost in its square.
    """
    rows = max(1, design.shape[1] - 1)
    values = _centered(design).transpose(1, 2)
    if values.shape[2] > 2 * _QR_ROWS:
        # In parts, whose roots together have the same root: each is quick, and a training that pauses waits for one.
        values = torch.cat([torch.linalg.qr(part, mode="r").R for part in values.split(_QR_ROWS, dim=2)], dim=2)
    return torch.linalg.qr(values, mode="r").R / rows**0.5


def _centered(values: Tensor) -> Tensor:
    """The values `(networks, batch, …)` minus their mean over the batch: exactly 0 for constants, since sums begin at the first value."""
    shifted = values - values[:, :1]
    return shifted - shifted.mean(1, keepdim=True)


def _square_root(variance: Tensor) -> Tensor:
    """The square root, with the derivative 0 where autograd's is infinite: at 0. The inner `where` keeps NaN out of the backward pass."""
    if not variance.requires_grad:
        return variance.sqrt()
    zero = variance <= torch.finfo(variance.dtype).tiny
    return torch.where(zero, 0.0, torch.sqrt(torch.where(zero, 1.0, variance)))
