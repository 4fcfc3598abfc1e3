r"""How functions are written in formulas: one row a function, for sympy, NumPy, text, LaTeX and MathML.

A primitive of the table in `kanwidget/core/primitives/table.py` whose form is `(head, "u")` has its row here; its values, derivatives,
domain and search stand there. Further rows are functions that only formulas have: a person's own sympy expression, or a derivative.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kanwidget.core.primitives import PRIMITIVES, Form, Primitive
from kanwidget.core.primitives.bessel import bessel_j


@dataclass(frozen=True, slots=True)
class Function:
    """One function of formulas."""

    head: str
    """The operation in a form: `("asin", operand)`."""
    sympy: str
    """Name of sympy's function; empty where `expansion` says it by other functions."""
    numpy: str
    """Source text: a name (`np.arcsin`, `scipy.special.erf`), or an expression with `{}` in place of the operand."""
    text: str = ""
    """Name in print; the head by default."""
    raised: bool = False
    """Whether a power stands at the name, sin²(x), rather than around, (erf(x))²."""
    root: int | None = None
    """Written as a root of this degree, without a name."""
    bars: bool = False
    """Written as bars around the operand, without a name."""
    power_of_e: bool = False
    """Written as a power of e where the operand is small."""
    leading: tuple[int, ...] = ()
    """Arguments of sympy's function before the operands: 0 in besselj(0, u)."""
    expansion: Form | None = None
    """The function of "u" by other functions, where sympy has none that is the same on all real numbers."""
    torch: Callable[..., Tensor] | None = None
    """Its values on tensors; by default those of its primitive."""
    binary: bool = False
    """Whether NumPy's function takes two operands, so that more are nested."""

    @property
    def primitive(self) -> Primitive | None:
        """The primitive that is this function of u, None for functions that only formulas have."""
        return _PRIMITIVES.get(self.head)

    @property
    def values(self) -> Callable[..., Tensor]:
        """The function on tensors."""
        fn = self.torch if self.primitive is None else self.primitive.fn
        assert fn is not None, f"{self.head} has no values"
        return fn


_PRIMITIVES = {
    str(primitive.form[0]): primitive
    for primitive in PRIMITIVES
    if isinstance(primitive.form, tuple) and primitive.form[1:] == ("u",)
}


def _heaviside(u: Tensor, at_zero: Tensor | float = 0.5) -> Tensor:
    """The step of u, of its shape: 0 below 0, 1 above; `at_zero` at 0, which is the second argument of sympy's function."""
    # Not torch.heaviside, which has no derivative.
    below = torch.where(u < 0, torch.zeros_like(u), torch.as_tensor(at_zero).to(u))
    return torch.where(u > 0, torch.ones_like(u), below)


def _gamma(u: Tensor) -> Tensor:
    """The gamma function Γ(u), of the shape of u, from its logarithm: torch has no other."""
    # lgamma is the logarithm of the absolute value; below 0 the sign changes at every integer.
    negative = (u < 0) & (torch.floor(u) % 2 == 1)
    return torch.where(negative, -1.0, 1.0).to(u) * torch.exp(torch.lgamma(u))


