"""pykan's class of networks, on those of kanwidget, with looks at its layers.

Pictures are held by pyplot, as in pykan: `plt.gcf()`, `plt.savefig` and `plt.show` act on the last one. What is written into layers changes
nothing but the tensors of `coef` and `scale_base`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

import kanwidget
from kanwidget.pykan.network.symbols import SymbolicNetwork
from kanwidget.pykan.words import say_ignored

if TYPE_CHECKING:
    from kanwidget.core import Layer

__all__ = ["KAN", "MultKAN"]

#: pykan's scale of a picture that is as large as one of scale 1 here.
_SCALE = 0.5


class SplineLayer:
    """The splines of a layer, `KANLayer` in pykan. Axes are pykan's: `(inputs, outputs)`.

    Examples:
        >>> from kanwidget import KAN
        >>> layer = SplineLayer(KAN([2, 5, 1], grid=3).layer(0))
        >>> layer.coef.shape, layer.grid.shape, layer.mask.shape
        (torch.Size([2, 5, 6]), torch.Size([2, 10]), torch.Size([2, 5]))
    """

    def __init__(self, layer: Layer) -> None:
        """Show a layer of kanwidget under pykan's names; `num` is the number of grid intervals, `k` the order of the splines."""
        self._layer = layer
        self.in_dim, self.out_dim = layer.in_dim, layer.out_dim
        self.num, self.k = layer.grid_size, layer.k

    @property
    def grid(self) -> Tensor:
        """Knots with the k beyond each end, `(inputs, G + 1 + 2k)`."""
        return self._layer.knots

    @property
    def coef(self) -> Tensor:
        """Coefficients, `(inputs, outputs, G + k)`."""
        return self._layer.coef.transpose(0, 1)

    @property
    def scale_base(self) -> Tensor:
        """Factors of the base function, `(inputs, outputs)`."""
        return self._layer.base.T

    @property
    def scale_sp(self) -> Tensor:
        """Ones: the factor of a spline is part of its coefficients."""
        return torch.ones_like(self._layer.base.T)

    @property
    def mask(self) -> Tensor:
        """1 where there is a spline, `(inputs, outputs)`."""
        return self._layer.spline_on.T.to(self._layer.coef.dtype)

    def __repr__(self) -> str:
        return f"KANLayer({self.in_dim} inputs, {self.out_dim} outputs, grid={self.num}, k={self.k})"


class SymbolicLayer:
    """The functions of a layer, `Symbolic_KANLayer` in pykan. Axes are pykan's: `(outputs, inputs)`.

    Examples:
        >>> from kanwidget import KAN
        >>> model = KAN([1, 1])
        >>> fit = model.fix_symbolic(0, 0, 0, "sin", params=(1, 0, 1, 0))
        >>> SymbolicLayer(model.layer(0)).funs_name
        [['sin']]
    """

    def __init__(self, layer: Layer) -> None:
        """Show the symbolic functions of a layer of kanwidget under pykan's names."""
        self._layer = layer
        self.in_dim, self.out_dim = layer.in_dim, layer.out_dim

    @property
    def funs_name(self) -> list[list[str]]:
        """Names of the edges' symbolic functions, a list for each output and in it one for each input; `0` where there is none."""
        return [
            [self._layer.symbol(source, target) or "0" for source in range(self.in_dim)]
            for target in range(self.out_dim)
        ]

    @property
    def mask(self) -> Tensor:
        """1 where an edge has a symbolic function, else 0, `(outputs, inputs)`."""
        return self._layer.symbolic_on().to(self._layer.coef.dtype)

    @property
    def affine(self) -> Tensor:
        """a, b, c, d of c·f(a·x + b) + d, `(outputs, inputs, 4)`."""
        return self._layer.affine

    def __repr__(self) -> str:
        return f"Symbolic_KANLayer({self.in_dim} inputs, {self.out_dim} outputs)"


class MultKAN(SymbolicNetwork):
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

    # ---- looks

    @property
    def width(self) -> list[list[int]]:
        """`[sums, products]` of each layer."""
        return self.network.width

    @property
    def act_fun(self) -> list[SplineLayer]:
        """The splines, layer by layer."""
        return [SplineLayer(layer) for layer in self.network.layers]

    @property
    def symbolic_fun(self) -> list[SymbolicLayer]:
        """The functions, layer by layer."""
        return [SymbolicLayer(layer) for layer in self.network.layers]

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
        """How much the inputs matter for node i of level l, `(inputs,)`, on the remembered rows, with a picture in pyplot.

        The network remembers at most 512 rows of its last inputs. Without a node there is nothing, None: `node_scores` and `edge_scores`
        have the scores of all. `out_score` has no effect.

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
            from matplotlib import pyplot

            pyplot.figure(figsize=(min(12.0, 1 + 0.5 * len(scores)), 3))
            pyplot.bar(np.arange(len(scores)), scores.cpu().numpy())
            pyplot.xticks(np.arange(len(scores)))
            pyplot.title(f"Scores for node ({l}, {i})")
        return scores

    def get_fun(self, l: int, i: int, j: int) -> tuple[Tensor, Tensor]:  # noqa: E741
        """Input and value of the edge of layer l from node i to subnode j, `(rows,)` each, by increasing input, with a picture.

        The rows are those that the network remembers, at most 512 of its last inputs.

        Examples:
            >>> model = MultKAN([2, 1])
            >>> model.get_act(torch.rand(50, 2))
            >>> x, y = model.get_fun(0, 1, 0)
            >>> x.shape, bool((x.diff() >= 0).all())
            (torch.Size([50]), True)
        """
        x, y = self._points(l, i, j, "get_fun")
        from matplotlib import pyplot

        pyplot.figure(figsize=(3, 3))
        pyplot.plot(x.cpu().numpy(), y.cpu().numpy(), marker="o", markersize=3)
        return x, y

    def get_range(self, l: int, i: int, j: int, verbose: bool = True) -> tuple[float, float, float, float]:  # noqa: E741
        """Smallest and largest input, and smallest and largest value, of the edge of layer l from node i to subnode j.

        They are those on the remembered rows, at most 512 of the last inputs, and are printed where `verbose` is True.

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
        """The values of an edge's input on the remembered rows, increasing, and the edge's there, `(rows,)` each.

        The edge is that of layer l from node i to subnode j; `where` is the call that an error names.
        """
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
        from kanwidget.insight.plot import hand_over

        look = {"beta": beta, "metric": metric, "tick": tick, "sample": sample, "title": title}
        hand_over(self.network.plot(scale=scale / _SCALE, in_vars=in_vars, out_vars=out_vars, **look))

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
        """Draw the tree of the network's function as pyplot's current figure, on points x, by default a sample of the last inputs.

        `sym_th` is the largest part of a gradient that may depend on other columns. The other arguments have no effect.
        """
        from kanwidget.pykan.hypothesis import plot_tree

        x = self.network.reference if x is None else x
        return plot_tree(self, x, in_var, style, sym_th, sep_th, skip_sep_test, verbose)

    def explorer(self, dataset: Any, **options: Any) -> Any:
        """The network in kanwidget's explorer, with the dataset; options as of `kanwidget.KANExplorer`."""
        return kanwidget.KANExplorer(self.network, dataset, **options)


KAN = MultKAN
