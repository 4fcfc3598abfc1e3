"""Settings: attributes that act on the next step."""

from __future__ import annotations

from kanwidget import _check
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.network import Refine
from kanwidget.explorer.commands.training import Set
from kanwidget.explorer.commands.view import Rank
from kanwidget.explorer.methods.base import MethodGroup


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
