"""`search_architecture`: search for the smallest network that is accurate enough, step by step as by hand."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from kanwidget import _check
from kanwidget.core.records import History, StepRecord
from kanwidget.datasets import Dataset, as_dataset
from kanwidget.datasets.validation import with_validation
from kanwidget.growth import RicherNetworks, Richness, grow_steps
from kanwidget.kan import KAN
from kanwidget.surgery._record import unlogged
from kanwidget.sweeps.batches import Row, final_record
from kanwidget.sweeps.front import pareto
from kanwidget.sweeps.table import Table
from kanwidget.training import Settings, Trainer, fit_many
from kanwidget.training.extension import extend_steps
from kanwidget.training.extension_trainings import ExtensionStep, placements
from kanwidget.training.steps.loop import close_bar, progress_bar

Step = TypeVar("Step", RicherNetworks, ExtensionStep)
#: A larger network is worth it if the error becomes so many times smaller.
_WORTH = 1.25
_DEPTHS = (2, 3)
_GRIDS = (3, 5, 10, 20, 40)
_LAMBS = (1e-4, 1e-3, 1e-2)


@dataclass(frozen=True, slots=True)
class Trial:
    """One network that a search has trained."""

    model: KAN
    how: str
    """The step that made it, with the value: `start`, `grid 10`, `product of x_1 and x_2`, `3 hidden nodes`, `grown`, `depth 2`,
    `prune at lamb 0.001`."""
    validation_loss: float
    """The criterion of the search; infinite where training failed."""
    test_loss: float | None
    """Not used by the search."""

    @property
    def parameters(self) -> int:
        """Number of trained parameters."""
        return self.model.n_parameters

    def as_row(self) -> Row:
        """The trial as a row of a table, without the network."""
        # A level without products is its number of sums alone.
        width = [sums if not products else [sums, products] for sums, products in self.model.width]
        loss = self.validation_loss if math.isfinite(self.validation_loss) else None
        failed = "the loss is not finite" if loss is None else None
        return {
            "how": self.how, "width": width, "grid": self.model.grid, "parameters": self.parameters,
            "validation_loss": loss, "test_loss": self.test_loss, "failed": failed,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArchitectureSearch:
    """The result of a search."""

    trials: tuple[Trial, ...]
    """All trained networks, in order; of several starts the best."""
    pareto_front: tuple[Trial, ...]
    """The trials that none with fewer or as many parameters beats on the validation data, smallest first."""
    best: Trial
    """The smallest that reaches the target; else the smallest whose error is within a quarter of the least."""
    networks: int
    """Number of trained networks."""
    stop_reason: str
    """The reason for its end: `target`, `budget`, `nothing helps` or `interrupted` (from the keyboard)."""

    @property
    def table(self) -> Table:
        """All trials as a table, for `plot_pareto` and pandas."""
        return Table(trial.as_row() for trial in self.trials)

    def __repr__(self) -> str:
        best = f"{self.best.model!r}, validation loss {self.best.validation_loss:.2g}"
        return f"ArchitectureSearch({self.networks} networks, {len(self.pareto_front)} on the front, best {best}; {self.stop_reason})"


def search_architecture(
    data: Any,
    *,
    budget: int = 100,
    target: float | None = None,
    starts: int = 3,
    steps: int = 50,
    seed: int = 0,
    progress: bool = True,
) -> ArchitectureSearch:
    """Search for a small network with a small error, from a sum of curves up.

    It begins with a coarse grid and no hidden nodes, and makes the network richer as long as the evidence asks for it: finer grids,
    products of two columns, hidden nodes. It goes deeper then, sparsifies the result with a slowly growing `lamb`, and prunes it, as the
    method's authors advise. Last it refines the grids of all trials on the front, small ones first. All that goes on as long as it
    helps: a step does if it divides the error on validation data by 1.25.

    Args:
        data: As for `fit`. Without a validation part a fifth of the training rows is set aside; test data aren't used.
        budget: Most networks that are trained, ≥ `starts`; what growth compares is trained to its end.
        target: A validation loss (root mean squared error, in the labels' units) at which the search ends, > 0.
        starts: Random starts of deeper networks, ≥ 1; the best one counts.
        steps: Most steps of each training, ≥ 1.
        seed: Of the rows set aside and of the starts. The same seed gives the same result.
        progress: Whether to show a progress bar.

    Returns:
        All trials with their networks, the front of error against parameters, and the best.

    Raises:
        ValueError: For numbers out of range, or fewer than two rows to train on, three where one is set aside.

    Examples:
        >>> from kanwidget import create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=200, test_num=100)
        >>> result = search_architecture(data, target=1e-3, steps=30, progress=False)
        >>> result.best.model.width, result.stop_reason
        ([[2, 0], [0, 1], [1, 0]], 'target')

    References:
        The advice on hyper-parameters in https://github.com/KindXiaoming/pykan.
    """
    _check.integer(starts, "starts", "search_architecture", low=1)
    advice = "It has to pay for the starts of one shape."
    _check.integer(budget, "budget", "search_architecture", low=starts, advice=advice)
    _check.integer(steps, "steps", "search_architecture", low=1)
    _check.integer(seed, "seed", "search_architecture", low=0)
    _check.boolean(progress, "progress", "search_architecture")
    if target is not None:
        _check.real(target, "target", "search_architecture", low=0, open_low=True)
    dataset = with_validation(as_dataset(data, "search_architecture"), "search_architecture", seed=seed)
    search = _SearchRun(dataset, budget, target, starts, steps, seed, progress_bar(budget, progress, "search"))
    try:
        with unlogged():  # messages of the pruning are about trials on the way
            search.stop_reason = search.run()
    finally:
        close_bar(search.bar, search.stop_reason != "interrupted")
    return search.result()


class _SearchEnd(Exception):
    """The search ends early; the reason is `budget` or `interrupted`."""


class _SearchRun:
    """The state of a search: its trials and its remaining budget."""

    def __init__(
        self, data: Dataset, budget: int, target: float | None, starts: int, steps: int, seed: int, bar: Any
    ) -> None:
        """Arguments as of `search_architecture`.

        Args:
            data: With validation rows.
            budget: Most networks that are trained.
            target: Validation loss at which the search ends; None for none.
            starts: Random starts of each deeper network.
            steps: Most steps of each training.
            seed: Of the starts.
            bar: A progress bar, which counts networks.
        """
        self.data, self.budget, self.target = data, budget, target
        self.starts, self.steps, self.seed = starts, steps, seed
        self.trials: list[Trial] = []  # the trained networks with their losses, in order
        self.networks = 0  # how many of the budget are used
        self.stop_reason = "interrupted"  # until it has run to its end
        self.bar = bar

    def run(self) -> str:
        """Grow a network, prune it, then refine the grids of the trials on the Pareto front of error and parameters.

        A trial is a trained network with its losses; all are in `self.trials`.

        Returns:
            The stop reason: `target` (the target is reached), `budget`, `interrupted`, or `nothing helps`.

        Raises:
            KeyboardInterrupt: Where it comes before the first trial: there is no result then.
        """
        try:
            self._prune(self._grow())
            for trial in self._front():
                # A smaller network with a finer grid may have beaten it meanwhile.
                if not self._reached() and trial in self._front():
                    self._refine(trial)
        except _SearchEnd as end:
            if not self.trials:  # interrupted: the budget pays for the first trial
                raise KeyboardInterrupt from None
            return "target" if self._reached() else str(end)
        return "target" if self._reached() else "nothing helps"

    def result(self) -> ArchitectureSearch:
        """The result: the trials, their front, the best one, how many networks were trained, and why the search ended.

        Best is the smallest network that reaches the target, else whose error is near the least; the earlier one of two.
        """
        front = self._front()
        # The last of the front has the least error. Where no target is reached, errors up to a quarter above it are as good.
        limit = self.target if self._reached() and self.target is not None else _WORTH * front[-1].validation_loss
        best = next(trial for trial in front if trial.validation_loss <= limit)
        return ArchitectureSearch(tuple(self.trials), front, best, self.networks, self.stop_reason)

    def _front(self) -> tuple[Trial, ...]:
        """The trials that none with fewer or as many parameters beats on the validation data, smallest first."""
        # `pareto` compares `y` with the column `parameters`.
        rows = [{"parameters": t.parameters, "loss": t.validation_loss, "trial": t} for t in self.trials]
        return tuple(row["trial"] for row in pareto(Table(rows), y="loss"))

    # ---- the steps

    def _grow(self) -> Trial:
        """The best trial of the network that grows with the evidence, and of deeper ones.

        These have 2, then 3 hidden levels, each as wide as the grown network's widest one. They go on as long as the error becomes 1.25
        times smaller.
        """
        best = self._grown()
        width = max([1, *(sums + products for sums, products in best.model.width[1:-1])])
        for depth in _DEPTHS:
            if self._reached():
                break
            trial = self._attempt(width, depth, f"depth {depth}")
            if not _better(trial, best):
                break
            best = trial
        return best

    def _grown(self) -> Trial:
        """The trial of the network that the evidence asks for, trained once more; the networks that growth compared become trials, too.

        Growth goes in rounds. The answer of each has the network at its beginning, `now`, the richer ones that were `tried`, and the
        `network` that the next round begins with.
        """
        best = KAN([self.data.n_features, self.data.n_outputs], grid=_GRIDS[0], seed=self.seed)
        steps = grow_steps(best, self.data)
        while (answer := _take(steps)) is not None:  # None after the last round
            # The network of a round, `now`, is one of those that the round before has tried, but for the first.
            for tried in (*(() if self.trials else (answer.now,)), *answer.tried):
                assert isinstance(tried.network, KAN)
                self._count(1)
                # Growth has trained it already: a trainer without steps says its losses.
                record = Trainer(tried.network, self.data, 0, Settings()).record()
                self._add_trial(tried.network, record, _how(tried, self.data))
            assert isinstance(answer.network, KAN)
            best = copy.deepcopy(answer.network)
            if self._reached() or self.networks >= self.budget:
                break
        return self._add_trial(best, final_record(self._train([best], evidence=None)[0]), "grown")

    def _prune(self, grown: Trial) -> None:
        """Add trials of sparser networks: train a copy with a growing `lamb`, prune it, train that without a penalty.

        It ends with the first trial that misses the target and has an error above 1.25 times that of the grown network.

        Args:
            grown: The trial to begin with; its network is copied.
        """
        parameters, model = grown.parameters, copy.deepcopy(grown.model)
        for lamb in _LAMBS:
            self._train([model], lamb=lamb)
            pruned = model.prune(data=self.data)
            if pruned.n_parameters >= parameters:
                continue
            trial = self._add_trial(pruned, final_record(self._train([pruned])[0]), f"prune at lamb {lamb:g}")
            if trial.validation_loss > max(_WORTH * grown.validation_loss, self.target or 0.0):
                return  # later ones are sparser still
            parameters = trial.parameters

    def _refine(self, trial: Trial) -> None:
        """Add trials of a network with finer and finer grids, as long as each is better than the one before.

        A grid is trained with its knots in two or three placements (spread, adapted to the data, …). The budget is charged for all of them
        before.

        Args:
            trial: The trial whose network is refined.
        """
        best, ladder = trial, [trial.model.grid, *(grid for grid in _GRIDS if grid > trial.model.grid)]
        steps = extend_steps(trial.model, self.data, ladder, starts=1, steps=self.steps, seed=self.seed)
        self._pay(1)
        _take(steps)  # the trial's own grid, trained on
        for grid in ladder[1:]:
            most = len(placements(grid))
            self._pay(most)
            step = _take(steps)
            if step is None or step.stop_reason:  # exact already: no further grid was trained
                self._count(-most)
                return
            network = step.network
            assert isinstance(network, KAN)
            finer = self._add_trial(network, final_record(step.histories[0]), f"grid {grid}")
            if not _better(finer, best) or self._reached():
                return
            best = finer

    # ---- the parts of a step

    def _attempt(self, width: int, depth: int, how: str) -> Trial:
        """The trial of the best of several random starts of a shape: `depth` hidden levels of `width` sums each; `how` is its step."""
        shape = [self.data.n_features, *[width] * depth, self.data.n_outputs]
        models = [KAN(shape, grid=_GRIDS[0], seed=self.seed + start) for start in range(self.starts)]
        pairs = list(zip(models, self._train(models), strict=True))
        model, history = min(pairs, key=lambda pair: _validation_loss(final_record(pair[1])))
        return self._add_trial(model, final_record(history), how)

    def _train(self, models: Sequence[KAN], lamb: float = 0.0, evidence: bool | None = False) -> list[History]:
        """Train networks in place with a penalty of weight `lamb`; gives their histories, in order.

        With `evidence` None the data set how smooth splines are, by Bayesian evidence, as in `fit`; with False held-out rows alone judge.
        """
        self._pay(len(models))
        _, histories = fit_many(models, self.data, steps=self.steps, lamb=lamb, progress=False, evidence=evidence)
        if any(history.stop_reason == "interrupted" for history in histories):
            raise _SearchEnd("interrupted")
        return histories

    def _pay(self, networks: int) -> None:
        """Add so many networks, which are to be trained, to those so far (`networks`), or end the search where that exceeds the budget."""
        if self.networks + networks > self.budget:
            raise _SearchEnd("budget")
        self._count(networks)

    def _count(self, networks: int) -> None:
        """Add so many trained networks to those that count against the budget, and to the progress bar."""
        self.networks += networks
        self.bar.update(networks)

    def _add_trial(self, model: KAN, record: StepRecord | None, how: str) -> Trial:
        """Keep a network as a trial and show the least error so far.

        Args:
            model: The trained network.
            record: The losses of its final state; None where there are none.
            how: The step of the search that it comes from, in words.
        """
        trial = Trial(model, how, _validation_loss(record), record.test_loss if record else None)
        self.trials.append(trial)
        smallest = min(t.validation_loss for t in self.trials)
        self.bar.set_postfix_str(f"{how} · least error {smallest:.2e}", refresh=False)
        return trial

    def _reached(self) -> bool:
        """Whether the validation loss of a trial is the target's or less; False where there is no target."""
        return self.target is not None and any(t.validation_loss <= self.target for t in self.trials)


