"""`KAN`, the class that users hold: a network, plus one-line methods that hand over to the rooms below."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, overload

import torch
from torch import Tensor
from typing_extensions import Self

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget._types import Arities, LayerWidth
from kanwidget.core import storage
from kanwidget.core.arguments import (
    check_base_fun,
    check_device,
    check_logs,
    check_start,
    normalize_arities,
    normalize_grids,
    normalize_range,
    normalize_width,
)
from kanwidget.core.records import History
from kanwidget.core.reference_data import as_inputs, warn_of_rows
from kanwidget.core.starts import initial_layers, nearest_edges
from kanwidget.core.threads import limit_threads_of_methods
from kanwidget.datasets.dataset import Split
from kanwidget.growth import grown
from kanwidget.kan.for_data import FIRST_GRID, TableOptions, dataset_for, width_for
from kanwidget.kan.queries import QueryableKAN
from kanwidget.training import Trainer, fit, fit_steps
from kanwidget.training.evidence.errors import noise_errors, output_errors, valid_posterior
from kanwidget.training.extension import extend
from kanwidget.training.residuals import ResidualHistory, fit_residual
from kanwidget.training.steps.trainer import Callback


@limit_threads_of_methods(but=("fit", "fit_steps", "fit_residual", "extend"))  # trainings do it step by step
class KAN(QueryableKAN):
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
        sparse_init: Whether only edges between neighbours are there at the start, and all others pruned: `restore_edge` brings one in.
        log: Names (or numbers) of columns, and of the target, whose logarithm shall be the network's first, or last, step: for those
            that are positive and span more than a decade. Names are looked up at the first `fit`.
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

    @short_refusals
    def __init__(
        self,
        width: Sequence[LayerWidth],  # of each level, inputs first, the number of sums, or [sums, products]
        grid: int | Sequence[int] = 3,  # intervals of the splines, for all layers or one number a layer
        k: int = 3,  # order of the splines
        *,
        mult_arity: int | Arities = 2,  # factors of the product nodes
        base_fun: str = "silu",  # name of the function beside each spline
        grid_range: tuple[float, float] = (-1.0, 1.0),  # ends of the inputs' first grids
        grid_eps: float = 0.5,  # 0: later grids follow quantiles of the data, 1: they are uniform
        noise_scale: float = 1.0,  # size of the random splines
        sparse_init: bool = False,  # whether only edges between neighbours are there at the start
        log: Sequence[str | int] = (),  # columns, or the target, to take the logarithm of
        seed: int = 0,
        dtype: torch.dtype = torch.float64,
        device: torch.device | str = "cpu",
    ) -> None:
        pairs = normalize_width(width)  # numbers of sums and of products of each level of nodes
        arities = normalize_arities(mult_arity, pairs)
        grids = normalize_grids(grid, len(pairs) - 1)
        _check.integer(k, "k", "KAN", low=0, advice="3 makes cubic splines.")
        check_base_fun(base_fun)
        low, high = normalize_range(grid_range)
        check_start(noise_scale, sparse_init, dtype)
        generator = torch.Generator().manual_seed(_check.integer(seed, "seed", "KAN", low=0))
        layers = initial_layers(
            pairs,
            arities,
            grids,
            k,
            grid_range=(low, high),
            base_fun=base_fun,
            noise_scale=noise_scale,
            generator=generator,
            dtype=dtype,
        )
        if sparse_init:
            for layer in layers:
                layer.spline_on.copy_(nearest_edges(layer.in_dim, layer.out_dim))
        super().__init__(pairs, arities, layers)
        self.log = check_logs(log, "KAN")
        self.grid_eps = _check.real(grid_eps, "grid_eps", "KAN", low=0, high=1)
        self.seed = seed
        self.history = History()
        self.to(check_device(device))

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

    @classmethod
    @short_refusals
    def for_data(
        cls,
        data: Any,
        target: str | Sequence[str] | None = None,
        width: Sequence[LayerWidth] | str = "auto",
        grid: int | Sequence[int] | None = None,
        k: int = 3,
        **options: Any,
    ) -> Self:
        """A network for data, with an input for each column, and an output for each target or class.

        By default the data decide about its shape: it begins as a sum of a curve of each column, and gets finer grids, products of two
        columns and hidden nodes as long as the evidence for it grows (see `fit(evidence=…)`). This trains it on at most 4,000 rows, and
        takes seconds; `fit` goes on with all.

        Args:
            data: What `fit` takes, or a data frame with the name of its target.
            target: The column, or columns, of a frame that the network is to predict.
            width: As in `KAN`, such as `[2, 5, 1]`, for an untrained network of this shape; `auto` lets it grow.
            grid: As in `KAN`; where the network grows, the grid that it begins with. 3, or 8 where it grows.
            k: As in `KAN`.
            **options: Of `KAN`.

        Examples:
            >>> from kanwidget import load_trees
            >>> KAN.for_data(load_trees(), width=[2, 3, 1])
            KAN([2, 3, 1], grid=3, k=3, 9 active edges)
            >>> from kanwidget import create_dataset
            >>> KAN.for_data(create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=3, train_num=100)).width
            [[3, 0], [1, 1], [1, 0]]
        """
        dataset = dataset_for(data, TableOptions(target, Split(test_fraction=0)), "KAN.for_data")
        shape = width_for(dataset, width, "KAN.for_data")
        if not isinstance(width, str):
            return cls(shape, 3 if grid is None else grid, k, **options)
        return grown(cls(shape, FIRST_GRID if grid is None else grid, k, **options), dataset)

    # ---- using it

    @overload
    def predict(self, data: Any, return_std: Literal[False] = False, *, noise: bool = False) -> Tensor: ...

    @overload
    def predict(self, data: Any, return_std: Literal[True], *, noise: bool = False) -> tuple[Tensor, Tensor]: ...

    @short_refusals
    def predict(self, data: Any, return_std: bool = False, *, noise: bool = False) -> Tensor | tuple[Tensor, Tensor]:
        """Outputs for arrays, lists, frames or tensors of any float type, `(batch, n_out)`, no gradient: numbers in the target's
        unit. After a classification they are scores, a column for each class: `classify` says which class, `probabilities` how surely.

        Columns that `fit` knew by name are taken by name, in any order; renamed ones, of which none has such a name, by place. A Dataset
        (or pykan dict) stands for its test inputs, or its training inputs where it has none. Scores are logits: the highest is the class,
        `softmax(1)` makes probabilities. Beyond the rows of a training with evidence, curves of a network without hidden nodes go on less
        steeply where these leave the slope uncertain; those of `model(x)` go on along straight lines.

        Args:
            data: The rows.
            return_std: Whether to return standard errors of the outputs beside them, `(batch, n_out)` too: what the training data leave
                open, from the posterior of the last `fit` (see `fit(evidence=…)`).
            noise: Whether these are for new rows, whose own noise is added.

        Raises:
            ValueError: For rows that don't fit the network; with `return_std`, if the last training has left no posterior, or parameters
                have changed since.

        Examples:
            >>> KAN([2, 1], seed=1).predict([[0.0, 0.5], [1.0, -1.0]]).shape
            torch.Size([2, 1])
            >>> from kanwidget import load_trees
            >>> model = KAN.for_data(load_trees(), width=[2, 1])
            >>> history = model.fit(load_trees(), progress=False)
            >>> volume, error = model.predict(load_trees(), return_std=True)
            >>> bool((error < 3).all())  # cubic feet
            True

        References:
            Rasmussen and Williams, "Gaussian Processes for Machine Learning" (2006), chapter 2 (the errors of a linear model).
        """
        x = as_inputs(self, data, "predict", test=True)
        warn_of_rows(self, x)
        output = self._predicted(x)
        if not return_std:
            return output
        posterior = valid_posterior(self)
        if posterior is None:
            advice = "Call fit, with opt='LM', without lamb and for 30 steps or more: it leaves the posterior that errors come from."
            _check.fail("return_std", "predict", "False for this network", True, advice)
        error = output_errors(self, posterior, x)
        return output, (error**2 + noise_errors(self, posterior, x) ** 2).sqrt() if noise else error

    # ---- training

    @short_refusals
    def fit(
        self,
        data: Any,
        opt: str = "auto",
        steps: int = 100,
        *,
        lamb: float = 0.0,
        callbacks: Iterable[Callback] = (),
        log: Sequence[str | int] | None = None,
        validation: Any = None,
        progress: bool = True,
        **options: Any,
    ) -> History:
        """Train in place, and return the history of this training.

        Args:
            data: A `Dataset`, a pykan dict, a pair `(inputs, labels)`, or a frame with the name of its target, `(frame, "y")`: see
                `Dataset.from_frame` for words, dates and missing cells. Class numbers (integers) as labels mean
                classification with cross-entropy. The names of the columns, if they have any, stay with the network; when it is trained
                again, the same columns may come in any order, and others are new data, which go by place.
            opt: `LM` (Levenberg-Marquardt), `LBFGS`, `Adam`; `auto` takes LM for least squares and cross-entropy up to
                a few thousand parameters, Adam with `batch`, else LBFGS. The history's `optimizer` says which.
            steps: Most steps; it ends before if it has converged.
            lamb: Weight of the penalty that makes the network sparse, ≥ 0.
            callbacks: Called with `(model, record)` after each step; one that returns True ends the training.
            log: Of the first training: columns, or the target, to take the logarithm of, as `log` of `KAN`.
            validation: A pair `(inputs, labels)`, or data of any other form; the state that is best on it is kept. A number such as 0.2
                sets this part of the training rows aside.
            progress: Whether to show a progress bar.
            **options: Further settings, each by its name:

                - `lr`: of Adam and LBFGS; refused with LM, which finds the length of its steps itself
                - `batch`: rows of each step
                - `rows`: a large table's training begins with a sample, which grows as the error stalls, and takes all rows last:
                  `"auto"`, the rows to begin with, or None for all from the first step on
                - `loss`: `"mse"`, `"cross_entropy"` or a function of outputs and labels
                - `metrics`: functions of outputs and labels, on the test data
                - `sample_weight`: how much each training row counts; with those of the test and validation rows after them these
                  count in the held-out errors
                - `update_grid`, `grid_update_num`, `start_grid_update_step`, `stop_grid_update_step`: as in pykan
                - `lamb_l1`, `lamb_entropy`, `lamb_coef`, `lamb_coefdiff`, `reg_metric`: of the penalty, as in pykan
                - `seed`: of the batches
                - `evidence`: whether the data set the noise and how smooth each edge is (by default wherever LM trains without `lamb`,
                  `continual`, `smoothness` or `geodesic_acceleration`): noisy rows are then not learnt by heart, and the network
                  knows its errors, see `predict`
                - `averages`: whether curves of a sum are in the end what they are on average over all smoothness that the data leave
                  open (by default), or under the likeliest one alone
                - `coarse`: whether networks with hidden nodes first find their coarse shape, waves above all, before evidence makes curves
                  smooth (by default); where nodes are added to curves that have theirs, False keeps them from fitting noise
                - `geodesic_acceleration`: True for LM steps that follow the valley where it turns, at twice the time: for fits down to
                  round-off (without `lamb`, in float64)
                - `continual`: True for data that leave out inputs learnt before: grids stay, and so does what the new data don't
                  decide (splines are local, base functions aren't: `base_fun="zero"`)
                - `smoothness`: ≥ 0, for LM: where data are thin, splines go on as polynomials of degree five. It weighs the mean
                  square of sixth derivatives over a grid of length 1, in parts of the loss: 1e-10 is much for a wave of several
                  periods

        Returns:
            Losses of every step (RMSE for squared errors, else the mean loss), and why it stopped; with evidence also `noise`, the
            standard deviation of the labels' noise, `freedom`, how many parameters the data have determined, and `log_evidence`.
            `model.posterior` then has the degrees of freedom of every edge: near 0 it isn't needed, near 1 it is a straight line.
            Ctrl-C ends the training and keeps the best state.

        Raises:
            ValueError: For data or settings that don't fit; the model is then unchanged.

        Examples:
            >>> from kanwidget import create_dataset
            >>> data = create_dataset(lambda x: torch.sin(3 * x[:, [0]]) + x[:, [1]] ** 2, n_var=2, train_num=200)
            >>> history = KAN([2, 1], grid=5).fit(data, steps=20, progress=False)
            >>> history.optimizer, history.last.test_loss < 1e-2
            ('LM', True)
            >>> noisy = (data.train_input, data.train_label + 0.1 * torch.randn(200, 1, generator=torch.Generator().manual_seed(1)))
            >>> round(KAN([2, 1], grid=8).fit(noisy, progress=False).last.noise, 1)
            0.1

        References:
            Wood and Fasiolo, "A generalized Fellner-Schall method for smoothing parameter optimization", arXiv:1606.04802 (evidence).
        """
        return fit(
            self,
            data,
            opt,
            steps,
            lamb=lamb,
            callbacks=callbacks,
            log=log,
            validation=validation,
            progress=progress,
            **options,
        )

    def fit_steps(self, data: Any, opt: str = "auto", steps: int | None = 100, **options: Any) -> Trainer:
        """An iterator that trains in place and gives a `StepRecord` a step, with `steps=None` until it has converged. Options as in `fit`.

        To stop is to stop iterating. (`training` is what torch calls a module's own mode, so it isn't the name.)

        Examples:
            >>> data = ([[0.0], [0.5], [1.0]], [0.0, 1.0, 0.0])
            >>> [record.step for record in KAN([1, 1]).fit_steps(data, steps=2)]
            [1, 2]
        """
        return fit_steps(self, data, opt, steps, **options)

    def fit_residual(
        self, residuals: Mapping[str, Any], points: Mapping[str, Any], weights: Any = "auto", **options: Any
    ) -> ResidualHistory:
        """Train in place so that residuals of value and derivatives vanish at points, both by name: see `kanwidget.fit_residual`.

        Examples:
            >>> x = torch.linspace(0, 1, 9, dtype=torch.float64)[:, None]
            >>> model = KAN([1, 1], k=4, grid_range=(0, 1))
            >>> residuals = {"equation": lambda u: u.d(0) - 1, "start": lambda u: u.value}
            >>> history = model.fit_residual(residuals, {"equation": x, "start": x[:1]}, steps=9, progress=False)
            >>> round(float(model.predict([[0.5]])), 3)
            0.5
        """
        return fit_residual(self, residuals, points, weights, **options)

    @short_refusals
    def extend(
        self,
        data: Any,
        grids: Sequence[int | Sequence[int]] | str = "auto",
        *,
        starts: int | str = "auto",
        steps: int = 100,
        target: float | None = None,
        seed: int = 0,
        progress: bool = True,
        **options: Any,
    ) -> Self:
        """Train, refine the grids, train again, as long as the error on held-out rows becomes smaller: a new model.

        Without a validation part each quarter of the training rows is held out in turn, or a fifth of 1,000 rows and more: they choose
        grid and knots, and the last training takes them in, too. Test data are never used. The history tells which grids were taken,
        and why it ended. Where LM fits down to round-off, fine hidden grids reach a little beyond their samples and are trained with
        `smoothness`, see `fit`: other rows have activations in tails where samples are thin. A network that ends with such a grid has
        no last training.

        Args:
            data: As for `fit`.
            grids: Numbers of intervals to try, each one for all layers or a list, one a layer; `auto` doubles the model's own
                as long as there are rows enough for every parameter.
            starts: Random starts on the first grid, ≥ 1, of which the best goes on; `auto` takes some for a model with hidden nodes
                that was never trained, and 1 otherwise.
            steps: Most steps of each training, ≥ 1.
            target: A held-out error, in the unit of the labels, at which it ends, > 0.
            seed: Of the rows held out and of the starts. The same seed gives the same result.
            progress: Whether to show a progress bar, a step a grid.
            **options: Of `fit`, such as `lamb` or `opt`; LM takes `geodesic_acceleration` where it can.

        Returns:
            The model with the grid that did best. Ctrl-C ends the search with the best so far, which hasn't seen the held-out rows; on the
            first grid there is none, and it is raised.

        Raises:
            ValueError: For data or settings that don't fit, and for a model without splines.

        Examples:
            >>> from kanwidget import create_dataset
            >>> data = create_dataset(lambda x: torch.sin(3 * x), n_var=1, train_num=200)
            >>> model = KAN([1, 1], grid=3).extend(data, target=1e-4, progress=False)
            >>> model.grid, bool((model.predict(data) - data.test_label).abs().max() < 1e-3)
            (12, True)

        References:
            Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756, section 2.4.
        """
        return extend(
            self, data, grids, starts=starts, steps=steps, target=target, seed=seed, progress=progress, **options
        )

    # ---- files

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to one file, bit for bit.

        Examples:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     KAN([2, 1]).save(folder + "/m.kan")
        """
        storage.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str], map_location: torch.device | str = "cpu") -> Self:
        """Read a model that `save` wrote. Loading runs no code of the file.

        Examples:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     KAN([2, 1]).save(folder + "/m.kan")
            ...     KAN.load(folder + "/m.kan")
            KAN([2, 1], grid=3, k=3, 2 active edges)
        """
        return storage.load(path, cls, map_location)

    def __repr__(self) -> str:
        shape = [sums if not products else [sums, products] for sums, products in self.width]
        return f"KAN({shape}, grid={self.grid}, k={self.k}, {len(self.edge_refs(active=True))} active edges)"
