"""Words in formulas: what the levels of a column stand for, in print, in LaTeX and in source code.

A column of two levels is a term that is on or off, 0 or 1. One of more is a function with a value for each level, `f(town)`, less the
mean over the network's reference data, so that the constant beside it is the value of an average row.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import torch

from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef
from kanwidget.datasets import Dataset
from kanwidget.datasets.encoding import OTHER, Encoding
from kanwidget.symbolic.writing.languages import source
from kanwidget.symbolic.writing.latex import to_latex, upright
from kanwidget.symbolic.writing.naming import edge_name
from kanwidget.symbolic.writing.precision import with_error
from kanwidget.symbolic.writing.python_source import LevelSource
from kanwidget.training.evidence.errors import curve_errors, valid_posterior

if TYPE_CHECKING:
    import sympy

#: Levels of an edge that is a term in formulas, on or off.
SWITCH = 2
#: The decimals of an expression, each with its value and standard error.
Constants: TypeAlias = "dict[sympy.Float, tuple[float, float]]"
#: Values of a column that a line of text lists.
_MOST_LEVELS = 20


class LevelValue(NamedTuple):
    """The value of a level of words in a formula."""

    value: float
    """Less the mean of the rows, in the unit of the edge; of `Words.in_units` in that of the term."""
    error: float
    """Its standard error; nan where no posterior says it."""


@dataclass(frozen=True, slots=True)
class Words:
    """What words stand for in the formulas of a network.

    Examples:
        >>> import sympy
        >>> words = Words({"phi_0_0_0": {"east": LevelValue(-1.5, 0.25), "west": LevelValue(1.5, 0.25)}})
        >>> words.lines([sympy.Function("phi_0_0_0")(sympy.Symbol("town"))], {"phi_0_0_0": "f"})
        ['where f(town) = {east: -1.5 ± 0.2, west: 1.5 ± 0.2}']
    """

    tables: Mapping[str, Mapping[str, LevelValue]] = field(default_factory=dict)
    """Values of levels, by the names that the columns' functions have in expressions."""
    unmet: Mapping[str, float] = field(default_factory=dict)
    """The value of a level that training hadn't, by the same names."""
    switches: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Of columns with two levels: those that 0 and 1 stand for, by the names of their symbols."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """What source code says of columns of numbers, by the names of their symbols."""

    @classmethod
    def of(cls, network: Network, data: Dataset, names: Sequence[str] | None = None) -> Words:
        """What words stand for in a network's formulas: values of each column's levels, its different words; of two which 0 and 1 are.

        Args:
            network: The network.
            data: Has the names of the levels.
            names: Of the symbols in the formulas, one a column; the columns' own by default.
        """
        # The covariance of the network's parameters, from which values get errors; None where there is none of its present ones.
        posterior = valid_posterior(network)
        tables, unmet = {}, {}
        for edge in network.edge_refs(active=True):
            layer = network.layer(edge.layer)
            if layer.state(edge.source, edge.target) != "levels" or layer.levels[edge.source] == SWITCH:
                continue  # no edge of words, or one of two levels, which is a term that is on or off
            levels = _level_names(network, data, edge.source)
            # The numbers by which the network reads the levels.
            codes = torch.arange(len(levels), dtype=network.dtype, device=network.device)
            errors = None if posterior is None else curve_errors(network, posterior, edge, codes)
            values, mean = network.curve(edge, codes).y, level_mean(network, edge)
            each = [math.nan] * len(levels) if errors is None else errors.tolist()
            pairs = map(LevelValue, (values - mean).tolist(), each)
            tables[edge_name(*edge)] = dict(zip(levels, pairs, strict=True))
            # Levels too rare for training have become one, OTHER: a level that training hadn't belongs there; else it has the mean of all.
            rare = OTHER in levels and _is_pooled(network, edge.source)
            unmet[edge_name(*edge)] = float(values[levels.index(OTHER)] if rare else values.mean()) - mean
        names = data.in_vars if names is None else names
        two = zip(names, data.levels, strict=True)
        switches = {name: levels for name, levels in two if len(levels) == SWITCH}
        return cls(tables, unmet, switches, notes_of(data.encoding, dict(zip(data.in_vars, names, strict=True))))

    @property
    def free_values(self) -> int:
        """How many constants the tables of levels hold: each one fewer than different values, since its mean stands in the formula."""
        return sum(len({*table.values()}) - 1 for table in self.tables.values())

    def in_units(self, expression: sympy.Expr, constants: Constants) -> tuple[sympy.Expr, Constants, Words]:
        """A formula as it is read: 4·f(town) as f(town), with four times the values of each level; 4·x·exp(f(town) + 3) as x·f(town).

        Where the function of words stands in one term, what depends on words alone there goes into its values, which then are in the unit
        of the term; of words alone, 4·f(town), only a decimal that the data determine. The values' errors are by this decimal as it is.

        Args:
            expression: The formula of one output.
            constants: Its decimals that were fitted, each with its value and standard error.

        Returns:
            The expression, its decimals that were fitted, and the words.

        Examples:
            >>> import sympy
            >>> level, f = sympy.Symbol("town"), sympy.Function("phi_0_0_0")
            >>> words = Words({"phi_0_0_0": {"east": LevelValue(-1.5, 0.25), "west": LevelValue(1.5, 0.25)}}, {"phi_0_0_0": 0.0})
            >>> expression, _, own = words.in_units(4.0 * f(level) + 2.5, {})
            >>> expression, own.lines([expression], {"phi_0_0_0": "f"})
            (phi_0_0_0(town) + 2.5, ['where f(town) = {east: -6 ± 1, west: 6 ± 1}'])
        """
        tables, unmet, remaining = dict(self.tables), dict(self.unmet), dict(constants)
        for name, table in self.tables.items():
            part = part_of_words(expression, name)
            if part is None or part.own == part.applied:
                continue
            # Before words alone an exact number belongs to the form, and one that the data leave open says nothing.
            factor = part.own.as_coeff_Mul()[0]
            if not part.is_factor and not (factor.is_Float and constants.get(factor, (0.0, 0.0))[1] < abs(factor)):
                continue
            tables[name] = {level: part.at(one) for level, one in table.items()}
            unmet[name] = part.at(LevelValue(unmet.get(name, 0.0), math.nan)).value
            expression = part.others
            for decimal in part.decimals:
                if not expression.has(decimal):
                    remaining.pop(decimal, None)
        return expression, remaining, replace(self, tables=tables, unmet=unmet)

    def lines(self, expressions: Sequence[sympy.Expr], names: Mapping[str, str]) -> list[str]:
        """A line of text for each column of words in expressions: its values by level, or which of two levels 0 and 1 stand for.

        Args:
            expressions: The formulas.
            names: The names in print of functions, from `function_names(network)`.
        """
        lines = [f"where {name} is 0 for {two[0]}, 1 for {two[1]}" for name, two in self._switches_in(expressions)]
        for applied, table in self.tables_in(expressions):
            values = _by_value(table)
            shown = [f"{' or '.join(levels)}: {_shown_value(one)}" for one, levels in values[:_MOST_LEVELS]]
            more = [f"and {len(values) - _MOST_LEVELS} more"] if len(values) > _MOST_LEVELS else []
            name = str(applied.func)
            lines.append(f"where {names.get(name, name)}({applied.args[0]}) = {{{', '.join([*shown, *more])}}}")
        return lines

    def latex(
        self, expressions: Sequence[sympy.Expr], display: Mapping[str, str], names: Mapping[str, str]
    ) -> list[str]:
        """An equation in LaTeX for each column of words in expressions: its values by level, or which of two levels 0 and 1 stand for.

        Args:
            expressions: The formulas.
            display: Names in print of symbols, by their names.
            names: The names in print of functions, from `function_names(network)`.
        """
        equations = []
        for name, two in self._switches_in(expressions):
            cases = [rf"{i} & {upright(level)}" for i, level in enumerate(two)]
            equations.append(_cases(to_latex(("var", display.get(name, name))), cases))
        for applied, table in self.tables_in(expressions):
            values = [(one, " or ".join(levels)) for one, levels in _by_value(table)]
            cases = [rf"{to_latex(one.value)} & {upright(levels)}" for one, levels in values]
            equations.append(_cases(to_latex(applied, display, names), cases))
        return equations

    def code(
        self,
        expressions: Sequence[sympy.Expr],
        variables: Sequence[sympy.Symbol],
        language: str = "python",
        name: str = "formula",
    ) -> str:
        """The source text of a function that computes expressions, with the tables of words in it.

        Args:
            expressions: The formulas; of several the function gives all.
            variables: The symbols, in the order of the function's arguments.
            language: `python`, `c`, `javascript`, `julia`, `octave` or `excel`.
            name: The function's name.
        """
        # A table has a value for each word of a column, here without its error; `unmet` that of a word which training hadn't.
        tables = {
            name: LevelSource({level: one.value for level, one in table.items()}, self.unmet[name])
            for name, table in self.tables.items()
        }
        expr = expressions if len(expressions) > 1 else expressions[0]
        # `switches`: the words of a column that 0 and 1 stand for; `notes`: comments on columns of numbers.
        return source(expr, variables, language, name, tables=tables, switches=self.switches, notes=self.notes)

    def tables_in(self, expressions: Sequence[sympy.Expr]) -> Iterator[tuple[Any, Mapping[str, LevelValue]]]:
        """The functions of words in expressions, as they stand there, f(town) say, and their tables: the value of each word (level)."""
        import sympy

        for name, table in self.tables.items():
            applied = {node for expression in expressions for node in expression.atoms(sympy.Function(name))}
            for node in sorted(applied, key=str):
                yield node, table

    def _switches_in(self, expressions: Sequence[sympy.Expr]) -> list[tuple[str, tuple[str, ...]]]:
        """The symbols in expressions that are columns of two different words (levels), by name, each with those that 0 and 1 stand for."""
        used = {str(symbol) for expression in expressions for symbol in expression.free_symbols}
        return [(name, two) for name, two in self.switches.items() if name in used]


@dataclass(frozen=True, slots=True)
class PartOfWords:
    """What depends on a column of words alone in the only term of a formula that has its function."""

    applied: Any
    """The function as it stands there, f(town)."""
    own: Any
    """The part: 4·exp(f(town))."""
    others: Any
    """The formula with the mere function in its place."""
    is_factor: bool
    """Whether it multiplies something of other columns."""

    @property
    def decimals(self) -> set[Any]:
        """The decimals in it."""
        import sympy

        return set(self.own.atoms(sympy.Float))

    def at(self, one: LevelValue) -> LevelValue:
        """Its value where the function has this one, with the error that follows from the function's.

        An unknown error, nan, stays the same object: levels are of one value where their pairs are equal, and a new nan equals no other.
        """
        value = {self.applied: one.value}
        slope = abs(_real(self.own.diff(self.applied).subs(value)))
        return LevelValue(_real(self.own.subs(value)), one.error if math.isnan(one.error) else slope * one.error)


def _real(number: Any) -> float:
    """A number of sympy as a float; nan where it is complex or infinite, as the logarithm of a value below 0."""
    return float(number) if number.is_real and number.is_finite else math.nan


def part_of_words(expression: Any, name: str) -> PartOfWords | None:
    """The part of a formula that depends on words alone, where the function of this name stands in one term, once; None elsewhere.

    Examples:
        >>> import sympy
        >>> f, x = sympy.Function("f")(sympy.Symbol("town")), sympy.Symbol("x")
        >>> part = part_of_words(4 * sympy.exp(f - x) + 2, "f")
        >>> part.own, part.others
        (4*exp(f(town)), f(town)*exp(-x) + 2)
    """
    import sympy

    terms = sympy.Add.make_args(expression)
    having = [term for term in terms if term.has(sympy.Function(name))]
    nodes = expression.atoms(sympy.Function(name))
    if len(having) != 1 or len(nodes) != 1:
        return None
    (applied,) = nodes
    own: list[Any] = []
    rest: Any = sympy.Integer(1)
    for factor in sympy.Mul.make_args(having[0]):
        # exp(f(town) - x) is a product of two exponentials.
        inner = sympy.Add.make_args(factor.args[0]) if isinstance(factor, sympy.exp) else ()
        for part in [sympy.exp(each, evaluate=False) for each in inner] or [factor]:
            if part.free_symbols <= applied.free_symbols:
                own.append(part)
            elif part.has(applied):
                return None
            else:
                rest *= part
    # Evaluated, 4·(f + 3) would be 4·f + 12: the decimals are those of the formula.
    product = sympy.Mul(*own, evaluate=len(own) < 2)
    is_factor = bool(rest.free_symbols)
    curves = product.atoms(sympy.core.function.AppliedUndef) - {applied}  # of a curve of words no value is known here
    if curves or not product.has(applied) or (not is_factor and product.as_coeff_Mul()[1] != applied):
        return None
    others = sympy.Add(*(applied * rest if term == having[0] else term for term in terms))
    return PartOfWords(applied, product, others, is_factor)


def _level_names(network: Network, data: Dataset, source: int) -> tuple[str, ...]:
    """The names of the levels, the different words, of an input `source`: the data's, or those of the training, or else their numbers."""
    column = int(network.columns[source])
    known = () if network.encoding is None else network.encoding.levels[column]
    return data.levels[column] or known or tuple(map(str, range(network.layer(0).levels[source])))


