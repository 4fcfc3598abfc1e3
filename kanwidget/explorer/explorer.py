"""`KANExplorer`: a network that trains while you watch and click it. Every click is one of its methods."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget._types import LayerWidth
from kanwidget.core.reference_data import has_labels
from kanwidget.datasets.dataset import Split
from kanwidget.datasets.reading import is_table
from kanwidget.explorer.describe.snapshot import state_of
from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.drivers.router import Router
from kanwidget.explorer.drivers.thread import DriverChoice, ThreadDriver, driver_kind
from kanwidget.explorer.files.formats import drawing, menu
from kanwidget.explorer.files.panel_figures import still_drawing
from kanwidget.explorer.files.session_reader import SavedSession, read
from kanwidget.explorer.methods.discovery import DiscoveryMethods
from kanwidget.explorer.methods.edit import EditMethods
from kanwidget.explorer.methods.query import SettingMethods
from kanwidget.explorer.methods.save import SaveMethods
from kanwidget.explorer.methods.train import GuideMethods
from kanwidget.explorer.methods.undo import UndoMethods
from kanwidget.explorer.notebook.cells import close_replaced
from kanwidget.explorer.notebook.ipython import StillPicture, can_show
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.session.presets import preset
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN
from kanwidget.kan.for_data import FIRST_GRID, TableOptions, dataset_for, width_for

Cls = TypeVar("Cls", bound=type)

#: Arguments of `KAN.fit` that an explorer doesn't have, and their replacements.
_NOT_HERE = {
    "validation": "Nothing chooses the best step here: pass validation data as the test part of a Dataset, and undo.",
    "callbacks": "Use explorer.on_step(f).",
    "progress": "The view shows it; explorer.fit(progress=True) has a bar.",
}

#: What has another name here, and that name.
_CALLED = {
    "stop": "pause()",
    "front": "pareto_front",
    "pin": "freeze()",
    "unpin": "unfreeze()",
    "symbolify": "auto_symbolic()",
    "predict": "predictions(), or model.predict(data)",
}


def wire(session: Session, driver: DriverChoice, name: str) -> tuple[Driver, Publisher, Router]:
    """Connect a session with a driver, a publisher and a router.

    Messages from pages: widget → router → message queue → driver → session. Changes: session → driver → publisher → widget.

    Args:
        session: The session.
        driver: Which driver runs it.
        name: Name of the driver's thread.

    Returns:
        The driver, which runs the session; the publisher, which sends what has changed; the router, which takes the pages' messages.
    """
    kind = driver_kind(driver)  # `auto` becomes one that works here
    publisher = Publisher(session, kind, formats=menu())
    owner = ThreadDriver(session, publisher, name) if kind == "thread" else Driver(session, publisher, kind)
    # What the session can't do by itself: show a longer task, work beside the training, and see that a pause waits.
    session.view.show_tasks_with(publisher.send_task)
    session.view.work_out_with(owner.work_out, has_threads=kind == "thread")
    session.run.interrupt_with(owner.stopping)
    return owner, publisher, Router(owner, publisher)


def plain_refusals(cls: Cls) -> Cls:
    """Let the construction and all public methods and properties of a class, and of its bases, raise refusals without the package's frames.

    A refusal is an error about what a person has asked for: its traceback ends at the person's call. Python's own errors about arguments
    name the methods after `KANExplorer`, whichever base has them.
    """
    for owner in cls.__mro__[:-1]:  # without `object`
        for name, member in list(vars(owner).items()):
            if name == "__init__" or not name.startswith("_"):
                setattr(owner, name, _plain(member))
        _check.methods_of("KANExplorer")(owner)
    return cls


def _plain(member: Any) -> Any:
    """A method, class method or property whose refusals end their traceback at the person's call; any other member as it is."""
    if isinstance(member, property):
        read, write = member.fget, member.fset
        return property(read and short_refusals(read), write and short_refusals(write), doc=member.__doc__)
    if isinstance(member, classmethod):
        return classmethod(short_refusals(member.__func__))
    return short_refusals(member) if callable(member) else member


