"""`ViewState`: selection, open panels, surface, preview and notices of a session."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kanwidget.core import EdgeRef, SymbolicFit
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.topics import Notice, Topics
from kanwidget.explorer.session.candidates import EdgeCandidates
from kanwidget.kan import KAN
from kanwidget.symbolic.edges import numeric_edges

#: A longer computation on copies, `job(stopping, report)`: it gives up where `stopping()` is true, and reports what the owner of the
#: session shall do with its results, which returns the topics that have changed.
Job = Callable[[Callable[[], bool], Callable[[Callable[[], Topics]], None]], None]
#: Views whose open panels are remembered; the oldest one is forgotten first.
MOST_VIEWS = 8
#: Edges of one round, which nothing interrupts: about a tenth of a second with the whole library.
_EDGES_PER_ROUND = 4


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
        #: The candidates that `auto_symbolic` would fix, before it does.
        self.preview = _SymbolifyPreview()
        #: The sentence for the user that is shown now.
        self.notice: Notice | None = None
        #: A notice that no command has caused and no view has shown yet.
        self.announcement: Notice | None = None
        #: The formula as trained, rounded, expanded, …, as far as that is worked out.
        self.forms = FormulaForms()
        #: Shows a longer task in words; None at its end.
        self.task: Callable[[str | None], None] = lambda _: None
        #: Has a job done beside the training; its result comes as changed topics.
        self.work_out: Callable[[Job], None] = lambda job: None
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
        #: The inputs and the output that the surface panel draws; None for the first ones.
        self.surface: SurfaceView | None = None

    def keep_nearest_law(self, text: str) -> None:
        """Keep the text of the best short law (a formula of few constants) that a simplification has tried and not taken, for the guide."""
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
        edges = set(model.edge_refs())
        self.selection = tuple(edge for edge in self.selection if edge in edges)

    def show_surface(self, surface: SurfaceView) -> None:
        """Choose what the surface panel draws: an output over one or two inputs."""
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
        self.open_panels.pop(view, None)  # so that this view is the newest one
        if panels:
            self.open_panels[view] = panels
        if len(self.open_panels) > MOST_VIEWS:
            del self.open_panels[next(iter(self.open_panels))]
        return self.panels - before

    def close_panels(self) -> None:
        """Close the panels and the preview of all views: a reloaded page doesn't close its own, and all others open theirs again."""
        self.open_panels.clear()
        self.preview.views.clear()

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
        """Let this function be called with each longer task, in words for people, and with None at its end."""
        self.task = show_task

    # ---- longer computations

    def work_out_with(self, work_out: Callable[[Job], None], *, has_threads: bool = False) -> None:
        """Let this function do each computation that must not hold up the training; with `has_threads` it returns at once."""
        self.work_out, self.has_threads = work_out, has_threads

    def keep_forms(self, forms: FormulaForms) -> None:
        """Keep the formula in its forms (as trained, rounded, expanded, …) so far, and whether further ones are on the way."""
        self.forms = forms


# ---- `_SymbolifyPreview`: the candidates that `auto_symbolic` would fix, before it does; a few edges are searched at a time


class _SymbolifyPreview:
    """Searches edges while a view has the preview open, in the order of the structure, and begins anew after each act.

    While training a row shows the moment when its edge was searched.
    """

    def __init__(self) -> None:
        #: The views that have the preview open.
        self.views: set[str] = set()
        self.restart()

    def restart(self) -> None:
        """Search all edges again, after an act or a change of the library."""
        #: `act_version` of the network when the search began; None before it begins.
        self._act_version: int | None = None
        #: Edges to search; how many rows a page has got; each searched edge with its best candidate.
        self._remaining: list[EdgeRef] = []
        self._n_sent = 0
        self._rows: list[tuple[EdgeRef, SymbolicFit | None]] = []

    @property
    def on(self) -> bool:
        """Whether a view has the preview open."""
        return bool(self.views)

    def switch(self, on: bool, view: str) -> None:
        """Open or close the preview in the view with this name. One that opens it gets all rows; they are dropped once none has it open."""
        if on:
            self.views.add(view)
            self._n_sent = 0
        else:
            self.views.discard(view)
        if not self.on:
            self.restart()

    @property
    def is_complete(self) -> bool:
        """Whether no edge remains to be searched."""
        return not self.on or (self._act_version is not None and not self._remaining)

    def search(self, candidates: EdgeCandidates) -> None:
        """Find the best candidate of the next edges, at most four; from the first edge again after an act.

        Those of one round are of one layer, which is searched at once.
        """
        if not self.on:
            return
        run = candidates.run
        if self._act_version != run.act_version:
            self.restart()
            self._act_version = run.act_version
            self._remaining = numeric_edges(run.model)  # the splines
        edges = [ref for ref in self._remaining[:_EDGES_PER_ROUND] if ref.layer == self._remaining[0].layer]
        if edges:
            rankings = candidates.of_layer(edges)
            # The first candidate that doesn't only imitate another one.
            originals = [next((fit for fit in fits if fit.imitates is None), None) for fits in rankings]
            self._rows += zip(edges, originals, strict=True)
            self._remaining = self._remaining[len(edges) :]

    def unsent(self) -> p.Preview:
        """The message with the rows that were added since the last call, from the row `first` on; `of` is how many there are in the end."""
        # `_rows`: each edge that was searched, with its best candidate; `_remaining`: edges to search.
        first, self._n_sent = self._n_sent, len(self._rows)
        rows = [_row(edge, fit) for edge, fit in self._rows[first:]]
        count = len(self._rows) + len(self._remaining)
        return {"first": first, "of": count, "busy": not self.is_complete, "rows": rows}


def _row(edge: EdgeRef, fit: SymbolicFit | None) -> p.PreviewRow:
    """The row of an edge as a page gets it: its best candidate and R². An edge that no function fits has the name "" and R² 0."""
    name, r2 = ("", 0.0) if fit is None or not math.isfinite(fit.r2) else (fit.name, fit.r2)
    return {"edge": list(edge), "name": name, "r2": r2}
