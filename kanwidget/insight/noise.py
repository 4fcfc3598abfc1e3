"""How much of held-out residuals is noise: what no function of the columns explains."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from kanwidget import _check

#: Rows that are compared at most: distances between all pairs of them are computed.
_MOST_ROWS = 1000
#: Nearest rows that a row is compared with.
_NEIGHBORS = 5
#: Standard errors above which neighboring residuals are alike for a reason.
_ALIKE = 3.0
#: Fewer rows say nothing about a structure.
_FEWEST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Noise:
    """Residuals of held-out rows, and whether anything is left in them to learn."""

    level: float
    """Root mean square of the residuals, in the unit of the labels."""
    error: float
    """Standard error of `level`."""
    structure: float
    """How alike the residuals of neighboring rows are, in standard errors: below 3 they look like noise."""

    @property
    def is_noise(self) -> bool:
        """Whether the residuals of rows with similar inputs are no more alike than by chance: by less than 3 standard errors."""
        return self.structure < _ALIKE


def noise_of(x: Tensor, residual: Tensor) -> Noise | None:
    """The noise in the residuals of held-out rows.

    Where a network has left out a part of the law, rows with similar inputs have similar residuals. The likeness is measured
    among nearest rows, over each column and over all columns at once (Moran's coefficient), against what chance gives.

    Args:
        x: Inputs of rows that the network wasn't trained on, shape `(rows, columns)`, in any units.
        residual: Label minus prediction, shape `(rows,)`.

    Returns:
        The noise; None for fewer than 20 rows, and for residuals that aren't finite.

    Raises:
        ValueError: If there aren't as many residuals as rows.

    Examples:
        >>> x = torch.linspace(0, 1, 200, dtype=torch.float64)[:, None]
        >>> generator = torch.Generator().manual_seed(0)
        >>> noise = 0.1 * torch.randn(200, generator=generator, dtype=torch.float64)
        >>> noise_of(x, noise).is_noise, noise_of(x, noise + 0.1 * (6 * x[:, 0]).sin()).is_noise
        (True, False)
    """
    if x.ndim != 2 or residual.shape != (len(x),):
        _check.fail("residual", "noise_of", f"of shape ({len(x)},), one a row", residual)
    rows = len(x)
    if rows < _FEWEST_ROWS or not bool(residual.isfinite().all()):
        return None
    level = float(residual.square().mean().sqrt())
    if rows > _MOST_ROWS:
        picked = torch.linspace(0, rows - 1, _MOST_ROWS, dtype=torch.float64, device=x.device).round().long()
        x, residual = x[picked], residual[picked]
    # A standard deviation of n normal numbers has the standard error σ/√(2n).
    return Noise(level, level / math.sqrt(2 * rows), _structure(x.detach(), residual.detach()))


def _structure(x: Tensor, residual: Tensor) -> float:
    """How much neighboring rows have alike residuals, in standard errors above chance: the most of any column and of all together.

    Args:
        x: Columns, `(rows, columns)`.
        residual: `(rows,)`.
    """
    centered = residual - residual.mean()
    if float(centered.abs().max()) == 0.0:
        return 0.0
    # Ranks are the same in every unit, and far outliers don't make all other rows neighbors.
    ranks = x.argsort(0).argsort(0).to(centered)[:, x.amax(0) > x.amin(0)]
    spaces = [ranks[:, [column]] for column in range(ranks.shape[1])]
    if ranks.shape[1] > 1:
        spaces.append(ranks)
    return max((_likeness(space, centered) for space in spaces), default=0.0)


def _likeness(space: Tensor, centered: Tensor) -> float:
    """Moran's coefficient of residuals among nearest rows, in standard errors above its mean under chance.

    Args:
        space: Where the rows lie, `(rows, dimensions)`.
        centered: Residuals with mean 0, `(rows,)`.
    """
    rows = len(space)
    distance = torch.cdist(space, space)
    distance.fill_diagonal_(math.inf)
    count = min(_NEIGHBORS, rows - 1)
    nearest = distance.topk(count, largest=False).indices
    # The coefficient is a mean of products of neighbors' residuals over their variance. The matrix w of neighbors has `count` ones a row.
    # Its variance for normal numbers without likeness needs, beside the sum of all w, S1 = ½ Σ (w_ij + w_ji)² and
    # S2 = Σ (row sum + column sum)², here computed without the matrix.
    total = rows * count
    coefficient = float(centered @ centered[nearest].sum(1)) / count / float(centered.square().sum())
    # Pairs of rows as single numbers: S1 is the sum of all w and the number of ones that are neighbors both ways.
    pairs = torch.arange(rows, device=space.device)[:, None] * rows + nearest
    mirrored = nearest * rows + torch.arange(rows, device=space.device)[:, None]
    s1 = total + float(torch.isin(pairs, mirrored).sum())
    s2 = float((nearest.flatten().bincount(minlength=rows) + count).square().sum())
    mean = -1 / (rows - 1)
    variance = (rows**2 * s1 - rows * s2 + 3 * total**2) / ((rows**2 - 1) * total**2) - mean**2
    return (coefficient - mean) / math.sqrt(variance)
