"""Equations of a search as formulas of the hall of fame: written for the page, with their errors and their values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from kanwidget.datasets import Dataset
from kanwidget.explorer.describe.formula import Writing, distinct, writing
from kanwidget.explorer.describe.labels import without_units
from kanwidget.explorer.session.background.formula_search import SearchNews
from kanwidget.explorer.session.samples import drawn_rows, judged_rows, mean_of_rows
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.states.hall_of_fame import HallFormula

if TYPE_CHECKING:
    import sympy

    from kanwidget.discovery import Discovery, DiscoveryStep, Equation

#: Rows that a page draws, and characters of a formula that is written out.
_MOST_ROWS, _MOST_TEXT = 200, 400
#: Relative.
_ROUND_OFF = 1e-6
#: The letter alone, also before a power: `exp(y)`, `1/y²`.
_Y = re.compile(r"(?<!\w)y(?![A-Za-z0-9_(])")


FormulaRow = tuple[str, float, float | None]
"""A formula of a file: its text, its complexity, and its error on rows that were held out."""


class EquationWriter:
    """Makes formulas of the hall of fame. Reads the session at once: the work may be done beside it.

    Args:
        session: Gives data and names.
    """

    def __init__(self, session: Session) -> None:
        from kanwidget.symbolic.writing.formula_source import source_names

        data = session.data
        #: What columns are called in the texts of formulas; in `_sources` by the names that a search has for them.
        self._names = source_names(session.in_vars)
        self._sources = dict(zip(distinct(session.in_vars), self._names, strict=True))
        #: What they are called on the page, by their names in texts.
        self._display = dict(zip(self._names, without_units(session.in_vars), strict=True))
        #: Inputs, labels and weights of the training rows, on which formulas are compared with a constant.
        self._train = (data.train_input, data.train_label, data.train_weight)
        #: The error of the best constant on the training rows.
        self._train_spread = _spread(*self._train[1:])
        names = [*session.in_vars, *session.out_vars]
        short = dict(zip(names, without_units(names), strict=True))
        #: Names with units and the same without, the longest first: one may be a part of another.
        self._short = sorted(
            ((name, word) for name, word in short.items() if name != word), key=lambda pair: -len(pair[0])
        )
        #: What stands for y, which may also be the name of a column.
        self._target = "" if "y" in session.in_vars else short[session.out_vars[0]]
        #: Inputs of the rows that a page draws; inputs, labels and weights of those on which errors count.
        self._shown, self._judged = shown_rows(session)[0], judged_rows(data)
        sizes = data.train_input.detach().abs().amax(0).tolist()
        #: The largest absolute value of each column: it says which terms of a formula are round-off.
        self._sizes = dict(zip(self._names, sizes, strict=True))
        #: The equations of the last front with their formulas, by `id`: a search gives the same ones again and again. An equation stands
        #: beside its formula, so that no other one can have its `id`.
        self._written: dict[int, tuple[Equation, HallFormula | None]] = {}

    def news(self, steps: Iterator[DiscoveryStep]) -> Iterator[SearchNews]:
        """What the steps of a search have to say, as they come: each with the formulas so far, those of its front and their rivals.

        Rivals are formulas that the rows can't tell from the best one. `_written` has the formulas of the last step by the `id` of their
        equation: each is written and evaluated once, as long as it stays in the front.
        """
        for step in steps:
            earlier = self._written
            self._written = {
                id(equation): earlier.get(id(equation)) or (equation, self._formula_of(equation))
                for equation in with_rivals(step.front, step.rivals)
            }
            formulas = self._better_than_a_constant([each for _, each in self._written.values() if each is not None])
            best = next((formula.source for formula in formulas if formula.equation is step.best), "")
            yield SearchNews(step.kind, self._words(step), step.seconds, formulas, best)

    def _better_than_a_constant(self, formulas: list[HallFormula]) -> tuple[HallFormula, ...]:
        """Those that are no worse than a constant on the training rows, or all where each is worse.

        A front is ranked by relative errors where these grow with the values, and then has worse ones, too.
        """
        good = [one for one in formulas if one.train_error <= self._train_spread * (1 + _ROUND_OFF)]
        return tuple(good or formulas)

    def _words(self, step: DiscoveryStep) -> str:
        """What a step of a search says (what it tries, has found out, or which formula it has fitted), with the names that pages use."""
        if step.kind == "formula":  # a formula, which the page writes from its front
            return step.text
        text = self._as_on_the_page(step.text)
        # The engine calls the target y, in what it tries. `_target` is its name, "" where a column is called y.
        return re.sub(_Y, lambda _: self._target, text) if step.kind == "trying" and self._target else text

    def _as_on_the_page(self, text: str) -> str:
        """Words with the names and powers that formulas have on the page."""
        for name, short in self._short:  # names with their unit, which the page leaves out
            text = text.replace(name, short)
        return text.replace("**", "^")

    def news_of(self, discovery: Discovery) -> Iterator[SearchNews]:
        """A search that is over, at once: what it found out, and its formulas."""
        equations = with_rivals(discovery.front, discovery.rivals)
        formulas = [formula for equation in equations if (formula := self._formula_of(equation)) is not None]
        best = next((formula.source for formula in formulas if formula.equation is discovery.best), "")
        for text in (*discovery.findings, *discovery.rival_sentences):
            yield SearchNews("finding", self._as_on_the_page(text), discovery.seconds, (), "")
        yield SearchNews("formula", "", discovery.seconds, tuple(formulas), best)

    def _formula_of(self, equation: Equation) -> HallFormula | None:
        """An equation of a discovery as a formula of the hall of fame; None where it has no text, or no values on the rows."""
        from kanwidget.symbolic.writing.formula_source import to_source

        try:
            return self.formula(to_source(equation.sympy, self._sources), float(equation.complexity), equation)
        except ValueError:  # it can't be written down: the search goes on without it
            return None

    def formula(self, source: str, complexity: float, equation: Any = None) -> HallFormula | None:
        """The formula of a text; None where it has no values on the rows.

        Args:
            source: The text, in which columns have their names, or x_1, x_2, … where these are no identifiers.
            complexity: Of the formula, as the search had it.
            equation: The `Equation` that it comes from, if there is one.

        Raises:
            ValueError: For a text that is no formula.
        """
        from kanwidget.symbolic.writing.formula_source import from_source

        expression = from_source(source, self._names)  # `_names`: what columns are called in texts
        # On the rows that errors are shown for (test rows, if there are any), and on the training rows.
        error, train_error = (self._error(expression, *rows) for rows in (self._judged, self._train))
        if not math.isfinite(error + train_error):
            return None
        values = self._values(expression, self._shown)  # on the rows that the page draws
        return HallFormula(source, complexity, error, train_error, self._writing(expression), values, equation)

    def from_file(self, session: Session, rows: list[FormulaRow]) -> list[HallFormula]:
        """The formulas of a saved session as its search had them; those without values on the rows are left out.

        Args:
            session: Its data are those of the search.
            rows: Of each formula the text, the complexity, and the error on held-out rows.

        Raises:
            ValueError: For a text that is no formula.
        """
        from kanwidget.discovery.fronts.front import EquationReader
        from kanwidget.symbolic.writing.formula_source import from_source, source_symbols

        reader, read = EquationReader(searched_data(session)), []
        # A text may call a column otherwise than the table of the search: `own` leads from the symbols of the one to those of the other.
        symbols = source_symbols(distinct(session.in_vars))
        own = dict(zip(source_symbols(self._names), symbols, strict=True))
        for source, complexity, held_out in rows:
            if (formula := self.formula(source, complexity)) is not None:
                expression = from_source(source, self._names).xreplace(own)
                read.append(replace(formula, equation=reader.equation(expression, complexity, held_out)))
        return read

    def text(self, source: str) -> str:
        """The formula of a text, `source`, on one line, as the page writes it."""
        from kanwidget.symbolic.writing.formula_source import from_source

        return self._writing(from_source(source, self._names))["text"]

    def _values(self, expression: sympy.Expr, x: Tensor) -> Tensor:
        """The values of a formula at the rows x, `(rows, columns)`: `(rows,)`, on the CPU; not finite where it has none."""
        from kanwidget.symbolic import to_numpy
        from kanwidget.symbolic.writing.formula_source import source_symbols

        names = self._names  # what columns are called in the texts of formulas
        return torch.as_tensor(to_numpy(expression, source_symbols(names))(x.detach().cpu().double().numpy()))

    def _error(self, expression: sympy.Expr, x: Tensor, label: Tensor, weight: Tensor | None) -> float:
        """The root mean squared error of a formula at the rows x, `(rows, columns)`, with labels `(rows, 1)`, weights `(rows,)` or None."""
        return math.sqrt(mean_of_rows((self._values(expression, x) - label[:, 0].detach().cpu()).square(), weight))

    def _writing(self, expression: sympy.Expr) -> Writing:
        """A formula as a page writes it, without round-off: how large each column is (`_sizes`) says what round-off is.

        `_display` has the columns' names on the page, by their names in texts.
        """
        from kanwidget.symbolic import tidy

        return writing(tidy(expression, sizes=self._sizes), self._display, most=_MOST_TEXT)


def with_rivals(front: Sequence[Equation], rivals: Sequence[Equation]) -> list[Equation]:
    """The formulas of a front and their rivals, which the rows can't tell from the best one, from simple to accurate; each once."""
    others = [rival for rival in rivals if not any(rival is equation for equation in front)]
    return sorted([*front, *others], key=lambda equation: equation.complexity)


def searched_data(session: Session) -> Dataset:
    """The table of a search: as the network is trained, each column by a name of its own."""
    return replace(session.run.trainer.data, in_vars=tuple(distinct(session.in_vars)), out_vars=session.out_vars)


def shown_rows(session: Session) -> tuple[Tensor, Tensor]:
    """Inputs, `(rows, columns)`, and labels, `(rows,)`, of the rows that a page draws: of the test data if there are any."""
    x, label, _ = judged_rows(session.data)
    rows = drawn_rows(x, _MOST_ROWS).cpu()
    return x.detach().cpu()[rows], label.detach().cpu()[rows, 0]


def spread(session: Session) -> float:
    """The error of the best constant, the mean, on the rows on which formulas are judged: the test rows if there are any."""
    _, label, weight = judged_rows(session.data)
    return _spread(label, weight)


def _spread(label: Tensor, weight: Tensor | None) -> float:
    """The standard deviation of labels, `(rows, 1)`, around their mean; rows count by `weight`, `(rows,)`, None for alike."""
    truth = label[:, 0].detach().cpu().double()
    return math.sqrt(mean_of_rows((truth - mean_of_rows(truth, weight)).square(), weight))
