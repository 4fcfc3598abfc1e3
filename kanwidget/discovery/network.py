"""The network that computes a formula, for the report and for `--save`: they must hold the formula that was printed."""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from kanwidget.core.records import StepRecord
from kanwidget.discovery.training import train_scaled

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.discovery.search import DiscoveredFormula
    from kanwidget.kan import KAN
    from kanwidget.symbolic.formulas.units import Logs

#: Points on which an edge is given its part of the formula.
_POINTS = 200
#: exp(d) becomes a factor up to here.
_LARGE = 300.0


def network_of(formula: DiscoveredFormula, data: Dataset, steps: int) -> KAN:
    """A copy of the formula's network that has the formula's constants.

    Args:
        formula: The formula, fitted to `data`.
        data: The training data, some columns of which may be logarithms.
        steps: Steps of a training on the formula's own values, where it is no sum of functions of one variable.
    """
    from kanwidget.symbolic import to_numpy

    model = copy.deepcopy(formula.model)
    compute = to_numpy(formula.expression, formula.variables, formula.model)
    if model.depth == 1:
        _set_edges(model, formula, data)
        return model
    labels: dict[str, Any] = {}
    for part in ("train", "test"):
        if f"{part}_input" in data:
            labels[f"{part}_label"] = torch.as_tensor(compute(data[f"{part}_input"].numpy()))[:, None]
    if float(labels["train_label"].std()) > 0:
        train_scaled(model, dataclasses.replace(data, **labels), steps)
    return model


def _set_edges(model: KAN, formula: DiscoveredFormula, data: Dataset) -> None:
    """Give every edge of a network of one layer the terms that hold its variable. In place."""
    from kanwidget.surgery._structure import add_constant

    layer = model.layer(0)
    terms = formula.expression.args if formula.expression.is_Add else (formula.expression,)
    for source in range(layer.in_dim):
        if layer.state(source, 0) != "symbolic":
            continue
        column = int(model.columns[source])
        variable = formula.variables[column]
        edge_terms = sum(term for term in terms if variable in term.free_symbols)
        if edge_terms == 0:
            layer.set_symbol(source, 0, None)
        else:
            values = data.train_input[:, column]
            name = str(layer.symbol(source, 0))
            layer.set_symbol(
                source, 0, name, _params(edge_terms, variable, name, float(values.min()), float(values.max()))
            )
    add_constant(layer, 0, float(sum(term for term in terms if not term.free_symbols)))


def _params(terms: Any, variable: Any, name: str, low: float, high: float) -> tuple[float, float, float, float]:
    """The constants a, b, c and d of one function of the library that equal some terms."""
    from kanwidget.core import primitive
    from kanwidget.symbolic import fit_primitives, to_numpy

    x = torch.linspace(low, high, _POINTS, dtype=torch.float64)[:, None]
    y = torch.as_tensor(to_numpy(terms, [variable])(x.numpy()))[:, None]
    return fit_primitives(x, y, [primitive(name)])[0][0].params


def in_units(model: KAN, logs: Logs) -> KAN:
    """The network of the table's own columns: for one of their logarithms, with a layer of log in front and one of exp behind.

    The layers in between are those of the model.
    """
    from kanwidget.kan import KAN

    front, back = any(logs.inputs), logs.output
    if not front and not back:
        return model
    width = [[model.n_in, 0]] * front + model.width + [[1, 0]] * back
    arities: list[list[int]] = [[]] * front + model.arities + [[]] * back
    whole = KAN([list(pair) for pair in width], grid=model.grid, k=model.k, mult_arity=arities)
    for index in range(model.depth):
        whole.layers[index + front] = copy.deepcopy(model.layer(index))
    if front:
        used = model.layer(0).active().any(0).tolist()
        columns = [logs.inputs[column] for column in model.columns.tolist()]
        names = ["log" if logged else "x" for logged in columns]
        _set_only(whole, 0, [name if on else None for name, on in zip(names, used, strict=True)])
    if back:
        _set_only(whole, whole.depth - 1, ["exp"])
        _move_constant(whole)
    whole.scaling = copy.deepcopy(model.scaling)
    whole.n_features, whole.columns, whole.history = model.n_features, model.columns, model.history
    return whole


def _set_only(whole: KAN, index: int, symbols: Sequence[str | None]) -> None:
    """Give a layer one function (or none) from each node to its copy, and no other edge. In place."""
    layer = whole.layer(index)
    layer.spline_on[:] = False
    for node, name in enumerate(symbols):
        layer.set_symbol(node, node, name, (1.0, 0.0, 1.0, 0.0))


def _move_constant(whole: KAN) -> None:
    """Write exp(u + d) as c·exp(u). In place."""
    inner, outer = whole.layer(whole.depth - 2), whole.layer(whole.depth - 1)
    with torch.no_grad():
        constant = float((inner.affine[0, :, 3] * inner.symbolic_on()[0]).sum())
        if abs(constant) < _LARGE:
            inner.affine[0, :, 3] = 0.0
            outer.affine[0, 0, 2] = math.exp(constant)


def remember(model: KAN, data: Dataset, label: str) -> None:
    """Add reference data and column names to the model, as a training does, and its error as the last record. In place."""
    from kanwidget.core.records import Event
    from kanwidget.core.reference_data import store_names

    store_names(model, data)
    model.reference = data.train_input[:512].clone()
    records = model.history.records
    step, seconds = (records[-1].step, records[-1].seconds) if records else (0, 0.0)
    records.append(record_of(model, data, step + 1, seconds))
    model.history.events.append(Event(step + 1, "fix", label))


def record_of(model: KAN, data: Dataset, step: int, seconds: float) -> StepRecord:
    """The errors of a network, in the units of the table, as the record of a step."""
    losses = {
        part: float((data[f"{part}_label"] - model.predict(data[f"{part}_input"])).square().mean().sqrt())
        for part in ("train", "test")
        if f"{part}_input" in data
    }
    return StepRecord(step, losses["train"], losses.get("test"), 0.0, seconds)
