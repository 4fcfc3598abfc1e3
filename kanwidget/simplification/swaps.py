"""One edge: what a function in its place costs after the rest of the network has answered."""

from __future__ import annotations

import copy
from typing import Any

from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef, SymbolicFit
from kanwidget.core.threads import limit_threads
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.refits import STEPS, refit
from kanwidget.symbolic.edges import fix_symbolic, replace_spline, tied_edges


@limit_threads
def swap_error(
    network: Network, data: Any, edge: EdgeRef | tuple[int, int, int], fit: SymbolicFit, steps: int = STEPS
) -> float:
    """The error on held-out rows after a function has taken an edge's place and the network was refitted. Changes nothing.

    The held-out rows are the validation or test rows of the data, otherwise a fifth of the training rows; of a sum with a posterior, and
    below 20 rows, each row is judged by a fit without itself instead.

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
    """A copy in which functions have taken the place of some edges.

    Args:
        network: The network; it isn't changed.
        fits: The function of each edge. Tied edges share one, which is fitted once more, to the samples of all of them.
        x: Inputs of the network that give these samples, `(n, n_features)`.
    """
    trial = copy.deepcopy(network)
    for ref, fit in fits.items():
        if len(tied_edges(trial.layer(ref.layer), ref.source, ref.target)) > 1:
            fix_symbolic(trial, *ref, fit.name, x)
        else:
            replace_spline(trial, ref, fit, keep_spline=False, owner=ref)
    return trial
