"""Which columns matter for the data: what is lost on held-out rows when a column is shuffled, against what chance makes of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.nn import functional

from kanwidget import _check
from kanwidget.core.network import Network
from kanwidget.core.reference_data import order_columns
from kanwidget.core.threads import limit_threads
from kanwidget.datasets import naming
from kanwidget.symbolic.writing.naming import subscript
from kanwidget.training.steps.training_data import check_outputs, labels, pick_loss

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from kanwidget.insight.plot.style import ThemeName

#: How often each column is shuffled.
_SHUFFLES = 5
#: Rows that are compared at most, and values of edges in memory.
_MOST_ROWS, _MOST_VALUES = 2000, 20_000_000
#: Fewer rows have no standard error to rely on.
FEWEST_ROWS = 20
#: An effect of so many roundings, as a part of the variance, is none, nor is a variance of so many of the labels.
_ROUNDINGS = 16


@dataclass(frozen=True, slots=True)
class ColumnEffects:
    """What each column adds to the predictions of rows that the network wasn't trained on."""

    names: tuple[str, ...]
    """Of all columns of the data: their own, or else those that the network was trained with."""
    effects_by_output: Tensor
    """Part of the labels' variance that is lost without the column, `(outputs, n_features)`: its total Sobol index where columns are
    independent. For classes the loss of cross-entropy, `(1, n_features)`."""
    thresholds_by_output: Tensor
    """What the effects of columns that don't matter stay below, of the same shape."""

    @property
    def effects(self) -> Tensor:
        """Each column's effect, the largest over the outputs, `(n_features,)`: the part of the labels' variance that is lost without it.

        For classes it is the rise of the cross-entropy.
        """
        return self.effects_by_output.amax(0)

    @property
    def matters(self) -> Tensor:
        """Mask of the columns whose effect on an output is above its threshold, `(n_features,)`."""
        return (self.effects_by_output > self.thresholds_by_output).any(0)

    @property
    def columns(self) -> list[str]:
        """Names of the columns that matter, the largest effect first: `prune_input(active=…)` takes them."""
        order = self.effects.argsort(descending=True).tolist()
        return [self.names[column] for column in order if self.matters[column]]

    def plot(self, *, top: int = 20, theme: ThemeName = "auto", title: Any = None) -> Figure:
        """Draw the effects as bars, see `plot_bars`; pale ones can be chance."""
        from kanwidget.insight.plot import shown
        from kanwidget.insight.plot.diagrams import plot_bars

        numbered = isinstance(self.names, naming.Numbered)
        # Default names, x_1, x_2, …, with the subscripts of other plots.
        names = [f"x{subscript(n + 1)}" for n in range(len(self.names))] if numbered else self.names
        return shown(plot_bars(names, self.effects, self.matters, top=top, theme=theme, title=title))

    def __repr__(self) -> str:
        columns = self.columns
        text = ", ".join(columns[:20]) + (f" and {len(columns) - 20} more" if len(columns) > 20 else "")
        return f"{len(columns)} of {len(self.names)} columns matter{': ' if columns else ''}{text}"


@limit_threads
def column_effects(network: Network, data: Any, *, level: float = 0.01, seed: int = 0) -> ColumnEffects:
    """Which columns matter, by rows that the network wasn't trained on: their labels are predicted with each column shuffled.

    Attribution says what a network uses, and a network that was trained without a penalty uses noise, too. Shuffling a column
    that says nothing makes the predictions of new rows no worse but by chance; what exceeds chance is an effect.

    Of columns that follow from each other, such as the dummies of a category, which add up to 1, any may stand in for the others:
    `fit(lamb=…)` makes a network do with few of them.

    Args:
        network: The network; it isn't changed.
        data: A `Dataset`, whose validation rows count, or else its test rows; or a pair (inputs, labels) of rows that the network
            wasn't trained on. At most 2,000 rows are used.
        level: Chance that any column at all, of those that don't matter, seems to matter; between 0 and 0.5.
        seed: Of the shuffling, ≥ 0.

    Raises:
        ValueError: For data without held-out rows, or fewer than 20 of them, for labels that don't fit the network, and for one whose
            predictions aren't finite.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] ** 2 + 0.2 * x[:, [2]], n_var=4, train_num=200, test_num=200)
        >>> model = KAN([4, 1])
        >>> history = model.fit(data, steps=5, progress=False)
        >>> column_effects(model, data)
        2 of 4 columns matter: x_1, x_3

    References:
        Breiman, "Random Forests", Machine Learning 45 (2001), section 10. Jansen, "Analysis of variance designs for model output",
        Computer Physics Communications 117 (1999), whose estimate of the total Sobol index it is where columns are independent.
    """
    _check.real(level, "level", "column_effects", low=0, high=0.5, open_low=True)
    generator = torch.Generator().manual_seed(_check.integer(seed, "seed", "column_effects", low=0))
    rows = _rows(network, data)
    shuffled = _shuffled_losses(network, rows, generator)
    if not bool(torch.isfinite(shuffled).all()):
        expected = "one whose predictions are finite for the rows, also with a column shuffled"
        _check.fail("network", "column_effects", expected, network)
    count = len(rows.x)
    mean, error = shuffled.mean(0), shuffled.std(0) / math.sqrt(count)
    # Of all columns and outputs together, none exceeds its bound by chance, but for `level`.
    bound = _student(level / shuffled[0].numel(), count - 1) * error
    bound = bound.clamp(min=_ROUNDINGS * torch.finfo(bound.dtype).eps)
    # From the inputs that the network reads to all columns of the data; it may have pruned some.
    effects = mean.new_zeros(len(mean), network.n_features).index_copy(1, network.columns, mean)
    thresholds = torch.zeros_like(effects).index_copy(1, network.columns, bound)
    return ColumnEffects(rows.names, effects, thresholds)


