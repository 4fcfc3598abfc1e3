"""The payloads of messages between the kernel and the browser, one `TypedDict` each; `messages` has the messages. A panel's
payload is defined beside its content, in `describe/panels`.

A message is JSON and at most one buffer. Numbers in bulk travel in the buffer, as little-endian float32, described by
`arrays`: name → `[offset, shape]`, the offset counted in numbers, not bytes, row-major. The same pair (JSON with
`arrays`, one buffer) is the trait `snapshot`, where the buffer stands under the key `buffer`.

Keys are snake_case on both sides; `js/src/protocol/messages.ts` mirrors this file, and both test suites read the golden
messages in `tests/fixtures/protocol/`.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

VERSION = 2
#: Samples of every edge's curve in `curves` (the thumbnails).
THUMB_SAMPLES = 33
#: Samples of the selected edge's curve in `selection` and of the fits in `candidates`.
DETAIL_SAMPLES = 129
#: Columns of the array `metrics`, in order. Missing values (no test data, no penalty) are NaN.
METRIC_COLUMNS = ("step", "seconds", "train", "test", "penalty")

State = Literal["idle", "running", "paused", "done", "error"]
EdgeState = Literal["spline", "symbolic", "both", "pruned", "levels"]
NodeKind = Literal["input", "sum", "product", "output"]
DriverKind = Literal["thread", "cooperative", "blocking"]
#: An `EdgeRef` as JSON: `[layer, source node, target subnode]`.
EdgeKey = list[int]
#: `[layer, index]`; layer 0 holds the inputs, the last layer the outputs.
NodeKey = list[int]
#: A formula for the browser: `[tag, attributes, children]`, children are nodes of the same form or plain text.
MathNode = list[Any]
#: `[name, label]` of an export format.
FormatEntry = list[str]
#: name → `[offset in float32 numbers, shape]`
Arrays = dict[str, list[Any]]


class NodeInfo(TypedDict):
    """One node of the drawing."""

    key: NodeKey
    name: str
    """The user's variable name for inputs and outputs, `h₁,₂` for hidden nodes."""
    kind: NodeKind
    subnodes: list[int]
    """The targets, in the layer below, of its incoming edges: one for a sum, several for a product, none for an input."""
    importance: float
    logged: NotRequired[str]
    """Of an input or output whose logarithm the network takes: the column's own name."""


class EdgeInfo(TypedDict):
    """One edge of the drawing; its curve is the row of the array `curves` with the same index.

    There may be thousands, so fields that don't apply to an edge are left out, and so is its name, `φ₀,₀,₁`, which follows from the key.
    """

    key: EdgeKey
    state: EdgeState
    function: NotRequired[str]
    """The primitive's name where `state` is symbolic or both."""
    best: NotRequired[str]
    """Name of its best candidate in the candidate cache, for the hover card."""
    best_r2: NotRequired[float]
    frozen: NotRequired[bool]
    """Kept out of training."""
    tied: NotRequired[int]
    """Number of its tie."""
    levels: NotRequired[int]
    """Number of levels where `state` is levels."""


class Structure(TypedDict):
    """The network's shape."""

    version: int
    """The structure id: an edge or node has a meaning only together with it. Undo brings it back."""
    width: list[list[int]]
    """`[n_sum, n_mult]` of every layer of nodes."""
    k: int
    grid: int
    """Intervals of the (first) grid."""
    nodes: list[NodeInfo]
    edges: list[EdgeInfo]
    """Layer by layer; within a layer target by target, then source by source."""
    n_parameters: int


class Status(TypedDict):
    """The state of the training."""

    state: State
    step: int
    train: float | None
    test: float | None
    penalty: float | None
    ms_per_step: float | None
    stop_reason: str | None
    """Of a training that has stopped: `converged`, `stalled`, `steps done`, `interrupted`."""
    driver: DriverKind
    task: str | None
    """A longer act in progress, in words: `searching formulas`."""
    process: NotRequired[str]
    """What a running session does in place of training, in a word: `simplifying`."""
    rows: NotRequired[list[int]]
    """Rows of the next step, and all rows, while a step takes a sample of them."""
    best: BestStep | None
    """Where `back_to_best` leads, null unless it is clearly better than the current state."""
    accuracy: NotRequired[float | None]
    """For classes: the part of the test rows, without test data of the training rows, whose class has the highest score."""


