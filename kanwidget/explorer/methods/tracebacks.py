"""What the explorer refuses is raised where it was called: the message says all, and the way through the package to it helps nobody.

Defects keep their whole traceback, and so does everything in which code of the user took part.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

Cls = TypeVar("Cls", bound=type)

#: Modules that raise refusals. This one raises them again where one method calls another.
_RAISE = ("kanwidget._check", __name__)
#: Packages that a refusal may pass: this one, and what carries it from one thread to another.
_PASSED = ("kanwidget", "concurrent", "contextlib")


def plain_refusals(cls: Cls) -> Cls:
    """Let all public methods and properties of a class, and its construction, raise refusals without the package's own frames."""
    for name, member in list(vars(cls).items()):
        if name == "__init__" or not name.startswith("_"):
            setattr(cls, name, _plain(member))
    return cls


def _plain(member: Any) -> Any:
    if isinstance(member, property):
        read, write = member.fget, member.fset
        return property(read and _called(read), write and _called(write), doc=member.__doc__)
    if isinstance(member, classmethod):
        return classmethod(_called(member.__func__))
    return _called(member) if callable(member) else member


def _called(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        __tracebackhide__ = True  # pytest and debuggers leave this frame out
        try:
            return function(*args, **options)
        except Exception as error:
            if not _refused(error):
                raise
            raise error.with_traceback(None) from None  # the message says all

    return call


def _refused(error: Exception) -> bool:
    """Whether the package has refused what it was asked for: not a defect of its own, and nothing from code of the user."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    return modules[-1] in _RAISE and all(name.partition(".")[0] in _PASSED for name in modules)
