"""Labels of edges and nodes."""

from __future__ import annotations

from collections.abc import Sequence


def edge_name(edge: tuple[int, ...]) -> str:
    """`φ₀,₀,₁`"""
    return "φ" + ",".join(subscript(index) for index in edge)


def subscript(number: int) -> str:
    """A number in subscript digits."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def edges_name(edges: Sequence[tuple[int, ...]]) -> str:
    """One edge by its name, several by their number."""
    return edge_name(edges[0]) if len(edges) == 1 else f"{len(edges)} edges"
