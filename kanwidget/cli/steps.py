"""The steps of `kanwidget fit`, and the lines that they print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanwidget.cli import formulas
from kanwidget.cli.trainings.shapes import choose_shape
from kanwidget.cli.trainings.training import TrainedNetwork, train_network
from kanwidget.discovery import discover

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.discovery import Discovery
    from kanwidget.explorer.session.recorder import Recorder
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
    records: bool = False,
) -> tuple[KAN, Recorder | None]:
    """Train a network, and print its shape and error.

    Args:
        data: The training data.
        width: Its width; by default it is chosen.
        grid: Its grid intervals; by default they are chosen.
        steps: Most steps of a training.
        lamb: Weight of the penalty; above 0 the network is pruned.
        seed: Seed of the network.
        records: Whether to record the training, for a report.
    """
    shape = choose_shape(data, width, grid, seed)
    recorder = _recorder() if records else None
    trained = train_network(data, shape, steps=steps, lamb=lamb, seed=seed, recorder=recorder)
    print("\n".join([*_shape_lines(trained), f"Network:  {formulas.errors(data, trained.model.predict)}"]))
    return trained.model, recorder


def train_to_formula(
    data: Dataset,
    width: list[int] | None,
    grid: int | None,
    *,
    steps: int,
    lamb: float,
    seed: int,
    seconds: float,
    records: bool = False,
) -> tuple[KAN, Recorder | None]:
    """Train a network as `train` does, then search for a formula, and print it; returns the network that computes it.

    Args:
        data: The training data.
        width: The network's width; by default it is chosen.
        grid: Its grid intervals; by default they are chosen.
        steps: Most steps of a training.
        lamb: Weight of the penalty; above 0 the network is pruned.
        seed: Seed of the network and of the search.
        seconds: Time of the search.
        records: Whether to record the training, for a report.
    """
    trained, recorder = train(data, width, grid, steps=steps, lamb=lamb, seed=seed, records=records)
    if recorder is not None:
        recorder.keep(trained, "a formula")
    found = discover(data, seconds=seconds, seed=seed)
    print("\n".join(formulas.found_lines(found)))
    return formulas.after_training(found.best.network, trained), recorder


def _recorder() -> Recorder:
    from kanwidget.explorer.session.recorder import Recorder

    return Recorder()


def _shape_lines(trained: TrainedNetwork) -> list[str]:
    lines = [f"Shape:    width {','.join(map(str, trained.width))}, grid {trained.grid}"]
    if trained.pruned:
        unused = f"; without effect: {', '.join(trained.unused)}" if trained.unused else ""
        lines.append(f"Pruned:   {trained.model!r}{unused}")
    return lines


def write_report(
    model: KAN, data: Dataset, path: Path, recorder: Any = None, discovery: Discovery | None = None
) -> None:
    """Write a page that opens without network and without Python.

    With a recorder it has a slider over the training, with a discovery all formulas of its front.
    """
    from kanwidget.explorer.files.html_report import save_html

    title = None if discovery is None else f"Formulas for {discovery.best.target}"
    save_html(model, data, path, title=title, recorder=recorder, discovery=discovery)
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
