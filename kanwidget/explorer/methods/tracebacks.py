"""All public methods of a class with short refusals."""

from __future__ import annotations

from typing import Any, TypeVar

from kanwidget import _check
from kanwidget._refusals import short_refusals

Cls = TypeVar("Cls", bound=type)


def plain_refusals(cls: Cls) -> Cls:
    """Let all public methods and properties of a class and its bases, and its construction, raise refusals without the package's frames."""
    for owner in cls.__mro__[:-1]:
        for name, member in list(vars(owner).items()):
            if name == "__init__" or not name.startswith("_"):
                setattr(owner, name, _plain(member))
        _check.methods_of("KANExplorer")(owner)
    return cls


def _plain(member: Any) -> Any:
    """A method, class method or property with short refusals; any other member as it is."""
    if isinstance(member, property):
        read, write = member.fget, member.fset
        return property(read and short_refusals(read), write and short_refusals(write), doc=member.__doc__)
    if isinstance(member, classmethod):
        return classmethod(short_refusals(member.__func__))
    return short_refusals(member) if callable(member) else member