class BestStep(TypedDict):
    """The best step since the last act."""

    step: int
    error: float


class Settings(TypedDict):
    """The values that the kernel has accepted."""

    lamb: float
    grid: int
    opt: str
    opts: list[str]
    lr: float | None
    simplicity: float
    """0 ranks candidates by accuracy alone, 1 by simplicity alone."""
    loss: str
    """The loss that `train` and `test` are: `RMSE` or `cross-entropy`."""
    error_name: str
    """The error of a state with its unit: `test error, in n_dot`."""
    label_spread: float | None
    """The error of a constant: R² is 1 − (error/label_spread)². None for errors without R²."""
    batch: int | None
    """Rows of a step, null for all."""
    noise: float
    """Noise on the training labels, in units of their standard deviation; for classes the part of the rows with a random class."""
    seed: int
    """Of the initial network."""
    rows: int
    """Of training data."""
    presets: list[str]
    """Problems of `KANExplorer.demo`."""
    preset: str | None
    """The current preset, None for data of one's own."""


class Example(TypedDict):
    """A problem of `KANExplorer.demo`."""

    name: str
    formula: str
    line: str


class Selection(TypedDict):
    """The selected edges and the first one's detail. Arrays: `detail` (4, n): x, φ, base part, spline part, and where the data
    say it (5, n): two standard errors of φ; `points` (2, m): x, and what a row of the data asks of φ there; `density` (bins,):
    relative, max 1; `knots` (G + 1,), `full_knots` (G + 1 + 2k,); `handles` (2, G + k): Greville abscissae and coefficients.
    """

    edges: list[EdgeKey]
    x_name: NotRequired[str]
    data_range: NotRequired[list[float]]
    """Smallest and largest value of the edge's input in the data; outside them the curve is an extrapolation."""
    importance: NotRequired[float]
    k: NotRequired[int]
    """Order of its spline."""
    levels: NotRequired[list[str]]
    """Of an edge of words: a level for each column of `detail`."""


class Candidate(TypedDict):
    """One symbolic function fitted to the selected edge; its curve is the row of `fits` with the same index."""

    name: str
    formula: MathNode
    text: str
    params: list[float]
    r2: float
    complexity: float
    valid: list[float | None] | None
    """The interval on which it is defined; null stands for all numbers, null at one end for infinity."""
    imitates: NotRequired[str | None]
    """Name of a simpler candidate with the same curve; such candidates rank last."""
    misfit: NotRequired[float | None]
    """What the function leaves to say about the curve, in bits: the accuracy that the ranking weighs against complexity."""
    in_place: NotRequired[bool]
    """Whether it is the edge's own function, as it is."""
    in_band: NotRequired[bool]
    """True if its curve stays within two standard errors of the edge's: the data can't tell them apart."""
    error: NotRequired[float]
    """Error of the network on held-out rows after the swap and a short training, where it is computed; `HeldOut` brings it later."""


class BestOf(TypedDict):
    """The best candidate of an edge, as in `EdgeInfo`."""

    key: EdgeKey
    best: str
    best_r2: float | None


class Merge(TypedDict):
    """Levels of words that may have one value."""

    groups: list[list[int]]
    """Those of two levels at least."""
    text: str
    """All values, each with its levels."""
    odds: str
    """Against a value for each level."""
    r2: float
    """Part of the variance of the values, over the rows, that stays."""


class Candidates(TypedDict):
    """Arrays: `x` (n,), `y` (n,) the edge, `fits` (rows, n) the candidates on the same x."""

    edge: EdgeKey | None
    busy: bool
    version: int
    rows: list[Candidate]
    lock: NotRequired[float]
    """Error of the network right after the selected edges would share one function, where they can."""
    merges: NotRequired[list[Merge]]
    """Of an edge of words, the likeliest first; where nothing says them it isn't there."""
    merged: NotRequired[bool]
    """Whether levels of these words have one value already."""
    best: NotRequired[list[BestOf]]
    """Where it is there, it replaces the `best` of all edges in the structure; edges not listed have none."""


