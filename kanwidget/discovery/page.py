"""The front as a table: text, records, and HTML with typeset formulas."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from typing import Any

from kanwidget.discovery.equation import Equation

_HEAD = ("", "complexity", "RMSE", "held out", "R²", "formula")
#: The column that says which formulas have the target's unit, where units are known.
_UNITS = "units"


def rows(front: Sequence[Equation], best: Collection[Equation]) -> list[dict[str, Any]]:
    """A record for each formula; whether units fit, where any are known."""
    with_units = _knows_units(front)
    return [
        {
            "target": equation.target,
            "formula": equation.text,
            "complexity": equation.complexity,
            "rmse_train": equation.rmse_train,
            "rmse_test": equation.rmse_test,
            "r2": equation.r2,
            "best": equation in best,
            **({"dimensions": equation.dimensions} if with_units else {}),
        }
        for equation in front
    ]


def text(front: Sequence[Equation], best: Collection[Equation]) -> str:
    """The table in columns; the best formula has an arrow."""
    with_units = _knows_units(front)
    cells = [[*_cells(equation, best, with_units), f"{equation.target} = {equation.text}"] for equation in front]
    lines = [_head(front, with_units), *cells]
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]) - 1)]
    return "\n".join(
        "  ".join([*(cell.rjust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
        for line in lines
    )


def html(front: Sequence[Equation], best: Collection[Equation]) -> str:
    """The table as HTML; text of users is escaped."""
    with_units = _knows_units(front)
    head = "".join(f"<th>{escape(cell)}</th>" for cell in _head(front, with_units))
    body = "".join(
        "<tr>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in _cells(equation, best, with_units))
        + f'<td style="text-align:left;font-size:115%">{markup(equation.math)}</td></tr>'
        for equation in front
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def markup(node: Any) -> str:
    """A tree of `math_tree` as MathML.

    Examples:
        >>> markup(["mi", {"mathvariant": "normal"}, ["a<b"]])
        '<mi mathvariant="normal">a&lt;b</mi>'
    """
    if isinstance(node, str):
        return escape(node)
    tag, attributes, children = node
    given = "".join(f' {name}="{escape(str(value))}"' for name, value in attributes.items())
    return f"<{tag}{given}>{''.join(map(markup, children))}</{tag}>"


def _knows_units(front: Sequence[Equation]) -> bool:
    return any(equation.dimensions is not None for equation in front)


def _head(front: Sequence[Equation], with_units: bool) -> list[str]:
    units = {equation.unit for equation in front}
    unit = next(iter(units)) if len(units) == 1 else None
    names = [f"{name} in {unit}" if unit and name == "RMSE" else name for name in _HEAD]
    return [*names[:-1], *([_UNITS] if with_units else []), names[-1]]


def _cells(equation: Equation, best: Collection[Equation], with_units: bool) -> list[str]:
    test = "" if equation.rmse_test is None else f"{equation.rmse_test:.3g}"
    mark = "→" if equation in best else ""
    units = [{True: "fit", False: "–", None: ""}[equation.dimensions]] if with_units else []
    return [mark, f"{equation.complexity:g}", f"{equation.rmse_train:.3g}", test, _r2(equation.r2), *units]


def _r2(value: float) -> str:
    """With as many nines as it has, up to eight; of what is far worse than the mean three digits."""
    missing = 1 - value
    if missing > 10:
        return f"{value:.3g}"
    if missing >= 0.01 or missing <= 0:
        return f"{round(value, 3) + 0.0:.3f}"  # a sum with 0 has no minus before its zeros
    return f"{value:.8f}" if missing < 1e-7 else f"{1 - float(f'{missing:.1e}'):.8f}".rstrip("0")
