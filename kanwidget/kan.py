"""`KAN`, the class that users hold: a network, plus one-line methods that hand over to the rooms below."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from typing_extensions import Self

from kanwidget import _check, surgery
from kanwidget._types import Arities, LayerWidth
from kanwidget.core import storage
from kanwidget.core.arguments import (
    check_base_fun,
    known_device,
    normalize_arities,
    normalize_grids,
    normalize_range,
    normalize_width,
)
from kanwidget.core.derivatives import Derivatives, derivatives
from kanwidget.core.network import HIDDEN_RANGE, Network, initial_layer
from kanwidget.core.records import EdgeCurve, EdgeRef, History, SymbolicFit
from kanwidget.core.scores import Scores, attribute, feature_score
from kanwidget.core.threads import limit_threads_of_methods
from kanwidget.datasets import arrays
from kanwidget.insight import feature_interaction
from kanwidget.surgery._record import listed, record
from kanwidget.surgery.grids import KnotPlacement
from kanwidget.training import Trainer, fit, fit_steps
from kanwidget.training.reference import as_inputs
from kanwidget.training.residuals import ResidualHistory, fit_residual
from kanwidget.training.steps.trainer import Callback


@limit_threads_of_methods(but=("fit", "fit_steps", "fit_residual"))  # trainings do it step by step
class KAN(Network):
    """A Kolmogorov-Arnold network: learnable functions on the edges, sums and products at the nodes.

    Args:
        width: Number of nodes of each layer, inputs first: `[2, 5, 1]`; `[2, [5, 2], 1]` has 5 sums and 2 products in the middle.
        grid: Number of grid intervals of the splines, ≥ 1, or one for each layer of edges.
        k: Order of the splines, ≥ 0; 3 is cubic.
        mult_arity: Number of factors of the product nodes, or a list of lists, one a layer of nodes.
        base_fun: The base function: `silu`, `identity`, `zero` or a primitive that is defined for all numbers.
        grid_range: First and last grid point of the inputs, until the grids are adapted to data.
        grid_eps: Between 0 (grids follow the data's quantiles) and 1 (uniform grids).
        noise_scale: Size of the random splines at the start, ≥ 0.
        seed: Of the random start; the same seed gives the same network, and the global random state is left alone.
        dtype: `torch.float64` by default: fits reach 1e-10 and below, which float32 (round-off 1e-7) can't hold.
        device: Where the parameters live.

    Raises:
        ValueError: For a shape, grid or order that makes no network.

    Examples:
        >>> model = KAN([2, 5, 1], grid=3, k=3, seed=42)
        >>> model(torch.zeros(10, 2, dtype=torch.float64)).shape
        torch.Size([10, 1])

    References:
        Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756.
        Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205 (product nodes).
    """

    def __init__(
        self,
        width: Sequence[LayerWidth],
        grid: int | Sequence[int] = 3,
        k: int = 3,
        *,
        mult_arity: int | Arities = 2,
        base_fun: str = "silu",
        grid_range: tuple[float, float] = (-1.0, 1.0),
        grid_eps: float = 0.5,
        noise_scale: float = 1.0,
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        pairs = normalize_width(width)
        arities = normalize_arities(mult_arity, pairs)
        grids = normalize_grids(grid, len(pairs) - 1)
        _check.integer(k, "k", "KAN", low=0, advice="3 makes cubic splines.")
        check_base_fun(base_fun)
        low, high = normalize_range(grid_range)
        _check.real(noise_scale, "noise_scale", "KAN", low=0)
        if dtype not in (torch.float32, torch.float64):
            _check.fail("dtype", "KAN", "torch.float64 or torch.float32", dtype)
        generator = torch.Generator().manual_seed(_check.integer(seed, "seed", "KAN", low=0))
        layers = [
            initial_layer(
                sum(pairs[level]),
                pairs[level + 1][0] + sum(arities[level + 1]),
                grids[level],
                k,
                base_fun=base_fun,
                grid_range=(low, high) if level == 0 else HIDDEN_RANGE,
                noise_scale=noise_scale,
                generator=generator,
                dtype=dtype,
            )
            for level in range(len(pairs) - 1)
        ]
        super().__init__(pairs, arities, layers)
        self.grid_eps = _check.real(grid_eps, "grid_eps", "KAN", low=0, high=1)
        self.seed = seed
        #: Every step and event of this network and of those that it was cut from.
        self.history = History()
        self.to(known_device(device))

    @classmethod
    def from_formula(
        cls, formula: Any, variables: Sequence[Any] | None = None, grid: int = 3, k: int = 3, **options: Any
    ) -> Self:
        """A network that computes a formula exactly; it can be trained, grown and cut like any other.

        Args:
            formula: A sympy expression, or a list of them, one an output.
            variables: The inputs in order, symbols or names; by default the formula's symbols (x_2 before x_10).
            grid: Grid intervals of the splines that edges may get later.
            k: Their order.
            **options: Of `KAN`.

        Raises:
            TypeError: For what isn't a sympy expression.
            ValueError: For functions that the table of primitives doesn't hold, and for complex constants.

        Examples:
            >>> from sympy import symbols, exp, sin
            >>> x, y = symbols("x y")
            >>> KAN.from_formula(exp(sin(3 * x)) * y).width
            [[2, 0], [2, 0], [0, 1]]
        """
        from kanwidget import symbolic

        plan = symbolic.plan(formula, variables)
        model = cls(plan.width, grid, k, mult_arity=plan.arities, **options)
        plan.write(model)
        return model

    # ---- using it

    def predict(self, data: Any) -> Tensor:
        """Outputs for arrays, lists, frames or tensors of any float type, `(batch, n_out)`; no gradient.

        Columns that `fit` knew by name are taken by name, in any order; renamed ones, of which none has such a name, by place. A Dataset
        (or pykan dict) stands for its test inputs, or its training inputs where it has none. Numbers are in the units of the training
        data. After a classification they are logits: `argmax(1)` are the classes, `softmax(1)` their probabilities.

        Examples:
            >>> KAN([2, 1], seed=1).predict([[0.0, 0.5], [1.0, -1.0]]).shape
            torch.Size([2, 1])
        """
        with torch.no_grad():
            return self(as_inputs(self, data, "predict", test=True))

    def derivatives(self, x: Tensor, order: int = 2) -> Derivatives:
        """Value, gradient and (order 2) Hessian of the outputs in the features, see `Derivatives`."""
        return derivatives(self, x, order)

    def edge_curve(self, l: int, i: int, j: int, x: Tensor | None = None, data: Any = None) -> EdgeCurve:  # noqa: E741
        """One edge and its parts at the points x, `(n,)`; by default at 200 points over the range of the data."""
        if x is None:
            self.check_edge(l, i, j, "edge_curve")
            with torch.no_grad():
                values = self.trace(as_inputs(self, data, "edge_curve")).nodes[l][:, i]
            x = torch.linspace(float(values.min()), float(values.max()), 200, dtype=self.dtype, device=self.device)
        return self.curve((l, i, j), arrays.tensor(x, "x", "edge_curve").to(self.device, self.dtype))

    # ---- training

    def fit(
        self,
        data: Any,
        opt: str = "auto",
        steps: int = 100,
        *,
        lamb: float = 0.0,
        callbacks: Iterable[Callback] = (),
        validation: Any = None,
        progress: bool = True,
        **options: Any,
    ) -> History:
        """Train in place, and return the history of this training.

        Args:
            data: A `Dataset`, a pykan dict, or a pair `(inputs, labels)`. Class numbers (integers) as labels mean
                classification with cross-entropy. The names of the columns, if they have any, stay with the network; when it is trained
                again, the same columns may come in any order, and others are new data, which go by place.
            opt: `LM` (Levenberg-Marquardt), `LBFGS`, `Adam`; `auto` takes LM for least squares and cross-entropy up to
                a few thousand parameters, Adam with `batch`, else LBFGS. The history's `optimizer` says which.
            steps: Most steps; it ends before if it has converged.
            lamb: Weight of the penalty that makes the network sparse, ≥ 0.
            callbacks: Called with `(model, record)` after each step; one that returns True ends the training.
            validation: A pair `(inputs, labels)`; the state that is best on it is kept.
            progress: Whether to show a progress bar.
            **options: `lr` (of Adam and LBFGS; refused with LM, which finds the length of its steps itself), `batch` (rows of each
                step), `loss` (`"mse"`, `"cross_entropy"` or a function of outputs and labels),
                `metrics` (functions of outputs and labels, on the test data), `sample_weight`, `update_grid`,
                `grid_update_num`, `start_grid_update_step`, `stop_grid_update_step`, `lamb_l1`, `lamb_entropy`,
                `lamb_coef`, `lamb_coefdiff`, `reg_metric`, as in pykan; `seed` of the batches; `geodesic_acceleration=True` for LM steps
                that follow the valley where it turns, at twice the time: for fits down to round-off (without `lamb`, in float64).

        Returns:
            Losses of every step (RMSE for squared errors, else the mean loss), and why it stopped. Ctrl-C ends the
            training and keeps the best state.

        Raises:
            ValueError: For data or settings that don't fit; the model is then unchanged.

        Examples:
            >>> from kanwidget import create_dataset
            >>> data = create_dataset(lambda x: torch.sin(3 * x[:, [0]]) + x[:, [1]] ** 2, n_var=2, train_num=200)
            >>> history = KAN([2, 1], grid=5).fit(data, steps=20, progress=False)
            >>> history.optimizer, history.last.test_loss < 1e-2
            ('LM', True)
        """
        return fit(
            self, data, opt, steps, lamb=lamb, callbacks=callbacks, validation=validation, progress=progress, **options
        )

    def fit_steps(self, data: Any, opt: str = "auto", steps: int | None = 100, **options: Any) -> Trainer:
        """An iterator that trains in place and gives one `StepRecord` a step; options as in `fit`.

        To stop is to stop iterating. (`training` is what torch calls a module's own mode, so it isn't the name.)
        """
        return fit_steps(self, data, opt, steps, **options)

    def fit_residual(
        self, residuals: Mapping[str, Any], points: Mapping[str, Any], weights: Any = "auto", **options: Any
    ) -> ResidualHistory:
        """Train in place so that residuals of value and derivatives vanish, see `kanwidget.fit_residual`."""
        return fit_residual(self, residuals, points, weights, **options)

    # ---- structure: new models, but for those that say "in place"

    def refine(self, grid: int | Sequence[int], *, knots: KnotPlacement = "insert", data: Any = None) -> Self:
        """A new model with another number of grid intervals; more of them keep the function exactly."""
        x = None if knots == "insert" else as_inputs(self, data, "refine")
        return cast("Self", surgery.refine(self, grid, knots=knots, x=x))

    def update_grid(self, data: Any = None, *, grid_eps: float | None = None) -> None:
        """Move the knots to where the data is. In place."""
        surgery.update_grid(self, as_inputs(self, data, "update_grid"), grid_eps=grid_eps)
        record(self, "grid", "grid adapted")

    def prune(self, node_th: float = 1e-2, edge_th: float = 3e-2, *, data: Any = None) -> Self:
        """A new model without the nodes and edges that hardly matter."""
        return cast("Self", surgery.prune(self, as_inputs(self, data, "prune"), node_th, edge_th))

    def prune_node(self, threshold: float = 1e-2, *, active: Any = None, data: Any = None) -> Self:
        """A new model without the hidden nodes that hardly matter."""
        return cast("Self", surgery.prune_node(self, as_inputs(self, data, "prune_node"), threshold, active))

    def prune_edge(self, threshold: float = 3e-2, *, data: Any = None) -> Self:
        """A new model without the edges that hardly matter."""
        return cast("Self", surgery.prune_edge(self, as_inputs(self, data, "prune_edge"), threshold))

    def prune_input(self, threshold: float = 1e-2, *, active: Sequence[int] | None = None, data: Any = None) -> Self:
        """A new model that reads only the inputs that matter; it still takes data with all columns."""
        return cast("Self", surgery.prune_input(self, as_inputs(self, data, "prune_input"), threshold, active))

    def expand_width(self, level: int, n: int, *, product: bool = False, mult_arity: int = 2) -> Self:
        """A new model with n more nodes on a hidden level; the function stays."""
        return cast("Self", surgery.expand_width(self, level, n, product=product, mult_arity=mult_arity))

    def expand_depth(self, level: int | None = None) -> Self:
        """A new model with one more layer, of identities; the function stays."""
        return cast("Self", surgery.expand_depth(self, level))

    def remove_edge(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Prune one edge. In place."""
        surgery.remove_edge(self, l, i, j)

    def restore_edge(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Bring a pruned edge back. In place."""
        surgery.restore_edge(self, l, i, j)

    def remove_node(self, level: int, node: int, *, data: Any = None) -> Self:
        """A new model without one hidden node."""
        return cast(
            "Self",
            surgery.remove_node(self, level, node, as_inputs(self, data, "remove_node") if self._has(data) else None),
        )

    def swap(self, level: int, i1: int, i2: int) -> None:
        """Exchange two hidden nodes; the function stays. In place."""
        surgery.swap(self, level, i1, i2)

    def lock(self, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
        """Make edges `(i, j)` of a layer share one function. In place."""
        surgery.lock(self, l, edges)

    def unlock(self, l: int, edges: Sequence[tuple[int, int]]) -> None:  # noqa: E741
        """Undo `lock`; each edge starts from the shared function. In place."""
        surgery.unlock(self, l, edges)

    def freeze(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Keep an edge out of training. In place."""
        surgery.freeze(self, l, i, j)

    def unfreeze(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Let an edge train again. In place."""
        surgery.unfreeze(self, l, i, j)

    # ---- symbols

    def suggest_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        *,
        lib: Iterable[str] | None = None,
        topk: int | None = 5,
        data: Any = None,
        **options: Any,
    ) -> list[SymbolicFit]:
        """The functions that could replace an edge, best first. Changes nothing; see `kanwidget.symbolic`."""
        from kanwidget import symbolic

        return symbolic.suggest_symbolic(
            self, l, i, j, as_inputs(self, data, "suggest_symbolic"), lib=lib, topk=topk, **options
        )

    def fix_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        name: str,
        *,
        params: Sequence[float] | None = None,
        keep_spline: bool = False,
        data: Any = None,
    ) -> SymbolicFit:
        """Replace an edge by c·f(a·x + b) + d. In place; see `kanwidget.symbolic`."""
        from kanwidget import symbolic

        x = as_inputs(self, data, "fix_symbolic")
        fit = symbolic.fix_symbolic(self, l, i, j, name, x, params=params, keep_spline=keep_spline)
        record(self, "fix", f"fixed edge {(l, i, j)} to {fit.name}")
        return fit

    def unfix_symbolic(self, l: int, i: int, j: int) -> None:  # noqa: E741
        """Bring back the spline that a symbol replaced. In place."""
        from kanwidget import symbolic

        name = self.check_edge(l, i, j, "unfix_symbolic").symbol(i, j)
        symbolic.unfix_symbolic(self, l, i, j)
        if name is not None:
            record(self, "unfix", f"edge {(l, i, j)} is no longer {name}")

    def auto_symbolic(
        self, *, lib: Iterable[str] | None = None, data: Any = None, **options: Any
    ) -> list[tuple[EdgeRef, SymbolicFit]]:
        """Replace every edge by its best candidate. In place; `fit_formula` then gives the formula with its standard errors."""
        from kanwidget import symbolic

        done = symbolic.auto_symbolic(self, as_inputs(self, data, "auto_symbolic"), lib=lib, **options)
        if done:
            record(self, "fix", f"fixed {listed('edge', [edge for edge, _ in done])}")
        return done

    def symbolic_formula(self, var: Sequence[Any] | None = None, **options: Any) -> tuple[list[Any], list[Any]]:
        """The outputs as sympy expressions, and the variables; numeric edges stand in as named functions."""
        from kanwidget import symbolic

        return symbolic.symbolic_formula(self, var, **options)

    def formula(self, var: Sequence[Any] | None = None, **options: Any) -> Any:
        """The one expression of a network with one output; `fit_formula` tells how sure its constants are."""
        from kanwidget import symbolic

        return symbolic.formula(self, var, **options)

    def fit_formula(self, data: Any, var: Sequence[Any] | None = None) -> Any:
        """The formula as `kanwidget fit --symbolic` prints it: constants fitted to data, without needless ones, with errors."""
        from kanwidget import symbolic

        return symbolic.fit_formula(self, data, var)

    # ---- reading it

    def attribute(self, l: int | None = None, i: int | None = None, *, data: Any = None) -> Scores:  # noqa: E741
        """How much every node and edge matters for the outputs, or for node i of level l."""
        return attribute(self, as_inputs(self, data, "attribute"), l, i)

    @property
    def feature_score(self) -> Tensor:
        """How much every column of the data matters, `(n_features,)`, on the reference data."""
        return feature_score(self, as_inputs(self, None, "feature_score"))

    def feature_interaction(self, l: int | None = None, *, data: Any = None, **thresholds: float) -> dict[Any, int]:  # noqa: E741
        """Which columns of the data act together in the nodes of a level, and how often."""
        return feature_interaction(self, as_inputs(self, data, "feature_interaction"), l, **thresholds)

    @property
    def node_scores(self) -> tuple[Tensor, ...]:
        """Per level of nodes, how much each matters, on the reference data."""
        return self.attribute().node_scores

    @property
    def edge_scores(self) -> tuple[Tensor, ...]:
        """Per layer, how much each edge matters, `(out, in)`, on the reference data."""
        return self.attribute().edge_scores

    def plot(self, *, data: Any = None, **options: Any) -> Any:
        """The network as one matplotlib figure (a `;` hides it); see `kanwidget.insight.plot` for `beta`, `metric`, `in_vars`, …"""
        from kanwidget.insight.plot import plot

        return plot(self, as_inputs(self, data, "plot"), **options)

    def plot_edge(self, l: int, i: int, j: int, *, data: Any = None, **options: Any) -> Any:  # noqa: E741
        """One edge as a matplotlib figure: its parts, the data under it, and its grid."""
        from kanwidget.insight.plot import plot_edge

        return plot_edge(self, l, i, j, as_inputs(self, data, "plot_edge"), **options)

    def plot_fit(self, data: Any, **options: Any) -> Any:
        """Predictions against the truth, and the residuals, as a matplotlib figure; `theme` and `title`."""
        from kanwidget.insight.plot import plot_fit

        return plot_fit(self, data, **options)

    def plot_history(self, **options: Any) -> Any:
        """The losses of all trainings of this model as a matplotlib figure."""
        from kanwidget.insight.plot import plot_history

        return plot_history(self.history, **options)

    # ---- files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one file, bit for bit."""
        storage.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], map_location: torch.device | str = "cpu") -> Self:
        """Read a model that `save` wrote. Loading runs no code of the file."""
        return storage.load(path, cls, map_location)

    def _has(self, data: Any) -> bool:
        return data is not None or len(self.reference) > 0

    def __repr__(self) -> str:
        shape = [sums if not products else [sums, products] for sums, products in self.width]
        return f"KAN({shape}, grid={self.grid}, k={self.k}, {len(self.edge_refs(active=True))} active edges)"
