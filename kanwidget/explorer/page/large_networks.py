"""Large networks: deltas and the compact snapshot, since thousands of edges are alike, and stay as they were.

Deltas, of networks with more than 200 edges: a message holds only the parts that differ from the last message sent. Fixing one edge of
[20, 40, 40, 5] leaves 2,604 as they were; a whole message is half a megabyte. A curve counts as changed once a drawing would show it: by a
thousandth of its height, or of its inputs' range. The reference is the curve sent last, so small changes don't add up unseen.
Importances, which every act changes a little, travel for all edges beside the curves.

The compact snapshot is the one that a notebook stores. Named one by one, the 2,600 edges of [20, 40, 40, 5] were half of it, and notebooks
are written with every number of a key on a line of its own. The nodes tell a page which edges there are, so only those are named of which
there is more to say than their state. The states are numbers, in the buffer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from kanwidget.explorer.describe.structure import note_best
from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import pack

#: Edges of a network that is sent in parts; smaller networks are sent whole.
MANY_EDGES = 200
#: Part of a curve's height, or of its inputs' range, that no thumbnail shows.
_UNSEEN = 1e-3
#: States of edges, in the order of their numbers in the compact snapshot.
STATES: tuple[p.EdgeState, ...] = ("spline", "symbolic", "both", "pruned", "levels")
_ALWAYS = {"key", "state"}


class Deltas:
    """The last structure and curves that every page has received."""

    def __init__(self) -> None:
        #: The whole structure as pages have it; None: the next one is sent whole.
        self._structure: p.Structure | None = None
        #: The thumbnails (small curves of all edges) as pages have them, `(edges, 3 + samples)`; None: the next ones are sent whole.
        self._rows: Tensor | None = None
        #: The `version` of the structure (its id) that the thumbnails belong to; -1 before there is one.
        self._structure_id = -1

    def reset(self, structure: p.Structure | None = None) -> None:
        """Send whole messages next: a page may have missed some.

        Args:
            structure: A structure that all pages have just received: of the next one only differences are sent. The curves that came
                with it may be coarse, so the next ones are sent whole.
        """
        self._structure, self._rows = structure, None

    def structure(self, current: p.Structure) -> tuple[p.Structure, bool]:
        """What to send of the `current` structure (a page's nodes and edges), and True if that is only what differs from the last one sent.

        A structure of 200 edges or fewer is sent whole, and so is one with other nodes than the last one.
        """
        previous, self._structure = self._structure, current
        if current["version"] != self._structure_id:  # other edges, so other curves
            self._structure_id, self._rows = current["version"], None  # None: all thumbnails are sent next
        if previous is None or previous["version"] != current["version"] or len(current["edges"]) <= MANY_EDGES:
            return current, False
        nodes = [new for old, new in zip(previous["nodes"], current["nodes"], strict=True) if old != new]
        edges = [new for old, new in zip(previous["edges"], current["edges"], strict=True) if old != new]
        return cast("p.Structure", {**current, "nodes": nodes, "edges": edges}), True

    def update_best(self, best: Sequence[p.BestOf]) -> None:
        """Note the best candidates of all edges, after a message about candidates has replaced them on the page.

        Else the next structure would differ in edges that pages show rightly. `best` has key, name and R² of each; edges that it doesn't
        name have no best candidate.
        """
        if self._structure is None:
            return
        for edge in self._structure["edges"]:
            edge.pop("best", None)
            edge.pop("best_r2", None)
        note_best(self._structure["edges"], best)

    def curves(self, rows: Tensor) -> Tensor | None:
        """Indices of the thumbnails that a page would draw differently from those sent last, shape `(changed,)`; None to send all of them.

        Args:
            rows: All thumbnails, the edges' small curves, `(edges, 3 + samples)`: importance, x_min, x_max and samples.
        """
        rows, previous = rows.detach().cpu().float(), self._rows  # `_rows`: the thumbnails as pages have them
        if previous is None or previous.shape != rows.shape or len(rows) <= MANY_EDGES:
            self._rows = rows.clone()
            return None
        index = changed(previous, rows).nonzero().flatten()
        if 2 * len(index) > len(rows):  # where most have changed all are sent, which needs no keys of edges
            self._rows = rows.clone()
            return None
        self.update_curves(rows, index)
        return index

    def update_curves(self, rows: Tensor, index: Tensor) -> None:
        """Note that of the thumbnails `rows`, `(edges, 3 + samples)`, those at the indices `index` are sent: pages keep their others.

        `_rows` has the thumbnails as pages have them, None before all were sent.
        """
        if self._rows is not None and self._rows.shape == rows.shape:
            self._rows[index] = rows.detach().cpu().float()[index]


def changed(previous: Tensor, rows: Tensor) -> Tensor:
    """Mask of the thumbnails that a drawing would show differently, `(edges,)`.

    Args:
        previous: Thumbnails, `(edges, 3 + samples)`: importance, x_min, x_max and the samples between.
        rows: The same thumbnails later.

    Examples:
        >>> previous = torch.tensor([[1.0, -1, 1, 0, 1], [1.0, -1, 1, 0, 1]])
        >>> changed(previous, previous + torch.tensor([[5.0, 0, 0, 0, 1e-4], [0, 0, 0, 0, 0.01]]))
        tensor([False,  True])
    """
    heights = previous[:, 3:].amax(1, keepdim=True) - previous[:, 3:].amin(1, keepdim=True)
    ranges = (previous[:, 2:3] - previous[:, 1:2]).expand(-1, 2)
    # x_min and x_max count in parts of their distance, samples in parts of the curve's height. An infinite value equals only itself.
    scale = torch.cat([ranges, heights.expand(-1, previous.shape[1] - 3)], 1).nan_to_num(0.0, 0.0, 0.0)
    old, new = previous[:, 1:], rows[:, 1:]  # without the importance, which no curve shows
    equal = ((new - old).abs() <= _UNSEEN * scale) | (old == new) | (old.isnan() & new.isnan())
    return ~equal.all(1)


def compact(snapshot: p.Snapshot) -> p.Snapshot:
    """The same snapshot with its edges as an array `edges` of numbers, one a state; only edges with more to say are also named.

    Args:
        snapshot: All that a page needs, with its buffer.

    Returns:
        A snapshot that pages read like any other, see `protocol.records.Snapshot`.
    """
    structure, buffer = snapshot["structure"], snapshot["buffer"]
    states = torch.tensor([STATES.index(edge["state"]) for edge in structure["edges"]])
    edges = [edge for edge in structure["edges"] if edge.keys() > _ALWAYS]  # those with more fields than key and state
    index, states_buffer = pack({"edges": states})
    # The states stand behind the buffer of the snapshot. Offsets count numbers of four bytes.
    arrays = {**snapshot["arrays"], "edges": [len(buffer) // 4, index["edges"][1]]}
    return {**snapshot, "structure": {**structure, "edges": edges}, "arrays": arrays, "buffer": buffer + states_buffer}
