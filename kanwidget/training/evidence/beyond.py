"""Predictions beyond the rows of training: a curve goes on as far as these rows know where to.

Beyond its grid a spline goes on as a straight line. A few rows at the end of a skewed column hardly determine its slope, and further out it
would be believed more and more.
"""

from __future__ import annotations

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import Posterior
from kanwidget.training.jacobian.parameter_vector import ParameterVector

#: Standard errors of a slope below which it isn't known.
_UNKNOWN = 2.0


def brought_nearer(network: Network, posterior: Posterior | None, nodes: Tensor) -> Tensor:
    """Inputs beyond the grids nearer to them, by as much as the slopes there are open; others as they are.

    A slope s with the standard error e counts as the part max(0, 1 - 4e²/s²) of it, which is all where the rows leave nothing open, and
    nothing where it is smaller than two errors. Columns with a function, of which a formula says how it goes on, stay as they are, and
    so do those of networks with hidden nodes: what one edge multiplies another may divide, so that a slope has no error of its own.

    Args:
        network: The network.
        posterior: Its posterior; without one inputs stay as they are.
        nodes: Scaled inputs of the first layer, `(batch, n_in)`.

    Examples:
        >>> from kanwidget import KAN
        >>> random = torch.Generator().manual_seed(0)
        >>> x = torch.rand(80, 1, dtype=torch.float64, generator=random)
        >>> noise = torch.randn(80, 1, dtype=torch.float64, generator=random)
        >>> flat, steep = KAN([1, 1], grid=5), KAN([1, 1], grid=5)
        >>> for model, slope in ((flat, 0), (steep, 30)):
        ...     history = model.fit((x, slope * x + noise), progress=False)
        >>> far, end = [[9.0]], [[1.0]]
        >>> bool((flat.predict(far) - flat.predict(end)).abs() < 0.1), bool((steep.predict(far) - steep.predict(end)).abs() > 200)
        (True, True)
    """
    if posterior is None or network.depth > 1:
        return nodes
    layer = network.layer(0)
    knots, k = layer.knots.to(nodes), layer.k
    low, high = knots[:, k], knots[:, -k - 1]
    if len(network.reference):  # grids that haven't followed the rows yet may end before them
        rows = network.select(network.reference).to(nodes)
        low, high = low.minimum(rows.amin(0)), high.maximum(rows.amax(0))
    numbers = torch.tensor([not levels for levels in layer.levels], device=nodes.device)
    within = nodes.maximum(low).minimum(high).where(numbers, nodes)
    if torch.equal(within, nodes):
        return nodes
    length = high - low
    below, above = _known(network, posterior, low, low - length), _known(network, posterior, high, high + length)
    return within + (nodes - within) * torch.where(nodes < within, below, above)


def _known(network: Network, posterior: Posterior, end: Tensor, further: Tensor) -> Tensor:
    """How much of the slopes at the ends of the grids is known, `(n_in,)`.

    Args:
        network: The network.
        posterior: Its posterior.
        end: Scaled ends of the grids, `(n_in,)`.
        further: Values beyond them, `(n_in,)`.
    """
    layer, index = network.layer(0), ParameterVector.of(network).layers[0]
    with torch.no_grad():
        near, far = layer.design(torch.stack([end, further])).double()
    change = (far - near).to(posterior.root)
    squares, errors = torch.zeros_like(end), torch.zeros_like(end)
    others = torch.zeros_like(end, dtype=torch.bool)
    for edge in network.edge_refs(active=True):
        columns = index.numeric[edge.target, edge.source]
        free = columns >= 0
        if layer.state(edge.source, edge.target) != "spline" or not bool(free.any()):
            others[edge.source] = True
            continue
        step, chosen = change[edge.source][free], columns[free]
        squares[edge.source] += (step @ posterior.vector[chosen].to(step)) ** 2
        errors[edge.source] += (step @ posterior.root[chosen]).square().sum()
    known = (1 - _UNKNOWN**2 * errors / squares.clamp_min(torch.finfo(squares.dtype).tiny)).clamp(0, 1)
    return torch.where(others, 1.0, known)
