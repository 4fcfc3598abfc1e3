"""The trainings of an extension: several starts on the first grid, then finer grids with their knots in several places."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import History
from kanwidget.core.reference_data import order_columns
from kanwidget.datasets import Dataset
from kanwidget.datasets.validation import validation_folds
from kanwidget.surgery import refine, reseed
from kanwidget.training.many import fit_many
from kanwidget.training.optimizers.table import pick_optimizer
from kanwidget.training.steps.settings import make_settings
from kanwidget.training.steps.training_data import prepare

Grid = int | list[int]

#: A finer grid is worth it if it divides the held-out error by so much.
WORTH = 1.01
#: So many grids in a row without a gain end the extension: J0(20x) learns nothing new from G = 3 to 6.
_PATIENCE = 2
#: A held-out error below this, in scaled numbers, is exact: a finer grid would follow round-off.
_EXACT = 1e-9
#: Steps after which starts are compared.
_FIRST_STEPS = 60
#: Of the starts so many are compared again on the next grids, half as many on each: on the first one a start that ends in a poor form
#: looks as good as the others.
_FINALISTS, _MORE_GRIDS = 4, 2
#: Where the knots of finer grids go: options of `refine`. Those of `smooth` are even and reach beyond the samples by a twelfth of their
#: range at each end, as far as activations of other rows come.
PLACEMENTS: dict[str, dict[str, Any]] = {
    "smooth": {"knots": "adapted", "grid_eps": 1.0, "margin": 0.08},
    "spread": {"knots": "spread"},
    "adapted": {"knots": "adapted"},
}
#: Where `smooth` divides the held-out error by so much there is no noise to be learnt, and the others aren't tried: held-out rows are too
#: few to show its worth in the tails.
_CLEAR = 2.0
#: Weight of the roughness with `smooth`, see `fit`, and its finest grid: sixth differences of finer ones are round-off.
_SMOOTHNESS, _FINEST_SMOOTH = 1e-10, 200
#: From this grid on trainings go by rounds of so many steps, and end with one that hasn't divided the held-out error by so much. Coarser
#: networks follow valleys that are long and cost little.
_FINE, _ROUND, _ROUND_GAIN = 32, 20, 1.05


@dataclass(frozen=True, slots=True)
class ExtensionStep:
    """A grid that an extension has tried."""

    networks: tuple[Network, ...]
    """The trained networks with this grid, one for each way to hold out rows; at the end the result alone."""
    grid: Grid
    """Its number of intervals, one for all layers or one a layer."""
    knots: str
    """Where its knots lie: `spread` or `adapted` as by `refine`, `smooth` (even, the splines trained with `smoothness`); `own` on the
    first grid."""
    histories: tuple[History, ...]
    """Of their last trainings."""
    helped: bool = True
    """Whether it is better than all before by more than one percent."""
    stop_reason: str | None = None
    """On the last step: `target`, `exact`, `nothing helps` or `last grid`."""

    @property
    def network(self) -> Network:
        """The first network; at the end the result."""
        return self.networks[0]

    @property
    def validation_loss(self) -> float:
        """The error on held-out rows, root mean square over the networks (one a way to hold out rows), each at its best step.

        It is infinite where a training failed.
        """
        losses = [min(_losses(history)) for history in self.histories]
        return math.sqrt(sum(loss**2 for loss in losses) / len(losses))

    @property
    def best_steps(self) -> int:
        """Training steps until the smallest held-out error, the median over the networks (one a fold); 0 where no error was finite."""
        counts = [losses.index(min(losses)) + 1 for losses in map(_losses, self.histories) if min(losses) < math.inf]
        return sorted(counts)[len(counts) // 2] if counts else 0

    @property
    def settled(self) -> bool:
        """Whether every training ended within one percent of its smallest held-out error, so that it needn't be cut short."""
        return all(losses[-1] <= WORTH * min(losses) for losses in map(_losses, self.histories))


def _losses(history: History) -> list[float]:
    """The errors on held-out rows of a training, a number a step, infinite where there is none or it isn't finite; never empty."""
    losses = [record.validation_loss for record in history.records]
    return [loss if loss is not None and math.isfinite(loss) else math.inf for loss in losses] or [math.inf]


def _joined(history: History, more: History) -> History:
    """The history of a training and a further one, as if they were one.

    The further one began in the best state of the first, so that steps of the first after its smallest held-out error are left out.
    """
    losses = _losses(history)
    end = losses.index(min(losses)) + 1 if min(losses) < math.inf else len(losses)
    return replace(more, records=[*history.records[:end], *more.records])


def grid_of(network: Network, factor: int = 1) -> Grid:
    """A network's number of intervals, times a factor; a list with one a layer where the layers differ."""
    sizes = [factor * layer.grid_size for layer in network.layers]
    return sizes if len(set(sizes)) > 1 else sizes[0]


