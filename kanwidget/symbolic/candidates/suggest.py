"""The candidates of edges: the functions that could stand in their place, best first.

Splines are searched on their curve. Without data so are edges that have a function; with data these are searched on what the rows ask of
them, noise and all, since on its own curve nothing is better than the function itself, whatever the data say.
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
from kanwidget.symbolic.candidates.partial_residuals import PartialResiduals, partial_residuals
from kanwidget.symbolic.edges import fit_curves
from kanwidget.symbolic.fits.curves import Curves, curves
from kanwidget.symbolic.fits.custom import BrokenPrimitive, OnBroken, called, log_broken
from kanwidget.symbolic.fits.fitting import edge_fits, ranked_records, without_broken
from kanwidget.symbolic.fits.ranking import PYKAN_NUMBERS, SIMPLICITY, EdgeFit, checked_simplicity, rank
from kanwidget.symbolic.fits.spaces import CHANCE, curve_noise, numbers_of, scaled_error
from kanwidget.symbolic.formulas.rescaling import own_function
from kanwidget.symbolic.writing.forms import Params

#: Rows on which an edge that has a function is searched, and rows that say how much the network errs.
_ROWS = 2000
#: Constants of a fit: a, b, c and d.
_CONSTANTS = 4
#: Fits are exact to round-off below this part of the variance.
_EXACT = 1e-12

#: A primitive with its constants.
InPlace = tuple[Primitive, Params]


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
            from them: a spline to its curve, a function that stands there to the values with which the output would match the labels.
        lib: Names of the primitives to try; all of them by default. With labels the function in place is always among the candidates.
        topk: Most fits returned; None for all.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone; 0.7 by default.
        weight_simple: Ranks as pykan does, with this weight of simplicity (0.8 there), instead.
        noise: Variance of the edge's own error as a part of its variance, ≥ 0: fits that differ by less are equally good. By default
            it comes from the labels, and is 0 without.
        on_broken: Called for every registered function that is left out because it doesn't work.

    Returns:
        The fits; shorter than `topk` where the domains of few primitives hold the data, and none for a column of words.

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
    """The candidates of some edges of one layer, each list best first.

    Splines are fitted together, on their curves; an edge that has a function, on the values with which outputs would match the labels.

    Args:
        network: The network.
        refs: The edges.
        data: Data with labels, or inputs of the network, `(n, n_features)`.
        library: The primitives to try.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone.
        noise: Variance of an edge's own error as a part of its variance: fits that differ by less are equally good. By default it comes
            from the labels, and is 0 without.
        numbers: Independent numbers of a curve; by default those of the edges' splines.
        on_broken: Called for every registered function that is left out because it doesn't work.

    Examples:
        >>> import torch
        >>> from kanwidget import KAN
        >>> x = torch.rand(50, 2, dtype=torch.float64)
        >>> refs = [EdgeRef(0, 0, 0), EdgeRef(0, 1, 0)]
        >>> [len(fits) for fits in candidates_of_layer(KAN([2, 1]), refs, x, primitives(["x", "sin"]))]
        [2, 2]
    """
    layer = network.layer(refs[0].layer)
    options: dict[str, Any] = {"simplicity": simplicity, "on_broken": on_broken}
    # An edge of words, whose column has levels, has a value for each, and no function.
    found: dict[EdgeRef, list[SymbolicFit]] = {ref: [] for ref in refs if layer.levels[ref.source]}
    replaced = [ref for ref in refs if layer.symbol(ref.source, ref.target) is not None]  # have a function already
    if isinstance(data, Dataset) and replaced:
        # None for labels that don't fit the outputs. Then, and where no row has a weight, an edge is searched on its curve.
        rows = partial_residuals(network, replaced, sampled_data(data, _ROWS)) or []
        count = numbers_of(layer) if numbers is None else numbers
        for ref, row in zip(replaced, rows, strict=bool(rows)):
            if bool(row.weights.any()):
                in_place = function_in_place(network, ref)
                found[ref] = fit_rows(row, library, numbers=count, noise=noise, in_place=in_place, **options)
    curved = [ref for ref in refs if ref not in found]
    if curved:
        x = _reference(network, data) if isinstance(data, Dataset) else data
        floors = noise_of(network, curved, data) if noise is None else [noise] * len(curved)
        fits = fit_curves(network, curved, x, library, numbers=numbers, noise=floors, **options)
        found |= dict(zip(curved, fits, strict=True))
    return [found[ref] for ref in refs]


def noise_of(network: Network, refs: Sequence[EdgeRef], data: Tensor | Dataset) -> list[float]:
    """How uncertain the curve of each edge is: by how much, as a part of its variance, two versions may differ by chance alone.

    It follows from the network's error on the test rows, else on the training rows; it is 0 without labels, and for labels that are
    classes or don't fit.
    """
    if not isinstance(data, Dataset):
        return [0.0] * len(refs)
    rows = sampled_data(data, _ROWS)
    if rows.test_input is not None:
        rows = replace(rows, **rows_of(rows, "test", name="train"))  # `scaled_error` reads the training rows
    error = scaled_error(network, rows)
    if error is None:
        return [0.0] * len(refs)
    return curve_noise(network, refs, _reference(network, data), error, len(data.train_input))


def _reference(network: Network, data: Dataset) -> Tensor:
    """At most 512 training inputs, evenly picked, `(n, n_features)`, of the network's type and on its device."""
    return reference_rows(data.train_input).to(network.device, network.dtype)


