"""Pictures that pyplot holds, as in pykan: `plt.gcf()`, `plt.savefig` and `plt.show` act on the last one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from kanwidget import KAN

#: pykan's scale of a picture that is as large as one of scale 1 here.
_SCALE = 0.5


def plot_network(network: KAN, scale: float, **options: Any) -> None:
    """Draw a network."""
    from kanwidget.insight.plot import hand_over

    hand_over(network.plot(scale=scale / _SCALE, **options))


def plot_points(x: torch.Tensor, y: torch.Tensor) -> None:
    """Draw an edge's points."""
    from matplotlib import pyplot

    pyplot.figure(figsize=(3, 3))
    pyplot.plot(x.cpu().numpy(), y.cpu().numpy(), marker="o", markersize=3)


def plot_input_scores(scores: torch.Tensor, layer: int, node: int) -> None:
    """Draw how much each node below matters for a node."""
    from matplotlib import pyplot

    pyplot.figure(figsize=(min(12.0, 1 + 0.5 * len(scores)), 3))
    pyplot.bar(np.arange(len(scores)), scores.cpu().numpy())
    pyplot.xticks(np.arange(len(scores)))
    pyplot.title(f"Scores for node ({layer}, {node})")
