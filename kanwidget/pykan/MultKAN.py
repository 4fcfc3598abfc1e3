"""pykan's class of networks, on those of kanwidget."""

from __future__ import annotations

import copy
import os
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import Self

import kanwidget
from kanwidget import simplification
from kanwidget.pykan.functions import SymbolicRow, symbolic_row
from kanwidget.pykan.network import fitting, pictures, starts
from kanwidget.pykan.network.layers import SplineLayer, SymbolicLayer
from kanwidget.pykan.network.versions import Versions
from kanwidget.pykan.words import MISSING, refuse, say_ignored

__all__ = ["KAN", "MultKAN"]

#: Inputs of the last call that are kept, for what pykan computes from its hidden state.
_ROWS = 512


class MultKAN(nn.Module):
    """A network with pykan's methods and habits: `network` is the `kanwidget.KAN` that does the work.

    It remembers at most 512 rows of the last inputs, follows torch's default type, edits in place where pykan does, and keeps its
    versions in memory. What else a `kanwidget.KAN` has, such as `fit_formula`, it has too.

    Args:
        width: Nodes of each layer, `[2, 5, 1]` or `[2, [5, 2], 1]`; it isn't changed.
        grid: Grid intervals, or one number a layer.
        k: Order of the splines.
        mult_arity: Factors of the products.
        noise_scale: Size of the random splines at the start, divided by `grid`, as in pykan; None for kanwidget's.
        scale_base_mu: Mean of the random base factors, in units of 1/√inputs.
        scale_base_sigma: Their spread, likewise.
        base_fun: `silu`, `identity`, `zero`, or a primitive's name.
        symbolic_enabled: No effect: functions cost nothing where there are none.
        affine_trainable: No effect: factors and constants are part of the edges.
        grid_eps: Between 0 (grids follow the data's quantiles) and 1 (uniform); None for kanwidget's.
        grid_range: First and last point of the first grids.
        sp_trainable: No effect: the factor of a spline is part of its coefficients.
        sb_trainable: No effect where `base_fun` isn't `zero`, which has nothing to train.
        seed: Of the random start; torch's global random state is left alone.
        save_act: No effect: activations are computed when asked for.
        sparse_init: Whether only edges between neighbours are there at the start.
        auto_save: Whether versions are kept, in memory.
        first_init: No effect.
        ckpt_path: No effect: `saveckpt(path)` writes files.
        state_id: Number of the version to begin with.
        round: Number of the round, likewise.
        device: Where it computes.

    Raises:
        ValueError: For a shape, grid or order that makes no network.

    Examples:
        >>> model = MultKAN(width=[2, 5, 1], grid=3, k=3, seed=42)
        >>> model(torch.rand(10, 2)).shape
        torch.Size([10, 1])

    References:
        Liu et al., "KAN 2.0: Kolmogorov-Arnold Networks Meet Science", arXiv:2408.10205.
    """

    network: kanwidget.KAN
    _trace: starts.Trace

    def __init__(
        self,
        width: Sequence[Any],
        grid: Any = 3,
        k: int = 3,
        mult_arity: Any = 2,
        noise_scale: float | None = None,
        scale_base_mu: float = 0.0,
        scale_base_sigma: float = 1.0,
        base_fun: Any = "silu",
        symbolic_enabled: bool = True,
        affine_trainable: bool = False,
        grid_eps: float | None = None,
        grid_range: Sequence[float] = (-1, 1),
        sp_trainable: bool = True,
        sb_trainable: bool = True,
        seed: int = 1,
        save_act: bool = True,
        sparse_init: bool = False,
        auto_save: bool = True,
        first_init: bool = True,
        ckpt_path: str = "./model",
        state_id: int = 0,
        round: int = 0,
        device: Any = "cpu",
    ) -> None:
        super().__init__()
        if affine_trainable:
            say_ignored("KAN", "factors and constants are part of the edges.", affine_trainable=True)
        if not sb_trainable and base_fun != "zero":
            say_ignored("KAN", "base functions are trained; base_fun='zero' has none.", sb_trainable=False)
        if not isinstance(width, Sequence) or isinstance(width, str):
            raise ValueError(
                f"the `width` argument of KAN must be a list of numbers of nodes, such as [2, 5, 1]; got {width!r}."
            )
        if len(np.atleast_1d(np.asarray(grid_range))) != 2:
            raise ValueError(f"the `grid_range` argument of KAN must be two numbers; got {grid_range!r}.")
        dtype = torch.get_default_dtype()
        more: dict[str, Any] = {} if grid_eps is None else {"grid_eps": grid_eps}
        grids = _grids(grid)
        self.network = kanwidget.KAN(
            list(width),
            grids,
            k,
            mult_arity=mult_arity,
            base_fun=_base_name(base_fun),
            grid_range=(float(grid_range[0]), float(grid_range[1])),
            noise_scale=1.0 if noise_scale is None else noise_scale / (grids if isinstance(grids, int) else max(grids)),
            sparse_init=sparse_init,
            seed=seed,
            dtype=dtype if dtype in (torch.float32, torch.float64) else torch.float64,
            **more,
        )
        if base_fun != "zero":
            starts.rescale_base(self.network, scale_base_mu, starts.GAIN * scale_base_sigma)
        self.auto_save, self.save_act, self.ckpt_path = auto_save, save_act, ckpt_path
        self.round, self.state_id = round, state_id
        self._versions = Versions()
        self._remembers = True
        if tuple(grid_range) != (-1, 1):
            starts.settle_scales(self.network)
        self.to(device)
        self._store()

    # ---- using it

    def forward(self, x: Any, singularity_avoiding: bool = False, y_th: float = 10.0) -> Tensor:
        """Outputs `(rows, outputs)`. A sample of the inputs is kept for `plot`, `prune`, `fix_symbolic` and the like.

        Examples:
            >>> MultKAN([2, 1])(torch.zeros(3, 2)).shape
            torch.Size([3, 1])
        """
        x = torch.as_tensor(x)
        x = x.to(self.network.device, self.network.dtype)
        self._notice_own_loops()
        y: Tensor = self.network(x)
        if self._remembers:
            self._remember(x)
        return y

    def _notice_own_loops(self) -> None:
        """What a training loop of a person's own has learnt is in the units of the data: a later `fit` must not rescale it."""
        if self._remembers and self._trace.written(self.network):
            starts.settle_scales(self.network)
            self._trace = starts.Trace(self.network)

    def _remember(self, x: Tensor) -> None:
        """Keep a sample of the inputs. Not of those within torch.func's transforms, which must not outlive them."""
        if x.ndim == 2 and len(x) and not torch._C._functorch.is_functorch_wrapped_tensor(x):
            step = max(1, -(-len(x) // _ROWS))
            self.network.reference = x.detach()[::step].clone()

    def get_act(self, x: Any = None) -> None:
        """Remember inputs, a tensor or a dataset, for `plot`, `prune`, `fix_symbolic` and the like.

        Examples:
            >>> model = MultKAN([2, 1])
            >>> model.get_act(torch.rand(100, 2))
            >>> model.network.reference.shape
            torch.Size([100, 2])
        """
        x = x["train_input"] if isinstance(x, dict) else x
        if x is not None:
            with torch.no_grad():
                self.forward(x)

    def to(self, *args: Any, **options: Any) -> Self:
        """As any torch module."""
        return super().to(*args, **options)

    def speed(self, compile: bool = False) -> Self:
        """Nothing: no time is spent on functions and activations that nobody asks for.

        Examples:
            >>> model = MultKAN([2, 1])
            >>> model.speed() is model
            True
        """
        return self

    # ---- training

    def fit(
        self,
        dataset: dict[str, Any],
        opt: str = "LBFGS",
        steps: int = 100,
        log: int = 1,
        lamb: float = 0.0,
        lamb_l1: float = 1.0,
        lamb_entropy: float = 2.0,
        lamb_coef: float = 0.0,
        lamb_coefdiff: float = 0.0,
        update_grid: bool = True,
        grid_update_num: int = 10,
        loss_fn: Any = None,
        lr: float | None = None,
        start_grid_update_step: int = -1,
        stop_grid_update_step: int = 50,
        batch: int = -1,
        metrics: Sequence[Callable[[], Any]] | None = None,
        save_fig: bool = False,
        in_vars: Sequence[Any] | None = None,
        out_vars: Sequence[Any] | None = None,
        beta: float = 3,
        save_fig_freq: int = 1,
        img_folder: str = "./video",
        singularity_avoiding: bool = False,
        y_th: float = 1000.0,
        reg_metric: str = "edge_forward_spline_n",
        display_metrics: Sequence[str] | None = None,
    ) -> dict[str, list[Any]]:
        """Train in place.

        Args:
            dataset: A dict with `train_input`, `train_label`, `test_input` and `test_label`.
            opt: `LBFGS` trains with Levenberg-Marquardt where it can, on all rows, with four steps for one of pykan's; `Adam` ends with
                its best step; `torch-LBFGS` is LBFGS itself.
            steps: Most steps; it ends before if it has converged.
            log: No effect.
            lamb: Weight of the penalty.
            lamb_l1: Of its sum of sizes.
            lamb_entropy: Of its entropies.
            lamb_coef: Of the coefficients' size.
            lamb_coefdiff: Of their differences.
            update_grid: Whether grids follow the activations.
            grid_update_num: How often.
            loss_fn: The mean squared error by default.
            lr: Learning rate of Adam and `torch-LBFGS`; 0.01 and 1 by default.
            start_grid_update_step: First step of the grids' updates.
            stop_grid_update_step: Last one.
            batch: Rows of each step of Adam and `torch-LBFGS`, -1 for all.
            metrics: Functions without arguments, called after each step.
            save_fig: Whether to draw the network after steps, into files.
            in_vars: Names of the inputs in these pictures.
            out_vars: Names of the outputs.
            beta: Opacity of the edges.
            save_fig_freq: Steps from one picture to the next.
            img_folder: Where the pictures go.
            singularity_avoiding: No effect: no step leaves a value that isn't finite.
            y_th: No effect.
            reg_metric: What the penalty measures.
            display_metrics: No effect: the progress bar has its own.

        Returns:
            `train_loss`, `test_loss` (root mean squared errors, else the mean loss), `reg` and the metrics, one number a step.

        Examples:
            >>> import warnings
            >>> from kanwidget.pykan import create_dataset
            >>> data = create_dataset(lambda x: torch.sin(3 * x[:, [0]]), n_var=1, train_num=100)
            >>> with warnings.catch_warnings():
            ...     warnings.simplefilter("ignore")
            ...     results = MultKAN([1, 1], grid=5).fit(data, steps=10)
            >>> bool(results["train_loss"][-1] < 0.01)
            True
        """
        data = fitting.parts_of(dataset)
        label = torch.as_tensor(data["train_label"])
        named = fitting.loss_options(loss_fn, label)
        root = label.is_floating_point() and named.get("loss", "mse") == "mse"
        options: dict[str, Any] = {
            "lamb": lamb,
            "lamb_l1": lamb_l1,
            "lamb_entropy": lamb_entropy,
            "lamb_coef": lamb_coef,
            "lamb_coefdiff": lamb_coefdiff,
            "update_grid": update_grid,
            "grid_update_num": grid_update_num,
            "reg_metric": reg_metric,
            **fitting.optimizer_options(opt, lr, batch),
            **named,
        }
        self._notice_own_loops()
        self._remembers = False
        try:
            # What a training begins with settles the scales, and the optimizer of "auto".
            options["opt"] = self.network.fit_steps(data, steps=0, **options).opt
            factor = fitting.STEPS[options["opt"]] if opt == "LBFGS" else 1
            options["start_grid_update_step"] = factor * max(0, start_grid_update_step)
            options["stop_grid_update_step"] = factor * stop_grid_update_step
            measures = fitting.Metrics(metrics, factor)
            best = fitting.BestStep(root=root) if opt == "Adam" and "batch" not in options and loss_fn is None else None
            callbacks: list[Any] = [measures, *([] if best is None else [best])]
            if save_fig:
                look = {"in_vars": in_vars, "out_vars": out_vars, "beta": beta}
                callbacks.append(fitting.Frames(img_folder, save_fig_freq, factor, look))
            trial = factor * steps // 4
            if factor > 1 and update_grid and trial >= 5 and starts.is_open(self.network):
                steps = 0 if starts.choose(self.network, data, trial, options, root=root) else steps
            history = self.network.fit(data, steps=factor * steps, callbacks=callbacks, **options)
            ended = None if best is None else best.restore(self.network)
            if ended is not None:
                measures.evaluate(anew=True)
        finally:
            self._remembers = True
        self._store(next_version=True)
        return fitting.results_of(history, steps, measures, lamb, ended)

    def evaluate(self, dataset: dict[str, Tensor]) -> dict[str, Any]:
        """The error on the test rows, and the network's size.

        Examples:
            >>> data = {"test_input": torch.zeros(2, 1), "test_label": torch.zeros(2, 1)}
            >>> sorted(MultKAN([1, 1]).evaluate(data))
            ['n_edge', 'n_grid', 'test_loss']
        """
        with torch.no_grad():
            error = (
                (self.network(dataset["test_input"].to(self.network.dtype)) - dataset["test_label"])
                .square()
                .mean()
                .sqrt()
            )
        return {"test_loss": float(error), "n_edge": self.n_edge, "n_grid": self.network.grid}

    def get_params(self) -> Iterable[nn.Parameter]:
        """The parameters."""
        return self.parameters()

    # ---- grids

    def update_grid_from_samples(self, x: Any) -> None:
        """Move the grids to where the inputs are. In place.

        Examples:
            >>> model = MultKAN([1, 1], grid=5)
            >>> model.update_grid_from_samples(torch.linspace(-10, 10, 101)[:, None])
            >>> bool(model.act_fun[0].grid.max() > 10)
            True
        """
        starts.settle_scales(self.network)
        self.network.update_grid(x.detach() if isinstance(x, Tensor) else x)

    def update_grid(self, x: Any) -> None:
        """As `update_grid_from_samples`."""
        self.update_grid_from_samples(x)

    def refine(self, new_grid: Any) -> Self:
        """A network with finer grids that computes the same.

        Examples:
            >>> MultKAN([1, 1], grid=3).refine(6).network.grid
            6
        """
        return self._next(self.network.refine(_grids(new_grid)))

    # ---- structure

    def prune(self, node_th: float = 1e-2, edge_th: float = 3e-2) -> Self:
        """A smaller network, without nodes and edges that hardly matter.

        Examples:
            >>> model = MultKAN([2, 5, 1])
            >>> model.get_act(torch.rand(100, 2))
            >>> model.prune(node_th=10.0).width
            [[2, 0], [1, 0], [1, 0]]
        """
        return self._next(self.network.prune(node_th, edge_th))

    def prune_node(
        self,
        threshold: float = 1e-2,
        mode: str = "auto",
        active_neurons_id: Sequence[Sequence[int]] | None = None,
        log_history: bool = True,
    ) -> Self:
        """A smaller network, without nodes that hardly matter, or with those of `active_neurons_id` alone.

        Examples:
            >>> model = MultKAN([2, 5, 1])
            >>> model.get_act(torch.rand(100, 2))
            >>> model.prune_node(active_neurons_id=[[0, 3]]).width
            [[2, 0], [2, 0], [1, 0]]
        """
        return self._next(self.network.prune_node(threshold, active=active_neurons_id))

    def prune_input(
        self, threshold: float = 1e-2, active_inputs: Sequence[int] | None = None, log_history: bool = True
    ) -> Self:
        """A network without inputs that hardly matter; it takes the same table as before.

        Examples:
            >>> model = MultKAN([3, 1])
            >>> model.get_act(torch.rand(100, 3))
            >>> model.prune_input(active_inputs=[0, 2]).width
            [[2, 0], [1, 0]]
        """
        return self._next(self.network.prune_input(threshold, active=active_inputs))

    def prune_edge(self, threshold: float = 3e-2, log_history: bool = True) -> None:
        """Prune the edges that hardly matter. In place.

        Examples:
            >>> model = MultKAN([2, 5, 1])
            >>> model.get_act(torch.rand(100, 2))
            >>> model.prune_edge(10.0)
            >>> model.n_edge
            2
        """
        self._become(self.network.prune_edge(threshold))

    def remove_edge(self, l: int, i: int, j: int, log_history: bool = True) -> None:  # noqa: E741
        """Prune one edge. In place.

        Examples:
            >>> model = MultKAN([2, 1])
            >>> model.remove_edge(0, 1, 0)
            >>> model.n_edge
            1
        """
        self.network.remove_edge(l, i, j)
        self._store(next_version=True)

    def remove_node(self, l: int, i: int, mode: str = "all", log_history: bool = True) -> None:  # noqa: E741
        """Prune the edges into a node (`down`), out of it (`up`), or `all` of them. In place; numbers of nodes stay.

        Examples:
            >>> model = MultKAN([2, 3, 1])
            >>> model.remove_node(1, 0)
            >>> model.n_edge, model.width
            (6, [[2, 0], [3, 0], [1, 0]])
        """
        if mode not in ("all", "up", "down"):
            raise ValueError(f"the `mode` argument of remove_node must be 'all', 'up' or 'down'; got {mode!r}.")
        if not 0 <= l < len(self.network.width) or not 0 <= i < sum(self.network.width[l]):
            raise ValueError(f"the `l, i` arguments of remove_node must be those of a node; got {(l, i)}.")
        subnodes = set(self.network.subnodes_of(l, i)) if l > 0 else set()
        for edge in self.network.edge_refs(active=True):
            below = edge.layer == l - 1 and edge.target in subnodes and mode in ("all", "down")
            above = edge.layer == l and edge.source == i and mode in ("all", "up")
            if below or above:
                self.network.remove_edge(*edge)
        self._store(next_version=True)

    def expand_depth(self) -> None:
        """Add a layer of identities at the end. In place; the function stays.

        Examples:
            >>> model = MultKAN([2, 1])
            >>> model.expand_depth()
            >>> model.width
            [[2, 0], [1, 0], [1, 0]]
        """
        self._become(self.network.expand_depth())

    def expand_width(self, layer_id: int, n_added_nodes: int, sum_bool: bool = True, mult_arity: Any = 2) -> None:
        """Add nodes to a hidden level, sums or products. In place; the function stays.

        Examples:
            >>> model = MultKAN([2, 3, 1])
            >>> model.expand_width(1, 2, sum_bool=False, mult_arity=[2, 3])
            >>> model.width
            [[2, 0], [3, 2], [1, 0]]
        """
        if not 0 < layer_id < len(self.network.width) - 1:
            advice = (
                "Make another network for other inputs or outputs: KAN(…), or kanpiler(…) of the formula with them."
            )
            raise ValueError(
                f"the `layer_id` argument of expand_width must be that of a hidden level; got {layer_id}. {advice}"
            )
        wider = self.network
        if sum_bool:
            wider = wider.expand_width(layer_id, n_added_nodes)
        else:
            factors = list(mult_arity) if isinstance(mult_arity, Sequence) else [mult_arity] * n_added_nodes
            if len(factors) != n_added_nodes:
                expected = f"a number, or a list of {n_added_nodes}"
                raise ValueError(f"the `mult_arity` argument of expand_width must be {expected}; got {mult_arity!r}.")
            for count in factors:
                wider = wider.expand_width(layer_id, 1, product=True, mult_arity=count)
        self._become(wider)

    def perturb(self, mag: float = 1.0, mode: str = "non-intrusive") -> None:
        """Give small splines to functions and to edges that aren't there. In place.

        Examples:
            >>> model = MultKAN([2, 1])
            >>> model.remove_edge(0, 0, 0)
            >>> model.perturb(mag=0.1)
            >>> model.n_edge
            2
        """
        self._become(self.network.perturb(mag, mode))

    def module(self, start_layer: int, chain: str) -> None:
        """Cut the edges between a module, `'[0,1]->[2]'`, and the rest. In place.

        Examples:
            >>> model = MultKAN([2, 2, 1])
            >>> model.module(0, "[0]->[1]")
            >>> model.n_edge
            4
        """
        groups = [[int(number) for number in re.findall(r"-?\d+", group)] for group in chain.split("->")]
        self.network.isolate(start_layer, groups)
        self._store(next_version=True)

    def swap(self, l: int, i1: int, i2: int, log_history: bool = True) -> None:  # noqa: E741
        """Exchange two hidden nodes; the function stays. In place.

        Examples:
            >>> MultKAN([2, 3, 1]).swap(1, 0, 2)
        """
        self.network.swap(l, i1, i2)
        self._store(next_version=True)

    def auto_swap(self) -> None:
        """Reorder hidden nodes so that connections become short; the function stays. In place.

        Examples:
            >>> model = MultKAN([2, 4, 2])
            >>> model.get_act(torch.rand(50, 2))
            >>> model.auto_swap()
        """
        self.network.auto_swap()
        self._store(next_version=True)

    @property
    def connection_cost(self) -> float:
        """How long the connections are, by their importance."""
        return self.network.connection_cost()

    # ---- functions

    def fix_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        fun_name: str,
        fit_params_bool: bool = True,
        a_range: Sequence[float] = (-10, 10),
        b_range: Sequence[float] = (-10, 10),
        verbose: bool = True,
        random: bool = False,
        log_history: bool = True,
    ) -> float | None:
        """Replace an edge by c·f(a·x + b) + d. In place.

        Args:
            l: The edge's layer.
            i: Its input.
            j: Its output.
            fun_name: Name of f.
            fit_params_bool: Whether a, b, c and d are fitted to the edge; else they are 1, 0, 1, 0.
            a_range: No effect: the search finds its range.
            b_range: No effect.
            verbose: Whether to print R².
            random: Whether constants that aren't fitted are drawn between -1 and 1.
            log_history: No effect.

        Returns:
            R², or None for constants that weren't fitted.

        Examples:
            >>> model = MultKAN([1, 1])
            >>> model.fix_symbolic(0, 0, 0, "tanh", fit_params_bool=False)
            >>> model.symbolic_formula()[0]
            [tanh(x_1)]
        """
        name = _function_name(fun_name, "fix_symbolic")
        if not fit_params_bool:
            params = (2 * torch.rand(4) - 1).tolist() if random else (1.0, 0.0, 1.0, 0.0)
            self.network.fix_symbolic(l, i, j, name, params=params)
        else:
            fit = self.network.fix_symbolic(l, i, j, name)
            if verbose:
                print(f"r2 is {fit.r2:.10g}")
        self._store(next_version=True)
        return fit.r2 if fit_params_bool else None

    def unfix_symbolic(self, l: int, i: int, j: int, log_history: bool = True) -> None:  # noqa: E741
        """Bring back the spline that a function replaced. In place.

        Examples:
            >>> model = MultKAN([1, 1])
            >>> model.fix_symbolic(0, 0, 0, "sin", fit_params_bool=False)
            >>> model.unfix_symbolic(0, 0, 0)
            >>> model.symbolic_fun[0].funs_name
            [['0']]
        """
        self.network.unfix_symbolic(l, i, j)
        self._store(next_version=True)

    def unfix_symbolic_all(self, log_history: bool = True) -> None:
        """Bring back all splines. In place."""
        for edge in self.network.edge_refs(active=True):
            if self.network.layer(edge.layer).symbol(edge.source, edge.target) is not None:
                self.network.unfix_symbolic(*edge)
        self._store(next_version=True)

    def set_mode(self, l: int, i: int, j: int, mode: str, mask_n: float | None = None) -> None:  # noqa: E741
        """What an edge is: its function (`s`), its spline (`n`), both (`ns`), or nothing. In place.

        Examples:
            >>> model = MultKAN([1, 1])
            >>> model.fix_symbolic(0, 0, 0, "sin", fit_params_bool=False)
            >>> model.set_mode(0, 0, 0, mode="ns")
            >>> model.network.layer(0).state(0, 0)
            'both'
        """
        layer = self.network.check_edge(l, i, j, "set_mode")
        symbol = layer.symbol(i, j)
        if mode == "n" and symbol is not None:
            self.network.unfix_symbolic(l, i, j)
        elif mode == "n":
            self.network.restore_edge(l, i, j)
        elif mode in ("s", "sn", "ns") and symbol is None:
            raise ValueError(
                f"the `mode` argument of set_mode must be 'n' for an edge without a function; got {mode!r}. fix_symbolic gives it one."
            )
        elif mode in ("s", "sn", "ns"):
            layer.spline_on[j, i] = mode != "s"
        else:
            self.network.remove_edge(l, i, j)

    def suggest_symbolic(
        self,
        l: int,  # noqa: E741
        i: int,
        j: int,
        a_range: Sequence[float] = (-10, 10),
        b_range: Sequence[float] = (-10, 10),
        lib: Iterable[str] | None = None,
        topk: int = 5,
        verbose: bool = True,
        r2_loss_fun: Any = None,
        c_loss_fun: Any = None,
        weight_simple: float | None = None,
    ) -> tuple[str, SymbolicRow, float, float]:
        """The function that could best replace an edge. Changes nothing.

        Args:
            l: The edge's layer.
            i: Its input.
            j: Its output.
            a_range: No effect: the search finds its range.
            b_range: No effect.
            lib: Names of the functions to try.
            topk: How many are printed.
            verbose: Whether they are printed.
            r2_loss_fun: No effect.
            c_loss_fun: No effect.
            weight_simple: Ranks as pykan does, with this weight of simplicity; by default as kanwidget does.

        Returns:
            Its name, its row of `SYMBOLIC_LIB`, R² and its complexity.

        Examples:
            >>> model = MultKAN([1, 1])
            >>> model.get_act(torch.linspace(-1, 1, 50)[:, None])
            >>> name, row, r2, complexity = model.suggest_symbolic(0, 0, 0, lib=["x", "sin"], verbose=False)
            >>> name in ("x", "sin")
            True
        """
        if r2_loss_fun is not None or c_loss_fun is not None:
            say_ignored(
                "suggest_symbolic", "weight_simple chooses the ranking.", r2_loss_fun=r2_loss_fun, c_loss_fun=c_loss_fun
            )
        options = {} if weight_simple is None else {"weight_simple": weight_simple}
        fits = self.network.suggest_symbolic(l, i, j, lib=lib, topk=topk, **options)
        if not fits:
            raise ValueError(
                f"no function of the library is defined on the values of edge {(l, i, j)}; give another `lib`."
            )
        if verbose:
            print(f"{'function':>12} {'r2':>12} {'complexity':>10}")
            for fit in fits:
                print(f"{fit.name:>12} {fit.r2:12.6f} {fit.complexity:10g}")
        best = fits[0]
        return best.name, symbolic_row(best.name), best.r2, best.complexity

    def auto_symbolic(
        self,
        a_range: Sequence[float] = (-10, 10),
        b_range: Sequence[float] = (-10, 10),
        lib: Iterable[str] | None = None,
        verbose: int = 1,
        weight_simple: float | None = None,
        r2_threshold: float = 0.0,
    ) -> None:
        """Replace the splines by functions. In place.

        Args:
            a_range: No effect: the search finds its range.
            b_range: No effect.
            lib: Names of the functions to try.
            verbose: Whether to print what was done.
            weight_simple: Ranks as pykan does, with this weight of simplicity; by default as kanwidget does.
            r2_threshold: Edges stay splines below this R²; at 0 all become functions.

        Examples:
            >>> model = MultKAN([1, 1])
            >>> model.get_act(torch.linspace(-1, 1, 50)[:, None])
            >>> model.auto_symbolic(lib=["x", "sin"], verbose=0)
            >>> model.symbolic_fun[0].funs_name[0][0] in ("x", "sin")
            True
        """
        options: dict[str, Any] = {"lib": lib} | ({} if weight_simple is None else {"weight_simple": weight_simple})
        if r2_threshold > 0:
            done = self.network.auto_symbolic(**options, r2_threshold=r2_threshold)
        else:  # what the data don't bear out, too: in pykan a formula has no curves
            done = simplification.auto_symbolic(self.network, **options)
            done = [*done, *self.network.auto_symbolic(**options, r2_threshold=-1.0)]
        if verbose:
            for edge, fit in done:
                print(f"fixing {tuple(edge)} with {fit.name}, r2={fit.r2:.10g}, c={fit.complexity:g}")
        self._store(next_version=True)

    def symbolic_formula(
        self, var: Sequence[Any] | None = None, normalizer: Any = None, output_normalizer: Any = None
    ) -> tuple[list[Any], list[Any]]:
        """The outputs as sympy expressions, and the variables. Splines stand in as named functions.

        Args:
            var: A name, symbol or expression for each column.
            normalizer: Means and standard deviations of the columns, if the network saw standardized ones.
            output_normalizer: Those of the outputs.

        Examples:
            >>> import sympy
            >>> model = MultKAN([1, 1])
            >>> model.fix_symbolic(0, 0, 0, "exp", fit_params_bool=False)
            >>> model.symbolic_formula(var=[sympy.Symbol("v") / 2])[0]
            [exp(v/2)]
        """
        import sympy

        options = {"input_scaler": normalizer, "output_scaler": output_normalizer}
        expressions = var is not None and any(isinstance(v, sympy.Expr) and not v.is_Symbol for v in var)
        if not expressions:
            return self.network.symbolic_formula(var, **options)
        places = [sympy.Dummy() for _ in var or ()]
        outputs, _ = self.network.symbolic_formula(places, **options)
        by_place = dict(zip(places, map(sympy.sympify, var or ()), strict=True))
        return [y.subs(by_place) for y in outputs], list(by_place.values())

    # ---- looks

    @property
    def width(self) -> list[list[int]]:
        """`[sums, products]` of each layer."""
        return self.network.width

    @property
    def act_fun(self) -> list[SplineLayer]:
        """The splines, layer by layer."""
        return [SplineLayer(self.network.layer(index)) for index in range(self.network.depth)]

    @property
    def symbolic_fun(self) -> list[SymbolicLayer]:
        """The functions, layer by layer."""
        return [SymbolicLayer(self.network.layer(index)) for index in range(self.network.depth)]

    @property
    def n_edge(self) -> int:
        """Edges that aren't pruned."""
        return len(self.network.edge_refs(active=True))

    @property
    def feature_score(self) -> Tensor:
        """How much every column matters, `(columns,)`: the largest over the outputs."""
        return self.network.feature_score

    def attribute(
        self,
        l: int | None = None,  # noqa: E741
        i: int | None = None,
        out_score: Any = None,
        plot: bool = True,
    ) -> Tensor | None:
        """How much the inputs matter for node i of level l, with a picture. Without a node nothing: see `node_scores`, `edge_scores`.

        Examples:
            >>> model = MultKAN([2, 3, 1])
            >>> model.get_act(torch.rand(50, 2))
            >>> model.attribute(1, 2, plot=False).shape
            torch.Size([2])
        """
        if out_score is not None:
            say_ignored("attribute", "all outputs count.", out_score=out_score)
        if l is None or i is None:
            return None
        scores = self.network.attribute(l, i).node_scores[0]
        if plot:
            pictures.plot_input_scores(scores, l, i)
        return scores

    def get_fun(self, l: int, i: int, j: int) -> tuple[Tensor, Tensor]:  # noqa: E741
        """The points of an edge, in order of x, with a picture.

        Examples:
            >>> model = MultKAN([2, 1])
            >>> model.get_act(torch.rand(50, 2))
            >>> x, y = model.get_fun(0, 1, 0)
            >>> x.shape, bool((x.diff() >= 0).all())
            (torch.Size([50]), True)
        """
        x, y = self._points(l, i, j, "get_fun")
        pictures.plot_points(x, y)
        return x, y

    def get_range(self, l: int, i: int, j: int, verbose: bool = True) -> tuple[float, float, float, float]:  # noqa: E741
        """Smallest and largest x and y of an edge.

        Examples:
            >>> model = MultKAN([1, 1])
            >>> model.get_act(torch.tensor([[0.0], [1.0]]))
            >>> model.get_range(0, 0, 0, verbose=False)[:2]
            (0.0, 1.0)
        """
        x, y = self._points(l, i, j, "get_range")
        ends = float(x.min()), float(x.max()), float(y.min()), float(y.max())
        if verbose:
            print("x range: [{:.2f}, {:.2f}], y range: [{:.2f}, {:.2f}]".format(*ends))
        return ends

    def _points(self, l: int, i: int, j: int, where: str) -> tuple[Tensor, Tensor]:  # noqa: E741
        self.network.check_edge(l, i, j, where)
        if not len(self.network.reference):
            raise ValueError(
                f"{where} needs inputs, which the network remembers: call model(x), or get_act(x), before."
            )
        with torch.no_grad():
            x = self.network.trace(self.network.reference).nodes[l][:, i]
        curve = self.network.edge_curve(l, i, j, x=x.sort().values)
        return curve.x, curve.y

    def plot(
        self,
        folder: str = "./figures",
        beta: float = 3,
        metric: str = "backward",
        scale: float = 0.5,
        tick: bool = False,
        sample: bool = False,
        in_vars: Sequence[Any] | None = None,
        out_vars: Sequence[Any] | None = None,
        title: str | None = None,
        varscale: float = 1.0,
    ) -> None:
        """Draw the network as pyplot's current figure. No files are written.

        Args:
            folder: No effect.
            beta: How quickly edges become opaque with their score.
            metric: The score, `backward`, `forward_n` or `forward_u`.
            scale: Size of the figure.
            tick: Whether the ranges of the curves are written.
            sample: Whether samples are drawn.
            in_vars: Names of the inputs.
            out_vars: Names of the outputs.
            title: Above the drawing.
            varscale: No effect: names have one size.

        Examples:
            >>> import matplotlib.pyplot as plt
            >>> MultKAN([2, 1]).plot(beta=10)
            >>> plt.close()
        """
        pictures.plot_network(
            self.network,
            scale,
            beta=beta,
            metric=metric,
            tick=tick,
            sample=sample,
            in_vars=in_vars,
            out_vars=out_vars,
            title=title,
        )

    def tree(
        self,
        x: Any = None,
        in_var: Sequence[Any] | None = None,
        style: str = "tree",
        sym_th: float = 1e-3,
        sep_th: float = 1e-1,
        skip_sep_test: bool = False,
        verbose: bool = False,
    ) -> Any:
        """Draw the tree of the network's function, see `hypothesis.plot_tree`."""
        from kanwidget.pykan.hypothesis import plot_tree

        x = self.network.reference if x is None else x
        return plot_tree(self, x, in_var, style, sym_th, sep_th, skip_sep_test, verbose)

    def explorer(self, dataset: Any, **options: Any) -> Any:
        """The network in kanwidget's explorer, with the dataset; options as of `kanwidget.KANExplorer`."""
        return kanwidget.KANExplorer(self.network, dataset, **options)

    # ---- versions and files

    def rewind(self, model_id: str) -> Self:
        """The network of a version, such as `'0.1'`, to go on from. Its name gets a new round.

        Examples:
            >>> model = MultKAN([2, 1])
            >>> model.remove_edge(0, 0, 0)
            >>> model.rewind("0.0").n_edge
            2
        """
        other = self._with(self._versions.of(model_id))
        other.round, other.state_id = self._versions.next_round(), int(model_id.split(".")[-1])
        other._store()
        print(f"rewind to model version {model_id}, renamed as {other.version}")
        return other

    def checkout(self, model_id: str) -> Self:
        """The network of a version, to look at. Names stay."""
        other = self._with(self._versions.of(model_id, "checkout"))
        other.round, other.state_id = (int(part) for part in model_id.split("."))
        return other

    @property
    def version(self) -> str:
        """Name of the version, `round.number`."""
        return f"{self.round}.{self.state_id}"

    def copy(self) -> Self:
        """A network of its own that computes the same."""
        return copy.deepcopy(self)

    def saveckpt(self, path: str = "model") -> None:
        """Write the network to the file `path.kan`, see `kanwidget.KAN.save`.

        Examples:
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     MultKAN([2, 1]).saveckpt(folder + "/mark")
            ...     MultKAN.loadckpt(folder + "/mark").n_edge
            2
        """
        self.network.save(_file(path))

    @classmethod
    def loadckpt(cls, path: str = "model") -> Self:
        """Read a network that `saveckpt` wrote; checkpoints of pykan can't be read."""
        return cls.of(kanwidget.KAN.load(_file(path)))

    @classmethod
    def of(cls, network: kanwidget.KAN) -> Self:
        """A network of kanwidget with pykan's methods.

        Examples:
            >>> MultKAN.of(kanwidget.KAN([2, 1])).n_edge
            2
        """
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.network = network
        made.auto_save, made.save_act, made.ckpt_path = True, True, "./model"
        made.round, made.state_id, made._versions, made._remembers = 0, 0, Versions(), True
        made._store()
        return made

    # ---- one network after the other

    def _with(self, network: kanwidget.KAN) -> Self:
        """A model of another network that shares the versions."""
        other = self.__class__.__new__(self.__class__)
        nn.Module.__init__(other)
        settings = {
            name: value for name, value in vars(self).items() if not name.startswith("_") and name != "training"
        }
        vars(other).update(settings)
        other._versions, other._remembers, other.network = self._versions, True, network
        other._trace = starts.Trace(network)
        return other

    def _next(self, network: kanwidget.KAN) -> Self:
        """The model of a network that came from this one."""
        other = self._with(network)
        other._store(next_version=True)
        return other

    def _become(self, network: kanwidget.KAN) -> None:
        """Be another network. In place: where its shape stays, the parameters stay the same objects, which an optimizer may hold."""
        new, old = network.state_dict(), self.network.state_dict()
        if new.keys() == old.keys() and all(_shape(new[name]) == _shape(old[name]) for name in new):
            self.network.load_state_dict(new)
            self.network.history = network.history
        else:
            self.network = network
        self._store(next_version=True)

    def _store(self, *, next_version: bool = False) -> None:
        """Keep a version, the next one if the network has changed."""
        self._trace = starts.Trace(self.network)
        if self.auto_save:
            self.state_id += next_version
            while next_version and self.version in self._versions:
                self.state_id += 1  # another network that came from the same one has that number
            self._versions.store(self.version, self.network)

    def __getattr__(self, name: str) -> Any:
        """What the network of kanwidget has besides."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name in MISSING:
                refuse("KAN", name, MISSING[name])
            network = self.__dict__.get("_modules", {}).get("network")
            if network is None or name.startswith("_"):
                raise
            return getattr(network, name)

    def __repr__(self) -> str:
        return f"kanwidget.pykan.{self.network!r}"


KAN = MultKAN


def _grids(grid: Any) -> Any:
    """Numbers of intervals as Python's own: notebooks take them from arrays."""
    values = np.asarray(grid)
    if values.ndim > 1 or values.size == 0 or not np.issubdtype(values.dtype, np.number) or (values < 1).any():
        raise ValueError(f"the `grid` argument of KAN must be a number ≥ 1, or one a layer; got {grid!r}.")
    return int(values) if values.ndim == 0 else [int(count) for count in values]


def _base_name(base_fun: Any) -> str:
    """Name of a base function."""
    if isinstance(base_fun, str):
        return base_fun
    if isinstance(base_fun, nn.SiLU) or base_fun is nn.functional.silu:
        return "silu"
    if isinstance(base_fun, nn.Identity):
        return "identity"
    advice = "kanwidget.register_primitive(name, fn) gives a function of your own a name."
    raise ValueError(
        f"the `base_fun` argument of KAN must be a name, such as 'silu', 'identity' or 'zero'; got {base_fun!r}. {advice}"
    )


def _function_name(fun_name: Any, where: str) -> str:
    if isinstance(fun_name, str):
        return fun_name
    advice = "add_symbolic(name, fun) gives a function of your own a name."
    raise ValueError(f"the `fun_name` argument of {where} must be the name of a function; got {fun_name!r}. {advice}")


def _file(path: Any) -> str:
    name = os.fspath(path)
    return name if name.endswith(".kan") else f"{name}.kan"


def _shape(value: Any) -> Any:
    """Shape of a tensor in a state, None for what else it holds."""
    return value.shape if isinstance(value, Tensor) else None
