"""The candidates of edges: the functions that could stand in their place, best first.

Splines are searched on their curve. Without data so are edges that have a function; with data these are searched on what the rows ask of
them, since on its own curve nothing is better than the function itself, whatever the data say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.primitives import Primitive, primitives
from kanwidget.core.records import EdgeRef, SymbolicFit
from kanwidget.core.reference_data import reference_rows
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset
from kanwidget.datasets.dataset import rows_of
from kanwidget.datasets.validation import sampled_data
from kanwidget.symbolic.candidates.partial_residuals import partial_residuals
from kanwidget.symbolic.candidates.rows import InPlace, fit_rows
from kanwidget.symbolic.edges import edge_samples, ranking_of
from kanwidget.symbolic.fits.custom import OnBroken, log_broken
from kanwidget.symbolic.fits.fitting import fit_primitives
from kanwidget.symbolic.fits.ranking import PYKAN_NUMBERS, SIMPLICITY, checked_simplicity
from kanwidget.symbolic.fits.spaces import curve_noise, numbers_of, scaled_error
from kanwidget.symbolic.formulas.rescaling import own_function

#: Rows on which an edge that has a function is searched, and rows that say how much the network errs.
_ROWS = 2000


@limit_threads
def suggest_symbolic(
    network: Network,
    l: int,  # noqa: E741 - pykan's name
    i: int,
    j: int,
    x: Tensor | Dataset,
    *,
    lib: Iterable[str] | None = None,
    topk: int | None = 5,
    simplicity: float | None = None,
    weight_simple: float | None = None,
    noise: float | None = None,
    on_broken: OnBroken = log_broken,
) -> list[SymbolicFit]:
    """The candidates of an edge, best first. Changes nothing.

    Args:
        network: The network.
        l: The edge's layer.
        i: Its input node.
        j: Its output subnode.
        x: Data with labels, or inputs of the network alone, shape `(n, n_features)`. An edge is fitted on the values that reach it
            from them: a spline to its curve, a function that stands there to what the labels ask of it.
        lib: Names of the primitives to try; all of them by default. With labels the function in place is always among the candidates.
        topk: Most fits returned; None for all.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone; 0.7 by default.
        weight_simple: Ranks as pykan does, with this weight of simplicity (0.8 there), instead.
        noise: Variance of the edge's own error as a part of its variance, ≥ 0: fits that differ by less are equally good. By default
            it comes from the labels, and is 0 without.
        on_broken: Called for every registered function that is left out because it doesn't work.

    Returns:
        The fits; shorter than `topk` where the domains of few primitives hold the data, and none for words.

    Raises:
        ValueError: For an edge or a primitive that doesn't exist.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
        >>> model = KAN([1, 1])
        >>> len(suggest_symbolic(model, 0, 0, 0, x, topk=3))
        3
        >>> _ = model.fix_symbolic(0, 0, 0, "x", params=(1, 0, 1, 0))
        >>> suggest_symbolic(model, 0, 0, 0, x)[0].name, suggest_symbolic(model, 0, 0, 0, Dataset(x, x**2))[0].name
        ('x', 'x^2')
    """
    network.check_edge(l, i, j, "suggest_symbolic")
    simplicity = checked_simplicity(simplicity, weight_simple, "suggest_symbolic")
    if topk is not None:
        _check.integer(topk, "topk", "suggest_symbolic", low=1)
    if noise is not None:
        noise = _check.real(noise, "noise", "suggest_symbolic", low=0)
    (fits,) = candidates_of_layer(
        network,
        [EdgeRef(l, i, j)],
        x,
        primitives(lib, "suggest_symbolic"),
        simplicity=simplicity,
        noise=noise,
        numbers=None if weight_simple is None else PYKAN_NUMBERS,
        on_broken=on_broken,
    )
    return fits[:topk]


@limit_threads
def candidates_of_layer(
    network: Network,
    refs: Sequence[EdgeRef],
    data: Tensor | Dataset,
    library: Sequence[Primitive],
    *,
    simplicity: float = SIMPLICITY,
    noise: float | None = None,
    numbers: float | None = None,
    on_broken: OnBroken = log_broken,
) -> list[list[SymbolicFit]]:
    """The candidates of some edges of one layer, each list best first; splines are fitted together.

    Args:
        network: The network.
        refs: The edges.
        data: Data with labels, or inputs of the network, `(n, n_features)`.
        library: The primitives to try.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone.
        noise: See `suggest_symbolic`.
        numbers: Independent numbers of a curve; by default those of the edges' splines.
        on_broken: See `suggest_symbolic`.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> x = torch.rand(50, 2, dtype=torch.float64)
        >>> refs = [EdgeRef(0, 0, 0), EdgeRef(0, 1, 0)]
        >>> [len(fits) for fits in candidates_of_layer(KAN([2, 1]), refs, x, primitives(["x", "sin"]))]
        [2, 2]
    """
    layer = network.layer(refs[0].layer)
    found: dict[EdgeRef, list[SymbolicFit]] = {}
    replaced = [ref for ref in refs if layer.symbol(ref.source, ref.target) is not None]
    if isinstance(data, Dataset) and replaced:
        rows = partial_residuals(network, replaced, sampled_data(data, _ROWS)) or []
        for ref, row in zip(replaced, rows, strict=bool(rows)):
            if bool(row.weights.any()):
                found[ref] = fit_rows(
                    row,
                    library,
                    numbers=numbers_of(layer) if numbers is None else numbers,
                    simplicity=simplicity,
                    noise=noise,
                    in_place=function_in_place(network, ref),
                    on_broken=on_broken,
                )
    found |= {ref: [] for ref in refs if layer.levels[ref.source]}  # words have values, and no function
    curved = [ref for ref in refs if ref not in found]
    if curved:
        x = reference_rows(data.train_input).to(network.device, network.dtype) if isinstance(data, Dataset) else data
        pairs = [(ref.source, ref.target) for ref in curved]
        inputs, values = edge_samples(network, refs[0].layer, pairs, x)
        rule: dict[str, Any] = ranking_of(network, refs[0].layer, pairs, x) if numbers is None else {"numbers": numbers}
        floors = noise_of(network, curved, data) if noise is None else [noise] * len(curved)
        fits = fit_primitives(inputs, values, library, simplicity=simplicity, noise=floors, on_broken=on_broken, **rule)
        found |= dict(zip(curved, fits, strict=True))
    return [found[ref] for ref in refs]


def noise_of(network: Network, refs: Sequence[EdgeRef], data: Tensor | Dataset) -> list[float]:
    """By how much the curves of some edges are uncertain, from the network's error on the test rows or else all; 0 without labels."""
    if not isinstance(data, Dataset):
        return [0.0] * len(refs)
    rows = sampled_data(data, _ROWS)
    error = scaled_error(
        network, rows if rows.test_input is None else replace(rows, **rows_of(rows, "test", name="train"))
    )
    if error is None:
        return [0.0] * len(refs)
    return curve_noise(
        network, refs, reference_rows(data.train_input).to(network.device, network.dtype), error, len(data.train_input)
    )


def function_in_place(network: Network, ref: EdgeRef) -> InPlace | None:
    """The function that an edge has instead of a spline, with its constants in own units; None where it has none."""
    is_alone = network.layer(ref.layer).state(ref.source, ref.target) == "symbolic"
    return own_function(network, ref) if is_alone else None
