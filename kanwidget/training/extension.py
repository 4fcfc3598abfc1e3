"""`extend`: a network's grid is refined step by step, as long as that makes the error on held-out rows smaller."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, TypeVar

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import History
from kanwidget.core.reference_data import order_columns
from kanwidget.datasets import Dataset
from kanwidget.datasets.validation import validation_folds
from kanwidget.surgery import refine, reseed
from kanwidget.surgery._record import record
from kanwidget.surgery.grids import KnotPlacement
from kanwidget.training.many import fit_many
from kanwidget.training.optimizers.table import pick_optimizer
from kanwidget.training.steps.settings import make_settings
from kanwidget.training.steps.training_data import prepare

AnyNetwork = TypeVar("AnyNetwork", bound=Network)
Grid = int | list[int]

#: A finer grid is worth it if it divides the held-out error by so much.
WORTH = 1.01
#: So many grids in a row without a gain end the extension: J0(20x) learns nothing new from G = 3 to 6.
_PATIENCE = 2
#: A held-out error below this, in scaled numbers, is exact: a finer grid would follow round-off.
_EXACT = 1e-9
#: `auto` doubles the grid, up to this one and as long as every coefficient has so many training rows: held-out rows tell where there are
#: too few.
FINEST, _ROWS_A_COEFFICIENT = 1000, 0.6
#: Random starts of a network that was never trained: one without hidden nodes has one minimum. Of the four-dimensional function of the
#: accuracy benchmark ([4, 2, 2, 1], G = 3) a third of all starts end in a poor one.
_STARTS, _DEEP_STARTS = 4, 12
#: Steps after which starts are compared.
_FIRST_STEPS = 60
#: Where knots go, in the order of preference: see docs/decisions/011-refining-inserts-knots.md.
PLACEMENTS: tuple[KnotPlacement, ...] = ("spread", "adapted")


@dataclass(frozen=True, slots=True)
class ExtensionStep:
    """A grid that an extension has tried."""

    networks: tuple[Network, ...]
    """The trained networks with this grid, one for each way to hold out rows; at the end the result alone."""
    grid: Grid
    """Its number of intervals, one for all layers or one a layer."""
    knots: KnotPlacement
    """Where its knots lie: `spread` (even, with samples in each interval) or `adapted`, see `refine`; `insert` on the first grid."""
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
        """Their error on the held-out rows, as in `StepRecord`; infinite where training failed."""
        losses = [min(_losses(history), default=math.inf) for history in self.histories]
        return math.sqrt(sum(loss**2 for loss in losses) / len(losses))

    @property
    def best_steps(self) -> int:
        """Training steps until the smallest held-out error, the middle of all."""
        counts = [losses.index(min(losses)) + 1 for losses in map(_losses, self.histories) if losses]
        return sorted(counts)[len(counts) // 2] if counts else 0

    @property
    def settled(self) -> bool:
        """Whether training ended at its smallest held-out error, so that it needn't be cut short."""
        return all(losses[-1] <= WORTH * min(losses) for losses in map(_losses, self.histories) if losses)


def _losses(history: History) -> list[float]:
    """The finite errors on held-out rows of a training."""
    losses = [record.validation_loss for record in history.records]
    return [loss for loss in losses if loss is not None and math.isfinite(loss)]


def extend(
    network: AnyNetwork,
    data: Any,
    grids: Sequence[int | Sequence[int]] | str = "auto",
    *,
    starts: int | str = "auto",
    steps: int = 100,
    target: float | None = None,
    seed: int = 0,
    progress: bool = True,
    **options: Any,
) -> AnyNetwork:
    """Train, refine the grid, train again, as long as that helps; returns a new network. See `KAN.extend` for the arguments."""
    ladder = extend_steps(network, data, grids, starts=starts, steps=steps, target=target, seed=seed, **options)
    bar, best = _bar(progress), None
    try:
        for step in ladder:
            best = step if best is None or step.helped else best
            _show(bar, step, best)
    except KeyboardInterrupt:
        if best is None:
            raise
        best = _interrupted(best)
    finally:
        if bar is not None:
            bar.close()
    assert best is not None  # the ladder has a grid
    return best.network  # type: ignore[return-value]


def _interrupted(best: ExtensionStep) -> ExtensionStep:
    """The best step, with a network whose history says that it was broken off."""
    network = copy.deepcopy(best.network)
    record(network, "extend", f"grid {best.grid} kept: interrupted, the held-out rows weren't learnt")
    history = getattr(network, "history", None)
    if isinstance(history, History):
        history.stop_reason = "interrupted"
    return replace(best, networks=(network,))


def extend_steps(
    network: Network,
    data: Any,
    grids: Sequence[int | Sequence[int]] | str = "auto",
    *,
    starts: int | str = "auto",
    steps: int = 100,
    target: float | None = None,
    seed: int = 0,
    **options: Any,
) -> Iterator[ExtensionStep]:
    """The grids of an extension one by one, each with its trained network; arguments as in `KAN.extend`.

    The last step is the result: the best grid once more, trained on all rows where some were held out.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x.sin(), n_var=1, train_num=100, ranges=(-3, 3))
        >>> [step.grid for step in extend_steps(KAN([1, 1]), data, [3, 6, 12])]
        [3, 6, 12, 12]
    """
    plan = _Plan(network, data, steps, seed, options)
    ladder = _ladder(network, grids, len(plan.folds[0].train_input))
    count = _starts(network, starts)
    if target is not None:
        _check.real(target, "target", "extend", low=0, open_low=True)
    return _climb(plan, ladder, count, target)


