"""`KANExplorer`: a network that trains while you watch and click it. Every click is one of its methods."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from kanwidget import _check
from kanwidget.core import History, StepRecord
from kanwidget.explorer.commands.training import Start, Step
from kanwidget.explorer.drivers.router import Router
from kanwidget.explorer.drivers.thread import DriverChoice, make_driver
from kanwidget.explorer.files.formats import drawing
from kanwidget.explorer.methods.edit import EditMethods
from kanwidget.explorer.methods.query import QueryMethods
from kanwidget.explorer.methods.save import SaveMethods
from kanwidget.explorer.methods.tracebacks import plain_refusals
from kanwidget.explorer.notebook.cells import gentle_interrupt, replace_old
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.presets import preset
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN
from kanwidget.training.steps.loop import close_bar, progress_bar

#: Arguments of `KAN.fit` that an explorer doesn't have, and what to use instead.
_NOT_HERE = {
    "validation": "Nothing chooses the best step here: give such data as the test part of a Dataset, and undo.",
    "callbacks": "Use explorer.on_step(f).",
    "progress": "The view shows it; explorer.fit(progress=True) has a bar.",
}


def _summary(session: Session, closed: bool = False) -> str:
    """`KANExplorer([2, 5, 1], step=120, train=1.2e-05, test=3.4e-05, paused)`"""
    shape = [sums if not products else [sums, products] for sums, products in session.model.width]
    record = session.run.last_record
    test = "" if record.test_loss is None else f", test={record.test_loss:.2g}"
    state = "closed" if closed else session.run.state
    return f"KANExplorer({shape}, step={record.step}, train={record.train_loss:.2g}{test}, {state})"


@plain_refusals
class KANExplorer(EditMethods, QueryMethods, SaveMethods):
    """Train a network, watch it, click its edges and turn it into a formula.

    As the last expression of a cell it is shown. It works on a copy of the network; `explorer.model` gives it back.

    Args:
        model: The network to begin with.
        data: A `Dataset`, a pykan dict, or a pair of inputs and labels.
        in_vars: Names of the inputs; by default those of the data.
        out_vars: Names of the outputs; by default those of the data.
        lib: Names of the primitives that may replace an edge; by default the whole library.
        opt: The optimiser, as in `KAN.fit`.
        steps: Steps after which a training ends that was started; without, it goes on until it converges.
        driver: Who trains: `thread` in the background, `cooperative` whenever the page asks (where there are no threads), `blocking` only
            within calls; `auto` is `thread` where threads exist.
        **options: Further ones of `KAN.fit`: `lamb`, `lr`, `batch`, `loss`, `update_grid`, …
            All but `validation`, `callbacks` and `progress`.

    Raises:
        ValueError: For data, names or settings that don't fit.

    Examples:
        >>> from kanwidget import create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2 + x[:, [1]], n_var=2, train_num=100, test_num=100)
        >>> explorer = KANExplorer(KAN([2, 1]), data)
        >>> explorer.step(3)
        >>> explorer.fix("x^2", edge=(0, 0, 0))
        >>> explorer.undo()
        >>> explorer.status["step"], explorer.model.layer(0).state(0, 0)
        (3, 'spline')
    """

    def __init__(
        self,
        model: KAN,
        data: Any,
        *,
        in_vars: Sequence[str] | None = None,
        out_vars: Sequence[str] | None = None,
        lib: Iterable[str] | None = None,
        opt: str = "auto",
        steps: int | None = None,
        driver: DriverChoice = "auto",
        **options: Any,
    ) -> None:
        for name in _NOT_HERE.keys() & options.keys():
            _check.fail(name, "KANExplorer", "left out", options[name], _NOT_HERE[name])
        self._session = Session(
            model, data, in_vars=in_vars, out_vars=out_vars, lib=lib, opt=opt, steps=steps, **options
        )
        self._publisher = Publisher(self._session)
        self._driver = make_driver(driver, self._session, self._publisher, f"kanwidget-explorer-{id(self):x}")
        self._router = Router(self._driver, self._publisher)
        self._widget: Any = None
        self._last_words = ""
        self._stepped = threading.Condition()
        self._session.run.add_callback(self._count)
        replace_old(self)

    @classmethod
    def demo(cls, name: str | None = None, *, seed: int = 0, **options: Any) -> KANExplorer:
        """An explorer on a small problem to play with; its view offers the others.

        Args:
            name: The problem, see `kanwidget.explorer.session.presets`; the first one by default.
            seed: Of the network.
            **options: Of `KANExplorer`.

        Examples:
            >>> KANExplorer.demo("ripples")
            KANExplorer([2, 3, 1], step=0, train=0.71, test=0.72, idle)
        """
        name, row = preset(name)
        explorer = cls(row.network(seed), row.data(), **options)
        explorer._session.offer_presets(name)
        return explorer

    @classmethod
    def load(cls, path: str | os.PathLike[str], data: Any = None, **options: Any) -> KANExplorer:
        """Go on with a session that `save_json` wrote: where it was, with what was done to it.

        Only the present state is stored: undo leads back as far as here. No code runs while a file is read.

        Args:
            path: The file.
            data: What it was trained on, needed where it was too large to be stored.
            **options: `driver`, and functions and tensors that can't be stored, such as `loss`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If it isn't such a file or is damaged, or if something has to be given.
        """
        from kanwidget.explorer.files.session_reader import SavedSession, read

        saved = SavedSession(read(path), path)
        data = saved.choose_data(data, options)
        explorer = saved.begin(lambda: cls(saved.initial, data, **{**saved.arguments, **options}))
        try:
            explorer._ask(lambda: saved.restore(explorer._session))
        except BaseException:
            explorer.close()
            raise
        return explorer

    # ---- training

    def start(self, steps: int | None = None) -> None:
        """Train in the background, until it converges, `pause()`, or so many steps are done.

        Raises:
            RuntimeError: If the driver is `blocking`, so that this call trains, and no end is in sight.
        """
        self._driver.start(Start(steps))

    def pause(self) -> None:
        """Stop training and keep everything; `start()` goes on."""
        self._driver.pause()
        self._ask(lambda: None)

    def step(self, n: int = 1) -> None:
        """Train n steps now, in this call. A training in the background is paused afterwards; `start()` goes on."""
        self._blocking(Step(_check.integer(n, "n", "step", low=1)))

    def fit(self, steps: int = 100, *, progress: bool = False) -> History:
        """Train so many steps now, in this call; Ctrl-C and ■ pause and keep everything.

        Args:
            steps: Most steps; it ends before if it has converged.
            progress: Whether to show a progress bar.

        Returns:
            The whole history of this session.
        """
        steps = _check.integer(steps, "steps", "fit", low=1)
        bar, finished = progress_bar(steps, progress), False
        try:
            self._blocking(Start(steps), (lambda: None) if bar is None else bar.update)
            finished = self.status["state"] == "done"
        finally:
            close_bar(bar, finished)
        return self.history

    def wait(
        self,
        steps: int | None = None,
        until: Callable[[StepRecord], Any] | None = None,
        timeout: float | None = None,
    ) -> bool:
        """Wait while it trains in the background.

        Args:
            steps: Until so many more steps are done.
            until: Until this function of the latest record is true.
            timeout: At most so many seconds.

        Returns:
            False if the time was over first; True if what was waited for has come, or the training has ended.

        Raises:
            RuntimeError: If it trains and no end is in sight.
        """
        if steps is not None:
            _check.integer(steps, "steps", "wait", low=0)
        if timeout is not None:
            timeout = _check.real(timeout, "timeout", "wait", low=0)
        if until is not None and not callable(until):
            _check.fail("until", "wait", "a function of a StepRecord", until)
        session = self._open
        if (
            session.running
            and steps is None
            and until is None
            and timeout is None
            and session.run.remaining_steps is None
        ):
            _check.refuse(
                RuntimeError(
                    "wait() would wait for ever: the training has no last step. Use wait(steps=…), until=… or timeout=…."
                )
            )
        return self._wait(len(session.run.records), steps, until, timeout)

    def on_step(self, callback: Callable[[StepRecord], Any]) -> Callable[[], None]:
        """Call a function with every `StepRecord`, on the thread that trains; returns a function that ends this."""
        if not callable(callback):
            _check.fail("callback", "on_step", "a function of a StepRecord", callback)
        return self._open.run.add_callback(callback, first=True)

    # ---- showing it

    @property
    def widget(self) -> Any:
        """The ipywidgets widget, made when it is first asked for."""
        if self._widget is None:
            self._driver.check_open()
            from kanwidget.explorer.notebook.widget import ExplorerWidget

            self._widget = ExplorerWidget(self._router.handle, self._ask(self._publisher.stored))
            self._publisher.send, self._publisher.store = self._widget.tell, self._widget.store
            self._publisher.line.deaf = self._widget.deaf
            self._driver.post(lambda: self._publisher.note(frozenset(("formula",))))
        return self._widget

    def close(self) -> None:
        """Stop, and free thread, network and data. The explorer can't be used afterwards."""
        if self._driver.closed:
            return
        self._publisher.send = self._publisher.store = None
        self._publisher.line.deaf = lambda: False
        if self._widget is not None:
            self._widget.close()
        self._driver.close(self._free)

    def _free(self) -> None:
        self._last_words = _summary(self._session, closed=True)
        self._widget = None
        self._session.free()

    def __enter__(self) -> KANExplorer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return self._last_words or _summary(self._session)

    def _repr_mimebundle_(self, **_: Any) -> Any:
        plain = {"text/plain": repr(self)}
        if self._driver.closed:
            return plain
        with contextlib.suppress(ImportError):
            from kanwidget.explorer.notebook.widget import can_show

            if can_show():
                bundle = self.widget._repr_mimebundle_()
                data, more = bundle if isinstance(bundle, tuple) else (bundle, {})
                return {**(data or {}), **plain}, more
        return {**plain, "image/svg+xml": self._ask(lambda: drawing(self._session))}

    def _display_(self) -> Any:
        """What marimo shows."""
        return self.widget

    # ---- inside

    def _count(self, _: StepRecord) -> None:
        with self._stepped:
            self._stepped.notify_all()

    def _blocking(self, command: Command, tick: Callable[[], Any] = lambda: None) -> None:
        with gentle_interrupt(self._driver.interrupt):
            self._driver.run(command, tick)

    def _wait(
        self, first: int, steps: int | None, until: Callable[[StepRecord], Any] | None, timeout: float | None
    ) -> bool:
        session, driver = self._session, self._driver
        end = None if timeout is None else time.monotonic() + timeout

        def come() -> bool:
            done = steps is not None and len(session.run.records) >= first + steps
            return (
                done
                or (until is not None and bool(until(session.run.last_record)))
                or not session.running
                or driver.closed
            )

        try:
            while not come():
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return False
                if driver.kind == "thread":
                    with self._stepped:
                        self._stepped.wait(0.05 if left is None else min(0.05, left))
                else:
                    driver.pump()
        except KeyboardInterrupt:
            self.pause()
            raise
        return True