def nested(operation: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """An operation of two tensors for any number of them, one after the other: sympy's sums and maxima have any number of operands."""
    return lambda *values: functools.reduce(operation, values)


_CUBE_ROOT: Form = ("mul", ("sign", "u"), ("pow", ("abs", "u"), ("pow", 3, -1)))

FUNCTIONS = (
    Function("exp", "exp", "np.exp", power_of_e=True),
    Function("log", "log", "np.log", raised=True),
    Function("sqrt", "sqrt", "np.sqrt", root=2),
    Function("cbrt", "", "np.cbrt", root=3, expansion=_CUBE_ROOT),
    Function("abs", "Abs", "np.abs", bars=True),
    Function("sign", "sign", "np.sign", "sgn"),
    Function("sin", "sin", "np.sin", raised=True),
    Function("cos", "cos", "np.cos", raised=True),
    Function("tan", "tan", "np.tan", raised=True),
    Function("asin", "asin", "np.arcsin", "arcsin", raised=True),
    Function("acos", "acos", "np.arccos", "arccos", raised=True),
    Function("atan", "atan", "np.arctan", "arctan", raised=True),
    Function("sinh", "sinh", "np.sinh", raised=True),
    Function("cosh", "cosh", "np.cosh", raised=True),
    Function("tanh", "tanh", "np.tanh", raised=True),
    Function("atanh", "atanh", "np.arctanh", "arctanh", raised=True),
    Function("erf", "erf", "scipy.special.erf"),
    Function("J0", "besselj", "scipy.special.j0", leading=(0,)),
    # ---- functions that only formulas have
    Function("J1", "besselj", "scipy.special.j1", leading=(1,), torch=lambda u: bessel_j(1, u)),
    Function("asinh", "asinh", "np.arcsinh", torch=torch.asinh),
    Function("acosh", "acosh", "np.arccosh", torch=torch.acosh),
    Function("cot", "cot", "(1/np.tan({}))", torch=lambda u: 1 / torch.tan(u)),
    Function("sec", "sec", "(1/np.cos({}))", torch=lambda u: 1 / torch.cos(u)),
    Function("csc", "csc", "(1/np.sin({}))", torch=lambda u: 1 / torch.sin(u)),
    # NumPy's and torch's sinc have a factor π in the argument.
    Function("sinc", "sinc", "np.sinc(({})/np.pi)", torch=lambda u: torch.sinc(u / math.pi)),
    Function("erfc", "erfc", "scipy.special.erfc", torch=torch.erfc),
    Function("gamma", "gamma", "scipy.special.gamma", torch=_gamma),
    Function("loggamma", "loggamma", "scipy.special.gammaln", torch=torch.lgamma),
    Function("floor", "floor", "np.floor", torch=torch.floor),
    Function("ceiling", "ceiling", "np.ceil", torch=torch.ceil),
    Function("Heaviside", "Heaviside", "np.heaviside", torch=_heaviside),
    Function("Max", "Max", "np.maximum", "max", torch=nested(torch.maximum), binary=True),
    Function("Min", "Min", "np.minimum", "min", torch=nested(torch.minimum), binary=True),
)
_BY_HEAD = {function.head: function for function in FUNCTIONS}
_BY_SYMPY: dict[str, list[Function]] = {}
for _function in FUNCTIONS:
    _BY_SYMPY.setdefault(_function.sympy, []).append(_function)


def function_of(head: Any) -> Function | None:
    """The entry of the table of functions for the head of a form, its operation; None for sums, products and all that is no function.

    Examples:
        >>> function_of("asin").numpy, function_of("add")
        ('np.arcsin', None)
    """
    return _BY_HEAD.get(head)


def text_name(head: str) -> str:
    """A function's name in print, by its head in a form; the head itself where `FUNCTIONS` has no row of it.

    Examples:
        >>> text_name("atan"), text_name("where")
        ('arctan', 'where')
    """
    function = _BY_HEAD.get(head)
    return function.text or head if function else head


def from_sympy_node(node: Any) -> tuple[Function, tuple[Any, ...]] | None:
    """The function that a sympy node applies, and its operands; None for sums, powers, symbols and undefined functions.

    Examples:
        >>> import sympy
        >>> function, operands = from_sympy_node(sympy.besselj(0, sympy.Symbol("x")))
        >>> function.head, operands
        ('J0', (x,))
    """
    import sympy

    if isinstance(node, sympy.core.function.AppliedUndef):
        return None
    for function in _BY_SYMPY.get(type(node).__name__, ()):
        # Rows of one sympy function differ in its first arguments: besselj(0, u) is J0(u), besselj(1, u) is J1(u).
        count = len(function.leading)
        if node.args[:count] == function.leading:
            return function, node.args[count:]
    return None


#: Functions that sympy evaluates at multiples of π, and whether they are even.
_WAVES = {"sin": False, "cos": True, "tan": False, "sinh": False, "cosh": True, "tanh": False}


def to_sympy_node(head: str, operands: list[Any]) -> Any:
    """Sympy's expression of a function, `head` in a form, of operands that are sympy expressions.

    A head that the table of functions lacks is an undefined function of that name. Those with an `expansion` have no function of sympy,
    and don't come here. sin and its like of a sum with functions in it stay unevaluated: sympy takes minutes to look for simplifications.
    """
    import sympy

    function = _BY_HEAD.get(head)
    if function is None:
        return sympy.Function(head)(*operands)
    built = getattr(sympy, function.sympy)
    argument = operands[0]
    if not (function.sympy in _WAVES and argument.is_Add and argument.has(sympy.Function)):
        return built(*function.leading, *operands)  # besselj(0, u) for J0(u)
    # Sympy would ask all of a nested sum whether it is real or zero, for minutes: only its sign may come out.
    if not argument.could_extract_minus_sign():
        return built(argument, evaluate=False)
    positive = built(-argument, evaluate=False)  # f(-u) = f(u) of an even function, -f(u) of an odd one
    return positive if _WAVES[function.sympy] else -positive
