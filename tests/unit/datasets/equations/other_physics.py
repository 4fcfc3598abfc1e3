"""The equations of other books, and those without dimensions, a second time.

A dimensionless equation is the full one with some of its variables 1.
"""

import numpy as np

from tests.unit.datasets.equations.lectures_physics import LECTURES, field, of_sources, rapidity, wave


def image_force(q, epsilon, y, voltage, d):
    """The sphere acts as a charge in its centre and an image charge d²/y away from it."""
    centre = 4 * np.pi * epsilon * voltage * d
    image = -q * d / y
    return q * (field(centre, epsilon, y) + field(image, epsilon, y - d**2 / y))


def kepler_orbit(m, k, momentum, energy, theta_1, theta_2):
    parameter = momentum**2 / (m * k)
    eccentricity = np.sqrt(1 + 2 * energy * parameter / k)
    return (1 + np.real(wave(eccentricity, theta_1 - theta_2))) / parameter


def gravitational_waves(g, c, m_1, m_2, r):
    """Power of a changing quadrupole moment, (G/5c⁵)·32·μ²r⁴ω⁶, with the ω of Kepler's third law."""
    reduced, omega = m_1 * m_2 / (m_1 + m_2), np.sqrt(g * (m_1 + m_2) / r**3)
    return -g / (5 * c**5) * 32 * reduced**2 * r**4 * omega**6


def aberration(theta, v, c):
    return 2 * np.arctan(np.exp(rapidity(v, c)) * np.tan(theta / 2))


def friedmann_pressure(g, c, curvature, radius, h, q):
    """Of the acceleration equation -q·h² = -4πG/3 (ρ + 3p/c²), with ρ of the first equation."""
    rho = 3 / (8 * np.pi * g) * (h**2 + curvature * c**2 / radius**2)
    return (3 * q * h**2 / (4 * np.pi * g) - rho) * c**2 / 3


def klein_nishina(alpha, hbar, m, c, omega_0, omega, theta):
    compton, ratio = hbar / (m * c), omega_0 / omega
    return np.pi * (alpha * compton * ratio) ** 2 * (ratio + 1 / ratio - 1 + np.cos(theta) ** 2)


OTHERS = {
    "Rutherford scattering": lambda z1, z2, alpha, hbar, c, energy, theta: (
        (z1 * z2 * alpha * hbar * c / energy / (2 * (1 - np.cos(theta)))) ** 2
    ),
    "Friedmann equation": lambda g, rho, k, c, a: np.sqrt(8 / 3 * np.pi * g * rho - k * (c / a) ** 2),
    "Compton scattering": lambda energy, m, c, theta: 1 / (1 / energy + 2 * np.sin(theta / 2) ** 2 / (m * c**2)),
    "Radiated gravitational wave power": gravitational_waves,
    "Relativistic aberration": aberration,
    "N-slit diffraction": lambda i, alpha, delta, n: i * np.sinc(alpha / (2 * np.pi)) ** 2 * of_sources(n, delta),
    "Goldstein 3.16": lambda m, energy, u, momentum, r: np.sqrt(2 * energy / m - 2 * u / m - (momentum / (m * r)) ** 2),
    "Goldstein 3.55": kepler_orbit,
    "Goldstein 3.64 (ellipse)": lambda d, e, theta_1, theta_2: (
        1 / ((1 / d + np.real(wave(e / d, theta_1 - theta_2))) / ((1 - e) * (1 + e)))
    ),
    "Goldstein 3.74 (Kepler)": lambda d, g, m1, m2: np.sqrt(4 * np.pi**2 * d**3 / (g * m1 + g * m2)),
    "Goldstein 3.99": lambda epsilon, energy, momentum, m, z1, z2, q: np.hypot(
        1, np.sqrt(2 * energy / m) * momentum / (z1 * z2 * q**2 / epsilon)
    ),
    "Goldstein 8.56": lambda p, q, a, c, m, voltage: np.hypot(c * (p - q * a), m * c**2) + q * voltage,
    "Goldstein 12.80": lambda m, p, omega, x, alpha, y: p**2 / (2 * m) + m * omega**2 / 2 * (x**2 + alpha * x**3 / y),
    "Jackson 2.11": image_force,
    "Jackson 3.45": lambda q, r, d, alpha: q / abs(r - wave(d, alpha)),
    "Jackson 4.60": lambda electric, theta, kappa, d, r: (
        np.real(wave(-electric * r, theta)) * (1 - (kappa - 1) / (kappa + 2) * (d / r) ** 3)
    ),
    "Jackson 11.38 (Doppler)": lambda omega, v, c, theta: (
        omega / (np.cosh(rapidity(v, c)) + np.sinh(rapidity(v, c)) * np.cos(theta))
    ),
    "Weinberg 15.2.1": lambda g, c, k, a, h: 3 * h**2 / (8 * np.pi * g) + 3 * k * (c / a) ** 2 / (8 * np.pi * g),
    "Weinberg 15.2.2": friedmann_pressure,
    "Schwarz 13.132 (Klein-Nishina)": klein_nishina,
}

