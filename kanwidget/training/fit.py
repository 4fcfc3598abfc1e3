"""`fit`: all steps of a training at once, with a progress bar, callbacks and the best state at the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.records import History, StepRecord
from kanwidget.datasets import Dataset, as_dataset
from kanwidget.training.best import Best
from kanwidget.training.settings import make_settings
from kanwidget.training.trainer import Callback, Trainer


def fit_steps(
    network: Network, data: Any, opt: str = "auto", steps: int | None = 100, *, validation: Any = None, **options: Any
) -> Trainer:
    """An iterator that trains in place and gives one `StepRecord` a step. Options as in `fit`.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100, test_num=100)
        >>> for record in KAN([2, 2, 1]).fit_steps(data, steps=30):
        ...     if record.train_loss < 1e-2:
        ...         break
        >>> record.train_loss < 1e-2
        True
    """
    return Trainer(network, _with_validation(data, validation), steps, make_settings(opt=opt, **options))


def fit(
    network: Network,
    data: Any,
    opt: str = "auto",
    steps: int = 100,
    *,
    callbacks: Iterable[Callback] = (),
    validation: Any = None,
    progress: bool = True,
    **options: Any,
) -> History:
    """Train in place. See `KAN.fit` for the arguments."""
    if not isinstance(callbacks, Iterable):
        _check.fail("callbacks", "fit", "a list of functions (network, record)", callbacks, "Write [f] for one.")
    hooks = list(callbacks)
    for hook in hooks:
        if not callable(hook):
            _check.fail("callbacks", "fit", "functions (network, record)", hook)
    trainer = fit_steps(network, data, opt, steps, validation=validation, **options)
    history = History(optimizer=trainer.opt)
    best = Best(trainer.loss)
    bar = _bar(steps, progress)
    try:
        for record in trainer:
            history.records.append(record)
            best.see(network, record)
            _show(bar, record)
            # A callback that returns True ends the training, as one that raises does, but quietly.
            if any([hook(network, record) is True for hook in hooks]):  # noqa: C419 - each hook is to be called
                history.reason = "callback"
                break
    except KeyboardInterrupt:
        history.reason = "interrupted"
    except BaseException:  # of a callback, say
        history.reason = "interrupted"
        raise
    finally:
        if bar is not None:
            bar.close()
        history.events.extend(trainer.events)
        history.reason = history.reason or trainer.reason or "interrupted"
        if history.reason == "interrupted" or trainer.data.val_input is not None:
            best.restore(network)
        _remember(network, history)
    return history


def _with_validation(data: Any, validation: Any) -> Dataset:
    dataset = as_dataset(data)
    if validation is None:
        return dataset
    if not isinstance(validation, (tuple, list)) or len(validation) != 2:
        _check.fail("validation", "fit", "a pair (inputs, labels)", validation)
    return replace(dataset, val_input=validation[0], val_label=validation[1])


def _remember(network: Network, history: History) -> None:
    """Append to the network's own history, steps counted on."""
    whole = getattr(network, "history", None)
    if not isinstance(whole, History):
        return
    done = whole.last.step if whole.records else 0
    spent = whole.last.seconds if whole.records else 0.0
    whole.records.extend(replace(r, step=r.step + done, seconds=r.seconds + spent) for r in history.records)
    whole.events.extend(replace(e, step=e.step + done) for e in history.events)
    whole.optimizer, whole.reason = history.optimizer, history.reason


def _bar(steps: int, progress: bool) -> Any:
    if not progress:
        return None
    from tqdm.auto import tqdm

    return tqdm(total=steps, desc="fit", leave=True)


def _show(bar: Any, record: StepRecord) -> None:
    if bar is None:
        return
    test = "" if record.test_loss is None else f" · test {record.test_loss:.2e}"
    bar.set_postfix_str(f"train {record.train_loss:.2e}{test}", refresh=False)
    bar.update()
