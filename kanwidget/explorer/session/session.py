"""`Session`: a network in training with its candidates, undo tree, script and view. It knows no notebook and no thread.

Commands go in, the topics that changed come out. A command that fails leaves the session exactly as it was.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from numbers import Integral
from typing import Any

from torch import Tensor

from kanwidget import _check
from kanwidget.core import EdgeRef, StepRecord
from kanwidget.core.primitives import primitives
from kanwidget.core.reference_data import order_columns
from kanwidget.core.scores import Scores
from kanwidget.core.threads import is_small
from kanwidget.datasets import Dataset
from kanwidget.datasets.notices import DataNotice, data_notices
from kanwidget.explorer.protocol.topics import Notice, Topics
from kanwidget.explorer.session.background.formula_search import Discoveries
from kanwidget.explorer.session.background.trials import RicherTrial, SwapErrors
from kanwidget.explorer.session.caches import Latest
from kanwidget.explorer.session.candidates import EdgeCandidates
from kanwidget.explorer.session.command import Command, Process
from kanwidget.explorer.session.recorder import Frame, RecordedStep
from kanwidget.explorer.session.samples import NetworkSamples, sampled, sampled_accuracy
from kanwidget.explorer.session.script import ScriptLog, listed, names_of, written
from kanwidget.explorer.session.states.hall_of_fame import StateRows
from kanwidget.explorer.session.states.node_identity import followed
from kanwidget.explorer.session.training_run import TrainingRun
from kanwidget.explorer.session.undo import RETURN, TRAIN, Checkpoint, UndoTree, copied
from kanwidget.explorer.session.view import ViewState
from kanwidget.insight.noise import Noise
from kanwidget.kan import KAN
from kanwidget.training import Settings, make_settings
from kanwidget.training.steps.scales import in_own_units


class Session:
    """One network in training, with its candidates, undo tree, script and view, each the owner of its attributes.

    The owner of the session limits torch's threads, see `is_small`.

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
        in_vars: Iterable[str] | None = None,
        out_vars: Iterable[str] | None = None,
        lib: Iterable[str] | None = None,
        steps: int | None = None,
        **options: Any,
    ) -> None:
        if not isinstance(model, KAN):
            _check.fail("model", "KANExplorer", "a KAN", model, "KAN([2, 5, 1]) makes one.", error=TypeError)
        names = {"in_vars": listed(in_vars), "out_vars": listed(out_vars), "lib": listed(lib)}
        library = None if lib is None else tuple(row.name for row in primitives(names["lib"]))
        #: Steps of a training that is started without a number of steps; None goes on until it converges.
        self.steps = None if steps is None else _check.integer(steps, "steps", "KANExplorer", low=1)
        #: The arguments that aren't the defaults, for the script.
        self.arguments = written({**names, "opt": options.get("opt"), "steps": steps, **options})
        #: The arguments by which the data come from a table, for the script.
        self.table: dict[str, Any] = {}
        #: Whether the data decide about the network's shape, since nobody has given one: *Train* then makes it richer.
        self.grows = False
        #: Name of the preset that network and data come from, None for data of one's own: the page offers the other presets.
        self.preset: str | None = None
        dataset, settings = order_columns(model, data, "KANExplorer"), make_settings(**options)  # as for `fit`
        if dataset.input_scaler is not None or dataset.output_scaler is not None:
            model = copied(model)
            dataset = in_own_units(model, dataset)  # the network's scales take over what standardizing did
        #: The session's commands as a script, what views show, its acts as an undo tree, and what was worked out for each state.
        self.script, self.view, self.tree, self.state_rows = ScriptLog(), ViewState(), UndoTree(), StateRows()
        self.run = TrainingRun(model, dataset, settings, self.script, self.view.announce)
        self.candidates = EdgeCandidates(self.run, library)
        # Errors with a candidate in an edge's place; searches for formulas; whether finer grids or more nodes explain more.
        self.swap_errors, self.discoveries = SwapErrors(self.run), Discoveries()
        self.richer = RicherTrial(self.run)
        self._name_variables(model, dataset, names["in_vars"], names["out_vars"])
        #: What belongs to each problem that isn't the current one: attributes of `run`, and of this session.
        self._problems: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
        #: What a loaded session has begun with, see `set_origin`; None where this session has begun with its first problem.
        self._origin: tuple[KAN, dict[str, Any], str | None] | None = None
        #: A longer act in progress.
        self.process: Process | None = None
        self._formula_result: tuple[int, Any] | None = None  # the network's version, and the formula fitted then
        self._samples = Latest[NetworkSamples]()  # a `Latest` keeps the value that was computed last
        self._data_notices = Latest[list[DataNotice]]()
        self._accuracy = Latest[float | None]()
        #: The noise that the network leaves in the labels, see `guide.noise`: several texts of a message ask for it.
        self.residual_noise = Latest[Noise | None]()
        self.tree.add("start", "start", self.run.last_record, None, self.model.n_parameters)

    def begin(self, preset: str, model: KAN, data: Dataset, settings: Settings) -> None:
        """Begin with the network and the data of a preset. A checkpoint of the problem before brings that back."""
        former = self._problem()  # its number, and attributes of `run` and of this session
        self.run.begin(model, data, settings)
        self._leave(*former)  # keeps the problem before, for that return
        self._name_variables(model, data, None, None)
        self.preset, self.table = preset, {}

    def _return_to(self, number: int) -> None:
        """Take up the problem (data with their network) with this number again, and set the current one aside."""
        former = self._problem()  # what belongs to the current one, for `_leave`
        parts, names = self._problems[number]  # attributes of `run`, and of this session
        self.run.enter(parts)
        self._leave(*former)
        vars(self).update(names)

    def _problem(self) -> tuple[int, dict[str, Any], dict[str, Any]]:
        """The number of the current problem (data with their network), and what belongs to it: attributes of `run`, and of this session."""
        names = ("preset", "table", "in_vars", "out_vars")
        return self.run.problem, self.run.parts(), {name: getattr(self, name) for name in names}

    def _leave(self, number: int, parts: dict[str, Any], names: dict[str, Any]) -> None:
        """Keep a problem that another has replaced, by its `number`: attributes of `run` (`parts`) and of this session (`names`)."""
        self._problems[number] = parts, names
        self.discoveries.hold()  # its search for formulas waits
        self.view.begin()  # no selection, no surface: edges and columns are others now
        self.candidates.forget()

    @property
    def origin(self) -> tuple[KAN, dict[str, Any], str | None]:
        """What the script begins with: the initial network, arguments of the data, and the preset of the first problem."""
        if self._origin is not None:  # of a loaded session, see `set_origin`
            return self._origin
        if self.run.problem == 0:
            return self.run.initial, self.table, self.preset
        parts, names = self._problems[0]
        return parts["initial"], names["table"], names["preset"]

    def set_origin(self, initial: KAN, preset: str) -> None:
        """Set the network and the preset that a loaded session began with, where these aren't those of its current problem."""
        self._origin = initial, {}, preset

    def _name_variables(self, model: KAN, data: Dataset, in_vars: Any, out_vars: Any) -> None:
        """Set the names of inputs and outputs: those that a person gives, else the data's; y_1, … where these have another number."""
        data_names = data.out_vars if len(data.out_vars) == model.n_out else None
        outputs = data_names or tuple(f"y_{i + 1}" for i in range(model.n_out))
        self.in_vars = names_of(in_vars, data.in_vars, "in_vars")
        self.out_vars = names_of(out_vars, outputs, "out_vars")

    # ---- queries

    @property
    def model(self) -> KAN:
        """The network in training."""
        return self.run.model

    @property
    def data(self) -> Dataset:
        """The data, without noise on the labels."""
        return self.run.data

    @property
    def x(self) -> Tensor:
        """The inputs of queries: a sample of the training data."""
        return self.model.reference

    @property
    def running(self) -> bool:
        """Whether it trains, or carries out a longer act."""
        return self.run.running or self.process is not None

    @property
    def version(self) -> int:
        """Identifier of the current parameters and structure, raised by every change of them."""
        return self.run.version

    @property
    def structure_id(self) -> int:
        """Identifier of the current nodes: edges of another structure are others, even with the same indices."""
        return self.run.structure_id

    @property
    def is_small(self) -> bool:
        """Whether the network is so small that several threads would only wait for each other."""
        return is_small(self.model, len(self.data.train_input))

    def check_edge(self, edge: Sequence[int] | int, where: str) -> EdgeRef:
        """The edge (layer, input, output), if the network has it; else an error that names the call `where`."""
        if not isinstance(edge, Sequence) or isinstance(edge, str) or len(edge) != 3:
            _check.fail("edge", where, "three indices (layer, input, output)", edge)
        layer, source, target = edge
        if all(isinstance(index, Integral) and not isinstance(index, bool) for index in edge):
            self._check_range(EdgeRef(int(layer), int(source), int(target)), where)
        self.model.check_edge(layer, source, target, where)
        return EdgeRef(int(layer), int(source), int(target))

    def samples(self) -> NetworkSamples:
        """Scores and thumbnails; computed once for each version of the network."""
        return self._samples.get(self.version, lambda: sampled(self.model, self.x))

    def _check_range(self, edge: EdgeRef, where: str) -> None:
        """Raise an error, in words of layers and nodes, unless the network has this edge; it names the call `where`."""
        model = self.model
        if not 0 <= edge.layer < model.depth:
            _check.fail("edge", where, f"in one of the layers 0 to {model.depth - 1} of edges", tuple(edge))
        layer = model.layer(edge.layer)
        if not (0 <= edge.source < layer.in_dim and 0 <= edge.target < layer.out_dim):
            expected = f"one of layer {edge.layer}, which has inputs 0 to {layer.in_dim - 1} and outputs 0 to {layer.out_dim - 1}"
            _check.fail("edge", where, expected, tuple(edge), "An edge is (layer, input, output), each counted from 0.")

    def later_records(self) -> list[StepRecord]:
        """The steps after the one that was last gone back to: they can still be gone to until a training or another act begins."""
        return self.tree.later_records(self.run.records)

    def scores(self) -> Scores:
        """How much nodes and edges matter for the outputs; computed once for each version of the network."""
        return self.samples().scores

    @property
    def formula_result(self) -> Any:
        """The formula that was fitted to the data for the current version of the network, None without one."""
        version, result = self._formula_result or (None, None)
        return result if version == self.version else None

    def keep_formula(self, result: Any) -> None:
        """Keep a formula that was fitted to the data, as long as the network stays as it is, and for returns to this state."""
        self._formula_result = (self.version, result)
        self.state_rows.fitted[self.state] = result
        self.state_rows.laws.pop(self.state, None)  # how a page writes an earlier fit in this state

    @property
    def state(self) -> tuple[int, int]:
        """Id of the tree node and number of the step: the key of what was worked out for this state, such as its fitted formula."""
        return self.tree.current, self.run.last_record.step

    def accuracy(self) -> float | None:
        """The part of the rows whose class has the highest score, of the test data if there are any; computed once a version."""
        return self._accuracy.get(self.version, lambda: sampled_accuracy(self.model, self.data))

    def data_notices(self) -> list[DataNotice]:
        """What is worth saying about the data, by the session's names; looked for once for each dataset and number of parameters."""
        n_parameters = self.run.initial.n_parameters

        def look() -> list[DataNotice]:
            outputs = self.out_vars if len(self.data.out_vars) == len(self.out_vars) else self.data.out_vars
            return data_notices(replace(self.data, in_vars=self.in_vars, out_vars=outputs), n_parameters)

        return self._data_notices.get((id(self.data), n_parameters), look)

    def selection_is_cached(self) -> bool:
        """Whether the candidates of the first selected edge need no search."""
        return bool(self.view.selection) and self.candidates.is_cached(self.view.selection[0])

    def warm_up(self) -> None:
        """Make the tables that the first search for candidates needs, by a search of any edge, unless the session trains."""
        if not self.running:
            with contextlib.suppress(ValueError):  # a network that has diverged fits nothing
                self.candidates.search(EdgeRef(0, 0, 0))

    def film(self) -> list[Frame]:
        """The film from the start to the current state: its frames, and the states before the acts."""
        return self.run.recorder.film(self.run.records, self.tree.path(), self.run.initial, self.model)

    # ---- commands and steps

    def apply(self, command: Command) -> Topics:
        """Carry a command out, whole or not at all; a longer act or a drag in progress ends before, unless the command continues it.

        Returns:
            The topics that changed.

        Raises:
            ValueError: If the command asks for what doesn't exist; the session is then as before.
        """
        ended = frozenset[str]() if command.continues_process else self._stop_process(command)
        ends_drag = self.tree.drag_start is not None and not command.continues_drag
        resume_drag = self.end_drag("drag a curve", self.view.selection[:1]) if ends_drag else None
        notice = self.view.notice
        if not command.keeps_notice:
            self.view.notify(None)
        try:
            return ended | command.perform(self)
        except BaseException:
            self.view.notify(notice)
            if resume_drag is not None:
                resume_drag()
            raise

    def advance(self, budget: float = 0.05, stop: Callable[[], bool] = lambda: False) -> Topics:
        """Train, or carry out the longer act in progress, for some seconds, at least a step, if it runs; returns the topics that changed.

        Args:
            budget: Seconds after which no further step is begun.
            stop: Asked after every step; True ends this call, not the training.
        """
        deadline = time.perf_counter() + budget
        topics: Topics = frozenset()
        while self.running:
            topics |= self._step() if self.process is None else self.process.advance()
            if stop() or time.perf_counter() >= deadline:
                break
        return topics

    def _step(self) -> Topics:
        """Take one step of the training. The first step after an act adds a tree node for it and the steps that follow.

        Once the training has ended by itself, what its command wanted done then, `follows`, is called.
        """
        # The node comes after the first step: a training that has converged takes none. A drag is an act with its own steps.
        begins = not self.tree.is_training and self.tree.drag_start is None
        # The run forgets `follows` when it ends.
        before, follows = self.run.checkpoint() if begins else None, self.run.follows
        topics: Topics = frozenset()
        try:
            topics = self.run.step()
        finally:
            if before is not None and self.run.last_record.step > before.last_record.step:
                self.tree.add("train", TRAIN, before.last_record, before, self.model.n_parameters)
                topics |= {"history"}
        if follows is not None and not self.run.running and self.run.stop_reason is not None:
            topics |= follows()
        return topics

    def begin_process(self, process: Process) -> None:
        """Carry out a longer act from now on, in place of training."""
        self.process = process

    def end_process(self) -> Topics:
        """End the longer act in progress, if there is one; returns the topics that changed."""
        process, self.process = self.process, None
        return frozenset() if process is None else process.end()

    def _stop_process(self, command: Command) -> Topics:
        """End the longer act in progress before a command; a notice says so unless it is a pause. Returns the topics that changed."""
        process = self.process
        if process is not None and not command.keeps_notice:
            title = f"{process.step.title()} was stopped by another act"
            self.view.announce(Notice(title, process.stopped))
        return self.end_process()

    # ---- acts

    def adopt(self, model: KAN) -> None:
        """Train another network from now on; where its nodes are others, the selection follows its edges."""
        self._change_network(lambda: self.run.adopt(model))

    def restart(self, model: KAN, seed: int) -> None:
        """Begin the training again with another network, which has the nodes of the initial one and was made with this seed."""
        self._change_network(lambda: self.run.restart(model, seed))

    def go_to_step(self, step: RecordedStep, records: Sequence[StepRecord]) -> None:
        """Go to a recorded step of the training with these records; steps that the last return has left behind may be among them."""
        self._change_network(lambda: self.run.go_to_step(step, records))

    def restore(self, checkpoint: Checkpoint) -> None:
        """Return to a checkpoint, which may be one of another problem: that becomes the current one again."""
        if checkpoint.problem != self.run.problem:
            self._return_to(checkpoint.problem)
        self._change_network(lambda: self.run.restore(checkpoint))

    def _change_network(self, change: Callable[[], None]) -> None:
        """Call `change`, which puts another network in place; where its nodes are others, the selection follows its edges."""
        before, edges, structure_id = self.model, self.view.selection, self.structure_id
        change()
        if self.structure_id != structure_id:
            self.view.select(followed(edges, before, self.model, self.x))
            self.candidates.forget()

    def commit(self, kind: str, label: str, before: Checkpoint, edges: Sequence[EdgeRef] = ()) -> None:
        """Record an act that was carried out: add a node to the undo tree, and a mark to the curves.

        Args:
            kind: Of the act, such as `prune`.
            label: Of the act, for people.
            before: The checkpoint before it, to which undo leads.
            edges: That it was done to; none for an act on the whole network.
        """
        self.run.mark(kind, label)
        if kind != RETURN:
            self.run.recorder.begin_best()  # the best step is looked for since the last act
        node = self.tree.add(label, kind, self.run.last_record, before, self.model.n_parameters)
        node.edges = tuple(edges)
        self.view.drop_missing_edges(self.model)

    def jump(self, move: Callable[[Checkpoint], Checkpoint | None]) -> bool:
        """Go to another state of the undo tree; settings that the acts on the way have changed go along.

        Args:
            move: Moves the tree: takes the current checkpoint and gives the target, None to stay.

        Returns:
            Whether the state has changed.
        """
        go_back, start = self.tree.bookmark(), self.tree.current
        checkpoint = move(self.run.checkpoint())
        if checkpoint is None:
            return False
        end = self.tree.current
        try:
            self._configure(self.tree.settings_between(start, end))
            self.restore(checkpoint)
        except BaseException:
            self._configure(self.tree.settings_between(end, start))
            go_back()
            raise
        self.view.drop_missing_edges(self.model)
        self.run.jumped()
        fitted = self.state_rows.fitted.get(self.state)
        if fitted is not None:  # the formula that was fitted in this state counts again
            self._formula_result = (self.version, fitted)
        return True

    def _configure(self, changes: Iterable[tuple[int, dict[str, Any]]]) -> None:
        """Set settings, without marks on the curves. Each change is the number of a problem with the values of its settings by name."""
        for number, values in changes:  # a problem that isn't the current one has its trainer in `_problems`
            trainer = self.run.trainer if number == self.run.problem else self._problems[number][0]["trainer"]
            trainer.configure(**values)
            trainer.events.clear()

    def end_drag(self, label: str, edges: Sequence[EdgeRef]) -> Callable[[], None]:
        """End the drag in progress, and commit it as one act with this label, done to these edges.

        Returns:
            A function that takes this back: the drag goes on.
        """
        go_back, events, selection = self.tree.bookmark(), self.run.events, self.view.selection
        self.commit("drag", label, self.tree.end_drag(), edges)

        def resume_drag() -> None:
            go_back()
            self.run.unmark(events)
            self.view.select(selection)

        return resume_drag

    def free(self) -> None:
        """Release all memory. The session can't be used afterwards."""
        for part in (self.run, self):  # at once: the trainer and the run refer to each other
            vars(part).clear()
