"""Columns of words by name, and groups of their levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.training.evidence.merges import Partition


@dataclass(frozen=True, slots=True)
class MergedLevels:
    """A grouping of the levels (words) of a column of words, each group with one value.

    Examples:
        >>> grouping = MergedLevels((("east", "west"), ("north",)), 2.5, 0.9973)
        >>> grouping
        east or west | north (odds 12 : 1, R² 0.997)
        >>> grouping.merged
        [('east', 'west')]
    """

    groups: tuple[tuple[str, ...], ...]
    """Names of the levels, in the order of their values."""
    gain: float
    """In the logarithm of the evidence, over a value for each level: above 0 the data know of no difference within the groups."""
    r2: float
    """Part of the variance of the values, over the rows, that is between the groups."""

    @classmethod
    def of(cls, partition: Partition, names: Sequence[str]) -> MergedLevels:
        """A partition of a column's levels (its words) into groups, as numbers of levels, with the `names` of all levels in their place.

        Its gain (in log evidence, over a value for each level) and R² (the part of the values' variance between the groups) stay.
        """
        groups = (tuple(names[level] for level in group) for group in partition.groups)
        return cls(tuple(groups), partition.gain, partition.r2)

    @property
    def merged(self) -> list[tuple[str, ...]]:
        """The groups of two levels at least, as `merge_levels` takes them."""
        return [group for group in self.groups if len(group) > 1]

    @property
    def odds(self) -> str:
        """The gain, a natural logarithm, as odds of this grouping against a value for each level: `12 : 1` for it, `1 : 12` against it.

        Examples:
            >>> MergedLevels((("a", "b"), ("c",)), -2.5, 0.9).odds
            '1 : 12'
        """
        ratio = math.exp(min(abs(self.gain), 700.0))  # beyond 709 the exponential overflows
        text = f"{ratio:.2g}" if ratio < 100 else f"{ratio:.0f}" if ratio < 1e6 else "over a million"
        return f"{text} : 1" if self.gain >= 0 else f"1 : {text}"

    def __str__(self) -> str:
        return " | ".join(" or ".join(group) for group in self.groups)

    def __repr__(self) -> str:
        return f"{self} (odds {self.odds}, R² {self.r2:.3g})"


def level_numbers(groups: Any, names: Sequence[str], where: str) -> list[list[int]]:
    """The numbers of the levels in each group, from `groups` of names; `names` has all levels (words) of the column, in order.

    `where` is the public call, for errors.

    Raises:
        ValueError: For what isn't made of lists of names of levels.
    """
    if isinstance(groups, str) or not isinstance(groups, Iterable):
        _check.fail("groups", where, "lists of levels", groups, "Write [['a', 'b'], …].")
    numbers = []
    for group in groups:
        if isinstance(group, str) or not isinstance(group, Iterable):
            _check.fail("groups", where, "lists of levels", group, f"Write [[{group!r}, …]].")
        numbers.append([names.index(_check.choice(level, "groups", where, names)) for level in group])
    return numbers


def words_of(network: Network, column: str | int, where: str) -> tuple[int, tuple[str, ...]]:
    """The index of the input node that reads a column of words (categories), and the names of the column's levels, its words.

    `column` is the column's name or number in the data, `where` the public call, for errors.

    Raises:
        ValueError: For a column that the network doesn't read, and one of numbers.
    """
    names = network.in_vars
    if isinstance(column, str):
        if not names:
            expected = "one of a network that was trained on named columns"
            _check.fail("column", where, expected, column, "Call fit first.")
        column = names.index(_check.choice(column, "column", where, names))
    number = _check.integer(column, "column", where, low=0, high=network.n_features - 1)
    columns = network.columns.tolist()
    name = names[number] if names else number
    if number not in columns:
        _check.fail("column", where, "one that the network still reads", name)
    source = columns.index(number)
    count = network.layer(0).levels[source]
    if not count:
        _check.fail("column", where, "a column of words", name, "It holds numbers, which have a curve.")
    levels = network.encoding.levels[number] if network.encoding is not None else map(str, range(count))
    return source, tuple(levels)
