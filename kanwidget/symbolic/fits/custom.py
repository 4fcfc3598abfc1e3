"""Registered functions, which may fail in every way: each failure is reported, and the function is left out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from torch import Tensor

from kanwidget._types import Elementwise
from kanwidget.core.primitives import Primitive, is_built_in

_log = logging.getLogger(__name__)
#: Characters of an exception's text in a report.
_LONGEST = 200


class BrokenPrimitive(Exception):
    """A registered function can't be used; the text says which one and why.

    Args:
        primitive: The function.
        fault: The end of the sentence: "returned no finite number".
    """

    def __init__(self, primitive: Primitive, fault: str) -> None:
        """Take the function, and the end of the error's sentence: "returned no finite number"."""
        super().__init__(f"the function `{primitive.name}` {fault}")
        self.primitive = primitive


#: Called for every primitive that is left out.
OnBroken = Callable[[BrokenPrimitive], None]


def log_broken(broken: BrokenPrimitive) -> None:
    """Log the primitive that is left out."""
    _log.warning("%s. It is left out.", broken)


@contextmanager
def blamed(primitive: Primitive) -> Iterator[None]:
    """A context in which every exception becomes a `BrokenPrimitive` of this primitive: a registered function, which may fail.

    Of a built-in primitive the exception stays as it is: there it is an error of ours.
    """
    try:
        yield
    except BrokenPrimitive:
        raise
    except Exception as error:
        if is_built_in(primitive.name):
            raise
        text = str(error)
        detail = f": {text[:_LONGEST]}" if text else ""
        raise BrokenPrimitive(primitive, f"raised {type(error).__name__}{detail}") from error


def called(primitive: Primitive, fn: Elementwise, u: Tensor) -> Tensor:
    """f(u) of the shape and type of u, where f is `fn`, the primitive's function or one of its derivatives.

    What a function returns that a person has registered is checked: a failure is a `BrokenPrimitive`.
    """
    if is_built_in(primitive.name):
        return fn(u)
    with blamed(primitive):
        value = fn(u)
        if not isinstance(value, Tensor):
            raise BrokenPrimitive(primitive, f"returned {type(value).__name__}, not a tensor")
        if value.shape != u.shape:
            raise BrokenPrimitive(primitive, f"returned the shape {tuple(value.shape)} for one of {tuple(u.shape)}")
        if value.dtype != u.dtype:
            raise BrokenPrimitive(primitive, f"returned {value.dtype} for {u.dtype}")
    return value
