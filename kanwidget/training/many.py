"""`fit_many`: many small networks in one batch, by the very steps of `fit`."""

from __future__ import annotations

import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import Event, History, StepRecord
from kanwidget.core.threads import is_small, one_thread, torch_as_it_was
from kanwidget.datasets import Dataset
from kanwidget.training.jacobian.parameter_vector import parameter_map, structure
from kanwidget.training.jacobian.stack import separate
from kanwidget.training.reference import reference_rows, remember_names, training_data
from kanwidget.training.steps.best_state import Best
from kanwidget.training.steps.loop import remember
from kanwidget.training.steps.networks import Group, pick_optimizer, tensors_of
from kanwidget.training.steps.settings import Settings, make_settings, unused
from kanwidget.training.steps.trainer import NOT_FINITE
from kanwidget.training.steps.training_data import Problem, pose
from kanwidget.training.worker_threads import on_threads

_log = logging.getLogger(__name__)
AnyNetwork = TypeVar("AnyNetwork", bound=Network)
#: A group is made smaller once this part of it has stopped.
_STOPPED = 0.125
#: A batch is cut in two for another thread if so many networks remain in each: smaller ones cost more than a thread gains.
_LEAST = 8


@dataclass(slots=True)
class _Run:
    """One network's training."""

    network: Network
    problem: Problem
    settings: Settings
    history: History = field(default_factory=History)
    best: Best | None = None
    """By validation, where there are such data."""


def fit_many(
    networks: Iterable[AnyNetwork],
    data: Any,
    opt: str = "auto",
    steps: int = 100,
    *,
    lamb: float | Sequence[float] = 0.0,
    max_memory_mb: float = 512.0,
    progress: bool = True,
    **options: Any,
) -> tuple[list[AnyNetwork], list[History]]:
    """Train many networks in place, each as `fit` would train it alone.

    Networks of one structure with data of one shape take their Levenberg-Marquardt steps in one batch, each with its own
    damping, acceptance and stop. Others are trained group by group, with LBFGS and Adam one by one. Batches of small networks
    are spread over as many threads as torch may use (`torch.set_num_threads`); metrics of your own are called on them.

    Args:
        networks: The networks; they may differ in everything. Each is trained, none twice.
        data: What all are to learn, as for `fit`, or a list of one for each network.
        opt: As in `fit`.
        steps: As in `fit`, ≥ 0.
        lamb: Weight of the penalty, ≥ 0, or one for each network.
        max_memory_mb: MiB for the networks that are trained at a time, on all threads, > 0; a single one may need more. Beyond some 64 it
            makes little difference to the time.
        progress: Whether to show a bar.
        options: As in `fit`, the same for all.

    Returns:
        The networks and, in the same order, the histories of this training. A record's `seconds` are those of its whole batch.
        Interrupted from the keyboard, it returns what has been reached: a last step may have no record yet, and
        histories of networks that had not begun are empty.

    Raises:
        ValueError: For arguments that don't fit each other or a network; nothing has been trained then.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100, test_num=100)
        >>> models, histories = fit_many([KAN([2, 2, 1], seed=s) for s in range(5)], data, steps=10, progress=False)
        >>> [len(history) for history in histories]
        [10, 10, 10, 10, 10]
    """
    if not isinstance(networks, Iterable) or isinstance(networks, Network):
        _check.fail("networks", "fit_many", "a list of at least one network", networks, "Write [model] for one.")
    models = list(networks)  # a generator can be gone through once
    runs = _runs(models, data, lamb, opt, options)
    steps = _check.integer(steps, "steps", "fit_many", low=0)
    space = _check.real(max_memory_mb, "max_memory_mb", "fit_many", low=0, open_low=True) * 2**20
    plans = _plans(runs, space, torch.get_num_threads())
    bar = _bar(len(runs), progress)
    try:
        with torch_as_it_was():
            for chunks, threads in plans:
                on_threads(threads, chunks, partial(_train, steps), lambda count: _advance(bar, count))
    except KeyboardInterrupt:
        pass
    finally:
        if bar is not None:
            bar.close()
        for run in runs:
            run.history.stop_reason = run.history.stop_reason or "interrupted"
            if run.history.optimizer:  # it had begun
                remember(run.network, run.history)
    return models, [run.history for run in runs]


