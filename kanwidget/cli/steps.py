"""The steps of `kanwidget fit`, and the lines that they print."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanwidget.discovery import scales
from kanwidget.discovery.discover import Discovery, discover
from kanwidget.discovery.shapes import choose_shape
from kanwidget.discovery.training import TrainedNetwork, train_network

if TYPE_CHECKING:
    from torch import Tensor

    from kanwidget.datasets import Dataset
    from kanwidget.discovery.recording import Recorder
    from kanwidget.kan import KAN

#: With fewer there is nothing that changes.
_FEWEST_ROWS = 2
#: With fewer rows the default is no test rows: the choice of rows would decide which formula is found, and the formula's
#: constants are fitted without each of them in turn.
_FEW_ROWS = 30
_TEST_FRACTION = 0.2


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
    make_recorder: Callable[[], Recorder] | None = None,
) -> tuple[KAN, Recorder | None]:
    """Train a network, and print its shape and error.

    Args:
        data: The training data.
        width: Its width; by default it is chosen.
        grid: Its grid intervals; by default they are chosen.
        steps: Most steps of a training.
        lamb: Weight of the penalty; above 0 the network is pruned.
        seed: Seed of the network.
        make_recorder: Makes the recorder of the training.
    """
    shape = choose_shape(data, width, grid, seed)
    recorder = make_recorder and make_recorder()
    trained = train_network(data, shape, steps=steps, lamb=lamb, seed=seed, recorder=recorder)
    print("\n".join([*_shape_lines(trained), f"Network:  {_errors(data, trained.model.predict)}"]))
    return trained.model, recorder


def train_to_formula(
    data: Dataset,
    width: list[int] | None,
    grid: int | None,
    *,
    steps: int,
    lamb: float,
    seed: int,
    make_recorder: Callable[[], Recorder] | None = None,
) -> tuple[KAN, Recorder | None]:
    """Find the best formula, and print it with its constants and error; returns the network that computes it."""
    discovery = discover(data, width, grid, steps=steps, lamb=lamb, seed=seed, make_recorder=make_recorder)
    note = scales.described(data, discovery.logs)
    print("\n".join([*([f"Scale:    {note}"] if note else []), *_shape_lines(discovery.trained)]))
    print(f"Network:  {_errors(data, discovery.network.predict)}")
    print("\n          ".join(_formula_lines(discovery)))
    error = discovery.leave_one_out_error()
    left_out = "" if error is None else f", leave-one-out RMSE {error:.3g}"
    print(f"Error:    {_errors(data, discovery.model.predict)}{left_out}")
    return discovery.model, discovery.recorder


def _shape_lines(trained: TrainedNetwork) -> list[str]:
    lines = [f"Shape:    width {','.join(map(str, trained.width))}, grid {trained.grid}"]
    if trained.pruned:
        unused = f"; without effect: {', '.join(trained.unused)}" if trained.unused else ""
        lines.append(f"Pruned:   {trained.model!r}{unused}")
    return lines


def _formula_lines(discovery: Discovery) -> list[str]:
    """The formula in the units of the table, and its constants with their errors."""
    from kanwidget.symbolic.formulas.fitted import with_error

    first, *rest = repr(discovery.fitted()).splitlines()
    if discovery.formula.rounded:
        texts = [f"{exact} for {with_error(value, error)}" for value, error, exact in discovery.formula.rounded]
        rest.append(f"exponents made simple: {', '.join(texts)}")
    return [f"Formula:  {first}", *rest]


def write_report(model: KAN, data: Dataset, path: Path, recorder: Any = None) -> None:
    """Write a page that opens without network and without Python; with a recorder it has a slider over the training."""
    from kanwidget.explorer.files.html_report import save_html

    save_html(model, data, path, recorder=recorder)
    print(f"Report:   {path} (opens in any browser, without network)")


def check_rows(data: Dataset) -> None:
    """Raise an error for fewer rows than a training needs: one row determines no curve."""
    train = len(data.train_input)
    if train < _FEWEST_ROWS:
        held_out = 0 if data.test_input is None else len(data.test_input)
        advice = f" {held_out} went to the test: give a longer table or a smaller --test-fraction." if held_out else ""
        raise ValueError(
            f"training needs at least {_FEWEST_ROWS} rows; got {train}.{advice or ' Give a longer table.'}"
        )


def check_folder(path: Path | None) -> None:
    """Raise an error for a path without a folder, before the training and not after it."""
    if path is not None and not path.absolute().parent.is_dir():
        raise NotADirectoryError(
            f"there is no folder {path.parent} for {path.name}. Create it, or choose another path."
        )


def _errors(data: Dataset, predict: Callable[[Tensor], Tensor]) -> str:
    """Root mean squared errors and R² in words."""
    texts = []
    for part in ("train", "test"):
        if f"{part}_input" in data:
            y = data[f"{part}_label"]
            residual = y - predict(data[f"{part}_input"])
            missed, spread = float(residual.square().sum()), float((y - y.mean(0)).square().sum())
            # 1 - R², since the nines of R² count: 0.9999998 must not be printed as 1.0000. A single row, or equal labels, have no R².
            share = f" (1 - R² = {missed / spread:.2g})" if spread > 0 else ""
            texts.append(f"{part} RMSE {float(residual.square().mean().sqrt()):.3g}{share}")
    return ", ".join(texts)
