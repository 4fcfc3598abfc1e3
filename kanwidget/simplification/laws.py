"""A network of a law: products and sums of functions with few constants, searched for in the data themselves."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch import nn

from kanwidget.core.network import Network, initial_layer
from kanwidget.core.scales import Scaling
from kanwidget.simplification.held_out import HeldOut
from kanwidget.symbolic.formulas.compile import plan
from kanwidget.symbolic.formulas.formula import variables
from kanwidget.symbolic.laws import Law, find_laws

#: Tables of more columns aren't searched, and tables of fewer rows tell too little.
_MOST_COLUMNS, _FEWEST_ROWS = 12, 12


@dataclass(frozen=True, slots=True)
class LawNetwork:
    """A law, and the network that computes it."""

    law: Law
    network: Network


def law_network(network: Network, held: HeldOut) -> LawNetwork | None:
    """The network of the best law of the columns that a network reads; None where there is none to be searched for.

    The network's own scales aren't needed: every edge of a law is a function in own units.
    """
    data = held.data
    columns = sorted({int(network.columns[ref.source]) for ref in network.edge_refs(active=True) if ref.layer == 0})
    if data.is_classification or network.n_out != 1 or any(network.scaling.has_logs):
        return None
    if not 0 < len(columns) <= _MOST_COLUMNS or len(data.train_input) < _FEWEST_ROWS:
        return None
    symbols = [variables(network)[column] for column in columns]
    x, y = data.train_input[:, columns].double().cpu().numpy(), data.train_label[:, 0].double().cpu().numpy()
    for law in find_laws(x, y, symbols):
        try:
            return LawNetwork(law, _compiled(network, law, columns))
        except ValueError:  # no network of the library's functions computes it
            continue
    return None


def _compiled(network: Network, law: Law, columns: list[int]) -> Network:
    """A network of a law's own shape, with the settings of a network."""
    used = [c for c in columns if variables(network)[c] in law.expression.free_symbols]
    made = plan(law.expression, [variables(network)[c] for c in used])
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
    new.scaling = Scaling(network.n_features, network.n_out, network.layer(0).coef.detach())
    new.scaling.settle()
    made.write(new)
    return new.to(network.device)