def _runs(networks: list[Any], data: Any, lamb: Any, opt: str, options: dict[str, Any]) -> list[_Run]:
    """Everything checked, before anything is trained."""
    if not networks or not all(isinstance(network, Network) for network in networks):
        _check.fail("networks", "fit_many", "a list of at least one network", networks)
    places = [parameter.data_ptr() for network in networks for parameter in network.parameters()]
    if len(set(places)) < len(places):
        expected = "networks that differ and share no parameters"
        _check.fail("networks", "fit_many", expected, networks, "Use copy.deepcopy or other seeds.")
    lambs = _each(lamb, len(networks), "lamb")
    problems = _each(data, len(networks), "data") if _is_list(data) else [data] * len(networks)
    settings = {value: make_settings(opt=opt, lamb=value, **options) for value in dict.fromkeys(lambs)}
    for name, reason in unused(next(iter(settings.values())), opt).items():
        _check.fail(name, "fit_many", f"left out with opt={opt!r}", options[name], reason)
    known: dict[Any, Problem] = {}
    runs: list[_Run] = []
    for network, own, value in zip(networks, problems, lambs, strict=True):
        # One problem for all networks of a kind, so that its tensors are shared.
        key = id(own), network.n_features, network.n_out, network.dtype, network.device, network.in_vars
        if key not in known:
            known[key] = pose(network, training_data(network, own, "fit_many"), settings[value])
        runs.append(_Run(network, known[key], settings[value]))
    for taken in dict.fromkeys(pick_optimizer(run.settings, run.network, run.problem) for run in runs):
        for name, reason in unused(runs[0].settings, taken).items():
            _log.warning("%s has no effect: opt='auto' has taken %s. %s", name, taken, reason)
    return runs


def _is_list(data: Any) -> bool:
    """Whether these are several data: a list of them; a tuple is a pair of inputs and labels."""
    return isinstance(data, list) and bool(data) and isinstance(data[0], (Dataset, dict, list, tuple))


def _each(value: Any, count: int, name: str) -> list[Any]:
    """One value for each network."""
    if not isinstance(value, Iterable):
        return [value] * count
    values = list(value)
    if len(values) != count:
        _check.fail(name, "fit_many", f"one, or {count}: one for each network", values)
    return values


