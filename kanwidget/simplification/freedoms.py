"""Degrees of freedom of a sum's curves, where evidence can tell: which say nothing, and which are straight lines."""

from __future__ import annotations

from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef, Freedom
from kanwidget.training.evidence.errors import valid_posterior

#: A part of a curve with fewer degrees of freedom says nothing.
_NOTHING = 0.1
#: A smaller noise, in scaled numbers, is rounding.
_LEAST_NOISE = 1e-9


def freedom_of_a_sum(network: Network) -> dict[EdgeRef, Freedom] | None:
    """The degrees of freedom of a network's curves, where it has no hidden nodes and evidence has settled; None for others.

    Nodes share what they say, so that an edge of a deeper network can't be judged alone; of functions and tied edges evidence says nothing;
    and of exact data a curve follows the rounding.
    """
    posterior = valid_posterior(network) if network.depth == 1 else None
    if posterior is None or not posterior.settled or (posterior.noise is not None and posterior.noise < _LEAST_NOISE):
        return None
    edges = network.edge_refs(active=True)
    plain = all(network.layer(0).state(ref.source, ref.target) in ("spline", "levels") for ref in edges)
    return posterior.freedom if plain and {*edges} == {*posterior.freedom} else None


def says_nothing(freedom: Freedom) -> bool:
    """Whether an edge of so many degrees of freedom isn't needed."""
    return freedom.total < _NOTHING


def straight_edges(freedom: dict[EdgeRef, Freedom]) -> list[EdgeRef]:
    """The edges that say something, and have no wiggle."""
    return [edge for edge, part in freedom.items() if part.wiggle < _NOTHING <= part.total]
