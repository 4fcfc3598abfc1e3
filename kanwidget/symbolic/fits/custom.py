"""Functions that users have registered, which may go wrong in every way: what one of them does wrong is told, and it is left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from kanwidget._types import Elementwise
from kanwidget.core.primitives import Primitive, is_built_in

_log = logging.getLogger(__name__)
#: Characters of an exception's text that are told.
_LONGEST = 200


class BrokenPrimitive(Exception):
    """A registered function can't be used; the text says which one and why.

    Args:
        row: The function.
        fault: What it did, as the end of the sentence.
    """

    def __init__(self, row: Primitive, fault: str) -> None:
        super().__init__(f"the function `{row.name}` {fault}")
        self.row = row


#: Told what is left out.
OnBroken = Callable[[BrokenPrimitive], None]


def log_broken(broken: BrokenPrimitive) -> None:
    """Say in the log what is left out."""
    _log.warning("%s. It is left out.", broken)


@contextmanager
def blamed(row: Primitive) -> Iterator[None]:
    """Within, whatever goes wrong is a fault of this function, unless it came with the package."""
    try:
        yield
    except BrokenPrimitive:
        raise
    except Exception as error:
        if is_built_in(row.name):
            raise
        text = str(error)
        more = f": {text[:_LONGEST]}" if text else ""
        raise BrokenPrimitive(row, f"raised {type(error).__name__}{more}") from error


def called(row: Primitive, fn: Elementwise, u: Tensor) -> Tensor:
    """f(u), where `fn` is the function of a row or one of its derivatives."""
    if is_built_in(row.name):
        return fn(u)
    with blamed(row):
        value = fn(u)
        if not isinstance(value, Tensor):
            raise BrokenPrimitive(row, f"returned {type(value).__name__}, not a tensor")
        if value.shape != u.shape:
            raise BrokenPrimitive(row, f"returned the shape {tuple(value.shape)} for one of {tuple(u.shape)}")
        if value.dtype != u.dtype:
            raise BrokenPrimitive(row, f"returned {value.dtype} for {u.dtype}")
    return value


def check_finite(row: Primitive, values: Tensor) -> None:
    """A registered function that is nowhere a number can't be used."""
    if values.numel() and not is_built_in(row.name) and not bool(torch.isfinite(values).any()):
        raise BrokenPrimitive(row, "returned no finite number")
