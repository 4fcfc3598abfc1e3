"""The Lectures' 100 equations a second time, from the physics: fields by Gauss' law, boosts by rapidities, waves as complex numbers.

Arguments are NumPy columns in the order of the table.
"""

import numpy as np
from scipy import stats


def length(*components):
    return np.sqrt(np.sum(np.square(np.broadcast_arrays(*components)), axis=0))


def sphere(radius):
    """Its area."""
    return 4 * np.pi * radius**2


def field(charge, epsilon, distance):
    """Flux through a sphere around the charge."""
    return charge / epsilon / sphere(distance)


def magnetic_constant(epsilon, c):
    return 1 / (epsilon * c**2)


def rapidity(v, c):
    return np.arctanh(v / c)


def wave(amplitude, phase):
    return amplitude * np.exp(1j * phase)


def of_sources(n, phase):
    """Intensity of n sources, n not always whole: |1 + e^iφ + … |² summed as a geometric series."""
    return (1 - np.cos(n * phase)) / (1 - np.cos(phase))


def lorentz_force(q, electric, magnetic, v, angle):
    """Velocity along x, magnetic field in the plane of x and y, electric field along z."""
    zero = 0 * v * angle
    velocity = np.stack([v + zero, zero, zero], axis=-1)
    flux = np.stack([magnetic * np.cos(angle) + zero, magnetic * np.sin(angle) + zero, zero], axis=-1)
    return q * (electric + np.cross(velocity, flux)[..., 2])


def gravity(g, m_1, m_2, distance):
    """Potential energy."""
    return -g * m_1 * m_2 / distance


def oscillator(m, omega, omega_0, x):
    """Kinetic and potential energy, averaged over equally spaced moments of a period."""
    phase = np.arange(8) * np.pi / 4
    kinetic = m * (omega * x) ** 2 / 2 * np.mean(np.sin(phase) ** 2)
    return kinetic + m * (omega_0 * x) ** 2 / 2 * np.mean(np.cos(phase) ** 2)


def dipole_potential(epsilon, p_d, theta, r):
    """Derivative of a charge's potential by the place of the charge, with a complex step."""
    step = 1e-20j
    distance = np.sqrt(r**2 - 2 * r * step * np.cos(theta) + step**2)
    return p_d * np.imag(1 / (4 * np.pi * epsilon * distance)) / abs(step)


def angle_of(sine):
    return np.arctan2(sine, np.sqrt((1 - sine) * (1 + sine)))


def photons(energy, thermal):
    return 1 / np.expm1(energy / thermal)


def charged_ball(q, epsilon, d):
    """Energy of the field outside, and a fifth of it inside."""
    return q**2 / (8 * np.pi * epsilon * d) * (1 + 1 / 5)


def polarization(n, alpha, epsilon, electric):
    """The local field is that from outside and a third of the polarization."""
    return epsilon * electric / (1 / (n * alpha) - 1 / 3)


