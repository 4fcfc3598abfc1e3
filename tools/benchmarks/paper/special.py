"""The 15 special functions of the KAN paper's Table 1 and the domains on which they are learnt here.

The paper doesn't say on which domains it drew its samples, so errors can't be matched domain for domain. These were
written down before any network was trained on them and are not to be changed by what comes out. Each is as natural a
range as keeps 0.1 or more away from the function's singularities:

- elliptic: amplitudes to half a period or a quarter of one, all parameters m; the incomplete integrals have a
  singular corner at φ = π/2, m = 1, so m ends at 0.9 there;
- Bessel: orders 0 to 2; z = 0 is a branch point of every order that is no integer, so z starts at 1, and ends at 10
  for those that oscillate, at 5 for those that grow and fall as exp(±z);
- Legendre: degrees 0 to 3; x = ±1 are singular (degrees that are no integers, odd m), near -1 the function of m = 2
  grows as 1/(1 + x), so x is from -0.5 to 0.9;
- spherical harmonics: the real part on the whole sphere.

Source: Liu et al., "KAN: Kolmogorov-Arnold Networks", arXiv:2404.19756, Table 1 and figure 3.2 (floors read by eye: ±2x).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Values = NDArray[np.float64]
Range = tuple[float, float]
PI = float(np.pi)


@dataclass(frozen=True)
class Special:
    """A function of two variables: of columns `x` and `y` from their ranges."""

    function: Callable[[Values, Values], Values]
    x: Range
    y: Range
    floor: float
    """Lowest test RMSE of any KAN in the paper's figure 3.2."""
    pruned: float
    """RMSE of the paper's best pruned KAN, Table 1."""
    mlp: float
    """RMSE of the paper's MLP, Table 1."""


def _harmonic(m: int, n: int) -> Callable[[Values, Values], Values]:
    """Re Y of order m and degree n: x the azimuth, y the polar angle."""
    return lambda x, y: special.sph_harm_y(n, m, y, x).real


FULL_TURN, HALF_TURN = (0.0, 2 * PI), (0.0, PI)
SPHERE = FULL_TURN, HALF_TURN
ORDERS, DEGREES, COSINES = (0.0, 2.0), (0.0, 3.0), (-0.5, 0.9)
FUNCTIONS = {
    "ellipj": Special(lambda x, y: special.ellipj(x, y)[0], HALF_TURN, (0.0, 1.0), 4e-6, 1.33e-4, 6.48e-4),
    "ellipkinc": Special(special.ellipkinc, (0.0, PI / 2), (0.0, 0.9), 2e-6, 1.24e-4, 5.52e-4),
    "ellipeinc": Special(special.ellipeinc, (0.0, PI / 2), (0.0, 0.9), 1.2e-6, 8.26e-5, 3.04e-4),
    "jv": Special(special.jv, ORDERS, (1.0, 10.0), 1e-5, 1.64e-3, 5.52e-3),
    "yv": Special(special.yv, ORDERS, (1.0, 10.0), 1e-5, 1.49e-5, 3.45e-4),
    "kv": Special(special.kv, ORDERS, (1.0, 5.0), 2e-6, 2.52e-5, 1.67e-4),
    "iv": Special(special.iv, ORDERS, (1.0, 5.0), 5e-6, 9.28e-3, 1.07e-2),
    "lpmv m=0": Special(lambda x, y: special.lpmv(0, x, y), DEGREES, COSINES, 3e-5, 5.25e-5, 1.74e-2),
    "lpmv m=1": Special(lambda x, y: special.lpmv(1, x, y), DEGREES, COSINES, 1.4e-5, 6.90e-4, 1.50e-3),
    "lpmv m=2": Special(lambda x, y: special.lpmv(2, x, y), DEGREES, COSINES, 7e-6, 2.26e-4, 9.43e-4),
    "sph_harm m=0 n=1": Special(_harmonic(0, 1), *SPHERE, 9e-8, 2.21e-7, 1.25e-6),
    "sph_harm m=1 n=1": Special(_harmonic(1, 1), *SPHERE, 4e-6, 1.22e-4, 6.70e-4),
    "sph_harm m=0 n=2": Special(_harmonic(0, 2), *SPHERE, 1e-7, 1.95e-7, 2.85e-6),
    "sph_harm m=1 n=2": Special(_harmonic(1, 2), *SPHERE, 1.5e-5, 1.50e-5, 1.84e-3),
    "sph_harm m=2 n=2": Special(_harmonic(2, 2), *SPHERE, 3.5e-5, 9.45e-5, 6.21e-4),
}
