"""`fit_many`: many small networks in batches, with the same steps as `fit`."""

from __future__ import annotations

import contextvars
import logging
import math
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import Any

import torch

from kanwidget import _check
from kanwidget.core.layer import row_bytes
from kanwidget.core.network import AnyNetwork, Network
from kanwidget.core.records import Event, History, StepRecord
from kanwidget.core.reference_data import order_columns
from kanwidget.core.state import NetworkState
from kanwidget.core.threads import is_small, one_thread, torch_as_it_was
from kanwidget.datasets import Dataset
from kanwidget.training.jacobian.parameter_vector import structure
from kanwidget.training.jacobian.stack import separate
from kanwidget.training.optimizers.settings import Settings
from kanwidget.training.optimizers.table import Method, pick_optimizer
from kanwidget.training.steps.best_state import BestState
from kanwidget.training.steps.earlier_data import remember_inputs
from kanwidget.training.steps.loop import AFTER_STEP, append_history, progress_bar
from kanwidget.training.steps.networks import TrainingBatch
from kanwidget.training.steps.rows import RowSchedule
from kanwidget.training.steps.scales import learn_scales, restored_scaling
from kanwidget.training.steps.settings import make_settings, unused
from kanwidget.training.steps.trainer import NOT_FINITE, Trainer
from kanwidget.training.steps.training_data import TrainingData, prepare

_log = logging.getLogger(__name__)
#: A batch is made smaller once this part of it has stopped.
_STOPPED_PART = 0.125
#: The smallest batch that is worth a thread of its own: smaller ones cost more than a thread gains.
_SMALLEST_BATCH = 8


@dataclass(slots=True)
class _Run:
    """The training of one network."""

    network: Network
    data: TrainingData
    settings: Settings
    method: Method
    history: History = field(default_factory=History)
    best: BestState | None = None
    """By validation loss, if there are validation data."""

    @property
    def sampled(self) -> bool:
        """Whether it begins with a sample of its many rows, which grows when its own error stalls (`RowSchedule`): so it trains alone."""
        return not RowSchedule(self.network, self.data, self.settings).complete


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
    damping, acceptance and stop. Other networks form batches of their own; LBFGS and Adam train one network at a time. Batches
    of small networks are spread over as many threads as torch may use (`torch.set_num_threads`); metrics of your own are called on them.

    Args:
        networks: The networks; they may differ in everything, and share no parameters.
        data: Training data for all, as for `fit`, or a list with the data of each network.
        opt: As in `fit`.
        steps: As in `fit`, ≥ 0.
        lamb: Weight of the penalty, ≥ 0, or one for each network.
        max_memory_mb: MiB for the networks that are trained at a time, on all threads, > 0; a single one may need more. Beyond some 64 it
            makes little difference to the time.
        progress: Whether to show a bar.
        options: As in `fit`, the same for all.

    Returns:
        The networks and, in the same order, the histories of this training. A record's `seconds` are those of its whole batch.
        Interrupted from the keyboard, it returns the networks as they are: a last step may have no record yet, and
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
    steps = _check.integer(steps, "steps", "fit_many", low=0)
    space = _check.real(max_memory_mb, "max_memory_mb", "fit_many", low=0, open_low=True) * 2**20
    runs = _runs(models, data, lamb, opt, options)
    plans = _plans(runs, space, torch.get_num_threads())
    bar = progress_bar(len(runs), progress, "fit_many", unit="network")
    try:
        with torch_as_it_was():
            for chunks, threads in plans:
                on_threads(threads, chunks, partial(_train, steps), bar.update)
    except KeyboardInterrupt:
        pass
    finally:
        bar.close()
        for run in runs:
            run.history.stop_reason = run.history.stop_reason or "interrupted"
            if run.history.optimizer:  # it had begun
                append_history(run.network, run.history)
    return models, [run.history for run in runs]


