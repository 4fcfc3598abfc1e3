"""The search for formulas as methods: begin, hold, go on, end; and the formula that becomes the network."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget.explorer.commands.discovery.search import SECONDS, FindFormulas, PauseSearch, ResumeSearch, StopSearch
from kanwidget.explorer.commands.discovery.use_formula import UseFormula
from kanwidget.explorer.describe.formula import distinct
from kanwidget.explorer.guide.discovery import hall_of
from kanwidget.explorer.methods.train import WAIT_SECONDS, TrainMethods

if TYPE_CHECKING:
    from kanwidget.discovery import Equation


class DiscoveryMethods(TrainMethods):
    """The methods of `KANExplorer` that find formulas beside its network."""

    def discover(
        self, *, seconds: float = SECONDS, seed: int = 0, steps: int | None = None, wait: bool = True
    ) -> list[Equation]:
        """Search for formulas of the data; the network stays as it is. The page shows them while they come.

        Args:
            seconds: How long, > 0.
            seed: Of the search.
            steps: Steps of the search in place of seconds; as many of them find the same formulas again.
            wait: Whether this call lasts as long as the search. Ctrl-C and ■ then stop it, and so does a pause on the page.

        Returns:
            The formulas so far, from simple to accurate, as `kanwidget.discover` gives them.

        Raises:
            ValueError: For classes, and for several targets.
            RuntimeError: For a search that fails, whose formulas so far stay in `formulas`.

        Examples:
            >>> from kanwidget import KANExplorer, load_planets
            >>> explorer = KANExplorer(load_planets())
            >>> formulas = explorer.discover(steps=20)
            >>> explorer.use_formula(formulas[-1])
            >>> explorer.fit_formula().name
            'period'
        """
        chosen = _check.real(seconds, "seconds", "discover", low=0, open_low=True)
        seed = _check.integer(seed, "seed", "discover", low=0)
        steps = None if steps is None else _check.integer(steps, "steps", "discover", low=1)
        command = FindFormulas(chosen, seed, steps)
        _check.boolean(wait, "wait", "discover")
        if self._driver.kind == "thread" or not wait:
            self._driver.start(command)
            if wait:
                self._wait_for_search()
        else:
            self._train(command)
            if self._session.discoveries.paused:  # by Ctrl-C: nobody else could
                self._train(StopSearch())
        search = self._session.discoveries.search
        if wait and search is not None and search.state == "failed":
            raise RuntimeError(f"the search for formulas has failed: {search.error}") from search.error
        return self.formulas

    def _wait_for_search(self) -> None:
        """Wait until the search ends or is held, or the explorer is closed; Ctrl-C stops the search, a second one at once."""
        search = self._session.discoveries.search
        while search is not None and search.busy and not self._driver.closed:
            try:
                with self._stepped:  # a condition; at the latest after `WAIT_SECONDS` it looks again
                    self._stepped.wait(WAIT_SECONDS)
            except KeyboardInterrupt:
                self.stop_search()

    @property
    def formulas(self) -> list[Equation]:
        """The formulas that searches have found for the session's data, from simple to accurate; a session from a file has them too.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> KANExplorer.demo("product").formulas
            []
        """
        front = self._driver.ask(lambda: hall_of(self._session).front)
        return [formula.equation for formula in front]

    def pause_search(self) -> None:
        """Hold the search for formulas where it is; nothing happens without one.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> _ = explorer.discover(wait=False)
            >>> explorer.pause_search()
            >>> explorer.resume_search()
            >>> explorer.stop_search()
        """
        self._driver.apply(PauseSearch())

    def resume_search(self) -> None:
        """Let a search that is held go on; nothing happens without one.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> KANExplorer.demo("product").resume_search()
        """
        self._driver.apply(ResumeSearch())

    def stop_search(self) -> None:
        """End the search for formulas. Those that it has found are finished, within a moment: exact numbers in place of constants
        where they are as good, and constants fitted to all rows. A second call ends that too. Nothing happens without a search.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> KANExplorer.demo("product").stop_search()
        """
        self._driver.apply(StopSearch())

    def use_formula(self, formula: Any) -> None:
        """Put the network of a formula in place of the current one; `undo()` brings that back.

        Args:
            formula: One of `formulas`, a sympy expression in the names of the columns, or its text: `"2*exp(-x_1) + x_2"`.
                Columns whose names aren't identifiers are `x_1`, `x_2`, … in a text.

        Raises:
            TypeError: For anything else.
            ValueError: For a text that is no formula of the columns, for one without a value in some row of the data, and for functions
                that networks don't have.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.use_formula("2*x_1*x_2")
            >>> explorer.formula
            2.0*x_1*x_2
            >>> explorer.undo()
        """
        self._driver.apply(UseFormula(source=self._source(formula)))

    def _source(self, formula: Any) -> str:
        """The text of a formula, in which columns whose names aren't identifiers are `x_1`, `x_2`, ….

        Args:
            formula: A text, which is returned as it is, a sympy expression, or what has one as `sympy`.
        """
        if isinstance(formula, str):
            return formula
        from kanwidget.symbolic.writing.formula_source import source_names, to_source

        expression, columns = getattr(formula, "sympy", formula), self._open.in_vars
        if not hasattr(expression, "free_symbols"):
            expected = "one of explorer.formulas, a sympy expression, or its text"
            _check.fail("formula", "use_formula", expected, formula, error=TypeError)
        return to_source(expression, dict(zip(distinct(columns), source_names(columns), strict=True)))
