"""The messages between the kernel and the browser, one `TypedDict` each.

Every message is JSON with `v` (the protocol's version), `kind` and `seq` (increasing, per sender). Numbers
that come in bulk travel beside it in at most one binary buffer of little-endian float32, described by
`arrays`: name → `[offset, shape]`, the offset counted in numbers, not bytes, row-major. The same pair (JSON with
`arrays`, one buffer) is the trait `snapshot`, where the buffer stands under the key `buffer`: what a page needs
to draw the explorer again without asking anybody.

Keys are snake_case on both sides; `js/src/protocol/messages.ts` mirrors this file, and both test suites read the golden
messages in `tests/fixtures/protocol/`.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

VERSION = 1
#: Samples of every edge's curve in `curves` (the thumbnails).
THUMB_SAMPLES = 33
#: Samples of the selected edge's curve in `selection` and of the fits in `candidates`.
DETAIL_SAMPLES = 129
#: Columns of the array `metrics`, in order. Missing values (no test data, no penalty) are NaN.
METRIC_COLUMNS = ("step", "seconds", "train", "test", "penalty")

State = Literal["idle", "running", "paused", "done", "error"]
EdgeState = Literal["spline", "symbolic", "both", "pruned"]
NodeKind = Literal["input", "sum", "product", "output"]
DriverKind = Literal["thread", "cooperative", "blocking"]
#: `[layer, source node, target subnode]`
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
    """The plain text shown: the user's variable name for inputs and outputs, `h₁,₂` for hidden ones."""
    kind: NodeKind
    subnodes: list[int]
    """The targets, in the layer below, of the edges that feed it: one for a sum, several for a product, none for an input."""
    importance: float


class EdgeInfo(TypedDict):
    """One edge of the drawing; its curve is the row of the array `curves` with the same index.

    There may be thousands, so what doesn't hold for an edge is left out, and so is its name, `φ₀,₀,₁`, which its key says.
    """

    key: EdgeKey
    state: EdgeState
    function: NotRequired[str]
    """The primitive's name where `state` is symbolic or both."""
    best: NotRequired[str]
    """Name of the best candidate known so far, for the hover card."""
    best_r2: NotRequired[float]
    frozen: NotRequired[bool]
    """Kept out of training."""
    tied: NotRequired[int]
    """Number of the group of edges that it shares a function with."""


class Structure(TypedDict):
    """The network's shape."""

    version: int
    """Number of this set of nodes: an edge or node has a meaning only together with it. States that were left come back with
    their number."""
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
    """What the training does now."""

    state: State
    step: int
    train: float | None
    test: float | None
    penalty: float | None
    ms_per_step: float | None
    stop_reason: str | None
    """Why it stopped, when it has: `converged`, `stalled`, `steps done`, `interrupted`."""
    driver: DriverKind
    task: str | None
    """A longer act in progress, in words: `searching formulas`."""


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
    """What `train` and `test` are: `RMSE` or `cross-entropy`."""
    batch: int | None
    """Rows of a step, null for all."""
    noise: float
    """On the training labels, in units of their spread; for classes the part that is drawn anew."""
    seed: int
    """Of the network that this training began with."""
    rows: int
    """Of training data."""
    presets: list[str]
    """Problems to play with, where there are."""
    preset: str | None
    """The present one."""


class Selection(TypedDict):
    """The selected edges and the first one's detail. Arrays: `detail` (4, n): x, φ, base part, spline part;
    `points` (2, m): a sample of the data, (x, φ(x) + residual-free value); `density` (bins,): relative, max 1;
    `knots` (G + 1,), `full_knots` (G + 1 + 2k,); `handles` (2, G + k): Greville abscissae and coefficients.
    """

    edges: list[EdgeKey]
    x_name: NotRequired[str]
    data_range: NotRequired[list[float]]
    """Smallest and largest value of the edge's input in the data; the curve outside is an extrapolation."""
    importance: NotRequired[float]
    k: NotRequired[int]
    """Order of its spline."""


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
    """Name of the simpler candidate whose curve it has: it is never ranked above that one."""


