"""Trainings and grids by pykan's words."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from typing_extensions import Self

from kanwidget.pykan.network import fitting, starts
from kanwidget.pykan.network.base import PykanNetwork, whole_numbers
from kanwidget.pykan.network.progress import StepBar

if TYPE_CHECKING:
    from kanwidget import History, StepRecord


class TrainableNetwork(PykanNetwork):
    """A network that can be trained."""

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
            opt: `LBFGS` trains with Levenberg-Marquardt where it can, on all rows, with four steps for one of pykan's. A new network
                tries several random starts before, and one that has converged tries grids that fit once more. `Adam` ends with its best
                step; `torch-LBFGS` is LBFGS itself.
            steps: Most steps, besides those of the starts; it ends before if it has converged.
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
            display_metrics: Names of what the progress bar shows: `train_loss`, `test_loss`, `reg` and those of metrics.

        Returns:
            `train_loss`, `test_loss` (root mean squared errors, else the mean loss), `reg` and the metrics, one number a step.

        Examples:
            >>> from kanwidget.pykan import MultKAN
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
            "evidence": False,  # pykan's trainings minimize the loss
            "grid_update_num": grid_update_num,
            "reg_metric": reg_metric,
            **fitting.optimizer_options(opt, lr, batch),
            **named,
        }
        measures = fitting.Metrics(metrics)
        self._notice_own_loops()  # a person's own training before this one settles the scales
        self._remembers = False  # calls within the training leave no sample of inputs
        try:
            with StepBar(display_metrics, measures, lamb) as bar:
                # What a training begins with settles the scales, and the optimizer of "auto".
                options["opt"] = self.network.fit_steps(data, steps=0, **options).opt
                measures.every = fitting.STEPS if opt == "LBFGS" else 1  # steps here for one of pykan's
                options["start_grid_update_step"] = measures.every * max(0, start_grid_update_step)
                options["stop_grid_update_step"] = measures.every * stop_grid_update_step
                callbacks: list[Any] = [measures, bar]
                if save_fig:
                    look = {"in_vars": in_vars, "out_vars": out_vars, "beta": beta}
                    callbacks.append(fitting.frames(img_folder, save_fig_freq, measures.every, **look))
                bar.begin(steps)
                if opt == "Adam" and "batch" not in options and loss_fn is None:
                    callbacks.append(fitting.KeepBest(root=root))
                restarts = opt == "LBFGS" and options["opt"] == "LM"
                history, ended = self._train(
                    data, measures.every * steps, options, measures, callbacks, root=root, restarts=restarts
                )
                if ended is not None:  # not with the last step: what was measured of that one is replaced
                    measures.evaluate(anew=True)
                    bar.describe(ended)
                if history.stop_reason in fitting.FINISHED:
                    bar.fill()
        finally:
            self._remembers = True
        self._store(next_version=True)  # keeps a copy as the next version, to go back to
        return fitting.results_of(history, steps, measures, lamb, ended)

    def _train(
        self,
        data: dict[str, Any],
        steps: int,
        options: dict[str, Any],
        metrics: fitting.Metrics,
        callbacks: list[Any],
        *,
        root: bool,
        restarts: bool,
    ) -> tuple[History, StepRecord | None]:
        """The training itself: its history, and the record of the step that the network has ended with where that isn't the last one.

        Args:
            data: The training's tensors, `train_input`, `train_label`, ….
            steps: Most of them.
            options: Of `kanwidget.KAN.fit`.
            metrics: The user's functions, measured after steps.
            callbacks: Called with network and record after steps: the metrics, the progress bar, ….
            root: Whether losses are root mean squared errors; else they are means of the loss.
            restarts: Whether it tries several starts before, and grids that fit once more after it has converged.
        """
        network = self.network
        best = next((hook for hook in callbacks if isinstance(hook, fitting.KeepBest)), None)
        trial = steps // 8  # steps of each start
        # `_is_random`: parameters are still the first, random ones. `is_open`: untrained, with hidden nodes, no symbolic or frozen edge.
        if restarts and trial >= starts.SHORTEST and self._is_random and starts.is_open(network):
            self._is_random = False
            interrupted = starts.choose(network, data, trial, options, root=root, mean=self._base_mean)
            if interrupted is not None:
                # By Ctrl-C, among the starts: a history of one record at most, which counts as a step of pykan's.
                metrics.every = 1
                if interrupted.records:
                    metrics.evaluate()
                return interrupted, None
        history = network.fit(data, steps=steps, callbacks=callbacks, progress=False, **options)
        rest = steps - len(history.records)
        if restarts and history.stop_reason == "converged" and rest >= starts.SHORTEST:
            return history, starts.go_on(network, data, rest, options, root=root)
        return history, None if best is None else best.restore(network)

    def evaluate(self, dataset: dict[str, Tensor]) -> dict[str, Any]:
        """The root mean squared error on the test rows of a dict of data, the number of edges that aren't pruned, and of grid intervals.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> data = {"test_input": torch.zeros(2, 1), "test_label": torch.zeros(2, 1)}
            >>> sorted(MultKAN([1, 1]).evaluate(data))
            ['n_edge', 'n_grid', 'test_loss']
        """
        with torch.no_grad():
            output = self.network(dataset["test_input"].to(self.network.device, self.network.dtype))
        # Labels of a single output may be a plain list of numbers, `(rows,)`, as `fit` takes them.
        residual = output - dataset["test_label"].to(output).reshape(len(output), -1)
        return {"test_loss": float(residual.square().mean().sqrt()), "n_edge": self.n_edge, "n_grid": self.network.grid}

    def get_params(self) -> Iterable[nn.Parameter]:
        """The parameters."""
        return self.parameters()

    # ---- grids

    def update_grid_from_samples(self, x: Any) -> None:
        """Move the grids to where the inputs x, `(rows, columns)`, are. In place.

        A network that wasn't trained computes in the units of the data from then on: these grids are meant in them.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([1, 1], grid=5)
            >>> model.update_grid_from_samples(torch.linspace(-10, 10, 101)[:, None])
            >>> bool(model.act_fun[0].grid.max() > 10)
            True
        """
        starts.settle_scales(self.network)
        self.network.update_grid(x.detach() if isinstance(x, Tensor) else x)

    def update_grid(self, x: Any) -> None:
        """Move the grids to where the inputs x, `(rows, columns)`, are, as `update_grid_from_samples` does. In place."""
        self.update_grid_from_samples(x)

    def refine(self, new_grid: Any) -> Self:
        """A network with `new_grid` intervals, or a list of one number a layer, that computes the same if they are more than before.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> MultKAN([1, 1], grid=3).refine(6).network.grid
            6
        """
        return self._next(self.network.refine(whole_numbers(new_grid)))