def _runs(networks: list[Any], data: Any, lamb: Any, opt: str, options: dict[str, Any]) -> list[_Run]:
    """The trainings of `fit_many`, one a network and in their order. All arguments are checked here, before anything is trained.

    `data` and `lamb` are for all networks, or lists with one for each; `options` are further arguments of `fit`.
    """
    if not networks or not all(isinstance(network, Network) for network in networks):
        _check.fail("networks", "fit_many", "a list of at least one network", networks)
    # Networks that share memory would move each other's parameters.
    addresses = [parameter.data_ptr() for network in networks for parameter in network.parameters()]
    if len(set(addresses)) < len(addresses):
        expected = "networks that differ and share no parameters"
        _check.fail("networks", "fit_many", expected, networks, "Use copy.deepcopy or other seeds.")
    lambs = _values_of(lamb, len(networks), "lamb")
    # A tuple is a pair of inputs and labels.
    is_list = isinstance(data, list) and bool(data) and isinstance(data[0], (Dataset, dict, list, tuple))
    datasets = _values_of(data, len(networks), "data") if is_list else [data] * len(networks)
    settings = {value: make_settings(opt=opt, lamb=value, **options) for value in dict.fromkeys(lambs)}
    for name, reason in unused(next(iter(settings.values())), opt).items():
        _check.fail(name, "fit_many", f"left out with opt={opt!r}", options[name], reason)
    with restored_scaling(*networks):  # the data settle the scales: an error takes that back
        runs = _prepared_runs(networks, datasets, [settings[value] for value in lambs])
    for name in dict.fromkeys(run.method.name for run in runs):
        for option, reason in unused(runs[0].settings, name).items():
            _log.warning("%s has no effect: opt='auto' has taken %s. %s", option, name, reason)
    return runs


def _prepared_runs(networks: Sequence[Network], datasets: Sequence[Any], settings: Sequence[Settings]) -> list[_Run]:
    """The trainings, with the data of each network as tensors; networks that have their data and scales in common share these.

    `datasets` and `settings` have one for each network.
    """
    cache: dict[Any, TrainingData] = {}
    runs: list[_Run] = []
    for network, dataset, own in zip(networks, datasets, settings, strict=True):
        key: Any = id(dataset), network.n_features, network.n_out, network.dtype, network.device, network.in_vars
        # On what scaled labels depend: scales, logarithms to learn, and functions on first or last edges, which keep a side as it is.
        key += (network.scaling.key(), network.log)
        key += (bool(network.layer(0).symbols), bool(network.layer(network.depth - 1).symbols))
        if key not in cache:
            cache[key] = prepare(network, order_columns(network, dataset, "fit_many"), own)
        prepared = cache[key]
        learn_scales(network, prepared.dataset, prepared.loss)
        method = pick_optimizer(own, network, prepared.loss, len(prepared.labels["train"]))
        runs.append(_Run(network, prepared, own, method))
    return runs


def _values_of(value: Any, count: int, name: str) -> list[Any]:
    """`count` values, one a network: a single value again and again, or those of an iterable of so many; `name` is for errors."""
    if not isinstance(value, Iterable):
        return [value] * count
    values = list(value)
    if len(values) != count:
        _check.fail(name, "fit_many", f"one, or {count}: one for each network", values)
    return values


