"""What a network computes, as arrays and forms: all that the writers of NumPy, C and ONNX know of it.

An edge's spline is a polynomial on each interval of its grid and a line on both sides of it; the values of words are constants between
two halves. So all curves of a layer are piecewise polynomials, and whatever else it has are functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kanwidget import _check
from kanwidget.core import splines
from kanwidget.core.layer import Layer
from kanwidget.core.network import Network, column_names
from kanwidget.core.pieces import interval_polynomials
from kanwidget.core.primitives import Form, primitive
from kanwidget.datasets.encoding import FLAG, OTHER, UNMET, Encoding
from kanwidget.symbolic.formulas.words import notes_of
from kanwidget.symbolic.functions import function_of
from kanwidget.symbolic.writing import forms
from kanwidget.symbolic.writing.python_source import LevelSource
from kanwidget.training.evidence.errors import reach

Array = NDArray[np.float64]
_SILU: Form = ("mul", "u", ("pow", ("add", 1, ("exp", ("neg", "u"))), -1))
#: Operations of forms that are no functions.
_ARITHMETIC = ("add", "mul", "pow", "neg")


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the data, which is an input of the program."""

    name: str
    note: str = ""
    """What its numbers mean."""
    levels: LevelSource | None = None
    """Of words: the number that stands for each."""
    fill: float | None = None
    """What stands for a missing number; None where none was missing."""
    flag_of: str | None = None
    """The column whose missing numbers this one flags."""


@dataclass(frozen=True, slots=True)
class Curves:
    """Piecewise polynomials of some inputs of a layer, a sum of which goes to each subnode."""

    sources: tuple[int, ...]
    knots: Array
    """Where one piece ends and the next begins, `(sources, pieces - 1)`; ∞ where an input has fewer."""
    centres: Array
    """Polynomials are in powers of the distance from it, `(sources, pieces)`."""
    table: Array
    """Their coefficients, `(sources, pieces, powers, subnodes)`."""


@dataclass(frozen=True, slots=True)
class Base:
    """The base function of some inputs, with a weight for each subnode."""

    form: Form
    sources: tuple[int, ...]
    weights: Array
    """`(sources, subnodes)`"""


@dataclass(frozen=True, slots=True)
class Term:
    """A symbolic edge, c·f(a·x + b) + d."""

    name: str
    """Of the primitive."""
    form: Form
    source: int
    target: int
    a: float
    b: float
    c: float
    d: float


@dataclass(frozen=True, slots=True)
class Step:
    """One layer: from nodes to subnodes, and from these to the nodes above."""

    curves: tuple[Curves, ...]
    base: Base | None
    terms: tuple[Term, ...]
    inputs: int
    subnodes: int
    nodes: tuple[tuple[int, ...], ...]
    """The subnodes whose product each node is."""


@dataclass(frozen=True, slots=True)
class Program:
    """A network's predictions as steps."""

    title: str
    columns: tuple[Column, ...]
    picks: tuple[int, ...]
    """The column that each input reads."""
    logs: tuple[int, ...]
    """Inputs that are logarithms."""
    centre: Array
    size: Array
    """Of the inputs, `(inputs,)`."""
    reach: tuple[Array, Array, Array, Array] | None
    """See `kanwidget.training.evidence.errors.Reach`."""
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    """What each is."""
    output_centre: Array
    output_size: Array
    output_logs: tuple[int, ...]

    @property
    def functions(self) -> dict[Form, str]:
        """The functions that it applies, each once, with the name that source text gives it: `f_1`, …"""
        parts = (part for step in self.steps for part in (step.base, *step.terms) if part is not None)
        return {form: f"f_{number}" for number, form in enumerate(dict.fromkeys(part.form for part in parts), 1)}

    @classmethod
    def of(cls, network: Network, where: str) -> Program:
        """A network's predictions as arrays and formulas: its columns, the scales of its inputs, its layers, the scales of its outputs.

        `where` is the call that an error names.

        Raises:
            ValueError: For an edge with a function that has no formula.

        Examples:
            >>> from kanwidget import KAN
            >>> program = Program.of(KAN([2, 1]), "code")
            >>> program.steps[0].curves[0].table.shape, program.outputs
            ((2, 5, 4, 1), ('output 1',))
        """
        scaling, picks = network.scaling, network.columns.tolist()
        # The ends up to which inputs stay as they are, low and high, and what part of the way beyond each counts; None for no ends.
        near = reach(network)
        meanings = {} if network.encoding is None else _of_encoding(network.encoding)
        with torch.no_grad():
            steps = tuple(_step(network, level, where) for level in range(network.depth))
        return cls(
            repr(network),
            tuple(meanings.get(name, Column(name)) for name in column_names(network)),
            tuple(picks),
            tuple(i for i, column in enumerate(picks) if scaling.input_log[column]),
            _array(scaling.input_centre)[picks],
            _array(scaling.input_size)[picks],
            None if near is None else (_array(near.low), _array(near.high), _array(near.below), _array(near.above)),
            steps,
            tuple(f"score of {name}" for name in network.classes)
            or tuple(f"output {i + 1}" for i in range(network.n_out)),
            _array(scaling.output_centre),
            _array(scaling.output_size),
            tuple(scaling.output_log.nonzero().flatten().tolist()),
        )