VOLUME_1 = {
    "I.6.20a": lambda t: stats.norm.pdf(t),
    "I.6.20": lambda t, s: stats.norm.pdf(t, scale=s),
    "I.6.20b": lambda t, mean, s: stats.norm.pdf(t, mean, s),
    "I.8.4": lambda x1, x2, y1, y2: np.hypot(x1 - x2, y1 - y2),
    "I.9.18": lambda g, m1, m2, x1, x2, y1, y2, z1, z2: g * m1 * m2 * length(x1 - x2, y1 - y2, z1 - z2) ** -2.0,
    "I.10.7": lambda m, v, c: m * np.cosh(rapidity(v, c)),
    "I.11.19": lambda a1, b1, a2, b2, a3, b3: np.einsum("ir,ir->r", [a1, a2, a3], [b1, b2, b3]),
    "I.12.1": lambda mu, normal: normal * mu,
    "I.12.2": lambda q1, q2, epsilon, r: q2 * field(q1, epsilon, r),
    "I.12.4": field,
    "I.12.5": lambda q, electric: electric * q,
    "I.12.11": lorentz_force,
    "I.13.4": lambda m, v, u, w: 0.5 * m * length(u, v, w) ** 2,
    "I.13.12": lambda g, m1, m2, r1, r2: gravity(g, m1, m2, r1) - gravity(g, m1, m2, r2),
    "I.14.3": lambda m, g, z: (m * g) * z,
    "I.14.4": lambda k, x: (k * x / 2) * x,
    "I.15.3x": lambda x, u, t, c: x * np.cosh(rapidity(u, c)) - c * t * np.sinh(rapidity(u, c)),
    "I.15.3t": lambda t, u, x, c: t * np.cosh(rapidity(u, c)) - x / c * np.sinh(rapidity(u, c)),
    "I.15.10": lambda m, v, c: m * c * np.sinh(rapidity(v, c)),
    "I.16.6": lambda u, v, c: c * np.tanh(rapidity(u, c) + rapidity(v, c)),
    "I.18.4": lambda m1, r1, m2, r2: r1 + (r2 - r1) * m2 / (m1 + m2),
    "I.18.12": lambda r, f, theta: np.imag(r * wave(f, theta)),
    "I.18.16": lambda m, r, v, theta: np.imag(r * wave(m * v, theta)),
    "I.24.6": oscillator,
    "I.25.13": lambda q, c: q * (1 / c),
    "I.26.2": lambda n, theta: angle_of(n * np.sin(theta)),
    "I.27.6": lambda d1, d2, n: d1 * d2 / (d2 + n * d1),
    "I.29.4": lambda omega, c: 2 * np.pi / (c / (omega / (2 * np.pi))),
    "I.29.16": lambda x1, x2, a1, a2: abs(wave(x1, a1) - wave(x2, a2)),
    "I.30.3": lambda i, n, theta: i * of_sources(n, theta),
    "I.30.5": lambda wavelength, n, d: angle_of(wavelength / n / d),
    "I.32.5": lambda q, a, epsilon, c: 2 / 3 * a**2 / c**3 * q**2 / (4 * np.pi * epsilon),
    "I.32.17": lambda epsilon, c, electric, r, omega, omega_0: (
        epsilon * c * electric**2 / 2 * (2 / 3 * sphere(r)) / (1 - (omega_0 / omega) ** 2) ** 2
    ),
    "I.34.8": lambda q, v, b, p: v / (p / (q * b)),
    "I.34.10": lambda omega, v, c: omega * c / (c - v),
    "I.34.14": lambda omega, v, c: omega * np.exp(rapidity(v, c)),
    "I.34.27": lambda hbar, omega: 2 * np.pi * hbar * (omega / (2 * np.pi)),
    "I.37.4": lambda i1, i2, delta: abs(np.sqrt(i1) + wave(np.sqrt(i2), delta)) ** 2,
    "I.38.12": lambda epsilon, hbar, m, q: hbar / (m * q**2 / (4 * np.pi * epsilon * hbar)),
    "I.39.10": lambda p, v: p * v / (5 / 3 - 1),
    "I.39.11": lambda gamma, p, v: p * v / (gamma - 1),
    "I.39.22": lambda n, k, t, v: (n / v) * (k * t),
    "I.40.1": lambda n, m, g, x, k, t: n / np.exp(m * g * x / (k * t)),
    "I.41.16": lambda hbar, omega, c, k, t: (omega / (np.pi * c)) ** 2 * hbar * omega * photons(hbar * omega, k * t),
    "I.43.16": lambda mu, q, voltage, d: mu * (q * (voltage / d)),
    "I.43.31": lambda mu, k, t: (k * t) * mu,
    "I.43.43": lambda gamma, k, v, area: k / (gamma - 1) * (v / area),
    "I.44.4": lambda n, k, t, v1, v2: n * k * t * (np.log(v2) - np.log(v1)),
    "I.47.23": lambda gamma, p, rho: np.sqrt(gamma * p) / np.sqrt(rho),
    "I.48.20": lambda m, v, c: np.hypot(m * c**2, c * (m * c * np.sinh(rapidity(v, c)))),
    "I.50.26": lambda x, alpha, omega, t: x * (np.cos(omega * t) + alpha * (1 + np.cos(2 * omega * t)) / 2),
}

