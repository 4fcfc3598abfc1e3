"""What pages know of the edges of a large network, so that an act tells only what it has changed.

Fixing one edge of [20, 40, 40, 5] leaves 2,604 as they were; told whole they are half a megabyte. A curve counts as changed
once a drawing would show it: by a thousandth of its height, or of its inputs' range. That is measured from what was told last, so
small changes don't add up unseen. Importances, which every act changes a little, travel for all edges beside the curves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from kanwidget.explorer.protocol import records as p

#: Edges of a network that is told in parts; smaller ones are told whole.
MANY_EDGES = 200
#: Part of a curve's height, or of its inputs' range, that no thumbnail shows.
_UNSEEN = 1e-3


class Told:
    """The last structure and curves that every page has heard of."""

    def __init__(self) -> None:
        self._structure: p.Structure | None = None
        self._rows: Tensor | None = None
        self._layout = -1

    def forget(self, structure: p.Structure | None = None) -> None:
        """A page may not have heard it: the next messages are whole.

        Args:
            structure: What all pages have just been told, if that is known. The curves that came with it may be coarse.
        """
        self._structure, self._rows = structure, None

    def structure(self, now: p.Structure) -> tuple[p.Structure, bool]:
        """What to tell of a structure, and whether that is only a part: the nodes and edges that aren't as they were told."""
        before, self._structure = self._structure, now
        if now["version"] != self._layout:
            self._layout, self._rows = now["version"], None
        if before is None or before["version"] != now["version"] or len(now["edges"]) <= MANY_EDGES:
            return now, False
        nodes = [new for old, new in zip(before["nodes"], now["nodes"], strict=True) if old != new]
        edges = [new for old, new in zip(before["edges"], now["edges"], strict=True) if old != new]
        return cast("p.Structure", {**now, "nodes": nodes, "edges": edges}), True

    def learn(self, best: Sequence[p.BestOf]) -> None:
        """A message about candidates has told the best ones of all edges."""
        if self._structure is None:
            return
        known = {tuple(one["key"]): one for one in best}
        for edge in self._structure["edges"]:
            edge.pop("best", None)
            edge.pop("best_r2", None)
            if (one := known.get(tuple(edge["key"]))) is not None:
                edge["best"] = one["best"]
                if one["best_r2"] is not None:
                    edge["best_r2"] = one["best_r2"]

    def curves(self, rows: Tensor) -> Tensor | None:
        """Indices of the rows to tell, shape `(changed,)`; None for all of them.

        Args:
            rows: All thumbnails as they are now, `(edges, 3 + samples)`.
        """
        rows, before = rows.detach().cpu().float(), self._rows
        if before is None or before.shape != rows.shape or len(rows) <= MANY_EDGES:
            self._rows = rows.clone()
            return None
        index = changed(before, rows).nonzero().flatten()
        if 2 * len(index) > len(rows):
            self._rows = rows.clone()
            return None
        self.some_curves(rows, index)
        return index

    def some_curves(self, rows: Tensor, index: Tensor) -> None:
        """Only these rows are told."""
        if self._rows is not None and self._rows.shape == rows.shape:
            self._rows[index] = rows.detach().cpu().float()[index]


def changed(before: Tensor, rows: Tensor) -> Tensor:
    """Which thumbnails a drawing would show differently, `(edges,)`.

    Args:
        before: Thumbnails, `(edges, 3 + samples)`: importance, x_min, x_max and the samples between.
        rows: The same later.

    Examples:
        >>> before = torch.tensor([[1.0, -1, 1, 0, 1], [1.0, -1, 1, 0, 1]])
        >>> changed(before, before + torch.tensor([[5.0, 0, 0, 0, 1e-4], [0, 0, 0, 0, 0.01]]))
        tensor([False,  True])
    """
    heights = before[:, 3:].amax(1, keepdim=True) - before[:, 3:].amin(1, keepdim=True)
    ranges = (before[:, 2:3] - before[:, 1:2]).expand(-1, 2)
    # Where something is infinite only what is the very same counts as the same.
    scale = torch.cat([ranges, heights.expand(-1, before.shape[1] - 3)], 1).nan_to_num(0.0, 0.0, 0.0)
    old, new = before[:, 1:], rows[:, 1:]
    same = ((new - old).abs() <= _UNSEEN * scale) | (old == new) | (old.isnan() & new.isnan())
    return ~same.all(1)
