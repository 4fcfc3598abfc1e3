"""Noise on the training labels, to see how a network takes it. Test labels stay true."""

from __future__ import annotations

from dataclasses import replace

import torch

from kanwidget.datasets import Dataset

#: A seed that nobody draws rows with: noise of the same seed as the rows would follow from them.
_SEED = 0x2545F491


def noisy(data: Dataset, level: float, seed: int = _SEED) -> Dataset:
    """The same data with noise on the training labels.

    Args:
        data: The data.
        level: Standard deviation of the noise in units of each label column's own; for classes the part of the rows whose
            class is drawn anew. 0 gives the data themselves.
        seed: Of the draw: the same noise, larger or smaller, at every level.

    Examples:
        >>> data = Dataset([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0])
        >>> noisy(data, 0.0) is data
        True
        >>> bool((noisy(data, 0.1).train_label != data.train_label).all())
        True
    """
    if level == 0:
        return data
    label, generator = data.train_label, torch.Generator().manual_seed(seed)
    if data.is_classification:
        drawn = torch.rand(label.shape, generator=generator) < level
        redrawn = torch.randint(data.n_outputs, label.shape, generator=generator)
        return replace(data, train_label=torch.where(drawn.to(label.device), redrawn.to(label.device), label))
    spread = label.std(0, correction=0) if len(label) > 1 else torch.zeros_like(label[0])
    # Drawn in float64 on the CPU, so that a seed means the same noise everywhere.
    drawn = torch.randn(label.shape, generator=generator, dtype=torch.float64).to(label)
    return replace(data, train_label=label + level * spread * drawn)
