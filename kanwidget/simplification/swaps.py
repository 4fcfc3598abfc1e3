"""One edge: what a function in its place costs after the rest of the network has answered, and what the data ask of it."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.primitives import primitive
from kanwidget.core.records import EdgeRef, SymbolicFit
from kanwidget.core.threads import limit_threads
from kanwidget.simplification.held_out import HeldOut, held_out
from kanwidget.simplification.refits import STEPS, refit
from kanwidget.symbolic.edges import fix_symbolic, replace_spline, suggest_symbolic, tied_edges
from kanwidget.symbolic.fits.correction import spline_of_symbol
from kanwidget.symbolic.fits.spaces import curve_noise, scaled_error


@limit_threads
def swap_error(
    network: Network, data: Any, edge: EdgeRef | tuple[int, int, int], fit: SymbolicFit, steps: int = STEPS
) -> float:
    """The error on held-out rows after a function has taken an edge's place and the network was refitted. Changes nothing.

    The held-out rows are the validation or test rows of the data, otherwise a fifth of the training rows.

    Args:
        network: The network.
        data: A `Dataset`, a dict or a pair with labels.
        edge: `(layer, source, target)`.
        fit: The function, one of `suggest_symbolic`.
        steps: Most steps of the refit; each is one of a training.

    Returns:
        Root mean squared error in the target's unit (of its logarithm, if that is learnt); for classes the mean cross-entropy.

    Raises:
        ValueError: For an edge that doesn't exist, and for data that don't fit.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=60, test_num=40)
        >>> model = KAN([1, 1])
        >>> history = model.fit(data, steps=10, progress=False)
        >>> square, line = (model.suggest_symbolic(0, 0, 0, lib=[name])[0] for name in ("x^2", "x"))
        >>> swap_error(model, data, (0, 0, 0), square) < 1e-9 < swap_error(model, data, (0, 0, 0), line)
        True
    """
    ref = EdgeRef(*edge)
    network.check_edge(*ref, "swap_error")
    held = held_out(network, data, "swap_error")
    trial = swapped(network, {ref: fit}, held.data.train_input)
    return held.reported(trial, refit(trial, held, steps))


def swapped(network: Network, fits: dict[EdgeRef, SymbolicFit], x: Tensor) -> Network:
    """A copy in which functions have taken the place of some edges. Tied edges share one, fitted to the samples of all from x."""
    trial = copy.deepcopy(network)
    for ref, fit in fits.items():
        if len(tied_edges(trial.layer(ref.layer), ref.source, ref.target)) > 1:
            fix_symbolic(trial, *ref, fit.name, x)
        else:
            replace_spline(trial, ref, fit, keep_spline=False, owner=ref)
    return trial


@limit_threads
def suggest_for_data(
    network: Network,
    data: Any,
    edge: EdgeRef | tuple[int, int, int],
    *,
    lib: Iterable[str] | None = None,
    topk: int | None = 5,
    steps: int = STEPS,
    **options: Any,
) -> list[SymbolicFit]:
    """The candidates of an edge whatever its state: of a symbolic one those that fit what the data ask of it. Changes nothing.

    A copy gets a spline in place of the function and is refitted; the candidates are those of that spline.

    Args:
        network: The network.
        data: A `Dataset`, a dict or a pair with labels.
        edge: `(layer, source, target)`.
        lib: Names of the primitives to try; all of them by default.
        topk: Most fits returned; None for all.
        steps: Most steps of the refit.
        **options: Of `suggest_symbolic`.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=60, test_num=40)
        >>> model = KAN([1, 1])
        >>> history = model.fit(data, steps=10, progress=False)
        >>> _ = model.fix_symbolic(0, 0, 0, "x")
        >>> suggest_for_data(model, data, (0, 0, 0), lib=["x", "x^2", "sin"])[0].name
        'x^2'
    """
    ref = EdgeRef(*edge)
    layer = network.check_edge(*ref, "suggest_for_data")
    held = held_out(network, data, "suggest_for_data")
    trial = network
    if layer.state(ref.source, ref.target) in ("symbolic", "both"):
        trial = with_spline(network, ref, held, steps)
    x = held.data.train_input
    error = scaled_error(trial, held.data)
    if error is not None and "noise" not in options:
        options["noise"] = curve_noise(trial, [ref], x, error, len(x))[0]
    return suggest_symbolic(trial, *ref, x, lib=lib, topk=topk, **options)


def with_spline(network: Network, ref: EdgeRef, held: HeldOut, steps: int = STEPS) -> Network:
    """A copy in which an edge's function is a spline, refitted to the data."""
    trial = copy.deepcopy(network)
    layer = trial.layer(ref.layer)
    for source, target in tied_edges(layer, ref.source, ref.target):
        name = layer.symbol(source, target)
        if name is None:
            continue
        with torch.no_grad():
            coefficients = spline_of_symbol(layer, source, target, primitive(name))
            if layer.spline_on[target, source]:
                layer.coef[target, source] += coefficients
            else:
                layer.coef[target, source] = coefficients
                layer.base[target, source] = 0.0
        layer.set_symbol(source, target, None)
        layer.spline_on[target, source] = True
    refit(trial, held, steps)
    return trial
