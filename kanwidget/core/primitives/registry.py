"""Primitives by name, and registration of further ones."""

from __future__ import annotations

import weakref
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._types import Elementwise
from kanwidget.core.primitives.definition import REAL, Form, Interval, Primitive, derivative, inner_point
from kanwidget.core.primitives.table import PRIMITIVES

_TABLE: dict[str, Primitive] = {primitive.name: primitive for primitive in PRIMITIVES}
#: Objects whose `wake` is called when a function was registered.
WATCHERS: weakref.WeakSet[Any] = weakref.WeakSet()
_BUILT_IN = frozenset(_TABLE)
#: Names that pykan has twice.
_ALIASES = {"x^0.5": "sqrt", "1/x^0.5": "1/sqrt(x)", "sign": "sgn", "sqrt(x)": "sqrt"}


def primitive(name: str, argument: str = "name", where: str = "primitive") -> Primitive:
    """The primitive of that name (or alias). Errors name `argument` and `where`.

    Raises:
        ValueError: For an unknown name; the message names the closest known one.

    Examples:
        >>> primitive("sin").complexity
        2
    """
    chosen = _check.choice(name, argument, where, [*_TABLE, *_ALIASES])
    return _TABLE[_ALIASES.get(chosen, chosen)]


def is_built_in(name: str) -> bool:
    """Whether a function of that name came with the package.

    Examples:
        >>> is_built_in("sin")
        True
    """
    return name in _BUILT_IN


def primitives(lib: Iterable[str] | None = None, where: str = "primitives") -> list[Primitive]:
    """The primitives of these names, in order and without duplicates; all of them for None. Errors name `where`.

    Examples:
        >>> [p.name for p in primitives(["x", "x^0.5", "sqrt"])]
        ['x', 'sqrt']
    """
    if lib is None:
        return list(_TABLE.values())
    if isinstance(lib, str) or not isinstance(lib, Iterable):
        advice = f"Use [{lib!r}]." if isinstance(lib, str) else ""
        _check.fail("lib", where, "a list of names", lib, advice, error=TypeError)
    chosen = [primitive(name, "lib", where) for name in lib]
    if not chosen:
        _check.fail("lib", where, "a list of at least one name", lib, "Leave it out for all of them.")
    return list(dict.fromkeys(chosen))


def register_primitive(
    name: str,
    fn: Elementwise,
    *,
    d1: Elementwise | None = None,
    d2: Elementwise | None = None,
    complexity: float = 3,
    form: Form | None = None,
    intervals: tuple[Interval, ...] = REAL,
    closed: bool = False,
    free: tuple[bool, bool] = (True, True),
    replace: bool = False,
) -> Primitive:
    """Add a function of your own to the table, under a name that saved models refer to.

    Args:
        name: Its name; letters, digits and most signs are fine, it is never evaluated.
        fn: f, elementwise on tensors, differentiable by torch.
        d1: f′; by automatic differentiation if None.
        d2: f″; likewise.
        complexity: Its cost beside that of the others (x 1, sin 2, tanh 3, arctan 4), ≥ 0.
        form: Its formula as data, see `Primitive.form`; by default a function of that name.
        intervals: Where it is defined.
        closed: Whether the finite ends of the intervals belong to them.
        free: Whether a and b in f(a·x + b) are free; False where c and d absorb them.
        replace: Whether a function of that name may be replaced.

    Raises:
        ValueError: If the name is taken, or f changes the shape of its argument.

    Examples:
        >>> register_primitive("sinc_demo", torch.sinc, complexity=3).name
        'sinc_demo'
    """
    where = "register_primitive"
    if not isinstance(name, str) or not name.strip() or len(name) > 100:
        _check.fail("name", where, "a text of 1 to 100 characters", name)
    if name in _ALIASES or (name in _TABLE and not replace):
        _check.fail("name", where, "a new name", name, "Choose another name, or pass replace=True for your own.")
    if replace and is_built_in(name):
        _check.fail("name", where, "other than a built-in name", name, "Saved models rely on those; choose another.")
    if not callable(fn):
        _check.fail("fn", where, "a function of a tensor", fn, error=TypeError)
    intervals, free = _intervals(intervals), _free(free)
    probe = torch.full((3, 2), inner_point(intervals[0]), dtype=torch.float64)
    value = fn(probe)
    if not isinstance(value, Tensor) or value.shape != probe.shape:
        _check.fail("fn", where, "elementwise: a tensor in, one of the same shape out", value)
    first_derivative = d1 or derivative(fn)
    registered = Primitive(
        name,
        fn,
        first_derivative,
        d2 or derivative(first_derivative),
        _check.real(complexity, "complexity", where, low=0),
        ("call", name, "u") if form is None else _frozen(form),
        intervals=intervals,
        closed=closed,
        free=free,
    )
    _TABLE[name] = registered
    for listener in list(WATCHERS):
        listener.wake()
    return registered


def _intervals(intervals: Any) -> tuple[Interval, ...]:
    """At least one increasing pair, or an error."""
    try:
        pairs = tuple((float(low), float(high)) for low, high in intervals)
    except (TypeError, ValueError):
        pairs = ()
    if not pairs or not all(low < high for low, high in pairs):
        advice = "((0, math.inf),) is for functions of positive numbers; leave it out for all numbers."
        expected = "at least one pair (low, high) with low < high"
        _check.fail("intervals", "register_primitive", expected, intervals, advice)
    return pairs


def _free(free: Any) -> tuple[bool, bool]:
    """Two truth values, or an error."""
    if not isinstance(free, (tuple, list)) or len(free) != 2 or not all(isinstance(part, bool) for part in free):
        _check.fail("free", "register_primitive", "two of True and False, for a and for b", free)
    return free[0], free[1]


def _frozen(form: Any) -> Form:
    """A form that may hold lists (from JSON, say) as tuples, so that a primitive can be hashed."""
    return tuple(_frozen(part) for part in form) if isinstance(form, (list, tuple)) else form
