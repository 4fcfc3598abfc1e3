"""60 functions with a structure that is known, and 20 without any. Written before the tests of structure were tuned.

A case asks one question, of its `kind`, and has the one right answer:

- `irrelevant`: the columns that the function doesn't depend on;
- `additive`, `multiplicative`: the finest partition of the columns (of `x*y + z`: `xy|z`), up to a constant for products;
- `compositional`: groups that act through a single number;
- `symmetry`: pairs that act through one of six forms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy
import torch
from torch import Tensor

#: Functions of torch by sympy's names; the table writes `log` and `sqrt` as sympy does.
_TORCH = {
    name: getattr(torch, name) for name in ("sin", "cos", "tan", "exp", "log", "sqrt", "tanh", "atan")
}  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A function with the range of each column, one range for all or one for each."""

    text: str
    columns: str
    ranges: tuple[tuple[float, float], ...]
    kind: str
    answer: str
    """Irrelevant columns `zw`; groups `xy|z`; groups `xy zw`; pairs with forms `xy:x-y zw:xy`."""
    noisy: bool = False
    """Whether it is also learned from a table of 1,000 rows with 1 % noise."""

    @cached_property
    def expression(self) -> Any:
        """The function as a sympy expression of its columns."""
        return sympy.sympify(self.text, locals={name: sympy.Symbol(name) for name in self.columns})

    @cached_property
    def _evaluate(self) -> Any:
        return sympy.lambdify([sympy.Symbol(name) for name in self.columns], self.expression, modules=[_TORCH])

    def __call__(self, x: Tensor) -> Tensor:
        """Values `(n,)` at points `(n, columns)`."""
        return self._evaluate(*x.T) + 0 * x[:, 0]

    def points(self, rows: int, seed: int = 0) -> Tensor:
        """Uniformly random points, `(rows, columns)`."""
        generator = torch.Generator().manual_seed(seed)
        ranges = self.ranges * len(self.columns) if len(self.ranges) == 1 else self.ranges
        low, high = torch.tensor(ranges, dtype=torch.float64).T
        return low + (high - low) * torch.rand(rows, len(self.columns), generator=generator, dtype=torch.float64)


_UNIT = ((-1.0, 1.0),)
_POSITIVE = ((1.0, 3.0),)


def _case(text: str, columns: str, kind: str, answer: str, ranges: Any = _UNIT, noisy: bool = False) -> Case:
    return Case(text, columns, ranges, kind, answer, noisy)


