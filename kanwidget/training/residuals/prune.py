"""`prune_residual`: the edges without which residuals still vanish are taken out, one after the other."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, TypeVar

import torch

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef
from kanwidget.surgery import remove_edge
from kanwidget.training.residuals.fit import fit_residual

_WHERE = "prune_residual"
#: A loss counts as kept up to this multiple of the loss with all edges.
_SLACK = 2.0
#: Why a training stopped at Ctrl-C.
_INTERRUPTED = "interrupted"
N = TypeVar("N", bound=Network)


def prune_residual(
    network: N,
    residuals: Mapping[str, Any],
    points: Mapping[str, Any],
    weights: Any = "auto",
    *,
    steps: int = 30,
    tolerance: float = 1e-6,
    seed: int = 0,
    **options: Any,
) -> N:
    """A new network, trained on residuals, without the edges that they don't need.

    Many networks may satisfy the same residuals: each combination of conserved quantities is conserved, too. Here every edge is taken
    out in turn and the others are trained; it stays out if the residuals still vanish. What is left is a sparse solution, and
    the order, which is random, decides which. An edge may look important and go all the same: the others take over. Where `prune`
    asks what an edge does, this asks whether it is needed.

    Args:
        network: The network; it isn't changed. Frozen edges stay as they are.
        residuals: As for `fit_residual`.
        points: As for `fit_residual`.
        weights: As for `fit_residual`; those of the first training serve all others, so that losses can be compared.
        steps: Most steps of each training, ≥ 1.
        tolerance: Residuals count as vanished where the root of the minimized sum is at most this, or twice what the network reached
            with all its edges. ≥ 0, in the unit of the residuals. A network that is far from a solution loses nearly all edges, since
            twice its residuals are no demand: give it more steps, or train it before.
        seed: Of the order of the edges.
        **options: Of `fit_residual`, but for `grid_schedule`, `callbacks` and `progress`.

    Returns:
        The network with the remaining edges. The history of its last training is the end of its `history`. Ctrl-C ends the search: the
        edges that were found needless until then are out.

    Raises:
        ValueError: For arguments that don't fit, as `fit_residual` raises it.

    Examples:
        (x + y)·∂C/∂y = 0 leaves C no y.

        >>> from kanwidget import KAN
        >>> x = torch.rand(40, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> ends = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
        >>> residuals = {"constant": lambda C: C.x.sum(1, keepdim=True) * C.d(1), "ends": lambda C: C.value - C.x[:, [0]]}
        >>> small = prune_residual(KAN([2, 1], grid_range=(0, 1)), residuals, {"constant": x, "ends": ends})
        >>> small.edge_refs(active=True)
        [EdgeRef(layer=0, source=0, target=0)]
    """
    _check.integer(steps, "steps", _WHERE, low=1)
    _check.real(tolerance, "tolerance", _WHERE, low=0)
    refused = sorted(options.keys() & {"grid_schedule", "callbacks", "progress"})
    if refused:
        _check.fail("options", _WHERE, f"without {', '.join(refused)}", refused, "Give them to fit_residual, before.")
    generator = torch.Generator().manual_seed(_check.integer(seed, "seed", _WHERE, low=0))
    best = copy.deepcopy(network)
    options |= {"steps": steps, "progress": False}
    history = fit_residual(best, residuals, points, weights, **options)
    if history.stop_reason == _INTERRUPTED:
        return best
    limit = max(tolerance, _SLACK * history.last.train_loss)
    edges = [edge for edge in best.edge_refs(active=True) if _is_free(best, edge)]
    for index in torch.randperm(len(edges), generator=generator).tolist():
        trial = copy.deepcopy(best)
        remove_edge(trial, *edges[index])
        options["unknowns"] = {name: value for name, (value, _) in history.unknowns.items()}
        try:
            attempt = fit_residual(trial, residuals, points, history.weights, **options)
        except ValueError:  # a residual isn't finite without this edge
            continue
        if attempt.stop_reason == _INTERRUPTED:
            break
        if attempt.last.train_loss <= limit:
            best, history = trial, attempt
    return best


def _is_free(network: Network, edge: EdgeRef) -> bool:
    """Whether an edge takes part in training."""
    return not bool(network.layer(edge.layer).frozen[edge.target, edge.source])
