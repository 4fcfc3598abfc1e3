"""The arguments of `fit_residual`, checked: residuals, their points, weights and unknown constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.jets import DerivativeSet, in_own_units
from kanwidget.core.network import Network
from kanwidget.datasets import arrays, frames
from kanwidget.training.residuals.field import Features, Field
from kanwidget.training.residuals.objective import ResidualObjective
from kanwidget.training.residuals.terms import ResidualTerm, constants_of

_WHERE = "fit_residual"


@dataclass(frozen=True, slots=True)
class Equations:
    """The residuals that a network is to satisfy."""

    terms: list[ResidualTerm]
    unknowns: dict[str, float]
    balanced: bool
    """Whether the weights come from the Jacobian."""
    candidate_points: dict[str, Tensor]
    """The points to draw from, by residual."""


def prepare(
    network: Network, residuals: Any, points: Any, weights: Any, unknowns: Any, candidate_points: Any
) -> Equations:
    """The equations of the arguments of `fit_residual`, or an error that says what doesn't fit; the network isn't changed.

    Each residual is a term with its function, points and weight, and is tried once, to learn which derivatives it reads.
    """
    functions = _functions(residuals)
    constants = _unknowns(unknowns, functions)
    sets = {name: _sets(network, name, value) for name, value in _by_residual(points, "points", functions).items()}
    balanced, factors = _weights(weights, functions)
    _refuse_logs(network)
    terms = [
        ResidualTerm(
            name,
            f,
            torch.cat(sets[name]),
            len(sets[name]),
            constants_of(f, list(constants)),
            DerivativeSet((), ()),
            network.scaling,
            weight=factors[name],
        )
        for name, f in functions.items()
    ]
    for name in constants:
        if not any(name in term.arguments for term in terms):
            advice = f"Give a residual function an argument of that name: lambda u, {name}: …"
            _check.fail("unknowns", _WHERE, "constants that a residual takes", name, advice)
    terms = [_try(network, term, constants) for term in terms]
    return Equations(terms, constants, balanced, _candidates(network, candidate_points, sets))


def _refuse_logs(network: Network) -> None:
    """An error for a network with logarithms."""
    if any(network.scaling.has_logs):
        advice = "Write the equation in the logarithms, and train a network without log=… on them."
        _check.fail("network", _WHERE, "without logarithms of columns or outputs", list(network.log), advice)


def _try(network: Network, term: ResidualTerm, unknowns: dict[str, float]) -> ResidualTerm:
    """Evaluate a residual at the start; returns its term with the derivatives that it reads and its number of columns.

    An error where it isn't finite or its rows depend on each other, and where the network's splines have no such derivatives.

    Args:
        network: The network.
        term: The residual, without derivatives yet.
        unknowns: First values of the unknown constants.
    """
    with torch.no_grad():
        objective = ResidualObjective(network, [term], unknowns)
        # A first call shows which derivatives the function asks for, in `parts`, one for each set of points; a second call has those alone.
        parts = [_LazyDerivatives(objective, replace(term, x=x, sets=1)) for x in term.x.chunk(term.sets)]
        term.of_fields([Field(part.term.x, part, part.ask) for part in parts], objective.named())
        narrow = replace(term, derivatives=DerivativeSet.of({features for part in parts for features in part}))
        jet = objective.jet(narrow)
        residual = narrow.residual(jet, objective.named())
    if not bool(torch.isfinite(residual).all()):
        row = int((~torch.isfinite(residual).all(1)).nonzero()[0])
        advice = "Look for roots and logarithms of negative numbers and for divisions by 0 there."
        expected = f"a function that is finite at the start; its row {row} isn't"
        _check.fail(f"residuals[{term.name!r}]", _WHERE, expected, residual[row].tolist(), advice)
    narrow.check_rows(jet, objective.named())
    order = narrow.derivatives.order
    if order > network.k:
        expected, advice = f"of splines of order k ≥ {order} for these derivatives", f"Build KAN(…, k={order + 2})."
        _check.fail("model", _WHERE, expected, network.k, advice)
    return replace(narrow, columns=residual.shape[1])


class _LazyDerivatives(dict[Features, Tensor]):
    """Derivatives at points, `(rows, outputs)` by `Features`, computed when a residual asks for them: all of second order are many more."""

    def __init__(self, objective: ResidualObjective, term: ResidualTerm) -> None:
        super().__init__()  # a dictionary, which `ask` fills with derivatives by features
        self.objective, self.term = objective, term  # `term`: the residual at one set of its points

    def ask(self, derivatives: set[Features]) -> None:
        """Compute the derivatives of these features in own units, all in one pass, unless they are all there.

        Keys are `()` for the value, `(a,)` and, with a ≤ b, `(a, b)`. Value and first derivatives in the features of all pairs come along.
        """
        if derivatives <= self.keys():
            return
        requested = DerivativeSet.of(derivatives)
        jet = self.objective.jet(replace(self.term, derivatives=requested), cache=False)
        jet = in_own_units(jet, self.term.scaling, self.term.x)
        self[()] = jet.value
        self.update({(a,): part for a, part in zip(requested.firsts, jet.first.unbind(1), strict=True)})
        self.update(dict(zip(requested.seconds, jet.second.unbind(1), strict=True)))


def _functions(residuals: Any) -> dict[str, Callable[..., Tensor]]:
    """The residual functions by name, as a dictionary, or an error where `residuals` isn't such a mapping, or is empty."""
    advice = "Write {'pde': lambda u: u.laplacian - …, 'boundary': lambda u: u.value}."
    if not isinstance(residuals, Mapping) or not residuals:
        _check.fail("residuals", _WHERE, "a mapping from names to functions", residuals, advice)
    for name, function in residuals.items():
        if not isinstance(name, str) or not callable(function):
            _check.fail("residuals", _WHERE, "a mapping from names to functions", {name: function}, advice)
    return dict(residuals)


