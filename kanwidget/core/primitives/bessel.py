"""The Bessel functions J0 and J1 in double precision, differentiable.

`torch.special.bessel_j0` is off by up to 4e-7 in float64 and has no derivative. Here two expansions meet at |x| = 25:

- near 0, J0(x) and J1(x)/x are entire functions of x², so a Chebyshev series in x² converges faster than geometrically.
  Its coefficients are computed once, from Bessel's own integral: J_n(x) is the mean of cos(n t - x sin t) over a period,
  and the trapezoidal rule for it converges geometrically once it has more points than |x|;
- far away, Hankel's asymptotic expansion, whose smallest term is below round-off there.

References:
    DLMF 10.9.2 and 10.17.3; Trefethen and Weideman, "The exponentially convergent trapezoidal rule", SIAM Review 56 (2014).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

#: The point where the two expansions meet.
_MEET = 25.0
_DEGREE = 36
_HANKEL_TERMS = 24


def bessel_j(n: int, x: Tensor) -> Tensor:
    """J_n(x) for n = 0 or 1, elementwise, differentiable in x.

    Examples:
        >>> bessel_j(0, torch.tensor([0.0, 2.404825557695773], dtype=torch.float64)).abs().round(decimals=14)
        tensor([1., 0.], dtype=torch.float64)
    """
    # Each expansion is computed everywhere: where it doesn't hold it gets a harmless point instead, lest gradients become NaN.
    near = x.abs() <= _MEET
    (close,) = _chebyshev((n,), torch.where(near, x, 0.0))
    (far,) = _hankel((n,), torch.where(near, _MEET, x))
    return torch.where(near, close, far)


def bessel_j01(x: Tensor) -> tuple[Tensor, Tensor]:
    """J0(x) and J1(x), elementwise, at little more than the cost of one of them.

    It skips the expansion that no value of x needs, and so can't run within `vmap`.

    Examples:
        >>> j0, j1 = bessel_j01(torch.tensor([0.0, 30.0], dtype=torch.float64))
        >>> bool(j0[1] == bessel_j(0, torch.tensor(30.0, dtype=torch.float64))), float(j1[0])
        (True, 0.0)
    """
    near = x.abs() <= _MEET
    if bool(near.all()):
        j0, j1 = _chebyshev((0, 1), x)
        return j0, j1
    close = _chebyshev((0, 1), torch.where(near, x, 0.0))
    far = _hankel((0, 1), torch.where(near, _MEET, x))
    j0, j1 = (torch.where(near, *parts) for parts in zip(close, far, strict=True))
    return j0, j1


def _coefficients(n: int) -> Tensor:
    """Chebyshev coefficients of J_n(x)/xⁿ in s = 2(x/25)² - 1 for |x| ≤ 25, `(36,)`, by interpolation at Chebyshev's points.

    The values at these points are the means of cos(n·t - x·sin t) over a period of t. 36 coefficients suffice: the last are round-off.
    """
    angle = (torch.arange(_DEGREE, dtype=torch.float64) + 0.5) * (math.pi / _DEGREE)
    x = _MEET * torch.sqrt((1 + torch.cos(angle)) / 2)
    # The mean is exact to round-off with clearly more points than |x|, which is 25 at most.
    t = torch.arange(128, dtype=torch.float64) * (2 * math.pi / 128)
    values = torch.cos(n * t - x[:, None] * torch.sin(t)).mean(-1) / x**n
    series = torch.cos(torch.arange(_DEGREE, dtype=torch.float64)[:, None] * angle) @ values * (2 / _DEGREE)
    series[0] /= 2  # the mean of cos² is 1 for the constant, and ½ for all others
    return series


_SERIES = torch.stack([_coefficients(0), _coefficients(1)])


def _hankel_coefficients(n: int) -> Tensor:
    """Coefficients of Hankel's expansion of J_n for large x, `(2, powers)`: its even and its odd part, in powers of (1/x)².

    The odd part has a further factor 1/x. Of 24 terms the last is below round-off for x ≥ 25.
    """
    even: list[float] = [1.0]
    odd: list[float] = []
    term = 1.0
    for m in range(1, _HANKEL_TERMS):
        term *= (4 * n * n - (2 * m - 1) ** 2) / (m * 8)
        (odd if m % 2 else even).append(-term if m % 4 in (2, 3) else term)
    return torch.tensor([even, odd], dtype=torch.float64)


_FAR = torch.stack([_hankel_coefficients(0), _hankel_coefficients(1)])


def _chebyshev(orders: tuple[int, ...], x: Tensor) -> list[Tensor]:
    """J_n(x) for each of `orders` (0, 1 or both), of the shape of x, from its Chebyshev series, by Clenshaw's recurrence; for |x| ≤ 25."""
    s = 2 * (x / _MEET) ** 2 - 1
    first, *rest = _columns(_SERIES, orders, x)  # for each degree the coefficients, `(orders, 1, …)`
    twice = 2 * s
    b1 = b2 = torch.zeros_like(x)
    for c in reversed(rest):
        b1, b2 = torch.addcmul(c - b2, twice, b1), b1
    sums = first + s * b1 - b2
    return [value * x if n else value for n, value in zip(orders, sums, strict=True)]


def _columns(table: Tensor, orders: tuple[int, ...], x: Tensor) -> tuple[Tensor, ...]:
    """The coefficients of `orders` (0, 1 or both), one tensor for each power, so shaped that they can be multiplied with x.

    The table has the orders along its first axis and the powers along its last. Axes of length 1 for those of x take the last one's place.
    """
    part = table.to(x)[orders[0] : orders[-1] + 1]
    return part.reshape(*part.shape[:-1], *(1,) * x.ndim, part.shape[-1]).unbind(-1)


def _hankel(orders: tuple[int, ...], x: Tensor) -> list[Tensor]:
    """J_n(x) for each of `orders` (0, 1 or both), of the shape of x, by Hankel's expansion (DLMF 10.17.3); for large |x|.

    J_n is √(2/πx)·(E·cos w - O·sin w) with w = x - (n/2 + ¼)π, and with the even and odd part E and O of a series in 1/x.
    """
    z = x.abs()
    inverse = 1 / z
    square = inverse**2
    *rest, series = _columns(_FAR, orders, x)  # for each power of 1/x² those of E and O, `(orders, 2, 1, …)`
    for c in reversed(rest):
        series = torch.addcmul(c, series, square)
    cos, sin = torch.cos(z), torch.sin(z)
    size = torch.sqrt(2 / math.pi * inverse)
    values = []
    for n, (even, odd) in zip(orders, series.unbind(), strict=True):
        # z - (n/2 + 1/4)π by the addition theorem: subtracting from a large z first would cost digits.
        shift = (n / 2 + 0.25) * math.pi
        rotated = cos * math.cos(shift) + sin * math.sin(shift), sin * math.cos(shift) - cos * math.sin(shift)
        value = size * (even * rotated[0] - odd * inverse * rotated[1])
        values.append(value * torch.sign(x) if n % 2 else value)  # J1(-x) = -J1(x)
    return values
