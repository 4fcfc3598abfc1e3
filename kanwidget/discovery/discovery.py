"""`Discovery`: the formulas that a search found, from simple to accurate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget.datasets import Dataset
from kanwidget.discovery.equation import Equation
from kanwidget.insight.numbers import rough_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kanwidget.insight.plot.style import ThemeName

#: Characters of a formula in a plot.
_SHORT = 40
#: Why searches end, first the reasons that leave most undone.
_REASONS = ("interrupted", "callback", "time", "steps", "complete", "exact")
_NONE_HELD_OUT = "too few rows to hold some out: the errors are those of the fit"


@dataclass(frozen=True, eq=False, repr=False)
class Discovery:
    """The formulas of each target that no simpler one equals. Its text is their table.

    Examples:
        >>> from kanwidget import discover, load_planets
        >>> discovery = discover(load_planets(), steps=30, progress=False)
        >>> discovery.best.text, discovery.front[0].text
        ('axis**(3/2)', '130')
    """

    data: Dataset
    """The table, in its own units."""
    fronts: dict[str, tuple[Equation, ...]]
    """The formulas of each target, from simple to accurate."""
    _best: dict[str, Equation]
    findings: tuple[str, ...]
    """What the search found out about the table, in words."""
    seconds: float
    """Time of the search."""
    stop_reasons: dict[str, str]
    """Why the search for each target ended. `complete`: nothing was left to try; `exact`: a formula leaves nothing but round-off, its own
    or that of the target's values; `time`, `steps`, `callback`, `interrupted`."""

    relative: frozenset[str] = frozenset()
    """The targets whose errors grow with their values: formulas are ranked by relative errors."""
    _rivals: Mapping[str, tuple[Equation, ...]] = field(default_factory=dict)

    @property
    def stop_reason(self) -> str:
        """Why there wasn't more to come: of several targets the reason by which the search was cut short, if any.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> discover(load_planets(), steps=3, progress=False).stop_reason
            'steps'
        """
        return min(self.stop_reasons.values(), key=_REASONS.index)  # first those that leave most undone

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the targets.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> discovery = discover(load_planets(), steps=3, progress=False)
            >>> discovery.targets
            ('period',)
        """
        return tuple(self.fronts)

    @property
    def front(self) -> tuple[Equation, ...]:
        """The formulas, from simple to accurate; of several targets one after the other.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> discovery = discover(load_planets(), steps=3, progress=False)
            >>> discovery.front[0].complexity
            1.0
        """
        return tuple(equation for front in self.fronts.values() for equation in front)

    @property
    def best(self) -> Equation:
        """The formula with the shortest description: its errors, its constants and its form; of exact data the simplest exact one.

        Raises:
            ValueError: For several targets: each has its own, `discovery["y_1"].best`.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> discovery = discover(load_planets(), steps=3, progress=False)
            >>> discovery.best in discovery.front
            True
        """
        if len(self._best) != 1:
            names = ", ".join(map(repr, self.fronts))
            _check.fail(
                "target", "best", "chosen where there are several", names, f"discovery[{self.targets[0]!r}].best"
            )
        return next(iter(self._best.values()))

    @property
    def rivals(self) -> tuple[Equation, ...]:
        """Formulas that the rows can't tell from the best one, likelier ones first, at most three of each target.

        The description of the rows by a rival is longer than that by the best one by five bits at most. Somewhere in ranges of the columns
        that are half as wide again they differ by a quarter of the noise or more, or only one of them has a value. What decides are rows
        from there, or what is known of the quantities.

        Examples:
            >>> from kanwidget import discover, load_puromycin
            >>> enzyme = discover(load_puromycin("treated"), steps=200, progress=False)
            >>> [rival.text for rival in enzyme.rivals]
            ['413.9*sqrt(concentration)/(concentration + 1)', '208.9*tanh(2.16*sqrt(concentration))', '37.1*log(concentration) + 209.2']
        """
        return tuple(equation for target in self.fronts for equation in self._rivals.get(target, ()))

    @property
    def rival_sentences(self) -> tuple[str, ...]:
        """The rivals in words, each with its error and that of the best formula.

        Examples:
            >>> from kanwidget import discover, load_puromycin
            >>> enzyme = discover(load_puromycin("treated"), steps=200, progress=False)
            >>> print(enzyme.rival_sentences[1])
            also possible by these rows: 208.9*tanh(2.16*sqrt(concentration)) (RMSE 8.04, the best one's 8.19)
        """
        several = len(self.fronts) > 1
        return tuple(
            (f"{rival.target}: " if several else "")
            + rival_sentence(rival, self._best[rival.target], relative=rival.target in self.relative)
            for rival in self.rivals
        )

    def __getitem__(self, target: str) -> Discovery:
        """The discovery of one target alone."""
        _check.choice(target, "target", "Discovery", self.fronts)
        return replace(
            self,
            fronts={target: self.fronts[target]},
            _best={target: self._best[target]},
            stop_reasons={target: self.stop_reasons[target]},
            relative=self.relative & {target},
            _rivals={target: self._rivals.get(target, ())},
        )

    # ---- views

    def to_pandas(self) -> Any:
        """A pandas data frame, a row for each formula of the front.

        Raises:
            ImportError: Without pandas.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> list(discover(load_planets(), steps=30, progress=False).to_pandas().columns)
            ['target', 'formula', 'complexity', 'rmse_train', 'rmse_test', 'r2', 'best', 'relative_error']
        """
        try:
            import pandas as pd
        except ImportError:
            message = "to_pandas needs pandas, which is not installed: pip install 'kanwidget[data]'"
            raise ImportError(message) from None
        with_units = any(equation.dimensions is not None for equation in self.front)
        rows = [
            {
                "target": equation.target,
                "formula": equation.text,
                "complexity": equation.complexity,
                "rmse_train": equation.rmse_train,
                "rmse_test": equation.rmse_test,
                "r2": equation.r2,
                "best": equation in self._best.values(),
                **({"relative_error": equation.relative_error} if self.relative else {}),
                **({"dimensions": equation.dimensions} if with_units else {}),
            }
            for equation in self.front
        ]
        frame = pd.DataFrame(rows)
        return frame.astype({"rmse_test": float})  # NaN where no rows were held out

    def plot(self, *, theme: ThemeName = "auto", title: Any = None) -> Figure:
        """Draw the error of each formula against its complexity: the relative error, where that counts. The best one is marked.

        Args:
            theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
            title: Above the drawing.

        Returns:
            A figure with one axes.

        Raises:
            ValueError: For several targets: each has its own, `discovery["y_1"].plot()`.

        Examples:
            >>> from kanwidget import discover, load_planets
            >>> len(discover(load_planets(), steps=30, progress=False).plot().axes)
            1
        """
        from kanwidget.insight.plot import shown
        from kanwidget.insight.plot.front import plot_front

        target, unit = self.best.target, 1.0 if self.relative else float(self.data.train_label.abs().max()) or 1.0
        points = []
        for equation in self.front:
            error = equation.rmse_train if equation.rmse_test is None else equation.rmse_test
            if self.relative and equation.relative_error is not None:
                error = equation.relative_error
            text = equation.text
            label = text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…"
            # The axis is logarithmic: an error of 0 is drawn at the round-off of the largest label.
            points.append((equation.complexity, max(error, 1e-16 * unit), label))
        places = [(x, y) for x, y, _ in points]
        held_out = all(equation.rmse_test is not None for equation in self.front)
        of = target if self.best.unit is None else f"{target} in {self.best.unit}"
        error_name = f"{'test' if held_out else 'train'} RMSE of {of}"
        names = ("complexity", f"relative error of {target}" if self.relative else error_name)
        best = next((number for number, equation in enumerate(self.front) if equation is self.best), None)
        return shown(plot_front(places, points, names, best=best, theme=theme, title=title))

    def __repr__(self) -> str:
        """The table as text, a line for each formula, its numbers aligned on the right; then the notes."""
        columns = self._columns
        cells = ([*(cell(e) for cell in columns.values()), f"{e.target} = {e.text}"] for e in self.front)
        lines = [[*columns, "formula"], *cells]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        rows = (
            "  ".join([*(cell.rjust(width) for cell, width in zip(line[:-1], widths, strict=False)), line[-1]])
            for line in lines
        )
        return "\n".join([*(row.rstrip() for row in rows), *self._notes])

    def _repr_html_(self) -> str:
        """The table with typeset formulas, and the notes; text of users is escaped."""
        columns = self._columns
        head = "".join(f"<th>{escape(cell)}</th>" for cell in (*columns, "formula"))
        body = "".join(
            "<tr>"
            + "".join(f"<td>{escape(cell(equation))}</td>" for cell in columns.values())
            + f'<td style="text-align:left;font-size:115%">{markup(equation.math)}</td></tr>'
            for equation in self.front
        )
        lines = "".join(f'<p style="margin:0">{escape(note)}</p>' for note in self._notes)
        return f"<div><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{lines}</div>"

    @property
    def _columns(self) -> dict[str, Callable[[Equation], str]]:
        """The table's columns before the formulas: their heads, and what makes the cell's text of a formula. The best one has an arrow."""
        units = {equation.unit for equation in self.front}
        unit = next(iter(units)) if len(units) == 1 else None
        columns: dict[str, Callable[[Equation], str]] = {
            "": lambda equation: "→" if equation in self._best.values() else "",
            "complexity": lambda equation: f"{equation.complexity:g}",
            f"RMSE in {unit}" if unit else "RMSE": lambda equation: f"{equation.rmse_train:.3g}",
        }
        if any(equation.rmse_test is not None for equation in self.front):
            columns["held out"] = lambda equation: "" if equation.rmse_test is None else f"{equation.rmse_test:.3g}"
        if self.relative:
            columns["relative"] = lambda equation: (
                ""
                if equation.target not in self.relative or equation.relative_error is None
                else rough_percent(equation.relative_error)
            )
        columns["R²"] = lambda equation: _r2(equation.r2)
        if any(equation.dimensions is not None for equation in self.front):
            columns["units"] = lambda equation: {True: "fit", False: "–", None: ""}[equation.dimensions]
        return columns

    @property
    def _notes(self) -> list[str]:
        """What a reader of the table must know: how its errors came about, and what was found out."""
        short = all(equation.rmse_test is None for equation in self.front)
        return [*([_NONE_HELD_OUT] if short else []), *self.findings, *self.rival_sentences]


#: How sentences on rivals begin.
ALSO_POSSIBLE = "also possible by these rows: "


def rival_sentence(rival: Equation, best: Equation, *, relative: bool, rows: str = "", text: str = "") -> str:
    """That the rows can't tell a formula from the best one, with both errors.

    Args:
        rival: The formula.
        best: The best one of its target.
        relative: Whether relative errors count.
        rows: Which rows the errors are of, where errors of others stand nearby: ` on the training rows`, with its space.
        text: The formula in print, where that isn't all of it.
    """
    unit = "" if rival.unit is None else f" {rival.unit}"
    errors = f"RMSE {rival.rmse_train:.3g}{unit}, the best one's {best.rmse_train:.3g}{unit}"
    if relative and rival.relative_error is not None and best.relative_error is not None:
        errors = f"{100 * rival.relative_error:.2g} % off, the best one {100 * best.relative_error:.2g} %"
    return f"{ALSO_POSSIBLE}{text or rival.text} ({errors}{rows})"


def markup(node: Any) -> str:
    """A tree of `math_tree` as MathML: a node is a text, or a list of its tag, its attributes and its children.

    Examples:
        >>> markup(["mi", {"mathvariant": "normal"}, ["a<b"]])
        '<mi mathvariant="normal">a&lt;b</mi>'
    """
    if isinstance(node, str):
        return escape(node)
    tag, attributes, children = node
    written = "".join(f' {name}="{escape(str(value))}"' for name, value in attributes.items())
    return f"<{tag}{written}>{''.join(map(markup, children))}</{tag}>"


def _r2(value: float) -> str:
    """R² as text, with three decimals. Near 1 it has as many as show two digits of 1 - R², at most eight; below -9 it has three digits."""
    missing = 1 - value
    if missing > 10:
        return f"{value:.3g}"
    if missing >= 0.01 or missing <= 0:
        return f"{round(value, 3) + 0.0:.3f}"  # a sum with 0 has no minus before its zeros
    return f"{value:.8f}" if missing < 1e-7 else f"{1 - float(f'{missing:.1e}'):.8f}".rstrip("0")
