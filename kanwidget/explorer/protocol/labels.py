"""Numbers in labels."""

from __future__ import annotations


def subscript(number: int) -> str:
    """A number in subscript digits."""
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))
