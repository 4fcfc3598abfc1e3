"""Rows that judge a change: rows that no refit sees, or all, each as if the fit hadn't seen it. Whether it makes the error on them worse
than their noise allows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from kanwidget.core.chance import EXACT, is_as_good
from kanwidget.core.network import Network
from kanwidget.core.reference_data import as_inputs, has_labels, order_columns
from kanwidget.datasets import Dataset
from kanwidget.datasets.dataset import rows_of
from kanwidget.datasets.validation import sampled_data
from kanwidget.training.evidence.errors import leverages, valid_posterior

#: Part of the rows that are held out where the data have no test rows.
_PART = 0.2
#: Fewer rows aren't split where nothing else than held-out rows can judge.
_FEWEST = 20
#: The least part of a row's error that a fit without it may leave to the row.
_LEAST = 0.01
#: Rows of a large table that refits and checks see.
_MOST_ROWS = 4000
#: Cross-entropies below this leave no row in doubt: a smaller one only says that the scores are larger.
_SURE = 0.01


@dataclass(frozen=True, slots=True)
class HeldOutRows:
    """Data for refits, and rows to check them on."""

    data: Dataset
    """Training rows of refits, of a large table a sample; their test rows are the held-out ones."""
    whole: Dataset
    """All training rows, for the last refit."""
    allowance: float = 0.0
    """Mean squared error, in scaled numbers, that is allowed in any case."""
    are_others: bool = True
    """Whether the held-out rows are others than those of refits."""

    @property
    def error_name(self) -> str:
        """What the error on the held-out rows is called."""
        return "held-out error" if self.are_others else "error" if self.noiseless else "leave-one-out error"

    @property
    def noiseless(self) -> bool:
        """Whether labels are the network's own outputs: only these rows have an `allowance`, a mean loss that is allowed in any case."""
        return self.allowance > 0

    def row_losses(self, network: Network, *, everywhere: bool = False, unit: Network | None = None) -> Tensor:
        """Loss of each held-out row times its weight, `(rows,)`: squared error in scaled numbers, or cross-entropy.

        Where no rows are held out the squared error is that of a fit without the row itself: a network that can bend follows its rows.
        `everywhere` takes all rows with their plain errors; `unit` is the network whose scale counts, by default the network itself.
        """
        alone = not (self.are_others or self.noiseless)  # each row is judged by a fit without itself
        parts = ("train", "test") if everywhere and self.are_others else ("test",)
        weights = self._weights(parts)
        losses = []
        with torch.no_grad():
            for part in parts:
                x, y = self.data[f"{part}_input"], self.data[f"{part}_label"]
                if not y.is_floating_point():
                    losses.append(functional.cross_entropy(network(x), y, reduction="none"))
                    continue
                scaling = (unit or network).scaling
                label = scaling.scaled_outputs(y)
                residual = scaling.scaled_outputs(network(x)) - label
                if alone:
                    followed = leverages(network, x) if weights is None else weights[:, None] * leverages(network, x)
                    if float(len(x) - followed.sum(0).max()) < 1:
                        # A fit with about as many degrees of freedom as rows goes through all: the mean stands for it without the row.
                        residual = label - label.mean(0)
                    elif not everywhere:
                        # A fit without the row misses it by residual/(1 - leverage); no limit would stand where the leverage is 1.
                        residual = residual / (1 - followed).clamp_min(_LEAST)
                losses.append(residual.square().mean(1))
        rows = torch.cat(losses)
        return torch.nan_to_num(rows if weights is None else weights * rows, nan=math.inf)

    def _weights(self, parts: Sequence[str]) -> Tensor | None:
        """Weights of the rows of some parts with mean 1, None where all rows count the same."""
        by_part = {part: getattr(self.data, f"{part}_weight") for part in parts}
        if all(weight is None or not bool(weight.any()) for weight in by_part.values()):
            return None
        inputs = {part: self.data[f"{part}_input"] for part in parts}
        # Rows of a part without weights count as much as the others do on average.
        mean = torch.cat([weight for weight in by_part.values() if weight is not None]).mean()
        columns = [mean.expand(len(inputs[part])) if weight is None else weight for part, weight in by_part.items()]
        weights = torch.cat(columns)
        return weights / weights.mean()

    def error(self, network: Network) -> float:
        """Root mean squared error on the held-out rows, in the target's unit (of its logarithm, if that is learnt); of classes the
        mean cross-entropy.
        """
        return self.reported(network, self.row_losses(network))

    def reported(self, network: Network, losses: Tensor) -> float:
        """The losses of rows as one error: the root of the mean square in the target's unit; of classes the mean cross-entropy."""
        mean = float(losses.mean())
        return mean if self.data.is_classification else math.sqrt(mean) * network.scaling.error_unit

    def allows(self, before: Tensor, after: Tensor) -> bool:
        """Whether losses of held-out rows, `(rows,)`, aren't worse after a change than before, but for what noise makes of it by chance."""
        # `allowance`: a mean loss that is allowed in any case. `noiseless`: labels are a network's own outputs, and nothing is chance.
        # Below a small cross-entropy no row is in doubt: what lies below only says that the scores are larger.
        sure = _SURE if self.data.is_classification else 0.0
        return is_as_good(before, after, max(self.allowance, sure), noiseless=self.noiseless)


