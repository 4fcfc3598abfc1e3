"""Queries of a network: derivatives, scores and figures. They change nothing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check, export, surgery
from kanwidget._files import write_atomically
from kanwidget._refusals import short_refusals
from kanwidget.core.derivatives import Derivatives, derivatives
from kanwidget.core.records import EdgeCurve, History
from kanwidget.core.reference_data import as_inputs, has_labels
from kanwidget.core.scores import Scores, attribute, feature_score
from kanwidget.core.threads import limit_threads_of_methods
from kanwidget.datasets import arrays, as_dataset
from kanwidget.insight import (
    ColumnEffects,
    LossDerivatives,
    Summary,
    column_effects,
    feature_interaction,
    loss_derivatives,
    summary,
)
from kanwidget.kan.symbols import SymbolicKAN
from kanwidget.training.evidence.errors import brought_nearer, valid_posterior

#: Properties that the reference data give.
_OF_DATA = ("feature_score", "node_scores", "edge_scores")


@_check.methods_of("KAN")
@limit_threads_of_methods()
class QueryableKAN(SymbolicKAN):
    """A network that answers questions: values of edges, importances, figures."""

    #: Every step and event of this network and of those that it was cut from.
    history: History

    def __dir__(self) -> list[str]:
        """Names of attributes, without the scores of a network that has no data yet: TorchScript reads all, and these would fail."""
        names: list[str] = super().__dir__()
        return names if len(self.reference) else [name for name in names if name not in _OF_DATA]

    def score(self, data: Any) -> float:
        """The part of the labels' variance that predictions explain, R²; for classes the part of the rows that they get right.

        Args:
            data: With labels, as in `fit`; of a `Dataset` the test rows count, or all where it has none. Of several outputs it is the mean.

        Examples:
            >>> from kanwidget import KAN, load_trees
            >>> model = KAN.for_data(load_trees())
            >>> history = model.fit(load_trees(), progress=False)
            >>> model.score(load_trees()) > 0.95
            True
        """
        dataset = as_dataset(data, "score", self.in_vars, self.encoding)
        label = dataset.train_label if dataset.test_label is None else dataset.test_label
        outputs = self._queried(dataset, "score")
        if dataset.is_classification:
            return float((outputs.argmax(1).cpu() == label.cpu()).double().mean())
        label = label.to(outputs)
        return float((1 - (outputs - label).square().sum(0) / (label - label.mean(0)).square().sum(0)).mean())

    def _queried(self, data: Any, where: str) -> Tensor:
        """Outputs, `(rows, n_out)`, in the units of the data, for its test rows, or for all where it has none.

        `where` is the public call, for errors.
        """
        return self._predicted(as_inputs(self, data, where, test=True))

    def _predicted(self, x: Tensor) -> Tensor:
        """Outputs, `(rows, n_out)`, at inputs `(rows, n_features)`, both in the units of the data.

        Beyond the rows of a training with evidence curves of a sum go on only as far as the data determine their slopes: inputs are
        brought nearer to the grids, by as much as a slope is uncertain.
        """
        with torch.no_grad():
            return self._outputs_of(brought_nearer(self, valid_posterior(self), self.select(x)))

    def classify(self, data: Any) -> list[Any]:
        """The most probable class of each row: its name, where the labels of the training had names, else its number.

        Args:
            data: As in `predict`.

        Raises:
            ValueError: If the network has a single output: it predicts a number.

        Examples:
            >>> from kanwidget import KAN, Dataset
            >>> data = Dataset([[0.0], [1.0], [2.0], [3.0]], [1, 1, 0, 0], out_vars=["gas", "solid"])
            >>> model = KAN.for_data(data)
            >>> history = model.fit(data, steps=5, progress=False)
            >>> model.classify([[0.5], [2.5]])
            ['solid', 'gas']
        """
        numbers: list[int] = self._class_scores(data, "classify").argmax(1).tolist()
        return [self.classes[number] for number in numbers] if self.classes else list(numbers)

    def probabilities(self, data: Any) -> dict[Any, Tensor]:
        """The probability of each class, `(batch,)` by its name, or its number where the classes have no names; of a row they add up to 1.

        `pandas.DataFrame(model.probabilities(table), table.index)` makes a table of them.

        Args:
            data: As in `predict`.

        Raises:
            ValueError: If the network has a single output: it predicts a number.

        Examples:
            >>> from kanwidget import KAN, Dataset
            >>> data = Dataset([[0.0], [1.0], [2.0], [3.0]], [1, 1, 0, 0], out_vars=["gas", "solid"])
            >>> model = KAN.for_data(data)
            >>> history = model.fit(data, steps=5, progress=False)
            >>> {name: [round(p) for p in column.tolist()] for name, column in model.probabilities([[0.5], [2.5]]).items()}
            {'gas': [0, 1], 'solid': [1, 0]}
        """
        columns = self._class_scores(data, "probabilities").softmax(1).T
        return dict(zip(self.classes or range(self.n_out), columns, strict=True))

    def _class_scores(self, data: Any, where: str) -> Tensor:
        """The outputs of a network for classes, `(rows, classes)`, or an error for one with a single output. `where` is the public call."""
        if self.n_out < 2:
            _check.fail("data", where, "for a network with an output for each class", self, "predict() gives numbers.")
        return self._queried(data, where)

    def derivatives(self, x: Tensor, order: int = 2) -> Derivatives:
        """Value, gradient and (with `order` 2) Hessian of the outputs in the features, at points x, `(batch, n_features)`.

        Examples:
            >>> from kanwidget import KAN
            >>> KAN([2, 1]).derivatives(torch.zeros(10, 2, dtype=torch.float64)).gradient.shape
            torch.Size([10, 1, 2])
        """
        return derivatives(self, x, order)

    def loss_derivatives(self, data: Any) -> LossDerivatives:
        """The loss on the training rows of `data`, with gradient and Hessian in the free parameters: `kanwidget.insight.loss_derivatives`.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1], grid=3)
            >>> model.loss_derivatives(([[0.0, 0.5], [1.0, -1.0]], [1.0, 2.0])).spectrum.shape[0] == model.n_parameters
            True
        """
        return loss_derivatives(self, data)

    def edge_curve(self, l: int, i: int, j: int, x: Tensor | None = None, data: Any = None) -> EdgeCurve:  # noqa: E741
        """The function of an edge, and its parts, at points x, `(n,)`, by default at 200 points over the range of `data`.

        All are in the units of the data. The edge is that of layer l from node i to subnode j. Without `data` the reference data count.

        Examples:
            >>> from kanwidget import KAN
            >>> KAN([2, 1]).edge_curve(0, 1, 0, x=[0.0, 0.5, 1.0]).y.shape
            torch.Size([3])
        """
        if x is None:
            self.check_edge(l, i, j, "edge_curve")
            with torch.no_grad():
                values = self.trace(as_inputs(self, data, "edge_curve")).nodes[l][:, i]
            x = torch.linspace(float(values.min()), float(values.max()), 200, dtype=self.dtype, device=self.device)
        return self.curve((l, i, j), arrays.tensor(x, "x", "edge_curve").to(self.device, self.dtype))

    def attribute(self, l: int | None = None, i: int | None = None, *, data: Any = None) -> Scores:  # noqa: E741
        """How much every node and edge matters for the outputs, or for node i of level l: a score, of which an output has 1.

        Scores are ratios of standard deviations over the rows of `data`, by default of the reference data. Without i each node of level l
        has its own, without l each output.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> [tuple(scores.shape) for scores in KAN([2, 3, 1]).attribute(data=rows).edge_scores]
            [(3, 2), (1, 3)]
        """
        return attribute(self, as_inputs(self, data, "attribute"), l, i)

    @property
    def feature_score(self) -> Tensor:
        """How much every column of the data matters, `(n_features,)`, on the reference data.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1])
            >>> model.reference = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)  # fit does that
            >>> model.feature_score.argmax()
            tensor(0)
        """
        return feature_score(self, as_inputs(self, None, "feature_score"))

    def summary(self, data: Any = None) -> Summary:
        """The network on one page: what each column does, the error, and beside it what a straight line explains and what the noise allows.

        Figures are those of held-out rows where the data have any; else of the training rows, and the page says so.

        Args:
            data: What `fit` takes; without it the columns' degrees of freedom and the noise are all there is.

        Raises:
            ValueError: For data that don't fit the network.

        Examples:
            >>> from kanwidget import KAN, create_dataset
            >>> data = create_dataset(lambda x: 2 * x[:, [0]] + x[:, [1]] ** 2, n_var=3, train_num=100, test_num=100)
            >>> model = KAN([3, 1])
            >>> history = model.fit(data, progress=False)
            >>> print(model.summary(data))  # doctest: +ELLIPSIS
            KAN([3, 1], grid=3, k=3, 3 active edges)
            column    effect  freedom
            x_1...
            x_2...
            x_3       chance...
            error ± ...
            explains 100 % · a straight line 91 % · the noise allows about 100 %
        """
        return summary(self, data)

    def column_effects(self, data: Any, *, level: float = 0.01, seed: int = 0) -> ColumnEffects:
        """Which columns matter, by held-out rows with each column shuffled, and which ones are noise; see `kanwidget.insight`.

        Args:
            data: A `Dataset`, whose validation rows count, or else its test rows; or a pair (inputs, labels) of rows not trained on.
            level: Chance that any column at all, of those that don't matter, seems to matter; between 0 and 0.5.
            seed: Of the shuffling.

        Examples:
            >>> from kanwidget import KAN, create_dataset
            >>> data = create_dataset(lambda x: x[:, [0]] ** 2, n_var=3, train_num=100, test_num=100)
            >>> model = KAN([3, 1])
            >>> history = model.fit(data, steps=5, progress=False)
            >>> model.column_effects(data)
            1 of 3 columns matter: x_1
        """
        return column_effects(self, data, level=level, seed=seed)

    def connection_cost(self, *, data: Any = None) -> float:
        """How far apart the ends of the edges stand, times their scores, summed: what `auto_swap` makes small. 0 if all go straight up.

        Nodes of a level stand evenly between 0 and 1. Scores are those of `data`, by default of the reference data.

        Examples:
            >>> from kanwidget import KAN
            >>> KAN([1, 1]).connection_cost(data=[[0.0], [1.0]])  # straight up
            0.0
        """
        return surgery.connection_cost(self, as_inputs(self, data, "connection_cost"))

    def feature_interaction(self, l: int | None = None, *, data: Any = None, **thresholds: float) -> dict[Any, int]:  # noqa: E741
        """Which columns of the data act together: for each set, how many nodes of level l (by default the outputs) depend on just these.

        A node depends on a column whose score for it is above `feature_th`; nodes whose own score isn't above `neuron_th` don't count.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> KAN([2, 3, 1], seed=1).feature_interaction(data=rows)
            {(0, 1): 1}
        """
        return feature_interaction(self, as_inputs(self, data, "feature_interaction"), l, **thresholds)

    @property
    def node_scores(self) -> tuple[Tensor, ...]:
        """Per level of nodes, inputs first, how much each node matters for the outputs, `(nodes,)`, on the reference data.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1])
            >>> model.reference = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)  # fit does that
            >>> [len(scores) for scores in model.node_scores]
            [2, 1]
        """
        return self.attribute().node_scores

    @property
    def edge_scores(self) -> tuple[Tensor, ...]:
        """Per layer, how much each edge matters, `(out, in)`, on the reference data.

        Examples:
            >>> from kanwidget import KAN
            >>> model = KAN([2, 1])
            >>> model.reference = torch.tensor([[0.0, 0.0], [1.0, 0.0]], dtype=torch.float64)  # fit does that
            >>> model.edge_scores[0].argmax()
            tensor(0)
        """
        return self.attribute().edge_scores

    # ---- for other programs

    @short_refusals
    def code(self, language: str = "python", name: str = "predict") -> str:
        """The network as source text that computes what `predict` does, with all digits.

        `python` is a module of a function `predict(x)` that needs NumPy alone (scipy for erf and J0): rows of numbers, or a table of
        columns by name, whose words and missing cells it reads. `c` is a file in C99, `void predict(const double *x, double *y)`, a row
        at a time, with a function for each column of words that gives the number of a level. Splines are polynomials on their intervals
        there. Beyond the rows of the training curves go on as in `predict`, not as in `model(x)`; `fit_formula(data).code()` writes a
        formula.

        Args:
            language: `python` or `c`.
            name: The function's name.

        Raises:
            ValueError: For another language, and for a function of an edge that has no formula.

        Examples:
            >>> from kanwidget import KAN
            >>> model, scope = KAN([2, 1], seed=1), {}
            >>> exec(model.code(), scope)
            >>> bool(abs(scope["predict"]([[0.5, -2.0]]) - model.predict([[0.5, -2.0]]).numpy()) < 1e-12)
            True
        """
        return export.code(self, language, name)

    @short_refusals
    def export(self, path: str | os.PathLike[str]) -> None:
        """Write the network for other programs, see `code`; `save` writes a file that `load` reads.

        Args:
            path: The file; its suffix decides: `.py` (NumPy), `.c`, or `.onnx`, which needs `pip install "kanwidget[onnx]"`. Its input `x`
                and its output `y` are double, words the numbers of their levels, which stand in its metadata.

        Raises:
            ImportError: For `.onnx` without the package onnx.
            ValueError: For another suffix, and for a function of an edge that the format doesn't have.

        Examples:
            >>> import pathlib, tempfile
            >>> from kanwidget import KAN
            >>> file = pathlib.Path(tempfile.mkdtemp(), "model.c")
            >>> KAN([2, 1]).export(file)
            >>> "void predict(const double *x, double *y)" in file.read_text()
            True
        """
        suffix = export.suffix_of(path, "export")
        write_atomically(path, export.file_content(self, suffix), "export")

    # ---- figures

    def plot(self, *, data: Any = None, **options: Any) -> Any:
        """The network as one matplotlib figure; see `kanwidget.insight.plot` for `beta`, `metric`, `in_vars`, …

        Without data it is drawn with the reference data; where there are none, over its grids, with all edges alike.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> figure = KAN([2, 3, 1]).plot(data=rows, in_vars=["speed", "mass"], title="Before training")
        """
        from kanwidget.insight.plot import plot, shown

        return shown(plot(self, self._samples(data, "plot"), **options))

    def plot_scores(
        self,
        l: int | None = None,  # noqa: E741
        i: int | None = None,
        *,
        data: Any = None,
        in_vars: Sequence[Any] | None = None,
        **options: Any,
    ) -> Any:
        """How much every column matters for the outputs, or for node i of level l, as bars; `top` of them, `theme` and `title`.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> figure = KAN([2, 3, 1]).plot_scores(data=rows, title="Before training")
        """
        from kanwidget.insight.plot import shown
        from kanwidget.insight.plot.diagrams import plot_scores

        return shown(plot_scores(self, as_inputs(self, data, "plot_scores"), l, i, in_vars=in_vars, **options))

    def plot_edge(self, l: int, i: int, j: int, *, data: Any = None, **options: Any) -> Any:  # noqa: E741
        """One edge as a matplotlib figure: its parts, ± 2 standard errors (see `fit(evidence=…)`), the data beside it, and its grid.

        It is the edge of layer l from node i to subnode j. `options` are those of `kanwidget.insight.plot.plot_edge`: `theme`, `title`, ….

        Data with labels are drawn as what each row asks of the edge: the value that makes the output right while the other edges stay.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = torch.tensor([[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]])
            >>> figure = KAN([2, 1]).plot_edge(0, 1, 0, data=(rows, rows.sum(1)))
        """
        from kanwidget.insight.plot import plot_edge, shown

        rows = as_dataset(data, "plot_edge", self.in_vars, self.encoding) if has_labels(data) else None
        return shown(plot_edge(self, l, i, j, self._samples(data, "plot_edge"), data=rows, **options))

    def plot_terms(self, data: Any = None, **options: Any) -> Any:
        """All curves on one page, the most important first, with bands of ± 2 standard errors.

        Of data with labels it shows what each row asks of a curve, see `plot_edge`. `options`: `theme`.

        Examples:
            >>> from kanwidget import KAN, load_trees
            >>> model = KAN.for_data(load_trees(), width=[2, 1])
            >>> figure = model.plot_terms(load_trees(), theme="light")
            >>> len(figure.axes)
            2
        """
        from kanwidget.insight.plot import plot_terms, shown

        x = as_inputs(self, data, "plot_terms")
        rows = as_dataset(data, "plot_terms", self.in_vars, self.encoding) if has_labels(data) else None
        return shown(plot_terms(self, x, data=rows, **options))

    def plot_fit(self, data: Any, **options: Any) -> Any:
        """Predictions against the truth, and the residuals, as a matplotlib figure; `theme` and `title`.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> figure = KAN([2, 1]).plot_fit((rows, [1.0, 2.0, 0.5, 1.5]), title="Before training")
        """
        from kanwidget.insight.plot import plot_fit, shown

        return shown(plot_fit(self, data, **options))

    def plot_history(self, **options: Any) -> Any:
        """The losses of all trainings of this model as a matplotlib figure; `theme` and `title`.

        Examples:
            >>> from kanwidget import KAN
            >>> rows = [[0.0, 0.5], [1.0, -1.0], [-1.0, 0.25], [0.5, 0.5]]
            >>> model = KAN([2, 1])
            >>> history = model.fit((rows, [1.0, 2.0, 0.5, 1.5]), steps=2, progress=False)
            >>> figure = model.plot_history(theme="light")
        """
        from kanwidget.insight.plot import plot_history, shown

        return shown(plot_history(self.history, **options))
