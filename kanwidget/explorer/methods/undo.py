"""Going through the undo tree."""

from __future__ import annotations

from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.history import Goto, Redo, Reset, Undo
from kanwidget.explorer.methods.base import MethodGroup
from kanwidget.explorer.methods.tracebacks import plain_refusals


@plain_refusals
class UndoMethods(MethodGroup):
    """The methods of `KANExplorer` that go to other states."""

    def reset(self, seed: int | None = None) -> None:
        """Begin again from the initial network, or from another seed.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(2)
            >>> explorer.reset(seed=1)
            >>> explorer.status["step"], explorer.model.seed
            (0, 1)
        """
        self._apply(Reset(seed))

    def undo(self) -> None:
        """Go back to just before the last act.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> explorer.undo()
            >>> explorer.model.layer(0).state(0, 0)
            'spline'
        """
        self._apply(Undo())

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
        self._apply(Redo())

    def goto(self, state: int) -> None:
        """Go to a state of the history by its id, see `states`.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> explorer.goto(0)
            >>> [state["label"] for state in explorer.states]
            ['start', 'prune φ₀,₀,₀']
        """
        self._apply(Goto(fields.whole(state, "state", "goto")))
