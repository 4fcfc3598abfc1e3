"""The loop that all functions that train share: callbacks, progress, stop reason, and the network's history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import replace
from typing import Any, Protocol

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import Event, History, StepRecord
from kanwidget.core.threads import torch_as_it_was
from kanwidget.training.steps.trainer import NOT_FINITE, Callback

#: Called between the steps of refits and of batches of `fit_many`, which train copies, in the context that asks for it: what it raises
#: breaks them off, so that nobody has to wait for their end.
AFTER_STEP: ContextVar[Callable[[], None]] = ContextVar("after_step", default=lambda: None)


class Steps(Protocol):
    """A training: an iterator of records with a stop reason."""

    events: list[Event]
    stop_reason: str

    def __iter__(self) -> Iterator[StepRecord]:
        """The steps."""


def check_hooks(callbacks: Any, where: str) -> list[Callback]:
    """The callbacks, functions (network, record), as a list, or an error; `where` is the call that it names."""
    if not isinstance(callbacks, Iterable):
        _check.fail("callbacks", where, "a list of functions (network, record)", callbacks, "Write [f] for one.")
    hooks = list(callbacks)
    for hook in hooks:
        if not callable(hook):
            _check.fail("callbacks", where, "functions (network, record)", hook)
    return hooks


def take_steps(
    network: Network,
    trainer: Steps,
    history: History,
    hooks: list[Callback],
    bar: Any,
    observe: Callable[[StepRecord], None] = lambda record: None,
) -> None:
    """Take all steps and note them in the history; Ctrl-C ends it quietly, any other error ends it and is raised.

    Each record goes to `observe`, to the bar of `progress_bar`, and to the callbacks `hooks`, in this order.
    """
    try:
        with torch_as_it_was():
            for record in trainer:
                history.records.append(record)
                observe(record)
                _show(bar, record)
                # A callback that returns True ends the training, as one that raises does, but quietly.
                if any([hook(network, record) is True for hook in hooks]):  # noqa: C419 - each hook is to be called
                    history.stop_reason = "callback"
                    break
    except KeyboardInterrupt:
        history.stop_reason = "interrupted"
    except BaseException:  # of a callback, say
        history.stop_reason = "interrupted"
        raise
    finally:
        history.events.extend(trainer.events)
        history.stop_reason = history.stop_reason or trainer.stop_reason or "interrupted"
        close_bar(bar, finished=history.stop_reason not in ("interrupted", NOT_FINITE))


def append_history(network: Network, history: History) -> None:
    """Append the history of a training to the network's own, if it has one. Steps and seconds go on from its last record."""
    total = getattr(network, "history", None)
    if not isinstance(total, History):
        return
    steps = total.last.step if total.records else 0
    seconds = total.last.seconds if total.records else 0.0
    total.records.extend(replace(r, step=r.step + steps, seconds=r.seconds + seconds) for r in history.records)
    total.events.extend(replace(e, step=e.step + steps) for e in history.events)
    total.optimizer, total.stop_reason = history.optimizer, history.stop_reason


def progress_bar(total: int | None, progress: bool, name: str = "fit", **options: Any) -> Any:
    """A bar of tqdm for `total` steps (None: nobody knows) with that name; without `progress` one that shows nothing."""
    if not progress:
        return _NoBar()
    from tqdm.auto import tqdm

    return tqdm(total=total, desc=name, leave=True, **options)


class _NoBar:
    """A bar that shows nothing."""

    n = total = 0

    def update(self, n: int = 1) -> None:
        """Count so many more."""

    def set_postfix_str(self, text: str, refresh: bool) -> None:
        """Change the text behind it."""

    def close(self) -> None:
        """End it."""


def close_bar(bar: Any, finished: bool) -> None:
    """Close a bar. A training that finished in fewer steps fills it: in notebooks a bar that isn't full turns red, as if it had failed."""
    if finished and 0 < bar.n < bar.total:
        begun, steps = bar.start_t, bar.n  # `reset` sets count and clock to their beginning
        bar.reset(total=steps)
        bar.start_t = begun
        bar.update(steps)
    bar.close()


def _show(bar: Any, record: StepRecord) -> None:
    """Move a progress bar on by one step, and show the losses of the record behind it."""
    test = "" if record.test_loss is None else f" · test {record.test_loss:.2e}"
    bar.set_postfix_str(f"train {record.train_loss:.2e}{test}", refresh=False)
    bar.update()
