"""The table of symbolic functions that an edge can become: one row each.

A symbolic edge is c·f(a·x + b) + d. A row says how f and its first two derivatives are computed, on which intervals it is defined, which
of a and b carry information (the others are absorbed by c and d, or by each other), how complex it is, and
its formula as plain data, from which `kanwidget.symbolic` builds a sympy expression.
"""

from __future__ import annotations

import math
import weakref
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kanwidget import _check
from kanwidget._types import Elementwise
from kanwidget.core.bessel import bessel_j

#: A formula in the variable "u": a name, a number, or a tuple (operation, operand, …).
Form = str | float | int | tuple["str | Form", ...]
#: An interval of u on which a function is defined.
Interval = tuple[float, float]

_INF = math.inf
_REAL: tuple[Interval, ...] = ((-_INF, _INF),)
_POSITIVE: tuple[Interval, ...] = ((0.0, _INF),)
_NONZERO: tuple[Interval, ...] = ((-_INF, 0.0), (0.0, _INF))
_UNIT: tuple[Interval, ...] = ((-1.0, 1.0),)


@dataclass(frozen=True, slots=True)
class Primitive:
    """One symbolic function f(u), u = a·x + b."""

    name: str
    fn: Elementwise
    """f, elementwise on tensors."""
    d1: Elementwise
    """f′"""
    d2: Elementwise
    """f″"""
    complexity: float
    """Cost in the trade against accuracy; pykan's values where it has the function."""
    form: Form
    """The formula as data, for instance `("exp", ("neg", ("pow", "u", 2)))`; `("call", name, "u")` for an unnamed function."""
    intervals: tuple[Interval, ...] = _REAL
    """Where f is defined, in u."""
    closed: bool = False
    """Whether the intervals' finite ends belong to them."""
    period: float | None = None
    """The intervals repeat with this period (tan)."""
    free: tuple[bool, bool] = (True, True)
    """Whether a and b are free parameters. A fixed a is 1 (or -1, see `mirrored`), a fixed b is 0."""
    mirrored: bool = False
    """With a fixed: whether a = -1 gives a different function (sqrt, log)."""
    limits: tuple[str, ...] = field(default=())
    """Simpler functions that a limit of its parameters imitates: tanh with a → ∞ is sgn, with a → 0 it is x."""

    @property
    def derivatives(self) -> tuple[Elementwise, Elementwise, Elementwise, Elementwise]:
        """f, f′, f″ and f‴, the last by automatic differentiation of f″."""
        return self.fn, self.d1, self.d2, _derivative(self.d2)

    def interval(self, low: float, high: float) -> Interval | None:
        """The interval of definition that holds all of [low, high], or None."""
        shift = 0.0
        if self.period is not None:
            shift = self.period * math.floor((low - self.intervals[0][0]) / self.period)
        for start, end in self.intervals:
            start, end = start + shift, end + shift
            inside = start <= low and high <= end if self.closed else start < low and high < end
            if inside:
                return start, end
        return None


def _power(name: str, n: int, complexity: float) -> Primitive:
    return Primitive(
        name,
        lambda u: u**n,
        lambda u: n * u ** (n - 1),
        (lambda u: n * (n - 1) * u ** (n - 2)) if n != 2 else (lambda u: torch.full_like(u, 2.0)),
        complexity,
        ("pow", "u", n),
        intervals=_REAL if n > 0 else _NONZERO,
        free=(False, True),
        limits=tuple(f"x^{m}" if m > 1 else "x" for m in range(1, n)) if n > 0 else ("x", "x^2"),
    )


def _real_power(name: str, p: float, complexity: float, form: Form, *, closed: bool) -> Primitive:
    return Primitive(
        name,
        lambda u: u**p,
        lambda u: p * u ** (p - 1),
        lambda u: p * (p - 1) * u ** (p - 2),
        complexity,
        form,
        intervals=_POSITIVE,
        closed=closed,
        free=(False, True),
        mirrored=True,
        limits=("x", "x^2"),
    )


def _sech2(u: Tensor) -> Tensor:
    return 1 - torch.tanh(u) ** 2


def _gauss(u: Tensor) -> Tensor:
    return torch.exp(-(u**2))


