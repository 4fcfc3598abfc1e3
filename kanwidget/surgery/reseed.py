"""Another random start for a network, and small splines for edges that have none."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.layer import Layer
from kanwidget.core.network import AnyNetwork, Network
from kanwidget.core.records import History, Trace
from kanwidget.core.scores import node_owners, spread
from kanwidget.core.starts import redrawn_layer
from kanwidget.core.threads import limit_threads
from kanwidget.surgery._record import record

MODES = ("non-intrusive", "all", "minimal")


def reseed(network: AnyNetwork, seed: int, where: str = "reseed") -> AnyNetwork:
    """A fresh network with the shape, grids and scales of another, which reads the same columns of the data; nothing of it is trained.

    Args:
        network: The network; it isn't changed.
        seed: Of the random start, ≥ 0: the splines are those of `KAN(…, seed=seed)`, with its default `noise_scale`.
        where: The function that asks, for the error.

    Examples:
        >>> from kanwidget import KAN
        >>> model = reseed(KAN([2, 3, 1], seed=1), 7)
        >>> torch.equal(model.layer(0).coef, KAN([2, 3, 1], seed=7).layer(0).coef)
        True
    """
    seed = _check.integer(seed, "seed", where, low=0)
    generator = torch.Generator().manual_seed(seed)
    fresh = copy.deepcopy(network)
    for index, layer in enumerate(network.layers):
        drawn = redrawn_layer(layer, layer.out_dim, noise_scale=1.0, generator=generator)
        drawn.knots = layer.knots.clone()
        fresh.layers[index] = drawn
    # Without what a training leaves with a network: reference data, names of columns and classes, how frames are read, and the history.
    fresh.reference = network.reference[:0].clone()
    fresh.in_vars, fresh.classes, fresh.encoding = (), (), None
    for name, value in (("seed", seed), ("history", History())):
        if hasattr(fresh, name):
            setattr(fresh, name, value)
    return fresh


# ---- splines for edges that have none, so that a network of formulas, or a pruned one, can learn more


@limit_threads
def perturb(
    network: AnyNetwork, mag: float = 0.1, mode: str = "non-intrusive", *, x: Tensor | None = None, seed: int = 0
) -> AnyNetwork:
    """A new network whose edges without a spline have a small one: symbols keep theirs beside it, pruned edges come back.

    - `non-intrusive`: all edges get one, and the function stays exactly the same. Where an edge leads on to an output its spline is 0;
      into nodes from which nothing leads on, splines are random, so that these can be used.
    - `all`: all edges get a random one.
    - `minimal`: symbolic edges get a random one, pruned edges stay pruned.

    Edges that have a spline, or are frozen, stay as they are; tied edges share the new spline.

    Args:
        network: The network; it isn't changed.
        mag: Size of the random splines, ≥ 0: their standard deviation over x, all of a subnode together, as a part of the subnode's. Where
            it has none, and without x, as a part of 1 in the network's scaled numbers. Over x their mean is 0. With mag=0 the function
            stays in every mode.
        mode: Which edges get a spline, and whether the function stays.
        x: Samples, `(batch, n_features)`, to measure sizes on.
        seed: Of the random splines, ≥ 0.

    Returns:
        A network of the same class that shares no storage with the old one.

    Raises:
        ValueError: For another mode, or a number out of range.

    Examples:
        >>> import sympy
        >>> from kanwidget import KAN
        >>> a, b = sympy.symbols("a b")
        >>> model, rows = KAN.from_formula(sympy.sin(a), [a, b]), torch.rand(10, 2, dtype=torch.float64)
        >>> free = perturb(model)
        >>> [free.layer(0).state(i, 0) for i in (0, 1)], torch.equal(free(rows), model(rows))
        (['both', 'spline'], True)

    References:
        Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205 (pykan's `perturb`).
    """
    _check.real(mag, "mag", "perturb", low=0)
    _check.choice(mode, "mode", "perturb", MODES)
    generator = torch.Generator().manual_seed(_check.integer(seed, "seed", "perturb", low=0))
    free = copy.deepcopy(network)
    trace = None if x is None else network.scaled_trace(x)
    count = 0
    for index in range(network.depth):
        layer = free.layer(index)
        new = _new_splines(network.layer(index), pruned=mode != "minimal")
        count += int(new.sum())
        # Coefficients and, last, base weights of all edges, `(subnodes, nodes below, B + 1)`.
        drawn = redrawn_layer(layer, layer.out_dim, noise_scale=1.0, generator=generator).weight().detach()
        if trace is not None:
            drawn = _sized(drawn, layer, new, trace, index)
        if mode == "non-intrusive":
            drawn *= ~_leads_on(network, index + 1)[:, None, None]
        weight = (mag * drawn)[new]
        with torch.no_grad():
            layer.coef[new], layer.base[new] = weight[:, :-1], weight[:, -1]
        layer.spline_on |= new
    record(free, "perturb", f"gave {count} edge{'' if count == 1 else 's'} a spline")
    return free


def _new_splines(layer: Layer, *, pruned: bool) -> Tensor:
    """Mask of the edges that get a spline, `(subnodes, nodes below)`: symbolic and, if `pruned`, pruned ones, but no frozen ones.

    Edges of a tie, which share one function, get it only if all of them do.
    """
    new = ~layer.spline_on & ~layer.frozen & (layer.symbolic_on() | pruned)
    for tie in layer.ties:
        new.view(-1)[tie] = new.view(-1)[tie].all()
    return new


def _leads_on(network: Network, level: int) -> Tensor:
    """Mask of the subnodes of a level from which edges lead on to an output, `(subnodes,)`."""
    nodes = torch.ones(network.n_out, dtype=torch.bool, device=network.device)
    for index in reversed(range(level, network.depth)):
        nodes = (network.layer(index).active() & nodes[node_owners(network, index + 1), None]).any(0)
    return nodes[node_owners(network, level)]


def _sized(weight: Tensor, layer: Layer, new: Tensor, trace: Trace, index: int) -> Tensor:
    """Splines moved to mean 0 over the samples, and so large that the new ones of a subnode vary together as the subnode does.

    Args:
        weight: Coefficients and, last, base weights of all edges, `(subnodes, nodes below, B + 1)`.
        layer: The layer.
        new: Mask of the edges that get a spline, `(subnodes, nodes below)`.
        trace: A trace of the network on the samples, in scaled numbers.
        index: The number of the layer.
    """
    with torch.no_grad():
        values = torch.einsum("nib,oib->noi", layer.design(trace.nodes[index]), weight)
    # Standard deviations over the samples, of the new splines and of the subnodes; 0 where they are round-off.
    sizes = spread(values, values.abs().amax(0))
    spreads = spread(trace.subnodes[index], trace.edges[index].abs().amax(0).sum(1))
    # n independent splines of one size vary together by √n times as much.
    wanted = torch.where(spreads > 0, spreads, 1.0)[:, None] / new.sum(1, keepdim=True).clamp(min=1) ** 0.5
    # B-splines add up to 1. Without this, a spline over a narrow range of values is a large constant first of all.
    means = values.mean(0)[..., None].nan_to_num(0.0, 0.0, 0.0)
    used = layer.used()[:, :-1]  # which coefficients an input has
    centered = torch.cat([torch.where(used, weight[..., :-1] - means, 0.0), weight[..., -1:]], dim=-1)
    return centered * torch.where(sizes > 0, wanted / sizes, 1.0)[..., None]
