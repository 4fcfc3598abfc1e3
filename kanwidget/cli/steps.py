"""The steps of `kanwidget fit`, and the lines that they print."""

from __future__ import annotations

import dataclasses
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from kanwidget.cli import formulas

if TYPE_CHECKING:
    from kanwidget.datasets import Dataset
    from kanwidget.discovery import Discovery
    from kanwidget.explorer.session.recorder import Recorder
    from kanwidget.kan import KAN
    from kanwidget.simplification.simplify import SimplificationStep

#: With fewer there is nothing that changes.
_FEWEST_ROWS = 2


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
    """Train a network, with a penalty also prune it and train it again without; print its shape and error.

    Args:
        data: The training data.
        width: Its width; by default evidence decides, see `KAN.for_data`.
        grid: Its grid intervals, by default 3 where there is a width; else those that it begins with.
        steps: Most steps of a training.
        lamb: Weight of the penalty; with 0 evidence sets the smoothness.
        seed: Seed of the network.
        records: Whether to record the training, for a report.

    Returns:
        The network, and the recorder of its training, None without `records`.
    """
    from kanwidget.kan import KAN

    model = KAN.for_data(data, width=width or "auto", grid=grid, seed=seed)
    recorder, lines = None, [f"Network:  {model!r}"]
    if records:
        from kanwidget.explorer.session.recorder import Recorder

        recorder = Recorder()
    options: dict[str, Any] = {"steps": steps, "callbacks": [] if recorder is None else [recorder]}
    if lamb > 0:
        model.fit(data, lamb=lamb, **options)
        if recorder is not None:
            recorder.keep(model, "pruning")  # for the report: the network before it
        model = model.prune(data=data)
        scores = zip(data.in_vars, model.feature_score.tolist(), strict=True)
        unused = ", ".join(name for name, score in scores if score == 0)
        lines.append(f"Pruned:   {model!r}" + (f"; without effect: {unused}" if unused else ""))
    model.fit(data, **options)
    print("\n".join([*lines, f"Error:    {formulas.errors(data, model.predict)}"]))
    return model, recorder


def find_formula(trained: KAN, data: Dataset, recorder: Recorder | None) -> tuple[KAN, bool]:
    """Put functions in place of the curves, fit the formula of the result, and print it with its errors and rivals.

    Rivals are other formulas that the rows can't tell from this one.

    Args:
        trained: The trained network.
        data: The data.
        recorder: Of the training, for a report, which shows the network before the functions, too; None for no report.

    Returns:
        The network whose formula was fitted, with the history of the trained one, and whether the search was interrupted.
    """
    from kanwidget.core.threads import limit_threads

    if recorder is not None:
        recorder.keep(trained, "a formula")
    last, interrupted = limit_threads(_last_step)(trained, data)
    model, rivals = (trained, ()) if last is None else (cast("KAN", last.network), last.rivals)
    lines = formulas.titled("Formula:", repr(model.fit_formula(data)).splitlines())
    lines += [f"Error:    {formulas.errors(data, model.predict)}", *(f"Rival:    {rival.sentence}" for rival in rivals)]
    print("\n".join(lines))
    if not data.is_classification:
        # A page says the error of the last step: that of the functions, not of the curves before them.
        losses: dict[str, Any] = {
            f"{part}_loss": float((model.predict(data[f"{part}_input"]) - data[f"{part}_label"]).square().mean().sqrt())
            for part in ("train", "test")
            if f"{part}_input" in data
        }
        record = model.history.last
        model.history.records.append(dataclasses.replace(record, step=record.step + 1, **losses))
    return model, interrupted


def _last_step(trained: KAN, data: Dataset) -> tuple[SimplificationStep | None, bool]:
    """The last step of `simplify_steps`, and whether Ctrl-C ended it early; prints all steps on standard error."""
    from kanwidget.simplification.simplify import simplify_steps
    from kanwidget.surgery._record import unlogged

    began, step = time.monotonic(), None
    try:
        with unlogged():
            for step in simplify_steps(trained, data):
                print(f"{time.monotonic() - began:6.1f} s  {step.text}", file=sys.stderr)
    except KeyboardInterrupt:
        return step, True
    return step, False


def write_report(
    model: KAN, data: Dataset, path: Path, recorder: Any = None, discovery: Discovery | None = None
) -> None:
    """Write a page that opens without network and without Python, and print where it is.

    It shows the model on the data. With a recorder it has a slider over the training, with a discovery all formulas of its front.
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