@dataclass(frozen=True, slots=True)
class _Rows:
    """Held-out rows."""

    names: tuple[str, ...]
    x: Tensor
    y: Tensor
    weight: Tensor
    """With mean 1, `(rows, 1)`."""

    def losses(self, network: Network, outputs: Tensor) -> Tensor:
        """The loss of each row times its weight, from scaled outputs, `(rows, outputs)`: the squared error over 2·variance, of that shape.

        Of classes it is the cross-entropy, `(rows, 1)`. The 2 is there since a shuffled column, which has an independent value in each
        row, adds twice the variance that it explains to the squared error.
        """
        scaling = network.scaling
        if not self.y.is_floating_point():
            scores = scaling.own_outputs(outputs)
            return self.weight * functional.cross_entropy(scores, self.y, reduction="none")[:, None]
        truth = scaling.scaled_outputs(self.y)
        variance = (self.weight * (truth - (self.weight * truth).mean(0)).square()).mean(0)
        # A label that varies by no more than round-off has no variance to divide by.
        rounding = (_ROUNDINGS * torch.finfo(truth.dtype).eps * truth.abs().amax(0)).square()
        return self.weight * (outputs - truth).square() / (2 * torch.where(variance > rounding, variance, 1.0))


def _rows(network: Network, data: Any) -> _Rows:
    """The held-out rows of data for columns in the network's order: of many rows evenly picked ones, with weights of mean 1.

    Validation rows come before test rows; a pair (x, y) counts as held out as a whole. An error where there are too few.
    """
    where = "column_effects"
    dataset = order_columns(network, data, where).to(network.dtype, network.device)
    parts = ("val", "test", "train") if isinstance(data, tuple) else ("val", "test")
    part = next((part for part in parts if f"{part}_input" in dataset), None)
    if part is None:
        advice = "The network has learnt the noise of its training rows. Split them: Dataset.from_arrays(x, y, test_fraction=0.3)."
        _check.fail("data", where, "a Dataset with validation or test rows", data, advice)
    x, y, weight = dataset[f"{part}_input"], dataset[f"{part}_label"], getattr(dataset, f"{part}_weight")
    network.select(x[:1])  # an error for another number of columns than the network's
    loss = pick_loss(None, dataset)
    check_outputs(network, loss, labels(y, loss), where)
    if len(x) < FEWEST_ROWS:
        _check.fail("data", where, f"{FEWEST_ROWS} held-out rows at least", x)
    edges = network.layer(0).coef.shape[:2].numel()  # their values for all rows are in memory at once
    most = min(_MOST_ROWS, max(FEWEST_ROWS, _MOST_VALUES // edges))
    chosen = torch.linspace(0, len(x) - 1, min(most, len(x)), device=x.device).long()
    weights = torch.ones_like(x[chosen, :1]) if weight is None else weight[chosen].reshape(-1, 1)
    weights = weights if weights.sum() > 0 else torch.ones_like(weights)
    names = dataset.in_vars if dataset.has_names else network.in_vars or dataset.in_vars
    return _Rows(names, x[chosen], y[chosen], weights / weights.mean())


def _shuffled_losses(network: Network, rows: _Rows, generator: torch.Generator) -> Tensor:
    """How much each row's loss rises if the column of an input is shuffled, `(rows, outputs, inputs)`: the mean of several shufflings.

    Shuffling an input changes its edges alone: what comes before the first sums is computed once. Inputs without edges change nothing.
    """
    first = network.layer(0)
    with torch.no_grad():
        edges = first.edges(network.select(rows.x))
        sums = edges.sum(-1)
        before = rows.losses(network, _outputs(network, sums))
        rises = before.new_zeros(*before.shape, network.n_in)
        for _ in range(_SHUFFLES):
            for source in first.active().any(0).nonzero().flatten().tolist():
                order = torch.randperm(len(sums), generator=generator).to(sums.device)
                moved = sums + edges[order, :, source] - edges[:, :, source]
                rises[..., source] += (rows.losses(network, _outputs(network, moved)) - before) / _SHUFFLES
    return rises


def _outputs(network: Network, sums: Tensor) -> Tensor:
    """Scaled outputs, `(rows, outputs)`, from the sums of the first layer's edges, `(rows, subnodes)`.

    To combine is to multiply the subnodes that are factors of a product; other subnodes are nodes as they are.
    """
    nodes = network.combine(1, sums)
    for level, layer in enumerate(network.layers[1:], 2):
        nodes = network.combine(level, layer(nodes))
    return nodes


def _student(tail: float, freedom: int) -> float:
    """The number that Student's variable with so many degrees of freedom exceeds with the chance `tail`.

    It is an expansion about the normal distribution in 1/freedom, right to 2 % from 19 degrees of freedom on.
    """
    z = -NormalDist().inv_cdf(tail)
    first = (z**3 + z) / 4
    second = (5 * z**5 + 16 * z**3 + 3 * z) / 96
    return z + first / freedom + second / freedom**2