@plain_refusals
class KANExplorer(GuideMethods, DiscoveryMethods, SettingMethods, EditMethods, UndoMethods, SaveMethods):
    """Train a network, watch it, click its edges and turn it into a formula.

    As the last expression of a cell it is shown. It works on a copy of the network; `explorer.model` gives it back.

    Args:
        model: The network to begin with; or the data alone, a data frame or a `Dataset`, for which a network is made.
        data: A `Dataset`, a pykan dict, a pair of inputs and labels, or a data frame. Beside a frame in place of a network it is the name
            of the target, and beside inputs their labels.
        target: The column, or columns, of a data frame to predict; texts are classes.
        width: Of the network that is made for data, as in `KAN`: `[2, 5, 1]`; `auto`, the default, begins without hidden nodes, and
            *Train* adds what the evidence asks for, see `KAN.for_data`.
        log: Columns, or the target, whose logarithms are the first and the last step of a network that is made for data.
        standardize: Bring the columns to mean 0 and standard deviation 1 beforehand. A network learns such scales by itself.
        test_fraction: The part of a data frame's rows that is set aside as test data; by default a fifth, below 50 rows none.
        in_vars: Names of the inputs; by default the names in the data.
        out_vars: Names of the outputs; by default the names in the data.
        lib: Names of the primitives that may replace an edge; by default the whole library.
        opt: The optimizer, as in `KAN.fit`.
        steps: Steps after which a started training ends; None trains until it converges.
        driver: Who trains: `thread` in the background, `cooperative` whenever the page asks (where there are no threads), `blocking` only
            within calls; `auto` is `thread` where threads exist.
        **options: Further arguments of `KAN.fit`: `lamb`, `lr`, `batch`, `loss`, `update_grid`, …, but not `validation`,
            `callbacks` and `progress`.

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
        >>> table = {"mass": [1.0, 2.0, 3.0, 4.0, 5.0], "speed": [2.0, 1.0, 4.0, 3.0, 2.0], "energy": [2.0, 1.0, 24.0, 18.0, 10.0]}
        >>> import pandas
        >>> KANExplorer(pandas.DataFrame(table), target="energy", width=[2, 1]).model
        KAN([2, 1], grid=3, k=3, 2 active edges)
    """

    def __init__(
        self,
        model: Any,
        data: Any = None,
        *,
        target: str | Sequence[str] | None = None,
        width: Sequence[LayerWidth] | str | None = None,
        log: Sequence[str | int] = (),
        standardize: bool = False,
        test_fraction: float | None = None,
        in_vars: Sequence[str] | None = None,
        out_vars: Sequence[str] | None = None,
        lib: Iterable[str] | None = None,
        opt: str = "auto",
        steps: int | None = None,
        driver: DriverChoice = "auto",
        **options: Any,
    ) -> None:
        # Arguments of `KAN.fit` without a meaning here, each with advice.
        for name in _NOT_HERE.keys() & options.keys():
            _check.fail(name, "KANExplorer", "left out", options[name], _NOT_HERE[name])
        if is_table((model, data)) and target is None:  # KANExplorer(df, "energy"): a frame and the name of its target
            data, target = None, data
        # How a data frame becomes a dataset: test rows, the seed that picks them, and whether columns are standardized.
        split = Split(test_fraction, options.get("seed", 0), standardize)
        grows = _grows(model, width)
        model, dataset = _network_and_data(model, data, TableOptions(target, split), width, log)
        self._session = Session(
            model, dataset, in_vars=in_vars, out_vars=out_vars, lib=lib, opt=opt, steps=steps, **options
        )
        self._session.grows = grows  # whether *Train* may make the network richer
        if target is not None:
            table = {"target": target, "standardize": bool(standardize) or None, "test_fraction": test_fraction}
            self._session.table = {name: value for name, value in table.items() if value is not None}  # for the script
        self._driver, self._publisher, self._router = wire(self._session, driver, f"kanwidget-explorer-{id(self):x}")
        #: The view, made when it is asked for, and the picture below it for when its kernel is gone.
        self._widget: Any = None
        self._still: StillPicture | None = None
        #: The text of a closed explorer.
        self._last_summary = ""
        #: Notified after each step: a call that waits for the training sleeps on it.
        self._stepped = threading.Condition()
        self._session.run.add_callback(self._notify_step)
        close_replaced(self)

    @classmethod
    def demo(cls, name: str | None = None, *, seed: int = 0, **options: Any) -> KANExplorer:
        """An explorer on a small problem; its view offers further problems.

        Args:
            name: The problem, see `kanwidget.explorer.session.presets`; the first one by default.
            seed: Seed of the network.
            **options: Further arguments of `KANExplorer`; `lamb` is at first the problem's own.

        Examples:
            >>> KANExplorer.demo("ripples")
            KANExplorer([2, 3, 1], step=0, train=0.71, test=0.72, idle)
        """
        name, row = preset(name)
        explorer = cls(row.network(seed), row.data(), **{"lamb": row.lamb, **options})
        explorer._session.preset = name
        return explorer

    @classmethod
    def load(cls, path: str | os.PathLike[str], data: Any = None, **options: Any) -> KANExplorer:
        """Go on with a session that `save_json` wrote: with its network, settings, history and script.

        Only the current state is stored: undo can't lead back beyond it. No code runs while a file is read.

        Args:
            path: The file.
            data: The training data, if they were too large to be stored.
            **options: `driver`, and functions and tensors that can't be stored, such as `loss`.

        Raises:
            FileNotFoundError: If there is no such file.
            ValueError: If the file holds no session or is damaged, or if data or functions are missing.

        Examples:
            >>> import pathlib, tempfile
            >>> file = pathlib.Path(tempfile.mkdtemp(), "session.json")
            >>> KANExplorer.demo("product").save_json(file)
            >>> KANExplorer.load(file)
            KANExplorer([2, [2, 1], 1], step=0, train=0.36, test=0.36, idle)
        """
        saved = SavedSession(read(path), path)
        data = saved.choose_data(data, options)
        with saved.names_file():
            explorer = cls(saved.initial, data, **{**saved.arguments, **options})
        try:
            explorer._driver.ask(lambda: saved.restore(explorer._session))  # as the owner of the session
        except BaseException:
            explorer.close()
            raise
        return explorer

    # ---- showing

    @property
    def widget(self) -> Any:
        """The ipywidgets widget, made when it is first asked for.

        Examples:
            >>> KANExplorer.demo("product").widget.snapshot["settings"]["preset"]
            'product'
        """
        if self._widget is None:
            self._driver.check_open()
            from kanwidget.explorer.notebook.widget import ExplorerWidget

            self._widget = ExplorerWidget(self._router.handle, self._driver.ask(self._publisher.compact_snapshot))
            self._publisher.connect(self._widget.send_message, self._store, self._widget.input_blocked)
            # The first snapshot has no formula yet, since it takes longer: it follows as a message.
            self._driver.post(lambda: self._publisher.mark_changed(frozenset(("formula",))))
        return self._widget

    def _store(self, snapshot: Any) -> None:
        """Keep a compact snapshot, all that a page draws, in the widget and, soon, a picture below it, for pages that are opened later."""
        self._widget.store(snapshot)
        if self._still is not None:
            self._still.renew()

    def close(self) -> None:
        """Stop, and free thread, network and data. The explorer can't be used afterwards.

        Examples:
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.close()
            >>> explorer
            KANExplorer([2, [2, 1], 1], step=0, train=0.36, test=0.36, closed)
        """
        if self._driver.closed:
            return
        self._publisher.disconnect()
        if self._still is not None:
            self._still.close()
        if self._widget is not None:
            self._widget.close()
        self._driver.close(self._free)

    def _free(self) -> None:
        """Keep the text of the last state and release the rest; the driver calls it once nobody owns the session any more."""
        self._last_summary = _summary(self._session, closed=True)
        self._widget = None
        self._session.free()

    def __enter__(self) -> KANExplorer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Refuse a name that there isn't; for a usual one, such as `stop`, the error says what it is called here."""
            advice = f" It is called {_CALLED[name]}." if name in _CALLED else ""
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}.{advice}")

    def __repr__(self) -> str:
        return self._last_summary or _summary(self._session)

    def _repr_mimebundle_(self, **_: Any) -> Any:
        """What IPython shows of the explorer, by MIME type: the view where a page can talk to the kernel, else a drawing of the network.

        There is a text in any case, alone once the explorer is closed. With the view comes the metadata of its types, as a pair.
        """
        plain = {"text/plain": repr(self)}
        if self._driver.closed:
            return plain
        if can_show():
            data, metadata = self.widget._repr_mimebundle_()
            return {**data, **plain}, metadata
        return {**plain, "image/svg+xml": self._driver.ask(lambda: drawing(self._session))}

    def _ipython_display_(self) -> None:
        """Show the view in IPython and, below it for when its kernel is gone, its last picture."""
        if self._driver.closed or not can_show():
            raise NotImplementedError  # IPython then asks for the bundle
        data, metadata = self._repr_mimebundle_()
        if self._still is None:
            self._still = StillPicture(lambda: still_drawing(self._session, repr(self)), self._driver.post)
        self._still.show(data, metadata, repr(self))

    def _display_(self) -> Any:
        """What marimo shows of the explorer: the widget."""
        return self.widget


