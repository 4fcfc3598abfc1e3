"""Small frozen records that rooms pass to each other, without behavior beyond look-ups."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from torch import Tensor


class EdgeRef(NamedTuple):
    """An edge: the function from a node of one layer to a subnode of the next."""

    layer: int
    source: int
    """Index of the input node."""
    target: int
    """Index of the output subnode."""


@dataclass(frozen=True, slots=True)
class Trace:
    """All values of one forward pass, returned and never stored on the network."""

    nodes: tuple[Tensor, ...]
    """Per layer of nodes, inputs first: `(batch, nodes)`."""
    subnodes: tuple[Tensor, ...]
    """Per layer of edges: `(batch, subnodes)`, the sums of the edges."""
    edges: tuple[Tensor, ...]
    """Per layer of edges: `(batch, subnodes, nodes below)`."""
    splines: tuple[Tensor, ...]
    """The numeric (spline and base) part of `edges`."""

    @property
    def output(self) -> Tensor:
        """The network's output, `(batch, outputs)`."""
        return self.nodes[-1]


@dataclass(frozen=True, slots=True)
class EdgeCurve:
    """One edge as a function of its input."""

    edge: EdgeRef
    x: Tensor
    """Increasing points, `(n,)`."""
    y: Tensor
    """φ(x), `(n,)`."""
    base: Tensor
    """The part w·b(x), `(n,)`."""
    spline: Tensor
    """The part Σ cᵢ·Bᵢ(x), `(n,)`."""
    symbolic: Tensor
    """The part c·f(a·x + b) + d, `(n,)`."""


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of training."""

    step: int
    """Steps taken by this training so far, counted from 1 (0 is the state before the first)."""
    train_loss: float
    """Root mean squared error on the training data; the mean loss where it isn't squared."""
    test_loss: float | None
    """The same on the test data."""
    penalty: float
    """lamb times the regularization; 0 without."""
    seconds: float
    """Since the training began."""
    damping: float | None = None
    """Levenberg-Marquardt's damping after the step."""
    validation_loss: float | None = None
    """The same as `train_loss` on the validation data."""
    metrics: dict[str, float] = field(default_factory=dict)
    """Values of the user's metrics by name."""
    stop_reason: str | None = None
    """On the last record: `converged`, `stalled`, `steps done` or `interrupted`."""
    noise: float | None = None
    """Standard deviation of the noise, in the unit of `train_loss`, where the data have set it (`fit(evidence=…)`); None for classes."""
    log_evidence: float | None = None
    """Logarithm of the evidence: how probable the labels are when the parameters are integrated out."""
    freedom: float | None = None
    """Degrees of freedom: how many parameters the data have determined."""

    def __deepcopy__(self, memo: dict[int, Any]) -> StepRecord:
        """Itself: nothing changes it, and a network's copy would copy thousands of them."""
        return self


#: The numbers of a step: columns of a history.
_COLUMNS = [name for name in StepRecord.__dataclass_fields__ if name not in ("metrics", "stop_reason")]


class Freedom(NamedTuple):
    """Degrees of freedom of an edge: what the data have determined of it. A curve has more than 1 together."""

    straight: float
    """Of its straight part, 0 to 1."""
    wiggle: float
    """Of the rest, 0 for a straight line."""

    @property
    def total(self) -> float:
        """Degrees of freedom of the whole edge, 0 and more: near 0 it isn't needed, near 1 it is a straight line."""
        return self.straight + self.wiggle


