"""Interruptions within a step that takes long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from kanwidget.training.optimizers.base import Interrupted


def once(interrupted: Callable[[], bool]) -> Callable[[], bool]:
    """A function that asks `interrupted` until the answer is True, and then says False for good.

    So the work that takes an interrupted step back isn't interrupted in turn.
    """
    answered = False

    def asked() -> bool:
        """The answer of `interrupted`, but True only once."""
        nonlocal answered
        if answered:
            return False
        answered = interrupted()
        return answered

    return asked


class _InterruptCheck(TorchFunctionMode):
    """Asks before every operation on a tensor whether to interrupt, until it has.

    The end of a `no_grad` is no such operation: interrupted there, gradients would stay switched off.
    """

    def __init__(self, interrupted: Callable[[], bool]) -> None:
        super().__init__()  # of a mode, in which torch calls `__torch_function__` for every operation
        # `interrupted`: whether the operation is to raise; asked no more after the first True.
        self._interrupted = once(interrupted)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """What torch calls in place of its function `func`: the result of that, or `Interrupted`."""
        if args and isinstance(args[0], Tensor) and self._interrupted():
            raise Interrupted
        return func(*args, **(kwargs or {}))


@contextmanager
def interruptible(interrupted: Callable[[], bool]) -> Iterator[None]:
    """A context in which every operation may raise `Interrupted`; in a backward pass every use of a saved tensor may.

    `interrupted` says whether to. A backward pass runs outside of Python, where no check of operations sees it.
    """

    def unpack(value: Tensor) -> Tensor:
        """The tensor that was saved for a backward pass, when that reads it."""
        if interrupted():
            raise Interrupted
        return value

    with torch.autograd.graph.saved_tensors_hooks(lambda value: value, unpack), _InterruptCheck(interrupted):
        yield
