"""Going through the undo tree."""

from __future__ import annotations

from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.beginnings import Reset
from kanwidget.explorer.commands.history import BackToBest, Goto, GoToStep, Redo, Undo
from kanwidget.explorer.commands.training import UsePreset
from kanwidget.explorer.methods.base import MethodGroup


class UndoMethods(MethodGroup):
    """The methods of `KANExplorer` that go to other states."""

    def reset(self, seed: int | None = None) -> None:
        """Begin again from the initial network, or from another seed; logarithms that are in use stay.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(2)
            >>> explorer.reset(seed=1)
            >>> explorer.status["step"], explorer.model.seed
            (0, 1)
        """
        self._driver.apply(Reset(seed))

    def use_example(self, name: str) -> None:
        """Go on with another small problem; `undo` brings the current one back.

        Args:
            name: As for `KANExplorer.demo`.

        Raises:
            ValueError: For an explorer that `demo` hasn't made, and for a problem that isn't there.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.use_example("ripples")
            >>> explorer.model.width
            [[2, 0], [3, 0], [1, 0]]
            >>> explorer.undo()
            >>> explorer.model.width
            [[2, 0], [2, 1], [1, 0]]
        """
        self._driver.apply(UsePreset(name))

    def undo(self, n: int | None = None) -> None:
        """Go back to just before the last act. The steps of a training, from one act to the next, are an act as well.

        Args:
            n: How many acts; by default one. While it trains, the default takes the last act back with the steps since,
                and the training goes on.

        Raises:
            ValueError: If nothing comes before this state.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> explorer.undo()
            >>> explorer.model.layer(0).state(0, 0)
            'spline'
        """
        self._driver.apply(Undo(n))

    def redo(self) -> None:
        """Go forward to the act that was undone.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> explorer.undo()
            >>> explorer.redo()
            >>> explorer.model.layer(0).state(0, 0)
            'pruned'
        """
        self._driver.apply(Redo())

    def goto(self, state: int) -> None:
        """Go to a state of the history by its id, see `states`.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> explorer.goto(0)
            >>> [state["label"] for state in explorer.states]
            ['start', 'prune x₁ → h₁,₁']
        """
        self._driver.apply(Goto(fields.whole(state, "state", "goto")))

    def go_to_step(self, step: int) -> None:
        """Go back to a step of the training that led to the current state; `undo` takes this back.

        Not every step of a long training is kept: the nearest one is taken. A training in progress pauses.

        Args:
            step: Its number, as in `history`.

        Raises:
            ValueError: For a step that this training didn't take.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(5)
            >>> explorer.go_to_step(2)
            >>> explorer.status["step"], explorer.states[-1]["label"]
            (2, 'back to step 2')
            >>> explorer.undo()
            >>> explorer.status["step"]
            5
        """
        self._driver.apply(GoToStep(fields.whole(step, "step", "go_to_step")))

    def back_to_best(self) -> None:
        """Go back to the step with the lowest error since the last act: on the test data, without these on the training data.

        A training in progress pauses; `undo` takes this back. If the current step is the best, nothing happens.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(3)
            >>> explorer.back_to_best()
            >>> explorer.status["step"]
            3
        """
        self._driver.apply(BackToBest())
