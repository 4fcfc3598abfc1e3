"""`summary`: a network on one page, its columns with effects and degrees of freedom, its error, and the yardsticks beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kanwidget.core.network import Network, column_names
from kanwidget.core.reference_data import order_columns
from kanwidget.core.threads import limit_threads
from kanwidget.insight.effects import FEWEST_ROWS, column_effects
from kanwidget.insight.numbers import percent, plain
from kanwidget.insight.yardsticks import Yardsticks, yardsticks
from kanwidget.training.evidence.errors import valid_posterior


@dataclass(frozen=True, slots=True)
class ColumnSummary:
    """What a column does."""

    name: str
    effect: float | None
    """What is lost without it on held-out rows: a part of the labels' variance, of classes a cross-entropy. None without such rows."""
    matters: bool | None
    """Whether the effect is more than chance."""
    freedom: float | None
    """Degrees of freedom of its edges: 0 where the data ask for nothing, 1 for a straight line; None without evidence."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A network on one page. It prints as a table."""

    title: str
    columns: tuple[ColumnSummary, ...]
    """The largest effect first."""
    noise: float | None
    """Standard deviation of the noise, in the unit of the error; None without evidence and for classes."""
    target: str
    """Name of the target, "" of several or of classes."""
    yardsticks: Yardsticks | None
    """None without data."""

    def __repr__(self) -> str:
        """The title and the table; below them the errors and, without these, the noise."""
        lines = [self.title, *self._table()]
        if self.yardsticks is not None:
            lines += [self._error(self.yardsticks), self.yardsticks.sentence]
        elif self.noise is not None:
            lines.append(f"noise ± {plain(self.noise)}")
        return "\n".join(lines)

    def _error(self, sticks: Yardsticks) -> str:
        """The line about errors, from yardsticks: of classes the log losses of the network and of simpler ones, else error and noise."""
        if sticks.majority is not None:
            rows = [
                ("log loss", sticks.network),
                ("a logistic line", sticks.line),
                ("an additive network", sticks.additive),
                ("the frequencies of the classes", sticks.majority),
            ]
            return " · ".join(f"{name} {row.error:.3g}" for name, row in rows if row is not None)
        noise = ""
        if self.noise is not None:
            # An error of a few rows may be smaller than what is expected of it.
            beside = "of which" if self.noise <= sticks.network.error else "no more than the"
            noise = f", {beside} noise ± {plain(self.noise)}"
        return f"error ± {plain(sticks.network.error)}{f' in {self.target}' if self.target else ''}{noise}"

    def _table(self) -> list[str]:
        """The columns as lines of text under a headline, with effects and degrees of freedom where there are any."""
        width = max([len("column"), *(len(column.name) for column in self.columns)])
        lines = [f"{name:<{width}}" for name in ("column", *(row.name for row in self.columns))]
        freedoms = ["" if row.freedom is None else f"{row.freedom:.1f}" for row in self.columns]
        for head, room, texts in (("effect", 8, list(map(_effect, self.columns))), ("freedom", 7, freedoms)):
            # A column of figures that nothing says is left out.
            if any(texts):
                lines = [f"{line}  {text:>{room}}" for line, text in zip(lines, [head, *texts], strict=True)]
        if self.yardsticks is not None and not self.yardsticks.held_out:
            lines.append("(effects of columns need held-out rows: data with test rows)")
        return [line.rstrip() for line in lines]


def _effect(row: ColumnSummary) -> str:
    """A column's effect as text: a percentage, `chance` where it is no more than that, or "" where there is none."""
    if row.effect is None:
        return ""
    return percent(max(0.0, row.effect)) if row.matters else "chance"


@limit_threads
def summary(network: Network, data: Any = None) -> Summary:
    """A network on one page: each column's effect and degrees of freedom, the error, the noise in it, and what simpler networks reach.

    Errors are those of validation rows, else of test rows, else of the training rows, and then the page says so. Effects need some
    rows of validation or test, and are left out without them.

    Args:
        network: The network; it isn't changed.
        data: What `fit` takes; without it there are no effects and no errors, only degrees of freedom and the noise.

    Raises:
        ValueError: For data that don't fit the network.

    Examples:
        >>> from kanwidget import KAN, create_dataset
        >>> data = create_dataset(lambda x: x[:, [0]] + 3 * x[:, [1]] ** 2, n_var=3, train_num=200, test_num=200)
        >>> model = KAN([3, 1])
        >>> history = model.fit(data, progress=False)
        >>> print(summary(model, data).yardsticks.sentence.split(" · ")[0])
        explains 100 %
    """
    dataset = None if data is None else order_columns(network, data, "summary").to(network.dtype, network.device)
    sticks = None if dataset is None else yardsticks(network, dataset)
    names = dataset.in_vars if dataset is not None and dataset.has_names else column_names(network)
    names = tuple(str(name) for name in names)
    effects: list[tuple[float | None, bool | None]] = [(None, None)] * len(names)
    held_out = None if dataset is None else dataset.test_input if dataset.val_input is None else dataset.val_input
    # `column_effects` refuses fewer rows: an effect would be chance.
    if held_out is not None and len(held_out) >= FEWEST_ROWS:
        found = column_effects(network, dataset)
        effects = list(zip(found.effects.tolist(), found.matters.tolist(), strict=True))
    columns = [
        ColumnSummary(name, effect, matters, freedom)
        for name, (effect, matters), freedom in zip(names, effects, _freedoms(network), strict=True)
    ]
    posterior = valid_posterior(network)
    noise = None if posterior is None or posterior.noise is None else posterior.noise * network.scaling.error_unit
    target = "" if dataset is None or dataset.is_classification or network.n_out > 1 else dataset.out_vars[0]
    ordered = sorted(columns, key=lambda row: (-(row.effect or 0.0), -(row.freedom or 0.0)))
    return Summary(repr(network), tuple(ordered), noise, target, sticks)


def _freedoms(network: Network) -> list[float | None]:
    """For each column of the data the degrees of freedom of its edges, summed: 0 where the data ask for nothing, 1 for a straight line.

    None where a function stands, of which evidence says nothing, and for all columns where the last training has left no posterior.
    """
    posterior = valid_posterior(network)
    if posterior is None:
        return [None] * network.n_features
    columns = network.columns.tolist()
    freedoms: list[float | None] = [0.0] * network.n_features
    for edge in network.edge_refs(active=True):
        if edge.layer == 0 and edge not in posterior.freedom:
            freedoms[columns[edge.source]] = None
    for edge, freedom in posterior.freedom.items():
        if edge.layer == 0 and (total := freedoms[columns[edge.source]]) is not None:
            freedoms[columns[edge.source]] = total + freedom.total
    return freedoms
