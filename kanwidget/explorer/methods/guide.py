"""The three steps as methods: train, simplify, formula; and the next sensible act, as the page highlights it."""

from __future__ import annotations

from typing import Any

from kanwidget import _check
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.commands.extension import Extend
from kanwidget.explorer.commands.guide import FitFormula, Grow, Simplify, Train
from kanwidget.explorer.guide.notices import SessionNotice, notices
from kanwidget.explorer.guide.richer import asks_for_richer
from kanwidget.explorer.guide.steps import Act, guidance
from kanwidget.explorer.methods.train import TrainMethods
from kanwidget.explorer.session.session import Session


class GuideMethods(TrainMethods):
    """The methods of `KANExplorer` that lead from data to a formula."""

    def next_act(self) -> Act | None:
        """The act that the page highlights: its step, label and sentence. None while the explorer works, and once nothing is left to do.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo()
            >>> explorer.next_act().label
            'Train'
            >>> while act := explorer.next_act():
            ...     explorer.follow(act)
            >>> explorer.fitted_formula
            y = exp(x_2**2 + sin(pi*x_1))
        """
        return self._driver.ask(lambda: _next_act(self._session))

    def follow(self, act: Act) -> None:
        """Carry out an act of `next_act`, and wait for its end. ■ and Ctrl-C pause it and keep everything.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.follow(explorer.next_act())
            >>> explorer.next_act().label
            'Simplify'
        """
        if not isinstance(act, Act):
            _check.fail("act", "follow", "an act, as next_act() gives it", act, error=TypeError)
        for command in parse(act.message):
            self._train(command)

    def train(self) -> None:
        """Train until the error is flat, in this call, and keep the best step: the first of the three steps.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.train()
            >>> explorer.status["stop_reason"]
            'the error is flat'
        """
        self._train(Train())

    def grow(self) -> None:
        """Take the richer network that the evidence asks for: a finer grid, a product of two columns, or hidden nodes; trained.

        Where nobody has given a network `train()` does so by itself.

        Examples:
            >>> from kanwidget import KAN, KANExplorer, create_dataset
            >>> explorer = KANExplorer(KAN([2, 1]), create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200))
            >>> explorer.grow()
            >>> explorer.model.width
            [[2, 0], [1, 1], [1, 0]]
        """
        self._driver.apply(Grow())

    def simplify(self, *, bits: int | None = None) -> None:
        """Remove needless edges and put functions in place of curves, in this call: the second step. One `undo()` takes it back.

        Args:
            bits: Bits of work after which it pauses; None for all. The script of a session says so where it was paused.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.train()
            >>> explorer.simplify()
            >>> explorer.states[-1]["label"]
            'simplified'
        """
        self._train(Simplify(None if bits is None else _check.integer(bits, "bits", "simplify", low=0)))

    def extend(self, *, grids: int | None = None) -> None:
        """Refine the grid and train, as long as the error on held-out rows becomes smaller, in this call. One `undo()` takes it back.

        Training rows are held out for the choice, see `KAN.extend`; the last network has seen all of them.

        Args:
            grids: Grids after which it pauses; None for all. The script of a session says so where it was paused.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> before = explorer.grid
            >>> explorer.extend(grids=2)
            >>> explorer.grid > before
            True
        """
        self._train(Extend(None if grids is None else _check.integer(grids, "grids", "extend", low=1)))

    def fit_formula(self) -> Any:
        """Fit the constants of the formula to the data, with their errors: the third step. The network stays as it is.

        Raises:
            ValueError: If there is no such formula, for several outputs say.

        Examples:
            >>> from kanwidget import KAN, KANExplorer, create_dataset
            >>> from sympy import symbols
            >>> x, y = symbols("x y")
            >>> data = create_dataset(lambda x: x[:, [0]] ** 2 + x[:, [1]], n_var=2, train_num=50, test_num=50)
            >>> explorer = KANExplorer(KAN.from_formula(1.5 * x**2 + y), data)
            >>> explorer.fit_formula()
            y = x_1**2 + x_2
        """
        self._train(FitFormula())
        return self.fitted_formula

    @property
    def fitted_formula(self) -> Any:
        """The formula of the last `fit_formula`; None without one, and once the network has changed.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> KANExplorer.demo("product").fitted_formula is None
            True
        """
        result = self._driver.ask(lambda: self._session.formula_result)
        if result is not None and result.error is not None:
            _check.refuse(ValueError(result.error))
        return None if result is None else result.fitted

    @property
    def notices(self) -> list[SessionNotice]:
        """What the page says about the data and the training beside the steps, the most important first.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> KANExplorer.demo("product").notices
            []
        """
        return self._driver.ask(lambda: notices(self._session))


def _next_act(session: Session) -> Act | None:
    """The next act after all was tried that it depends on: the same from each script, however long the page has had."""
    if asks_for_richer(session):
        session.richer.finish()
    return guidance(session).act
