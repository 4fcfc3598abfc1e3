"""What the writers of source text have in common."""

from __future__ import annotations

from collections.abc import Iterable

#: Numbers a line.
_A_LINE = 5


def wrapped(numbers: Iterable[str]) -> str:
    """Numbers, as texts, with commas between them: five on each line, indented.

    Examples:
        >>> wrapped(["1.0", "2.5"])
        '    1.0, 2.5'
    """
    listed = list(numbers)
    lines = (", ".join(listed[start : start + _A_LINE]) for start in range(0, len(listed), _A_LINE))
    return ",\n".join(f"    {line}" for line in lines)


def remark(text: str) -> str:
    r"""A text from outside, such as a column's name, for a comment in source text: on one line, without double quotes and backslashes.

    These could end the comment, or go on with it on the next line.

    Examples:
        >>> remark('a "b"\n\\')
        "a 'b' /"
    """
    return " ".join(text.split()).replace("\\", "/").replace('"', "'")