class BestOf(TypedDict):
    """The best known candidate of an edge, as in `EdgeInfo`."""

    key: EdgeKey
    best: str
    best_r2: float | None


class Candidates(TypedDict):
    """Arrays: `x` (n,), `y` (n,) the edge, `fits` (rows, n) the candidates on the same x."""

    edge: EdgeKey | None
    busy: bool
    version: int
    rows: list[Candidate]
    best: NotRequired[list[BestOf]]
    """Where present: for each edge whose best candidate is known now, which one it is; for all others none is known any more.
    It is newer than what the structure says."""


class Formula(TypedDict):
    """The network as a formula, numeric edges as named functions."""

    outputs: list[MathNode]
    """One displayed equation per output, `y = …`."""
    text: str
    latex: str
    python: str
    rmse: float | None
    """Test error (train error without test data) of the network as it is."""
    fixed: int
    active: int


class StateInfo(TypedDict):
    """One node of the undo tree."""

    id: int
    parent: int | None
    label: str
    kind: str
    step: int
    error: float | None
    kept: bool
    """Whether `goto` leads there: the states of the oldest acts are forgotten."""
    latest: float | None
    """The error of the latest state that was trained from it."""
    complexity: int
    """Free parameters."""


class History(TypedDict):
    """The undo tree, and the marks that structural acts and changed settings leave on the curves."""

    states: list[StateInfo]
    current: int
    can_undo: bool
    can_redo: bool
    events: list[dict[str, Any]]
    """`{step, label, kind}`"""


class Parity(TypedDict):
    """Predictions beside the truth. Arrays `train`, `test`, `val` where they have labels: `(outputs, 2, rows)`, truth and
    prediction; for classes `(classes, classes)`, how many rows of a class (row) are predicted as another (column).
    """

    outputs: list[str]
    classes: bool


class Surface(TypedDict):
    """The output over one or two inputs. Arrays: `z`, one row a value of y and one column a value of x, a single row without
    y; `points` (3, m): x, y and label of a sample of the training data, for classes the class's index.
    """

    x: int
    y: int | None
    output: int
    at: list[float]
    """Where every column of the data is held."""
    held: list[float | None]
    """The same as it was asked for: null stands for the median."""
    names: list[str]
    """Of all columns of the data."""
    outputs: list[str]
    x_range: list[float]
    y_range: list[float] | None
    ranges: list[list[float]]
    """Smallest and largest value of every column of the data."""
    classes: bool
    """Then z is the probability of the output's class."""


class SurveyRow(TypedDict):
    """The best candidate of one edge."""

    edge: EdgeKey
    name: str
    r2: float


class Survey(TypedDict):
    """The best candidates of all edges that are splines, as they are found."""

    first: int
    """`rows` are those from this one on."""
    of: int
    """How many there will be."""
    busy: bool
    rows: list[SurveyRow]


class ErrorInfo(TypedDict):
    """An error in the words that Python would have raised."""

    title: str
    message: str
    hint: str | None


