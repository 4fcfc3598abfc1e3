"""The compact snapshot, which a notebook stores: thousands of edges are alike.

Named one by one, the 2,600 edges of [20, 40, 40, 5] were half of it, and notebooks are written with every number of a key on a line of
its own. The nodes tell a page which edges there are, so only those are named of which there is more to say than their
state. The states are numbers, in the buffer.
"""

from __future__ import annotations

import torch

from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import pack

#: In the order of their numbers.
STATES: tuple[p.EdgeState, ...] = ("spline", "symbolic", "both", "pruned", "levels")
_ALWAYS = {"key", "state"}


def compact(snapshot: p.Snapshot) -> p.Snapshot:
    """The same snapshot, its edges as the array `edges` beside a few that are named.

    Args:
        snapshot: All that a page needs, with its buffer.

    Returns:
        A snapshot that pages read like any other, see `protocol.records.Snapshot`.
    """
    structure, buffer = snapshot["structure"], snapshot["buffer"]
    states = torch.tensor([STATES.index(edge["state"]) for edge in structure["edges"]])
    edges = [edge for edge in structure["edges"] if edge.keys() > _ALWAYS]
    index, states_buffer = pack({"edges": states})
    arrays = {**snapshot["arrays"], "edges": [len(buffer) // 4, index["edges"][1]]}
    return {**snapshot, "structure": {**structure, "edges": edges}, "arrays": arrays, "buffer": buffer + states_buffer}
