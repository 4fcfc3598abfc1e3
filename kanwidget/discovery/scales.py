"""Logarithms of columns, where the data may be simpler in them: a power law is then a straight line."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

from kanwidget.symbolic.formulas.units import Logs

if TYPE_CHECKING:
    from torch import Tensor

    from kanwidget.datasets import Dataset

#: A target that spans less than this factor looks nearly the same in its logarithm.
_TARGET_SPAN = 3.0
#: On an input that spans more than this factor, most rows would lie within the first intervals of an even grid.
_INPUT_SPAN = 10.0


def plain(data: Dataset) -> Logs:
    """No logarithms."""
    return Logs((False,) * data.n_features, output=False)


def scales(data: Dataset) -> list[Logs]:
    """The scales to try, the plain one first: logarithms of inputs that span a decade, of a target that spans a factor of
    three, and in both (there of all positive inputs).

    Examples:
        >>> from kanwidget import load_mercury, load_planets
        >>> len(scales(load_planets())), [logs.output for logs in scales(load_mercury())]
        (4, [False, True])
    """
    columns, target = _values(data, "input"), _values(data, "label")
    positive = tuple(bool((column > 0).all()) for column in columns.T)
    spans = tuple(p and _span(column) > _INPUT_SPAN for p, column in zip(positive, columns.T, strict=True))
    none = plain(data).inputs
    candidates = [plain(data), Logs(spans, output=False)]
    if bool((target > 0).all()) and _span(target) > _TARGET_SPAN:
        candidates += [Logs(none, output=True), Logs(positive, output=True)]
    return list(dict.fromkeys(candidates))


def scaled(data: Dataset, logs: Logs) -> Dataset:
    """The data with these columns as natural logarithms."""
    changed: dict[str, Any] = {}
    for key in data:
        value = data[key].clone()
        if key.endswith("input"):
            for column, logged in enumerate(logs.inputs):
                if logged:
                    value[:, column] = value[:, column].log()
        elif logs.output:
            value = value.log()
        changed[key] = value
    return dataclasses.replace(data, **changed)


def described(data: Dataset, logs: Logs) -> str:
    """The columns taken as logarithms, in words; empty for none."""
    names = [name for name, logged in zip(data.in_vars, logs.inputs, strict=True) if logged]
    names += [data.out_vars[0]] if logs.output else []
    return f"fitted in natural logarithms of {', '.join(names)}" if names else ""


def _values(data: Dataset, kind: str) -> Tensor:
    """The values of all parts together."""
    import torch

    return torch.cat([data[key] for key in data if key.endswith(kind)])


def _span(values: Tensor) -> float:
    low = float(values.min())
    return float(values.max()) / low if low > 0 else math.inf