def _array(values: Tensor) -> Array:
    """A tensor as a NumPy array in double precision."""
    return values.detach().cpu().double().numpy()


def _of_encoding(encoding: Encoding) -> dict[str, Column]:
    """What the inputs of a network of a frame mean, by their names: words, numbers, and flags of the missing numbers beside them."""
    # Notes say what dates count, and what stands for missing numbers.
    notes, columns = notes_of(encoding, {name: name for name in encoding.names}), {}
    for column in encoding.columns:
        (name, levels), *flag = column.inputs  # the column's own input, and perhaps one that flags its missing numbers
        if levels:
            codes = {level: float(code) for code, level in enumerate(levels)}
            # A level that training didn't have counts as the rare ones that were pooled, if there are any.
            source = LevelSource(codes, codes[OTHER] if column.pooled else UNMET)
            columns[name] = Column(name, "the number of a level", source)
        else:
            # Where numbers were missing in training, `fill`, their mean, stands for a missing one.
            columns[name] = Column(name, notes.get(name, ""), fill=column.fill if column.missing else None)
        for title, _ in flag:
            columns[title] = Column(title, f"0 for {FLAG[0]}, 1 for {FLAG[1]}", flag_of=name)
    return columns


def _step(network: Network, index: int, where: str) -> Step:
    """One layer of a network as a step, with all nodes that its subnodes lead to.

    Args:
        network: The network.
        index: The layer, from 0.
        where: The public function, for the error about a function without a formula.
    """
    layer = network.layer(index)
    # Masks of edges, `(subnodes, inputs)`: with a spline, and with a value for each level of a column of words.
    curved, words = layer.curved(), layer.spline_on & ~layer.curved()
    kinds = ((curved, _splines), (words, _levels))
    curves = (make(layer, mask.any(0).nonzero().flatten().tolist()) for mask, make in kinds if bool(mask.any()))
    nodes = (tuple(network.subnodes_of(index + 1, node)) for node in range(network.nodes_in(index + 1)))
    return Step(
        tuple(curves), _base(layer, where), tuple(_terms(layer, where)), layer.in_dim, layer.out_dim, tuple(nodes)
    )


def _splines(layer: Layer, sources: list[int]) -> Curves:
    """The splines of some inputs of a layer as piecewise polynomials: a line, a polynomial for each grid interval, a line.

    Args:
        layer: The layer.
        sources: Inputs with splines; an edge without one has coefficients 0.
    """
    knots, k = layer.knots[sources].double(), layer.k
    grid = splines.interior(knots, k)
    basis, middles = interval_polynomials(knots, k)  # `(powers, functions, sources, G)` and `(sources, G)`
    # The k + 1 coefficients of each of the G intervals, `(subnodes, sources, G, functions)`; the base function's weight is left out.
    weight = layer.weight()[:, sources, : layer.grid_size + k].double().unfold(-1, k + 1, 1)
    inner = torch.einsum("pfig,oigf->igpo", basis, weight)
    below = _line(inner[:, 0], grid[:, 0] - middles[:, 0])
    above = _line(inner[:, -1], grid[:, -1] - middles[:, -1])
    return Curves(
        tuple(sources),
        _array(grid),
        _array(torch.cat([grid[:, :1], middles, grid[:, -1:]], 1)),
        _array(torch.cat([below[:, None], inner, above[:, None]], 1)),
    )


