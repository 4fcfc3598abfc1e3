"""The problems of the PDE benchmark: residual functions, points, and what is true."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

PI = math.pi
F64 = torch.float64
#: Of Burgers' equation, as in Raissi, Perdikaris and Karniadakis (2019).
VISCOSITY = 0.01 / PI


@dataclass(frozen=True)
class Problem:
    """What a network is to satisfy, and by how much it doesn't."""

    name: str
    residuals: dict[str, Callable[..., Tensor]]
    points: dict[str, Tensor]
    errors: Callable[[Any], dict[str, float]]
    candidates: dict[str, Tensor] = field(default_factory=dict)
    unknowns: dict[str, float] = field(default_factory=dict)
    weights: Any = "auto"


def square(n: int, ends: tuple[float, float] = (-1.0, 1.0)) -> Tensor:
    """n² points of a square, its sides among them."""
    t = torch.linspace(*ends, n, dtype=F64)
    return torch.cartesian_prod(t, t)


def crowded(n: int) -> Tensor:
    """Chebyshev's n points from -1 to 1, which crowd towards the ends."""
    return -torch.cos(torch.linspace(0, PI, n, dtype=F64))


def rms(difference: Tensor) -> float:
    """The root mean square of what stands in the rows."""
    return float(difference.square().sum(-1).mean().sqrt())


# ---- Poisson


def poisson_solution(x: Tensor) -> Tensor:
    """sin πx · sin πy²"""
    return torch.sin(PI * x[:, [0]]) * torch.sin(PI * x[:, [1]] ** 2)


def poisson_source(x: Tensor) -> Tensor:
    """Its Laplacian."""
    a, b = x[:, [0]], x[:, [1]]
    return torch.sin(PI * a) * (2 * PI * torch.cos(PI * b**2) - (PI**2 + 4 * PI**2 * b**2) * torch.sin(PI * b**2))


def poisson(n: int = 41, *, even: bool = False) -> Problem:
    """Section 3.4 of arXiv:2404.19756, on n² points, those of the boundary among them, instead of 10,000 random ones."""
    t, side = (torch.linspace(-1, 1, m, dtype=F64) if even else crowded(m) for m in (n, 101))
    one = torch.ones_like(side)
    edge = torch.cat([torch.stack(pair, 1) for pair in ((side, one), (side, -one), (one, side), (-one, side))])
    test = square(201)
    a, b = test[:, [0]], test[:, [1]]
    slopes = torch.cat(
        [
            PI * torch.cos(PI * a) * torch.sin(PI * b**2),
            2 * PI * b * torch.sin(PI * a) * torch.cos(PI * b**2),
        ],
        1,
    )

    def errors(model: Any) -> dict[str, float]:
        with torch.no_grad():
            found = model.derivatives(test, 1)
        l2 = rms(found.value - poisson_solution(test)) ** 2
        return {"l2_squared": l2, "h1_squared": rms(found.gradient[:, 0] - slopes) ** 2}

    return Problem(
        "poisson, even points" if even else "poisson",
        {"equation": lambda u: u.laplacian - poisson_source(u.x), "boundary": lambda u: u.value},
        {"equation": torch.cartesian_prod(t, t), "boundary": edge},
        errors,
    )


# ---- Burgers


def burgers_solution(x: np.ndarray, t: np.ndarray, viscosity: float = VISCOSITY) -> np.ndarray:
    """u_t + u·u_x = ν·u_xx with u = -sin πx at t = 0, by Hopf's and Cole's integral.

    u = -E[w·sin πη] / E[w] with η = x - √(2νt)·s, w = exp(-cos πη/(2πν)) and s normal; the trapezoidal rule is exact to round-off.
    What counts has come from no farther than |u|·t ≤ t, which is s = √(t/2ν), and the normal density about it.
    """
    s = np.linspace(-1, 1, 8001) * (9 + np.sqrt(t.max() / (2 * viscosity)))
    found = np.empty_like(x)
    for start in range(0, len(x), 500):
        rows = slice(start, start + 500)
        eta = x[rows, None] - np.sqrt(2 * viscosity * t[rows, None]) * s
        exponent = -np.cos(PI * eta) / (2 * PI * viscosity) - s**2 / 2
        weight = np.exp(exponent - exponent.max(1, keepdims=True))
        found[rows] = -(weight * np.sin(PI * eta)).sum(1) / weight.sum(1)
    return found


