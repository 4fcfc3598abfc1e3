"""What `kanwidget discover` prints of the formulas that a search has found, and the errors of networks and formulas in words."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from kanwidget.datasets import Dataset
    from kanwidget.discovery import Discovery, DiscoveryStep, Equation


def found_lines(discovery: Discovery) -> list[str]:
    """What a search has found as lines of text: its findings, the best formula with its constants and its errors, and its rivals.

    Rivals are other formulas that the rows can't tell from the best one.
    """
    equation = discovery.best
    lines = [f"Found:    {text}" for text in discovery.findings]
    lines += titled("Formula:", repr(equation).splitlines())
    return [*lines, f"Error:    {_error_text(equation)}", *(f"Rival:    {text}" for text in discovery.rival_sentences)]


def front_lines(discovery: Discovery) -> list[str]:
    """The table of a search's formulas, from simple to accurate, as lines of text, indented under a title."""
    lines = repr(discovery).splitlines()
    # The text of a search ends with its findings and rivals, a line each: `found_lines` has these.
    return titled("Front:", lines[: len(lines) - len(discovery.findings) - len(discovery.rival_sentences)])


def titled(title: str, lines: list[str]) -> list[str]:
    """Lines, the first one behind a title, the others below it.

    Examples:
        >>> titled("Formula:", ["y = 2*x", "constants 2"])
        ['Formula:  y = 2*x', '          constants 2']
    """
    first, *rest = lines
    return [f"{title:<10}{first}", *(" " * 10 + line for line in rest)]


def step_printer() -> Callable[[DiscoveryStep], None]:
    """A callback that prints steps of a search on standard error, one line each, but those that repeat what one before has said."""
    tried = ""

    def say(step: DiscoveryStep) -> None:
        """Print a step, unless it tries what the last one tried, or has a formula that changes nothing in the front."""
        nonlocal tried
        repeated = step.kind == "trying" and step.text == tried
        tried = step.text if step.kind == "trying" else tried
        if not repeated and (step.kind != "formula" or step.changed):
            print(_step_line(step), file=sys.stderr)

    return say


def _step_line(step: DiscoveryStep) -> str:
    """A step of a search as a line: the seconds since its beginning, and a new formula with its error, or what is tried or found out.

    Of a new formula `changed` has those that the front (of formulas from simple to accurate) took in.
    """
    if step.kind == "formula":
        equation = step.changed[-1]
        error = equation.rmse_train if equation.rmse_test is None else equation.rmse_test
        return f"{step.seconds:6.1f} s  {equation.target} = {step.text}  (RMSE {error:.3g})"
    word = {"trying": "trying ", "finding": "", "constants": "constants of "}[step.kind]
    return f"{step.seconds:6.1f} s  {word}{step.text}"


def _error_text(equation: Equation) -> str:
    """The errors of a formula in words, in the target's unit: of each part of the data, of rows held out, and leave-one-out."""
    unit = "" if equation.unit is None else f" {equation.unit}"
    text = errors(equation.data, lambda x: equation.predict(x)[:, None], unit)
    if equation.data.test_input is None and equation.rmse_test is not None:
        text += f", RMSE on rows held out {equation.rmse_test:.3g}{unit}"
    left_out = equation.leave_one_out()
    return text if left_out is None else f"{text}, leave-one-out RMSE {left_out:.3g}{unit}"


def errors(data: Dataset, predict: Callable[[Tensor], Tensor], unit: str = "") -> str:
    """The errors of predictions in words, for the training and the test part of the data.

    Args:
        data: The data.
        predict: A function from inputs, `(rows, n_features)`, to predictions, `(rows, outputs)`, of classes to a score for each.
        unit: Of the target, with a space before it; "" for none.

    Returns:
        Root mean squared errors with 1 - R², of classes the accuracy.
    """
    texts = []
    for part in ("train", "test"):
        if f"{part}_input" in data:
            y, values = data[f"{part}_label"], predict(data[f"{part}_input"])
            if data.is_classification:
                right = values.argmax(1) == y.reshape(-1)
                texts.append(f"{part} accuracy {float(right.double().mean()):.1%}".replace("%", " %"))
                continue
            residual = y - values
            missed, spread = float(residual.square().sum()), float((y - y.mean(0)).square().sum())
            # 1 - R², since the nines of R² count: 0.9999998 must not be printed as 1.0000. A single row, or equal labels, have no R².
            share = f" (1 - R² = {missed / spread:.2g})" if spread > 0 else ""
            texts.append(f"{part} RMSE {float(residual.square().mean().sqrt()):.3g}{unit}{share}")
    return ", ".join(texts)
