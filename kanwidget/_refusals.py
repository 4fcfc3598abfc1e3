"""Refusals end the traceback at the user's call: their message is complete, and the package's own frames help nobody.

Defects keep their whole traceback, and so do errors in which code of the user took part.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from kanwidget import _check

Call = TypeVar("Call", bound=Callable[..., Any])

#: Modules that raise refusals. This one raises them again where one method calls another.
_RAISING = ("kanwidget._check", __name__)
#: Packages that a refusal may pass: this one, torch's call of a module, and those that carry it from one thread to another.
_TRANSPARENT = ("kanwidget", "torch", "concurrent", "contextlib")
#: Arguments of other spelling, or of another word, and what they are called.
_CALLED = {"standardise": "standardize", "normaliser": "input_scaler", "normalizer": "input_scaler", "lambda_": "lamb"}


def short_refusals(function: Call) -> Call:
    """The function, whose refusals are raised where it is called, without the package's own frames.

    Examples:
        >>> @short_refusals
        ... def f(*, standardize=False):
        ...     return standardize
        >>> f(standardise=True)
        Traceback (most recent call last):
        ...
        TypeError: the `standardise` argument of f must be called `standardize`; got True.
    """

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        __tracebackhide__ = True  # pytest and debuggers leave this frame out
        try:
            for name in options.keys() & _CALLED.keys():
                where = getattr(function, "__qualname__", "").removesuffix(".__init__")
                _check.fail(name, where, f"called `{_CALLED[name]}`", options[name], error=TypeError)
            return function(*args, **options)
        except Exception as error:
            if not _refused(error):
                raise
            raise error.with_traceback(None) from None

    return call  # type: ignore[return-value]  # of the same signature


def _refused(error: Exception) -> bool:
    """Whether the package has refused a request: no defect of its own, and no error from code of the user."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    return modules[-1] in _RAISING and all(name.partition(".")[0] in _TRANSPARENT for name in modules)
