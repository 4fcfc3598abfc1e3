"""What is said to a person who comes from pykan: once a session, and by the names that they typed."""

from __future__ import annotations

import sys
import warnings
from typing import Any

#: What to use in place of names of pykan that have no counterpart.
_INSTEAD = {
    "refine(grid) gives a network with another grid that computes the same.": (
        "initialize_from_another_model", "initialize_grid_from_another_model",
    ),
    "attribute() gives the scores of all nodes.": ("node_attribute",),
    "Every change is a version already: see rewind(name).": ("log_history",),
    "get_fun(l, i, j) gives an edge's points, network.trace(x) all of them.": ("spline_postacts", "spline_preacts"),
    "network.trace(x).nodes holds the values of all nodes.": ("acts",),
    "network.edge_scores and network.attribute() hold the sizes of the edges.": ("acts_scale",),
    "network.reference holds the inputs that are remembered.": ("cache_data",),
    "network.columns holds the columns that the inputs read.": ("input_id",),
    "width holds [sums, products] of each layer.": ("width_in", "width_out", "n_sum", "n_mult"),
    "network.arities holds the numbers of factors.": ("mult_arity",),
    "network.node_scores and network.edge_scores are the scores.": ("subnode_scores",),
    "fit reports lamb·R of each step as results['reg'].": ("reg", "get_reg"),
    "A constant is part of an edge's function here.": ("node_bias", "subnode_bias"),
    "A factor is part of an edge's function here.": ("node_scale", "subnode_scale"),
}  # fmt: skip
#: That advice by the name.
MISSING = {name: advice for advice, names in _INSTEAD.items() for name in names}

_said: set[str] = set()


class PykanDifference(UserWarning):
    """Something that means another thing here than in pykan. `warnings.simplefilter("ignore", PykanDifference)` silences it."""


def say_once(text: str) -> None:
    """Warn with this text, unless it has been said in this session.

    Examples:
        >>> import warnings
        >>> with warnings.catch_warnings(record=True) as heard:
        ...     warnings.simplefilter("always")
        ...     say_once("a doctest speaks"), say_once("a doctest speaks")
        (None, None)
        >>> len(heard)
        1
    """
    if text not in _said:
        _said.add(text)
        warnings.warn(text, PykanDifference, stacklevel=_depth_of_user())


def _depth_of_user() -> int:
    """How far up the stack, from the call of `say_once`, the code stands that isn't kanwidget's: a warning shows its line."""
    frame, depth = sys._getframe(1), 0
    while frame.f_back is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "kanwidget":
        frame, depth = frame.f_back, depth + 1
    return depth + 1


def say_ignored(where: str, reason: str, **given: Any) -> None:
    """Say once a session that arguments of a call (`where`) have no effect, and the reason; `given` holds these arguments by name."""
    names = ", ".join(f"{name}={value!r}" for name, value in given.items())
    say_once(f"{where}: {names} has no effect: {reason}")