def burgers(inner: int = 3000, candidates: int = 20000, seed: int = 0) -> Problem:
    """In space and time, (x, t) in [-1, 1] × [0, 1]: a front of width ν/2 forms at x = 0."""
    generator = torch.Generator().manual_seed(seed)

    def anywhere(rows: int) -> Tensor:
        return torch.rand(rows, 2, generator=generator, dtype=F64) * torch.tensor([2.0, 1.0], dtype=F64) - torch.tensor(
            [1.0, 0.0], dtype=F64
        )

    x, t = torch.linspace(-1, 1, 201, dtype=F64)[:, None], torch.linspace(0, 1, 101, dtype=F64)[:, None]
    sides = torch.cat([torch.cat([torch.full_like(t, side), t], 1) for side in (-1.0, 1.0)])
    test = torch.cartesian_prod(torch.linspace(-1, 1, 257, dtype=F64), torch.linspace(0, 1, 101, dtype=F64))
    exact = torch.from_numpy(burgers_solution(*test.numpy().T))[:, None]

    def errors(model: Any) -> dict[str, float]:
        with torch.no_grad():
            return {"relative_l2": float((model(test) - exact).norm() / exact.norm())}

    return Problem(
        "burgers",
        {
            "equation": lambda u: u.d(1) + u.value * u.d(0) - VISCOSITY * u.d(0, 0),
            "start": lambda u: u.value + torch.sin(PI * u.x[:, [0]]),
            "sides": lambda u: u.value,
        },
        {"equation": anywhere(inner), "start": torch.cat([x, torch.zeros_like(x)], 1), "sides": sides},
        errors,
        {"equation": anywhere(candidates)},
    )


# ---- an inverse problem

#: Diffusivity and growth rate that the inverse problem is to find, and the noise of its measurements.
TRUE = {"diffusivity": 0.05, "growth": 0.3}
NOISE = 0.01


def diffusion_solution(x: Tensor) -> Tensor:
    """u_t = D·u_xx + g·u with two modes; columns x and t."""
    d, g = TRUE.values()
    modes = [
        scale * torch.sin(n * PI * x[:, [0]]) * torch.exp((g - d * (n * PI) ** 2) * x[:, [1]])
        for n, scale in ((1, 1.0), (2, 0.5))
    ]
    return modes[0] + modes[1]


def diffusion(measurements: int = 200, seed: int = 0) -> Problem:
    """Both constants of u_t = D·u_xx + g·u from noisy values of u; its start is unknown."""
    generator = torch.Generator().manual_seed(seed)
    at = torch.rand(measurements, 2, generator=generator, dtype=F64)
    values = diffusion_solution(at) + NOISE * torch.randn(measurements, 1, generator=generator, dtype=F64)
    t = torch.linspace(0, 1, 41, dtype=F64)[:, None]
    sides = torch.cat([torch.cat([torch.full_like(t, side), t], 1) for side in (0.0, 1.0)])
    test = square(101, (0.0, 1.0))

    def errors(model: Any) -> dict[str, float]:
        with torch.no_grad():
            return {"rms": rms(model(test) - diffusion_solution(test))}

    return Problem(
        "inverse",
        {
            "equation": lambda u, diffusivity, growth: u.d(1) - diffusivity * u.d(0, 0) - growth * u.value,
            "sides": lambda u: u.value,
            "data": lambda u: u.value - values,
        },
        {"equation": square(31, (0.0, 1.0)), "sides": sides, "data": at},
        errors,
        unknowns={"diffusivity": 0.5, "growth": 0.0},
        weights={"equation": 1e6, "sides": 1e6, "data": NOISE**-2},
    )
