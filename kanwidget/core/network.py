"""The network: layers of edges, and between them nodes that add or multiply."""

from __future__ import annotations

import logging
from collections.abc import MutableSequence, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from kanwidget import _check
from kanwidget._types import Arities
from kanwidget.core import splines
from kanwidget.core.arguments import network_inputs
from kanwidget.core.layer import Layer, row_bytes
from kanwidget.core.records import EdgeCurve, EdgeRef, Posterior, Trace
from kanwidget.core.scales import EdgeUnits, Scale, Scaling
from kanwidget.datasets.encoding import Encoding
from kanwidget.datasets.naming import numbered_inputs

_log = logging.getLogger(__name__)
#: Inputs farther beyond a grid than so many of its lengths are far outside.
_FAR = 3.0
#: Bytes of basis functions up to which a pass without a graph takes all rows at once.
_PASS_BYTES = 1 << 26


class Network(nn.Module):
    """Layers and the nodes between them. `KAN` adds training, surgery and symbols to it.

    Layers compute with scaled numbers, see `scales`; inputs, outputs, traces and curves are in the units of the data.

    The first `n_sum` subnodes of a layer are its sum nodes; the others are multiplied in groups, one group a product node.

    Args:
        width: `[n_sum, n_mult]` of each layer of nodes.
        arities: The number of factors of each product node, per layer of nodes.
        layers: One per gap between layers of nodes.
        n_features: Columns of the data; more than `width[0]` when inputs were pruned.
        columns: The column that each input reads.
    """

    columns: Tensor
    reference: Tensor

    def __init__(
        self,
        width: Sequence[Sequence[int]],
        arities: Arities,
        layers: Sequence[Layer],
        n_features: int | None = None,
        columns: Sequence[int] | None = None,
    ) -> None:
        """Make a network of a layer of edges between each two levels of nodes.

        `width` has the number of sums and of products of each level, `arities` the numbers of factors of its products. `n_features` is the
        number of columns of the data, and `columns` has the one that each input reads; by default an input reads each.
        """
        super().__init__()
        self.width = [[int(n_sum), int(n_mult)] for n_sum, n_mult in width]
        self.arities = [[int(a) for a in layer] for layer in arities]
        #: A `ModuleList` of layers; type checkers know it as a list of them.
        self.layers: MutableSequence[Layer] | Any = nn.ModuleList(layers)
        n_in = self.width[0][0]
        self.n_features = n_in if n_features is None else n_features
        #: Names of the columns of the data, set by `fit`: columns of later data are found by them. Empty if the data had none.
        self.in_vars: tuple[str, ...] = ()
        #: How the columns of a frame are read, set by `fit`; None where the data were no frame.
        self.encoding: Encoding | None = None
        #: Whether a forward pass in training has looked at its inputs, to warn once of those far outside the grids.
        self._has_looked = False
        #: Mean and covariance of the parameters given the data, set by a `fit` with evidence; None before, and after one without.
        self.posterior: Posterior | None = None
        #: Names of the classes, set by `fit`, if the labels had any.
        self.classes: tuple[str, ...] = ()
        #: The column of the data that each input reads.
        self.register_buffer("columns", torch.tensor(list(range(n_in) if columns is None else columns)))
        #: Columns and outputs, by name or number, of which the network takes the logarithm; the first training looks them up.
        self.log: tuple[str | int, ...] = ()
        #: Centre and size of each column and output, by which layers compute with numbers of order one.
        self.scaling = Scaling(self.n_features, self.n_out, layers[0].coef.detach())
        #: Reference data, set by `fit`: at most 512 training inputs, for queries without data.
        self.register_buffer("reference", layers[0].coef.new_zeros(0, self.n_features))

    def _load_from_state_dict(self, state_dict: dict[str, Any], prefix: str, *args: Any) -> None:
        """Load a state with any number of reference rows, also one of an earlier version, without scales or names of logged columns."""
        # The number of reference rows depends on the training; a fresh network has none.
        rows = state_dict.get(f"{prefix}reference")
        if rows is not None:
            self.reference = self.reference.new_zeros(rows.shape)
        if f"{prefix}columns" in state_dict and f"{prefix}scaling.fixed" not in state_dict:
            state_dict |= {f"{prefix}scaling.{name}": value for name, value in self.scaling.identity().items()}
        if f"{prefix}columns" in state_dict:  # states of before had no names: of a logged column they know the number
            columns = state_dict[f"{prefix}scaling.input_log"].nonzero().flatten().tolist()
            state_dict.setdefault(f"{prefix}_extra_state", {"log": columns})
        super()._load_from_state_dict(state_dict, prefix, *args)

    def get_extra_state(self) -> dict[str, Any]:
        """What a state holds beside tensors: the names of the columns and outputs of which the network takes the logarithm."""
        return {"log": list(self.log)}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Take the names of the columns and outputs of which the network takes the logarithm, from `get_extra_state`."""
        self.log = tuple(state["log"])

    def take_names(self, other: Network) -> None:
        """Take over what the columns and classes of another network are called, and how they are read. In place."""
        self.in_vars, self.classes, self.encoding = other.in_vars, other.classes, other.encoding

    # ---- shape

    @property
    def k(self) -> int:
        """Order of the splines."""
        return self.layer(0).k

    @property
    def grid(self) -> int:
        """Number of intervals of the first layer's grids."""
        return self.layer(0).grid_size

    @property
    def depth(self) -> int:
        """Number of layers of edges."""
        return len(self.layers)

    @property
    def n_in(self) -> int:
        """Number of input nodes."""
        return self.width[0][0]

    @property
    def n_out(self) -> int:
        """Number of outputs."""
        return sum(self.width[-1])

    @property
    def n_parameters(self) -> int:
        """Number of parameters that an optimizer may move: frozen edges have none, shared ones count once.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1], grid=3, k=3)  # 2 edges, each with 6 coefficients and a base weight
            >>> model.freeze(0, 0, 0)
            >>> model.n_parameters
            7
        """
        return sum(layer.n_parameters for layer in self.layers)

    @property
    def dtype(self) -> torch.dtype:
        """Type of the parameters."""
        return self.layer(0).coef.dtype

    @property
    def device(self) -> torch.device:
        """Device of the parameters."""
        return self.layer(0).coef.device

    def layer(self, index: int) -> Layer:
        """The edges between nodes `index` and `index + 1`."""
        return self.layers[index]

    def nodes_in(self, level: int) -> int:
        """Number of nodes of a level, 0 for the inputs."""
        return sum(self.width[level])

    def subnodes_of(self, level: int, node: int) -> list[int]:
        """The subnodes that make up a node of level ≥ 1: one of a sum, several of a product."""
        n_sum = self.width[level][0]
        if node < n_sum:
            return [node]
        start = n_sum + sum(self.arities[level][: node - n_sum])
        return list(range(start, start + self.arities[level][node - n_sum]))

    def node_of(self, level: int, subnode: int) -> int:
        """The node of level ≥ 1 that a subnode belongs to."""
        return next(n for n in range(self.nodes_in(level)) if subnode in self.subnodes_of(level, n))

    def edge_refs(self, *, active: bool = False) -> list[EdgeRef]:
        """All edges (or those that aren't pruned), layer by layer, target by target, source by source."""
        refs = []
        for index, layer in enumerate(self.layers):
            mask = layer.active() if active else torch.ones_like(layer.spline_on)
            refs += [EdgeRef(index, source, target) for target, source in mask.nonzero().tolist()]
        return refs

    def check_edge(self, layer: int, source: int, target: int, where: str) -> Layer:
        """The layer of the edge from node `source` to subnode `target`, or an error that says which index is out of range.

        The error names the call, `where`, and its arguments l, i and j.
        """
        _check.integer(layer, "l", where, low=0, high=self.depth - 1)
        edges = self.layer(layer)
        ends = f"layer {layer} has inputs 0 to {edges.in_dim - 1} and outputs 0 to {edges.out_dim - 1}"
        advice = f"That is edge ({layer}, {source}, {target}): {ends}."
        _check.integer(source, "i", where, low=0, high=edges.in_dim - 1, advice=advice)
        _check.integer(target, "j", where, low=0, high=edges.out_dim - 1, advice=advice)
        return edges

    # ---- scales

    @property
    def input_scale(self) -> Scale:
        """Centre and size of each column of the data (of its logarithm, for a logged one).

        The first `fit` learns them; columns of order one keep their numbers, with centre 0 and size 1. Set them to decide yourself:
        the network is then the same function of the new scaled columns.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1])
            >>> model.input_scale = ([300.0, 1e5], [20.0, 2e4])
            >>> model.input_scale.size.tolist()
            [20.0, 20000.0]
        """
        return Scale(self.scaling.input_centre, self.scaling.input_size)

    @input_scale.setter
    def input_scale(self, value: Any) -> None:
        self.scaling.set_scale("input", value)

    @property
    def output_scale(self) -> Scale:
        """Centre and size of each output, as `input_scale`.

        Examples:
            >>> from kanwidget import KAN
            >>> KAN([2, 1]).output_scale
            Scale(centre=tensor([0.], dtype=torch.float64), size=tensor([1.], dtype=torch.float64))
        """
        return Scale(self.scaling.output_centre, self.scaling.output_size)

    @output_scale.setter
    def output_scale(self, value: Any) -> None:
        self.scaling.set_scale("output", value)

    def edge_units(self, edge: EdgeRef | tuple[int, int, int]) -> EdgeUnits:
        """What the scaled numbers of an edge, (layer, input node, output subnode), are in the units of the data.

        Its input is x_centre + x_size·(scaled x), its value y_size·(scaled value). Only inputs of the first layer and values of the last
        layer have other units than the layers. A factor of a product of outputs has no unit of its own.
        """
        layer, source, target = edge
        x_centre, x_size, y_size = 0.0, 1.0, 1.0
        if layer == 0 and self.scaling.scales_input:
            column = self.columns[source]
            x_centre, x_size = float(self.input_scale.centre[column]), float(self.input_scale.size[column])
        if layer == self.depth - 1 and self.scaling.scales_output and target < self.width[-1][0]:
            y_size = float(self.output_scale.size[target])
        return EdgeUnits(x_centre, x_size, y_size)

    # ---- values

    def forward(self, x: Any) -> Tensor:
        """Outputs of shape `(batch, n_out)` for inputs of shape `(batch, n_features)`: a tensor, array or frame of any real type.

        They are computed in the network's type; those of a tensor of float32 come back as float32, so that a network of float64 can be a
        layer among others. `predict` gives them as they are. In training mode it warns, once, of inputs far outside the grids.
        """
        if self.training and not self._has_looked:
            self._look_at(x)
        output = self._outputs_of(self.select(x))
        return output.to(x.dtype) if isinstance(x, Tensor) and x.dtype == torch.float32 else output

    def _outputs_of(self, nodes: Tensor) -> Tensor:
        """Outputs in the units of the data, `(batch, n_out)`, of scaled inputs (of order one), `(batch, n_in)`, in the network's type.

        Of very many rows without a graph they are computed part by part, so that the basis functions of a part fit into a limit of memory.
        """
        if not torch.is_grad_enabled() and splines.are_many(nodes):
            rows = max(1, _PASS_BYTES // max(1, row_bytes(self.layers)))
            if len(nodes) > rows:
                return torch.cat([self._outputs_of(part) for part in nodes.split(rows)])
        for level, layer in enumerate(self.layers, 1):
            nodes = self.combine(level, layer(nodes))  # products of subnodes, where the level has any
        return self.scaling.own_outputs(nodes)

    def _look_at(self, x: Any) -> None:
        """Warn, a single time, of inputs far outside the grids in a training of the user's own: curves are straight lines there."""
        if torch.compiler.is_compiling() or torch.jit.is_tracing() or not torch.is_grad_enabled():  # type: ignore[attr-defined]
            return
        self._has_looked = True
        try:
            far = self._far_outside(x)
        except RuntimeError:  # within vmap no number has a value yet
            return
        if far:
            name = column_names(self)[int(self.columns[far[0]])]
            advice = "Call learn_scales(x) before a training of your own; fit does so by itself."
            _log.warning(
                "inputs lie far outside the grids, %s first, where curves are straight lines. %s", name, advice
            )

    def _far_outside(self, x: Any) -> list[int]:
        """The numbers of the inputs with a spline whose values lie far outside their grids, from data x, `(batch, n_features)`.

        There are none once the scales of the columns are settled: these bring inputs near to the grids, or somebody has set them.
        """
        if not isinstance(x, Tensor) or not x.numel() or bool(self.scaling.fixed[0]):
            return []
        with torch.no_grad():
            nodes, grid = self.select(x.detach()), self.layer(0).grid
            reach = _FAR * (grid[:, -1] - grid[:, 0])  # some grid lengths beyond an end
            far = (nodes.amin(0) < grid[:, 0] - reach) | (nodes.amax(0) > grid[:, -1] + reach)
            found: list[int] = (self.layer(0).curved().any(0) & far).nonzero().flatten().tolist()
        return found

    def learn_scales(self, x: Any, y: Any = None) -> None:
        """Settle the scales of inputs, and of outputs, by data: `fit` does that by itself, a training of one's own needs it. In place.

        A scale is the centre and size by which a column becomes numbers of order one. Columns of order one keep their
        numbers. Scales that are settled stay.

        Args:
            x: Inputs, `(batch, n_features)`.
            y: Labels, `(batch, n_out)`; without them outputs keep their numbers.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([1, 1])
            >>> model.learn_scales([[200.0], [300.0], [250.0]])
            >>> model.input_scale.centre.tolist()
            [250.0]
        """
        inputs = network_inputs(x, self.n_features, self.dtype, self.device, self.in_vars, self.encoding)
        labels = None if y is None else torch.as_tensor(y, dtype=self.dtype, device=self.device)
        if labels is not None and labels.shape != (len(inputs), self.n_out):
            _check.fail("y", "learn_scales", f"of shape ({len(inputs)}, {self.n_out}), a column an output", labels)
        self.scaling.learn(inputs, labels)

    def select(self, x: Any) -> Tensor:
        """The values of the input nodes, `(batch, n_in)`, in scaled numbers and the network's type, from data x, `(batch, n_features)`.

        A network whose inputs were pruned reads fewer columns than the data have. Data of another shape raise an error.
        """
        x = network_inputs(x, self.n_features, self.dtype, self.device, self.in_vars, self.encoding)
        return self.scaling.scaled_inputs(x, None if self.n_in == self.n_features else self.columns)

    def combine(self, level: int, subnodes: Tensor) -> Tensor:
        """The nodes of a level, `(…, nodes)`, from its subnodes, `(…, subnodes)`: sums stay, the factors of a product are multiplied."""
        n_sum, n_mult = self.width[level]
        if n_mult == 0:
            return subnodes
        factors = subnodes[..., n_sum:].split(self.arities[level], dim=-1)
        return torch.cat([subnodes[..., :n_sum], *(group.prod(-1, keepdim=True) for group in factors)], dim=-1)

    def trace(self, x: Tensor) -> Trace:
        """All values of a forward pass at x, `(batch, n_features)`.

        Columns, edges of the last layer and outputs are in the units of the data, or of their logarithms where the network takes these.
        Hidden levels have none.
        """
        trace = self.scaled_trace(x)
        if not self.scaling.scales_input and not self.scaling.scales_output:
            return trace
        inputs, outputs = self.input_scale, self.output_scale
        first = inputs.centre[self.columns] + inputs.size[self.columns] * trace.nodes[0]
        # A factor of a product of outputs has no unit of its own.
        sizes = trace.subnodes[-1].new_ones(trace.subnodes[-1].shape[-1])
        sizes[: self.width[-1][0]] = outputs.size[: self.width[-1][0]]
        return Trace(
            (first, *trace.nodes[1:-1], outputs.centre + outputs.size * trace.nodes[-1]),
            (*trace.subnodes[:-1], sizes * trace.subnodes[-1]),
            (*trace.edges[:-1], sizes[:, None] * trace.edges[-1]),
            (*trace.splines[:-1], sizes[:, None] * trace.splines[-1]),
        )

    def scaled_trace(self, x: Tensor) -> Trace:
        """All values of a forward pass at data x, `(batch, n_features)` in the units of the data, in the scaled numbers of the layers.

        By layer: nodes, from the inputs up, subnodes (sums of edges), edges, and the numeric parts of edges, without symbolic functions.
        """
        nodes, subnodes, edges, numeric = [self.select(x)], [], [], []
        for index, layer in enumerate(self.layers):
            numeric.append(layer.numeric_edges(nodes[-1]))
            edges.append(numeric[-1] + layer.symbolic_edges(nodes[-1]) if layer.symbols else numeric[-1])
            subnodes.append(edges[-1].sum(-1))
            nodes.append(self.combine(index + 1, subnodes[-1]))
        return Trace(tuple(nodes), tuple(subnodes), tuple(edges), tuple(numeric))

    def curve(self, edge: EdgeRef | tuple[int, int, int], x: Tensor) -> EdgeCurve:
        """The function of an edge, (layer, input node, output subnode), and its parts, at points x, `(n,)`, all in units of the data."""
        if not isinstance(edge, Sequence) or len(edge) != 3:
            _check.fail("edge", "curve", "(layer, input node, output subnode)", edge)
        ref = EdgeRef(*edge)
        layer = self.check_edge(*ref, "curve")
        if not isinstance(x, Tensor) or x.ndim != 1 or x.dtype != self.dtype:
            _check.fail("x", "curve", f"a tensor of shape (n,) and type {self.dtype}", x)
        with torch.no_grad():
            # A layer computes all of its inputs at once; those of other edges stay 0, and aren't read.
            column = x.new_zeros(x.shape[0], layer.in_dim)
            units = self.edge_units(ref)
            column[:, ref.source] = (x - units.x_centre) / units.x_size
            # Values of order 0, not derivatives: the spline's basis functions, and last the base function.
            design = layer.designs(column, 0)[0][:, ref.source]
            weight = layer.weight()[ref.target, ref.source]
            spline, base = design[:, :-1] @ weight[:-1], design[:, -1] * weight[-1]
            symbolic = layer.symbolic_edges(column)[:, ref.target, ref.source]
        base, spline, symbolic = (units.y_size * part for part in (base, spline, symbolic))
        return EdgeCurve(ref, x, spline + base + symbolic, base, spline, symbolic)


#: A class of networks: what becomes of one of them has its class.
AnyNetwork = TypeVar("AnyNetwork", bound=Network)


def column_names(network: Network) -> tuple[str, ...]:
    """Names of the columns of a network's data; `x_1`, `x_2`, … where they have none."""
    return network.in_vars or numbered_inputs(network.n_features)
