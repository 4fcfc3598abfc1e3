"""Simpler functions in place of those that were chosen: the score of a class may be a cosine where a parabola says as much.

A curve of scores is known only as well as the rows near the boundary tell it, and a candidate is fitted to the curve. So lines and
parabolas are asked for by the loss itself.
"""

from __future__ import annotations

import copy

from kanwidget.core.network import Network
from kanwidget.core.primitives import primitive
from kanwidget.core.records import EdgeRef
from kanwidget.simplification.held_out import HeldOutRows
from kanwidget.simplification.refits import refit
from kanwidget.symbolic.edges import fix_symbolic

#: What is tried in place of other functions, the simplest first.
_SIMPLEST = ("x", "x^2")
#: Functions with a further constant that says something, their frequency: they give way to any of those.
_WAVES = ("sin", "cos")
#: Steps of a refit. A parabola that begins as the best one of a wave needs some.
_STEPS = 30
#: A formula of more functions isn't read.
_MOST_EDGES = 12


def with_simpler_functions(network: Network, held: HeldOutRows) -> Network:
    """A network with lines and parabolas in place of other functions, as far as the loss allows it within its noise."""
    edges = [ref for ref in network.edge_refs(active=True) if _complexity(network, ref) > 0]
    if len(edges) > _MOST_EDGES:
        return network
    best = network
    for ref in sorted(edges, key=lambda ref: -_complexity(network, ref)):
        for name in _SIMPLEST:
            if primitive(name).complexity >= _complexity(best, ref):
                break
            trial = copy.deepcopy(best)
            try:
                fix_symbolic(trial, *ref, name, held.data.train_input)
            except ValueError:  # the edge is locked to others, say
                continue
            refit(trial, held, _STEPS)
            if _says_the_same(best, trial, held):
                best = trial
                break
    return best


def _says_the_same(before: Network, after: Network, held: HeldOutRows) -> bool:
    """Whether the loss allows it, on the held-out rows and on all of them."""
    for everywhere in (False, True):
        losses = [held.row_losses(network, everywhere=everywhere) for network in (before, after)]
        if not held.allows(*losses):
            return False
    return True


def _complexity(network: Network, ref: EdgeRef) -> float:
    """That of its function; 0 of a spline."""
    name = network.layer(ref.layer).symbol(ref.source, ref.target)
    return 0.0 if name is None else primitive(name).complexity + (name in _WAVES)
