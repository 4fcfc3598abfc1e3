"""How much there is to say about data with a network: its misfit, its constants and its functions, in bits."""

from __future__ import annotations

import math

from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.primitives import primitive
from kanwidget.core.records import EdgeRef
from kanwidget.simplification.held_out import HeldOutRows

#: Mean squared errors below this, in scaled numbers, are exact.
_EXACT = 1e-24
#: Bits of a unit of complexity, as in the ranking of candidates.
_COMPLEXITY = 7 / 3


def description_length(network: Network, held: HeldOutRows) -> float:
    """rows/2·log2(mean squared error) + constants/2·log2(rows) + 7/3·complexity, lower is better.

    For classes the cross-entropy of all rows stands in place of the first term.
    """
    losses, functions = held.row_losses(network, everywhere=True), _COMPLEXITY * complexity(network)
    return length_in_bits(losses, network.n_parameters, functions, of_classes=held.data.is_classification)


def length_in_bits(losses: Tensor, constants: int, functions: float, *, of_classes: bool = False) -> float:
    """The description length that follows from the losses of all rows, the number of constants, and the bits of the functions.

    Losses, `(rows,)`, are squared errors in scaled numbers, for classes cross-entropies, which are natural logarithms.

    Examples:
        >>> import torch
        >>> length_in_bits(torch.full((16,), 0.25), 3, 5.0)
        -5.0
    """
    rows, mean = len(losses), float(losses.mean())
    misfit = rows * mean / math.log(2) if of_classes else rows / 2 * math.log2(mean + _EXACT)
    return misfit + constants / 2 * math.log2(rows) + functions


def complexity(network: Network) -> float:
    """Complexity of the functions of all edges, and of the columns' logarithms.

    An exponential of a sum of logarithms is written as a product of powers: neither it nor they count, but for 1 a power.
    """
    powers = _powers(network)  # the edges that are such logarithms and exponentials
    total = 0.0
    for ref in network.edge_refs(active=True):
        name = network.layer(ref.layer).symbol(ref.source, ref.target)
        if ref in powers:
            total += ref.layer == 0  # the edge of a logarithm has the power's exponent, the exponential isn't written
        elif name is not None:
            total += primitive(name).complexity + _is_logged(network, ref)  # a column's logarithm counts 1
    return total


def _powers(network: Network) -> set[EdgeRef]:
    """Edges that together are products of powers: the exponentials that read a node of level 1, and the logarithms that it adds up."""
    if network.depth < 2:
        return set()
    first, second = network.layer(0), network.layer(1)
    found: set[EdgeRef] = set()
    # A logarithm is an edge's function, or the network's first step (`_is_logged`): then its edge is a line.
    for node in range(network.width[1][0]):
        inner = [ref for ref in network.edge_refs(active=True) if ref.layer == 0 and ref.target == node]
        outer = [ref for ref in network.edge_refs(active=True) if ref.layer == 1 and ref.source == node]
        logs = all(
            first.symbol(ref.source, node) == ("x" if _is_logged(network, ref) else "log")
            and first.state(ref.source, node) == "symbolic"
            for ref in inner
        )
        if inner and outer and logs and all(second.symbol(node, ref.target) == "exp" for ref in outer):
            found |= {*inner, *outer}
    return found


def _is_logged(network: Network, ref: EdgeRef) -> bool:
    """Whether an edge reads a column whose logarithm is the network's first step."""
    return ref.layer == 0 and bool(network.scaling.input_log[network.columns[ref.source]])
