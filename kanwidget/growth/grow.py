"""`grown`: a network that becomes richer as long as the data ask for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from kanwidget.core.network import AnyNetwork, Network
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import Dataset
from kanwidget.growth.richer import RicherNetworks, richer_networks

#: Most times that a network becomes richer.
ROUNDS = 5
#: Who explains so much has what it needs: more nodes would follow the rest of a law that simplification finds.
ENOUGH = 0.9999


def grow_steps(network: Network, data: Dataset) -> Iterator[RicherNetworks | None]:
    """`grown` one training step at a time: None after each, and the answer of each round, whose network the next round begins with.

    It ends after five rounds, with the first in which nothing richer has more evidence, or where a round can compare nothing.
    """
    for _ in range(ROUNDS):
        answer = None
        for step in richer_networks(network, data, enough=ENOUGH):
            answer = step
            if step is None:
                yield None
        if answer is None:
            return
        yield answer
        if answer.better is None:
            return
        network = answer.network


@limit_threads
def grown(network: AnyNetwork, data: Dataset) -> AnyNetwork:
    """A richer network, trained: with a finer grid, products of two columns, or hidden nodes, as far as the evidence asks for them.

    Args:
        network: The network to begin with; it isn't changed.
        data: Its data. At most 1,000 of their training rows count, of small networks 4,000.

    Returns:
        A network of the same class. It is `network`, trained, where nothing richer has more evidence.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> product = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100)
        >>> grown(KAN([2, 1]), product).width
        [[2, 0], [1, 1], [1, 0]]
    """
    result: Network = network
    for answer in grow_steps(network, data):
        result = result if answer is None else answer.network
    return cast("AnyNetwork", result)
