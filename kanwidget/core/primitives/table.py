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

#: Functions of which c and d absorb the size of u.
_scaled = partial(Primitive, free=(False, True), absorbed="scale")
_symmetric = partial(Primitive, symmetric=True)
_wave = partial(_symmetric, antiperiod=math.pi, limits=_SQUARE, starts="phases")
_arc = partial(_symmetric, intervals=_UNIT, closed=True, limits=(*_CUBE, "sqrt"))


def _power(name: str, p: float, complexity: float, form: Form | None = None, **options: Any) -> Primitive:
    """The primitive u^p; negative and real powers have `options` that say where. Its `form` is how it is written."""
    usual: dict[str, Any] = {"limits": _SQUARE, "value_and_derivative": _power_with_derivative(p)}
    return _scaled(
        name,
        lambda u: u**p,
        lambda u: p * u ** (p - 1),
        (lambda u: p * (p - 1) * u ** (p - 2)) if p != 2 else (lambda u: torch.full_like(u, 2.0)),
        complexity,
        form or ("pow", "u", p),
        exponent=p,
        **(usual | options),
    )


#: Of positive u only, where a = -1 gives another function.
_root = partial(_power, intervals=_POSITIVE, mirrored=True)


def _power_with_derivative(p: float) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A function of u that gives u^p and p·u^(p-1) from one power."""

    def value_and_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
        lower = u ** (p - 1)
        return lower * u, p * lower

    return value_and_derivative


def _with_derivative(
    fn: Elementwise, slope: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A function of u that gives f and f′; `slope` has f′ from u and f."""

    def value_and_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
        value = fn(u)
        return value, slope(u, value)

    return value_and_derivative


def _sech2(u: Tensor) -> Tensor:
    return 1 - torch.tanh(u) ** 2


def _gauss(u: Tensor) -> Tensor:
    return torch.exp(-(u**2))


def _arc_slope(u: Tensor) -> Tensor:
    return torch.rsqrt(1 - u**2)


def _cbrt(u: Tensor) -> Tensor:
    return torch.sign(u) * u.abs() ** (1 / 3)


def _j0_curvature(u: Tensor) -> Tensor:
    """J0″ = J1(u)/u - J0(u), with the limit -1/2 at 0."""
    safe = torch.where(u == 0, torch.ones_like(u), u)
    return torch.where(u == 0, torch.full_like(u, -0.5), bessel_j(1, safe) / safe - bessel_j(0, safe))


def _j0_with_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
    j0, j1 = bessel_j01(u)
    return j0, -j1


def _sigmoid_derivative(u: Tensor) -> Tensor:
    return torch.sigmoid(u) * torch.sigmoid(-u)


_SQRT_FORM: Form = ("sqrt", "u")
_ROOT_PI = 2 / math.sqrt(math.pi)

