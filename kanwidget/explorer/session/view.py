"""`ViewState`: selection, open panels, surface, preview and notices of a session."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kanwidget.core import EdgeRef
from kanwidget.explorer.protocol.topics import Notice, Topics
from kanwidget.explorer.session.background.preview import SymbolifyPreview
from kanwidget.kan import KAN

#: A longer computation on copies, `job(stopping, report)`: it gives up where `stopping()` is true, and reports what the owner of the
#: session shall do with its results, which returns the topics that have changed.
Job = Callable[[Callable[[], bool], Callable[[Callable[[], Topics]], None]], None]
#: Views whose open panels are remembered; the oldest one is forgotten first.
MOST_VIEWS = 8


@dataclass(frozen=True, slots=True)
class SurfaceView:
    """One or two inputs (columns of the data) over which an output is drawn, and the values of all others, None for medians."""

    x: int
    y: int | None = None
    output: int = 0
    at: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True)
class FormulaForms:
    """The forms of the formula that were worked out last."""

    version: int = -1
    """Of the network that they belong to."""
    rows: tuple[Any, ...] = ()
    """As the page gets them."""
    busy: bool = False
    """Whether more of them are being worked out."""


class ViewState:
    """Selection, open panels, surface, preview and notices. It alone assigns its attributes."""

    def __init__(self) -> None:
        #: Panels that each view has open.
        self.open_panels: dict[str, tuple[str, ...]] = {}
        self.preview = SymbolifyPreview()
        self.notice: Notice | None = None
        #: A notice that no command has caused and no view has shown yet.
        self.announcement: Notice | None = None
        self.forms = FormulaForms()
        self._show_task: Callable[[str | None], None] = lambda _: None
        self._work_out: Callable[[Job], None] = lambda job: None
        #: Whether computations are done on threads of their own, so that the session goes on meanwhile.
        self.has_threads = False
        self.begin()

    def begin(self) -> None:
        """Forget selection and surface: another network has other edges and columns."""
        #: Names of the guide's notices that were dismissed.
        self.dismissed: frozenset[str] = frozenset()
        self.selection: tuple[EdgeRef, ...] = ()
        #: The best short law that the last simplification has tried and not taken, with its error.
        self.nearest_law = ""
        #: None for the first inputs and the first output.
        self.surface: SurfaceView | None = None

    def keep_nearest_law(self, text: str) -> None:
        """Keep the best law that wasn't taken, for the sentences of the guide."""
        self.nearest_law = text

    def select(self, edges: Iterable[EdgeRef]) -> None:
        """Select edges, each once; the first one is shown in detail."""
        self.selection = tuple(dict.fromkeys(edges))

    @property
    def selected_edge(self) -> EdgeRef | None:
        """The edge that is shown in detail."""
        return self.selection[0] if self.selection else None

    def drop_missing_edges(self, model: KAN) -> None:
        """Deselect edges that the network doesn't have."""
        self.selection = tuple(edge for edge in self.selection if _exists(model, edge))

    def show_surface(self, surface: SurfaceView) -> None:
        """Show the output over these inputs."""
        self.surface = surface

    # ---- views

    @property
    def panels(self) -> frozenset[str]:
        """Panels that are open in any view."""
        return frozenset(panel for panels in self.open_panels.values() for panel in panels)

    def open(self, view: str, panels: tuple[str, ...]) -> frozenset[str]:
        """Note that a view has these panels open, and no others.

        Returns:
            Panels that no view had open before.
        """
        before = self.panels
        self.open_panels.pop(view, None)
        if panels:
            self.open_panels[view] = panels
        if len(self.open_panels) > MOST_VIEWS:
            del self.open_panels[next(iter(self.open_panels))]
        return self.panels - before

    def close_panels(self) -> None:
        """Close the panels and the preview of all views: a reloaded page doesn't close its own, and all others open theirs again."""
        self.open_panels.clear()
        self.preview.close()

    # ---- notices

    def notify(self, notice: Notice | None) -> None:
        """Show a notice in place of the current one; None for no notice."""
        self.notice = notice

    def announce(self, notice: Notice) -> None:
        """Show a notice that no command has caused, with the next messages."""
        self.announcement = notice

    def show_announcement(self) -> bool:
        """Make the announcement the notice; False without an announcement."""
        if self.announcement is None:
            return False
        self.notice, self.announcement = self.announcement, None
        return True

    def dismiss(self, notice: str) -> None:
        """Keep a notice of the guide away from now on."""
        self.dismissed |= {notice}

    def show_tasks_with(self, show_task: Callable[[str | None], None]) -> None:
        """Call this function with each longer task in words, and with None at its end."""
        self._show_task = show_task

    def task(self, task: str | None) -> None:
        """Show a longer task in words; None at its end."""
        self._show_task(task)

    # ---- longer computations

    def work_out_with(self, work_out: Callable[[Job], None], *, has_threads: bool = False) -> None:
        """Call this function with each computation that must not hold up the training; with `has_threads` it returns at once."""
        self._work_out, self.has_threads = work_out, has_threads

    def keep_forms(self, forms: FormulaForms) -> None:
        """Note which forms of the formula are known, and which are being worked out."""
        self.forms = forms

    def work_out(self, job: Job) -> None:
        """Have a job done beside the training; its result comes as changed topics."""
        self._work_out(job)


def _exists(model: KAN, edge: EdgeRef) -> bool:
    """Whether the network has such an edge."""
    if edge.layer >= model.depth:
        return False
    layer = model.layer(edge.layer)
    return edge.source < layer.in_dim and edge.target < layer.out_dim