IRRELEVANT = (
    _case("sin(pi*x) + y**2", "xyz", "irrelevant", "z", noisy=True),
    _case("x*y", "xyzw", "irrelevant", "zw"),
    _case("exp(x)/(1 + y**2)", "xyz", "irrelevant", "z", noisy=True),
    _case("sqrt(x)*y + z", "xyzw", "irrelevant", "w", ((1.0, 4.0),)),
    _case("cos(x*y) + z**2", "xyzw", "irrelevant", "w", noisy=True),
    _case("x/(y + z)", "xyzw", "irrelevant", "w", _POSITIVE),
    _case("log(1 + x**2 + y**2)", "xyz", "irrelevant", "z", noisy=True),
    _case("x", "xyz", "irrelevant", "yz"),
    _case("tanh(x + 2*y) - z", "xyzw", "irrelevant", "w"),
    _case("x*exp(-y) + y*z", "xyzw", "irrelevant", "w"),
)
ADDITIVE = (
    _case("sin(x) + exp(y)", "xy", "additive", "x|y", noisy=True),
    _case("x*y + z**2", "xyz", "additive", "xy|z", noisy=True),
    _case("x*y + z*w", "xyzw", "additive", "xy|zw"),
    _case("sin(x + y) + log(z + 2)", "xyz", "additive", "xy|z", noisy=True),
    _case("2*x - 3*y + z", "xyz", "additive", "x|y|z"),
    _case("x**2*y + sqrt(z + 2)*w", "xyzw", "additive", "xy|zw"),
    _case("exp(x*y*z) + cos(3*w)", "xyzw", "additive", "xyz|w", noisy=True),
    _case("1/(x + y) + z*w**2", "xyzw", "additive", "xy|zw", ((0.5, 2.0),)),
    _case("sin(x)*cos(y) + z**3 - w", "xyzw", "additive", "xy|z|w"),
    _case("x*y*z", "xyz", "additive", "xyz"),
    _case("sqrt(x**2 + y**2 + 1) + z", "xyz", "additive", "xy|z"),
    _case("exp(x + y) + x*z", "xyz", "additive", "xyz"),
)
MULTIPLICATIVE = (
    _case("x*y*z", "xyz", "multiplicative", "x|y|z", _POSITIVE),
    _case("exp(x)*(y + z)", "xyz", "multiplicative", "x|yz", noisy=True),
    _case("x**2*sin(y + z)", "xyz", "multiplicative", "x|yz", ((0.5, 2.0), (0.0, 1.0), (0.0, 1.0))),
    _case("3 + x*(y + z)", "xyz", "multiplicative", "x|yz", noisy=True),
    _case("(x + y)*(z - w)", "xyzw", "multiplicative", "xy|zw"),
    _case("sin(x)*cos(y)*exp(z)", "xyz", "multiplicative", "x|y|z"),
    _case("x/(y*sqrt(z))", "xyz", "multiplicative", "x|y|z", ((1.0, 4.0),), noisy=True),
    _case("(1 + x*y)*(2 + z**2)", "xyz", "multiplicative", "xy|z", noisy=True),
    _case("x*y/(z**2 + w**2)", "xyzw", "multiplicative", "x|y|zw", _POSITIVE),
    _case("(x*y + z)*w - 2", "xyzw", "multiplicative", "xyz|w"),
    _case("exp(-x**2 - y**2)*(1 + z*w)", "xyzw", "multiplicative", "x|y|zw"),
    _case("x + y*z", "xyz", "multiplicative", "xyz"),
)
COMPOSITIONAL = (
    _case("sin(x*y + z)", "xyz", "compositional", "xy"),
    _case("sqrt((x - y)**2 + z**2 + 0.5)", "xyz", "compositional", "xy", noisy=True),
    _case("exp(x*y - z) + x*y*z", "xyz", "compositional", "xy", noisy=True),
    _case("(x**2 + y**2)**1.5/(1 + z) + z", "xyz", "compositional", "xy", ((0.5, 2.0),)),
    _case("(x + y*z)/(1 + w*(x + y*z)**2)", "xyzw", "compositional", "xyz", ((0.5, 2.0),)),
    _case("log(x*y + z*w + 3)", "xyzw", "compositional", "xy zw"),
    _case("tanh(x + y**2)*z + z**2*(x + y**2)", "xyz", "compositional", "xy", noisy=True),
    _case("1/(1 + x**2*y**2 + z)", "xyz", "compositional", "xy", ((0.2, 2.0),)),
    _case("(x*y + z)*w + (x*y + z)**2", "xyzw", "compositional", "xyz xy"),
    _case("exp(-(x + y)*z)*(x + y)", "xyz", "compositional", "xy", ((0.2, 1.5),)),
    _case("x*y*z + x**2 + y*z", "xyz", "compositional", "yz", noisy=True),
    _case("sin(x + y*z*w)", "xyzw", "compositional", "yzw"),
)
SYMMETRY = (
    _case("exp(-(x - y)**2)*z", "xyz", "symmetry", "xy:x-y", noisy=True),
    _case("sin(x + y)/(1 + z**2)", "xyz", "symmetry", "xy:x+y"),
    _case("x/y + z", "xyz", "symmetry", "xy:x/y", _POSITIVE, noisy=True),
    _case("log(x*y)*z", "xyz", "symmetry", "xy:xy", _POSITIVE),
    _case("sqrt(x**2 + y**2)*z", "xyz", "symmetry", "xy:x^2+y^2", _POSITIVE, noisy=True),
    _case("1/sqrt((x - y)**2 + (z - w)**2 + 0.5)", "xyzw", "symmetry", "xy:x-y zw:x-y"),
    _case("cos(x*y) + z", "xyz", "symmetry", "xy:xy", noisy=True),
    _case("atan(x/y)*z", "xyz", "symmetry", "xy:x/y", _POSITIVE),
    _case("exp(-x**2 - y**2 - z**2)*(1 + w)", "xyzw", "symmetry", "xy:x^2+y^2 yz:x^2+y^2 xz:x^2+y^2"),
    _case("(x - y)**3 + z*(x - y)", "xyz", "symmetry", "xy:x-y"),
    _case("(x + y)/(x + y + z**2)", "xyz", "symmetry", "xy:x+y", _POSITIVE),
    _case("sin(x*y/z)", "xyz", "symmetry", "xy:xy xz:x/y yz:x/y", _POSITIVE),
    _case("sqrt(1 + (x/y)**2) + cos(z*w)", "xyzw", "symmetry", "xy:x/y zw:xy", _POSITIVE),
    _case("tanh(x**2 + y**2 - z)", "xyz", "symmetry", "xy:x^2+y^2"),
)
CASES = IRRELEVANT + ADDITIVE + MULTIPLICATIVE + COMPOSITIONAL + SYMMETRY

#: Functions of which every test has to say no.
WITHOUT = tuple(
    _case(text, columns, "none", "", ranges)
    for text, columns, ranges in (
        ("x*y + y*z + z*x", "xyz", _UNIT),
        ("sin(x*y) + x*z + y**2*z", "xyz", _UNIT),
        ("exp(x*y) + exp(2*y*z) + x*z", "xyz", _UNIT),
        ("x**2*y + y**2*z + z**2*x", "xyz", _UNIT),
        ("1/(1 + x*y + 2*y*z + z*x**2)", "xyz", ((0.2, 2.0),)),
        ("sqrt(2 + x*y) + x*sqrt(2 + y*z)", "xyz", _UNIT),
        ("cos(x + 2*y**2) + x**2*y*z + z*x", "xyz", _UNIT),
        ("x**y + y*z + z*x", "xyz", _POSITIVE),
        ("log(1 + x**2 + 2*y**2*z**2) + x*y + y*z", "xyz", _UNIT),
        ("tanh(x + 2*y) + tanh(y + 3*z) + x*z", "xyz", _UNIT),
        ("exp(-x**2 - 1.2*y**2) + x*y*z + z*x", "xyz", _UNIT),
        ("(x + y*z)/(1 + x*z + y**2)", "xyz", ((0.2, 2.0),)),
        ("sin(x)*y + sin(2*y)*z + sin(3*z)*x", "xyz", _UNIT),
        ("x*exp(y) + y*exp(z) + z*exp(x)", "xyz", _UNIT),
        ("sin(x + y**2) + x*y", "xy", _UNIT),
        ("exp(x*y) + x + y**2", "xy", _UNIT),
        ("x/(1 + y + x*y**2)", "xy", ((0.2, 2.0),)),
        ("x*y + 2*y*z + 3*z*w + w*x**2", "xyzw", _UNIT),
        ("sin(x*y) + cos(y*z) + exp(z*w) + w*x", "xyzw", _UNIT),
        ("sqrt(x**2 + 1.3*y**2 + 0.5) + 0.3*x*y", "xy", _UNIT),
    )
)
