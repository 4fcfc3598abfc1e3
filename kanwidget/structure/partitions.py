"""Groups of columns from pairs and triples: the finest partition, and the smallest groups that act as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Any

Group = tuple[int, ...]
Pair = tuple[int, int]


def components(columns: Sequence[Any], linked: Iterable[tuple[Any, Any]]) -> list[tuple[Any, ...]]:
    """The connected parts of a graph, in the order of their first columns, which may be numbers, names or groups.

    Examples:
        >>> components(range(4), {(0, 2)})
        [(0, 2), (1,), (3,)]
    """
    group_of = {column: {column} for column in columns}
    for a, b in linked:
        if b not in group_of[a]:
            joined = group_of[a] | group_of[b]
            group_of.update(dict.fromkeys(joined, joined))
    return sorted({tuple(sorted(group)) for group in group_of.values()})


def weakest_link(columns: Sequence[int], strength: dict[Pair, float]) -> Pair | None:
    """The link whose loss first splits the graph of columns when links are cut from the weakest on; None of one column.

    `strength` has that of each pair, here how far two columns are from a sum or product of separate functions.

    Examples:
        >>> weakest_link(range(3), {(0, 1): 0.9, (0, 2): 0.1, (1, 2): 0.2})
        (1, 2)
    """
    ordered = sorted(strength, key=lambda pair: strength[pair])
    splitting = (pair for count, pair in enumerate(ordered, 1) if len(components(columns, ordered[count:])) > 1)
    return next(splitting, None)


def closure(pair: Pair, columns: Sequence[int], separates: Callable[[int, int, int], bool]) -> Group:
    """The smallest group with these two columns that acts as one.

    Args:
        pair: The columns to begin with.
        columns: All columns.
        separates: Whether columns i and j don't act through one number beside column k, (i, j, k): then k must join a group of both.

    Examples:
        >>> closure((0, 1), range(4), lambda i, j, k: k == 2)
        (0, 1, 2)
    """
    group, joining = set(pair), [*pair]
    while joining:
        pairs = list(combinations(sorted(group), 2))
        joining = [k for k in columns if k not in group and any(separates(*pair, k) for pair in pairs)]
        group.update(joining)
    return tuple(sorted(group))


def top_parts(columns: Sequence[int], groups: Iterable[Group]) -> tuple[list[Group], bool]:
    """The parts that a function is made of at the top, from its groups; and whether every union of parts is a group, too.

    Groups that overlap can be joined and cut at will: f = φ(a + b + c), in which any two columns act through their sum. The parts are
    then the columns that no overlapping group tells apart. Otherwise they are the largest groups and the single columns.

    Examples:
        >>> top_parts(range(4), [(0, 1), (0, 1, 2)])
        ([(0, 1, 2), (3,)], False)
        >>> top_parts(range(3), [(0, 1), (1, 2), (0, 2)])
        ([(0,), (1,), (2,)], True)
        >>> top_parts(range(5), [(0, 1), (1, 2), (0, 2)])
        ([(0, 1, 2), (3,), (4,)], False)
    """
    proper = sorted({group for group in groups if 1 < len(group) < len(columns)})
    overlapping = [(a, b) for a, b in combinations(proper, 2) if _overlap({*a}, {*b})]
    joined: list[Pair] = []
    for members in components(proper, overlapping):
        union = sorted({column for group in members for column in group})
        if len(union) == len(columns):
            inseparable = [
                (a, b) for a, b in combinations(columns, 2) if all((a in group) == (b in group) for group in members)
            ]
            return components(columns, inseparable), True
        joined += combinations(union, 2)
    return components(columns, joined), False


def _overlap(a: set[int], b: set[int]) -> bool:
    """Whether two groups share columns, and neither holds the other."""
    return not (a.isdisjoint(b) or a <= b or b <= a)
