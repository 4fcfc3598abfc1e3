"""What is examined: a function, a network or a table becomes members that give value, gradient and Hessian at points."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.derivatives import derivatives
from kanwidget.core.network import Network, column_names
from kanwidget.core.reference_data import as_inputs, has_labels
from kanwidget.datasets import Dataset, arrays, as_dataset, frames
from kanwidget.datasets.dataset import Split, from_table, without_idle_rows
from kanwidget.datasets.derived import numbers_only
from kanwidget.datasets.naming import numbered_inputs, numbered_outputs
from kanwidget.structure import ensembles
from kanwidget.structure.field import Function, slopes
from kanwidget.training.steps.scales import data_in_own_units, in_own_units

#: Value `(points,)`, gradient and Hessian of one member, in units of the columns' sizes.
Derivatives = tuple[Tensor, Tensor, Tensor]
#: (points in own units, sizes of all columns, numbers of the columns to differentiate in) → derivatives.
Member = Callable[[Tensor, Tensor, list[int]], Derivatives]

#: Violations that count as none: of a function that is known exactly, and of one that is learned.
EXACT_TOLERANCE = 1e-6
LEARNED_TOLERANCE = 0.05
#: Points that are used at most.
MOST_POINTS = 1000
#: The call that errors name.
_WHERE = "examine"


@dataclass(frozen=True, slots=True)
class Subject:
    """A function of columns, as one member that is exact or as several whose spread is the error of the fit."""

    names: tuple[str, ...]
    target: str
    points: Tensor
    """`(points, columns)`, in own units."""
    members: tuple[Member, ...]
    tolerance: float
    rounding: float = torch.finfo(torch.float64).eps
    """Relative rounding error of an exact member's numbers."""
    function: Function | None = None
    """Values of what is known exactly, by which `Swaps` confirms what derivatives say; None where it is learned."""

    @property
    def is_exact(self) -> bool:
        """Whether derivatives have no error but rounding; what is learned has several members, whose spread is the error."""
        return len(self.members) == 1

    @property
    def shifts(self) -> tuple[float, ...]:
        """Factors of the points for three members of an exact function: 1 up to rounding, so that their spread is what rounding does."""
        return 1.0, 1 + 2 * self.rounding, 1 - 2 * self.rounding

    def derivatives(self, points: Tensor, size: Tensor, columns: Sequence[int]) -> Derivatives:
        """Derivatives of all members in some columns, in units of `size`, each with the members as its first axis.

        An exact function has two more members: itself at points that are the same numbers up to rounding. Their spread is what
        rounding does to its derivatives.
        """
        calls = itertools.product(self.members, self.shifts if self.is_exact else (1.0,))
        results = [member(points * shift, size, list(columns)) for member, shift in calls]
        value, gradient, hessian = (torch.stack(parts) for parts in zip(*results, strict=True))
        return value, gradient, hessian


def network_member(networks: Sequence[Network], output: int) -> Member:
    """A member that is the mean of networks, for one output, with their analytic derivatives."""

    def member(points: Tensor, size: Tensor, columns: list[int]) -> Derivatives:
        """The mean of the networks' derivatives at points in own units, `(points, …)`, by columns of these numbers in units of `size`."""
        with torch.no_grad():
            results = [derivatives(network, points) for network in networks]
        value, gradient, hessian = (
            torch.stack([getattr(each, name)[:, output] for each in results]).mean(0)
            for name in ("value", "gradient", "hessian")
        )
        gradient, hessian = gradient * size, hessian * size[:, None] * size
        return value, gradient[:, columns], hessian[:, columns][:, :, columns]

    return member


def function_member(function: Function) -> Member:
    """A function, differentiated by autograd in scaled numbers, so that columns of any unit can be squared."""

    def member(points: Tensor, size: Tensor, columns: list[int]) -> Derivatives:
        """Value, gradient and Hessian at points in own units, by columns of these numbers in units of `size`, `(all columns,)`."""
        with torch.enable_grad():
            scaled = (points / size).requires_grad_()
            value = function(scaled * size)
            gradient = slopes(value, scaled)[:, columns]
            rows = [slopes(slope, scaled)[:, columns] for slope in gradient.unbind(-1)]
        return value.detach(), gradient.detach(), torch.stack(rows, dim=-2).detach()

    return member