def _network_and_data(
    model: Any,
    data: Any,
    table: TableOptions,
    width: Sequence[LayerWidth] | str | None,
    log: Sequence[str | int],
) -> tuple[Any, Any]:
    """The network and the dataset of an explorer; for data alone a network is made.

    Args:
        model: A network, or the data in its place.
        data: The data of a network; beside data in place of a network their labels, or None.
        table: How data that are no `Dataset` yet become one: the target of a frame, and how rows are split.
        width: Of a network that is made: its levels of nodes; `auto` or None begins without hidden ones.
        log: Columns or targets whose logarithms a network that is made takes.

    Returns:
        Both; a `model` of another type together with its `data` as they are.
    """
    where = "KANExplorer"
    if isinstance(model, KAN):
        if width is not None:
            _check.fail("width", where, "left out beside a network", width, "The network has its width.")
        if len(log):
            _check.fail("log", where, "left out beside a network", log, "KAN(…, log=…) makes one with logarithms.")
        if data is None:
            advice = "KANExplorer(model, data); or KANExplorer(df, target=…), which makes the network, too."
            _check.fail("data", where, "given", None, advice, error=TypeError)
        return model, dataset_for(data, table, where)
    if data is not None:
        if table.target is not None or not has_labels((model, data)):
            return model, data  # the session refuses such a model
        model = (model, data)
    dataset = dataset_for(model, table, where)
    shape = width_for(dataset, "auto" if width is None else width, where)
    # The first grid of a network that *Train* makes richer where the data ask for it; else 3, the default of `KAN`.
    grid = FIRST_GRID if _grows(model, width) else 3
    return KAN(shape, grid, log=log, seed=table.split.seed), dataset


def _grows(model: Any, width: Sequence[LayerWidth] | str | None) -> bool:
    """Whether the data decide about the network's shape: `model` is no network but data, and nobody has given the width as a list."""
    return not isinstance(model, KAN) and (width is None or isinstance(width, str))


def _summary(session: Session, closed: bool = False) -> str:
    """Width, step, losses and state in a line: `KANExplorer([2, 5, 1], step=120, train=1.2e-05, test=3.4e-05, paused)`."""
    # A level with product nodes is a pair, as in the argument `width` of a network.
    shape = [sums if not products else [sums, products] for sums, products in session.model.width]
    record = session.run.last_record
    test = "" if record.test_loss is None else f", test={record.test_loss:.2g}"
    state = "closed" if closed else state_of(session)
    return f"KANExplorer({shape}, step={record.step}, train={record.train_loss:.2g}{test}, {state})"
