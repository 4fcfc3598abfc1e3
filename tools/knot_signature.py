"""Signature and determinant of a knot from its planar diagram, in whole numbers: the Goeritz form and its correction.

References:
    C. McA. Gordon and R. A. Litherland, "On the signature of a link", Inventiones mathematicae 47, 53-69 (1978).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

#: A crossing: its four strands counterclockwise, from the incoming one below. Strands are numbered along the knot.
Crossing = Sequence[int]


def signature_and_determinant(diagram: Sequence[Crossing]) -> tuple[int, int]:
    """Signature (even; -2 for the right-handed trefoil, as KnotInfo has it) and determinant (odd, ≥ 1).

    Args:
        diagram: The PD code of a knot: `[a, b, c, d]` for each crossing, strands counterclockwise from the incoming lower one.

    Raises:
        ValueError: For a diagram that doesn't lie in the plane.

    Examples:
        >>> signature_and_determinant([[1, 5, 2, 4], [3, 1, 4, 6], [5, 3, 6, 2]])
        (-2, 3)
    """
    first = min(strand for crossing in diagram for strand in crossing)
    diagram = [[strand - first for strand in crossing] for crossing in diagram]
    regions = _regions(diagram)
    white = _white(diagram, regions)
    form, correction = _goeritz(diagram, regions, white)
    signs, determinant = _signs_and_determinant(form)
    return signs - correction, abs(determinant)


def _regions(diagram: list[list[int]]) -> list[list[int]]:
    """The region at each corner of each crossing; corner i lies between strands i and i + 1."""
    ends: dict[int, list[tuple[int, int]]] = {}
    for crossing, strands in enumerate(diagram):
        for corner, strand in enumerate(strands):
            ends.setdefault(strand, []).append((crossing, corner))
    regions = [[-1] * 4 for _ in diagram]
    count = 0
    for crossing in range(len(diagram)):
        for corner in range(4):
            count += _walk_around(diagram, ends, regions, (crossing, corner), count)
    if count != len(diagram) + 2:
        raise ValueError(f"the diagram has {count} regions, in the plane it would have {len(diagram) + 2}")
    return regions


def _walk_around(diagram, ends, regions, corner: tuple[int, int], number: int) -> int:
    """Number the corners of one region; 1 if it is a new one."""
    if regions[corner[0]][corner[1]] >= 0:
        return 0
    while regions[corner[0]][corner[1]] < 0:
        regions[corner[0]][corner[1]] = number
        # Leave along the next strand. At its other end the region lies on the other side of it.
        exit_end = (corner[0], (corner[1] + 1) % 4)
        one, two = ends[diagram[exit_end[0]][exit_end[1]]]
        corner = two if one == exit_end else one
    return 1


def _white(diagram: list[list[int]], regions: list[list[int]]) -> set[int]:
    """Half of the regions, such that of two that share a strand one is white."""
    white, black, pending = {regions[0][0]}, set(), [regions[0][0]]
    while pending:
        region = pending.pop()
        side, opposite = (white, black) if region in white else (black, white)
        for corners in regions:
            for corner in range(4):
                if corners[corner] == region:
                    neighbours = {corners[corner - 1], corners[(corner + 1) % 4]}
                    pending += neighbours - white - black
                    opposite |= neighbours - side
    return white


def _goeritz(diagram, regions, white: set[int]) -> tuple[list[list[int]], int]:
    """The Goeritz form on the white regions but one, and the correction of the black surface."""
    index = {region: place for place, region in enumerate(sorted(white))}
    form = [[0] * len(white) for _ in white]
    correction = 0
    for strands, corners in zip(diagram, regions, strict=True):
        corner = 0 if corners[0] in white else 1
        incidence = 1 if corner == 0 else -1
        one, two = index[corners[corner]], index[corners[corner + 2]]
        if one != two:
            form[one][one] += incidence
            form[two][two] += incidence
            form[one][two] -= incidence
            form[two][one] -= incidence
        # Where the black surface can't be oriented along the knot.
        if incidence == _crossing_sign(strands, 2 * len(diagram)):
            correction += incidence
    return [row[1:] for row in form[1:]], correction


def _crossing_sign(strands: list[int], count: int) -> int:
    """1 where the upper strand crosses from right to left, as seen along the lower one, else -1."""
    return 1 if (strands[1] - strands[3]) % count == 1 else -1


def _signs_and_determinant(form: list[list[int]]) -> tuple[int, int]:
    """Positive minus negative squares of a symmetric form, and its determinant, by exact elimination."""
    matrix = [[Fraction(value) for value in row] for row in form]
    signs, determinant = 0, Fraction(1)
    while matrix:
        size = len(matrix)
        pivot = next((i for i in range(size) if matrix[i][i]), None)
        if pivot is None:
            pair = next(((i, j) for i in range(size) for j in range(i) if matrix[i][j]), None)
            if pair is None:
                return signs, 0
            # Adding a row and its column to another one changes neither result, and makes a diagonal entry.
            _add(matrix, *pair)
            pivot = pair[0]
        value = matrix[pivot][pivot]
        signs += 1 if value > 0 else -1
        determinant *= value
        rest = [i for i in range(size) if i != pivot]
        matrix = [[matrix[i][j] - matrix[i][pivot] * matrix[pivot][j] / value for j in rest] for i in rest]
    return signs, int(determinant)


def _add(matrix: list[list[Fraction]], target: int, source: int) -> None:
    """Add a row to another one, and likewise the columns."""
    size = len(matrix)
    for j in range(size):
        matrix[target][j] += matrix[source][j]
    for i in range(size):
        matrix[i][target] += matrix[i][source]