def _take(steps: Iterator[Step | None]) -> Step | None:
    """The next answer of `steps`, which yield None after a training step without one; None after the last answer.

    Ctrl-C ends the search.
    """
    try:
        return next((step for step in steps if step is not None), None)
    except KeyboardInterrupt:
        raise _SearchEnd("interrupted") from None


def _better(trial: Trial, baseline: Trial) -> bool:
    """Whether a trial's error is so much smaller than another one's, 1.25 times, that it is worth a larger network."""
    return trial.validation_loss * _WORTH < baseline.validation_loss


def _how(tried: Richness, data: Dataset) -> str:
    """The step of growth that made a network, in words: `start`, `grid 10`, `product of x_1 and x_2` or `3 hidden nodes`.

    The `kind` of `tried` says what was made richer: nothing (""), the grid, a pair of columns, or a hidden level by so many `nodes`.
    `data` has the names of the columns.
    """
    names = [data.in_vars[column] for column in tried.columns or ()]
    nodes = f"{tried.nodes} hidden node" + ("s" if tried.nodes > 1 else "")
    steps = {"": "start", "grid": f"grid {tried.grid}", "pair": f"product of {' and '.join(names)}"}
    return steps.get(tried.kind, nodes)


def _validation_loss(record: StepRecord | None) -> float:
    """The loss of a record on the validation data; infinite where there is none or where it isn't finite."""
    loss = math.inf if record is None or record.validation_loss is None else record.validation_loss
    return loss if math.isfinite(loss) else math.inf
