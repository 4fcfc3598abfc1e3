"""Long work on copies can be broken off between the steps of its trainings, so that nobody has to wait for its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kanwidget.training.steps.loop import AFTER_STEP


class BrokenOff(Exception):
    """Breaks off work that nobody waits for."""


@contextmanager
def breakable(check: Callable[[], None]) -> Iterator[None]:
    """A context in which long work can be broken off: `check` is called after each step of trainings within it.

    That holds for this thread, and for refits and trainings of several networks at once, which train copies; not for that of the session's
    network. Where `check` or the work raises `BrokenOff`, the block ends without an error.
    """
    token = AFTER_STEP.set(check)  # a context variable: what such trainings call after each step
    try:
        yield
    except BrokenOff:
        pass
    finally:
        AFTER_STEP.reset(token)