def function_in_place(network: Network, ref: EdgeRef) -> InPlace | None:
    """The primitive that an edge has instead of a spline, with a, b, c, d in own units; None where it has none, or a spline beside it."""
    is_alone = network.layer(ref.layer).state(ref.source, ref.target) == "symbolic"
    return own_function(network, ref) if is_alone else None


# ---- on what rows ask


def fit_rows(
    rows: PartialResiduals,
    primitives: Sequence[Primitive],
    *,
    numbers: float,
    simplicity: float = SIMPLICITY,
    noise: float | None = None,
    in_place: InPlace | None = None,
    on_broken: OnBroken = log_broken,
) -> list[SymbolicFit]:
    """Fit c·f(a·x + b) + d for every primitive f to what rows ask of one edge, best first.

    They ask for the values with which the output would match their labels.

    What the best function leaves unexplained is noise. By chance a curve of some numbers explains a part of it, and candidates that
    differ by no more are equally good: the simplest of them is first; of several of one complexity the function in place, then the
    most accurate.

    Args:
        rows: For each row the edge's input, the value that it asks for, and how much it matters, the weight.
        primitives: The primitives.
        numbers: Independent numbers of the edge's curve.
        simplicity: 0 ranks by accuracy alone, 1 by simplicity alone.
        noise: As a part of the variance, how much two equally good fits may differ by; by default from what the best one leaves.
        in_place: The function that the edge has now. It is among the candidates with these constants, whatever `primitives` are.
        on_broken: Called for every registered function that is left out because it doesn't work.

    Examples:
        >>> import torch
        >>> from kanwidget.core.primitives import primitives
        >>> x = torch.linspace(1, 2, 50, dtype=torch.float64)
        >>> rows = PartialResiduals(x, x**2, torch.ones(50, dtype=torch.float64))
        >>> fit_rows(rows, primitives(["x", "x^2"]), numbers=8)[0].equation
        'x^2'
    """
    data = curves(rows.inputs[:, None], rows.values[:, None], rows.weights)

    def fit(usable: tuple[Primitive, ...]) -> list[SymbolicFit]:
        """The ranked fits of some primitives. The function in place is there with its own constants, but ranks as its best fit."""
        free = sorted(edge_fits(data, usable, [None], [0.0])[0], key=lambda fit: -fit.r2)
        own = None if in_place is None else _own_fit(*in_place, data)
        name = None if own is None else own.primitive.name
        # The best fit of the function in place.
        again = next((fit for fit in free if fit.primitive.name == name), own)
        others = [fit for fit in free if fit.primitive.name != name]
        fits = others if own is None else [own, *others]
        best = max((fit.r2 for fit in (*free, *fits)), default=1.0)
        floor = max(_chance(1 - best, data.count, numbers) if noise is None else noise, _EXACT)

        def judged(fit: EdgeFit) -> EdgeFit:
            """A fit as if the noise were gone that the best one leaves: that one has R² 1, and misfits below `floor` are none."""
            return replace(fit, r2=1 - (best - fit.r2), unexplained=max(best - fit.r2 - floor, 0.0))

        compared = [judged(fit) for fit in (others if again is None else [again, *others])]
        ranked = rank(compared, numbers, floor, None if own is None else judged(own))
        # With the R² of all that the rows hold, noise and all.
        whole = [(fit, bits, imitates) for fit, (_, bits, imitates) in zip(fits, ranked, strict=True)]
        return ranked_records(data, 0, whole, simplicity)

    return without_broken(fit, primitives, on_broken)


def _chance(left: float, count: int, numbers: float) -> float:
    """The part of the variance that a curve explains by chance, where the best fit leaves nothing but noise.

    Args:
        left: The part that the best fit leaves.
        count: Number of rows.
        numbers: Independent numbers of the curve.
    """
    # The variance of the noise, unbiased after a fit of four constants. A curve of p numbers learns the part p/n of the noise of n rows.
    noise = max(left, 0.0) * count / max(count - _CONSTANTS, 1)
    # By chance two versions of a curve differ by three variances of its error (`CHANCE`).
    return CHANCE * noise * min(1.0, numbers / count)


def _own_fit(primitive: Primitive, params: Params, data: Curves) -> EdgeFit | None:
    """The fit of a function with its constants a, b, c, d as they are; None where it has no value at some row, or doesn't work.

    `data` has the samples of one edge.
    """
    a, b, c, d = params
    x, y, weight = data.x[0], data.y[0], data.weight.expand_as(data.x)[0]
    if primitive.interval(*sorted((a * float(x.min()) + b, a * float(x.max()) + b))) is None:
        return None
    try:
        value = c * called(primitive, primitive.fn, a * x + b) + d
    except BrokenPrimitive:
        return None
    spread = float((weight * (y - (weight * y).sum()) ** 2).sum())
    left = float((weight * (y - value) ** 2).sum())
    r2 = 1 - left / spread if spread > 0 else float(left == 0)
    # In standard deviations of y, times the roots of the weights, which are 1 on average here: as the curves of other fits.
    curve = (value - (weight * value).sum()) / max(spread, 1e-300) ** 0.5 * (data.count * weight).sqrt()
    return EdgeFit(primitive, params, r2, curve, 1 - r2)