def held_out(network: Network, data: Any, where: str, r2_threshold: float = 0.0) -> HeldOutRows:
    """The data of a query as rows for refits and rows for checks.

    Args:
        network: The network.
        data: A `Dataset`, a dict or a pair with labels; inputs alone, or None for the reference data, get the network's own outputs
            as labels. Rows that are split already stay so.
        where: Name of the public function, for errors.
        r2_threshold: Without labels: the part of the outputs' variance that must stay explained.
    """
    if isinstance(data, HeldOutRows):
        return data
    if not has_labels(data):
        return _own_outputs(network, as_inputs(network, data, where), r2_threshold)
    whole = order_columns(network, data, where).to(network.dtype, network.device)
    parts = [p for p in ("val", "test") if f"{p}_input" in whole]
    if parts:
        checks = rows_of(whole, parts[0], name="test")
        plain = replace(whole, val_input=None, val_label=None, val_weight=None, **checks)
        return HeldOutRows(_sampled(plain), plain)
    rows = len(whole.train_input)
    # The posterior of a sum (no hidden nodes) says how well a fit without a row would predict it: no rows need to be held out.
    alone = network.depth == 1 and valid_posterior(network) is not None and not whole.is_classification
    order = torch.randperm(rows, generator=torch.Generator().manual_seed(0)).to(network.device)
    count = 0 if alone or rows < _FEWEST else round(_PART * rows)
    # Where none are held out all rows are for both.
    held, kept = (order[:count], order[count:]) if count else (order, order)
    split = replace(whole, **rows_of(whole, "train", kept), **rows_of(whole, "train", held, "test"))
    return HeldOutRows(_sampled(split), whole, are_others=bool(count))


def _sampled(data: Dataset) -> Dataset:
    """At most `_MOST_ROWS` rows of each part: more would cost time and decide nothing."""

    def drawn(rows: int) -> Tensor:
        """Indices of rows out of so many, drawn at random with a fixed seed, in their order."""
        return torch.randperm(rows, generator=torch.Generator().manual_seed(1))[:_MOST_ROWS].sort().values

    return sampled_data(data, _MOST_ROWS, drawn)


def _own_outputs(network: Network, x: Tensor, r2_threshold: float) -> HeldOutRows:
    """Rows with the network's own outputs as labels, the same ones for refits and checks.

    Their allowance is what `r2_threshold` leaves of the outputs' variance or, where that is less, (2·error of the last training)².
    """
    with torch.no_grad():
        y = network(x)
        scaled = network.scaling.scaled_outputs(y)
    history = getattr(network, "history", None)
    spread = float(scaled.var(0, correction=0).mean())
    allowance = (1 - max(r2_threshold, 0.0)) * spread
    if history is not None and history.records:
        allowance = min(allowance, 4 * (history.last.train_loss / network.scaling.error_unit) ** 2)
    data = Dataset(x, y, test_input=x, test_label=y)
    return HeldOutRows(data, data, max(allowance, EXACT), are_others=False)
