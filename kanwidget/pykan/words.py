"""What is said to a person who comes from pykan: once a session, and by the names that they typed."""

from __future__ import annotations

import sys
import warnings
from typing import Any, NoReturn

#: Names of pykan without a counterpart, and what to use.
MISSING = {
    "initialize_from_another_model": "refine(grid) gives a network with another grid that computes the same.",
    "initialize_grid_from_another_model": "refine(grid) gives a network with another grid that computes the same.",
    "node_attribute": "attribute() gives the scores of all nodes.",
    "log_history": "Every change is a version already: see rewind(name).",
    "spline_postacts": "get_fun(l, i, j) gives an edge's points, network.trace(x) all of them.",
    "spline_preacts": "get_fun(l, i, j) gives an edge's points, network.trace(x) all of them.",
    "acts": "network.trace(x).nodes holds the values of all nodes.",
    "acts_scale": "network.edge_scores and network.attribute() hold the sizes of the edges.",
    "cache_data": "network.reference holds the inputs that are remembered.",
    "input_id": "network.columns holds the columns that the inputs read.",
    "width_in": "width holds [sums, products] of each layer.",
    "width_out": "width holds [sums, products] of each layer.",
    "n_sum": "width holds [sums, products] of each layer.",
    "n_mult": "width holds [sums, products] of each layer.",
    "mult_arity": "network.arities holds the numbers of factors.",
    "subnode_scores": "network.node_scores and network.edge_scores are the scores.",
    "reg": "fit reports lamb·R of each step as results['reg'].",
    "get_reg": "fit reports lamb·R of each step as results['reg'].",
    "node_bias": "A constant is part of an edge's function here.",
    "node_scale": "A factor is part of an edge's function here.",
    "subnode_bias": "A constant is part of an edge's function here.",
    "subnode_scale": "A factor is part of an edge's function here.",
}

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
    """Say once that arguments have no effect, of which `given` holds those that were set to something."""
    if given:
        names = ", ".join(f"{name}={value!r}" for name, value in given.items())
        say_once(f"{where}: {names} has no effect: {reason}")


def refuse(where: str, name: str, advice: str) -> NoReturn:
    """An error for a name of pykan that isn't here.

    Examples:
        >>> refuse("KAN", "node_bias", "A constant is part of an edge's function here.")
        Traceback (most recent call last):
        ...
        AttributeError: KAN of kanwidget.pykan has no `node_bias`. A constant is part of an edge's function here.
    """
    raise AttributeError(f"{where} of kanwidget.pykan has no `{name}`. {advice}")
