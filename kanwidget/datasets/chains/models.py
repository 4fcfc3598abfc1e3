"""The models, one row each: parameters with their ranges, potential, hopping, and the exact mobility edge."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.datasets import arrays

#: Parameters by name, each a tensor of any common shape.
Parameters = Mapping[str, Tensor]


def _neighbours(parameters: Parameters, distance: Tensor) -> Tensor:
    return (distance == 1).to(distance.dtype)


@dataclass(frozen=True)
class ChainModel:
    """A chain of sites with hopping 1 between neighbours and a potential of the wave cos(2πbn + φ), b the golden ratio.

    Examples:
        >>> MODELS["gaam"].columns
        ('lambda', 'alpha', 'phi', 'E')
    """

    name: str
    ranges: Mapping[str, tuple[float, float]]
    """The parameters, and where they are drawn from by default."""
    limits: Mapping[str, tuple[float, float]]
    """Open intervals outside of which a parameter makes no sense or the mobility edge is another one."""
    potential: Callable[[Parameters, Tensor], Tensor]
    """Parameters and the wave → potential; it stands on every `period`-th site."""
    edge: Callable[[Parameters, Tensor], Tensor]
    """Parameters and energy → order parameter: above 0 localized, below 0 extended, 0 at the mobility edge."""
    hopping: Callable[[Parameters, Tensor], Tensor] = _neighbours
    """Parameters and distance ≥ 1 in sites → amplitude."""
    period: int = 1

    @property
    def columns(self) -> tuple[str, ...]:
        """The parameters, and the energy."""
        return (*self.ranges, "E")


def _decaying(parameters: Parameters, distance: Tensor) -> Tensor:
    """exp(-p·(d - 1)): 1 between neighbours, as in the other models, so that t = exp(p)."""
    return torch.exp(-parameters["p"] * (distance - 1))


def _chebyshev(degree: int, x: Tensor) -> Tensor:
    """The polynomial of the second kind, U_degree(x)."""
    before, value = torch.zeros_like(x), torch.ones_like(x)
    for _ in range(degree):
        before, value = value, 2 * x * value - before
    return value


def _mosaic(period: int) -> ChainModel:
    """A potential on every `period`-th site.

    Sites without one can be eliminated. What is left is a chain with ψ(m+1) + ψ(m-1) = (2·T_κ(E/2) - U_{κ-1}(E/2)·V(m))·ψ(m),
    the model of Aubry and André with an amplitude that depends on the energy: it is critical where that amplitude is 2.
    """
    return ChainModel(
        f"mosaic{period}",
        {"lambda": (0.0, 4.0), "phi": (0.0, 2 * math.pi)},
        {},
        potential=lambda parameters, wave: parameters["lambda"] * wave,
        edge=lambda parameters, energy: (parameters["lambda"] * _chebyshev(period - 1, energy / 2)).abs() - 2,
        period=period,
    )


MODELS: dict[str, ChainModel] = {
    row.name: row
    for row in (
        _mosaic(2),
        _mosaic(3),
        ChainModel(
            "gaam",
            {"lambda": (0.0, 2.0), "alpha": (-0.9, 0.9), "phi": (0.0, 2 * math.pi)},
            {"alpha": (-1.0, 1.0)},
            potential=lambda parameters, wave: 2 * parameters["lambda"] * wave / (1 - parameters["alpha"] * wave),
            # For λ ≥ 0 no energy lies below -2 - 2λ/(1 + |α|), so that αE + 2λ is never below -2: the absolute value is for λ < 0.
            edge=lambda parameters, energy: (parameters["alpha"] * energy + 2 * parameters["lambda"]).abs() - 2,
        ),
        ChainModel(
            "maam",
            {"lambda": (0.0, 4.0), "p": (0.25, 2.5), "phi": (0.0, 2 * math.pi)},
            {"p": (0.0, math.inf)},
            potential=lambda parameters, wave: parameters["lambda"] * wave,
            edge=lambda parameters, energy: (
                parameters["lambda"].abs() * torch.cosh(parameters["p"]) - energy - torch.exp(parameters["p"])
            ),
            hopping=_decaying,
        ),
    )
}


def chain_models() -> tuple[str, ...]:
    """The names of the models.

    Examples:
        >>> chain_models()
        ('mosaic2', 'mosaic3', 'gaam', 'maam')
    """
    return tuple(MODELS)


def model_named(name: Any, where: str) -> ChainModel:
    """The row of a model, or an error that lists them."""
    return MODELS[_check.choice(name, "model", where, MODELS)]


def order_parameter(model: str, x: Any) -> Tensor:
    """How far a state is on the localized side of the exact mobility edge, by theory for infinite chains.

    - `mosaic2`, `mosaic3`: |λ·U(E/2)| - 2 with U(E/2) = E, E² - 1
    - `gaam`: |αE + 2λ| - 2, which is αE + 2λ - 2 for λ ≥ 0
    - `maam`: |λ|·cosh(p) - E - exp(p)

    Args:
        model: A name out of `chain_models()`.
        x: Rows with the columns of `localization(model)`, shape `(rows, columns)`; energies in units of the hopping between neighbours.

    Returns:
        One number for each row, shape `(rows,)`: above 0 where the state is localized, below 0 where it is extended.

    Raises:
        ValueError: For an unknown model, and for rows with other columns.

    Examples:
        >>> order_parameter("mosaic2", [[1.0, 0.0, 1.5], [2.0, 0.0, 1.5]])  # columns lambda, phi, E
        tensor([-0.5000,  1.0000], dtype=torch.float64)

    References:
        Wang, Xia, Zhang, Yao, Chen, You, Zhou, Liu, "One dimensional quasiperiodic mosaic lattice with exact mobility edges",
        arXiv:2004.11155 (their λ is half of ours).
        Ganeshan, Pixley, Das Sarma, "Nearest neighbor tight binding models with an exact mobility edge in one dimension",
        Phys. Rev. Lett. 114, 146601 (2015).
        Biddle, Das Sarma, "Predicted mobility edges in one-dimensional incommensurate optical lattices: an exactly solvable model
        of Anderson localization", arXiv:0910.4390.
    """
    row = model_named(model, "order_parameter")
    x = arrays.inputs(x, "x", "order_parameter", row.columns)
    if x.shape[1] != len(row.columns):
        _check.fail("x", "order_parameter", f"of shape (rows, {len(row.columns)}), columns {', '.join(row.columns)}", x)
    columns = dict(zip(row.columns, x.T, strict=True))
    return row.edge(columns, columns["E"])
