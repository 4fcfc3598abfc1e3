"""The Pareto front of a table: the networks that no smaller one beats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget.sweeps.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kanwidget.insight.plot.style import ThemeName


def pareto(table: Table, x: str = "parameters", y: str | None = None) -> Table:
    """The rows that none beats in both columns, smallest x first.

    Args:
        table: Of a sweep, or `Table.medians`, or any rows with these columns.
        x: The cost: `parameters`, `seconds`, …
        y: The error, smaller is better; by default the table's own.

    Returns:
        A table along which x rises and y falls; rows without a value in one of the columns are left out.

    Raises:
        ValueError: For columns that the table doesn't have, and for a table without rows.
        TypeError: For anything but a table.

    Examples:
        >>> rows = [(10, 0.3), (20, 0.1), (20, 0.2), (30, 0.15), (40, None)]
        >>> table = Table({"parameters": p, "test_loss": e} for p, e in rows)
        >>> pareto(table)["test_loss"]
        [0.3, 0.1]
    """
    x, y = _columns(table, x, y, "pareto")
    complete = [row for row in table if row.get(x) is not None and row.get(y) is not None]
    front: list[dict[str, Any]] = []
    for row in sorted(complete, key=lambda row: (row[x], row[y])):
        if not front or row[y] < front[-1][y]:
            front.append(row)
    return Table(front)


def plot_pareto(
    table: Table,
    x: str = "parameters",
    y: str | None = None,
    *,
    label: str | None = None,
    theme: ThemeName = "auto",
    title: Any = None,
) -> Figure:
    """Draw all rows as points, and the front that `pareto` finds among them as a line with its settings.

    Args:
        table: As for `pareto`.
        x: As for `pareto`; drawn logarithmically.
        y: As for `pareto`; drawn logarithmically.
        label: The column that is written beside the front; by default the settings that vary.
        theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
        title: Above the drawing.

    Returns:
        A figure with one axes.

    Examples:
        >>> table = Table({"grid": g, "parameters": 10 * g, "test_loss": 1 / g} for g in (3, 5, 10))
        >>> len(plot_pareto(table).axes)
        1
    """
    from kanwidget.insight.plot import shown
    from kanwidget.insight.plot.front import plot_front

    front = pareto(table, x, y)
    x, y = _columns(table, x, y, "plot_pareto")
    if label is not None and label not in table.columns:
        _check.choice(label, "label", "plot_pareto", table.columns)
    varied = [label] if label is not None else [name for name in table.settings if _varies(table, name)]
    points = [(row[x], row[y]) for row in table if row.get(x) is not None and row.get(y) is not None]
    marked = [(row[x], row[y], ", ".join(_text(row.get(name)) for name in varied)) for row in front]
    return shown(plot_front(points, marked, (x, y), theme=theme, title=title))


def _columns(table: Any, x: str, y: str | None, where: str) -> tuple[str, str]:
    """The names of two columns of numbers, checked; by default y is the table's error."""
    if not isinstance(table, Table):
        _check.fail("table", where, "a Table, as sweep returns it", table, error=TypeError)
    if len(table) == 0:
        _check.fail("table", where, "with at least one row", table)
    names = [name for name in table.columns if all(_is_number(value) for value in table[name])]
    return _check.choice(x, "x", where, names), _check.choice(table.error if y is None else y, "y", where, names)


def _is_number(value: Any) -> bool:
    """Whether a cell may stand in a column of numbers: a number or None, no truth value."""
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


def _varies(table: Table, name: str) -> bool:
    """Whether a column has more than one value; they are compared as JSON, since lists have no hash."""
    return len({json.dumps(value) for value in table[name]}) > 1


def _text(value: Any) -> str:
    """A setting as it stands beside a point, a float with six digits at most."""
    return f"{value:g}" if isinstance(value, float) else str(value)
