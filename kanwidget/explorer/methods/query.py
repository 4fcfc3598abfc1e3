"""What can be asked of an explorer: the network, its errors, its history, its formula."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

import torch

from kanwidget import _check
from kanwidget.core import History
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.describe.formula import composed
from kanwidget.explorer.describe.panels.parity import parity
from kanwidget.explorer.describe.panels.surface import checked, surface
from kanwidget.explorer.methods.base import MethodGroup
from kanwidget.explorer.methods.tracebacks import plain_refusals
from kanwidget.explorer.session.view import SurfaceView
from kanwidget.kan import KAN


@plain_refusals
class QueryMethods(MethodGroup):
    """The part of `KANExplorer` that tells how things stand; asking changes nothing."""

    @property
    def model(self) -> KAN:
        """A copy of the network as it is now."""
        return self._ask(self._session.snapshot_model)

    @property
    def history(self) -> History:
        """Steps and events so far."""
        return self._ask(self._session.history)

    @property
    def states(self) -> list[dict[str, Any]]:
        """The states that undo, redo and goto know: id, parent, label, kind, step, error."""
        return self._ask(lambda: [dict(state) for state in describe.history(self._session)["states"]])

    @property
    def pareto_front(self) -> list[dict[str, Any]]:
        """The states of the history by complexity (free parameters) with their errors, those that no other state beats."""
        return self._ask(lambda: describe.pareto_front(self._session))

    def parity(self) -> dict[str, Any]:
        """Truth and prediction of every part of the data, `(outputs, 2, rows)`; for classes a table of counts."""
        return self._ask(lambda: dict(parity(self._session)[1]))

    def surface(
        self, x: int = 0, y: int | None = None, output: int = 0, at: Sequence[float | None] = ()
    ) -> dict[str, Any]:
        """The output over one or two inputs of the data, the others held at their medians, or where `at` says.

        Returns:
            `x` and, with two inputs, `y`: values on the axes; `z`: `(len(y), len(x))`, or `(1, len(x))`.
        """
        view = checked(self._open, SurfaceView(x, y, output, tuple(at)))
        told, arrays = self._ask(lambda: surface(self._session, view))
        axes = {"x": (told["x_range"], 1), "y": (told["y_range"], 0)}
        lines = {
            name: torch.linspace(ends[0], ends[1], arrays["z"].shape[along], dtype=arrays["z"].dtype)
            for name, (ends, along) in axes.items()
            if ends is not None
        }
        return {**lines, "z": arrays["z"]}

    @property
    def status(self) -> dict[str, Any]:
        """State, step, losses, milliseconds a step, and why it stopped."""
        return dict(describe.status(self._open, self._driver.kind))

    @property
    def formula(self) -> Any:
        """The network as a sympy expression in the columns' own units; a list of them for several outputs."""
        expressions, _ = self._ask(lambda: composed(self._session, list(self._session.in_vars)))
        return expressions[0] if len(expressions) == 1 else expressions

    def to_dict(self) -> dict[str, list[float]]:
        """The history by columns."""
        return self.history.to_dict()

    def to_pandas(self) -> Any:
        """The history as a pandas frame, one row a step."""
        try:
            pandas = import_module("pandas")
        except ImportError:
            missing = "to_pandas needs pandas: pip install 'kanwidget[data]'. to_dict() does without."
            _check.refuse(ImportError(missing))
        return pandas.DataFrame(self.to_dict())
