"""When grids are moved to where the data is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.training.settings import Settings

#: A grid is left alone while its ends are within this part of its length of the data's.
_TOLERANCE = 0.1


@dataclass(frozen=True, slots=True)
class GridSchedule:
    """Every so many steps up to a last one, where data and grids have drifted apart.

    Not before the first step: the activations of a random start say nothing about where they will be.
    """

    network: Network
    x: Tensor
    settings: Settings

    @property
    def interval(self) -> int:
        """Steps between two adaptations, 0 for none."""
        s = self.settings
        if not s.update_grid or s.grid_update_num == 0:
            return 0
        return max(1, s.stop_grid_update_step // s.grid_update_num)

    def due(self, step: int) -> bool:
        """Whether grids are to be moved before the step after `step`."""
        every, s = self.interval, self.settings
        timely = every > 0 and step > 0 and step % every == 0
        return timely and s.start_grid_update_step <= step <= s.stop_grid_update_step and self._off()

    def ahead(self, step: int, steps: int | None) -> bool:
        """Whether grids would still be moved later in a training of so many steps."""
        every, last = self.interval, self.settings.stop_grid_update_step
        following = (step // every + 1) * every if every else math.inf
        return following <= (last if steps is None else min(last, steps - 1)) and self._off()

    def _off(self) -> bool:
        """Whether data has left a grid, or fills only a part of it."""
        with torch.no_grad():
            nodes = self.network.select(self.x)
            for index in range(self.network.depth):
                layer = self.network.layer(index)
                ends = layer.grid[:, [0, -1]]
                data = torch.stack([nodes.amin(0), nodes.amax(0)], dim=1)
                used = layer.spline_on.any(0) & (data[:, 1] > data[:, 0])
                off = (data - ends).abs().amax(1) > _TOLERANCE * (ends[:, 1] - ends[:, 0])
                if bool((off & used).any()):
                    return True
                nodes = self.network.combine(index + 1, layer(nodes))
        return False