class Snapshot(TypedDict):
    """All that a page needs. Arrays: `metrics`, `curves`, and those of `selection` and `candidates` under
    `selection.*` and `candidates.*`.

    As it is stored (`brief.py`) `structure.edges` holds only edges of which more is known than their state, and a further array
    `edges` (edges,) the states of all: 0 spline, 1 symbolic, 2 both, 3 pruned.
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
    primitives: list[str]
    """The whole library, for *other function*."""
    formats: NotRequired[list[FormatEntry]]
    """The export menu."""
    n_metrics: NotRequired[int]
    """Rows recorded so far, where `metrics` holds a thinned history of fewer."""
    error: ErrorInfo | None
    arrays: Arrays
    buffer: NotRequired[bytes]


# ---- to the browser: {"v", "kind", "seq", …}
# hello_ack   snapshot: Snapshot                                 buffer as in the snapshot
# metrics     first: int, replace: bool, arrays {metrics}        rows from `first` on; replace forgets what was there
# curves      edges: list[EdgeKey] | null (all), arrays {curves, importance?} row: importance, x_min, x_max, THUMB_SAMPLES values;
#             importance (all edges,): after an act on a large network, beside the curves that it has changed
# structure   structure: Structure, part?: true: then its nodes and edges are only those that have changed (a `curves` message with
#             all edges, or with those whose curves have changed, follows)
# selection   selection: Selection, arrays
# candidates  candidates: Candidates, arrays
# formula     formula: Formula
# history     history: History
# status      status: Status
# settings    settings: Settings
# error       error: ErrorInfo | null
# parity      parity: Parity, arrays
# surface     surface: Surface, arrays
# survey      survey: Survey
# library     primitives: list[str]: the library has changed
# ack         of: int (seq of the command), ok: bool, view?: str (whose command it was), settings: Settings
# export      format: str, filename: str, mime: str, text: str | null (binary in the buffer's bytes when null)
# Any of them may carry `frame: int`: the browser answers `frame_ack` once it has drawn it.

Incoming = Literal[
    "hello",
    "set",
    "control",
    "select",
    "fix",
    "unfix",
    "prune",
    "restore",
    "refine",
    "auto",
    "drag",
    "undo",
    "redo",
    "goto",
    "rank",
    "export",
    "pump",
    "frame_ack",
    "preset",
    "watch",
    "surface",
    "survey",
    "freeze",
    "lock",
    "add_node",
]
# ---- to Python: {"v", "kind", "seq", …}
# select, fix, unfix, freeze, lock, add_node, auto, prune, restore and drag may carry `structure: int`, the version of the structure that
# was clicked: if the nodes are others meanwhile, what was meant is gone, and the message is refused with an `error`. So is a drag
# whose `grid`, the intervals of the spline that was dragged, isn't the present one: its index means another coefficient there.
# Fields that aren't listed here, and buffers, are ignored. Everything is answered in order, with an `ack`; hello and frame_ack have none,
# one hello_ack answers all hellos that wait. Of select, rank, surface, set (of the same settings) and drags (of one coefficient, not yet
# committed) that wait one behind the other only the last is carried out, and all are acknowledged. What comes while 2,000
# messages wait is lost: refused with one `error`, but for hello and pause.
# hello      view: str (unique per view)
# set        settings: {lamb?, grid?, opt?, lr?, batch? (null: all), noise?}
# control    action: "start" | "pause" | "step" | "reset"; seed?: int (of the reset)
# preset     name: str
# watch      view: str, panels: list["parity" | "surface"]: what this view has open
# surface    x: int, y: int | null, output: int, at: list[float | null] (null: the median; [] for all)
# survey     on: bool, view: str
# freeze     edge or edges, on: bool
# lock       edges: list[EdgeKey] of one layer, on: bool
# add_node   level: int, product: bool
# select     edges: list[EdgeKey]
# fix        edge: EdgeKey or edges: list[EdgeKey] (one command, one state of the history), name: str, keep_spline: bool
# unfix      edge: EdgeKey or edges: list[EdgeKey]
# prune      edges?: list[EdgeKey], node?: NodeKey; without both: everything below the usual thresholds
# restore    edges: list[EdgeKey]
# refine     grid: int
# auto       r2_threshold: float | null, edges?: list[EdgeKey]
# drag       edge: EdgeKey, index: int, value: float, commit: bool, grid?: int (its intervals: handles less k)
# undo, redo
# goto       state: int
# rank       simplicity: float in [0, 1]
# export     format: "svg" | "png" | "gif" | "csv" | "json" | "html" | "code"
# pump       since: int (metrics rows already here)
# frame_ack  frame: int
