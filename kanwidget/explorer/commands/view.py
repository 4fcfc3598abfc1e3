"""Commands on the view: the selection, the order of candidates, open panels. The network stays, and so does the script."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from kanwidget import _check
from kanwidget.core import EdgeRef
from kanwidget.explorer.commands import fields
from kanwidget.explorer.describe.panels.surface import checked
from kanwidget.explorer.describe.panels.table import PANELS
from kanwidget.explorer.protocol.topics import Topics
from kanwidget.explorer.session.command import Command, Setting
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.view import SurfaceView


@dataclass(frozen=True, slots=True)
class Select(Setting):
    """Select edges; the first one is shown in detail."""

    kind = "select"
    continues_process = True
    reads: ClassVar = {"edges": fields.edges}

    edges: tuple[EdgeRef, ...] = ()

    def perform(self, session: Session) -> Topics:
        """Select the edges; an error where the network doesn't have one. Returns the topics that changed."""
        session.view.select([session.check_edge(edge, "select") for edge in self.edges])
        return frozenset(("selection", "candidates"))


@dataclass(frozen=True, slots=True)
class Rank(Setting):
    """Weigh simplicity (1) against accuracy (0) in the order of candidates."""

    kind = "rank"
    reads: ClassVar = {"simplicity": partial(_check.real, low=0, high=1)}

    simplicity: float

    def perform(self, session: Session) -> Topics:
        """Rank candidates with this simplicity, 0 to 1, from now on. Returns the topics that changed."""
        session.candidates.rank_by(_check.real(self.simplicity, "simplicity", "rank", low=0, high=1))
        return frozenset(("settings", "candidates"))


@dataclass(frozen=True, slots=True)
class ShowSurface(Setting):
    """Show the output over one or two inputs (columns of the data), the others held `at` values or at their medians."""

    kind = "surface"
    continues_process = True

    reads: ClassVar = {
        "x": fields.whole,
        "y": fields.optional(fields.whole),
        "output": fields.optional(fields.whole, 0),
        "at": fields.optional(fields.several(fields.optional(_check.real), "a list of numbers, one an input"), ()),
    }

    surface: SurfaceView

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        """The command of a message, whose fields are those of the view."""
        return [cls(SurfaceView(**cls.fields_of(message)))]

    def perform(self, session: Session) -> Topics:
        """Show the output over these inputs; an error where there are no such inputs or output. Returns the topics that changed."""
        session.view.show_surface(checked(session, self.surface))
        return frozenset(("surface",))


def _panel(value: Any, name: str, where: str) -> str:
    """The value of a field, if it is the name of a panel; else an error that names the field and the command `where`."""
    return _check.choice(value, name, where, PANELS)


@dataclass(frozen=True, slots=True)
class OpenPanels(Command):
    """The panels that one view has open, in place of those before; only these are computed. The page calls it `watch`."""

    kind = "watch"
    continues_process = True

    reads: ClassVar = {"panels": fields.several(_panel, "a list of panels", 10), "view": fields.text}

    view: str
    panels: tuple[str, ...] = ()

    def perform(self, session: Session) -> Topics:
        """Note the open panels of the view. Returns those that no view had open before, as topics: their content is sent now."""
        return session.view.open(self.view, self.panels)


@dataclass(frozen=True, slots=True)
class ShowPreview(Command):
    """Open or close the symbolify preview of a view. The page calls it `survey`."""

    kind = "survey"
    continues_process = True
    reads: ClassVar = {"on": fields.flag, "view": fields.optional(fields.text, "page")}

    on: bool = True
    view: str = ""

    def perform(self, session: Session) -> Topics:
        """Open in this view the preview of what `auto_symbolic` would fix, or close it. Returns the topics that changed."""
        session.view.preview.switch(self.on, self.view)
        return frozenset(("survey",))  # the topic of this preview
