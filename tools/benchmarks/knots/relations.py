"""Relations among the columns, found without a target: networks that tell real rows from rows whose columns were shuffled.

Each column of the false rows has its own true values, in another order, so only relations between columns tell them apart. A
network [columns, 1, 1] whose last curve is a fixed bell, exp(-s^2), says "real" where a sum of curves, one a column, is near zero: the
columns whose curves the penalty leaves are related.

References:
    Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756, section 4.3 (unsupervised; there 200 networks, 18 columns).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import torch

from kanwidget import KAN, Dataset, fit_many
from tools import knots_table

COLUMNS = (
    "volume", "log_determinant", "chern_simons", "longitude", "meridian_real", "meridian_imag", "cusp_volume", "signature",
)  # fmt: skip
#: Without the columns of the relations that are found first.
FEWER_COLUMNS = ("volume", "log_determinant", "chern_simons", "longitude")
ROWS, STEPS = 1000, 40
#: A column belongs to a relation with at least this share of the scores.
_SHARE = 0.1
#: A network with a larger error has learnt nothing: 0.5 is that of guessing.
_LEARNT = 0.45


def contrast(names: Sequence[str], rows: int = ROWS, seed: int = 0) -> Dataset:
    """Real rows with label 1 and rows with shuffled columns with label 0, standardized by the real ones."""
    table = knots_table.load()
    values = {name: table[name] for name in table if name in names} | {"log_determinant": np.log(table["determinant"])}
    columns = torch.tensor(np.stack([values[name].astype(float) for name in names], 1))
    generator = torch.Generator().manual_seed(seed)
    real = columns[torch.randperm(len(columns), generator=generator)[:rows]]
    false = torch.stack([column[torch.randperm(rows, generator=generator)] for column in real.T], 1)
    inputs = (torch.cat([real, false]) - real.mean(0)) / real.std(0)
    labels = torch.cat([torch.ones(rows), torch.zeros(rows)]).double()
    return Dataset(inputs, labels, in_vars=tuple(names))


def bell(data: Dataset, seed: int) -> KAN:
    """A network [columns, 1, 1] that ends in the fixed bell."""
    model = KAN([data.n_features, 1, 1], grid=5, seed=seed)
    model.fix_symbolic(1, 0, 0, "gaussian", params=(1.0, 0.0, 1.0, 0.0), data=data)
    model.freeze(1, 0, 0)
    return model


def relations(data: Dataset, seeds: Sequence[int], lamb: float) -> list[frozenset[str] | None]:
    """The related columns that each network has found, None where it has learnt nothing."""
    models = [bell(data, seed) for seed in seeds]
    _, histories = fit_many(models, data, steps=STEPS, lamb=lamb, progress=False)
    return [
        related(model, data) if history.last.train_loss < _LEARNT else None
        for model, history in zip(models, histories, strict=True)
    ]


def related(model: KAN, data: Dataset) -> frozenset[str]:
    """The columns that matter to a network."""
    shares = (model.feature_score / model.feature_score.sum()).tolist()
    return frozenset(name for name, share in zip(data.in_vars, shares, strict=True) if share >= _SHARE)


def count_relations(names: Sequence[str], lamb: float, seeds: int = 100) -> dict[str, int]:
    """How many of the networks have found each set of columns, the most frequent first."""
    data, counts = contrast(names), Counter()
    for first in range(0, seeds, 20):
        for found in relations(data, range(first, min(first + 20, seeds)), lamb):
            counts["nothing" if found is None else ", ".join(name for name in names if name in found)] += 1
    return dict(counts.most_common())
