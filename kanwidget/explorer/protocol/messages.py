"""The messages between the kernel and the browser; `records` has their payloads.

Messages to the browser are listed in `TO_BROWSER`. A panel's message has the panel's name as `kind` and its payload under
this name.

Messages to Python that are no commands are listed in `TO_PYTHON`. All others ask for commands: the class in `explorer.commands` with
this `kind` reads and checks their fields, and `js/src/protocol/commands.ts` is the mirror. Rules:

- A command may carry `structure`, the version of the structure that the user saw, and a drag `grid`, the intervals of its spline. If the
  network is another one meanwhile, a command on edges or nodes is refused: its indices mean other edges or coefficients now.
- Unknown fields, and buffers, are ignored.
- Messages are answered in order, each with an `ack`. `frame_ack` has none, and one `hello_ack` answers all hellos that wait.
- A command may supersede an earlier one that waits (`Command.supersedes`); both are acknowledged.
- While 2,000 messages wait further ones are refused with one `error`, except for hello and pause.
"""

from __future__ import annotations

from typing import Any, Literal, TypedDict

from typing_extensions import NotRequired

from kanwidget.explorer.protocol import records as p


class Message(TypedDict):
    """Fields of every message."""

    v: int
    """Version of the protocol."""
    seq: int
    """Number of the message; it increases, and every view and the kernel count independently."""
    frame: NotRequired[int]
    """To the browser, which answers with `frame_ack` once it has drawn this frame."""


# ---- to the browser


class HelloAckMessage(Message):
    """Everything, for a page that has opened. The buffer belongs to the snapshot."""

    kind: Literal["hello_ack"]
    snapshot: p.Snapshot


class MetricsMessage(Message):
    """Array `metrics`: rows from `first` on."""

    kind: Literal["metrics"]
    first: int
    replace: bool
    """Forget all earlier rows."""
    arrays: p.Arrays


class CurvesMessage(Message):
    """Array `curves`: rows of importance, x_min, x_max and `THUMB_SAMPLES` values. With some edges only there may be an array
    `importance` (all edges,): after an act on a large network, which sends only the curves that it has changed.
    """

    kind: Literal["curves"]
    edges: list[p.EdgeKey] | None
    """Edges of the rows, null for all."""
    arrays: p.Arrays


class StructureMessage(Message):
    """The structure. A `curves` message with all edges, or with those whose curves have changed, follows."""

    kind: Literal["structure"]
    structure: p.Structure
    part: NotRequired[bool]
    """Its nodes and edges are only those that have changed."""


class SelectionMessage(Message):
    """The selected edges."""

    kind: Literal["selection"]
    selection: p.Selection
    arrays: p.Arrays


class CandidatesMessage(Message):
    """The candidates of the first selected edge."""

    kind: Literal["candidates"]
    candidates: p.Candidates
    arrays: p.Arrays


class HeldOutMessage(Message):
    """Errors after a swap, of the candidates that a page has."""

    kind: Literal["held_out"]
    held_out: p.HeldOut


class FormulaMessage(Message):
    """The formula."""

    kind: Literal["formula"]
    formula: p.Formula


class HistoryMessage(Message):
    """The undo tree."""

    kind: Literal["history"]
    history: p.History


class StatusMessage(Message):
    """The state of the training."""

    kind: Literal["status"]
    status: p.Status


class SettingsMessage(Message):
    """The settings."""

    kind: Literal["settings"]
    settings: p.Settings


class ErrorMessage(Message):
    """A notice, or that there is none any more."""

    kind: Literal["error"]
    error: p.ErrorInfo | None


class PreviewMessage(Message):
    """Rows of the symbolify preview."""

    kind: Literal["survey"]
    survey: p.Preview


class LibraryMessage(Message):
    """The library has changed."""

    kind: Literal["library"]
    primitives: list[str]


class GuideMessage(Message):
    """The three steps, and notices."""

    kind: Literal["guide"]
    guide: p.Guide


class AckMessage(Message):
    """Acknowledgement of a message."""

    kind: Literal["ack"]
    of: int
    """Number of that message."""
    ok: bool
    view: NotRequired[str]
    """The view that has sent it."""
    settings: p.Settings


class ExportMessage(Message):
    """A file. Buffer: its bytes, where it isn't text."""

    kind: Literal["export"]
    format: str
    """A name of `FORMATS`."""
    filename: str
    mime: str
    text: str | None


TO_BROWSER: dict[str, type] = {
    "hello_ack": HelloAckMessage,
    "metrics": MetricsMessage,
    "curves": CurvesMessage,
    "structure": StructureMessage,
    "selection": SelectionMessage,
    "candidates": CandidatesMessage,
    "held_out": HeldOutMessage,
    "formula": FormulaMessage,
    "history": HistoryMessage,
    "status": StatusMessage,
    "settings": SettingsMessage,
    "error": ErrorMessage,
    "survey": PreviewMessage,
    "library": LibraryMessage,
    "guide": GuideMessage,
    "ack": AckMessage,
    "export": ExportMessage,
}


# ---- to Python


class HelloMessage(Message):
    """A page has opened."""

    kind: Literal["hello"]
    view: str
    """Name of the view, unique among all."""


class FrameAckMessage(TypedDict):
    """A frame is drawn."""

    v: int
    seq: int
    kind: Literal["frame_ack"]
    frame: int


class PumpMessage(Message):
    """A page that receives nothing asks for news."""

    kind: Literal["pump"]
    since: int
    """Rows of metrics that it has."""


class ExportRequest(Message):
    """A page asks for a file."""

    kind: Literal["export"]
    format: str
    """A name of `FORMATS`."""


TO_PYTHON: dict[str, Any] = {
    "hello": HelloMessage,
    "frame_ack": FrameAckMessage,
    "pump": PumpMessage,
    "export": ExportRequest,
}
