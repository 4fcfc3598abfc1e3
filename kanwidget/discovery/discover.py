"""From a table to a formula: a network for each scale and shape, a formula for each network, and the best formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from kanwidget.core.threads import one_thread
from kanwidget.discovery import scales
from kanwidget.discovery.network import in_units, network_of, record_of, remember
from kanwidget.discovery.search import find_formula
from kanwidget.discovery.shapes import formula_shapes
from kanwidget.discovery.training import TrainedNetwork, train_network

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.discovery.recording import Recorder
    from kanwidget.discovery.search import DiscoveredFormula
    from kanwidget.kan import KAN
    from kanwidget.symbolic.formulas.fitted import FittedFormula
    from kanwidget.symbolic.formulas.units import Logs

#: Below this many numbers in the table, one thread is faster in every step; in larger tables each training and query decides.
_SMALL_TABLE = 100_000
#: Most rows for which the formula is fitted once without each row.
_LEAVE_ONE_OUT = 100


class _Attempt(NamedTuple):
    """The network and formula of one scale and one shape."""

    logs: Logs
    trained: TrainedNetwork
    formula: DiscoveredFormula
    recorder: Recorder | None


@dataclass(frozen=True, slots=True)
class Discovery:
    """The best formula for a table, and the networks behind it."""

    data: Dataset
    logs: Logs
    """The columns of which logarithms were taken."""
    trained: TrainedNetwork
    """The network that the formula comes from, on the scale of the logarithms."""
    formula: DiscoveredFormula
    """The formula, on the same scale."""
    network: KAN
    """The trained network in the units of the table."""
    model: KAN
    """The network that computes the formula, in the units of the table."""
    recorder: Recorder | None
    """The recorder of the training, if one was asked for."""

    def fitted(self) -> FittedFormula:
        """The formula in the units of the table, with the standard errors of its constants."""
        from kanwidget.symbolic import numeric_functions
        from kanwidget.symbolic.formulas.fitted import as_fitted

        formula, scaled = self.formula, scales.scaled(self.data, self.logs)
        arguments = (formula.variables, scaled.train_input, scaled.train_label, numeric_functions(formula.model))
        return as_fitted(scaled.out_vars[0], formula.expression, formula.table, *arguments, self.logs)

    def leave_one_out_error(self) -> float | None:
        """Root mean squared error on rows that the constants were not fitted to; None where there are many rows."""
        from kanwidget.symbolic import numeric_functions
        from kanwidget.symbolic.formulas import whole

        formula, scaled = self.formula, scales.scaled(self.data, self.logs)
        if not len(formula.table) < len(scaled.train_input) <= _LEAVE_ONE_OUT:
            return None
        arguments = (formula.variables, scaled.train_input, scaled.train_label, numeric_functions(formula.model))
        values = whole.leave_one_out(formula.expression, *arguments)
        residual = self.data.train_label[:, 0] - (values.exp() if self.logs.output else values)
        return float(residual.square().mean().sqrt())


def discover(
    data: Dataset,
    width: list[int] | None = None,
    grid: int | None = None,
    *,
    steps: int = 50,
    lamb: float = 1e-3,
    seed: int = 0,
    make_recorder: Callable[[], Recorder] | None = None,
) -> Discovery:
    """Train networks on the columns and on their logarithms, and find the best of their formulas.

    Args:
        data: A table with one label column.
        width: The width of the networks; by default several are tried.
        grid: Their grid intervals; by default several are tried.
        steps: The largest number of steps of a training.
        lamb: Weight of the penalty, ≥ 0.
        seed: Seed of the networks and splits.
        make_recorder: Makes a recorder for each training; the result holds the recorder of the best.

    Examples:
        >>> from kanwidget import load_planets
        >>> discover(load_planets(), [1, 1], 3, lamb=0).fitted()
        period = axis**(3/2)
    """
    with one_thread(data.train_input.numel() < _SMALL_TABLE):
        attempts = []
        for logs in scales.scales(data):
            scaled = scales.scaled(data, logs)
            for shape in formula_shapes(scaled, width, grid, seed):
                recorder = None if make_recorder is None else make_recorder()
                trained = train_network(scaled, shape, steps=steps, lamb=lamb, seed=seed, recorder=recorder)
                if recorder is not None:
                    recorder.keep(trained.model, "a formula")
                formula = find_formula(trained.model, scaled, logs, steps)
                attempts.append(_Attempt(logs, trained, formula, recorder))
        return _finished(min(attempts, key=lambda attempt: _rank(attempt, data)), data, steps)


def _rank(attempt: _Attempt, data: Dataset) -> tuple[float, float]:
    """Rank of the formula, then error of the network: two scales often give the same formula."""
    network = in_units(attempt.trained.model, attempt.logs)
    residual = data.train_label - network.predict(data.train_input)
    return round(attempt.formula.rank, 2), float(residual.square().mean())


def _finished(attempt: _Attempt, data: Dataset, steps: int) -> Discovery:
    """The attempt in the units of the table, with the network that computes its formula."""
    logs, trained, formula, recorder = attempt
    model = in_units(network_of(formula, scales.scaled(data, logs), steps), logs)
    if recorder is not None:
        recorder.convert(lambda network: in_units(network, logs))
        if logs.output:
            # The training recorded errors of logarithms: convert them to the units of the table, as the formula's error is.
            seconds = {record.step: record.seconds for record in model.history.records}
            frames = [frame for frame in recorder.frames() if frame.label is None]
            model.history.records = [record_of(f.network(), data, f.step, seconds[f.step]) for f in frames]
    remember(model, data, "the formula, its constants fitted to the data")
    return Discovery(data, logs, trained, formula, in_units(trained.model, logs), model, recorder)