def _plans(runs: Sequence[_Run], memory: float, most: int) -> list[tuple[list[list[_Run]], int]]:
    """For networks of a kind, one kind after the other: chunks that share their steps, and on how many threads, at most `most`."""
    groups: dict[Any, list[_Run]] = defaultdict(list)
    for index, run in enumerate(runs):
        groups[_kind(run) if _batched(run) else index].append(run)
    plans = []
    for members in groups.values():
        threads = _threads(members, memory, most)
        room = max(1, int(memory / threads // _bytes(members[0])))
        count = threads * math.ceil(len(members) / room / threads)
        size = math.ceil(len(members) / count)
        plans.append(([members[first : first + size] for first in range(0, len(members), size)], threads))
    return plans


def _threads(members: Sequence[_Run], memory: float, most: int) -> int:
    """How many threads are worth their while: large networks leave them to torch, and a GPU wants one large batch."""
    if not _small(members[:1]) or members[0].network.device.type != "cpu":
        return 1
    return max(1, min(most, len(members) // _LEAST, int(memory // (_LEAST * _bytes(members[0])))))


def _small(runs: Sequence[_Run]) -> bool:
    return is_small(runs[0].network, len(runs) * len(runs[0].problem.data.train_input))


def _batched(run: _Run) -> bool:
    return pick_optimizer(run.settings, run.network, run.problem) == "LM"


def _kind(run: _Run) -> Any:
    """What networks must have in common to be trained in step."""
    rows = tuple((part, tuple(label.shape)) for part, label in run.problem.labels.items())
    return repr(structure(run.network)), run.network.dtype, run.network.device, rows, run.problem.loss.name


def _bytes(run: _Run) -> int:
    """What a network takes in a batch: bases and slopes at two points, and some normal matrices."""
    network = run.network
    bases = sum(
        network.layer(index).in_dim * (network.layer(index).coef.shape[-1] + 1) for index in range(network.depth)
    )
    rows = sum(len(label) for label in run.problem.labels.values())
    return 8 * (4 * rows * bases + 8 * parameter_map(network).size ** 2)


def _train(steps: int, runs: list[_Run], tell: Callable[[int], None], interrupted: Callable[[], bool]) -> None:
    """Train one chunk, and tell how many networks have stopped."""
    with one_thread(_small(runs)):
        for run in runs:
            run.network.reference = reference_rows(run.problem.data.train_input)
            remember_names(run.network, run.problem.data)
        ends: dict[int, dict[str, Tensor]] = {}
        try:
            group = Group([r.network for r in runs], [r.problem for r in runs], [r.settings for r in runs])
            _steps(group, runs, steps, ends, tell, interrupted)
        finally:
            separate([run.network for run in runs])
            # Networks that had stopped went on with the others until these were regrouped.
            for index, end in ends.items():
                runs[index].network.load_state_dict(end, strict=False)
            for run in runs:
                if run.best is not None:
                    run.best.restore(run.network)


def _steps(
    group: Group,
    runs: list[_Run],
    steps: int,
    ends: dict[int, dict[str, Tensor]],
    tell: Callable[[int], None],
    interrupted: Callable[[], bool],
) -> None:
    """Take all steps; the networks that stop leave their tensors in `ends`."""
    started, members = time.perf_counter(), list(range(len(runs)))
    for run in runs:
        run.history.optimizer = group.opt
        run.history.stop_reason = "" if steps else "steps done"
    for step in range(steps):
        outcomes, moved = group.advance(step, interrupted)
        stops = [group.stop_reason(place, outcome, step + 1, steps) for place, outcome in enumerate(outcomes)]
        records = group.records(outcomes, step + 1, time.perf_counter() - started, stops)
        for place, (index, record) in enumerate(zip(members, records, strict=True)):
            if index not in ends:
                _keep(runs[index], record, step if place in moved else None)
        stopped = [place for place, stop in enumerate(stops) if stop and members[place] not in ends]
        ends.update({members[place]: tensors_of(group.networks[place]) for place in stopped})
        tell(len(stopped))
        alive = [place for place, index in enumerate(members) if index not in ends]
        if not alive:
            return
        if len(members) - len(alive) >= _STOPPED * len(members):
            group.keep(alive)
            members = [members[place] for place in alive]


def _keep(run: _Run, record: StepRecord, moved: int | None) -> None:
    """Add a step to a network's history; `moved` is the step after which its grids were moved."""
    run.history.records.append(record)
    if record.validation_loss is not None:
        run.best = run.best or Best(run.problem.loss)
        run.best.see(run.network, record)
    run.history.stop_reason = record.stop_reason or ""
    if record.stop_reason and not math.isfinite(record.train_loss + record.penalty):
        run.history.stop_reason = NOT_FINITE
    if moved is not None:
        run.history.events.append(Event(moved, "grid", "grid adapted"))


def _bar(count: int, progress: bool) -> Any:
    if not progress:
        return None
    from tqdm.auto import tqdm

    return tqdm(total=count, desc="fit_many", unit="network")


def _advance(bar: Any, count: int) -> None:
    if bar is not None and count:
        bar.update(count)