def as_column(values: Any, rows: int, output: int) -> Tensor:
    """One output, by its number, of the `values` that a function has at so many rows: float64, `(rows,)`; refused in other shapes."""
    if not isinstance(values, Tensor) or values.shape[:1] != (rows,) or values.ndim > 2:
        advice = "It gets a tensor with one row a point: write lambda x: x[:, 0] * x[:, 1]."
        _check.fail("subject", _WHERE, f"a function with a tensor of shape ({rows},) as value", values, advice)
    return (values if values.ndim == 1 else values[:, output]).to(torch.float64)


# ---- functions


def function_subject(function: Function, points: Tensor, names: Sequence[str], output: str | int | None) -> Subject:
    """A function of tensors at points, after a look at what it returns there.

    It is refused where torch can't differentiate it, but for a constant, and where a row's value depends on other rows.

    Args:
        function: From `(rows, columns)` to `(rows,)` or `(rows, outputs)`.
        points: `(points, columns)`, in own units.
        names: Of the columns.
        output: Name or number of the output; None where there is one.
    """
    function = _in_float64(function)
    values = _first_values(function, points)
    count = values.shape[1] if isinstance(values, Tensor) and values.ndim == 2 else 1
    targets = numbered_outputs(count)
    index = output_index(output, targets)
    column, one = as_column(values, len(points), index), one_output(function, index)
    if not column.requires_grad and bool((column != column[:1]).any()):
        advice = "Write it with torch's functions, without .detach(), .numpy() and torch.no_grad()."
        _check.fail("subject", _WHERE, "a function that torch can differentiate", function, advice, error=TypeError)
    # Some rows alone have the values that they have among all, if rows are independent.
    with torch.no_grad():
        first = one(points[:3].clone())
    noise = 1e-6 * float(column.detach().nan_to_num(0.0, 0.0, 0.0).abs().max())
    if not torch.allclose(first, column[:3].detach(), rtol=1e-4, atol=noise, equal_nan=True):
        advice = "Its value in a row must not depend on other rows: no means over the batch."
        _check.fail("subject", _WHERE, "a function of each row by itself", function, advice)
    rounding = torch.finfo(values.dtype).eps if values.is_floating_point() else torch.finfo(torch.float64).eps
    return Subject(tuple(names), targets[index], points, (function_member(one),), EXACT_TOLERANCE, rounding, one)


def _in_float64(function: Function) -> Function:
    """A module of other numbers, or on another device, as a copy that takes the points; other functions as they are."""
    if not isinstance(function, torch.nn.Module):
        return function
    if all((p.dtype, p.device.type) == (torch.float64, "cpu") for p in function.parameters()):
        return function
    return copy.deepcopy(function).to("cpu", torch.float64)


def _first_values(function: Function, points: Tensor) -> Tensor:
    """What a function returns at the points; its own errors, with what it was given."""
    try:
        with torch.enable_grad():
            return function(points.clone().requires_grad_() * 1.0)  # no leaf: the function may change it in place
    except Exception as error:
        # Not by `_check.fail`: the cause, which is the user's code, stays in sight.
        message = (
            f"the `subject` argument of examine must be a function of a float64 tensor of shape {tuple(points.shape)}; "
            f"got {_check.describe(function)}, which raised {type(error).__name__}: {error}"
        )
        raise ValueError(message) from error


def one_output(function: Function, output: int) -> Function:
    """One output of a function as a function with values `(points,)`."""
    return lambda points: as_column(function(points), len(points), output)


def output_index(output: str | int | None, targets: Sequence[str]) -> int:
    """The number of an output, by its name or number; the only one by default."""
    if output is None:
        if len(targets) > 1:
            advice = f"A structure is that of one output: say output={targets[0]!r}."
            _check.fail("output", _WHERE, f"one of {', '.join(map(repr, targets))}", None, advice)
        return 0
    if isinstance(output, str):
        return list(targets).index(_check.choice(output, "output", _WHERE, targets))
    return _check.integer(output, "output", _WHERE, low=0, high=len(targets) - 1)


# ---- what was given becomes a subject


def subject_of(
    subject: Any, data: Any, target: Any, output: str | int | None, members: int, steps: int, seed: int
) -> Subject:
    """The subject of a function with points, of a network with or without data, or of a table; arguments as of `examine`."""
    if target is not None and not frames.has_columns(subject):
        advice = "Of several outputs one is named with output='y_1'."
        _check.fail("target", _WHERE, "left out where the subject is no frame", target, advice)
    if isinstance(subject, Network):
        return _of_network(subject, data, output, members, seed)
    if callable(subject) and not has_labels(subject) and not frames.has_columns(subject):
        return _of_function(subject, data, output)
    if data is not None:
        advice = "A table is the subject itself: examine(data), or examine(frame, target='y')."
        _check.fail("data", _WHERE, "left out for a table", data, advice)
    return _of_table(subject, target, output, members, steps, seed)


