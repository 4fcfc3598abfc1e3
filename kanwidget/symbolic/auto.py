"""`auto_symbolic`: every spline of a network becomes the best of its candidates, layer by layer."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.primitives import primitives
from kanwidget.core.records import EdgeRef, SymbolicFit
from kanwidget.core.threads import limit_threads
from kanwidget.symbolic.edges import edge_samples, fix_symbolic, numeric_edges, replace_spline, tied_edges
from kanwidget.symbolic.fits.custom import OnBroken, log_broken
from kanwidget.symbolic.fits.fitting import fit_primitives
from kanwidget.symbolic.fits.ranking import R2_THRESHOLD, SIMPLICITY, checked_simplicity

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SymbolicStep:
    """Result of one step of `auto_symbolic_steps`: edges of one layer that were searched and, where a candidate fits, fixed."""

    searched: tuple[EdgeRef, ...]
    """Of tied edges only the owner of the parameters."""
    fixed: tuple[tuple[EdgeRef, SymbolicFit], ...]
    """Edges that are symbolic now, with their fits; of tied edges all."""
    numeric: tuple[EdgeRef, ...]
    """Searched edges that stay splines."""
    remaining: int
    """Number of edges that later steps search."""


def auto_symbolic_steps(
    network: Network,
    x: Tensor,
    *,
    edges: Iterable[Sequence[int]] | None = None,
    lib: Iterable[str] | None = None,
    simplicity: float = SIMPLICITY,
    r2_threshold: float = R2_THRESHOLD,
    edges_per_step: int | None = None,
    on_broken: OnBroken = log_broken,
) -> Iterator[SymbolicStep]:
    """`auto_symbolic` in steps, each of which searches some edges of one layer. Changes the network in place.

    Arguments are checked at the call; the network changes as the steps are taken. A loop that breaks off keeps the edges fixed so far.

    Args:
        network: The network.
        x: Inputs of the network, shape `(n, n_features)`.
        edges: `(layer, source, target)` of the edges in question; all by default. Edges that share a function count as one.
            Symbolic and pruned edges are skipped.
        lib: Names of the primitives to try; all of them by default.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone.
        r2_threshold: The least R² for which an edge is fixed.
        edges_per_step: Most edges that a step searches; by default all of a layer, which is fastest.
        on_broken: Called for every registered function that is left out because it doesn't work.

    Raises:
        ValueError: For an edge or a primitive that doesn't exist.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> x = torch.rand(50, 2, dtype=torch.float64)
        >>> steps = auto_symbolic_steps(KAN([2, 1]), x, r2_threshold=0, edges_per_step=1)
        >>> [(step.searched, step.remaining) for step in steps]
        [((EdgeRef(layer=0, source=0, target=0),), 1), ((EdgeRef(layer=0, source=1, target=0),), 0)]
    """
    _check.real(r2_threshold, "r2_threshold", "auto_symbolic", high=1)
    _check.real(simplicity, "simplicity", "auto_symbolic", low=0, high=1)
    library = primitives(lib, "auto_symbolic")
    owners = numeric_edges(network)
    if edges is not None:
        chosen = set()
        for index, source, target in edges:
            layer = network.check_edge(index, source, target, "auto_symbolic")
            chosen.add(EdgeRef(index, *tied_edges(layer, source, target)[0]))
        owners = [ref for ref in owners if ref in chosen]

    def steps() -> Iterator[SymbolicStep]:
        remaining = len(owners)
        for index, in_layer in groupby(owners, key=lambda ref: ref.layer):
            refs = tuple(in_layer)
            size = edges_per_step or len(refs)
            for searched in (refs[first : first + size] for first in range(0, len(refs), size)):
                # The inputs of a layer are the outputs of the symbols before it.
                pairs = [(ref.source, ref.target) for ref in searched]
                inputs, values = edge_samples(network, index, pairs, x)
                fits = fit_primitives(inputs, values, library, simplicity=simplicity, on_broken=on_broken)
                fixed = [_fix_best(network, ref, f, r2_threshold, x) for ref, f in zip(searched, fits, strict=True)]
                numeric = tuple(ref for ref, done in zip(searched, fixed, strict=True) if not done)
                remaining -= len(searched)
                yield SymbolicStep(searched, tuple(chain.from_iterable(fixed)), numeric, remaining)

    return steps()


@limit_threads
def auto_symbolic(
    network: Network,
    x: Tensor,
    *,
    lib: Iterable[str] | None = None,
    simplicity: float | None = None,
    weight_simple: float | None = None,
    r2_threshold: float = R2_THRESHOLD,
) -> list[tuple[EdgeRef, SymbolicFit]]:
    """Fix every numeric edge to the best of its candidates. Changes the network in place.

    Layer by layer, so that a layer is fitted on the values that the symbols before it produce. Symbolic and pruned edges stay as
    they are; edges whose best candidate has R² below the threshold stay numeric, and are logged.

    The constants are those that fit the edges' curves. `fit` trains them on the data; `fit_formula` then gives the formula with
    their standard errors, without those that the data don't need. Functions are chosen curve by curve: `kanwidget fit --symbolic`
    compares whole formulas, also of the columns' logarithms.

    Args:
        network: The network.
        x: Inputs of the network, shape `(n, n_features)`.
        lib: Names of the primitives to try; all of them by default.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone; 0.7 by default.
        weight_simple: pykan's name for `simplicity`.
        r2_threshold: The least R² for which an edge is fixed.

    Returns:
        The edges that were fixed, with their fits.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> x = torch.rand(50, 2, dtype=torch.float64)
        >>> [edge for edge, fit in auto_symbolic(KAN([2, 1]), x, r2_threshold=0)]
        [EdgeRef(layer=0, source=0, target=0), EdgeRef(layer=0, source=1, target=0)]
    """
    simplicity = checked_simplicity(simplicity, weight_simple, "auto_symbolic")
    steps = auto_symbolic_steps(network, x, lib=lib, simplicity=simplicity, r2_threshold=r2_threshold)
    return [pair for step in steps for pair in step.fixed]


def _fix_best(
    network: Network, ref: EdgeRef, fits: list[SymbolicFit], r2_threshold: float, x: Tensor
) -> list[tuple[EdgeRef, SymbolicFit]]:
    """Fix an edge (and those tied to it) to the first of its fits, if that is good enough."""
    if not fits or fits[0].r2 < r2_threshold:
        best = f"the best, {fits[0].name}, has R² = {fits[0].r2:.4g}" if fits else "no function of the library holds it"
        _log.info("edge (%d, %d, %d) stays numeric: %s", *ref, best)
        return []
    layer, owner = network.layer(ref.layer), (ref.source, ref.target)
    tied = tied_edges(layer, *owner)
    if len(tied) > 1:
        fit = fix_symbolic(network, *ref, fits[0].name, x)
    else:
        fit = fits[0]
        replace_spline(network, ref, fit, keep_spline=False, owner=ref)
    _log.info("edge (%d, %d, %d) is now %s, R² = %.6g", *ref, fit.equation, fit.r2)
    return [(EdgeRef(ref.layer, source, target), fit) for source, target in tied]