def _cbrt(u: Tensor) -> Tensor:
    return torch.sign(u) * u.abs() ** (1 / 3)


def _j0_curvature(u: Tensor) -> Tensor:
    """J0″ = J1(u)/u - J0(u), with the limit -1/2 at 0."""
    safe = torch.where(u == 0, torch.ones_like(u), u)
    return torch.where(u == 0, torch.full_like(u, -0.5), bessel_j(1, safe) / safe - bessel_j(0, safe))


def _sigmoid_slope(u: Tensor) -> Tensor:
    return torch.sigmoid(u) * torch.sigmoid(-u)


_SQRT_FORM: Form = ("sqrt", "u")
_ROOT_PI = 2 / math.sqrt(math.pi)

_ROWS = (
    Primitive("0", torch.zeros_like, torch.zeros_like, torch.zeros_like, 0, 0, free=(False, False)),
    Primitive("x", lambda u: u, torch.ones_like, torch.zeros_like, 1, "u", free=(False, False)),
    _power("x^2", 2, 2),
    _power("x^3", 3, 3),
    _power("x^4", 4, 3),
    _power("x^5", 5, 3),
    _power("1/x", -1, 2),
    _power("1/x^2", -2, 2),
    _power("1/x^3", -3, 3),
    _power("1/x^4", -4, 4),
    _power("1/x^5", -5, 5),
    _real_power("sqrt", 0.5, 2, _SQRT_FORM, closed=True),
    _real_power("x^1.5", 1.5, 4, ("pow", "u", 1.5), closed=True),
    _real_power("1/sqrt(x)", -0.5, 2, ("pow", _SQRT_FORM, -1), closed=False),
    Primitive("exp", torch.exp, torch.exp, torch.exp, 2, ("exp", "u"), free=(True, False), limits=("x", "x^2")),
    Primitive(
        "log",
        torch.log,
        torch.reciprocal,
        lambda u: -(u**-2),
        2,
        ("log", "u"),
        intervals=_POSITIVE,
        free=(False, True),
        mirrored=True,
        limits=("x", "x^2"),
    ),
    Primitive("abs", torch.abs, torch.sign, torch.zeros_like, 3, ("abs", "u"), free=(False, True), limits=("x",)),
    Primitive("sin", torch.sin, torch.cos, lambda u: -torch.sin(u), 2, ("sin", "u"), limits=("x", "x^2")),
    Primitive("cos", torch.cos, lambda u: -torch.sin(u), lambda u: -torch.cos(u), 2, ("cos", "u"), limits=("x", "x^2")),
    Primitive(
        "tan",
        torch.tan,
        lambda u: 1 + torch.tan(u) ** 2,
        lambda u: 2 * torch.tan(u) * (1 + torch.tan(u) ** 2),
        3,
        ("tan", "u"),
        intervals=((-math.pi / 2, math.pi / 2),),
        period=math.pi,
        limits=("x", "x^2", "x^3", "1/x"),
    ),
    Primitive(
        "tanh",
        torch.tanh,
        _sech2,
        lambda u: -2 * torch.tanh(u) * _sech2(u),
        3,
        ("tanh", "u"),
        limits=("x", "x^2", "x^3", "exp", "sgn"),
    ),
    Primitive("sgn", torch.sign, torch.zeros_like, torch.zeros_like, 3, ("sign", "u"), free=(False, True)),
    Primitive(
        "arcsin",
        torch.asin,
        lambda u: torch.rsqrt(1 - u**2),
        lambda u: u * torch.rsqrt(1 - u**2) ** 3,
        4,
        ("asin", "u"),
        intervals=_UNIT,
        closed=True,
        limits=("x", "x^2", "x^3", "sqrt"),
    ),
    Primitive(
        "arccos",
        torch.acos,
        lambda u: -torch.rsqrt(1 - u**2),
        lambda u: -u * torch.rsqrt(1 - u**2) ** 3,
        4,
        ("acos", "u"),
        intervals=_UNIT,
        closed=True,
        limits=("x", "x^2", "x^3", "sqrt"),
    ),
    Primitive(
        "arctan",
        torch.atan,
        lambda u: 1 / (1 + u**2),
        lambda u: -2 * u / (1 + u**2) ** 2,
        4,
        ("atan", "u"),
        limits=("x", "x^2", "x^3", "1/x", "sgn"),
    ),
    Primitive(
        "arctanh",
        torch.atanh,
        lambda u: 1 / (1 - u**2),
        lambda u: 2 * u / (1 - u**2) ** 2,
        4,
        ("atanh", "u"),
        intervals=_UNIT,
        limits=("x", "x^2", "x^3", "log"),
    ),
    Primitive(
        "gaussian",
        _gauss,
        lambda u: -2 * u * _gauss(u),
        lambda u: (4 * u**2 - 2) * _gauss(u),
        3,
        ("exp", ("neg", ("pow", "u", 2))),
        limits=("x", "x^2", "x^3", "x^4", "exp"),
    ),
    Primitive("sinh", torch.sinh, torch.cosh, torch.sinh, 3, ("sinh", "u"), limits=("x", "x^2", "x^3", "exp")),
    Primitive("cosh", torch.cosh, torch.sinh, torch.cosh, 3, ("cosh", "u"), limits=("x", "x^2", "x^3", "exp")),
    Primitive(
        "cbrt",
        _cbrt,
        lambda u: u.abs() ** (-2 / 3) / 3,
        lambda u: -2 / 9 * torch.sign(u) * u.abs() ** (-5 / 3),
        3,
        ("cbrt", "u"),
        free=(False, True),
        limits=("x", "x^2"),
    ),
    Primitive(
        "erf",
        torch.erf,
        lambda u: _ROOT_PI * _gauss(u),
        lambda u: -2 * _ROOT_PI * u * _gauss(u),
        4,
        ("erf", "u"),
        limits=("x", "x^2", "x^3", "sgn"),
    ),
    Primitive(
        "J0",
        lambda u: bessel_j(0, u),
        lambda u: -bessel_j(1, u),
        _j0_curvature,
        4,
        ("J0", "u"),
        limits=("x", "x^2", "x^3", "x^4", "sin", "cos"),
    ),
    Primitive(
        "sigmoid",
        torch.sigmoid,
        _sigmoid_slope,
        lambda u: _sigmoid_slope(u) * (1 - 2 * torch.sigmoid(u)),
        3,
        ("pow", ("add", 1, ("exp", ("neg", "u"))), -1),
        limits=("x", "x^2", "x^3", "exp", "sgn", "tanh"),
    ),
    Primitive(
        "softplus",
        functional.softplus,
        torch.sigmoid,
        _sigmoid_slope,
        4,
        ("log", ("add", 1, ("exp", "u"))),
        limits=("x", "x^2", "x^3", "exp", "abs"),
    ),
)

