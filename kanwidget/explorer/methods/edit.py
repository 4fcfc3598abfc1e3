"""Editing: every click on an edge, a node or the whole network as a method."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kanwidget import _check
from kanwidget.core import EdgeRef, SymbolicFit
from kanwidget.core.primitives import primitives
from kanwidget.explorer.commands import fields
from kanwidget.explorer.commands.beginnings import UseLogarithms
from kanwidget.explorer.commands.edges import Drag, Fix, Freeze, Lock, MergeLevels, Restore, Unfix
from kanwidget.explorer.commands.network import AddNode, AutoSymbolic, Prune, Refine
from kanwidget.explorer.commands.view import Select
from kanwidget.explorer.methods.base import MethodGroup
from kanwidget.symbolic.fits.ranking import R2_THRESHOLD

EdgeLike = Sequence[int]


class EditMethods(MethodGroup):
    """The methods of `KANExplorer` that change the network; each is one command to the session."""

    # ---- edges

    def select(self, *edge: Any) -> None:
        """Look at an edge, `select(0, 0, 1)`, at several, `select((0, 0, 1), (0, 1, 1))`, or at none, `select()`.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.select(0, 0, 1)
            >>> explorer.fix("sin")
            >>> explorer.model.layer(0).state(0, 1)
            'symbolic'
        """
        edges = (edge,) if edge and not isinstance(edge[0], Sequence) else edge
        self._driver.apply(Select(tuple(self._open.check_edge(ref, "select") for ref in edges)))

    def candidates(self, edge: EdgeLike | int | None = None, *ends: int) -> list[SymbolicFit]:
        """The functions that could replace the selected edge, or another `(layer, input, output)`, `candidates(0, 0, 1)`, the best first.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> best, *_ = explorer.candidates(0, 0, 0)
            >>> best.r2 > 0.5
            True
        """
        chosen = self._edge(_edge_of(edge, ends), "candidates")

        def search() -> list[SymbolicFit]:
            """The candidates of the chosen edge, found where the session may be read."""
            fits = list(self._session.candidates.of(chosen))
            # The page shows the best candidate of every edge.
            self._driver.publisher.mark_changed(frozenset(("candidates",)))
            return fits

        return self._driver.ask(search)

    def fix(
        self,
        name: str | None = None,
        edge: EdgeLike | None = None,
        *,
        edges: Iterable[EdgeLike] | None = None,
        keep_spline: bool = False,
    ) -> None:
        """Replace one or several edges by a symbolic function, in a single act.

        Args:
            name: The primitive's name; by default the best candidate of the (first) edge.
            edge: `(layer, input, output)`; by default the selected one.
            edges: Several edges, in place of `edge`; each gets its own constants.
            keep_spline: Keep a spline as a correction.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.fix("x^2", edge=(0, 0, 0))
            >>> explorer.fix("sin", edges=[(0, 1, 0), (0, 1, 1)], keep_spline=True)
            >>> [explorer.model.layer(0).state(source, 0) for source in (0, 1)]
            ['symbolic', 'both']
        """
        first, *further = self._edges(edge, edges, "fix")
        self._driver.apply(Fix(first, name, keep_spline, tuple(further)))

    def unfix(self, edge: EdgeLike | int | None = None, *ends: int, edges: Iterable[EdgeLike] | None = None) -> None:
        """Bring back the spline of the selected edge, of another `(layer, input, output)`, `unfix(0, 0, 1)`, or of several `edges`.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.fix("x^2", edge=(0, 0, 0))
            >>> explorer.unfix(0, 0, 0)
            >>> explorer.model.layer(0).state(0, 0)
            'spline'
        """
        first, *further = self._edges(_edge_of(edge, ends), edges, "unfix")
        self._driver.apply(Unfix(first, tuple(further)))

    def drag(self, edge: EdgeLike, k: int, value: float, *, commit: bool = True) -> None:
        """Set coefficient k of an edge's spline. Calls with `commit=False` and a last call without it are one act.

        Args:
            edge: `(layer, input, output)`.
            k: Number of the coefficient, from 0 at the left end.
            value: The coefficient, in the unit of the edge's values.
            commit: Whether the act ends with this call.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.drag((0, 0, 0), k=2, value=0.5)
            >>> explorer.model.layer(0).coef[0, 0, 2].item()
            0.5
        """
        self._driver.apply(Drag(self._edge(edge, "drag"), k, value, commit))

    def use_log(self, names: Iterable[str]) -> None:
        """Begin again with the logarithms of these columns, or of the target, as the network's first, or last, step.

        That may help for positive columns that span more than a decade, say. With an empty list all columns are taken as they are.

        Args:
            names: Of columns and of the target; a column that isn't positive has no logarithm.

        Examples:
            >>> from kanwidget import Dataset, KAN, KANExplorer
            >>> data = Dataset([[1.0], [10.0], [100.0]], [0.0, 1.0, 2.0], in_vars=["p"])
            >>> explorer = KANExplorer(KAN([1, 1]), data)
            >>> explorer.use_log(["p"])
            >>> explorer.model.log
            ('p',)
        """
        names = [names] if isinstance(names, str) else list(names)
        self._driver.apply(UseLogarithms(tuple(names)))

    def merge_levels(self, column: str, groups: Iterable[Sequence[str]]) -> None:
        """Give the levels of each group of a column of words one value, and all its other levels one each; training goes on from there.

        `model.suggest_merges` says what the data allow, as the inspector of an edge of words does. No group splits all levels.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> flats = {"town": ["east", "west", "north"] * 8, "rent": [8.0, 9.0, 12.0] * 8}
            >>> explorer = KANExplorer(flats, "rent")
            >>> explorer.merge_levels("town", [["east", "west"]])
            >>> explorer.model.layer(0).merged
            {0: (0, 1, 0)}
        """
        if not isinstance(column, str):
            _check.fail("column", "merge_levels", "the name of a column of words", column, error=TypeError)
        if isinstance(groups, str) or not isinstance(groups, Iterable):
            _check.fail("groups", "merge_levels", "lists of levels", groups, "Write [['a', 'b'], …].")
        self._driver.apply(
            MergeLevels(column, tuple(tuple(one) if isinstance(one, (list, tuple)) else one for one in groups))
        )

    def freeze(self, edge: EdgeLike | int | None = None, *ends: int, edges: Iterable[EdgeLike] | None = None) -> None:
        """Keep the selected edge out of training, or another `(layer, input, output)`, `freeze(0, 0, 1)`, or several `edges`.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.freeze(0, 0, 0)
            >>> bool(explorer.model.layer(0).frozen[0, 0])
            True
        """
        first, *further = self._edges(_edge_of(edge, ends), edges, "freeze")
        self._driver.apply(Freeze(first, True, tuple(further)))

    def unfreeze(self, edge: EdgeLike | int | None = None, *ends: int, edges: Iterable[EdgeLike] | None = None) -> None:
        """Let frozen edges train again: the selected one, another `(layer, input, output)`, `unfreeze(0, 0, 1)`, or several `edges`.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.freeze(0, 0, 0)
            >>> explorer.unfreeze(0, 0, 0)
            >>> bool(explorer.model.layer(0).frozen[0, 0])
            False
        """
        first, *further = self._edges(_edge_of(edge, ends), edges, "unfreeze")
        self._driver.apply(Freeze(first, False, tuple(further)))

    def lock(self, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
        """Make edges `(input, output)` of layer `l`, counted from 0, share one function.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.lock(0, [(0, 0), (1, 0)])
            >>> len(explorer.model.layer(0).ties)
            1
        """
        self._driver.apply(Lock(fields.whole(l, "l", "lock"), fields.pairs(edges, "lock")))

    def unlock(self, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
        """Give edges `(input, output)` of layer `l`, which share a function, functions of their own again; each begins as that function.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.lock(0, [(0, 0), (1, 0)])
            >>> explorer.unlock(0, [(0, 0), (1, 0)])
            >>> len(explorer.model.layer(0).ties)
            0
        """
        self._driver.apply(Lock(fields.whole(l, "l", "unlock"), fields.pairs(edges, "unlock"), False))

    # ---- the whole network

    def prune(
        self,
        node_th: float = 1e-2,
        edge_th: float = 3e-2,
        *,
        edges: Iterable[EdgeLike] | None = None,
        node: tuple[int, int] | None = None,
    ) -> None:
        """Remove nodes and edges below the thresholds, or the named edges, or a hidden node `(level, index)`.

        Args:
            node_th: Hidden nodes with a score up to this go; a score says how much a node or edge matters for the outputs, from 0.
            edge_th: Edges with a score up to this go.
            edges: `(layer, input, output)` of the edges to remove, in place of the thresholds.
            node: The node to remove, in place of the thresholds.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> explorer.model.layer(0).state(0, 0)
            'pruned'
        """
        if edges is not None and (isinstance(edges, str) or not isinstance(edges, Iterable)):
            _check.fail("edges", "prune", "a list of edges (layer, input, output)", edges)
        picked = None if edges is None else tuple(self._edge(edge, "prune") for edge in edges)
        node = None if node is None else fields.node(node, "node", "prune")
        node_th = _check.real(node_th, "node_th", "prune", low=0)
        edge_th = _check.real(edge_th, "edge_th", "prune", low=0)
        self._driver.apply(Prune(picked, node, node_th, edge_th))

    def restore(self, *edges: Any) -> None:
        """Bring pruned edges `(layer, input, output)` back: `restore(0, 1, 4)`, or several triples.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.prune(edges=[(0, 0, 0)])
            >>> explorer.restore(0, 0, 0)
            >>> explorer.model.layer(0).state(0, 0)
            'spline'
        """
        listed = (edges,) if edges and not isinstance(edges[0], Sequence) else edges
        self._driver.apply(Restore(tuple(self._edge(edge, "restore") for edge in listed)))

    def refine(self, grid: int) -> None:
        """Change the number of grid intervals, 1 to 200.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.refine(10)
            >>> explorer.grid
            10
        """
        self._driver.apply(Refine(fields.grid(grid)))

    def add_node(self, level: int, *, product: bool = False) -> None:
        """Add a node to a hidden level, a sum or a product; the function stays. Where there is no hidden level, it comes first.

        Args:
            level: Number of the level: 0 has the inputs, 1 is the first hidden one.
            product: Whether the node multiplies.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.add_node(1)
            >>> explorer.model.width
            [[2, 0], [3, 1], [1, 0]]
        """
        self._driver.apply(AddNode(fields.whole(level, "level", "add_node"), bool(product)))

    def remove_node(self, level: int, index: int) -> None:
        """Remove a hidden node: the one with this index, from 0, on a level; level 0 has the inputs.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.remove_node(1, 0)
            >>> explorer.model.width
            [[2, 0], [1, 1], [1, 0]]
        """
        self._driver.apply(Prune(node=fields.node((level, index), "node", "remove_node")))

    def auto_symbolic(
        self,
        r2_threshold: float = R2_THRESHOLD,
        *,
        simplicity: float | None = None,
        lib: Iterable[str] | None = None,
        edges: Iterable[EdgeLike] | None = None,
    ) -> None:
        """Fix every spline (or some splines) whose best candidate has at least this R². A pause ends the search; fixed edges stay fixed.

        Args:
            r2_threshold: The least R²: 0.9, where the slider of *Replace…* begins, or say 0.99 to fix only clear curves.
            simplicity: 0 ranks by accuracy alone, 1 by simplicity alone; by default as the session does.
            lib: Names of the functions; by default the session's.
            edges: `(layer, input, output)` of the edges to fix; all splines by default.

        Examples:
            >>> from kanwidget import KANExplorer
            >>> explorer = KANExplorer.demo("product")
            >>> explorer.auto_symbolic(0.5, lib=["x", "x^2"], edges=[(0, 0, 0)])
            >>> len(explorer.states)
            2
        """
        if simplicity is not None:
            simplicity = _check.real(simplicity, "simplicity", "auto_symbolic", low=0, high=1)
        r2_threshold = _check.real(r2_threshold, "r2_threshold", "auto_symbolic", high=1)
        if lib is not None:
            lib = tuple(row.name for row in primitives(lib, "auto_symbolic"))
        picked = None if edges is None else tuple(self._edge(edge, "auto_symbolic") for edge in edges)
        self._driver.apply(AutoSymbolic(r2_threshold, simplicity, lib, picked))

    # ---- inside

    def _edges(self, edge: EdgeLike | int | None, edges: Iterable[EdgeLike] | None, where: str) -> list[EdgeRef]:
        """The edges of the arguments `edge` and `edges`, checked; the selected one without both. `where` is the method, for errors."""
        if edges is None:
            return [self._edge(edge, where)]
        if edge is not None:
            _check.fail("edges", where, "left out where `edge` is given", edges)
        listed = [] if isinstance(edges, str) or not isinstance(edges, Iterable) else list(edges)
        if not listed:
            _check.fail("edges", where, "a list of at least one edge (layer, input, output)", edges)
        return [self._edge(ref, where) for ref in listed]

    def _edge(self, edge: EdgeLike | int | None, where: str) -> EdgeRef:
        """The edge (layer, input, output) of an argument, checked; for None the first selected one. `where` is the method, for errors."""
        if edge is None:
            selected = self._open.view.selection
            if not selected:
                _check.fail(
                    "edge", where, "given, or one selected before", None, "select(layer, input, output) does that."
                )
            edge = selected[0]
        return self._open.check_edge(edge, where)


def _edge_of(edge: Any, ends: Sequence[int]) -> Any:
    """An edge as one value, from a triple `edge`, or from a layer `edge` and the two `ends`, input and output; it is checked later."""
    return (edge, *ends) if ends else edge
