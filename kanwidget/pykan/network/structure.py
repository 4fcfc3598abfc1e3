"""Nodes and edges by pykan's words, in place where pykan's are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from typing_extensions import Self

from kanwidget import _check
from kanwidget.pykan.network.training import TrainableNetwork


class EditableNetwork(TrainableNetwork):
    """A network that can be grown and cut."""

    # ---- structure

    def prune(self, node_th: float = 1e-2, edge_th: float = 3e-2) -> Self:
        """A smaller network, without the hidden nodes whose score is below `node_th`, and edges with one below `edge_th`.

        Scores are those on the remembered rows, a sample of the last inputs; an output has score 1.

        Examples:
            >>> from kanwidget.pykan import MultKAN, torch
            >>> model = MultKAN([2, 5, 1])
            >>> model.get_act(torch.rand(100, 2))
            >>> model.prune(node_th=10.0).width
            [[2, 0], [1, 0], [1, 0]]
        """
        return self._next(self.network.prune(node_th, edge_th))

    def prune_node(
        self,
        threshold: float = 1e-2,
        mode: str = "auto",
        active_neurons_id: Sequence[Sequence[int]] | None = None,
        log_history: bool = True,
    ) -> Self:
        """A smaller network, without hidden nodes whose score is below the threshold, or with those of `active_neurons_id` alone.

        That is a list for each hidden level. `mode` and `log_history` have no effect.

        Examples:
            >>> from kanwidget.pykan import MultKAN, torch
            >>> model = MultKAN([2, 5, 1])
            >>> model.get_act(torch.rand(100, 2))
            >>> model.prune_node(active_neurons_id=[[0, 3]]).width
            [[2, 0], [2, 0], [1, 0]]
        """
        return self._next(self.network.prune_node(threshold, active=active_neurons_id))

    def prune_input(
        self, threshold: float = 1e-2, active_inputs: Sequence[int] | None = None, log_history: bool = True
    ) -> Self:
        """A network without the inputs whose score is below the threshold, or with `active_inputs` alone; it takes the same table still.

        Examples:
            >>> from kanwidget.pykan import MultKAN, torch
            >>> model = MultKAN([3, 1])
            >>> model.get_act(torch.rand(100, 3))
            >>> model.prune_input(active_inputs=[0, 2]).width
            [[2, 0], [1, 0]]
        """
        return self._next(self.network.prune_input(threshold, active=active_inputs))

    def prune_edge(self, threshold: float = 3e-2, log_history: bool = True) -> None:
        """Prune the edges whose score, on a sample of the last inputs, is below the threshold; an output has score 1. In place.

        Examples:
            >>> from kanwidget.pykan import MultKAN, torch
            >>> model = MultKAN([2, 5, 1])
            >>> model.get_act(torch.rand(100, 2))
            >>> model.prune_edge(10.0)
            >>> model.n_edge
            2
        """
        self._become(self.network.prune_edge(threshold))

    def remove_edge(self, l: int, i: int, j: int, log_history: bool = True) -> None:  # noqa: E741
        """Prune the edge of layer l from node i to subnode j. In place; `log_history` has no effect.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([2, 1])
            >>> model.remove_edge(0, 1, 0)
            >>> model.n_edge
            1
        """
        self.network.remove_edge(l, i, j)
        self._store(next_version=True)  # keeps a copy as the next version, to go back to

    def remove_node(self, l: int, i: int, mode: str = "all", log_history: bool = True) -> None:  # noqa: E741
        """Prune the edges into node i of level l (mode `down`), out of it (`up`), or `all` of them. In place; numbers of nodes stay.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([2, 3, 1])
            >>> model.remove_node(1, 0)
            >>> model.n_edge, model.width
            (6, [[2, 0], [3, 0], [1, 0]])
        """
        if mode not in ("all", "up", "down"):
            _check.fail("mode", "remove_node", "'all', 'up' or 'down'", mode)
        if not 0 <= l < len(self.network.width) or not 0 <= i < sum(self.network.width[l]):
            raise ValueError(f"the `l, i` arguments of remove_node must be those of a node; got {(l, i)}.")
        subnodes = set(self.network.subnodes_of(l, i)) if l > 0 else set()
        for edge in self.network.edge_refs(active=True):
            below = edge.layer == l - 1 and edge.target in subnodes and mode in ("all", "down")
            above = edge.layer == l and edge.source == i and mode in ("all", "up")
            if below or above:
                self.network.remove_edge(*edge)
        self._store(next_version=True)  # keeps a copy as the next version, to go back to

    def expand_depth(self) -> None:
        """Add a layer of identities at the end. In place; the function stays.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([2, 1])
            >>> model.expand_depth()
            >>> model.width
            [[2, 0], [1, 0], [1, 0]]
        """
        self._become(self.network.expand_depth())

    def expand_width(self, layer_id: int, n_added_nodes: int, sum_bool: bool = True, mult_arity: Any = 2) -> None:
        """Add nodes to the hidden level `layer_id`, sums, or products with `sum_bool=False`. In place; the function stays.

        `mult_arity` is the number of factors of each product, or a list of one for each.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([2, 3, 1])
            >>> model.expand_width(1, 2, sum_bool=False, mult_arity=[2, 3])
            >>> model.width
            [[2, 0], [3, 2], [1, 0]]
        """
        if not 0 < layer_id < len(self.network.width) - 1:
            advice = (
                "Make another network for other inputs or outputs: KAN(…), or kanpiler(…) of the formula with them."
            )
            _check.fail("layer_id", "expand_width", "that of a hidden level", layer_id, advice)
        wider = self.network
        if sum_bool:
            wider = wider.expand_width(layer_id, n_added_nodes)
        else:
            factors = list(mult_arity) if isinstance(mult_arity, Sequence) else [mult_arity] * n_added_nodes
            if len(factors) != n_added_nodes:
                _check.fail("mult_arity", "expand_width", f"a number, or a list of {n_added_nodes}", mult_arity)
            for count in factors:
                wider = wider.expand_width(layer_id, 1, product=True, mult_arity=count)
        self._become(wider)

    def perturb(self, mag: float = 1.0, mode: str = "non-intrusive") -> None:
        """Give small splines to functions and to edges that aren't there. In place.

        Args:
            mag: Size of the random splines, ≥ 0, as a part of what varies at their node.
            mode: `non-intrusive`: the function stays; `all`: all get a random one; `minimal`: only functions get one, pruned edges none.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([2, 1])
            >>> model.remove_edge(0, 0, 0)
            >>> model.perturb(mag=0.1)
            >>> model.n_edge
            2
        """
        self._become(self.network.perturb(mag, mode))

    def module(self, start_layer: int, chain: str) -> None:
        """Cut the edges between a module and the rest. In place.

        `chain` has the module's nodes on successive levels, `'[0,1]->[2]'`; the first of these is level `start_layer`, 0 for the inputs.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([2, 2, 1])
            >>> model.module(0, "[0]->[1]")
            >>> model.n_edge
            4
        """
        groups = [[int(number) for number in re.findall(r"-?\d+", group)] for group in chain.split("->")]
        self.network.isolate(start_layer, groups)
        self._store(next_version=True)  # keeps a copy as the next version, to go back to

    def swap(self, l: int, i1: int, i2: int, log_history: bool = True) -> None:  # noqa: E741
        """Exchange the nodes i1 and i2 of the hidden level l; the function stays. In place.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> MultKAN([2, 3, 1]).swap(1, 0, 2)
        """
        self.network.swap(l, i1, i2)
        self._store(next_version=True)  # keeps a copy as the next version, to go back to

    def auto_swap(self) -> None:
        """Reorder hidden nodes so that `connection_cost` falls, on a sample of the last inputs; the function stays. In place.

        Examples:
            >>> from kanwidget.pykan import MultKAN, torch
            >>> model = MultKAN([2, 4, 2])
            >>> model.get_act(torch.rand(50, 2))
            >>> model.auto_swap()
        """
        self.network.auto_swap()
        self._store(next_version=True)  # keeps a copy as the next version, to go back to

    @property
    def connection_cost(self) -> float:
        """How far apart the ends of the edges stand, times their scores, summed; nodes of a level stand evenly between 0 and 1."""
        return self.network.connection_cost()
