"""The library of functions by pykan's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

import kanwidget
from kanwidget.core.primitives import is_built_in
from kanwidget.pykan.words import say_once

Elementwise = Callable[[Tensor], Tensor]
#: A function of pykan's library: of tensors, of sympy expressions, its complexity, and the first again.
SymbolicRow = tuple[Elementwise, Callable[[Any], Any], float, Elementwise]


def symbolic_row(name: str) -> SymbolicRow:
    """The row of a function in pykan's library, by its name: f on tensors, f on sympy expressions, its complexity, and f on tensors again.

    Examples:
        >>> import sympy
        >>> row = symbolic_row("sin")
        >>> row[1](sympy.Symbol("x")), row[2]
        (sin(x), 2)
    """
    (row,) = kanwidget.primitives([name])

    def in_sympy(u: Any) -> Any:
        """The function of a sympy expression u: the formula of a network with this single edge, with u in the place of its input."""
        model = kanwidget.KAN([1, 1])
        model.fix_symbolic(0, 0, 0, row.name, params=(1.0, 0.0, 1.0, 0.0))
        place = model.symbolic_formula()
        return place[0][0].subs(place[1][0], u)

    return row.fn, in_sympy, row.complexity, row.fn


class SymbolicLibrary(Mapping[str, SymbolicRow]):
    """All functions by name, also those that `add_symbolic` added later. It can't be written to.

    Examples:
        >>> "sin" in SYMBOLIC_LIB, len(SYMBOLIC_LIB) > 20
        (True, True)
    """

    def __getitem__(self, name: str) -> SymbolicRow:
        """The row of a function by its name, as in `symbolic_row`; KeyError where the library hasn't it."""
        if name not in list(self):
            raise KeyError(name)
        return symbolic_row(name)

    def __iter__(self) -> Iterator[str]:
        return iter([row.name for row in kanwidget.primitives()])

    def __len__(self) -> int:
        return len(kanwidget.primitives())


SYMBOLIC_LIB = SymbolicLibrary()


def add_symbolic(name: str, fun: Elementwise, c: float = 1, fun_singularity: Any = None) -> None:
    """Add a function to the library, or replace one that was added so. One that came with kanwidget, such as `J0`, stays.

    Args:
        name: Its name.
        fun: The function, elementwise on tensors. Where torch can't differentiate it, its derivatives are differences.
        c: Its complexity.
        fun_singularity: No effect: steps that aren't finite are refused.

    Examples:
        >>> import torch
        >>> add_symbolic("sinc_pykan", torch.sinc, c=3)
        >>> SYMBOLIC_LIB["sinc_pykan"][2]
        3.0
    """
    if is_built_in(name):
        say_once(f"add_symbolic: {name!r} came with kanwidget, exact with its derivatives, and stays as it is.")
        return
    differentiable = fun if _differentiable(fun) else _by_differences(fun)
    kanwidget.register_primitive(name, differentiable, complexity=c, replace=True)


def _differentiable(fun: Elementwise) -> bool:
    """Whether torch can differentiate an elementwise function: tried at a point where most functions are defined."""
    probe = torch.full((1,), 0.5, dtype=torch.float64, requires_grad=True)
    try:
        torch.autograd.grad(fun(probe).sum(), probe)
    except (NotImplementedError, RuntimeError):
        return False
    return True


def _by_differences(fun: Elementwise) -> Elementwise:
    """The function, made differentiable for torch to any order: its derivatives are differences in float64, of fourth order in the step.

    Args:
        fun: An elementwise function that torch can't differentiate.
    """

    def slope(x: Tensor) -> Tensor:
        """The function's derivative, elementwise, by central differences of fourth order."""
        wide, step = x.detach().double(), 1e-4
        # Of fourth order: exact to 1e-12 for functions of order one.
        outer, inner = fun(wide + 2 * step) - fun(wide - 2 * step), fun(wide + step) - fun(wide - step)
        return ((8 * inner - outer) / (12 * step)).to(x.dtype)

    class Differenced(torch.autograd.Function):
        @staticmethod
        def forward(context: Any, x: Tensor) -> Tensor:
            """The function itself."""
            context.save_for_backward(x)
            return fun(x)

        @staticmethod
        def backward(context: Any, *above: Tensor) -> Tensor:
            """The gradient in x, from that in the result; where it is to be differentiated, too, its own derivatives are differences."""
            (x,) = context.saved_tensors
            return above[0] * (_by_differences(slope)(x) if x.requires_grad and torch.is_grad_enabled() else slope(x))

    return lambda x: Differenced.apply(x)
