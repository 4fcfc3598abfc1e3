"""What evidence says of curves: degrees of freedom of a sum's ones, of which those without any go and those without a wiggle are straight
lines, and how much likelier a law is than all of them.
"""

from __future__ import annotations

import copy
import math

import torch

from kanwidget.core.network import Network
from kanwidget.core.records import EdgeRef, Freedom
from kanwidget.simplification.held_out import HeldOutRows
from kanwidget.simplification.removals import removable, without
from kanwidget.symbolic.edges import fix_symbolic
from kanwidget.symbolic.formulas.regression.noise import noise_weights
from kanwidget.training import Settings, Trainer
from kanwidget.training.evidence.errors import valid_posterior
from kanwidget.training.evidence.schwarz import schwarz
from kanwidget.training.steps.loop import AFTER_STEP

#: A part of a curve with fewer degrees of freedom says nothing.
_NOTHING = 0.1
#: A smaller noise, in scaled numbers, is rounding.
_LEAST_NOISE = 1e-9
#: Most steps until evidence has settled.
_MOST_STEPS = 100
#: A difference of the logarithms of evidences that is chance.
CHANCE = 3.0
#: Mean squared errors below this, in scaled numbers, are round-off.
_EXACT = 1e-24


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


def straight_edges(freedom: dict[EdgeRef, Freedom]) -> list[EdgeRef]:
    """The edges that say something, and have no wiggle: less than 0.1 degrees of freedom count as none."""
    return [edge for edge, part in freedom.items() if part.wiggle < _NOTHING <= part.total]


def settled(network: Network, held: HeldOutRows) -> Network:
    """A sum whose evidence was still moving when its training was stopped, in a copy that is trained on; any other network as it is."""
    posterior = valid_posterior(network) if network.depth == 1 else None
    if posterior is None or posterior.settled:
        return network
    trial = copy.deepcopy(network)
    trainer = Trainer(trial, held.data, _MOST_STEPS, Settings())
    for _ in trainer:
        AFTER_STEP.get()()  # what the caller asks for here may break it off
    trial.posterior = trainer.posterior()
    return trial


def straightened(network: Network, held: HeldOutRows, freedom: dict[EdgeRef, Freedom]) -> Network:
    """A copy without the edges that say nothing, and with lines in place of those that have no wiggle.

    Args:
        network: The network; it isn't changed.
        held: Its data.
        freedom: Degrees of freedom of its curves, see `freedom_of_a_sum`.
    """
    trial = copy.deepcopy(network)
    gone = [edge for edge, part in freedom.items() if part.total < _NOTHING]
    for edge in straight_edges(freedom):
        # The levels of words are no numbers that a line could have.
        if not trial.layer(0).levels[edge.source]:
            fix_symbolic(trial, *edge, "x", held.data.train_input)
    return without(trial, removable(trial, gone), held)


def evidence_gain(
    network: Network, constants: int, functions: float, curves: Network, held: HeldOutRows
) -> float | None:
    """The logarithm of how much likelier a law is than the curves, given the training rows: of a law by Schwarz's criterion.

    None where no evidence of these rows speaks for the curves, and where errors grow with the target and the law isn't as likely: the
    curves' evidence doesn't know that they grow, and may be too small. A difference of `CHANCE` is none.

    Args:
        network: The network of the law.
        constants: Number of its constants.
        functions: Bits of its functions.
        curves: The network of the curves, with its posterior.
        held: The data of both.
    """
    posterior = valid_posterior(curves)
    # The curves' evidence is that of the rows that they were trained on: with those that are held out here (`whole`), or without.
    same = [data for data in (held.whole, held.data) if posterior and data.train_label.numel() == posterior.rows]
    if posterior is None or not same or same[0].is_classification or same[0].train_weight is not None:
        return None
    data = same[0]
    with torch.no_grad():
        value, label = network(data.train_input), data.train_label
        weights = noise_weights(value[:, 0].double(), (label - value)[:, 0].double(), constants)
        scaled = curves.scaling.scaled_outputs
        residual = (scaled(value) - scaled(label)).double()
    # Each bit halves the evidence.
    evidence, grows = -functions * math.log(2), weights is not None
    if weights is not None:
        # r has w times the probability density of w·r, whose noise is the same for all rows.
        residual, evidence = weights[:, None] * residual, evidence + float(weights.log().sum())
    # How the noise grows is one constant more.
    evidence += schwarz(max(float(residual.square().mean()), _EXACT), label.numel(), constants + grows)
    gain = evidence - posterior.log_evidence
    return None if grows and gain <= -CHANCE else gain
