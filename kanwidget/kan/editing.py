"""A network's structure: methods that hand over to `surgery`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor
from typing_extensions import Self

from kanwidget import _check, surgery
from kanwidget._refusals import short_refusals
from kanwidget.core.network import Network
from kanwidget.core.reference_data import as_inputs
from kanwidget.core.threads import limit_threads_of_methods
from kanwidget.kan.words import level_numbers, words_of
from kanwidget.surgery._record import record
from kanwidget.surgery.grids import KnotPlacement
from kanwidget.training.evidence.errors import valid_posterior
from kanwidget.training.evidence.merges import merge
from kanwidget.training.residuals import prune_residual


@_check.methods_of("KAN")
@limit_threads_of_methods(but=("prune_residual",))  # it trains
class EditableKAN(Network):
    """A network that can be grown and cut: new models, but for the methods that say "in place"."""

    @short_refusals
    def refine(self, grid: int | Sequence[int], *, knots: KnotPlacement = "insert", data: Any = None) -> Self:
        """A new model with another number of grid intervals; more of them keep the function exactly.

        Args:
            grid: Number of intervals, ≥ 1, or one for each layer of edges.
            knots: `insert` between the current ones, `uniform`, `adapted` to the data, or `spread`: even, but with several rows in each
                interval.
            data: Rows at which the functions are to agree where knots move; by default the reference data.

        Examples:
            >>> from kanwidget import KAN
            >>> KAN([2, 5, 1], grid=3).refine(10).grid
            10
        """
        x = None if knots == "insert" else as_inputs(self, data, "refine")
        return surgery.refine(self, grid, knots=knots, x=x)

    def update_grid(self, data: Any = None, *, grid_eps: float | None = None) -> None:
        """Move the knots to where the data are, by default the reference data. In place.

        `grid_eps` goes from 0 (knots at quantiles of the data) to 1 (even knots); by default it is the network's own.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([1, 1], grid=2)
            >>> model.update_grid([[0.0], [1.0], [3.0]])
            >>> model.layer(0).grid.tolist()
            [[-0.03, 1.25, 3.03]]
        """
        surgery.update_grid(self, as_inputs(self, data, "update_grid"), grid_eps=grid_eps)
        record(self, "grid", "grid adapted")

    def prune(self, node_th: float = 1e-2, edge_th: float = 3e-2, *, data: Any = None) -> Self:
        """A new model without the hidden nodes, and then the edges, that hardly matter; their mean contribution stays as a constant.

        Nodes with a score above `node_th` and edges with one above `edge_th` stay: an output has score 1, see `attribute`. Scores are those
        of `data`, by default of the reference data.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> KAN([2, 3, 1], seed=1).prune(node_th=0.5, data=rows).width
            [[2, 0], [1, 0], [1, 0]]
        """
        return surgery.prune(self, as_inputs(self, data, "prune"), node_th, edge_th)

    @short_refusals
    def prune_node(self, threshold: float = 1e-2, *, active: Any = None, data: Any = None) -> Self:
        """A new model without the hidden nodes that hardly matter; their mean contribution stays as a constant.

        Nodes with a score above the threshold stay (an output has 1), by the scores of `data` or of the reference data; or the nodes
        `active`, a list for each hidden level.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> KAN([2, 3, 1], seed=1).prune_node(0.3, data=rows).width
            [[2, 0], [2, 0], [1, 0]]
        """
        return surgery.prune_node(self, as_inputs(self, data, "prune_node"), threshold, active)

    def prune_edge(self, threshold: float = 3e-2, *, data: Any = None) -> Self:
        """A new model without the edges that hardly matter; their mean contribution stays as a constant.

        Edges with a score above the threshold stay (an output has 1), by the scores of `data` or of the reference data.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> KAN([2, 3, 1], seed=1).prune_edge(0.3, data=rows)
            KAN([2, 3, 1], grid=3, k=3, 4 active edges)
        """
        return surgery.prune_edge(self, as_inputs(self, data, "prune_edge"), threshold)

    @short_refusals
    def prune_input(
        self, threshold: float = 1e-2, *, active: Sequence[int | str] | None = None, data: Any = None
    ) -> Self:
        """A new model that reads only the inputs that matter; it still takes data with all columns.

        Inputs with a score above the threshold stay (an output has 1), by the scores of `data` or of the reference data. `active` keeps
        these inputs instead, by number or by the column's name: those that `column_effects` finds, say.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5, 1.0], [1.0, -1.0, 0.0]]
            >>> KAN([3, 2, 1]).prune_input(active=[0, 2], data=rows).columns
            tensor([0, 2])
        """
        return surgery.prune_input(self, as_inputs(self, data, "prune_input"), threshold, active)

    @short_refusals
    def prune_residual(
        self, residuals: Mapping[str, Any], points: Mapping[str, Any], weights: Any = "auto", **options: Any
    ) -> Self:
        """A new model, trained on residuals, without the edges that they don't need; see `kanwidget.prune_residual`.

        `residuals` are functions of a field u, by name, whose result is to vanish at the `points` of this name, `(batch, features)`;
        `weights` say how much each residual counts.

        Examples:
            >>> import torch
            >>> from kanwidget import KAN
            >>> x = torch.cartesian_prod(*[torch.linspace(0, 1, 5, dtype=torch.float64)] * 2)
            >>> residuals = {"equation": lambda u: u.d(0) - 1, "start": lambda u: u.value}
            >>> points = {"equation": x, "start": x[:1]}
            >>> KAN([2, 1], k=4, grid_range=(0, 1)).prune_residual(residuals, points)
            KAN([2, 1], grid=3, k=4, 1 active edges)
        """
        return prune_residual(self, residuals, points, weights, **options)

    @short_refusals
    def expand_width(self, level: int, n: int, *, product: bool = False, mult_arity: int = 2) -> Self:
        """A new model with n more nodes on a hidden level (1 is the first); the function stays.

        They are sums, or with `product` products of `mult_arity` factors. Edges into them are random, those out of them are 0.

        Examples:
            >>> from kanwidget import KAN
            >>> KAN([2, 3, 1]).expand_width(1, 2, product=True).width
            [[2, 0], [3, 2], [1, 0]]
        """
        return surgery.expand_width(self, level, n, product=product, mult_arity=mult_arity)

    def expand_depth(self, level: int | None = None) -> Self:
        """A new model with one more layer, of identities; the function stays.

        It comes after the nodes of a `level`, 0 for the inputs; by default after the outputs.

        Examples:
            >>> from kanwidget import KAN
            >>> KAN([2, 3, 1]).expand_depth().width
            [[2, 0], [3, 0], [1, 0], [1, 0]]
        """
        return surgery.expand_depth(self, level)

    def perturb(self, mag: float = 0.1, mode: str = "non-intrusive", *, seed: int = 0, data: Any = None) -> Self:
        """A new model whose symbolic and pruned edges have a small spline, too, so that it can learn more than its formula.

        `mag` is the size of random splines, as a part of the spread of their subnodes over the data. The mode `non-intrusive` keeps the
        function: edges on the way to an output get a spline that is 0, others a random one. `all` gives random ones to all, `minimal` to
        symbolic edges alone.

        Examples:
            >>> from kanwidget import KAN
            >>> from sympy import sin, symbols
            >>> x, y = symbols("x y")
            >>> model = KAN.from_formula(sin(x), [x, y])
            >>> free = model.perturb()
            >>> free.layer(0).state(0, 0), free.layer(0).state(1, 0), free.predict([[1.0, 2.0]]) == model.predict([[1.0, 2.0]])
            ('both', 'spline', tensor([[True]]))
        """
        return surgery.perturb(self, mag, mode, x=self._samples(data, "perturb"), seed=seed)

    def remove_edge(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Prune the edge of layer l from node i to subnode j. In place.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 3, 1])
            >>> model.remove_edge(0, 1, 2)
            >>> model
            KAN([2, 3, 1], grid=3, k=3, 8 active edges)
        """
        surgery.remove_edge(self, l, i, j)

    def restore_edge(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Bring back a pruned edge, of layer l from node i to subnode j, with its former spline. In place.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 3, 1])
            >>> model.remove_edge(0, 1, 2)
            >>> model.restore_edge(0, 1, 2)
            >>> model
            KAN([2, 3, 1], grid=3, k=3, 9 active edges)
        """
        surgery.restore_edge(self, l, i, j)

    def isolate(self, level: int, chain: Sequence[Sequence[int]]) -> None:
        """Cut the edges between a module and the other nodes of its levels. In place.

        `chain` has the module's nodes, a group for each of two or more successive levels; `level` is that of the first group, 0 for the
        inputs. Edges into the first group from below, and out of the last one, stay.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 2, 1])
            >>> model.isolate(0, [[0], [1]])
            >>> [tuple(edge) for edge in model.edge_refs(active=True)]
            [(0, 1, 0), (0, 0, 1), (1, 0, 0), (1, 1, 0)]
        """
        surgery.isolate(self, level, chain)

    def remove_node(self, level: int, node: int, *, data: Any = None) -> Self:
        """A new model without one hidden node; what it adds on average over the data stays as a constant.

        `level` is from 1, the first hidden one; `node` is the index within it.

        Examples:
            >>> from kanwidget import KAN
            >>> KAN([2, 3, 1]).remove_node(1, 0).width
            [[2, 0], [2, 0], [1, 0]]
        """
        return surgery.remove_node(self, level, node, self._samples(data, "remove_node"))

    def swap(self, level: int, i1: int, i2: int) -> None:
        """Exchange the nodes i1 and i2 of a hidden level, both sums or both products; the function stays. In place.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 3, 1])
            >>> first = model.layer(0).coef[0].tolist()
            >>> model.swap(1, 0, 2)
            >>> model.layer(0).coef[2].tolist() == first
            True
        """
        surgery.swap(self, level, i1, i2)

    def auto_swap(self, level: int | None = None, *, data: Any = None) -> None:
        """Reorder hidden nodes, of all levels or of one, so that `connection_cost` falls; the function stays. In place.

        Examples:
            >>> from kanwidget import KAN
            >>> model, rows = KAN([2, 4, 2], seed=1), [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> before = model.connection_cost(data=rows)
            >>> model.auto_swap(data=rows)
            >>> model.connection_cost(data=rows) < before
            True
        """
        surgery.auto_swap(self, as_inputs(self, data, "auto_swap"), level)

    def lock(self, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
        """Make edges of layer l, pairs (node i, subnode j), share one function from now on. In place.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1], grid=3, k=3)
            >>> model.lock(0, [(0, 0), (1, 0)])
            >>> model.n_parameters
            7
        """
        surgery.lock(self, l, edges)

    @short_refusals
    def merge_levels(self, column: str | int, groups: Sequence[Sequence[str]]) -> None:
        """Give the levels of each group one value from now on, and all other levels of the column one each. In place; `fit` goes on.

        Args:
            column: A column of words (categories, the levels), by its name or number.
            groups: Names of levels; none gives every level a value of its own again. `suggest_merges` says what the data allow.

        Raises:
            ValueError: For a column of numbers, a level that it doesn't have or that is in two groups, and where all would become one.

        Examples:
            >>> from kanwidget import KAN
            >>> flats = {"town": ["east", "west", "north"] * 8, "rent": [8.0, 9.0, 12.0] * 8}
            >>> model = KAN.for_data(flats, "rent")
            >>> model.merge_levels("town", [["east", "west"]])
            >>> history = model.fit((flats, "rent"), progress=False)
            >>> model.predict({"town": ["east", "west"]}).flatten().round(decimals=1).tolist()
            [8.5, 8.5]
        """
        source, names = words_of(self, column, "merge_levels")
        # The posterior of the last fit, if the parameters are still its: it moves the other parameters along.
        merge(self, valid_posterior(self), source, level_numbers(groups, names, "merge_levels"))

    def unlock(self, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
        """Undo `lock` for edges of layer l, pairs (node i, subnode j); each goes on from the shared function. In place.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1], grid=3, k=3)
            >>> model.lock(0, [(0, 0), (1, 0)])
            >>> model.unlock(0, [(0, 0), (1, 0)])
            >>> model.n_parameters
            14
        """
        surgery.unlock(self, l, edges)

    def freeze(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Keep the edge of layer l from node i to subnode j out of training. In place.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1], grid=3, k=3)
            >>> model.freeze(0, 0, 0)
            >>> model.n_parameters
            7
        """
        surgery.freeze(self, l, i, j)

    def unfreeze(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Let the edge of layer l from node i to subnode j be trained again after `freeze`. In place.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1], grid=3, k=3)
            >>> model.freeze(0, 0, 0)
            >>> model.unfreeze(0, 0, 0)
            >>> model.n_parameters
            14
        """
        surgery.unfreeze(self, l, i, j)

    def _samples(self, data: Any, where: str) -> Tensor | None:
        """Inputs `(rows, n_features)` of `data`, or the reference data for None; None for a network that has none yet.

        `where` is the public call, for errors.
        """
        return None if data is None and len(self.reference) == 0 else as_inputs(self, data, where)
