"""Refusals end the traceback at the user's call: their message is complete, and the package's own frames help nobody.

Defects keep their whole traceback, and so do errors in which code of the user took part.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from kanwidget import _check

Cls = TypeVar("Cls", bound=type)

#: Modules that raise refusals. This one raises them again where one method calls another.
_RAISING = ("kanwidget._check", __name__)
#: Packages that a refusal may pass: this one, and those that carry it from one thread to another.
_TRANSPARENT = ("kanwidget", "concurrent", "contextlib")


def plain_refusals(cls: Cls) -> Cls:
    """Let all public methods and properties of a class, and its construction, raise refusals without the package's own frames."""
    for name, member in list(vars(cls).items()):
        if name == "__init__" or not name.startswith("_"):
            setattr(cls, name, _plain(member))
    return _check.methods_of("KANExplorer")(cls)


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
            raise error.with_traceback(None) from None

    return call


def _refused(error: Exception) -> bool:
    """Whether the package has refused a request: no defect of its own, and no error from code of the user."""
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    return modules[-1] in _RAISING and all(name.partition(".")[0] in _TRANSPARENT for name in modules)
