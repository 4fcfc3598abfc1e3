"""The steps at which grids adapt to the data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor

from kanwidget.core.network import Network
from kanwidget.training.optimizers.settings import Settings

#: A grid stays while its ends are within this part of its length of the data's ends.
_TOLERANCE = 0.1
#: Hidden grids are filled when activations take this part of each. Those of a fresh network take a twentieth to a fifth, of a trained
#: one, widened where activations have been, a half and more (Poisson, Burgers, Allen-Cahn, two seeds each).
_FILLED = 1 / 3


@dataclass(frozen=True, slots=True)
class GridSchedule:
    """Grids adapt to the data at regular steps up to a last one, if data and grids have drifted apart by then.

    Not before the first step: the activations of a random start say nothing about later ones.
    """

    network: Network
    x: Tensor
    settings: Settings

    @property
    def interval(self) -> int:
        """Steps between two adaptations of the grids to the data; 0 for none."""
        s = self.settings
        # Where a training goes on from earlier data moved grids would change what these have taught.
        if not s.update_grid or s.continual or s.grid_update_num == 0:
            return 0
        return max(1, s.stop_grid_update_step // s.grid_update_num)

    def due(self, step: int) -> bool:
        """Whether grids adapt between the steps `step` and `step + 1`: every `interval` steps, if the data have drifted off them."""
        interval, s = self.interval, self.settings
        timely = interval > 0 and step > 0 and step % interval == 0
        return timely and s.start_grid_update_step <= step <= s.stop_grid_update_step and self._drifted()

    def ahead(self, step: int, steps: int | None) -> bool:
        """Whether grids will adapt later in a training of `steps` steps, of which `step` are taken; None has no end.

        They do only where the data have drifted off them.
        """
        interval, last = self.interval, self.settings.stop_grid_update_step
        following = (step // interval + 1) * interval if interval else math.inf
        # Grids adapt between two steps: after the last one there is no time for it.
        return following <= (last if steps is None else min(last, steps - 1)) and self._drifted()

    def filled(self) -> bool:
        """Whether there are hidden grids, and activations take a third of each at least: a sign of a trained network."""
        # Of the layers behind the first one: ranges of the activations, by the lengths of their grids.
        shares = [data.diff() / ends.diff() for data, ends in islice(self._spans(), 1, None)]
        return any(len(share) for share in shares) and bool((torch.cat(shares) >= _FILLED).all())

    def _drifted(self) -> bool:
        """Whether data is beyond a grid, or fills only a part of it: an end is off by more than a tenth of the grid's length."""
        return any(
            bool(((data - ends).abs().amax(1) > _TOLERANCE * ends.diff()[:, 0]).any()) for data, ends in self._spans()
        )

    def _spans(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Smallest and largest activation, and the grid's ends, `(inputs, 2)` each, of the inputs that splines use, layer by layer.

        Left out are inputs of words (texts), whose numbers are no measure, and constant inputs, to which no grid can adapt.
        """
        with torch.no_grad():
            nodes = self.network.select(self.x)
            for level, layer in enumerate(self.network.layers, 1):
                data = torch.stack([nodes.amin(0), nodes.amax(0)], dim=1)
                numbers = torch.tensor(layer.levels, device=data.device) == 0
                used = numbers & layer.spline_on.any(0) & (data[:, 1] > data[:, 0])
                yield data[used], layer.grid[:, [0, -1]][used]
                nodes = self.network.combine(level, layer(nodes))