def _line(polynomial: Tensor, at: Tensor) -> Tensor:
    """The tangents of polynomials, as polynomials in the same powers of the distance from the tangents' points.

    Args:
        polynomial: Coefficients, `(sources, powers, subnodes)`.
        at: Where each touches, as a distance from the polynomial's centre, `(sources,)`.
    """
    powers = torch.arange(polynomial.shape[1], dtype=at.dtype, device=at.device)
    line = torch.zeros_like(polynomial)
    line[:, 0] = torch.einsum("ip,ipo->io", at[:, None] ** powers, polynomial)
    if len(powers) > 1:
        slopes = powers[1:] * at[:, None] ** (powers[1:] - 1)
        line[:, 1] = torch.einsum("ip,ipo->io", slopes, polynomial[:, 1:])
    return line


def _levels(layer: Layer, sources: list[int]) -> Curves:
    """The values of words as piecewise constants: one piece for each level's number ± ½, and the value of an unmet level elsewhere.

    The numbers in the middle of two levels belong to no level, as `UNMET`: their pieces are as narrow as numbers are.

    Args:
        layer: The first layer.
        sources: Inputs that are words.
    """
    most = max(layer.levels[source] for source in sources)
    knots = np.full((len(sources), 2 * most), np.inf)
    table = np.zeros((len(sources), 2 * most + 1, 1, layer.out_dim))
    codes = torch.tensor([*range(most), UNMET], dtype=layer.coef.dtype, device=layer.coef.device)
    # Of all levels and, last, of an unmet one, `(levels + 1, subnodes, inputs)`.
    values = _array(layer.numeric_edges(codes[:, None].expand(-1, layer.in_dim)))
    for row, source in enumerate(sources):
        count = layer.levels[source]
        halves = np.arange(count + 1) - 0.5
        # Pieces in turn: no level, level 0, no level, level 1, …, no level. Those between two levels hold a half alone.
        knots[row, : 2 * count] = np.stack([np.nextafter(halves[:-1], np.inf), halves[1:]], 1).flatten()
        table[row, : 2 * count + 1, 0] = values[-1, :, source]
        table[row, 1 : 2 * count : 2, 0] = values[:count, :, source]
    return Curves(tuple(sources), knots, np.zeros((len(sources), 2 * most + 1)), table)


def _base(layer: Layer, where: str) -> Base | None:
    """The base function of a layer with its weights, for the inputs where one isn't 0; None without such an input.

    `where` is the call that an error names.
    """
    name = {"identity": "x", "zero": "0"}.get(layer.base_fun, layer.base_fun)
    form = _SILU if name == "silu" else _written(primitive(name).form, name, where)
    # Last among an edge's weights is that of the base function; edges of words (not `curved`) have none.
    weights = layer.weight()[..., -1] * layer.curved()
    sources = (weights != 0).any(0).nonzero().flatten().tolist()
    return Base(form, tuple(sources), _array(weights[:, sources].T)) if sources and form != 0 else None


def _terms(layer: Layer, where: str) -> Iterator[Term]:
    """The symbolic edges of a layer with their constants a, b, c, d; `where` is the call that an error names."""
    # A group is the edges of one primitive: targets and sources, `(edges,)`, and constants, `(edges, 4)`.
    for name, targets, sources, affine in layer.symbolic_groups():
        form = _written(primitive(name).form, name, where)
        rows: Sequence[Any] = affine.detach().double().tolist()
        for source, target, constants in zip(sources.tolist(), targets.tolist(), rows, strict=True):
            yield Term(name, form, source, target, *constants)


def _written(form: Form, name: str, where: str) -> Form:
    """The form of a function, nested tuples, unchanged; an error where an operation in it isn't in the table of functions.

    `name` is the function, `where` the call, both for the error.
    """
    heads = {str(part[0]) for part in forms.parts(form) if isinstance(part, tuple)}
    if unknown := sorted(head for head in heads if head not in _ARITHMETIC and function_of(head) is None):
        advice = "Register the function with its formula, form=…, or give the edge another one."
        _check.fail("model", where, f"made of functions with a formula; {name!r} has none", unknown[0], advice)
    return form
