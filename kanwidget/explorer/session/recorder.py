"""`Recorder`: a training kept as a film, in bounded memory and for next to no time.

A frame is a copy of the parameters, which costs some microseconds; curves and scores are computed from it when somebody looks. When there
are `most` frames every other one is dropped and from then on only every second step is kept: a film of any length has between half as many
and that many, evenly spaced. Nothing here draws random numbers or touches the network.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from kanwidget import _check
from kanwidget._files import write_atomically
from kanwidget.core import Event, History, StepRecord
from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.explorer.session.undo import TreeNode
from kanwidget.kan import KAN

#: Frames that are kept; fewer of large networks, so that all together stay below this many bytes.
MOST_FRAMES, MOST_BYTES = 240, 32_000_000
_FEWEST_FRAMES = 24
#: States before acts that are kept beside the frames.
_MOST_ACTS = 40


@dataclass(frozen=True, slots=True)
class LayerState:
    """What a layer of edges is made of, in storage of its own."""

    k: int
    base_fun: str
    coef: Tensor
    base: Tensor
    affine: Tensor
    knots: Tensor
    spline_on: Tensor
    frozen: Tensor
    symbols: dict[str, list[int]]
    ties: list[list[int]]

    def layer(self) -> Layer:
        """A layer that is the same, in storage of its own."""
        k = self.k
        made = Layer(self.knots[:, k : self.knots.shape[1] - k], k, self.coef.clone(), self.base.clone(), self.base_fun)
        made.affine.data.copy_(self.affine)
        made.knots, made.spline_on, made.frozen = self.knots.clone(), self.spline_on.clone(), self.frozen.clone()
        made.symbols, made.ties = {**self.symbols}, [list(group) for group in self.ties]
        return made


@dataclass(frozen=True, slots=True)
class NetworkState:
    """What a network is made of."""

    width: list[list[int]]
    arities: list[list[int]]
    n_features: int
    columns: Tensor
    layers: tuple[LayerState, ...]
    grid_eps: float = 0.5

    @property
    def size(self) -> int:
        """Bytes."""
        tensors = (getattr(layer, name) for layer in self.layers for name in ("coef", "base", "affine", "knots"))
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def network(self) -> KAN:
        """A network that is the same."""
        made = KAN.__new__(KAN)
        layers = [state.layer() for state in self.layers]
        Network.__init__(made, self.width, self.arities, layers, self.n_features, self.columns.tolist())
        made.grid_eps, made.seed, made.history = self.grid_eps, 0, History()
        return made


def state_of(network: Network) -> NetworkState:
    """A copy of what a network is made of."""
    layers = tuple(_layer_state(network.layer(index)) for index in range(network.depth))
    columns = network.columns.detach().cpu()
    grid_eps = float(getattr(network, "grid_eps", 0.5))
    return NetworkState(network.width, network.arities, network.n_features, columns, layers, grid_eps)


def _layer_state(layer: Layer) -> LayerState:
    def kept(tensor: Tensor) -> Tensor:
        return tensor.detach().to("cpu", copy=True)

    ties = [list(group) for group in layer.ties] if layer.ties else []
    return LayerState(
        layer.k,
        layer.base_fun,
        kept(layer.coef),
        kept(layer.base),
        kept(layer.affine),
        kept(layer.knots),
        kept(layer.spline_on),
        kept(layer.frozen),
        {**layer.symbols},
        ties,
    )


@dataclass(frozen=True, slots=True)
class Frame:
    """The network after a step."""

    index: int
    """Steps of the film up to here."""
    record: StepRecord
    state: NetworkState


@dataclass(frozen=True, slots=True)
class Shot:
    """A state of a film."""

    step: int
    state: NetworkState | KAN
    label: str | None = None
    """The act that comes next; None for a step."""
    act: int | None = None
    """The node of the undo tree that this act made."""

    def network(self) -> KAN:
        """The network of then, on the CPU as all of a film is: frames wouldn't fit on a device that is full."""
        if isinstance(self.state, NetworkState):
            return self.state.network()
        return self.state if self.state.device.type == "cpu" else state_of(self.state).network()


