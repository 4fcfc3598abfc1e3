"""What a training leaves with its network of the inputs, and a warning where it will forget earlier ones."""

from __future__ import annotations

import logging

from kanwidget.core.network import Network
from kanwidget.core.reference_data import joint_reference, part_left_out, reference_rows, store_names
from kanwidget.datasets import Dataset

_log = logging.getLogger(__name__)
#: So many of the earlier inputs may lie outside the new ones without a word.
_UNNOTICED = 0.2


def remember_inputs(network: Network, data: Dataset, *, continual: bool) -> None:
    """Keep at most 512 inputs, the network's `reference`, and the names of the columns with a network that begins a training. In place.

    Where it doesn't go on from earlier data and a fifth of these lie outside the new ones, a warning says that they will be forgotten.

    Args:
        network: The network.
        data: Its new data.
        continual: Whether it goes on from earlier data, whose inputs are kept beside the new ones.
    """
    x = data.train_input
    if continual:
        network.reference = joint_reference(network, x)
    else:
        left_out = part_left_out(network, x)
        if left_out > _UNNOTICED:
            text = "%.0f %% of the inputs that the network was trained on lie outside these data. %s"
            advice = "What it has learnt there will be lost; fit(…, continual=True) keeps it."
            _log.warning(text, 100 * left_out, advice)
        network.reference = reference_rows(x)
    store_names(network, data)
