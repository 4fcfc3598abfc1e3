"""A network of a law: products and sums of functions with few constants, searched for in the data themselves."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from kanwidget.core.network import Network, initial_layer
from kanwidget.core.records import EdgeRef
from kanwidget.datasets import Dataset
from kanwidget.simplification.held_out import HeldOut
from kanwidget.symbolic.formulas.compile import plan
from kanwidget.symbolic.formulas.formula import variables
from kanwidget.symbolic.formulas.rescaling import scaled_params
from kanwidget.symbolic.laws import Law, find_laws

#: Tables of more columns aren't searched, and tables of fewer rows tell too little.
_MOST_COLUMNS, _FEWEST_ROWS = 12, 12
#: Laws so many bits behind the first one, and so many of them, are compared again with the held-out rows beside the others.
_CLOSE, _COMPARED = 12.0, 6


@dataclass(frozen=True, slots=True)
class LawNetwork:
    """A law, and the network that computes it."""

    law: Law
    network: Network
    origin: Network
    """The network whose scales and settings it has."""

    @property
    def constants(self) -> int:
        """Number of constants of the law. Its network has more: a scale and an offset on every edge."""
        return self.law.fit.constants

    @property
    def functions(self) -> float:
        """Bits of the functions of the law. Its network has more of them: x·y is a sum of logarithms, or a product of two edges."""
        return self.law.fit.structure.function_bits()

    def refitted(self, data: Dataset) -> LawNetwork | None:
        """The same law with its constants fitted to all training rows; None where no network computes it with them.

        Functions on edges have a scale and an offset each, which a training of the network would bring back.
        """
        symbols = variables(self.origin, data.in_vars)
        law = self.law.refitted(_numbers(data.train_input), _numbers(data.train_label)[:, 0], symbols)
        try:
            return LawNetwork(law, _compiled(self.origin, law, symbols), self.origin)
        except ValueError:
            return None


def law_network(network: Network, held: HeldOut) -> LawNetwork | None:
    """The network of the best law of the columns that a network reads; None where there is none to be searched for.

    It keeps the scales of the columns, so that it can be trained on.
    """
    data = held.data
    first = [ref for ref in network.edge_refs(active=True) if ref.layer == 0]
    columns = sorted({int(network.columns[ref.source]) for ref in first})
    if data.is_classification or network.n_out != 1 or any(network.scaling.has_logs):
        return None
    # Words have values of their own, which no law has.
    if any(network.layer(0).state(ref.source, ref.target) == "levels" for ref in first):
        return None
    if not 0 < len(columns) <= _MOST_COLUMNS or len(data.train_input) < _FEWEST_ROWS:
        return None
    symbols = variables(network, data.in_vars)
    x, y = _numbers(data.train_input)[:, columns], _numbers(data.train_label)[:, 0]
    names = [symbols[column] for column in columns]
    for law in _ranked(find_laws(x, y, names), held, columns, names):
        try:
            return LawNetwork(law, _compiled(network, law, symbols), network)
        except ValueError:  # no network of the library's functions computes it
            continue
    return None


def _ranked(laws: list[Law], held: HeldOut, columns: list[int], symbols: Sequence[Any]) -> list[Law]:
    """The laws, those at the top in the order of their descriptions of all rows.

    A constant more or less is a matter of a few bits, which the rows without the held-out ones can't tell as surely. The constants
    stay those of the training rows.
    """
    close = [law for law in laws[:_COMPARED] if law.bits <= laws[0].bits + _CLOSE]
    if len(close) < 2:
        return laws
    x, y = (torch.cat([held.data[f"{part}_{kind}"] for part in ("train", "test")]) for kind in ("input", "label"))
    numbers = _numbers(x)[:, columns], _numbers(y)[:, 0]
    bits = {id(law): law.refitted(*numbers, symbols).bits for law in close}
    return [*sorted(close, key=lambda law: bits[id(law)]), *laws[len(close) :]]


def _numbers(values: Tensor) -> Any:
    return values.detach().double().cpu().numpy()


def _compiled(network: Network, law: Law, symbols: Sequence[Any]) -> Network:
    """A network of a law's own shape, with the settings of a network."""
    used = [column for column, symbol in enumerate(symbols) if symbol in law.expression.free_symbols]
    made = plan(law.expression, [symbols[column] for column in used])
    new, first = copy.deepcopy(network), network.layer(0)
    subnodes = [sums + sum(arities) for (sums, _), arities in zip(made.width, made.arities, strict=True)]
    new.layers = nn.ModuleList(
        initial_layer(
            sum(below),
            above,
            first.grid_size,
            first.k,
            base_fun=first.base_fun,
            grid_range=(-1.0, 1.0),
            noise_scale=0.0,
            generator=torch.Generator().manual_seed(0),
            dtype=network.dtype,
        )
        for below, above in zip(made.width[:-1], subnodes[1:], strict=True)
    )
    new.width, new.arities = [list(pair) for pair in made.width], [list(arities) for arities in made.arities]
    new.columns = torch.tensor(used)
    # Edges of sums can be in units of the target's size; a product of outputs has its own.
    size = network.output_scale.size if new.width[-1][1] == 0 else torch.ones(network.n_out)
    new.output_scale = (torch.zeros(network.n_out), size)
    for index in range(new.depth):
        new.layer(index).spline_on[:] = False
    for index, source, target, name, params in made.edges:
        edge = EdgeRef(index, source, target)
        new.layer(index).set_symbol(source, target, name, scaled_params(new, edge, name, params))
    return new.to(network.device)