def _plans(runs: Sequence[_Run], memory: float, max_threads: int) -> list[tuple[list[list[_Run]], int]]:
    """The batches, lists of trainings, and how many threads share them: a pair for each kind of networks that can be trained in one batch.

    Args:
        runs: The trainings of all networks. One that begins with a sample of its rows, or whose optimizer takes one network at a time, is a
            kind of its own.
        memory: Bytes for the networks that are trained at a time, on all threads.
        max_threads: The most threads.
    """
    kinds: dict[Any, list[_Run]] = defaultdict(list)
    for index, run in enumerate(runs):
        kinds[_kind(run) if run.method.several and not run.sampled else index].append(run)
    plans = []
    for members in kinds.values():
        threads = _threads(members, memory, max_threads)
        # `room`: networks in the memory of a thread; `count`: number of batches, as many for each thread; `size`: networks in a batch.
        room = max(1, int(memory / threads // _bytes(members[0])))
        count = threads * math.ceil(len(members) / room / threads)
        size = math.ceil(len(members) / count)
        plans.append(([members[first : first + size] for first in range(0, len(members), size)], threads))
    return plans


def _threads(members: Sequence[_Run], memory: float, max_threads: int) -> int:
    """A useful number of threads of Python for trainings of one kind, at most `max_threads`; their batches take `memory` bytes together.

    It is 1 for large networks, which leave threads to torch, and on a GPU, which takes one large batch. Else each thread gets at least
    eight networks: a smaller batch costs more than a thread gains.
    """
    if not _small(members[:1]) or members[0].network.device.type != "cpu":
        return 1
    by_memory = int(memory // (_SMALLEST_BATCH * _bytes(members[0])))
    return max(1, min(max_threads, len(members) // _SMALLEST_BATCH, by_memory))


def _small(runs: Sequence[_Run]) -> bool:
    """Whether a step of these trainings, networks of one kind in a batch, is so little work that torch's threads would mostly wait."""
    return is_small(runs[0].network, len(runs) * len(runs[0].data.dataset.train_input))


def _kind(run: _Run) -> Any:
    """A key that is equal for networks that can be trained in one batch."""
    rows = tuple((part, tuple(label.shape)) for part, label in run.data.labels.items())
    # Squares compare scaled numbers; another loss gets outputs in own units, by the network's scales.
    loss, scales = run.data.loss, b"" if run.data.loss.root else run.network.scaling.key()
    return repr(structure(run.network)), run.network.dtype, run.network.device, rows, loss.name, scales


def _bytes(run: _Run) -> int:
    """Bytes that a network takes in a batch.

    Basis functions of all rows and their derivatives, at the present parameters and at those that are tried: four times. And eight square
    matrices of the parameters, of eight bytes a number.
    """
    rows = sum(len(label) for label in run.data.labels.values())
    return 4 * rows * row_bytes(run.network.layers) + 64 * run.network.n_parameters**2


def _train(steps: int, runs: list[_Run], report: Callable[[int], None], interrupted: Callable[[], bool]) -> None:
    """Train one batch of networks in place. It is a piece of work for `on_threads`.

    Args:
        steps: The most steps of each network.
        runs: The networks of the batch. Histories are filled, and best states restored.
        report: Called with the number of networks that have stopped since the last call.
        interrupted: Whether to end soon.
    """
    if runs[0].sampled:  # it begins with a sample of its many rows, and is a batch of its own
        _train_alone(steps, runs[0], interrupted)
        report(1)
        return
    with one_thread(_small(runs)):
        for run in runs:
            remember_inputs(run.network, run.data.dataset, continual=run.settings.continual)
        ends: dict[int, NetworkState] = {}
        try:
            batch = TrainingBatch([r.network for r in runs], [r.data for r in runs], [r.settings for r in runs])
            _steps(batch, runs, steps, ends, report, interrupted)
        finally:
            separate([run.network for run in runs])
            # Networks that had stopped went on with the batch until it was made smaller.
            for end in ends.values():
                end.restore()
            for run in runs:
                if run.best is not None:
                    run.best.restore()


def _train_alone(steps: int, run: _Run, interrupted: Callable[[], bool]) -> None:
    """Train one network in at most `steps` steps as `fit` does, and fill its history; `interrupted` says whether to end soon."""
    trainer = Trainer(run.network, run.data.dataset, steps, run.settings, interrupted)
    run.history.optimizer = trainer.opt
    try:
        for record in trainer:
            _append(run, record, None, trainer.rows.count)
    finally:
        run.history.events.extend(trainer.events)
        run.history.stop_reason = trainer.stop_reason
        if run.best is not None:
            run.best.restore()


def _steps(
    batch: TrainingBatch,
    runs: list[_Run],
    steps: int,
    ends: dict[int, NetworkState],
    report: Callable[[int], None],
    interrupted: Callable[[], bool],
) -> None:
    """Train the networks of a batch until all have stopped, and fill the histories.

    Args:
        batch: The networks; it is made smaller as networks stop.
        runs: Their trainings, in the order of the batch at the start.
        steps: The most steps.
        ends: Filled with the state that each network stopped in, by its number in `runs`.
        report: Called with the number of networks that have stopped since the last call.
        interrupted: Whether to end soon.
    """
    started, members = time.perf_counter(), list(range(len(runs)))
    for run in runs:
        run.history.optimizer = batch.opt
        run.history.stop_reason = "" if steps else "steps done"
    for step in range(steps):
        AFTER_STEP.get()()  # a function that the caller has set, and that may raise to break the training off
        outcomes, moved = batch.advance(step, interrupted)
        stops = [batch.stop_reason(index, outcome, step + 1, steps) for index, outcome in enumerate(outcomes)]
        records = batch.records(outcomes, step + 1, time.perf_counter() - started, stops)
        for index, (member, record) in enumerate(zip(members, records, strict=True)):
            if member not in ends:
                _append(runs[member], record, step if index in moved else None)
        stopped = [index for index, stop in enumerate(stops) if stop and members[index] not in ends]
        ends.update({members[index]: NetworkState(batch.networks[index]) for index in stopped})
        if stopped:
            report(len(stopped))
        alive = [index for index, member in enumerate(members) if member not in ends]
        if not alive:
            return
        # Until an eighth has stopped these go on with the batch: to make it smaller takes time, too.
        if len(members) - len(alive) >= _STOPPED_PART * len(members):
            batch.keep(alive)
            members = [members[index] for index in alive]


def _append(run: _Run, record: StepRecord, moved: int | None, rows: int = 0) -> None:
    """Add a step to a network's history, and keep the network's state if its validation loss is the smallest so far.

    Args:
        run: The training of the network.
        record: The record of the step.
        moved: The number of steps before this one, if it began with a move of the grids; else None.
        rows: Number of rows that the step took: states are compared with those of as many rows alone.
    """
    run.history.records.append(record)
    if record.validation_loss is not None:
        run.best = run.best or BestState(run.data.loss)
        run.best.update(run.network, record, rows)
    run.history.stop_reason = record.stop_reason or ""
    if record.stop_reason and not math.isfinite(record.train_loss + record.penalty):
        run.history.stop_reason = NOT_FINITE
    if moved is not None:
        run.history.events.append(Event(moved, "grid", "grid adapted"))


# ---- pieces of a training on several threads of Python, which end together


def on_threads(threads: int, pieces: Sequence[Any], work: Callable[..., None], report: Callable[[int], None]) -> None:
    """Do all pieces on a number of threads, and call `report` with their progress, numbers, on this thread.

    `work(piece, report, interrupted)` does a piece, reports its progress to a function of its own, and asks another whether to end soon.

    Each thread uses one of torch's: several that work on one small product wait for each other, on a busy machine for most of the
    time. An error on one of them, or here, ends all, and is raised here once they have ended.
    """
    if threads == 1:
        for piece in pieces:
            work(piece, report, lambda: False)
        return
    stop, messages = threading.Event(), SimpleQueue[int | BaseException | None]()

    def run(share: Sequence[Any]) -> None:
        """Do a share of the pieces on this thread; its last message is None, or the error that ended it."""
        end: BaseException | None = None
        try:
            with one_thread():
                for piece in share:
                    if not stop.is_set():
                        work(piece, messages.put, stop.is_set)
        except BaseException as error:
            end = error
        messages.put(end)

    workers = []
    for first in range(threads):
        # In a copy of this context, by which kernels of notebooks find the cell of an output.
        share_of_work = partial(contextvars.copy_context().run, run, pieces[first::threads])
        workers.append(threading.Thread(target=share_of_work, name="kanwidget-fit", daemon=True))
    try:
        for worker in workers:
            worker.start()
        running = threads
        while running:
            message = messages.get()
            if isinstance(message, BaseException):
                raise message
            if message is None:
                running -= 1
            else:
                report(message)
    finally:
        stop.set()
        pressed = _join(workers)  # waits for them; True if Ctrl-C was pressed meanwhile
        # The workers have set their own number of torch's threads, and with it that of threads still to come.
        torch.set_num_threads(torch.get_num_threads())
        if pressed:
            raise KeyboardInterrupt


def _join(workers: Sequence[threading.Thread]) -> bool:
    """Wait for threads that are asked to stop, also through another Ctrl-C; returns whether there was one."""
    pressed = False
    for worker in workers:
        while worker.is_alive():
            try:
                worker.join()
            except KeyboardInterrupt:
                pressed = True
    return pressed