@dataclass(frozen=True, slots=True)
class Posterior:
    """The free parameters of a network given the data, to second order (Laplace), and what follows from it.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> model = KAN([1, 1])
        >>> history = model.fit(create_dataset(lambda x: 2 * x, n_var=1, train_num=100), progress=False)
        >>> model.posterior.noise < 1e-3
        True
    """

    vector: Tensor
    """The parameters that it belongs to, `(size,)`: other ones have none yet."""
    root: Tensor
    """Their covariance is root @ rootᵀ, `(size, size)`, in scaled numbers."""
    noise: float | None
    """Standard deviation of the noise in scaled numbers; None for classes."""
    log_evidence: float
    """Logarithm of the evidence."""
    rows: int
    """Number of labels that it was learnt from."""
    freedom: dict[EdgeRef, Freedom]
    """Degrees of freedom of the edges with a spline."""
    settled: bool = False
    """Whether the evidence has come to rest: before that the degrees of freedom still change."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Posterior:
        """Itself: nothing changes it, and copies of a network need no matrix of their own."""
        return self


@dataclass(frozen=True, slots=True)
class Event:
    """A change at a step that explains a corner in the training curves."""

    step: int
    kind: str
    """`grid`, `prune`, `refine`, `fix`, `unfix`, `lamb`, `expand`, …"""
    label: str
    """A text for a person."""


@dataclass(slots=True)
class History:
    """All steps of a training, by column or by record.

    Examples:
        >>> history = History([StepRecord(1, 0.5, None, 0.0, 0.01)])
        >>> history["train_loss"], len(history), history.last.step
        ([0.5], 1, 1)
    """

    records: list[StepRecord] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    optimizer: str = ""
    """Name of the optimizer; with `opt="auto"` of the one that was picked."""
    stop_reason: str = ""
    """Why it stopped, as in the last record's `stop_reason`, or `callback`. Where a loss wasn't finite more words follow."""

    def __getitem__(self, column: str) -> list[float]:
        """A column, or a metric by its name: one number a step, NaN where there is none."""
        if column in _COLUMNS:
            values = [getattr(record, column) for record in self.records]
        elif any(column in record.metrics for record in self.records):
            values = [record.metrics.get(column) for record in self.records]
        else:
            raise KeyError(f"the history has no column {column!r}; it has {', '.join(_COLUMNS + self.metric_names)}")
        return [math.nan if value is None else value for value in values]

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[StepRecord]:
        return iter(self.records)

    @property
    def last(self) -> StepRecord:
        """The latest record."""
        return self.records[-1]

    @property
    def metric_names(self) -> list[str]:
        """Names of the user's metrics."""
        return sorted({name for record in self.records for name in record.metrics})

    def to_dict(self) -> dict[str, list[float]]:
        """The columns as lists: `pandas.DataFrame(history.to_dict())` makes a table."""
        return {name: self[name] for name in _COLUMNS + self.metric_names}

    def to_pandas(self) -> Any:
        """The columns as a pandas DataFrame, a row a step.

        Raises:
            ImportError: Without pandas.
        """
        import pandas

        return pandas.DataFrame(self.to_dict())

    def plot(self, **options: Any) -> Any:
        """The losses over the steps as a matplotlib figure; `theme` and `title`.

        Examples:
            >>> figure = History([StepRecord(n, 0.5**n, None, 0.0, 0.1 * n) for n in range(1, 9)]).plot(theme="light")
        """
        # By name: the core doesn't import rooms that are built on it.
        pictures = importlib.import_module("kanwidget.insight.plot")
        return pictures.shown(pictures.plot_history(self, **options))

    def __repr__(self) -> str:
        """The number of steps, the optimizer, the last errors and the reason to stop."""
        if not self.records:
            return "History(no steps)"
        last = self.last
        test = "" if last.test_loss is None else f", test={last.test_loss:.3g}"
        return f"History({len(self)} steps of {self.optimizer}, train={last.train_loss:.3g}{test}, {self.stop_reason})"


@dataclass(frozen=True, slots=True)
class SymbolicFit:
    """A symbolic function fitted to an edge: y ≈ c·f(a·x + b) + d."""

    name: str
    """The primitive's name."""
    params: tuple[float, float, float, float]
    """a, b, c, d."""
    r2: float
    """Coefficient of determination, scale-free."""
    complexity: float
    """The primitive's complexity."""
    score: float
    """The number that ranks candidates, lower is better."""
    valid: tuple[float, float]
    """The interval of x on which a·x + b lies within the function's domain."""
    equation: str
    """The fitted function as text: `1.2*sin(3.14*x) - 0.11`."""
    imitates: str | None = None
    """The simpler function that this one imitates here (tanh with a tiny a imitates x); such fits come last."""
    misfit: float = math.nan
    """What the fit leaves to say about the curve, in bits: the accuracy in `score`."""

    def as_row(self) -> dict[str, Any]:
        """The fields as a dict, for a table."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}