class Recorder:
    """Records a training: give it to `KAN.fit` as a callback. An explorer has one of its own.

    One recorder may follow several trainings of a network and of what it is pruned to; a training that begins at step 1 again begins
    a new film.

    Args:
        most: Frames that are kept at most, ≥ 8.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2, n_var=1, train_num=50, test_num=50)
        >>> model, recorder = KAN([1, 1]), Recorder(most=8)
        >>> history = model.fit(data, "Adam", steps=20, callbacks=[recorder], progress=False)
        >>> [shot.step for shot in recorder.shots()]
        [4, 8, 12, 16, 20]
    """

    def __init__(self, most: int = MOST_FRAMES) -> None:
        self._most = _check.integer(most, "most", "Recorder", low=8)
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        #: Steps from one frame to the next.
        self.interval = 1
        self._frames: list[Frame] = []
        self._records: list[StepRecord] = []
        self._acts: list[tuple[int, Shot]] = []
        self._x: Tensor | None = None

    def __len__(self) -> int:
        return len(self._frames)

    def __repr__(self) -> str:
        every = "step" if self.interval == 1 else f"{self.interval} steps"
        return f"Recorder({len(self)} frames, every {every})"

    # ---- recording

    def __call__(self, network: Network, record: StepRecord) -> None:
        """Take notice of a step: the callback of `fit`."""
        history = getattr(network, "history", None)
        past = history.last.step if isinstance(history, History) and history.records else 0
        step = past + record.step
        if self._records and step <= self._records[-1].step:
            self.clear()
        self._records.append(replace(record, step=step))
        self._x = network.reference
        self.take(network, self._records)

    def keep(self, network: KAN, label: str) -> None:
        """Keep the state before an act, such as pruning, for good: reports have its candidates.

        Args:
            network: The network as it is now.
            label: What is about to be done to it, in words.
        """
        if not isinstance(network, KAN):
            _check.fail("network", "keep", "a KAN", network, error=TypeError)
        if not isinstance(label, str):
            _check.fail("label", "keep", "a text", label, error=TypeError)
        step = self._records[-1].step if self._records else 0
        self._x = network.reference
        self._acts = [*self._acts, (len(self._records), Shot(step, state_of(network), label))][-_MOST_ACTS:]

    def convert(self, change: Callable[[KAN], KAN], since: int = 0) -> None:
        """Change what was recorded, for instance from standardized labels to their own unit.

        Args:
            change: From a network, which it may change, to the one that is to stand for it.
            since: Only of the states after so many steps.
        """
        self._frames = [
            replace(frame, state=state_of(change(frame.state.network()))) if frame.index > since else frame
            for frame in self._frames
        ]
        self._acts = [
            (index, replace(act, state=state_of(change(act.network())))) if index > since else (index, act)
            for index, act in self._acts
        ]

    def take(self, network: Network, records: Sequence[StepRecord]) -> None:
        """Take notice of the last step of these; `records` tells this film from those that were left by an undo."""
        index = len(records)
        if index % self.interval and records[-1].stop_reason is None:
            return
        frame = Frame(index, records[-1], state_of(network))
        self._frames.append(frame)
        limit = min(self._most, max(_FEWEST_FRAMES, MOST_BYTES // max(1, frame.state.size)))
        if len(self._frames) > limit:
            self._thin(records)

    def _thin(self, records: Sequence[StepRecord]) -> None:
        """Drop every other frame: of the films that were left, while these are more, else of all."""
        seen = {id(frame) for frame in _on(self._frames, records)}
        left = [frame for frame in self._frames if id(frame) not in seen]
        if 2 * len(left) > len(self._frames):
            dropped = {id(frame) for frame in left[::2]}
            self._frames = [frame for frame in self._frames if id(frame) not in dropped]
            return
        self.interval *= 2
        self._frames = [frame for frame in self._frames if frame.index % self.interval == 0]

    # ---- the film

    def shots(self) -> list[Shot]:
        """The states of the training that was recorded last, in their order."""
        return _merged(self.placed(self._records), self._acts)

    def placed(self, records: Sequence[StepRecord]) -> list[tuple[int, Shot]]:
        """The frames of the training that these records tell of, each with the number of its steps."""
        frames = _on(self._frames, records)
        return [(frame.index, Shot(records[frame.index - 1].step, frame.state)) for frame in frames]

    def film(self, records: Sequence[StepRecord], path: Sequence[TreeNode], initial: KAN, present: KAN) -> list[Shot]:
        """The film from the start to the present: frames, and the states before acts.

        Args:
            records: Those of the training up to now.
            path: The acts that lead to the present, the last one first.
            initial: The network that the training began with.
            present: The network as it is now.
        """
        acts = [
            (n.before.n_records, Shot(n.before.last_record.step, n.before.model, n.label, n.id))
            for n in path[:_MOST_ACTS]
            if n.before is not None and n.kind != "reset"
        ]
        frames = self.placed(records)
        if not path or path[-1].kind != "reset" or path[-1].label == "reset":
            frames.insert(0, (0, Shot(0, initial)))
        step = records[-1].step if records else 0
        return _merged(frames, [*reversed(acts), (len(records), Shot(step, present))])

    @property
    def history(self) -> History:
        """The steps that were recorded, and the acts between them."""
        events = [Event(shot.step, "act", shot.label or "") for _, shot in self._acts]
        return History(list(self._records), events)

    def save_animation(self, path: str | os.PathLike[str], seconds: float = 8.0, **options: Any) -> None:
        """Write the film as an animated GIF.

        Args:
            path: The file, replaced if it exists.
            seconds: How long it lasts.
            **options: Of `kanwidget.insight.plot.animation`: `theme`, `width`, `in_vars`, `out_vars`, `title`, …
        """
        from kanwidget.insight.plot import animation

        shots = self.shots()
        if not shots or self._x is None:
            raise ValueError("nothing was recorded. Give this recorder to fit: model.fit(data, callbacks=[recorder]).")
        stills = [(shot.step, shot.network()) for shot in shots]
        data = animation(stills, self._x.cpu(), self.history, seconds=seconds, **options)
        write_atomically(path, data, "save_animation")


def _on(frames: Sequence[Frame], records: Sequence[StepRecord]) -> list[Frame]:
    """The frames of the training that these records tell of: undo and goto bring other records, not copies."""
    return [f for f in frames if f.index <= len(records) and records[f.index - 1] is f.record]


def _merged(frames: list[tuple[int, Shot]], acts: Sequence[tuple[int, Shot]]) -> list[Shot]:
    """Frames and states before acts in order; such a state stands for the frame of the same step."""
    taken = {index for index, _ in acts}
    plain = {index: shot for index, shot in frames if index not in taken}
    both = [*plain.items(), *acts]
    return [shot for _, shot in sorted(both, key=lambda pair: pair[0])]
