"""The network that computes a formula: what the report shows and `--save` keeps is what was printed."""

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
    from kanwidget.discovery.search import Found
    from kanwidget.kan import KAN
    from kanwidget.symbolic.formulas.units import Logs

#: Points on which an edge is given its part of the formula.
_POINTS = 200
#: exp(d) becomes a factor up to here.
_LARGE = 300.0


def of_formula(found: Found, data: Dataset, steps: int) -> KAN:
    """A copy of the network that has the formula's constants.

    Args:
        found: The formula, fitted to `data`.
        data: Some columns of which are logarithms.
        steps: Of a training on the formula's own values, where it is no sum of functions of one variable.
    """
    from kanwidget.symbolic import to_numpy

    model = copy.deepcopy(found.model)
    compute = to_numpy(found.expression, found.variables, found.model)
    if model.depth == 1:
        _set_edges(model, found, data)
        return model
    labels: dict[str, Any] = {}
    for part in ("train", "test"):
        if f"{part}_input" in data:
            labels[f"{part}_label"] = torch.as_tensor(compute(data[f"{part}_input"].numpy()))[:, None]
    if float(labels["train_label"].std()) > 0:
        train_scaled(model, dataclasses.replace(data, **labels), steps)
    return model


def _set_edges(model: KAN, found: Found, data: Dataset) -> None:
    """Give every edge of a network of one layer the terms that hold its variable. In place."""
    from kanwidget.surgery._structure import add_constant

    layer = model.layer(0)
    terms = found.expression.args if found.expression.is_Add else (found.expression,)
    for source in range(layer.in_dim):
        if layer.state(source, 0) != "symbolic":
            continue
        column = int(model.columns[source])
        variable = found.variables[column]
        mine = sum(term for term in terms if variable in term.free_symbols)
        if mine == 0:
            layer.set_symbol(source, 0, None)
        else:
            values = data.train_input[:, column]
            name = str(layer.symbol(source, 0))
            layer.set_symbol(source, 0, name, _params(mine, variable, name, float(values.min()), float(values.max())))
    add_constant(layer, 0, float(sum(term for term in terms if not term.free_symbols)))


def _params(terms: Any, variable: Any, name: str, low: float, high: float) -> tuple[float, float, float, float]:
    """The constants a, b, c and d of one function of the library that equal some terms."""
    from kanwidget.core import primitive
    from kanwidget.symbolic import fit_primitives, to_numpy

    x = torch.linspace(low, high, _POINTS, dtype=torch.float64)[:, None]
    y = torch.as_tensor(to_numpy(terms, [variable])(x.numpy()))[:, None]
    return fit_primitives(x, y, [primitive(name)])[0][0].params


def in_units(model: KAN, logs: Logs) -> KAN:
    """The network of the table's own columns: one of their logarithms with a layer log before it, and exp behind it.

    The layers in between are those of the model.
    """
    from kanwidget.kan import KAN

    before, after = any(logs.inputs), logs.output
    if not before and not after:
        return model
    width = [[model.n_in, 0]] * before + model.width + [[1, 0]] * after
    arities: list[list[int]] = [[]] * before + model.arities + [[]] * after
    whole = KAN([list(pair) for pair in width], grid=model.grid, k=model.k, mult_arity=arities)
    for index in range(model.depth):
        whole.layers[index + before] = copy.deepcopy(model.layer(index))
    if before:
        used = model.layer(0).active().any(0).tolist()
        columns = [logs.inputs[column] for column in model.columns.tolist()]
        names = ["log" if logged else "x" for logged in columns]
        _only(whole, 0, [name if on else None for name, on in zip(names, used, strict=True)])
    if after:
        _only(whole, whole.depth - 1, ["exp"])
        _move_constant(whole)
    whole.n_features, whole.columns, whole.history = model.n_features, model.columns, model.history
    return whole


def _only(whole: KAN, index: int, symbols: Sequence[str | None]) -> None:
    """A layer of nothing but one function from every node (or none) to its copy. In place."""
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
    """Leave the data with the model as training does, and its present error as the last step of its history. In place."""
    from kanwidget.core.records import Event
    from kanwidget.core.reference_data import store_names

    store_names(model, data)
    model.reference = data.train_input[:512].clone()
    records = model.history.records
    step, seconds = (records[-1].step, records[-1].seconds) if records else (0, 0.0)
    records.append(record(model, data, step + 1, seconds))
    model.history.events.append(Event(step + 1, "fix", label))


def record(model: KAN, data: Dataset, step: int, seconds: float) -> StepRecord:
    """A network's errors in the units of the table, as a step of a training."""
    losses = {
        part: float((data[f"{part}_label"] - model.predict(data[f"{part}_input"])).square().mean().sqrt())
        for part in ("train", "test")
        if f"{part}_input" in data
    }
    return StepRecord(step, losses["train"], losses.get("test"), 0.0, seconds)
