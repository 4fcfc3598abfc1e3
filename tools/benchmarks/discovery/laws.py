"""Laws with units, constants and ranges as they are measured, their difficulty, and the two halves.

Two CSV files hold a law a row. `template` is the formula with names for its constants, which `constants` gives with their units, so that
the units of a law can be checked; `basis` says `empirical` where they can't, as the formula holds for numbers in these units only. A range
that ends in `log` is drawn evenly over the decades. `source` names who the law goes back to, and the year.
"""

from __future__ import annotations

import ast
import csv
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from kanwidget.datasets import Equation

HALVES = ("development", "unseen")
DIFFICULTIES = ("easy", "medium", "hard")

#: Up to this score a law is easy, and up to the second one medium. They make three groups of about the same size.
_EASY, _MEDIUM = 11, 16
#: A level counts like so many operations.
_LEVEL = 3

_VARIABLE = re.compile(r"(\w+) \[(.+)\] (\S+)\.\.(\S+?)( log)?")
_CONSTANT = re.compile(r"(\w+) = (\S+) \[(.+)\]")
_TARGET = re.compile(r"(\w+) \[(.+)\]")


class Constant(NamedTuple):
    """A constant of a law; all are positive."""

    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Law:
    """A formula of a science."""

    equation: Equation
    """The formula with numbers for its constants, and the names, units and ranges of the columns."""
    field: str
    template: str
    """The formula with names for its constants."""
    constants: tuple[Constant, ...]
    log: tuple[str, ...]
    """Columns that are drawn evenly over the decades."""
    empirical: bool
    """Whether the numbers hold for these units only, so that dimensions don't fit together."""
    source: str

    @property
    def name(self) -> str:
        """The law's name, which is the equation's."""
        return self.equation.name

    @cached_property
    def operations(self) -> int:
        """Operations and functions in which a column takes part."""
        inner = (ast.BinOp, ast.UnaryOp, ast.Call)
        return sum(isinstance(node, inner) and self._has_column(node) for node in ast.walk(self._tree))

    @cached_property
    def levels(self) -> int:
        """Sums and functions that stand one inside the other, on the way to the deepest column.

        `V*S/(K + S)` has one level, `1 - exp(-t/tau)` two. Roots and powers count where the exponent is a column.
        """
        return self._levels(self._tree)

    @property
    def difficulty(self) -> str:
        """`easy`, `medium` or `hard`, by the number of operations plus three times the levels."""
        score = self.operations + _LEVEL * self.levels
        return DIFFICULTIES[(score > _EASY) + (score > _MEDIUM)]

    @property
    def is_product(self) -> bool:
        """Whether the law is nothing but a product of powers of its columns."""
        return self.levels == 0

    @cached_property
    def _tree(self) -> ast.expr:
        return ast.parse(self.template, mode="eval").body

    def _has_column(self, node: ast.AST) -> bool:
        return any(isinstance(part, ast.Name) and part.id in self.equation.variables for part in ast.walk(node))

    def _levels(self, node: ast.expr) -> int:
        if not self._has_column(node):
            return 0
        match node:
            case ast.BinOp(op=ast.Add() | ast.Sub()):
                return 1 + max(self._levels(term) for term in _terms(node))
            case ast.BinOp(op=ast.Pow(), right=exponent) if self._has_column(exponent):
                return 1 + max(self._levels(node.left), self._levels(exponent))
            case ast.BinOp():
                return max(self._levels(node.left), self._levels(node.right))
            case ast.Call(func=ast.Name(id=name), args=[argument]):
                return (name != "sqrt") + self._levels(argument)
            case ast.UnaryOp():
                return self._levels(node.operand)
        return 0


def _terms(node: ast.expr) -> list[ast.expr]:
    """The terms of a sum: `a + b - c` has three."""
    match node:
        case ast.BinOp(op=ast.Add() | ast.Sub()):
            return [*_terms(node.left), *_terms(node.right)]
    return [node]


@cache
def laws(half: str) -> tuple[Law, ...]:
    """The laws of a half, `development` or `unseen`."""
    text = Path(__file__).with_name(f"laws_{half}.csv").read_text(encoding="utf-8")
    return tuple(law(row) for row in csv.DictReader(text.splitlines()))


def halves(all_laws: Iterable[Law]) -> tuple[list[Law], list[Law]]:
    """Which laws are for development and which stay unseen: dealt in turn, by difficulty, field and a hash of the name.

    So the halves are equally hard, of the same sciences, and nobody has chosen.
    """
    order = sorted(all_laws, key=lambda law: (DIFFICULTIES.index(law.difficulty), law.field, _digest(law.name)))
    return order[::2], order[1::2]


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def law(row: dict[str, str]) -> Law:
    """The law of a row: `S [mg/L] 1..500 log; K [mg/L] 5..50` are two variables, `mu = 0.53 [1/h]` is a constant."""
    variables = [_groups(_VARIABLE, entry) for entry in row["variables"].split("; ")]
    constants = tuple(
        Constant(name, float(value), unit)
        for name, value, unit in (_groups(_CONSTANT, entry) for entry in row["constants"].split("; ") if entry)
    )
    target, target_unit = _groups(_TARGET, row["target"])
    equation = Equation(
        name=row["name"],
        title=row["name"],
        formula=_with_numbers(row["template"], constants),
        variables=tuple(name for name, *_ in variables),
        units=tuple(unit for _, unit, *_ in variables),
        ranges=tuple((float(low), float(high)) for *_, low, high, _ in variables),
        target=target,
        target_unit=target_unit,
        note=row["source"],
    )
    log = tuple(name for name, *_, scale in variables if scale)
    return Law(equation, row["field"], row["template"], constants, log, row["basis"] == "empirical", row["source"])


def _with_numbers(template: str, constants: Iterable[Constant]) -> str:
    """The template with the constants' values; they are positive, so no parentheses are needed."""
    values = {constant.name: repr(constant.value) for constant in constants}
    return re.sub(r"[A-Za-z_]\w*", lambda name: values.get(name[0], name[0]), template)


def _groups(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    match = pattern.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not written as {pattern.pattern!r}")
    return match.groups()
