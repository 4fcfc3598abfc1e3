"""pykan's multilayer perceptron, for comparison with a KAN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kanwidget import _check
from kanwidget.pykan.LBFGS import LBFGS
from kanwidget.pykan.network.fitting import REPORTED, Metrics, parts_of
from kanwidget.pykan.network.progress import StepBar

__all__ = ["MLP"]

#: Measures of a weight: itself, times the spread of what it weighs, its part of the outputs, or the spread of a node.
_MEASURES = ("w", "act", "fa", "a")


class MLP(nn.Module):
    """A perceptron with silu between its layers.

    Args:
        width: Nodes of each layer.
        act: `silu`.
        save_act: No effect: activations are computed when asked for.
        seed: Of the random start; torch's global random state is left alone.
        device: Where it computes.

    Examples:
        >>> MLP([2, 5, 1])(torch.zeros(3, 2)).shape
        torch.Size([3, 1])
    """

    def __init__(
        self, width: Sequence[int], act: str = "silu", save_act: bool = True, seed: int = 0, device: Any = "cpu"
    ) -> None:
        """Make a perceptron of `width` nodes a level, inputs first, with random weights from `seed`; `save_act` has no effect."""
        super().__init__()
        if act != "silu":
            _check.fail("act", "MLP", "'silu'", act)
        self.width, self.depth = list(width), len(width) - 1  # depth: layers of weights
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.linears = nn.ModuleList(nn.Linear(width[i], width[i + 1]) for i in range(self.depth))
        self.act_fun = nn.SiLU()
        self._inputs: Tensor | None = None  # those of the last call, `(rows, inputs)`, for scores and pictures
        self.to(device)

    @property
    def w(self) -> list[Tensor]:
        """Weights, `(outputs, inputs)` of each layer."""
        return [layer.weight for layer in self.linears]  # type: ignore[misc]

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, `(rows, outputs)`, for inputs x, `(rows, inputs)`, which are remembered for pictures and scores."""
        self._inputs = x.detach()
        return self._nodes(x)[-1]

    def get_act(self, x: Any = None) -> None:
        """Remember inputs, a tensor or a dataset, for pictures and scores."""
        x = x["train_input"] if isinstance(x, dict) else x
        if x is not None:
            self._inputs = x.detach()

    def _nodes(self, x: Tensor) -> list[Tensor]:
        """Values of all nodes, `(rows, nodes)` of each level, inputs and outputs included; the outputs have no silu."""
        nodes = [x]
        for index, layer in enumerate(self.linears):
            x = layer(x)
            x = self.act_fun(x) if index < self.depth - 1 else x
            nodes.append(x)
        return nodes

    def _sizes(self, measure: str) -> list[Tensor]:
        """The sizes of weights, `(outputs, inputs)` of each layer; with "a" those of nodes, `(nodes,)` of each level above the inputs.

        Args:
            measure: "w" the weights with their signs; "act" each times the standard deviation of the node that it reads;
                "fa" the part of the outputs that goes through it; "a" the standard deviation of each node.
        """
        if measure not in _MEASURES:
            raise ValueError(f"the metric of an MLP must be one of {', '.join(map(repr, _MEASURES))}; got {measure!r}.")
        if measure == "w":
            return self.w
        if self._inputs is None:
            raise ValueError("an MLP needs inputs, which it remembers: call model(x), or get_act(x), before.")
        nodes = self._nodes(self._inputs)
        spreads = [node.std(0) for node in nodes]
        if measure == "a":
            return spreads[1:]
        weighed = [spread * weight for spread, weight in zip(spreads, self.w, strict=False)]
        if measure == "act":
            return weighed
        # From the outputs down: a node's score goes to its weights by their part of its spread, and on to the nodes that these read. The
        # 1e-4 keeps nodes that never change from a division by 0.
        score, sizes = torch.ones_like(spreads[-1]), list[Tensor]()
        for index in reversed(range(self.depth)):
            size = weighed[index].abs() * (score / (spreads[index + 1] + 1e-4))[:, None]
            score = size.sum(0) / self.width[index] ** 0.5
            sizes.insert(0, size)
        return sizes

    def reg(self, reg_metric: str, lamb_l1: float, lamb_entropy: float) -> Tensor:
        """The penalty: `lamb_l1` times the sum of all weights' sizes, and `lamb_entropy` times the entropies of their rows and columns.

        `reg_metric` says what a size is: "w" the weight, "act" times the spread of what it reads, "fa" its part of the outputs; "a" is the
        spread of a node.
        """
        total = torch.zeros((), device=self.w[0].device, dtype=self.w[0].dtype)
        for size in (size.abs() for size in self._sizes(reg_metric)):
            entropies = [_entropy(size, 1).mean(), _entropy(size, 0).mean()] if size.ndim == 2 else [_entropy(size, 0)]
            total = total + lamb_l1 * size.sum() + lamb_entropy * sum(entropies)
        return total

    def fit(
        self,
        dataset: dict[str, Any],
        opt: str = "LBFGS",
        steps: int = 100,
        log: int = 1,
        lamb: float = 0.0,
        lamb_l1: float = 1.0,
        lamb_entropy: float = 2.0,
        loss_fn: Callable[[Tensor, Tensor], Tensor] | None = None,
        lr: float = 1.0,
        batch: int = -1,
        metrics: Sequence[Callable[[], Any]] | None = None,
        in_vars: Any = None,
        out_vars: Any = None,
        beta: float = 3,
        device: Any = None,
        reg_metric: str = "w",
        display_metrics: Sequence[str] | None = None,
    ) -> dict[str, list[Any]]:
        """Train in place with LBFGS or Adam; results are lists of `train_loss`, `test_loss`, `reg` and the metrics, one number a step.

        Losses are root mean squared errors, or the mean of `loss_fn`; without test rows the test loss is NaN.

        Args:
            dataset: A dict with `train_input`, `train_label` and, for a test loss, `test_input`, `test_label`.
            opt: `LBFGS` or `Adam`.
            steps: How many.
            log: No effect.
            lamb: Weight of the penalty.
            lamb_l1: Of its sum of sizes.
            lamb_entropy: Of its entropies.
            loss_fn: A function of outputs and labels; the mean squared error by default.
            lr: Learning rate.
            batch: Rows of each step, -1 for all.
            metrics: Functions without arguments, called after each step.
            in_vars: No effect.
            out_vars: No effect.
            beta: No effect.
            device: No effect.
            reg_metric: What the penalty measures: "w", "act", "fa" or "a".
            display_metrics: Names of what the progress bar shows.

        Examples:
            >>> data = {"train_input": torch.rand(20, 1), "train_label": torch.zeros(20, 1)}
            >>> results = MLP([1, 3, 1]).fit(data, steps=3)
            >>> len(results["train_loss"])
            3
        """
        if opt not in ("LBFGS", "Adam"):
            _check.fail("opt", "fit", "'LBFGS' or 'Adam'", opt)
        data = {name: part.to(self.w[0].device) for name, part in parts_of(dataset).items()}
        loss_of = loss_fn or (lambda prediction, label: (prediction - label).square().mean())
        root = loss_fn is None
        strong: dict[str, Any] = {"history_size": 10, "line_search_fn": "strong_wolfe"}
        strong |= {"tolerance_grad": 1e-32, "tolerance_change": 1e-32}
        optimizer: torch.optim.Optimizer = LBFGS(self.parameters(), lr=lr, **strong)
        if opt == "Adam":
            optimizer = torch.optim.Adam(self.parameters(), lr=lr)
        measures, generator = Metrics(metrics), torch.Generator().manual_seed(0)
        columns: dict[str, list[Any]] = {name: [] for name in REPORTED}
        rows = len(data["train_input"])
        with StepBar(display_metrics, measures) as bar:
            bar.begin(steps)
            for _ in range(steps):
                picked = torch.randperm(rows, generator=generator)[:batch] if 0 < batch < rows else slice(None)
                last: list[Tensor] = []

                def closure(picked: Any = picked, last: list[Tensor] = last) -> Tensor:
                    """The objective on the picked rows, with gradients; `last` takes loss and penalty without a graph."""
                    optimizer.zero_grad()
                    loss = loss_of(self(data["train_input"][picked]), data["train_label"][picked])
                    penalty = self.reg(reg_metric, lamb_l1, lamb_entropy) if lamb > 0 else torch.zeros_like(loss)
                    objective = loss + lamb * penalty
                    objective.backward()
                    last[:] = [loss.detach(), penalty.detach()]
                    return objective

                optimizer.step(closure)  # type: ignore[arg-type]
                with torch.no_grad():
                    test = self._nodes(data["test_input"])[-1] if "test_input" in data else None
                    held = torch.tensor(float("nan")) if test is None else loss_of(test, data["test_label"])
                for name, value in zip(columns, (last[0], held, last[1]), strict=True):
                    columns[name].append(np.float64(value.sqrt() if root and name != "reg" else value))
                measures.evaluate()
                bar.show({name: values[-1] for name, values in (columns | measures.values).items()}, steps=1)
        return columns | measures.values

    def plot(self, beta: float = 3, scale: float = 1.0, metric: str = "w") -> None:
        """Draw nodes and weights as pyplot's current figure: blue ones are positive, red ones negative.

        The opacity is tanh(beta · size). The metric says what the size of a weight is: itself ("w"), times the spread of what it reads
        ("act"), or its part of the outputs ("fa"). `scale` is the size of the figure.

        Examples:
            >>> import matplotlib.pyplot as plt
            >>> MLP([2, 5, 1]).plot()
            >>> plt.close()
        """
        from matplotlib import pyplot
        from matplotlib.collections import LineCollection

        ax = pyplot.figure(figsize=(3 * scale, 1.5 * self.depth * scale)).add_axes((0, 0, 1, 1))
        places = [[((i + 0.5) / count, 0.5 * level) for i in range(count)] for level, count in enumerate(self.width)]
        with torch.no_grad():
            sizes = [size.cpu().numpy() for size in self._sizes(metric)]
        for level, size in enumerate(sizes):
            edges = [(i, j) for i in range(size.shape[0]) for j in range(size.shape[1])]
            lines = [[places[level][j], places[level + 1][i]] for i, j in edges]
            colors = ["#0072b2" if size[edge] > 0 else "#c1272d" for edge in edges]
            alphas = [float(np.tanh(beta * abs(size[edge]))) for edge in edges]
            ax.add_collection(LineCollection(lines, colors=colors, alpha=alphas, linewidths=scale))
        across, up = zip(*[place for level in places for place in level], strict=True)
        ax.scatter(across, up, 14 * scale**2, color="black", zorder=2)
        ax.set_axis_off()

    @property
    def connection_cost(self) -> Tensor:
        """How far apart the nodes of each weight stand, times the weight's size, summed; nodes of a level stand evenly between 0 and 1."""
        total = torch.zeros(())
        for weight in self.w:
            above, below = ((torch.arange(count, device=weight.device) + 0.5) / count for count in weight.shape)
            total = total + (weight.detach().abs() * (above[:, None] - below).abs()).sum()
        return total

    def swap(self, l: int, i1: int, i2: int) -> None:  # noqa: E741
        """Exchange the nodes i1 and i2 of the hidden level l, counted from 0 for the inputs; the function stays. In place."""
        order = list(range(self.width[l]))
        order[i1], order[i2] = order[i2], order[i1]
        index = torch.tensor(order, device=self.w[0].device)
        below, above = self.linears[l - 1], self.linears[l]
        with torch.no_grad():
            for parameter in (below.weight, below.bias):
                parameter.copy_(parameter[index])  # type: ignore[operator, index]
            above.weight.copy_(above.weight[:, index])  # type: ignore[operator, index]

    def auto_swap(self) -> None:
        """Reorder hidden nodes so that `connection_cost` falls; the function stays. In place.

        Each node changes places with the one of its level for which the cost becomes the least, one after the other.

        Examples:
            >>> model, x = MLP([3, 6, 2]), torch.rand(4, 3)
            >>> before, cost = model(x), model.connection_cost
            >>> model.auto_swap()
            >>> torch.allclose(model(x), before, atol=1e-6), bool(model.connection_cost <= cost)
            (True, True)
        """
        for level in range(1, self.depth):
            for i in range(self.width[level]):
                costs = []
                for j in range(self.width[level]):
                    self.swap(level, i, j)
                    costs.append(float(self.connection_cost))
                    self.swap(level, i, j)
                self.swap(level, i, int(np.argmin(costs)))


def _entropy(size: Tensor, dim: int) -> Tensor:
    """The entropy in bits of sizes ≥ 0 along an axis: small where a few are large. The constants keep sizes of 0 from log 0 and 0/0."""
    part = size / (size.sum(dim, keepdim=True) + 1)
    return -(part * torch.log2(part + 1e-4)).sum(dim)
