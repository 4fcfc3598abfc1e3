"""`KAN`, the class that users hold: a network, plus one-line methods that hand over to the rooms below."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget._types import LayerWidth
from kanwidget.core.derivatives import Derivatives, derivatives
from kanwidget.core.layer import base_functions
from kanwidget.core.network import HIDDEN_RANGE, Arities, Network, initial_layer, normalise_arities, normalise_width
from kanwidget.core.records import EdgeCurve, EdgeRef, History


class KAN(Network):
    """A Kolmogorov-Arnold network: learnable functions on the edges, sums and products at the nodes.

    Args:
        width: Number of nodes of each layer, inputs first: `[2, 5, 1]`; `[2, [5, 2], 1]` has 5 sums and 2 products in the middle.
        grid: Number of grid intervals of the splines, ≥ 1, or one for each layer of edges.
        k: Order of the splines, ≥ 0; 3 is cubic.
        mult_arity: Number of factors of the product nodes, or a list of lists, one a layer of nodes.
        base_fun: The base function: `silu`, `identity`, `zero` or a primitive's name.
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
        pairs = normalise_width(width)
        arities = normalise_arities(mult_arity, pairs)
        grids = _grids(grid, len(pairs) - 1)
        _check.integer(k, "k", "KAN", low=0, advice="3 makes cubic splines.")
        base_functions(base_fun)
        low, high = (_check.real(end, "grid_range", "KAN") for end in grid_range)
        if high <= low:
            _check.fail("grid_range", "KAN", "two increasing numbers", grid_range)
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
        self.to(device)

    def curve(self, edge: EdgeRef | tuple[int, int, int], x: Tensor) -> EdgeCurve:
        """One edge, and its parts, at the points x of shape `(n,)`."""
        return super().curve(edge, x)

    def derivatives(self, x: Tensor, order: int = 2) -> Derivatives:
        """Value, gradient and Hessian of the outputs in the features, see `kanwidget.core.derivatives`."""
        return derivatives(self, x, order)

    def __repr__(self) -> str:
        shape = [sums if not products else [sums, products] for sums, products in self.width]
        return f"KAN({shape}, grid={self.grid}, k={self.k}, {len(self.edge_refs(active=True))} active edges)"


def _grids(grid: int | Sequence[int], count: int) -> list[int]:
    """One number of intervals for each layer of edges."""
    given = list(grid) if isinstance(grid, Sequence) and not isinstance(grid, str) else [grid] * count
    if len(given) != count:
        _check.fail("grid", "KAN", f"an integer or {count} integers, one a layer of edges", grid)
    return [_check.integer(g, "grid", "KAN", low=1, advice="Use at least one interval.") for g in given]