PRIMITIVES = (
    Primitive("0", torch.zeros_like, torch.zeros_like, torch.zeros_like, 0, 0, free=(False, False)),
    Primitive("x", lambda u: u, torch.ones_like, torch.zeros_like, 1, "u", free=(False, False), absorbed="scale"),
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
    _root("sqrt", 0.5, 2, _SQRT_FORM, closed=True, value_and_derivative=None),
    _root("x^1.5", 1.5, 4, closed=True),
    _root("1/sqrt(x)", -0.5, 2, ("pow", _SQRT_FORM, -1)),
    Primitive(
        "exp",
        torch.exp,
        torch.exp,
        torch.exp,
        2,
        ("exp", "u"),
        free=(True, False),
        limits=_SQUARE,
        value_and_derivative=_with_derivative(torch.exp, lambda u, value: value),
        absorbed="shift",
    ),
    _scaled(
        "log",
        torch.log,
        torch.reciprocal,
        lambda u: -(u**-2),
        2,
        ("log", "u"),
        intervals=_POSITIVE,
        mirrored=True,
        limits=_SQUARE,
    ),
    _scaled("abs", torch.abs, torch.sign, torch.zeros_like, 3, ("abs", "u"), limits=("x",)),
    _wave("sin", torch.sin, torch.cos, lambda u: -torch.sin(u), 2, ("sin", "u"), twin="cos"),
    _wave("cos", torch.cos, lambda u: -torch.sin(u), lambda u: -torch.cos(u), 2, ("cos", "u")),
    _symmetric(
        "tan",
        torch.tan,
        lambda u: 1 + torch.tan(u) ** 2,
        lambda u: 2 * torch.tan(u) * (1 + torch.tan(u) ** 2),
        3,
        ("tan", "u"),
        intervals=((-math.pi / 2, math.pi / 2),),
        period=math.pi,
        limits=(*_CUBE, "1/x"),
        value_and_derivative=_with_derivative(torch.tan, lambda u, value: 1 + value**2),
    ),
    _symmetric(
        "tanh",
        torch.tanh,
        _sech2,
        lambda u: -2 * torch.tanh(u) * _sech2(u),
        3,
        ("tanh", "u"),
        limits=(*_CUBE, "exp", "sgn"),
        value_and_derivative=_with_derivative(torch.tanh, lambda u, value: 1 - value**2),
        twin="sigmoid",
    ),
    _scaled("sgn", torch.sign, torch.zeros_like, torch.zeros_like, 3, ("sign", "u"), starts="best split"),
    _arc("arcsin", torch.asin, _arc_slope, lambda u: u * _arc_slope(u) ** 3, 4, ("asin", "u"), twin="arccos"),
    _arc("arccos", torch.acos, lambda u: -_arc_slope(u), lambda u: -u * _arc_slope(u) ** 3, 4, ("acos", "u")),
    _symmetric(
        "arctan",
        torch.atan,
        lambda u: 1 / (1 + u**2),
        lambda u: -2 * u / (1 + u**2) ** 2,
        4,
        ("atan", "u"),
        limits=(*_CUBE, "1/x", "sgn"),
    ),
    _symmetric(
        "arctanh",
        torch.atanh,
        lambda u: 1 / (1 - u**2),
        lambda u: 2 * u / (1 - u**2) ** 2,
        4,
        ("atanh", "u"),
        intervals=_UNIT,
        limits=(*_CUBE, "log"),
    ),
    _symmetric(
        "gaussian",
        _gauss,
        lambda u: -2 * u * _gauss(u),
        lambda u: (4 * u**2 - 2) * _gauss(u),
        3,
        ("exp", ("neg", ("pow", "u", 2))),
        limits=(*_CUBE, "x^4", "exp"),
        value_and_derivative=_with_derivative(_gauss, lambda u, value: -2 * u * value),
    ),
    _symmetric("sinh", torch.sinh, torch.cosh, torch.sinh, 3, ("sinh", "u"), limits=(*_CUBE, "exp")),
    _symmetric("cosh", torch.cosh, torch.sinh, torch.cosh, 3, ("cosh", "u"), limits=(*_CUBE, "exp")),
    _scaled(
        "cbrt",
        _cbrt,
        lambda u: u.abs() ** (-2 / 3) / 3,
        lambda u: -2 / 9 * torch.sign(u) * u.abs() ** (-5 / 3),
        3,
        ("cbrt", "u"),
        limits=_SQUARE,
    ),
    _symmetric(
        "erf",
        torch.erf,
        lambda u: _ROOT_PI * _gauss(u),
        lambda u: -2 * _ROOT_PI * u * _gauss(u),
        4,
        ("erf", "u"),
        limits=(*_CUBE, "sgn"),
    ),
    _symmetric(
        "J0",
        lambda u: bessel_j(0, u),
        lambda u: -bessel_j(1, u),
        _j0_curvature,
        4,
        ("J0", "u"),
        limits=(*_CUBE, "x^4", "sin", "cos"),
        value_and_derivative=_j0_with_derivative,
        starts="extrema",
    ),
    _symmetric(
        "sigmoid",
        torch.sigmoid,
        _sigmoid_derivative,
        lambda u: _sigmoid_derivative(u) * (1 - 2 * torch.sigmoid(u)),
        3,
        ("pow", ("add", 1, ("exp", ("neg", "u"))), -1),
        limits=(*_CUBE, "exp", "sgn", "tanh"),
    ),
    Primitive(
        "softplus",
        functional.softplus,
        torch.sigmoid,
        _sigmoid_derivative,
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
