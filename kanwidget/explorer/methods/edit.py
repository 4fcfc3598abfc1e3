"""What a click can do, as methods: settings, edges, the whole network, undo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kanwidget import _check
from kanwidget.core import EdgeRef, SymbolicFit
from kanwidget.core.primitives import primitives
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.edges import Drag, Fix, Freeze, Lock, Restore, Unfix
from kanwidget.explorer.commands.history import Goto, Redo, Reset, Undo
from kanwidget.explorer.commands.network import AddNode, AutoSymbolic, Prune, Refine
from kanwidget.explorer.commands.training import Set
from kanwidget.explorer.commands.view import Rank, Select
from kanwidget.explorer.methods.base import MethodGroup
from kanwidget.explorer.methods.tracebacks import plain_refusals
from kanwidget.symbolic.fits.ranking import R2_THRESHOLD

EdgeLike = Sequence[int]


@plain_refusals
class EditMethods(MethodGroup):
    """The part of `KANExplorer` that changes the network; each method is one command to the session."""

    # ---- settings

    @property
    def lamb(self) -> float:
        """Weight of the penalty that makes edges vanish; acts on the next step."""
        return self._open.trainer.settings.lamb

    @lamb.setter
    def lamb(self, value: float) -> None:
        self._apply(Set(lamb=_check.real(value, "lamb", "KANExplorer", low=0)))

    @property
    def grid(self) -> int:
        """Number of grid intervals; more of them keep the functions exactly."""
        return self._open.model.grid

    @grid.setter
    def grid(self, value: int) -> None:
        self.refine(value)

    @property
    def opt(self) -> str:
        """The optimiser; setting it makes a new one."""
        return self._open.trainer.settings.opt

    @opt.setter
    def opt(self, value: str) -> None:
        self._apply(Set(opt=_check.choice(value, "opt", "KANExplorer", self._open.opts)))

    @property
    def lr(self) -> float | None:
        """Learning rate of gradient methods, None for their own."""
        return self._open.trainer.settings.lr

    @lr.setter
    def lr(self, value: float) -> None:
        self._apply(Set(lr=_check.real(value, "lr", "KANExplorer", low=0, open_low=True)))

    @property
    def batch(self) -> int | None:
        """Rows of a step, None for all; only gradient methods take some."""
        return self._open.trainer.settings.batch

    @batch.setter
    def batch(self, value: int | None) -> None:
        self._apply(Set(batch=-1 if value is None else _check.integer(value, "batch", "KANExplorer", low=1)))

    @property
    def noise(self) -> float:
        """Noise on the training labels in units of their spread (for classes: the part that is drawn anew); tests stay true."""
        return self._open.noise

    @noise.setter
    def noise(self, value: float) -> None:
        self._apply(Set(noise=_check.real(value, "noise", "KANExplorer", low=0)))

    @property
    def simplicity(self) -> float:
        """How candidates are ranked: 0 by accuracy alone, 1 by simplicity alone."""
        return self._open.simplicity

    @simplicity.setter
    def simplicity(self, value: float) -> None:
        self._apply(Rank(_check.real(value, "simplicity", "KANExplorer", low=0, high=1)))

    # ---- edges

    def select(self, *edge: Any) -> None:
        """Look at an edge, `select(0, 0, 1)`, at several, `select((0, 0, 1), (0, 1, 1))`, or at none, `select()`."""
        edges = (edge,) if edge and not isinstance(edge[0], Sequence) else edge
        checked = tuple(self._open.check_edge(one, "select") for one in edges)
        self._apply(Select(checked))

    def candidates(self, edge: EdgeLike | int | None = None, *ends: int) -> list[SymbolicFit]:
        """The functions that could replace the selected edge, or another, `candidates(0, 0, 1)`, best first."""
        one = self._edge(_edge_of(edge, ends), "candidates")

        def find() -> list[SymbolicFit]:
            fits = list(self._session.candidates(one))
            self._driver.publisher.note(frozenset(("candidates",)))  # the page shows the best one of every edge
            return fits

        return self._ask(find)

    def fix(
        self,
        name: str | None = None,
        edge: EdgeLike | None = None,
        *,
        edges: Iterable[EdgeLike] | None = None,
        keep_spline: bool = False,
    ) -> None:
        """Replace an edge by a symbolic function, or several edges by the same one in a single act.

        Args:
            name: The primitive's name; by default that of the (first) edge's best candidate.
            edge: `(layer, input, output)`; by default the selected one.
            edges: Several such edges, in place of `edge`; each gets constants of its own.
            keep_spline: Keep a spline as a correction.
        """
        one, *more = self._edges(edge, edges, "fix")
        self._apply(Fix(one, name, keep_spline, tuple(more)))

    def unfix(self, edge: EdgeLike | int | None = None, *ends: int, edges: Iterable[EdgeLike] | None = None) -> None:
        """Bring the spline of the selected edge back, or that of another, `unfix(0, 0, 1)`, or those of several `edges`."""
        one, *more = self._edges(_edge_of(edge, ends), edges, "unfix")
        self._apply(Unfix(one, tuple(more)))

    def drag(self, edge: EdgeLike, k: int, value: float, *, commit: bool = True) -> None:
        """Set coefficient k of an edge's spline; several with `commit=False` and a last one are a single act."""
        self._apply(Drag(self._edge(edge, "drag"), k, value, commit))

    def freeze(self, edge: EdgeLike | int | None = None, *ends: int, edges: Iterable[EdgeLike] | None = None) -> None:
        """Keep the selected edge out of training, or another, `freeze(0, 0, 1)`, or several `edges`."""
        one, *more = self._edges(_edge_of(edge, ends), edges, "freeze")
        self._apply(Freeze(one, True, tuple(more)))

    def unfreeze(self, edge: EdgeLike | int | None = None, *ends: int, edges: Iterable[EdgeLike] | None = None) -> None:
        """Let them train again."""
        one, *more = self._edges(_edge_of(edge, ends), edges, "unfreeze")
        self._apply(Freeze(one, False, tuple(more)))

    def lock(self, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
        """Make edges `(input, output)` of a layer share one function."""
        self._apply(Lock(fields.whole(l, "l", "lock"), fields.pairs(edges, "lock")))

    def unlock(self, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
        """Give such edges functions of their own again."""
        self._apply(Lock(fields.whole(l, "l", "unlock"), fields.pairs(edges, "unlock"), False))

    # ---- the whole network

    def prune(
        self,
        node_th: float = 1e-2,
        edge_th: float = 3e-2,
        *,
        edges: Iterable[EdgeLike] | None = None,
        node: tuple[int, int] | None = None,
    ) -> None:
        """Remove what hardly matters, or given edges, or a hidden node `(level, index)`."""
        if edges is not None and (isinstance(edges, str) or not isinstance(edges, Iterable)):
            _check.fail("edges", "prune", "a list of edges (layer, input, output)", edges)
        picked = None if edges is None else tuple(self._edge(edge, "prune") for edge in edges)
        node = None if node is None else fields.node(node, "prune")
        node_th, edge_th = (
            _check.real(value, name, "prune", low=0) for name, value in (("node_th", node_th), ("edge_th", edge_th))
        )
        self._apply(Prune(picked, node, node_th, edge_th))

    def restore(self, *edges: Any) -> None:
        """Bring pruned edges back: `restore(0, 1, 4)`, or several triples."""
        listed = (edges,) if edges and not isinstance(edges[0], Sequence) else edges
        self._apply(Restore(tuple(self._edge(edge, "restore") for edge in listed)))

    def refine(self, grid: int) -> None:
        """Change the number of grid intervals, 1 to 200."""
        self._apply(Refine(fields.grid(grid)))

    def add_node(self, level: int, *, product: bool = False) -> None:
        """One more node on a hidden level, a sum or a product; the function stays."""
        self._apply(AddNode(fields.whole(level, "level", "add_node"), bool(product)))

    def remove_node(self, level: int, index: int) -> None:
        """Remove a hidden node."""
        self._apply(Prune(node=fields.node((level, index), "remove_node")))

    def auto_symbolic(
        self,
        r2_threshold: float = R2_THRESHOLD,
        *,
        simplicity: float | None = None,
        lib: Iterable[str] | None = None,
        edges: Iterable[EdgeLike] | None = None,
    ) -> None:
        """Fix every spline (or some of them) whose best candidate has at least this R²; a pause ends it, and keeps what was fixed.

        Args:
            r2_threshold: The least R²: 0.9, or say 0.99 to fix only clear curves.
            simplicity: 0 ranks by accuracy alone, 1 by simplicity alone; by default as the session does.
            lib: Names of the functions; by default the session's.
            edges: `(layer, input, output)` of those in question; all by default.
        """
        if simplicity is not None:
            simplicity = _check.real(simplicity, "simplicity", "auto_symbolic", low=0, high=1)
        r2_threshold = _check.real(r2_threshold, "r2_threshold", "auto_symbolic", high=1)
        if lib is not None:
            lib = tuple(row.name for row in primitives(lib, "auto_symbolic"))
        picked = None if edges is None else tuple(self._edge(edge, "auto_symbolic") for edge in edges)
        self._apply(AutoSymbolic(r2_threshold, simplicity, lib, picked))

    def reset(self, seed: int | None = None) -> None:
        """Begin again from the network that was given, or from another seed."""
        self._apply(Reset(seed))

    def undo(self) -> None:
        """Go back to just before the last act."""
        self._apply(Undo())

    def redo(self) -> None:
        """Go forward to what was undone."""
        self._apply(Redo())

    def goto(self, state: int) -> None:
        """Go to a state of the history by its id, see `states`."""
        self._apply(Goto(fields.whole(state, "state", "goto")))

    # ---- inside

    def _edges(self, edge: EdgeLike | int | None, edges: Iterable[EdgeLike] | None, where: str) -> list[EdgeRef]:
        """The edges given one way or the other; the selected one where none is."""
        if edges is None:
            return [self._edge(edge, where)]
        if edge is not None:
            _check.fail("edges", where, "left out where `edge` is given", edges)
        listed = [] if isinstance(edges, str) or not isinstance(edges, Iterable) else list(edges)
        if not listed:
            _check.fail("edges", where, "a list of at least one edge (layer, input, output)", edges)
        return [self._edge(one, where) for one in listed]

    def _edge(self, edge: EdgeLike | int | None, where: str) -> EdgeRef:
        if edge is None:
            selected = self._open.selection
            if not selected:
                _check.fail(
                    "edge", where, "given, or one selected before", None, "select(layer, input, output) does that."
                )
            edge = selected[0]
        return self._open.check_edge(edge, where)


def _edge_of(edge: Any, ends: Sequence[int]) -> Any:
    """An edge that is given as a triple or as three numbers; whether it is one is checked later."""
    return (edge, *ends) if ends else edge
