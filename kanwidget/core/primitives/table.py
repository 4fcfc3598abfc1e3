"""The primitives that come with the package, one entry each.

How a function is written (sympy, NumPy, LaTeX, MathML) stands in `kanwidget/symbolic/functions.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from kanwidget.core.primitives.bessel import bessel_j, bessel_j01
from kanwidget.core.primitives.definition import REAL, Form, Interval, Primitive

_POSITIVE: tuple[Interval, ...] = ((0.0, math.inf),)
_NONZERO: tuple[Interval, ...] = ((-math.inf, 0.0), (0.0, math.inf))
_UNIT: tuple[Interval, ...] = ((-1.0, 1.0),)


def _power(name: str, n: int, complexity: float) -> Primitive:
    """The primitive u^n of an integer n; negative ones have a gap at 0."""
    return Primitive(
        name,
        lambda u: u**n,
        lambda u: n * u ** (n - 1),
        (lambda u: n * (n - 1) * u ** (n - 2)) if n != 2 else (lambda u: torch.full_like(u, 2.0)),
        complexity,
        ("pow", "u", n),
        intervals=REAL if n > 0 else _NONZERO,
        free=(False, True),
        absorbed="scale",
        exponent=n,
        limits=tuple(f"x^{m}" if m > 1 else "x" for m in range(1, n)) if n > 0 else ("x", "x^2"),
        value_and_derivative=_power_with_derivative(n),
    )


def _power_with_derivative(p: float) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    """A function of u that gives u^p and p·u^(p-1) from one power."""

    def value_and_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
        lower = u ** (p - 1)
        return lower * u, p * lower

    return value_and_derivative


def _real_power(name: str, p: float, complexity: float, form: Form, *, closed: bool) -> Primitive:
    """The primitive u^p for a real p, on positive u; `closed` for one that also has a value at 0. Its `form` is how it is written."""
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
        absorbed="scale",
        exponent=p,
        limits=("x", "x^2"),
        # The derivative of sqrt is infinite at 0, where its value isn't.
        value_and_derivative=None if closed and p < 1 else _power_with_derivative(p),
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


def _exp_with_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.exp(u)
    return value, value


def _tan_with_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.tan(u)
    return value, 1 + value**2


def _tanh_with_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
    value = torch.tanh(u)
    return value, 1 - value**2


def _gauss_with_derivative(u: Tensor) -> tuple[Tensor, Tensor]:
    value = _gauss(u)
    return value, -2 * u * value


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
    Primitive(
        "exp",
        torch.exp,
        torch.exp,
        torch.exp,
        2,
        ("exp", "u"),
        free=(True, False),
        limits=("x", "x^2"),
        value_and_derivative=_exp_with_derivative,
        absorbed="shift",
    ),
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
        absorbed="scale",
    ),
    Primitive(
        "abs",
        torch.abs,
        torch.sign,
        torch.zeros_like,
        3,
        ("abs", "u"),
        free=(False, True),
        limits=("x",),
        absorbed="scale",
    ),
    Primitive(
        "sin",
        torch.sin,
        torch.cos,
        lambda u: -torch.sin(u),
        2,
        ("sin", "u"),
        limits=("x", "x^2"),
        symmetric=True,
        antiperiod=math.pi,
        twin="cos",
        starts="phases",
    ),
    Primitive(
        "cos",
        torch.cos,
        lambda u: -torch.sin(u),
        lambda u: -torch.cos(u),
        2,
        ("cos", "u"),
        limits=("x", "x^2"),
        symmetric=True,
        antiperiod=math.pi,
        starts="phases",
    ),
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
        value_and_derivative=_tan_with_derivative,
        symmetric=True,
    ),
    Primitive(
        "tanh",
        torch.tanh,
        _sech2,
        lambda u: -2 * torch.tanh(u) * _sech2(u),
        3,
        ("tanh", "u"),
        limits=("x", "x^2", "x^3", "exp", "sgn"),
        value_and_derivative=_tanh_with_derivative,
        symmetric=True,
        twin="sigmoid",
    ),
    Primitive(
        "sgn",
        torch.sign,
        torch.zeros_like,
        torch.zeros_like,
        3,
        ("sign", "u"),
        free=(False, True),
        absorbed="scale",
        starts="best split",
    ),
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
        symmetric=True,
        twin="arccos",
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
        symmetric=True,
    ),
    Primitive(
        "arctan",
        torch.atan,
        lambda u: 1 / (1 + u**2),
        lambda u: -2 * u / (1 + u**2) ** 2,
        4,
        ("atan", "u"),
        limits=("x", "x^2", "x^3", "1/x", "sgn"),
        symmetric=True,
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
        symmetric=True,
    ),
    Primitive(
        "gaussian",
        _gauss,
        lambda u: -2 * u * _gauss(u),
        lambda u: (4 * u**2 - 2) * _gauss(u),
        3,
        ("exp", ("neg", ("pow", "u", 2))),
        limits=("x", "x^2", "x^3", "x^4", "exp"),
        value_and_derivative=_gauss_with_derivative,
        symmetric=True,
    ),
    Primitive(
        "sinh", torch.sinh, torch.cosh, torch.sinh, 3, ("sinh", "u"), limits=("x", "x^2", "x^3", "exp"), symmetric=True
    ),
    Primitive(
        "cosh", torch.cosh, torch.sinh, torch.cosh, 3, ("cosh", "u"), limits=("x", "x^2", "x^3", "exp"), symmetric=True
    ),
    Primitive(
        "cbrt",
        _cbrt,
        lambda u: u.abs() ** (-2 / 3) / 3,
        lambda u: -2 / 9 * torch.sign(u) * u.abs() ** (-5 / 3),
        3,
        ("cbrt", "u"),
        free=(False, True),
        limits=("x", "x^2"),
        absorbed="scale",
    ),
    Primitive(
        "erf",
        torch.erf,
        lambda u: _ROOT_PI * _gauss(u),
        lambda u: -2 * _ROOT_PI * u * _gauss(u),
        4,
        ("erf", "u"),
        limits=("x", "x^2", "x^3", "sgn"),
        symmetric=True,
    ),
    Primitive(
        "J0",
        lambda u: bessel_j(0, u),
        lambda u: -bessel_j(1, u),
        _j0_curvature,
        4,
        ("J0", "u"),
        limits=("x", "x^2", "x^3", "x^4", "sin", "cos"),
        value_and_derivative=_j0_with_derivative,
        symmetric=True,
        starts="extrema",
    ),
    Primitive(
        "sigmoid",
        torch.sigmoid,
        _sigmoid_derivative,
        lambda u: _sigmoid_derivative(u) * (1 - 2 * torch.sigmoid(u)),
        3,
        ("pow", ("add", 1, ("exp", ("neg", "u"))), -1),
        limits=("x", "x^2", "x^3", "exp", "sgn", "tanh"),
        symmetric=True,
    ),
    Primitive(
        "softplus",
        functional.softplus,
        torch.sigmoid,
        _sigmoid_derivative,
        4,
        ("log", ("add", 1, ("exp", "u"))),
        limits=("x", "x^2", "x^3", "exp", "abs"),
        starts="centers of both signs",
    ),
)