def _of_function(function: Any, data: Any, output: str | int | None) -> Subject:
    """The subject of a function, one exact member at the points in `data`: inputs, or data with labels, which don't count."""
    if data is None:
        advice = "Give rows where it is defined, such as create_dataset(f, n_var=3).train_input."
        _check.fail("data", _WHERE, "the points at which a function is examined", None, advice)
    if has_labels(data):
        dataset = as_dataset(data, _WHERE)
        points, names = dataset.train_input, dataset.in_vars
    else:
        names = frames.names_of(data)
        points = arrays.inputs(data, "data", _WHERE, names)
        names = names or numbered_inputs(points.shape[1])
    return function_subject(function, _picked(points), names, output)


def _of_network(network: Network, data: Any, output: str | int | None, members: int, seed: int) -> Subject:
    """The subject of a network: itself as an exact member or, with labelled data, copies that are trained on rows drawn again."""
    names = column_names(network)
    targets: tuple[str, ...] = numbered_outputs(network.n_out)
    if data is not None and has_labels(data):
        dataset = without_idle_rows(_regression(as_dataset(data, _WHERE, network.in_vars, network.encoding), "data"))
        network = copy.deepcopy(network)
        dataset = in_own_units(network, dataset, _WHERE)
        targets = dataset.out_vars
        index = output_index(output, targets)
        copies: list[Network] = ensembles.refit_copies(network, dataset, members, seed)
        points, tolerance = dataset.train_input, LEARNED_TOLERANCE
    else:
        index = output_index(output, targets)
        copies = [copy.deepcopy(network).to("cpu", torch.float64)]
        points, tolerance = as_inputs(network, data, _WHERE), EXACT_TOLERANCE
    functions = tuple(network_member([network], index) for network in copies)
    exact = one_output(copies[0], index) if len(copies) == 1 else None
    return Subject(names, targets[index], _picked(points), functions, tolerance, function=exact)


def _of_table(table: Any, target: Any, output: str | int | None, members: int, steps: int, seed: int) -> Subject:
    """The subject of a table: an ensemble of networks that are trained on it, or a constant where the labels are equal."""
    data = from_table(table, target, Split(test_fraction=0), _WHERE) if frames.has_columns(table) else _labelled(table)
    data = numbers_only(_regression(data, "subject"))
    data = without_idle_rows(data_in_own_units(data.to(torch.float64, "cpu")))
    index = output_index(output, data.out_vars)
    label = data.train_label[:, index].to(torch.float64)
    points, names = _picked(data.train_input), data.in_vars
    if bool((label == label[0]).all()):  # there is nothing to learn
        member = function_member(lambda x: torch.full((len(x),), float(label[0]), dtype=x.dtype))
        return Subject(names, data.out_vars[index], points, (member,), LEARNED_TOLERANCE)
    ensemble = ensembles.train_ensemble(data, index, members, steps, seed)
    # A member is the mean of the networks trained on one draw of the rows; output 0 is their only one.
    functions = tuple(network_member(networks, 0) for networks in ensemble)
    return Subject(names, data.out_vars[index], points, functions, LEARNED_TOLERANCE)


def _labelled(table: Any) -> Dataset:
    """A table that is no frame, with its labels."""
    is_pair = isinstance(table, (tuple, list)) and len(table) == 2
    is_dict = isinstance(table, Mapping) and {"train_input", "train_label"} <= set(table)
    if not (isinstance(table, Dataset) or is_pair or is_dict):
        expected = "a function, a network, a frame, or labelled data: a Dataset, a dict or a pair (x, y)"
        advice = "A dict needs the keys train_input and train_label."
        _check.fail("subject", _WHERE, expected, table, advice, error=TypeError)
    return as_dataset(table, _WHERE)


def _regression(data: Dataset, argument: str) -> Dataset:
    """The data, or an error where the labels are class numbers."""
    if data.is_classification:
        advice = "Write the labels as a column of numbers: y.reshape(-1, 1)."
        _check.fail(argument, _WHERE, "with numbers as labels", data, advice)
    return data


def _picked(points: Tensor) -> Tensor:
    """Points as float64, of many rows evenly picked ones."""
    return arrays.even_rows(points.detach().to("cpu", torch.float64), MOST_POINTS)