def _is_pooled(network: Network, source: int) -> bool:
    """Whether the levels of an input that were too rare in training have become one."""
    if network.encoding is None:
        return False
    name = network.encoding.names[int(network.columns[source])]
    # `pooled`: how many rare words of a column were taken together.
    return any(column.pooled > 0 for column in network.encoding.columns if column.name == name)


def notes_of(encoding: Encoding | None, symbols: Mapping[str, str]) -> dict[str, str]:
    """Notes on columns for source code, by the names of their symbols: what dates count, and what stands for missing numbers.

    Args:
        encoding: What the network reads of each column of the table; None where it reads numbers as they are.
        symbols: The names of the symbols, by those of the columns.
    """
    notes = {}
    for column in () if encoding is None else encoding.columns:
        said = [column.since] if column.since else []  # "days since 2026-03-01"
        if column.kind != "words" and column.missing:
            said.append(f"{column.fill!r} where it is missing")
        ((name, _), *_) = column.inputs  # a second one says where numbers are missing
        if said and name in symbols:
            notes[symbols[name]] = ", ".join(said)
    return notes


def level_mean(network: Network, edge: EdgeRef) -> float:
    """The mean value of an edge of words over the network's reference rows, in own units; where it has none, over its different words.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([1, 1])
        >>> model.layer(0).set_levels((3,))
        >>> values = model.curve((0, 0, 0), torch.arange(3.0, dtype=torch.float64)).y
        >>> level_mean(model, EdgeRef(0, 0, 0)) == float(values.mean())
        True
    """
    rows = network.reference[:, int(network.columns[edge.source])]
    levels = network.layer(edge.layer).levels[edge.source]
    codes = rows if len(rows) else torch.arange(levels, dtype=network.dtype, device=network.device)
    return float(network.curve(edge, codes.to(network.dtype)).y.mean())


def _by_value(table: Mapping[str, LevelValue]) -> list[tuple[LevelValue, list[str]]]:
    """The values of a table, each with its levels: several where they are merged."""
    found: dict[LevelValue, list[str]] = {}
    for level, one in table.items():
        found.setdefault(one, []).append(level)
    return [*found.items()]


def _shown_value(one: LevelValue) -> str:
    """A value of a level in print, `-1.5 ± 0.2`; with four digits where its error isn't known."""
    return f"{one.value:.4g}" if math.isnan(one.error) else with_error(*one)


def _cases(left: str, cases: Sequence[str]) -> str:
    """An equation in LaTeX: its left side, and lines `value & condition` beside a brace."""
    inner = r" \\ ".join(cases)
    return rf"{left} = \begin{{cases}} {inner} \end{{cases}}"