class HeldOut(TypedDict):
    """Errors on held-out rows after a swap and a short training, of candidates that a page has."""

    edge: EdgeKey
    version: int
    """That of the `Candidates`."""
    errors: dict[str, float]
    """By the name of the candidate."""


class Formula(TypedDict):
    """The network as a formula, numeric edges as named functions."""

    outputs: list[MathNode]
    """One displayed equation per output, `y = …`."""
    text: str
    latex: str
    python: str
    rmse: float | None
    """Test error of the network, train error without test data."""
    fixed: int
    active: int


class StateInfo(TypedDict):
    """One node of the undo tree."""

    id: int
    parent: int | None
    label: str
    kind: str
    step: int
    """Steps that were done when it began."""
    error: float | None
    """The error of the state that `goto` leads to; of the current one its error now."""
    kept: bool
    """Whether `goto` leads there: checkpoints of the oldest acts are dropped."""
    latest: float | None
    """The same as `error`."""
    complexity: int
    """Free parameters."""
    edges: NotRequired[list[EdgeKey]]
    """The edges that the act was done to; none for an act on the whole network."""
    group: NotRequired[int]
    """The first state of the longer act that it is a part of."""


class History(TypedDict):
    """The undo tree, and the events on the training curves."""

    states: list[StateInfo]
    current: int
    can_undo: bool
    can_redo: bool
    events: list[dict[str, Any]]
    """`{step, label, kind}`"""
    acts: NotRequired[list[list[float]]]
    """Steps with the errors before and after the acts there, where these differ, the newest first."""


class PreviewRow(TypedDict):
    """The best candidate of one edge."""

    edge: EdgeKey
    name: str
    r2: float


class Preview(TypedDict):
    """The symbolify preview: the best candidates of all splines, as far as they are searched."""

    first: int
    """Index of the first of `rows`."""
    of: int
    """Number of rows in the end."""
    busy: bool
    rows: list[PreviewRow]


class GuideStep(TypedDict):
    """One of the three steps from data to a formula, or the search for formulas."""

    name: str
    """`train`, `simplify` or `formula`; `discover`."""
    label: str
    """On its button."""
    next: bool
    """Whether it is the next sensible act."""
    done: bool
    command: dict[str, Any]
    """The message that carries it out; a page adds the fields that every message has."""
    working: NotRequired[bool]
    """Whether it is at work: its button stops it, and the others can't be used."""
    hint: NotRequired[str]
    """On its button while it can't be used."""


class GuideNotice(TypedDict):
    """A notice, which is no error."""

    name: str
    """By which it is dismissed."""
    text: str
    label: str | None
    """On the button of the act that mends it; null without one."""
    command: dict[str, Any] | None
    """The message that asks for this act."""


class Guide(TypedDict):
    """The three steps, a sentence about the next one, and notices, the most important first."""

    steps: list[GuideStep]
    search: GuideStep
    """The button of the search for formulas, which goes beside the steps."""
    sentence: str
    notices: list[GuideNotice]


class ErrorInfo(TypedDict):
    """A notice: an error in Python's words, or that an act had nothing to do."""

    title: str
    message: str
    hint: str | None


class Snapshot(TypedDict):
    """Everything that a page needs to draw itself. Arrays: `metrics`, `curves`, and the arrays of `selection` and `candidates`
    under `selection.*` and `candidates.*`.

    In the compact snapshot `structure.edges` holds only edges with more fields than their state, and a further array
    `edges` (edges,) the states of all edges: 0 spline, 1 symbolic, 2 both, 3 pruned, 4 levels.
    """

    v: int
    seq: int
    structure: Structure
    status: Status
    settings: Settings
    selection: Selection
    candidates: Candidates
    formula: Formula
    history: History
    guide: Guide
    primitives: list[str]
    """The whole library, for *other function*."""
    examples: NotRequired[list[Example]]
    """The problems that `KANExplorer.demo` offers; none with data of one's own."""
    formats: NotRequired[list[FormatEntry]]
    """The export menu."""
    n_metrics: NotRequired[int]
    """Rows recorded so far, where `metrics` holds a thinned history of fewer."""
    error: ErrorInfo | None
    arrays: Arrays
    buffer: NotRequired[bytes]
