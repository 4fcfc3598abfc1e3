"""What the commands do, step by step, and what they print about it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from kanwidget.discovery import scales
from kanwidget.discovery.network import in_units, of_formula, record, remember
from kanwidget.discovery.shapes import choose, shapes
from kanwidget.discovery.training import train_scaled

if TYPE_CHECKING:
    from torch import Tensor

    from kanwidget.datasets import Dataset
    from kanwidget.discovery.search import Found
    from kanwidget.explorer.session.recorder import Recorder
    from kanwidget.kan import KAN
    from kanwidget.symbolic.formulas.units import Logs

#: With fewer there is nothing that changes.
_FEWEST_ROWS = 2
#: With fewer rows none are kept for a test, unless asked for: which ones would decide what is found, and the formula's
#: constants are fitted without each of them in turn.
_FEW_ROWS = 30
_TEST_FRACTION = 0.2
#: Up to so many rows the formula is fitted once without each of them.
_LEAVE_ONE_OUT = 100


def split(data: Dataset, test_fraction: float | None, seed: int) -> Dataset:
    """The table with rows set aside for a test; by default a fifth of them, and of few rows none."""
    from kanwidget.datasets import Dataset

    if test_fraction is None:
        test_fraction = _TEST_FRACTION if len(data.train_input) >= _FEW_ROWS else 0.0
    return Dataset.from_arrays(
        data.train_input,
        data.train_label,
        test_fraction=test_fraction,
        seed=seed,
        in_vars=data.in_vars,
        out_vars=data.out_vars,
    )


def train(
    data: Dataset,
    width: list[int] | None,
    grid: int | None,
    *,
    steps: int,
    lamb: float,
    seed: int,
    recorder: Recorder | None = None,
) -> KAN:
    """A trained network, pruned where a penalty asked for sparsity; its shape is chosen where none is given."""
    model, told = _trained(data, choose(data, width, grid, seed), steps, lamb, seed, recorder)
    print("\n".join([*told, f"Network:  {_errors(data, model.predict)}"]))
    return model


def _trained(
    data: Dataset, shape: tuple[list[int], int], steps: int, lamb: float, seed: int, recorder: Recorder | None
) -> tuple[KAN, list[str]]:
    """`train`, and what there is to tell about it."""
    from kanwidget.kan import KAN

    width, grid = shape
    model = KAN(width, grid=grid, seed=seed)
    told = [f"Shape:    width {','.join(map(str, width))}, grid {grid}"]
    if lamb > 0:
        train_scaled(model, data, steps, lamb, fresh=True, recorder=recorder)
        if recorder is not None:
            recorder.keep(model, "pruning")
        model = model.prune(data=data)
        idle = [name for name, score in zip(data.in_vars, model.feature_score.tolist(), strict=True) if score == 0]
        told.append(f"Pruned:   {model!r}" + (f"; without effect: {', '.join(idle)}" if idle else ""))
    train_scaled(model, data, steps, fresh=lamb == 0, recorder=recorder)
    return model, told


def train_to_formula(
    data: Dataset,
    width: list[int] | None,
    grid: int | None,
    *,
    steps: int,
    lamb: float,
    seed: int,
    recorder: Recorder | None = None,
) -> KAN:
    """Networks of the columns and of their logarithms, and the best formula of all; printed with its constants and error.

    Returns:
        The network that computes the formula.
    """
    from kanwidget.discovery.search import find

    tried: list[tuple[Found, Logs, KAN, list[str], Recorder | None]] = []
    for logs in scales.scales(data):
        part = scales.scaled(data, logs)
        for shape in shapes(part, width, grid, seed):
            own = None if recorder is None else type(recorder)()
            model, told = _trained(part, shape, steps, lamb, seed, own)
            if own is not None:
                own.keep(model, "a formula")
            tried.append((find(model, part, logs, steps), logs, model, told, own))

    def order(entry: tuple[Found, Logs, KAN, list[str], Recorder | None]) -> tuple[float, float]:
        # Two scales often give one formula; then the network that saw more of it is the better company.
        found, logs, model, _, _ = entry
        missed = data.train_label - in_units(model, logs).predict(data.train_input)
        return round(found.cost, 2), float(missed.square().mean())

    found, logs, model, told, film = min(tried, key=order)
    if recorder is not None and film is not None:
        film.convert(lambda network: in_units(network, logs))
        recorder.become(film)
    note = scales.described(data, logs)
    print("\n".join([*([f"Scale:    {note}"] if note else []), *told]))
    print(f"Network:  {_errors(data, in_units(model, logs).predict)}")
    part = scales.scaled(data, logs)
    computed = in_units(of_formula(found, part, steps), logs)
    if film is not None and logs.output:
        # The training saw logarithms: its errors are told anew in the units of the table, which the formula's error has.
        seconds = {step.step: step.seconds for step in computed.history.records}
        shots = [shot for shot in film.shots() if shot.label is None]
        computed.history.records = [record(shot.network(), data, shot.step, seconds[shot.step]) for shot in shots]
    _print_formula(found, part, logs)
    remember(computed, data, "the formula, its constants fitted to the data")
    print(f"Error:    {_errors(data, computed.predict)}{_left_out(found, part, data, logs)}")
    return computed


def _print_formula(found: Found, part: Dataset, logs: Logs) -> None:
    """The formula in the units of the table, and what is known about its constants."""
    from kanwidget.symbolic import numeric_functions
    from kanwidget.symbolic.formulas.fitted import as_fitted, with_error

    given = (found.variables, part.train_input, part.train_label, numeric_functions(found.model))
    read = as_fitted(part.out_vars[0], found.expression, found.table, *given, logs)
    lines = repr(read).splitlines()
    if found.rounded:
        texts = [f"{simple} for {with_error(value, error)}" for value, error, simple in found.rounded]
        lines.append(f"exponents made simple: {', '.join(texts)}")
    print("\n          ".join([f"Formula:  {lines[0]}", *lines[1:]]))


def _left_out(found: Found, part: Dataset, data: Dataset, logs: Logs) -> str:
    """The error on rows that the constants were not fitted to, where there are few."""
    from kanwidget.symbolic import numeric_functions
    from kanwidget.symbolic.formulas import whole

    if not len(found.table) < len(part.train_input) <= _LEAVE_ONE_OUT:
        return ""
    given = (found.variables, part.train_input, part.train_label)
    values = whole.left_out(found.expression, *given, numeric_functions(found.model))
    residual = data.train_label[:, 0] - (values.exp() if logs.output else values)
    return f", leave-one-out RMSE {float(residual.square().mean().sqrt()):.3g}"


def write_report(model: KAN, data: Dataset, path: Path, recorder: Recorder | None = None) -> None:
    """A page that opens without network and without Python; with a recorder, its training can be gone through."""
    from kanwidget.explorer.files.html_report import save_html

    save_html(model, data, path, recorder=recorder)
    print(f"Report:   {path} (opens in any browser, without network)")


def check_rows(data: Dataset) -> None:
    """Nothing, or an error that says how many rows are needed: of one row no curve can be learnt."""
    train = len(data.train_input)
    if train < _FEWEST_ROWS:
        held = 0 if data.test_input is None else len(data.test_input)
        advice = f" {held} went to the test: give a longer table or a smaller --test-fraction." if held else ""
        raise ValueError(
            f"training needs at least {_FEWEST_ROWS} rows; got {train}.{advice or ' Give a longer table.'}"
        )


def check_folder(path: Path | None) -> None:
    """Nothing, or an error: better before the training than after it."""
    if path is not None and not path.absolute().parent.is_dir():
        raise NotADirectoryError(
            f"there is no folder {path.parent} for {path.name}. Create it, or choose another path."
        )


def _errors(data: Dataset, predict: Callable[[Tensor], Tensor]) -> str:
    """Root mean squared errors and R² in words."""
    parts = []
    for part in ("train", "test"):
        if f"{part}_input" in data:
            y = data[f"{part}_label"]
            residual = y - predict(data[f"{part}_input"])
            missed, spread = float(residual.square().sum()), float((y - y.mean(0)).square().sum())
            # Nines are what matters in R²: 0.9999998 must not be printed as 1.0000. One row, or equal labels, have none.
            share = f" (1 - R² = {missed / spread:.2g})" if spread > 0 else ""
            parts.append(f"{part} RMSE {float(residual.square().mean().sqrt()):.3g}{share}")
    return ", ".join(parts)