def _decides(best: ExtensionStep, trial: ExtensionStep) -> bool:
    """Whether a trial with smooth knots makes the other placements of the knots on its grid needless.

    Smooth knots are even, and their splines trained to be smooth. The others are needless where the trial halves the held-out error of
    `best`, the best coarser grid, or where that is smooth, too, and the trial doesn't make the error smaller by one percent. Rougher
    splines from there haven't been seen to help then, and cost the most.
    """
    if trial.knots != "smooth":
        return False
    in_vain = best.knots == "smooth" and trial.validation_loss * WORTH >= best.validation_loss
    return in_vain or trial.validation_loss * _CLEAR < best.validation_loss


def placements(grid: Grid, *, smooth: bool = True) -> list[str]:
    """The placements of knots that a grid is tried with, at most: names of `PLACEMENTS`, which has the options of `refine` for each.

    Args:
        grid: The number of intervals, or a list with one a layer.
        smooth: Whether `smooth`, even knots with splines trained to be smooth, may be one: not without hidden nodes. They help where an
            activation has thin tails, few rows at its ends, and inputs have none.

    Examples:
        >>> placements(10), placements(40)
        (['spread', 'adapted'], ['smooth', 'spread', 'adapted'])
    """
    # On coarser grids smooth splines err more than others; on finer ones their sixth differences are mere round-off.
    fits = smooth and _FINE <= finest_of(grid) <= _FINEST_SMOOTH
    return [knots for knots in PLACEMENTS if fits or knots != "smooth"]


def finest_of(grid: Grid) -> int:
    """The most intervals of a layer: the number of a grid, or the largest of its list."""
    return max(grid) if isinstance(grid, list) else grid


