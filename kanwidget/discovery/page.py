"""The front as a table: text, records, and HTML with typeset formulas."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape
from typing import Any

from kanwidget.discovery.equation import Equation


class FrontPage:
    """The formulas of a discovery as a table; text of users is escaped in HTML.

    Args:
        front: The formulas.
        best: Those that are marked.
        relative: The targets of which relative errors count.
    """

    def __init__(self, front: Sequence[Equation], best: Collection[Equation], relative: Collection[str] = ()) -> None:
        self._front, self._best, self._relative = front, set(best), relative
        self._with_units = any(equation.dimensions is not None for equation in front)
        self._with_held_out = any(equation.rmse_test is not None for equation in front)
        units = {equation.unit for equation in front}
        self._unit = next(iter(units)) if len(units) == 1 else None

    def rows(self) -> list[dict[str, Any]]:
        """A record for each formula; whether units fit, where any are known."""
        return [
            {
                "target": equation.target,
                "formula": equation.text,
                "complexity": equation.complexity,
                "rmse_train": equation.rmse_train,
                "rmse_test": equation.rmse_test,
                "r2": equation.r2,
                "best": equation in self._best,
                **({"relative_error": equation.relative_error} if self._relative else {}),
                **({"dimensions": equation.dimensions} if self._with_units else {}),
            }
            for equation in self._front
        ]

    def text(self) -> str:
        """The table in columns; the best formula has an arrow."""
        cells = [[*self._cells(equation), f"{equation.target} = {equation.text}"] for equation in self._front]
        lines = [self._head, *cells]
        widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]) - 1)]
        return "\n".join(
            "  ".join([*(cell.rjust(width) for cell, width in zip(line, widths, strict=False)), line[-1]]).rstrip()
            for line in lines
        )

    def html(self) -> str:
        """The table as HTML, with typeset formulas."""
        head = "".join(f"<th>{escape(cell)}</th>" for cell in self._head)
        body = "".join(
            "<tr>"
            + "".join(f"<td>{escape(cell)}</td>" for cell in self._cells(equation))
            + f'<td style="text-align:left;font-size:115%">{markup(equation.math)}</td></tr>'
            for equation in self._front
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    @property
    def _head(self) -> list[str]:
        relative, units = ["relative"] if self._relative else [], ["units"] if self._with_units else []
        rmse = f"RMSE in {self._unit}" if self._unit else "RMSE"
        held_out = ["held out"] if self._with_held_out else []
        return ["", "complexity", rmse, *held_out, *relative, "R²", *units, "formula"]

    def _cells(self, equation: Equation) -> list[str]:
        held_out, relative, units = [], [], []
        if self._with_held_out:
            held_out = ["" if equation.rmse_test is None else f"{equation.rmse_test:.3g}"]
        if self._relative:
            relative = [_percent(equation.relative_error) if equation.target in self._relative else ""]
        if self._with_units:
            units = [{True: "fit", False: "–", None: ""}[equation.dimensions]]
        mark = "→" if equation in self._best else ""
        errors = [f"{equation.rmse_train:.3g}", *held_out, *relative, _r2(equation.r2)]
        return [mark, f"{equation.complexity:g}", *errors, *units]


def markup(node: Any) -> str:
    """A tree of `math_tree` as MathML.

    Examples:
        >>> markup(["mi", {"mathvariant": "normal"}, ["a<b"]])
        '<mi mathvariant="normal">a&lt;b</mi>'
    """
    if isinstance(node, str):
        return escape(node)
    tag, attributes, children = node
    written = "".join(f' {name}="{escape(str(value))}"' for name, value in attributes.items())
    return f"<{tag}{written}>{''.join(map(markup, children))}</{tag}>"


def _percent(part: float | None) -> str:
    if part is None:
        return ""
    return f"{100 * part:.2g} %" if part < 0.995 else f"{100 * part:.0f} %"


def _r2(value: float) -> str:
    """With as many nines as it has, up to eight; of what is far worse than the mean three digits."""
    missing = 1 - value
    if missing > 10:
        return f"{value:.3g}"
    if missing >= 0.01 or missing <= 0:
        return f"{round(value, 3) + 0.0:.3f}"  # a sum with 0 has no minus before its zeros
    return f"{value:.8f}" if missing < 1e-7 else f"{1 - float(f'{missing:.1e}'):.8f}".rstrip("0")