DIMENSIONLESS = {
    "I.6.20": LECTURES["I.6.20"],
    "I.6.20b": LECTURES["I.6.20b"],
    "I.9.18": lambda a, b, c, d, e, f: LECTURES["I.9.18"](a, 1, 1, 1, b, c, d, e, f),
    "I.12.11": lambda a, theta: LECTURES["I.12.11"](1, 1, a, 1, theta),
    "I.13.12": lambda a, b: LECTURES["I.13.12"](a, 1, 1, 1, b),
    "I.15.3x": lambda a, b: LECTURES["I.15.3x"](1, b, a / b, 1),
    "I.16.6": lambda a, b: LECTURES["I.16.6"](a, b, 1),
    "I.18.4": lambda a, b: LECTURES["I.18.4"](1, 1, a, b),
    "I.26.2": LECTURES["I.26.2"],
    "I.27.6": lambda a, b: LECTURES["I.27.6"](a, 1, b) / a,
    "I.29.16": lambda a, theta_1, theta_2: LECTURES["I.29.16"](1, a, theta_1, theta_2),
    "I.30.3": lambda n, theta: LECTURES["I.30.3"](1, n, theta),
    "I.30.5": lambda a, n: LECTURES["I.30.5"](a, n, 1),
    "I.37.4": lambda a, delta: LECTURES["I.37.4"](1, a, delta),
    "I.40.1": lambda n, a: LECTURES["I.40.1"](n, 1, 1, a, 1, 1),
    "I.44.4": lambda n, a: LECTURES["I.44.4"](n, 1, 1, 1, a),
    "I.50.26": lambda a, alpha: LECTURES["I.50.26"](1, alpha, a, 1),
    "II.2.42": lambda a, b: LECTURES["II.2.42"](b, 1, a, 1, 1),
    "II.6.15a": lambda a, b, c: LECTURES["II.6.15a"](1, c / 3, 1, a, b, 1),
    "II.11.17": lambda n, a, theta: LECTURES["II.11.17"](n, a, 1, theta, 1, 1),
    "II.11.27": lambda n, alpha: LECTURES["II.11.27"](n, alpha, 1, 1),
    "II.35.18": lambda n, a: LECTURES["II.35.18"](n, a, 1, 1, 1),
    "II.36.38": lambda a, alpha, b: LECTURES["II.36.38"](1, a, 1, 1, alpha, b, 1, 1),
    "II.38.3": lambda a, b: LECTURES["II.38.3"](1, 1, a, b),
    "III.9.52": lambda a, b, c: LECTURES["III.9.52"](a, 1, 1, 1, b, c),
    "III.10.19": lambda a, b: LECTURES["III.10.19"](1, a, b, 1),
    "III.17.37": LECTURES["III.17.37"],
}