def _climb(plan: _Plan, ladder: list[Grid], starts: int, target: float | None) -> Iterator[ExtensionStep]:
    """All grids, until one reaches the target or several in a row don't help; then the best one again, finished."""
    best, failures, reason = plan.first(ladder[0], starts), 0, None
    path = [best]
    yield best
    for index, grid in enumerate(ladder):
        if index:
            step = plan.finer(best, grid)
            helped = step.validation_loss * WORTH < best.validation_loss
            best, failures = (step, 0) if helped else (best, failures + 1)
            path += [step] if helped else []
            yield replace(step, helped=helped)
        reason = plan.stop_reason(best, target, failures) or ("last grid" if index == len(ladder) - 1 else None)
        if reason:
            break
    assert reason is not None
    network = plan.finished(path)
    record(network, "extend", f"grid {best.grid} kept: {REASONS[reason]}")
    yield replace(best, networks=(network,), stop_reason=reason)


class _Plan:
    """The trainings of an extension: data with held-out rows, and the options of `fit`."""

    def __init__(self, network: Network, data: Any, steps: int, seed: int, options: dict[str, Any]) -> None:
        self.network = network
        self.steps = _check.integer(steps, "steps", "extend", low=1)
        self.seed = _check.integer(seed, "seed", "extend", low=0)
        for name in ("validation", "callbacks"):
            if name in options:
                _check.fail(name, "extend", "left out", options[name], "Give a Dataset with val_input and val_label.")
        self.given = order_columns(network, data, "extend")
        #: The start on the first grid, before any training.
        self.origin = network
        self.folds = validation_folds(self.given, "extend", seed=seed)
        self.options = self._geodesic(options)

    def _geodesic(self, options: dict[str, Any]) -> dict[str, Any]:
        """The options, with geodesic acceleration where the optimizer can do it: fits go down to round-off."""
        settings = make_settings(**options)
        if "geodesic_acceleration" in options or settings.lamb or self.network.dtype != torch.float64:
            return options
        network = copy.deepcopy(self.network)  # whose scales the first data settle
        prepared = prepare(network, self.folds[0], settings)
        method = pick_optimizer(settings, network, prepared.loss, len(self.folds[0].train_input))
        return options | {"geodesic_acceleration": method.name == "LM" and prepared.loss.root}

    def train(self, networks: Sequence[Network], data: list[Dataset], steps: int) -> list[History]:
        """Train networks in place, each on its data."""
        _, histories = fit_many(networks, data, steps=steps, progress=False, **self.options)
        if any(history.stop_reason == "interrupted" for history in histories):
            raise KeyboardInterrupt
        return histories

    def best_of(
        self, trials: Sequence[Sequence[Network]], grid: Grid, knots: Sequence[KnotPlacement], steps: int
    ) -> ExtensionStep:
        """Of several networks for each fold, or for the first ones, those with the smallest held-out error after a training."""
        data = [fold for trial in trials for fold in self.folds[: len(trial)]]
        histories = iter(self.train([network for trial in trials for network in trial], data, steps))
        trained = [
            ExtensionStep(tuple(trial), grid, name, tuple(islice(histories, len(trial))))
            for trial, name in zip(trials, knots, strict=True)
        ]
        return min(trained, key=lambda step: step.validation_loss)

    def stop_reason(self, best: ExtensionStep, target: float | None, failures: int) -> str | None:
        """Why no finer grid is tried, None for no reason."""
        if target is not None and best.validation_loss <= target:
            return "target"
        # In scaled numbers: a logarithm, or outputs of several sizes, have another unit than the labels.
        regression = self.given.train_label.is_floating_point()
        if regression and best.validation_loss <= _EXACT * best.network.scaling.error_unit:
            return "exact"
        return "nothing helps" if failures == _PATIENCE else None

    def first(self, grid: Grid, starts: int) -> ExtensionStep:
        """The best of several starts, on the first grid."""
        own = copy.deepcopy(self.network) if grid == _grid(self.network) else refine(self.network, grid)
        self.origin = own
        if starts > 1:
            untrained = [own, *(reseed(own, self.seed + index) for index in range(1, starts))]
            trials, steps = copy.deepcopy(untrained), min(_FIRST_STEPS, self.steps)
            found = self.best_of([[trial] for trial in trials], grid, ["insert"] * starts, steps).network
            self.origin = next(start for start, trial in zip(untrained, trials, strict=True) if trial is found)
        # All folds begin untrained, the one of the comparison, too: so their steps can be counted.
        return self.best_of([[copy.deepcopy(self.origin) for _ in self.folds]], grid, ["insert"], self.steps)

    def finer(self, best: ExtensionStep, grid: Grid) -> ExtensionStep:
        """The networks with a finer grid, their knots where they serve best."""
        pairs = [(network, self._inputs(fold)) for network, fold in zip(best.networks, self.folds, strict=True)]
        trials = [[refine(network, grid, knots=knots, x=x) for network, x in pairs] for knots in PLACEMENTS]
        return self.best_of(trials, grid, PLACEMENTS, self.steps)

    def _inputs(self, data: Dataset) -> Tensor:
        return data.train_input.to(self.network.device, self.network.dtype)

    def finished(self, path: Sequence[ExtensionStep]) -> Network:
        """The best network, trained on all rows where some were held out for the choice.

        Where the held-out rows had to cut trainings short, all of them are repeated with all rows, for as many steps: more would
        teach it the noise.
        """
        if self.given.val_input is not None:
            return path[-1].network
        if path[-1].settled:
            network = copy.deepcopy(path[-1].network)
            self.train([network], [self.given], self.steps)
            return network
        network = copy.deepcopy(self.origin)
        for step in path:
            if step is not path[0]:
                network = refine(network, step.grid, knots=step.knots, x=self._inputs(self.given))
            self.train([network], [self.given], step.best_steps)
        return network


