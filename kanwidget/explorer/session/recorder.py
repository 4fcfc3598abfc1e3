"""`Recorder`: the film of a training, in bounded memory and for a few microseconds a step.

A frame is a copy of the parameters; its curves and scores are computed when it is shown. Above `max_frames` every other frame is dropped,
and from then on only every second step is recorded: a long film has between `max_frames`/2 and `max_frames` frames, evenly spaced.
Recording draws no random numbers and leaves the network alone.
"""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from kanwidget import _check
from kanwidget._files import write_atomically
from kanwidget.core import Event, History, StepRecord
from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.core.scales import Scaling
from kanwidget.explorer.session.undo import BEGINNINGS, TreeNode, error_of, size
from kanwidget.kan import KAN

#: Frames at most, and bytes of all frames together: films of large networks have fewer.
MAX_FRAMES, MAX_BYTES = 240, 32_000_000
_MIN_FRAMES = 24
#: States before acts, which are recorded beside the steps.
_MAX_ACTS = 40


@dataclass(frozen=True, slots=True)
class NetworkCopy:
    """Structure and parameters of a network, from which an equal one can be made."""

    width: list[list[int]]
    arities: list[list[int]]
    n_features: int
    columns: Tensor
    scaling: Scaling
    layers: tuple[tuple[int, str, dict[str, Any]], ...]
    """Of each layer k, the base function and the `state_dict`, in storage of its own."""
    grid_eps: float = 0.5
    log: tuple[str | int, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of its parameters and grids."""
        return size(self.layers)

    def network(self) -> KAN:
        """A network with the same structure and parameters, on the CPU; without history or names."""
        made = KAN.__new__(KAN)  # its constructor would draw parameters
        layers = [_layer(*parts) for parts in self.layers]
        Network.__init__(made, self.width, self.arities, layers, self.n_features, self.columns.tolist())
        made.scaling, made.log = copy.deepcopy(self.scaling), self.log
        made.grid_eps, made.seed, made.history = self.grid_eps, 0, History()
        return made


def copy_of(network: Network) -> NetworkCopy:
    """A copy of the structure and the parameters of a network, on the CPU: a film takes no memory of the network's device."""
    layers = [network.layer(index) for index in range(network.depth)]
    copies = tuple((layer.k, layer.base_fun, _state(layer)) for layer in layers)
    columns, scaling = network.columns.detach().cpu(), copy.deepcopy(network.scaling).cpu()
    grid_eps = float(getattr(network, "grid_eps", 0.5))  # the default of `KAN`
    return NetworkCopy(
        network.width, network.arities, network.n_features, columns, scaling, copies, grid_eps, network.log
    )


def _state(layer: Layer) -> dict[str, Any]:
    """A layer's `state_dict`, its tensors copied to the CPU."""
    state = layer.state_dict()
    return {name: part.to("cpu", copy=True) if isinstance(part, Tensor) else part for name, part in state.items()}


def _layer(k: int, base_fun: str, state: dict[str, Any]) -> Layer:
    """A layer with these parameters, in storage of its own.

    Args:
        k: Order of its splines.
        base_fun: Name of its base function.
        state: Its `state_dict`.
    """
    knots = state["knots"]
    # Without the k knots beyond each end of the grid, which the layer makes itself.
    made = Layer(knots[:, k : knots.shape[1] - k], k, state["coef"].clone(), state["base"].clone(), base_fun)
    made.load_state_dict(state)
    return made


@dataclass(frozen=True, slots=True)
class RecordedStep:
    """The network after a step."""

    index: int
    """Number of the step in its film, from 1."""
    record: StepRecord
    state: NetworkCopy
    structure_id: int = 0
    """See `TrainingRun`."""

    @property
    def error(self) -> float:
        """Its loss on the test data, without test data that on the training data."""
        return error_of(self.record)

    def is_of(self, records: Sequence[StepRecord]) -> bool:
        """Whether the training with these records took this step: its record is then among them, the very same object."""
        return self.index <= len(records) and records[self.index - 1] is self.record


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame of a film: the network after a step, or before an act."""

    step: int
    state: NetworkCopy | KAN
    label: str | None = None
    """The act that follows; None after a step."""
    act: int | None = None
    """Number of the tree node of this act."""

    def network(self) -> KAN:
        """The network of this frame, on the CPU: a film wouldn't fit on a device that is full."""
        if isinstance(self.state, NetworkCopy):
            return self.state.network()
        return self.state if self.state.device.type == "cpu" else copy_of(self.state).network()


class Recorder:
    """Records a training: give it to `KAN.fit` as a callback. An explorer has one of its own.

    One recorder may follow several trainings of a network, also after the network was pruned; a training that begins
    at step 1 again begins a new film.

    Args:
        max_frames: Frames at most, ≥ 8.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=50, test_num=50)
        >>> model, recorder = KAN([1, 1]), Recorder(max_frames=8)
        >>> history = model.fit(data, "Adam", steps=20, callbacks=[recorder], progress=False)
        >>> [frame.step for frame in recorder.frames()]
        [4, 8, 12, 16, 20]
    """

    def __init__(self, max_frames: int = MAX_FRAMES) -> None:
        self._max_frames = _check.integer(max_frames, "max_frames", "Recorder", low=8)
        self.clear()

    def clear(self) -> None:
        """Forget all frames."""
        #: Steps from one frame to the next.
        self.interval = 1
        self._steps: list[RecordedStep] = []  # those that are frames
        #: The step with the lowest error since `begin_best`, which may be no frame.
        self._best: RecordedStep | None = None
        #: All steps that `fit` has called this with; an explorer has its own list.
        self._records: list[StepRecord] = []
        #: States before acts that `keep` was called for, each with the number of steps before it.
        self._acts: list[tuple[int, Frame]] = []
        #: Inputs at which the curves of the film are drawn, `(n, n_features)`.
        self._x: Tensor | None = None

    def __len__(self) -> int:
        return len(self._steps)

    def __repr__(self) -> str:
        interval = "step" if self.interval == 1 else f"{self.interval} steps"
        return f"Recorder({len(self)} frames, every {interval})"

    # ---- recording

    def __call__(self, network: Network, record: StepRecord) -> None:
        """Record a step: the callback of `fit`.

        Steps are counted on from earlier trainings of the network; one that isn't later than the last recorded begins a new film.
        """
        # The network's history gets the records of a training at its end.
        history = getattr(network, "history", None)
        previous_steps = history.last.step if isinstance(history, History) and history.records else 0
        step = previous_steps + record.step
        if self._records and step <= self._records[-1].step:
            self.clear()
        self._records.append(replace(record, step=step))
        self._x = network.reference  # inputs at which the film draws curves
        self.take(network, self._records)

    def keep(self, network: KAN, label: str) -> None:
        """Keep the state before an act, such as pruning, as a frame that stays when frames of steps are dropped, for a report.

        Args:
            network: The network as it is now.
            label: The act, in words.
        """
        if not isinstance(network, KAN):
            _check.fail("network", "keep", "a KAN", network, error=TypeError)
        if not isinstance(label, str):
            _check.fail("label", "keep", "a text", label, error=TypeError)
        step = self._records[-1].step if self._records else 0
        self._x = network.reference  # inputs at which the film draws curves
        self._acts = [*self._acts, (len(self._records), Frame(step, copy_of(network), label))][-_MAX_ACTS:]

    def take(self, network: Network, records: Sequence[StepRecord], structure_id: int = 0) -> None:
        """Record the last step of `records`, if it is a frame or the best one since `begin_best`.

        Args:
            network: The network after this step.
            records: All records of the training, which tell this film from films that an undo has left.
            structure_id: The number of the network's set of nodes, which an act may change.
        """
        index = len(records)
        # A film has every `interval`-th step, and the last one.
        is_frame = index % self.interval == 0 or records[-1].stop_reason is not None
        is_best = self._improves(records)
        if not (is_frame or is_best):
            return
        frame = RecordedStep(index, records[-1], copy_of(network), structure_id)
        if is_best:
            self._best = frame
        if not is_frame:
            return
        self._steps.append(frame)
        # Large networks have fewer frames, so that the memory is bounded.
        limit = min(self._max_frames, max(_MIN_FRAMES, MAX_BYTES // max(1, frame.state.size)))
        if len(self._steps) > limit:
            self._thin(records)

    def _improves(self, records: Sequence[StepRecord]) -> bool:
        """Whether the last of these records has a lower error than the best step, or there is none of this training yet."""
        error = error_of(records[-1])
        return math.isfinite(error) and not (self._best and self._best.is_of(records) and self._best.error <= error)

    def begin_best(self) -> None:
        """Forget the best step and look for it from now on: an act has changed the network, and steps before it don't count."""
        self._best = None

    def steps_of(self, records: Sequence[StepRecord]) -> list[RecordedStep]:
        """The recorded steps of the training with these records, in order, its best one among them."""
        best = [] if self._best is None else [self._best]
        kept = {step.index: step for step in [*self._steps, *best] if step.is_of(records)}
        return [kept[index] for index in sorted(kept)]

    def _thin(self, records: Sequence[StepRecord]) -> None:
        """Drop every other frame: of trainings that an undo has left, while these have most of the frames, else of all.

        In the latter case frames are twice as far apart from now on, so that all are evenly spaced.
        """
        abandoned = [step for step in self._steps if not step.is_of(records)]
        if 2 * len(abandoned) > len(self._steps):
            dropped = {id(step) for step in abandoned[::2]}
            self._steps = [step for step in self._steps if id(step) not in dropped]
            return
        self.interval *= 2
        self._steps = [step for step in self._steps if step.index % self.interval == 0]

    # ---- the film

    def frames(self) -> list[Frame]:
        """The frames of the training that was recorded last, in order: after steps, and before the acts that `keep` was called for."""
        return _merged(self.frames_of(self._records), self._acts)

    def frames_of(self, records: Sequence[StepRecord]) -> list[tuple[int, Frame]]:
        """The frames of the training with these records, each after the number of its record, counted from 1."""
        return [(step.index, Frame(step.record.step, step.state)) for step in self._steps if step.is_of(records)]

    def film(self, records: Sequence[StepRecord], path: Sequence[TreeNode], initial: KAN, current: KAN) -> list[Frame]:
        """The film from the start to the current state: frames after steps, and frames before acts.

        Args:
            records: The records of the training.
            path: The acts that lead to the current state, the last one first, back to a beginning or to the start.
            initial: The network that the training began with.
            current: The network as it is now.
        """
        acts = [
            (node.before.n_records, Frame(node.before.last_record.step, node.before.model, node.label, node.id))
            for node in path[:_MAX_ACTS]
            if node.before is not None and node.kind not in BEGINNINGS
        ]
        frames = self.frames_of(records)
        # Where the training was begun again, it began with the initial network only if neither seed nor logarithms changed: the label
        # of another seed is not `reset`.
        again = bool(path) and path[-1].kind in ("reset", "log")
        if not again or (path[-1].label == "reset" and initial.log == current.log):
            frames.insert(0, (0, Frame(0, initial)))
        step = records[-1].step if records else 0
        return _merged(frames, [*reversed(acts), (len(records), Frame(step, current))])

    @property
    def history(self) -> History:
        """The records of all steps that `fit` has called this recorder with, and as events the acts for which `keep` was called."""
        events = [Event(frame.step, "act", frame.label or "") for _, frame in self._acts]
        return History(list(self._records), events)

    def save_animation(self, path: str | os.PathLike[str], seconds: float = 8.0, **options: Any) -> None:
        """Write the film as an animated GIF.

        Args:
            path: The file, replaced if it exists.
            seconds: How long it lasts.
            **options: Of `kanwidget.insight.plot.animation`: `theme`, `width`, `in_vars`, `out_vars`, `title`, …
        """
        from kanwidget.insight.plot import animation

        frames = self.frames()
        if not frames or self._x is None:
            raise ValueError("nothing was recorded. Give this recorder to fit: model.fit(data, callbacks=[recorder]).")
        pictures = [(frame.step, frame.network()) for frame in frames]
        data = animation(pictures, self._x.cpu(), self.history, seconds=seconds, **options)
        write_atomically(path, data, "save_animation")


def _merged(frames: list[tuple[int, Frame]], acts: Sequence[tuple[int, Frame]]) -> list[Frame]:
    """All frames of a film in order: those after steps, `frames`, and those before acts, which replace that after the same step.

    Each comes in a pair, after the number of steps up to it, by which they are sorted.
    """
    before_acts = {index for index, _ in acts}
    after_steps = {index: frame for index, frame in frames if index not in before_acts}
    return [frame for _, frame in sorted([*after_steps.items(), *acts], key=lambda pair: pair[0])]