_TABLE: dict[str, Primitive] = {row.name: row for row in _ROWS}
#: Told (by a call of `wake`) when a function was registered; they needn't say when they go.
WATCHERS: weakref.WeakSet[Any] = weakref.WeakSet()
_BUILT_IN = frozenset(_TABLE)
#: Names that pykan has twice.
_ALIASES = {"x^0.5": "sqrt", "1/x^0.5": "1/sqrt(x)", "sign": "sgn", "sqrt(x)": "sqrt"}


def primitive(name: str, argument: str = "name", where: str = "primitive") -> Primitive:
    """The row of that name (or alias); `argument` and `where` are what an error names.

    Raises:
        ValueError: For an unknown name; the message names the closest known one.

    Examples:
        >>> primitive("sin").complexity
        2
    """
    known = _check.choice(name, argument, where, [*_TABLE, *_ALIASES])
    return _TABLE[_ALIASES.get(known, known)]


def is_built_in(name: str) -> bool:
    """Whether a function of that name came with the package.

    Examples:
        >>> is_built_in("sin")
        True
    """
    return name in _BUILT_IN


def library(lib: Iterable[str] | None = None, where: str = "library") -> list[Primitive]:
    """The rows of these names, in order and without duplicates; all of them for None. Errors name `where`.

    Examples:
        >>> [p.name for p in library(["x", "x^0.5", "sqrt"])]
        ['x', 'sqrt']
    """
    if lib is None:
        return list(_TABLE.values())
    if isinstance(lib, str):
        _check.fail("lib", where, "a list of names", lib, f"Use [{lib!r}].", error=TypeError)
    if not isinstance(lib, Iterable):
        _check.fail("lib", where, "a list of names", lib, error=TypeError)
    rows = list({(row := primitive(name, "lib", where)).name: row for name in lib}.values())
    if not rows:
        _check.fail("lib", where, "a list of at least one name", lib, "Leave it out for all of them.")
    return rows