def _by_residual(values: Any, argument: str, functions: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping `values` with one value for each residual, in the order of the functions; else an error that names the `argument`."""
    if not isinstance(values, Mapping) or set(values) != set(functions):
        names = list(values) if isinstance(values, Mapping) else values
        _check.fail(argument, _WHERE, f"a mapping with the names {sorted(functions)}, as the residuals have", names)
    return {name: values[name] for name in functions}


def _sets(network: Network, name: str, points: Any) -> list[Tensor]:
    """The sets of points of one residual, `(rows, features)` each: several where a tuple is given, else one.

    They come in the network's type, on its device; an error where sets differ in their number of rows.
    """
    argument = f"points[{name!r}]"
    sets = [_points(network, part, argument) for part in (points if isinstance(points, tuple) else (points,))]
    if not sets or any(len(part) != len(sets[0]) for part in sets):
        _check.fail(argument, _WHERE, "sets of points with as many rows each", [len(part) for part in sets])
    return sets


def _points(network: Network, points: Any, argument: str) -> Tensor:
    """One set of points as a tensor `(rows, features)` in the network's type; columns with names in the network's order."""
    ordered = frames.by_name(points, network.in_vars, _WHERE, argument)
    x = arrays.inputs(ordered, argument, _WHERE).to(network.device, network.dtype)
    if x.shape[1] != network.n_features:
        expected = f"of shape (rows, {network.n_features}), as the network has inputs"
        _check.fail(argument, _WHERE, expected, x, "Several sets of points are given as a tuple.")
    return x


def _weights(weights: Any, functions: Mapping[str, Any]) -> tuple[bool, dict[str, float]]:
    """Whether weights come from the Jacobian (`auto`), and their first values by residual.

    `weights` is `auto`, None (1 for all, as at first with `auto`), or a mapping from the residuals' names to numbers > 0.
    """
    if isinstance(weights, str):
        _check.choice(weights, "weights", _WHERE, ["auto"])
        return True, dict.fromkeys(functions, 1.0)
    if weights is None:
        return False, dict.fromkeys(functions, 1.0)
    pairs = _by_residual(weights, "weights", functions).items()
    return False, {name: _check.real(w, f"weights[{name!r}]", _WHERE, low=0, open_low=True) for name, w in pairs}


def _unknowns(unknowns: Any, functions: Mapping[str, Any]) -> dict[str, float]:
    """The unknown constants by name with their first values, or an error; no constants for None."""
    constants = {} if unknowns is None else unknowns
    if not isinstance(constants, Mapping):
        _check.fail("unknowns", _WHERE, "a mapping from names to first values", constants, "Write {'nu': 0.1}.")
    for name in constants:
        if not isinstance(name, str) or not name.isidentifier() or name in functions:
            _check.fail("unknowns", _WHERE, "named as arguments of functions, and not as a residual", name)
    return {name: _check.real(value, f"unknowns[{name!r}]", _WHERE) for name, value in constants.items()}


def _candidates(network: Network, candidate_points: Any, sets: Mapping[str, list[Tensor]]) -> dict[str, Tensor]:
    """Points to draw from, `(candidates, features)`, by residual, of those that have any; or an error, such as for too few points."""
    mapping = {} if candidate_points is None else candidate_points
    if not isinstance(mapping, Mapping) or not set(mapping) <= set(sets):
        _check.fail("candidate_points", _WHERE, f"a mapping from some of the names {sorted(sets)} to points", mapping)
    tensors = {}
    for name, x in mapping.items():
        argument, rows = f"candidate_points[{name!r}]", len(sets[name][0])
        if len(sets[name]) > 1:
            _check.fail(argument, _WHERE, "left out for a residual with several sets of points", x)
        tensors[name] = _points(network, x, argument)
        if len(tensors[name]) < rows:
            _check.fail(argument, _WHERE, f"at least {rows} points, as `points` has", tensors[name])
    return tensors
