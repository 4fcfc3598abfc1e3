"""The primitives that come with the package, one entry each; all of them by name, and registration of further ones.

How a function is written (sympy, NumPy, LaTeX, MathML) stands in `kanwidget/symbolic/functions.py`.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kanwidget import _check
from kanwidget._types import Elementwise
from kanwidget.core.primitives.bessel import bessel_j, bessel_j01
from kanwidget.core.primitives.definition import REAL, Form, Interval, Primitive, derivative, inner_point

_POSITIVE: tuple[Interval, ...] = ((0.0, math.inf),)
_NONZERO: tuple[Interval, ...] = ((-math.inf, 0.0), (0.0, math.inf))
_UNIT: tuple[Interval, ...] = ((-1.0, 1.0),)


#: Powers that a limit of the parameters imitates.
_SQUARE = ("x", "x^2")
_CUBE = (*_SQUARE, "x^3")


def _row(
    name: str, functions: tuple[Any, ...], complexity: float, form: Form | None = None, **options: Any
) -> Primitive:
    """A primitive from `functions`: f, f′, f″ and, where that costs less than both one by one, a function for f and f′ at once.

    `complexity` is its cost in rankings, `form` its formula as nested tuples, by default (name, "u"); `options` are fields of `Primitive`.
    """
    fn, d1, d2, *at_once = functions
    both = at_once[0] if at_once else None
    return Primitive(name, fn, d1, d2, complexity, form or (name, "u"), value_and_derivative=both, **options)


def _symmetric(
    name: str, functions: tuple[Any, ...], complexity: float, limits: tuple[str, ...], **options: Any
) -> Primitive:
    """A primitive of which f(-u) is ±f(u) plus a constant, from f, f′, f″ and, where that costs less, f and f′ at once.

    With extreme constants c·f(a·x + b) + d looks like x, x², x³, and like the simpler functions named in `limits`.
    """
    return _row(name, functions, complexity, limits=(*_CUBE, *limits), symmetric=True, **options)


#: Functions of which c and d absorb the size of u.
_scaled = partial(_row, free=(False, True), absorbed="scale")
_wave = partial(_row, symmetric=True, antiperiod=math.pi, limits=_SQUARE, starts="phases")
_arc = partial(_row, symmetric=True, intervals=_UNIT, closed=True, limits=(*_CUBE, "sqrt"))


def _power(name: str, p: float, complexity: float, *, at_once: bool = True, **options: Any) -> Primitive:
    """The primitive u^p, of which the constants c and d of an edge absorb the scale of u.

    `complexity` is its cost in rankings. With `at_once` value and derivative are computed from one power. `options` are fields of
    `Primitive`, by default `form` u^p and `limits` x and x², which it can look like; negative and fractional powers say where they are
    defined.
    """

    def value_and_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
        """u^p and p·u^(p - 1), elementwise."""
        lower = u ** (p - 1)
        return lower * u, p * lower

    curvature = (lambda u: p * (p - 1) * u ** (p - 2)) if p != 2 else (lambda u: torch.full_like(u, 2.0))
    functions = (lambda u: u**p, lambda u: p * u ** (p - 1), curvature, value_and_derivative if at_once else None)
    return _scaled(name, functions, complexity, exponent=p, **({"form": ("pow", "u", p), "limits": _SQUARE} | options))


#: Of positive u only, where a = -1 gives another function.
_root = partial(_power, intervals=_POSITIVE, mirrored=True)

#: From u and f(u).
_OfValue = Callable[[Tensor, Tensor], Tensor]


def _of_value(fn: Elementwise, slope: _OfValue, curvature: _OfValue) -> tuple[Any, ...]:
    """The functions of a primitive whose derivatives follow from u and f(u): f, f′, f″, and f and f′ at once.

    `slope` and `curvature` give f′ and f″ from u and the value f(u), which then is computed once.
    """

    def value_and_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
        """f(u) and f′(u), elementwise."""
        value = fn(u)
        return value, slope(u, value)

    return fn, lambda u: slope(u, fn(u)), lambda u: curvature(u, fn(u)), value_and_derivative


def _gauss(u: Tensor) -> Tensor:
    return torch.exp(-(u**2))


def _arc_slope(u: Tensor) -> Tensor:
    """The derivative of the arc sine, 1/√(1 - u²)."""
    return torch.rsqrt(1 - u**2)


def _cbrt(u: Tensor) -> Tensor:
    """The real cube root: a power of a negative number would be no number."""
    return torch.sign(u) * u.abs() ** (1 / 3)


def _j0(u: Tensor) -> Tensor:
    return bessel_j(0, u)


def _j0_curvature(u: Tensor) -> Tensor:
    """The second derivative of the Bessel function J0: J1(u)/u - J0(u), with the limit -1/2 at 0."""
    safe = torch.where(u == 0, torch.ones_like(u), u)
    return torch.where(u == 0, torch.full_like(u, -0.5), bessel_j(1, safe) / safe - bessel_j(0, safe))


def _j0_with_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
    """The Bessel function J0(u) and its derivative, -J1(u)."""
    j0, j1 = bessel_j01(u)
    return j0, -j1


def _sigmoid_slope(u: Tensor) -> Tensor:
    """The derivative of the sigmoid s, s(u)·(1 - s(u)), where 1 - s(u) is s(-u) without cancellation."""
    return torch.sigmoid(u) * torch.sigmoid(-u)


_ZERO = torch.zeros_like
_SQRT_FORM: Form = ("sqrt", "u")
_ROOT_PI = 2 / math.sqrt(math.pi)

PRIMITIVES = (
    Primitive("0", _ZERO, _ZERO, _ZERO, 0, 0, free=(False, False)),
    Primitive("x", lambda u: u, torch.ones_like, _ZERO, 1, "u", free=(False, False), absorbed="scale"),
    _power("x^2", 2, 2, limits=("x",)),
    _power("x^3", 3, 3),
    _power("x^4", 4, 3, limits=_CUBE),
    _power("x^5", 5, 3, limits=(*_CUBE, "x^4")),
    _power("1/x", -1, 2, intervals=_NONZERO),
    _power("1/x^2", -2, 2, intervals=_NONZERO),
    _power("1/x^3", -3, 3, intervals=_NONZERO),
    _power("1/x^4", -4, 4, intervals=_NONZERO),
    _power("1/x^5", -5, 5, intervals=_NONZERO),
    # The derivative of sqrt is infinite at 0, where its value isn't.
    _root("sqrt", 0.5, 2, form=_SQRT_FORM, closed=True, at_once=False),
    _root("x^1.5", 1.5, 4, closed=True),
    _root("1/sqrt(x)", -0.5, 2, form=("pow", _SQRT_FORM, -1)),
    _row(
        "exp",
        _of_value(torch.exp, lambda u, f: f, lambda u, f: f),
        2,
        free=(True, False),
        limits=_SQUARE,
        absorbed="shift",
    ),
    _scaled(
        "log", (torch.log, torch.reciprocal, lambda u: -(u**-2)), 2, intervals=_POSITIVE, mirrored=True, limits=_SQUARE
    ),
    _scaled("abs", (torch.abs, torch.sign, _ZERO), 3, limits=("x",)),
    _wave("sin", (torch.sin, torch.cos, lambda u: -torch.sin(u)), 2, twin="cos"),
    _wave("cos", (torch.cos, lambda u: -torch.sin(u), lambda u: -torch.cos(u)), 2),
    _symmetric(
        "tan",
        _of_value(torch.tan, lambda u, f: 1 + f**2, lambda u, f: 2 * f * (1 + f**2)),
        3,
        ("1/x",),
        intervals=((-math.pi / 2, math.pi / 2),),
        period=math.pi,
    ),
    _symmetric(
        "tanh",
        _of_value(torch.tanh, lambda u, f: 1 - f**2, lambda u, f: -2 * f * (1 - f**2)),
        3,
        ("exp", "sgn"),
        twin="sigmoid",
    ),
    _scaled("sgn", (torch.sign, _ZERO, _ZERO), 3, ("sign", "u"), starts="best split"),
    _arc("arcsin", (torch.asin, _arc_slope, lambda u: u * _arc_slope(u) ** 3), 4, ("asin", "u"), twin="arccos"),
    _arc("arccos", (torch.acos, lambda u: -_arc_slope(u), lambda u: -u * _arc_slope(u) ** 3), 4, ("acos", "u")),
    _symmetric(
        "arctan",
        (torch.atan, lambda u: 1 / (1 + u**2), lambda u: -2 * u / (1 + u**2) ** 2),
        4,
        ("1/x", "sgn"),
        form=("atan", "u"),
    ),
    _symmetric(
        "arctanh",
        (torch.atanh, lambda u: 1 / (1 - u**2), lambda u: 2 * u / (1 - u**2) ** 2),
        4,
        ("log",),
        form=("atanh", "u"),
        intervals=_UNIT,
    ),
    _symmetric(
        "gaussian",
        _of_value(_gauss, lambda u, f: -2 * u * f, lambda u, f: (4 * u**2 - 2) * f),
        3,
        ("x^4", "exp"),
        form=("exp", ("neg", ("pow", "u", 2))),
    ),
    _symmetric("sinh", (torch.sinh, torch.cosh, torch.sinh), 3, ("exp",)),
    _symmetric("cosh", (torch.cosh, torch.sinh, torch.cosh), 3, ("exp",)),
    _scaled(
        "cbrt",
        (_cbrt, lambda u: u.abs() ** (-2 / 3) / 3, lambda u: -2 / 9 * torch.sign(u) * u.abs() ** (-5 / 3)),
        3,
        limits=_SQUARE,
    ),
    _symmetric(
        "erf", (torch.erf, lambda u: _ROOT_PI * _gauss(u), lambda u: -2 * _ROOT_PI * u * _gauss(u)), 4, ("sgn",)
    ),
    _symmetric(
        "J0",
        (_j0, lambda u: -bessel_j(1, u), _j0_curvature, _j0_with_derivative),
        4,
        ("x^4", "sin", "cos"),
        starts="extrema",
    ),
    _symmetric(
        "sigmoid",
        (torch.sigmoid, _sigmoid_slope, lambda u: _sigmoid_slope(u) * (1 - 2 * torch.sigmoid(u))),
        3,
        ("exp", "sgn", "tanh"),
        form=("pow", ("add", 1, ("exp", ("neg", "u"))), -1),
    ),
    _row(
        "softplus",
        (functional.softplus, torch.sigmoid, _sigmoid_slope),
        4,
        ("log", ("add", 1, ("exp", "u"))),
        limits=(*_CUBE, "exp", "abs"),
        starts="centers of both signs",
    ),
)


# ---- by name, and registration of further ones

_TABLE: dict[str, Primitive] = {primitive.name: primitive for primitive in PRIMITIVES}
#: Objects whose `wake` is called when a function was registered.
WATCHERS: weakref.WeakSet[Any] = weakref.WeakSet()
_BUILT_IN = frozenset(_TABLE)
#: Names that pykan has twice.
_ALIASES = {"x^0.5": "sqrt", "1/x^0.5": "1/sqrt(x)", "sign": "sgn", "sqrt(x)": "sqrt"}


def primitive(name: str, argument: str = "name", where: str = "primitive") -> Primitive:
    """The primitive of a name, or of another name for the same, such as pykan's `x^0.5`. Errors name the `argument` and the call, `where`.

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
    """The primitives of these names, in order and without duplicates; all of them for None. Errors name the call, `where`.

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
    for listener in list(WATCHERS):  # open explorers: their menus list all functions
        listener.wake()
    return registered


def _intervals(intervals: Any) -> tuple[Interval, ...]:
    """The intervals on which a function is defined as pairs of floats; an error unless there is one, and each increases."""
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
    """Whether a and whether b of f(a·x + b) are free, as a pair of truth values, or an error."""
    if not isinstance(free, (tuple, list)) or len(free) != 2 or not all(isinstance(part, bool) for part in free):
        _check.fail("free", "register_primitive", "two of True and False, for a and for b", free)
    return free[0], free[1]


def _frozen(form: Any) -> Form:
    """A form that may hold lists (from JSON, say) as tuples, so that a primitive can be hashed."""
    return tuple(_frozen(part) for part in form) if isinstance(form, (list, tuple)) else form
