"""Queries of network, errors, history and formula, which change nothing; and settings: attributes that act on the next step."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget.core import History
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.network import Refine
from kanwidget.explorer.commands.training import Set
from kanwidget.explorer.commands.view import Rank
from kanwidget.explorer.describe.formula import distinct
from kanwidget.explorer.describe.history import history, pareto_front
from kanwidget.explorer.describe.panels.front import front_points
from kanwidget.explorer.describe.panels.parity import parity
from kanwidget.explorer.describe.panels.surface import axes, checked, surface
from kanwidget.explorer.describe.snapshot import status
from kanwidget.explorer.files.panel_tables import predictions
from kanwidget.explorer.methods.base import MethodGroup
from kanwidget.explorer.session.view import SurfaceView
from kanwidget.kan import KAN

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kanwidget.insight.plot.style import ThemeName


class QueryMethods(MethodGroup):
    """The queries of `KANExplorer`."""

    @property
    def model(self) -> KAN:
        """A copy of the network as it is now.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.model
            KAN([2, [2, 1], 1], grid=3, k=3, 11 active edges)
        """
        return self._driver.ask(lambda: self._session.run.model_with_history())

    @property
    def history(self) -> History:
        """Steps and events so far.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(2)
            >>> len(explorer.history)
            2
        """
        return self._driver.ask(lambda: self._session.run.history())

    @property
    def states(self) -> list[dict[str, Any]]:
        """The states of the undo tree, for undo, redo and goto: id, parent, label, kind, step, error.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> [state["label"] for state in explorer.states]
            ['start', 'prune x₁ → h₁,₁']
        """
        return self._driver.ask(lambda: [dict(state) for state in history(self._session)["states"]])

    @property
    def pareto_front(self) -> list[dict[str, Any]]:
        """The states of the history that no other state beats in both complexity (free parameters) and error.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> [state["label"] for state in explorer.pareto_front]
            ['start']
        """
        return self._driver.ask(lambda: pareto_front(self._session))

    def plot_front(self, *, theme: ThemeName = "auto", title: Any = None) -> Figure:
        """Draw the error of every state against its size, and the front that nothing smaller beats with its formulas.

        The last expression of a cell shows the figure; elsewhere `display(figure)` does, and `figure.savefig` writes it.

        Args:
            theme: `light`, `dark`, or `auto`: transparent, in colours that can be read on both.
            title: Above the drawing.

        Returns:
            A figure with one axes.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(2)
            >>> len(explorer.plot_front().axes)
            1
        """
        from kanwidget.insight.plot import shown
        from kanwidget.insight.plot.front import plot_front

        points, best, name = self._driver.ask(lambda: front_points(self._session))
        return shown(plot_front(points, best, ("free parameters", name), theme=theme, title=title))

    def parity(self) -> dict[str, Any]:
        """Truth and prediction of every part of the data, `(outputs, 2, rows)`, at most 500 rows of each; for classes a table of counts.

        Such a table is `(classes, classes)`: how many rows of a class (first index) are predicted as another. The keys are `train`, `test`
        and `val`, as far as the data have them.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.parity()["train"].shape
            torch.Size([1, 2, 500])
        """
        arrays = self._driver.ask(lambda: parity(self._session)[1])
        # The panel also gets the differences of both, which a drawing needs in full precision.
        return {name: array for name, array in arrays.items() if not name.endswith("_error")}

    def predictions(self) -> Any:
        """Every row of the data with its prediction and error, as a pandas frame; of classes also the probabilities.

        Columns are those of the data, before them `part` (`train` or `test`), after them the predictions, in own units;
        `save_panel("fit", "predictions.csv")` writes the same without pandas.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> list(KANExplorer.demo("product").predictions())
            ['part', 'x_1', 'x_2', 'y', 'y predicted', 'y error']
        """
        columns = self._driver.ask(lambda: predictions(self._session))
        return _pandas("predictions", "save_panel('fit', 'predictions.csv') does without").DataFrame(columns)

    def surface(
        self, x: int = 0, y: int | None = None, output: int = 0, at: Sequence[float | None] = ()
    ) -> dict[str, Any]:
        """The output over one or two inputs of the data, with all other inputs at their medians, or at the values `at`.

        Args:
            x: Number of the column across, from 0.
            y: Number of the column upwards; None for a line over x alone.
            output: Number of the output, from 0; for classes the probability of this one is drawn.
            at: A value for each column, in its own unit, None for its median; those of x and y don't count. Empty for medians alone.

        Returns:
            `x` and, with two inputs, `y`: values on the axes; `z`: `(len(y), len(x))`, or `(1, len(x))`.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.surface(x=0, y=1)["z"].shape
            torch.Size([40, 40])
        """
        view = checked(self._open, SurfaceView(x, y, output, tuple(at)))
        payload, arrays = self._driver.ask(lambda: surface(self._session, view))
        across, up = axes(payload, arrays["z"])
        return {"x": across, **({} if up is None else {"y": up}), "z": arrays["z"]}

    @property
    def status(self) -> dict[str, Any]:
        """State, step, losses, milliseconds a step, and the stop reason.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.status["state"], explorer.status["step"]
            ('idle', 0)
        """
        return dict(status(self._open, self._driver.kind))

    @property
    def formula(self) -> Any:
        """The network as a sympy expression in the columns' own units; a list of them for several outputs.

        Columns of one name get numbers, as on the page.

        A property, as all that shows the explorer's state; `KAN.formula()` is a method, which takes names and options.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> sorted(map(str, explorer.formula.free_symbols))
            ['x_1', 'x_2']
        """
        names = distinct(self._session.in_vars)
        expressions, _ = self._driver.ask(lambda: self._session.model.symbolic_formula(names))
        return expressions[0] if len(expressions) == 1 else expressions

    def to_dict(self) -> dict[str, list[float]]:
        """The history by columns.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(2)
            >>> explorer.to_dict()["step"]
            [1, 2]
        """
        return self.history.to_dict()

    def to_pandas(self) -> Any:
        """The history as a pandas frame, one row a step.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.step(2)
            >>> len(explorer.to_pandas())
            2
        """
        return _pandas("to_pandas", "to_dict() does without").DataFrame(self.to_dict())


def _pandas(where: str, advice: str) -> Any:
    """The module pandas, or an ImportError that names the method that needs it, `where`, and says how to do without, `advice`."""
    try:
        return import_module("pandas")
    except ImportError:
        _check.refuse(ImportError(f"{where} needs pandas: pip install 'kanwidget[data]'. {advice}."))


class SettingMethods(MethodGroup):
    """The settings of `KANExplorer`; assigning to one is a command."""

    @property
    def lamb(self) -> float:
        """Weight of the penalty that makes edges vanish; acts on the next step.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.lamb = 0.01
            >>> explorer.lamb
            0.01
        """
        return self._open.run.trainer.settings.lamb

    @lamb.setter
    def lamb(self, value: float) -> None:
        self._driver.apply(Set(lamb=_check.real(value, "lamb", "KANExplorer", low=0)))

    @property
    def grid(self) -> int:
        """Number of grid intervals; a larger number keeps the functions exactly.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.grid = 5
            >>> explorer.grid
            5
        """
        return self._open.model.grid

    @grid.setter
    def grid(self, value: int) -> None:
        self._driver.apply(Refine(fields.grid(value)))

    @property
    def opt(self) -> str:
        """The optimizer; setting it makes a new one.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.opt = "Adam"
            >>> explorer.opt
            'Adam'
        """
        return self._open.run.trainer.settings.opt

    @opt.setter
    def opt(self, value: str) -> None:
        self._driver.apply(Set(opt=_check.choice(value, "opt", "KANExplorer", self._open.run.optimizers)))

    @property
    def lr(self) -> float | None:
        """Learning rate of gradient methods, None for each method's default.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.lr = 0.01
            >>> explorer.lr
            0.01
        """
        return self._open.run.trainer.settings.lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._driver.apply(Set(lr=_check.real(value, "lr", "KANExplorer", low=0, open_low=True)))

    @property
    def batch(self) -> int | None:
        """Rows of a minibatch, None for all rows; only gradient methods have minibatches.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.opt = "Adam"
            >>> explorer.batch = 50
            >>> explorer.batch
            50
        """
        return self._open.run.trainer.settings.batch

    @batch.setter
    def batch(self, value: int | None) -> None:
        # None stands for a setting that isn't changed: all rows are -1.
        self._driver.apply(Set(batch=-1 if value is None else _check.integer(value, "batch", "KANExplorer", low=1)))

    @property
    def noise(self) -> float:
        """Noise on the training labels, in units of their standard deviation (for classes: the part with a random class).

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.noise = 0.1
            >>> explorer.noise
            0.1
        """
        return self._open.run.noise

    @noise.setter
    def noise(self, value: float) -> None:
        self._driver.apply(Set(noise=_check.real(value, "noise", "KANExplorer", low=0)))

    @property
    def simplicity(self) -> float:
        """How candidates are ranked: 0 by accuracy alone, 1 by simplicity alone.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.simplicity = 1
            >>> explorer.simplicity
            1.0
        """
        return self._open.candidates.simplicity

    @simplicity.setter
    def simplicity(self, value: float) -> None:
        self._driver.apply(Rank(_check.real(value, "simplicity", "KANExplorer", low=0, high=1)))
