"""What belongs to one problem of a session: loading another problem is an act, and undo brings this back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kanwidget import _check
from kanwidget.core import History
from kanwidget.datasets import Dataset
from kanwidget.explorer.session.recorder import Recorder
from kanwidget.kan import KAN
from kanwidget.training import Trainer


@dataclass(frozen=True, slots=True)
class ProblemParts:
    """The parts of a `TrainingRun` that another problem replaces; what training changes is in checkpoints."""

    number: int
    """In the order in which the problems were loaded."""
    trainer: Trainer
    data: Dataset
    initial: KAN
    previous_history: History
    noise: float
    recorder: Recorder
    first_structure_id: int


@dataclass(frozen=True, slots=True)
class ProblemNames:
    """How a problem is called."""

    preset: str | None
    """None for data of one's own."""
    table: dict[str, Any]
    in_vars: tuple[str, ...]
    out_vars: tuple[str, ...]


def names_of(names: Any, default: tuple[str, ...], argument: str) -> tuple[str, ...]:
    """The names of columns: those that a person gives, else those of the data.

    Raises:
        ValueError: For another number of names, and for names that are no texts.
    """
    chosen = default if names is None else names
    if names is None and not all(chosen):
        _check.fail("data", "KANExplorer", "made of columns with names", list(chosen), "One is called '': rename it.")
    sound = not isinstance(chosen, str) and all(isinstance(name, str) and name for name in chosen)
    if not sound or len(chosen) != len(default):
        _check.fail(argument, "KANExplorer", f"a list of {len(default)} names", names)
    return tuple(chosen)
