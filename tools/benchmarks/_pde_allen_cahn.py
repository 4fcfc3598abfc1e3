"""Allen's and Cahn's equation for the PDE benchmark, and a solution of it to compare with.

The start has a kink at x = ±1 once it is continued periodically, and diffusion rounds it off at once. So the reference
starts from exact Fourier coefficients. Sampled at 512 points the start has a solution that is 1.1e-5 away: errors below
that are errors against the same sampling.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from scipy.fft import dct
from torch import Tensor

from tools.benchmarks._pde_problems import F64, PI, Problem

#: u_t = 10⁻⁴·u_xx + 5·(u - u³), as in Raissi, Perdikaris and Karniadakis (2019).
DIFFUSIVITY, RATE = 1e-4, 5.0
#: Of the solution to compare with: modes, and time steps between two of the hundred and one times. With half as many of both it is
#: the same to 6e-12 in L²; `solve_ivp` on another space grid agrees, see the tests.
MODES, STEPS = 2048, 32


def allen_cahn_start(x: Tensor) -> Tensor:
    """x²·cos πx, which has a kink at x = ±1 when it is continued with period 2."""
    return x**2 * torch.cos(PI * x)


def start_modes(modes: int) -> np.ndarray:
    """Its coefficients of cos kπx for k from 0 to `modes`, exactly: those of x², moved by one to both sides."""
    k = np.arange(-1, modes + 2)
    square = 2 * (-1.0) ** k / (PI * np.where(k, k, 1)) ** 2
    square[k == 0] = 1 / 3
    two_sided = (square[:-2] + square[2:]) / 2
    return np.where(k[1:-1] == 0, 1.0, 2.0) * two_sided


def values(coefficients: np.ndarray) -> np.ndarray:
    """Σ aₖ·cos kπx at x = 0, 1/K, …, 1 for k from 0 to K."""
    halves = coefficients.copy()
    halves[1:-1] /= 2
    return np.asarray(dct(halves, 1))


def modes_of(found: np.ndarray) -> np.ndarray:
    """The inverse of `values`."""
    coefficients = np.asarray(dct(found, 1)) / (len(found) - 1)
    coefficients[[0, -1]] /= 2
    return coefficients


def split_steps(coefficients: np.ndarray, times: int, steps: int) -> np.ndarray:
    """The solution at x = 0, 1/K, …, 1 and at `times` times from 0 to 1, `(times, K + 1)`: half of diffusion, reaction, the other half.

    Both parts are solved exactly: modes decay, and u' = 5·(u - u³) leads from u to u·e⁵ᵗ/√(1 + u²(e¹⁰ᵗ - 1)). The error is of
    second order in the time step, and of even orders only.

    References:
        Strang, "On the construction and comparison of difference schemes", SIAM J. Numer. Anal. 5 (1968).
    """
    step = 1 / ((times - 1) * steps)
    decay = np.exp(-DIFFUSIVITY * (PI * np.arange(len(coefficients))) ** 2 * step / 2)
    growth, excess = np.exp(RATE * step), np.expm1(2 * RATE * step)
    found = [values(coefficients)]
    for _ in range(times - 1):
        for _ in range(steps):
            u = values(coefficients * decay)
            coefficients = modes_of(u * growth / np.sqrt(1 + u**2 * excess)) * decay
        found.append(values(coefficients))
    return np.stack(found)


def allen_cahn_solution(times: int = 101, modes: int = MODES, steps: int = STEPS) -> np.ndarray:
    """The solution at x = 0, 1/modes, …, 1 (it is even in x) and at `times` times from 0 to 1, `(times, modes + 1)`.

    Two step lengths are extrapolated to 0. At first the modes that are left out round the kink off, by 2e-4 at x = 1 itself; they
    have decayed at once.
    """
    coefficients = start_modes(modes)
    coarse, fine = (split_steps(coefficients, times, n) for n in (steps // 2, steps))
    return (4 * fine - coarse) / 3


def features(points: Tensor) -> Tensor:
    """cos πx, sin πx and t of points (x, t): what depends on these has period 2 in x, with all derivatives."""
    x, t = points[:, [0]], points[:, [1]]
    return torch.cat([torch.cos(PI * x), torch.sin(PI * x), t], 1)


def equation(u: Any) -> Tensor:
    """The residual of a network of `features`: u_xx by the chain rule."""
    c, s = u.x[:, [0]], u.x[:, [1]]
    curved = s**2 * u.d(0, 0) - 2 * s * c * u.d(0, 1) + c**2 * u.d(1, 1) - c * u.d(0) - s * u.d(1)
    return u.d(2) - DIFFUSIVITY * PI**2 * curved - RATE * (u.value - u.value**3)


def allen_cahn(inner: int = 4000, candidates: int = 20000, seed: int = 0, *, from_start: bool = True) -> Problem:
    """In space and time, (x, t) in [-1, 1] × [0, 1], from x²·cos πx; fronts form at x = ±0.5, and x = 0 is left at the unstable 0.

    `from_start`, a twentieth of the points lie at t = 0: between the start and the earliest of random ones a network can jump to
    another solution. With no candidates points stay where they are.
    """
    generator = torch.Generator().manual_seed(seed)

    def anywhere(rows: int) -> Tensor:
        points = torch.rand(rows, 2, generator=generator, dtype=F64)
        points[:, 0] = 2 * points[:, 0] - 1
        points[: rows // 20 if from_start else 0, 1] = 0
        return points

    x = torch.linspace(-1, 1, 601, dtype=F64)[:, None]
    start = allen_cahn_start(x)
    half = torch.from_numpy(allen_cahn_solution()[:, :: MODES // 256])
    half[0] = allen_cahn_start(torch.linspace(0, 1, 257, dtype=F64))
    exact = torch.cat([half[:, 1:].flip(1), half], 1)
    t, sides = torch.linspace(0, 1, 101, dtype=F64), torch.linspace(-1, 1, 513, dtype=F64)
    test = features(torch.cartesian_prod(t, sides).flip(1))

    def errors(model: Any) -> dict[str, float]:
        with torch.no_grad():
            difference = model(test).view_as(exact) - exact
        inside = difference[:, sides.abs() < 0.97].norm() / exact.norm()
        return {"relative_l2": float(difference.norm() / exact.norm()), "away_from_the_kink": float(inside)}

    points = {"equation": features(anywhere(inner)), "start": features(torch.cat([x, torch.zeros_like(x)], 1))}
    asides = [", points that stay"] * (not candidates) + [", none at t = 0"] * (not from_start)
    return Problem(
        "allen-cahn" + "".join(asides),
        {"equation": equation, "start": lambda u: u.value - start},
        points,
        errors,
        {"equation": features(anywhere(candidates))} if candidates else {},
    )