#: What a stop reason means, for a person.
REASONS = {
    "target": "the held-out error has reached the target",
    "exact": "the held-out error is round-off",
    "nothing helps": "finer grids don't make the held-out error smaller",
    "last grid": "all grids have been tried",
}


def _ladder(network: Network, grids: Sequence[int | Sequence[int]] | str, rows: int) -> list[Grid]:
    """The grids to try, coarse ones first."""
    if isinstance(grids, str):
        _check.choice(grids, "grids", "extend", ("auto",))
        return doubled_grids(network, rows)
    if not isinstance(grids, Sequence) or not grids:
        expected = "'auto', or a list of at least one number of intervals"
        _check.fail("grids", "extend", expected, grids, "Write [10] for a single grid.")
    ladder: list[Grid] = [[*grid] if isinstance(grid, Sequence) else grid for grid in grids]
    for grid in ladder:
        if isinstance(grid, list) and len(grid) != network.depth:
            _check.fail("grids", "extend", f"made of numbers, or of lists of {network.depth}: one a layer", grid)
        for size in grid if isinstance(grid, list) else [grid]:
            _check.integer(size, "grids", "extend", low=1, advice="Each is a number of intervals, or one a layer.")
    return ladder


def doubled_grids(network: Network, rows: int, finest: int = FINEST) -> list[Grid]:
    """The network's own grid, doubled as long as each parameter has rows enough, and none has more intervals than `finest`.

    Examples:
        >>> from kanwidget import KAN
        >>> doubled_grids(KAN([1, 1], grid=3), rows=50)
        [3, 6, 12, 24, 48]
    """
    sizes = [network.layer(index).grid_size for index in range(network.depth)]
    splines = sum(int(network.layer(index).spline_on.sum()) for index in range(network.depth))
    if not splines:
        _check.fail("network", "extend", "one with splines", network, "All its edges are functions already.")
    ladder, factor = [_grid(network)], 2
    while max(sizes) * factor <= finest and splines * (max(sizes) * factor) * _ROWS_A_COEFFICIENT <= rows:
        finer = [size * factor for size in sizes]
        ladder.append(finer if len(set(finer)) > 1 else finer[0])
        factor *= 2
    return ladder


def _grid(network: Network) -> Grid:
    sizes = [network.layer(index).grid_size for index in range(network.depth)]
    return sizes if len(set(sizes)) > 1 else sizes[0]


def _starts(network: Network, starts: int | str) -> int:
    """The number of random starts; a network that was trained or edited has one."""
    if isinstance(starts, str):
        _check.choice(starts, "starts", "extend", ("auto",))
        deep = _STARTS if network.depth == 2 else _DEEP_STARTS
        return 1 if _is_begun(network) or network.depth == 1 else deep
    count = _check.integer(starts, "starts", "extend", low=1)
    if count > 1 and _is_begun(network):
        advice = "Other starts would lose what it has learnt: leave `starts` out, or give a new network."
        _check.fail("starts", "extend", "1 for a network that was trained or edited", starts, advice)
    return count


def _is_begun(network: Network) -> bool:
    """Whether a network was trained or edited by hand."""
    history = getattr(network, "history", History())
    layers = [network.layer(index) for index in range(network.depth)]
    edited = any(bool((~layer.spline_on | layer.frozen).any()) or layer.symbols or layer.ties for layer in layers)
    return bool(history.records or history.events) or edited


def _bar(progress: bool) -> Any:
    if not isinstance(progress, bool):
        _check.fail("progress", "extend", "True or False", progress)
    if not progress:
        return None
    from tqdm.auto import tqdm

    return tqdm(desc="extend", unit="grid", leave=True)


def _show(bar: Any, step: ExtensionStep, best: ExtensionStep) -> None:
    if bar is None:
        return
    bar.set_postfix_str(
        f"grid {step.grid} · held-out {step.validation_loss:.2e} · best grid {best.grid}", refresh=False
    )
    bar.update()