def register_primitive(
    name: str,
    fn: Elementwise,
    *,
    d1: Elementwise | None = None,
    d2: Elementwise | None = None,
    complexity: float = 3,
    form: Form | None = None,
    intervals: tuple[Interval, ...] = _REAL,
    closed: bool = False,
    free: tuple[bool, bool] = (True, True),
    replace: bool = False,
) -> Primitive:
    """Add a function of your own to the table, under a name that saved models refer to.

    Args:
        name: Its name; letters, digits and most signs are fine, it is never evaluated.
        fn: f, elementwise on tensors, differentiable by torch.
        d1: f′; by automatic differentiation where it isn't given.
        d2: f″; likewise.
        complexity: Its cost beside that of the others (x 1, sin 2, tanh 3, arctan 4), ≥ 0.
        form: Its formula as data, see `Primitive.form`; by default a function of that name.
        intervals: Where it is defined.
        closed: Whether the finite ends of the intervals belong to them.
        free: Whether a and b in f(a·x + b) are free; False where c and d can say the same.
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
    probe = torch.full((3, 2), _probe_point(intervals), dtype=torch.float64)
    value = fn(probe)
    if not isinstance(value, Tensor) or value.shape != probe.shape:
        _check.fail("fn", where, "elementwise: a tensor in, one of the same shape out", value)
    if form is not None:
        form = _frozen(form)
    slope = d1 or _derivative(fn)
    row = Primitive(
        name,
        fn,
        slope,
        d2 or _derivative(slope),
        _check.real(complexity, "complexity", where, low=0),
        form if form is not None else ("call", name, "u"),
        intervals=intervals,
        closed=closed,
        free=free,
    )
    _TABLE[name] = row
    for watcher in list(WATCHERS):
        watcher.wake()
    return row


def _intervals(given: Any) -> tuple[Interval, ...]:
    """At least one increasing pair, or an error."""
    try:
        pairs = tuple((float(low), float(high)) for low, high in given)
    except (TypeError, ValueError):
        pairs = ()
    if not pairs or not all(low < high for low, high in pairs):
        advice = "((0, math.inf),) is for functions of positive numbers; leave it out for all numbers."
        expected = "at least one pair (low, high) with low < high"
        _check.fail("intervals", "register_primitive", expected, given, advice)
    return pairs


def _free(given: Any) -> tuple[bool, bool]:
    """Two truth values, or an error."""
    if not isinstance(given, (tuple, list)) or len(given) != 2 or not all(isinstance(part, bool) for part in given):
        _check.fail("free", "register_primitive", "two of True and False, for a and for b", given)
    return given[0], given[1]


def _frozen(form: Any) -> Form:
    """A formula given with lists (from JSON, say) as tuples: a row is a value that can be hashed."""
    return tuple(_frozen(part) for part in form) if isinstance(form, (list, tuple)) else form


def _probe_point(intervals: tuple[Interval, ...]) -> float:
    """A point inside the first interval."""
    low, high = intervals[0]
    if math.isfinite(low) and math.isfinite(high):
        return (low + high) / 2
    if math.isfinite(low):
        return low + 1
    return high - 1 if math.isfinite(high) else 0.5


def _derivative(fn: Elementwise) -> Elementwise:
    """The derivative of an elementwise function by automatic differentiation; itself differentiable."""

    def slope(u: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = u if u.requires_grad else u.detach().requires_grad_(True)
            value = fn(leaf)
            if not value.requires_grad:
                return torch.zeros_like(u)
            (gradient,) = torch.autograd.grad(value.sum(), leaf, create_graph=True)
        return gradient if u.requires_grad else gradient.detach()

    return slope