VOLUME_2 = {
    "II.2.42": lambda kappa, t1, t2, area, d: -kappa * area * (t1 - t2) / d,
    "II.3.24": lambda power, r: power / sphere(r),
    "II.4.23": lambda q, epsilon, r: field(q, epsilon, r) * r,
    "II.6.11": dipole_potential,
    "II.6.15a": lambda epsilon, p, z, x, y, r: 3 * p * (z / r) * (np.hypot(x, y) / r) * field(1 / r, epsilon, r),
    "II.6.15b": lambda epsilon, p, r, theta: 1.5 * np.sin(2 * theta) * p * field(1 / r, epsilon, r),
    "II.8.7": charged_ball,
    "II.8.31": lambda epsilon, electric: 0.5 * electric * (epsilon * electric),
    "II.10.9": lambda sigma, epsilon, chi: sigma / (epsilon + epsilon * chi),
    "II.11.3": lambda q, electric, m, omega_0, omega: q * electric / m / ((omega_0 - omega) * (omega_0 + omega)),
    "II.11.17": lambda n, p, electric, theta, k, t: n - n * np.real(wave(-p * electric, theta)) / (k * t),
    "II.11.20": lambda n, p, electric, k, t: n * p * (p * electric / (k * t)) / 3,
    "II.11.27": polarization,
    "II.11.28": lambda n, alpha: (1 + 2 * n * alpha / 3) / (1 - n * alpha / 3),
    "II.13.17": lambda epsilon, c, current, r: magnetic_constant(epsilon, c) * current / (2 * np.pi * r),
    "II.13.23": lambda rho, v, c: rho * np.cosh(rapidity(v, c)),
    "II.13.34": lambda rho, v, c: rho * c * np.sinh(rapidity(v, c)),
    "II.15.4": lambda mu, b, theta: np.real(wave(-mu * b, theta)),
    "II.15.5": lambda p, electric, theta: p * electric * np.sin(theta - np.pi / 2),
    "II.21.32": lambda q, epsilon, r, v, c: q / (4 * np.pi * epsilon * (r - r * v / c)),
    "II.24.17": lambda omega, c, d: np.sqrt((omega / c - np.pi / d) * (omega / c + np.pi / d)),
    "II.27.16": lambda epsilon, c, electric: electric * (electric / c) / magnetic_constant(epsilon, c),
    "II.27.18": lambda epsilon, electric: 2 * (electric * (epsilon * electric) / 2),
    "II.34.2a": lambda q, v, r: q / (2 * np.pi * r / v),
    "II.34.2": lambda q, v, r: q / (2 * np.pi * r / v) * (np.pi * r**2),
    "II.34.11": lambda g, q, b, m: g * (q / (2 * m)) * b,
    "II.34.29a": lambda q, h, m: q * (h / (2 * np.pi)) / (2 * m),
    "II.34.29b": lambda g, mu, b, j, hbar: (g * mu * (j / hbar)) * b,
    "II.35.18": lambda n, mu, b, k, t: n / (2 * np.cosh(mu * b / (k * t))),
    "II.35.21": lambda n, mu, b, k, t: n * mu * (1 - 2 / (np.exp(2 * mu * b / (k * t)) + 1)),
    "II.36.38": lambda mu, b, k, t, alpha, m, epsilon, c: (
        mu * (b + magnetic_constant(epsilon, c) * alpha * m) / (k * t)
    ),
    "II.37.1": lambda mu, chi, b: mu * b + mu * chi * b,
    "II.38.3": lambda young, area, x, d: young * (x / d) * area,
    "II.38.14": lambda young, sigma: young / (2 + 2 * sigma),
}

VOLUME_3 = {
    "III.4.32": lambda hbar, omega, k, t: (1 / np.tanh(hbar * omega / (2 * k * t)) - 1) / 2,
    "III.4.33": lambda hbar, omega, k, t: hbar * omega * photons(hbar * omega, k * t),
    "III.7.38": lambda mu, b, hbar: (mu * b - (-mu * b)) / hbar,
    "III.8.54": lambda energy, t, hbar: (1 - np.cos(2 * energy * t / hbar)) / 2,
    "III.9.52": lambda p, electric, t, hbar, omega, omega_0: (
        p * electric * t / hbar * np.sinc((omega - omega_0) * t / (2 * np.pi)) ** 2
    ),
    "III.10.19": lambda mu, x, y, z: mu * length(x, y, z),
    "III.12.43": lambda n, hbar: n * (2 * np.pi * hbar) / (2 * np.pi),
    "III.13.18": lambda energy, d, k, hbar: (energy * d / hbar) * (2 * k * d),
    "III.14.14": lambda current, q, voltage, k, t: current * np.expm1(q * voltage / (k * t)),
    "III.15.12": lambda u, k, d: 4 * u * np.sin(k * d / 2) ** 2,
    "III.15.14": lambda hbar, energy, d: (hbar / d) ** 2 / (2 * energy),
    "III.15.27": lambda alpha, n, d: alpha * (2 * np.pi / (n * d)),
    "III.17.37": lambda beta, alpha, theta: beta + np.real(wave(alpha * beta, theta)),
    "III.19.51": lambda m, q, epsilon, hbar, n: -m * (q**2 / (4 * np.pi * epsilon * hbar) / n) ** 2 / 2,
    "III.21.20": lambda rho, q, potential, m: rho * (0 - q * potential) / m,
}

LECTURES = VOLUME_1 | VOLUME_2 | VOLUME_3
