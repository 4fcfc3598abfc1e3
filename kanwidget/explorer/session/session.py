"""`Session`: a network, its data, its training and its history. It knows no notebook and no thread.

Commands go in, the topics that changed come out. Whatever fails leaves the session exactly as it was.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, cast

from torch import Tensor

from kanwidget import _check
from kanwidget.core import EdgeRef, Event, History, Primitive, StepRecord, SymbolicFit
from kanwidget.core.primitives import primitives
from kanwidget.core.reference_data import order_columns
from kanwidget.core.scores import Scores
from kanwidget.core.threads import is_small, one_thread
from kanwidget.datasets import Dataset
from kanwidget.explorer.commands.base import Command, Edge, Panel
from kanwidget.explorer.describe import curves
from kanwidget.explorer.describe.panels.surface import first_view
from kanwidget.explorer.protocol.records import State
from kanwidget.explorer.protocol.topics import Notice, Topics
from kanwidget.explorer.session import stepping
from kanwidget.explorer.session.known import BestKnown, FitsKnown
from kanwidget.explorer.session.live_candidates import Seen
from kanwidget.explorer.session.recorder import Recorder
from kanwidget.explorer.session.script import Log
from kanwidget.explorer.session.survey import Survey
from kanwidget.explorer.session.undo import Checkpoint, UndoTree, copied
from kanwidget.kan import KAN
from kanwidget.symbolic.fits.custom import BrokenPrimitive
from kanwidget.symbolic.fits.ranking import SIMPLICITY
from kanwidget.training import OPTIMIZERS, Settings, Trainer, make_settings

#: A step that lasts longer than this looks at the stop flag; shorter ones are always finished.
_LONG_STEP = 0.05


class Session:
    """One network in training, with everything that was done to it.

    Args:
        model: The network; the session works on a copy.
        data: A `Dataset`, a pykan dict, or a pair of inputs and labels.
        in_vars: Names of the inputs; the data's own by default.
        out_vars: Names of the outputs.
        lib: Names of the primitives that are candidates; all of them by default.
        steps: Steps after which a training that was started ends; None goes on until it converges.
        **options: Of `KAN.fit`: `opt`, `lamb`, `lr`, `batch`, `loss`, `update_grid`, …
    """

    def __init__(
        self,
        model: KAN,
        data: Any,
        *,
        in_vars: Sequence[str] | None = None,
        out_vars: Sequence[str] | None = None,
        lib: Iterable[str] | None = None,
        steps: int | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(model, KAN):
            _check.fail("model", "KANExplorer", "a KAN", model, "KAN([2, 5, 1]) makes one.", error=TypeError)
        self.lib = None if lib is None else tuple(row.name for row in primitives(lib))
        self.steps = None if steps is None else _check.integer(steps, "steps", "KANExplorer", low=1)
        #: Asked within long steps, as `Trainer.interrupted`; a driver sets it.
        self.interrupted: Callable[[], bool] = lambda: False
        #: Told when a longer act begins (in words) and when it ends (None); a publisher sets it.
        self.on_task: Callable[[str | None], None] = lambda _: None
        self.callbacks: list[Callable[[StepRecord], Any]] = []
        #: Name of the problem that is played with, None for data of one's own.
        self.preset: str | None = None
        #: What `KANExplorer` was given beside network and data.
        self.arguments: dict[str, Any] = {}
        self.simplicity = SIMPLICITY
        #: What each view has open.
        self.watched: dict[str, tuple[Panel, ...]] = {}
        #: Raised by every change of parameters or structure: what is derived from them is then out of date.
        self.version = -1
        #: Which nodes there are: edges of another layout are others, even where their indices are the same.
        self.layout, self._layouts = 0, -1
        self.notice: Notice | None = None
        #: A notice that no command has brought and no page has seen yet.
        self.news: Notice | None = None
        self.survey = Survey()
        #: Registered functions that were found not to work, and those of them about which nobody was told yet.
        self._broken: set[Primitive] = set()
        self.left_out: list[str] = []
        self._step_started = 0.0
        self.begin(model, order_columns(model, data, "KANExplorer"), in_vars, out_vars, make_settings(**options))

    def begin(
        self,
        model: KAN,
        data: Dataset,
        in_vars: Sequence[str] | None,
        out_vars: Sequence[str] | None,
        settings: Settings,
    ) -> None:
        """Begin with a network and its data; what was done before is left behind."""
        # What can fail, metrics of the user among it, comes before anything is changed.
        trainer = Trainer(copied(model), data, None, settings, self._interrupted)
        inputs = _named(in_vars, data.in_vars, "in_vars")
        known = data.out_vars if len(data.out_vars) == model.n_out else None
        outputs = _named(out_vars, known or tuple(f"y_{i + 1}" for i in range(model.n_out)), "out_vars")
        now, initial = trainer.record(), copied(model)
        self.in_vars, self.out_vars = inputs, outputs
        self.past, self.initial = model.history, initial
        self.data, self.trainer, self.model = data, trainer, cast("KAN", trainer.network)
        #: Noise on the training labels, see `noisy`, and the seed of the last reset.
        self.noise, self.seed = 0.0, model.seed
        self.state: State = "idle"
        self.stop_reason: str | None = None
        self.left: int | None = None
        #: Whether the last of these steps only pauses the training, because it was going on before.
        self.pausing = False
        self.records: list[StepRecord] = []
        self.events: list[Event] = []
        self.now = now
        self.ms_per_step: float | None = None
        self.selection: tuple[Edge, ...] = ()
        self.best = BestKnown()
        #: The last look at an edge in training.
        self.seen: Seen | None = None
        self.log = Log()
        #: The film of the training.
        self.recorder = Recorder()
        self.tree = UndoTree()
        self.tree.add("start", "start", self.now, None, self.model.n_parameters)
        self.dragging: Checkpoint | None = None
        self.fits = FitsKnown()
        self._scores: tuple[int, Scores] | None = None
        self.view = first_view(self)
        self.version += 1
        self.best.acted = self.version
        self._layouts += 1
        self.layout = self.first_layout = self._layouts

    # ---- asking

    @property
    def x(self) -> Tensor:
        """The inputs that queries look at: a sample of the training data."""
        return self.model.reference

    @property
    def running(self) -> bool:
        """Whether it trains."""
        return self.state == "running"

    @property
    def opts(self) -> list[str]:
        """The optimisers that can be chosen."""
        return ["auto", *OPTIMIZERS]

    @property
    def small(self) -> bool:
        """Whether the network is so small that several threads would only wait for each other."""
        return is_small(self.model, len(self.data.train_input))

    @property
    def panels(self) -> frozenset[Panel]:
        """What is open in any view."""
        return frozenset(panel for panels in self.watched.values() for panel in panels)

    def check_edge(self, edge: Sequence[int] | int, where: str) -> Edge:
        """The edge, if it exists."""
        if not isinstance(edge, Sequence) or isinstance(edge, str) or len(edge) != 3:
            _check.fail("edge", where, "three indices (layer, input, output)", edge)
        layer, source, target = edge
        self.model.check_edge(layer, source, target, where)
        return (int(layer), int(source), int(target))

    def candidates(self, edge: Edge) -> list[SymbolicFit]:
        """All functions that could replace an edge, best first; computed once for each state of the network."""
        if edge not in self._known:
            self.know(edge, self.search(edge))
        return self._known[edge]

    def know(self, edge: Edge, fits: list[SymbolicFit]) -> None:
        """These are all functions that could replace an edge as it is now, best first."""
        self._known[edge] = fits
        if fits:
            samples = curves.edge_samples(self.model, edge, self.x)
            self.best.among(self.rows).put(EdgeRef(*edge), fits[0], self.version, samples)

    @property
    def rows(self) -> tuple[Primitive, ...]:
        """The functions that are candidates; more may be registered at any time."""
        return tuple(primitives(self.lib))

    def search(self, edge: Edge, names: Sequence[str] | None = None) -> list[SymbolicFit]:
        """Fit some functions to an edge as it is now, all of the library for None, best first."""
        lib = self.lib if names is None else names
        options: dict[str, Any] = {"simplicity": self.simplicity, "on_broken": self.leave_out}
        return self.model.suggest_symbolic(*edge, lib=lib, topk=None, **options)

    def leave_out(self, broken: BrokenPrimitive) -> None:
        """A function doesn't work: it is told once."""
        if broken.primitive not in self._broken:
            self._broken.add(broken.primitive)
            self.left_out.append(str(broken))

    @property
    def _known(self) -> dict[Edge, list[SymbolicFit]]:
        """The candidates of edges as they are now."""
        return self.fits.at(self.version, self.rows)

    def best_known(self, edge: EdgeRef) -> SymbolicFit | None:
        """The best candidate of an edge, if it is known for the present state."""
        samples = lambda: curves.edge_samples(self.model, edge, self.x)  # noqa: E731
        return self.best.among(self.rows).get(edge, self.version, self.running, samples)

    def scores(self) -> Scores:
        """How much nodes and edges matter; computed once for each state of the network."""
        if self._scores is None or self._scores[0] != self.version:
            self._scores = (self.version, curves.scores(self.model, self.x))
        return self._scores[1]

    def warm_up(self) -> None:
        """Have the tables made that the first search for candidates needs, unless something better is to be done."""
        if not self.running:
            with contextlib.suppress(ValueError):  # a network that has diverged fits nothing
                self.search((0, 0, 0))

    def candidates_known(self) -> bool:
        """Whether the candidates of the first selected edge are those of the present state."""
        return bool(self.selection) and self.selection[0] in self._known

    def history(self) -> History:
        """The steps and events of this session, in a value of its own."""
        stop_reason = self.stop_reason or ("running" if self.running else self.state)
        return History(list(self.records), list(self.events), self.trainer.opt, stop_reason)

    def snapshot_model(self) -> KAN:
        """A copy of the network, with the history of the model that was given and this session's."""
        model = copied(self.model)
        done = self.past.last.step if self.past.records else 0
        spent = self.past.last.seconds if self.past.records else 0.0
        later = list(self.records)
        if done or spent:
            later = [replace(r, step=r.step + done, seconds=r.seconds + spent) for r in later]
        events = [replace(event, step=event.step + done) for event in self.events]
        model.history = History(
            [*self.past.records, *later], [*self.past.events, *events], self.trainer.opt, self.stop_reason or self.state
        )
        return model

    # ---- doing

    def apply(self, command: Command) -> Topics:
        """Carry a command out, whole or not at all.

        Returns:
            The topics that changed.

        Raises:
            ValueError: If the command asks for what doesn't exist; the session is then as before.
        """
        from kanwidget.explorer.commands.acts import perform

        with one_thread(self.small):
            return perform(self, command)

    def advance(self, budget: float = 0.05, stop: Callable[[], bool] = lambda: False) -> Topics:
        """Train for some seconds, at least one step, unless it isn't running.

        Args:
            budget: Seconds after which no further step is begun.
            stop: Asked after every step; True ends this call, not the training.
        """
        with one_thread(self.small):
            return stepping.advance(self, budget, stop)

    def forget_momentum(self) -> None:
        """Gradient methods lose their memory in a step that is broken off; the script has to do the same."""
        stepping.forget_momentum(self)

    def _interrupted(self) -> bool:
        return time.perf_counter() - self._step_started > _LONG_STEP and self.interrupted()

    # ---- states

    def checkpoint(self) -> Checkpoint:
        """Everything that undo needs."""
        return Checkpoint(
            copied(self.model),
            self.trainer.state_dict(),
            self.records,
            len(self.records),
            tuple(self.events),
            self.now,
            self.layout,
            self.seed,
        )

    def restore(self, state: Checkpoint) -> None:
        """Make a checkpoint's state the present one."""
        self.adopt(copied(state.model))
        self.trainer.load_state_dict(state.memory)
        if state.layout != self.layout:
            self.layout, self.selection = state.layout, ()
            self.best.forget()
        self.records = state.records[: state.n_records]
        self.events, self.now, self.seed = list(state.events), state.now, state.seed

    def free(self) -> None:
        """Let go of everything; it can't be used afterwards."""
        self.__dict__.clear()

    def adopt(self, model: KAN) -> None:
        """Train another network from now on."""
        for parameter in model.parameters():
            parameter.data = parameter.data.contiguous()  # LBFGS can't take others
        same_shape = model.width == self.model.width and model.arities == self.model.arities
        self.model = self.trainer.network = model
        self.version += 1
        if not same_shape:
            self._layouts += 1
            self.layout, self.selection = self._layouts, ()
            self.best.forget()
        self.best.acted = self.version

    def touched(self) -> None:
        """The network was changed from outside the trainer, which has to begin afresh."""
        self.model.history.events.clear()
        self.trainer.stop_reason = ""
        self.trainer.reset()
        self.version += 1
        self.best.acted = self.version
        self.now = replace(self.trainer.record(), step=self.now.step, stop_reason=None)
        if self.state in ("done", "error"):
            self.state, self.stop_reason = "paused", None


def _named(given: Sequence[str] | None, default: tuple[str, ...], argument: str) -> tuple[str, ...]:
    names = default if given is None else given
    sound = not isinstance(names, str) and all(isinstance(name, str) and name for name in names)
    if not sound or len(names) != len(default):
        _check.fail(argument, "KANExplorer", f"a list of {len(default)} names", given)
    return tuple(names)