class Trainings:
    """The trainings of an extension: data with held-out rows, and the options of `fit`.

    Args:
        network: The network before the extension; it isn't changed.
        data: Data as for `fit`.
        steps: Most steps of each training, ≥ 1.
        seed: Of the held-out rows and the random starts.
        options: Of `fit`.
    """

    def __init__(self, network: Network, data: Any, steps: int, seed: int, options: dict[str, Any]) -> None:
        self.network = network  # as before the extension: it isn't changed
        self.steps = _check.integer(steps, "steps", "extend", low=1)
        self.seed = _check.integer(seed, "seed", "extend", low=0)
        for name in ("validation", "callbacks"):
            if name in options:
                _check.fail(name, "extend", "left out", options[name], "Give a Dataset with val_input and val_label.")
        #: All data, the columns in the network's order.
        self.all_data = order_columns(network, data, "extend")
        #: The best start on the first grid, before any training: `first` finds it, until then the network.
        self.untrained = network
        #: The data with some rows held out, in one way or in several.
        self.folds = validation_folds(self.all_data, "extend", seed=seed)
        # Grids are chosen by held-out rows, and fits go down to round-off: evidence would smooth them.
        options = {"evidence": False} | options
        #: Options of `fit` for every training, and further ones of trainings with smooth knots; none where there are no such trainings.
        self.options, self.smooth_options = options, {}
        if self._exact(options):
            self.options = {"geodesic_acceleration": True} | options
            self.smooth_options = {"smoothness": _SMOOTHNESS, "update_grid": False} | options

    def _exact(self, options: dict[str, Any]) -> bool:
        """Whether trainings with these options of `fit` go down to round-off: they then take geodesic acceleration and smooth grids.

        They do by Levenberg-Marquardt on squared errors in double precision, without a penalty.
        """
        settings = make_settings(**options)
        if settings.lamb or self.network.dtype != torch.float64:
            return False
        network = copy.deepcopy(self.network)  # whose scales the first data settle
        prepared = prepare(network, self.folds[0], settings)
        method = pick_optimizer(settings, network, prepared.loss, len(self.folds[0].train_input))
        return method.name == "LM" and prepared.loss.root

    def train(
        self, networks: Sequence[Network], data: Sequence[Dataset], steps: int, knots: str = "own"
    ) -> list[History]:
        """Train networks in place, each on the data in the same place; returns their histories.

        Args:
            networks: The networks.
            data: A dataset for each.
            steps: Steps of each training.
            knots: Where the knots lie, see `ExtensionStep`; those of `smooth` are trained with `smoothness`.

        Raises:
            KeyboardInterrupt: If a training was interrupted: `fit_many` ends quietly, but the extension has to end, too.
        """
        options = self.options | (self.smooth_options if knots == "smooth" else {})
        _, histories = fit_many(networks, [*data], steps=steps, progress=False, **options)
        if any(history.stop_reason == "interrupted" for history in histories):
            raise KeyboardInterrupt
        return histories

    def on_folds(self, networks: Sequence[Network], grid: Grid, knots: str, steps: int) -> ExtensionStep:
        """Train networks in place, one on each fold, which is a way to hold out rows; returns them as a step of the extension.

        `grid` and `knots` say which grid they have and how its knots lie, as in `ExtensionStep`; `steps` are those of each training.
        """
        return ExtensionStep(tuple(networks), grid, knots, tuple(self.train(networks, self.folds, steps, knots)))

    def in_rounds(self, networks: Sequence[Network], grid: Grid, knots: str) -> ExtensionStep:
        """The networks, one a fold, trained in rounds of 20 steps, as long as each divides the held-out error by 1.05; see `on_folds`.

        A coarse grid has a single round of all steps: its networks follow valleys that are long and cost little.
        """
        size = min(_ROUND, self.steps) if finest_of(grid) >= _FINE else self.steps
        step = self.on_folds(networks, grid, knots, size)
        for done in range(size, self.steps, size):
            loss = step.validation_loss
            more = self.train(step.networks, self.folds, min(size, self.steps - done), step.knots)
            step = replace(step, histories=tuple(map(_joined, step.histories, more)))
            if not step.validation_loss * _ROUND_GAIN < loss:
                break
        return step

    def stop_reason(self, best: ExtensionStep, target: float | None, failures: int) -> str | None:
        """Why the extension tries no finer grid: `target`, `exact` or `nothing helps`; None while it goes on.

        Args:
            best: The best grid until now.
            target: Held-out error that is good enough; None for none.
            failures: Number of grids in a row that didn't help.
        """
        if target is not None and best.validation_loss <= target:
            return "target"
        # `error_unit` is an error of 1 in scaled numbers: a logarithm, or outputs of several sizes, have another unit than the labels.
        regression = self.all_data.train_label.is_floating_point()
        if regression and best.validation_loss <= _EXACT * best.network.scaling.error_unit:
            return "exact"
        return "nothing helps" if failures == _PATIENCE else None

    def first(self, ladder: Sequence[Grid], starts: int) -> ExtensionStep:
        """The best of `starts` random starts, trained on all folds with the first grid of a ladder.

        Starts are compared on that grid and on the next two of the ladder, coarse to fine. A fold is a way to hold out rows. `untrained`
        keeps the best start.
        """
        grid = ladder[0]
        own = copy.deepcopy(self.network) if grid == grid_of(self.network) else refine(self.network, grid)
        untrained = [own, *(reseed(own, self.seed + index) for index in range(1, starts))]
        self.untrained = self._best_start(untrained, ladder[1 : 1 + _MORE_GRIDS]) if starts > 1 else own
        # All folds begin untrained, the one of the comparison, too: so their steps can be counted.
        return self.on_folds([copy.deepcopy(self.untrained) for _ in self.folds], grid, "own", self.steps)

    def _best_start(self, untrained: Sequence[Network], grids: Sequence[Grid]) -> Network:
        """The untrained start whose trained copy has the smallest held-out error on the first fold.

        Args:
            untrained: Starts on the first grid; they aren't changed.
            grids: Finer grids on which the best few copies are trained and compared again.
        """
        steps, fold = min(_FIRST_STEPS, self.steps), self.folds[0]
        trials = list(zip(untrained, copy.deepcopy([*untrained]), strict=True))
        for number in range(1 + len(grids)):
            if number:
                spread = PLACEMENTS["spread"]
                trials = [(start, refine(n, grids[number - 1], x=self._inputs(fold), **spread)) for start, n in trials]
            histories = self.train([network for _, network in trials], [fold] * len(trials), steps)
            errors = [min(_losses(history)) for history in histories]
            order = sorted(range(len(trials)), key=errors.__getitem__)
            # Four go on to the next grid, then two, then one.
            trials = [trials[index] for index in order[: max(_FINALISTS >> number, 1)]]
        return trials[0][0]

    def finer(self, best: ExtensionStep, grid: Grid) -> ExtensionStep:
        """The networks of `best` refined to a finer grid and trained, with the placement of knots whose held-out error is smallest."""
        pairs = [(network, self._inputs(fold)) for network, fold in zip(best.networks, self.folds, strict=True)]
        trials: list[ExtensionStep] = []
        for knots in placements(grid, smooth=bool(self.smooth_options) and self.network.depth > 1):
            networks = [refine(network, grid, x=x, **PLACEMENTS[knots]) for network, x in pairs]
            trials.append(self.in_rounds(networks, grid, knots))
            if _decides(best, trials[0]):
                break
        return min(trials, key=lambda step: step.validation_loss)

    def _inputs(self, data: Dataset) -> Tensor:
        """The training inputs, `(rows, n_features)`, in the network's type and on its device."""
        return data.train_input.to(self.network.device, self.network.dtype)

    def finished(self, path: Sequence[ExtensionStep]) -> Network:
        """The best network, trained on all rows where some were held out for the choice. `path` has the grids that helped, in order.

        Where the held-out rows had to cut trainings short, all of them are repeated with all rows, for as many steps: more would
        teach it the noise. A smooth one stays as it is: its data have hardly any noise, and without held-out rows to return to, its
        thin tails (ends with few rows) can go astray, by a thousand times the labels in one of five seeds.
        """
        last = path[-1]
        # With validation data of the user's own no training rows were held out.
        if self.all_data.val_input is not None or last.knots == "smooth":
            return last.network
        if last.settled:  # no training was cut short
            network = copy.deepcopy(last.network)
            self.train([network], [self.all_data], min(2 * _ROUND, self.steps), last.knots)
            return network
        network = copy.deepcopy(self.untrained)
        for step in path:
            if step is not path[0]:
                network = refine(network, step.grid, x=self._inputs(self.all_data), **PLACEMENTS[step.knots])
            self.train([network], [self.all_data], step.best_steps, step.knots)
        return network
