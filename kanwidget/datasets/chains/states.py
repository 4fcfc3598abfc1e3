"""Hamiltonians of many chains at once, and how far their eigenstates reach."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

import torch
from torch import Tensor

from kanwidget import _check
from kanwidget.datasets.chains.models import ChainModel, Parameters, model_named

Boundary = Literal["ring", "open"]
BOUNDARIES = ("ring", "open")
GOLDEN = (1 + math.sqrt(5)) / 2


def hamiltonian(model: str, parameters: Mapping[str, Any], sites: int = 233, boundary: Boundary = "ring") -> Tensor:
    """The Hamiltonians of chains in units of the hopping between neighbours: H = Σ hopping(|n - n'|)·|n⟩⟨n'| + Σ V(n)·|n⟩⟨n|.

    With w(n) = cos(2πbn + φ):

    - `mosaic2`, `mosaic3`: V(n) = λ·w(n) on every second or third site, else 0
    - `gaam`: V(n) = 2λ·w(n)/(1 - α·w(n))
    - `maam`: V(n) = λ·w(n), and hopping exp(-p·(d - 1)) over d sites

    On a ring b is the quotient of neighbouring Fibonacci numbers next to the golden ratio, so that the potential closes, too. An open
    chain has the golden ratio itself, and a few states at its ends that the theory of infinite chains doesn't know.

    Args:
        model: A name out of `chain_models()`.
        parameters: Each parameter of the model with a number for each chain, shape `(chains,)`, or one number.
        sites: Sites with a potential, ≥ 3; on a ring a Fibonacci number that shares no divisor with the period of the mosaic.
        boundary: `ring` or `open`.

    Returns:
        Shape `(chains, n, n)`, symmetric, float64; n is `sites` times the period of the mosaic.

    Raises:
        ValueError: For unknown, missing or impossible parameters, and for a ring on which the potential doesn't close.

    Examples:
        >>> hamiltonian("gaam", {"lambda": 0.0, "alpha": 0.5, "phi": 0.0}, sites=3, boundary="open")
        tensor([[[0., 1., 0.],
                 [1., 0., 1.],
                 [0., 1., 0.]]], dtype=torch.float64)
    """
    where = "hamiltonian"
    row = model_named(model, where)
    check_size(row, sites, boundary, where)
    return hamiltonian_of(row, _vectors(row, parameters), sites, boundary)


def hamiltonian_of(row: ChainModel, parameters: Parameters, sites: int, boundary: Boundary) -> Tensor:
    """The same from checked arguments."""
    length = sites * row.period
    n = torch.arange(length, dtype=torch.float64)
    b = round(GOLDEN * sites) / sites if boundary == "ring" else GOLDEN
    columns = {name: values[:, None] for name, values in parameters.items()}
    wave = torch.cos(2 * math.pi * b * n + columns["phi"])
    potential = row.potential(columns, wave) * (n % row.period == 0)
    distance = (n[:, None] - n).abs()
    if boundary == "ring":
        distance = torch.minimum(distance, length - distance)
    hopping = row.hopping({name: values[:, :, None] for name, values in columns.items()}, distance.clamp(min=1))
    return torch.diag_embed(potential) + hopping * (distance > 0)


def inverse_participation_ratio(states: Tensor) -> Tensor:
    """IPR = Σ |ψ(n)|⁴ / (Σ |ψ(n)|²)²: 1 on one site, 1/n evenly on n sites.

    Args:
        states: One state a column, shape `(…, n, states)`, as `torch.linalg.eigh` gives them.

    Returns:
        Shape `(…, states)`.

    Examples:
        >>> inverse_participation_ratio(torch.tensor([[1.0, 0.5], [0.0, 0.5]]))
        tensor([1.0000, 0.5000])
    """
    if not isinstance(states, Tensor) or states.ndim < 2:
        expected = "a tensor with one state a column, of shape (…, sites, states)"
        _check.fail("states", "inverse_participation_ratio", expected, states, error=TypeError)
    weights = states.abs().square()
    return weights.square().sum(-2) / weights.sum(-2).square()


def fractal_dimension(states: Tensor) -> Tensor:
    """D = -log(IPR)/log(n): near 0 for a localized state, near 1 for an extended one, sharply so for many sites only.

    Args:
        states: As for `inverse_participation_ratio`, with n ≥ 2 sites.

    Examples:
        >>> fractal_dimension(torch.full((16, 1), 0.25))
        tensor([1.])
    """
    ratio = inverse_participation_ratio(states)
    if states.shape[-2] < 2:
        _check.fail("states", "fractal_dimension", "on at least two sites", states)
    return -ratio.log() / math.log(states.shape[-2])


def check_size(row: ChainModel, sites: Any, boundary: Any, where: str) -> None:
    """An error where the chain has no such size or boundary."""
    _check.integer(sites, "sites", where, low=3)
    _check.choice(boundary, "boundary", where, BOUNDARIES)
    if boundary == "ring" and (not _is_fibonacci(sites) or math.gcd(sites, row.period) > 1):
        fitting = [number for number in (34, 55, 89, 233, 377, 610, 987) if math.gcd(number, row.period) == 1]
        advice = f"These are {', '.join(map(str, fitting))}; boundary='open' takes any number."
        expected = "a Fibonacci number on a ring"
        if row.period > 1:
            expected += f" of the mosaic, and without the divisor {row.period}"
        _check.fail("sites", where, expected, sites, advice)


def _is_fibonacci(number: int) -> bool:
    return any(math.isqrt(square) ** 2 == square for square in (5 * number**2 - 4, 5 * number**2 + 4))


def _vectors(row: ChainModel, parameters: Any) -> dict[str, Tensor]:
    """The parameters as vectors of one length, checked."""
    where, expected = "hamiltonian", f"a dictionary of {', '.join(row.ranges)}"
    if not isinstance(parameters, Mapping) or set(parameters) != set(row.ranges):
        got = list(parameters) if isinstance(parameters, Mapping) else parameters
        _check.fail("parameters", where, expected, got)
    vectors = {name: torch.as_tensor(parameters[name], dtype=torch.float64).flatten() for name in row.ranges}
    lengths = {len(values) for values in vectors.values()} - {1}
    if len(lengths) > 1 or not all(bool(torch.isfinite(values).all()) for values in vectors.values()):
        _check.fail("parameters", where, f"{expected}: finite numbers, as many for each", parameters)
    for name, (low, high) in row.limits.items():
        if not bool(((vectors[name] > low) & (vectors[name] < high)).all()):
            _check.fail("parameters", where, f"of {name} between {low:g} and {high:g}, without the ends", parameters)
    return dict(zip(vectors, torch.broadcast_tensors(*vectors.values()), strict=True))
