"""Formulas of one variable: how many of some laws are found, and how soon. `python -m tools.benchmarks.discovery.curves [--noise 0.01]`.

Exact means a relative error below 1e-9 on clean rows. With noise, the best formula by description length is refitted to clean rows:
its form is right if that is exact. Seconds are processor time of one thread.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import sympy
import torch
from torch import Tensor

from kanwidget.discovery.engine.curves import Curve, curves
from kanwidget.discovery.engine.fitting.refits import fit_tree
from kanwidget.discovery.engine.trees import expression

X = sympy.Symbol("x")

#: Name, law of x, range.
OWN = [
    ("Arrhenius", "2.5e13*exp(-85000/(8.314*x))", 280, 400),
    ("Michaelis-Menten", "3.2*x/(0.15 + x)", 0.01, 2),
    ("Hill", "7*x**2.4/(1.3**2.4 + x**2.4)", 0.05, 6),
    ("substrate inhibition", "5*x/(2 + x + x**2/10)", 0.1, 30),
    ("Bateman", "12*(exp(-0.2*x) - exp(-1.4*x))", 0, 20),
    ("damped oscillation", "5*exp(-0.3*x)*cos(4*x + 0.4)", 0, 8),
    ("Planck", "3.74e-16/x**5/(exp(2.88e-6/x) - 1)", 2e-7, 3e-6),
    ("Nernst", "25.7*log(x/0.12)", 1e-3, 1),
    ("Langmuir", "3.4*2.3e-5*x/(1 + 2.3e-5*x)", 1e3, 2e5),
    ("Freundlich", "2.1*x**0.37", 10, 1e4),
    ("Antoine", "exp(18.58 - 3984/(x + 233.4))", 10, 95),
    ("logistic growth", "870/(1 + 12*exp(-0.45*x))", 0, 20),
    ("Gompertz", "120*exp(-3.1*exp(-0.35*x))", 0, 20),
    ("length of a fish", "85*(1 - exp(-0.21*(x + 0.6)))", 0, 15),
    ("weight of a fish", "300*(1 - exp(-0.3*x))**3", 0, 15),
    ("Lennard-Jones", "0.0412*((3.4/x)**12 - (3.4/x)**6)", 3.3, 8),
    ("Morse", "4.5*(1 - exp(-1.9*(x - 0.74)))**2", 0.4, 4),
    ("resonance", "3/((x**2 - 2.25)**2 + 0.16*x**2)", 0.3, 3),
    ("charging capacitor", "9*(1 - exp(-x/0.0022))", 0, 0.01),
    ("diode", "1e-12*(exp(x/0.0257) - 1)", 0.3, 0.7),
    ("screened potential", "1.2*exp(-x/0.8)/x", 0.2, 4),
    ("radial function 2s", "0.35*(2 - x/0.53)*exp(-x/1.06)", 0, 8),
    ("slit", "(sin(3*x)/(3*x))**2", 0.1, 4),
    ("kinetic energy", "8.19e-14*(1/sqrt(1 - x**2/8.98755e16) - 1)", 1e7, 2.9e8),
    ("pulse with background", "0.5 + 3*exp(-(x - 2.2)**2/0.32)", 0, 5),
    ("Weibull", "(2.3/1.8)*(x/1.8)**1.3*exp(-(x/1.8)**2.3)", 0.05, 5),
    ("log-normal", "exp(-(log(x) - 0.7)**2/0.5)/x", 0.2, 10),
    ("Tetens", "0.6108*exp(17.27*x/(x + 237.3))", 0, 40),
    ("thermistor", "1/(1.13e-3 + 2.34e-4*log(x) + 8.8e-8*log(x)**3)", 1e3, 1e5),
    ("van Genuchten", "(1 + (0.02*x)**1.6)**(-0.375)", 1, 1e4),
    ("growth with upkeep", "0.8*x/(0.3 + x) - 0.05", 0.02, 4),
    ("tax revenue", "4*x*(1 - x)**1.7", 0.01, 0.99),
    ("substitution", "(0.3*x**(-0.5) + 0.7)**(-2)", 0.1, 10),
    ("channel", "(3*x)**(5/3)/(3 + 2*x)**(2/3)", 0.1, 5),
    ("catenary", "20*cosh(x/20)", -30, 30),
    ("fall with drag", "42*tanh(9.81*x/42)", 0, 12),
    ("Redlich-Kwong", "2494/(x - 0.03) - 90/(x*(x + 0.03))", 0.08, 2),
    ("Einstein solid", "24.9*(310/x)**2*exp(310/x)/(exp(310/x) - 1)**2", 30, 600),
    ("Langevin", "cosh(x)/sinh(x) - 1/x", 0.1, 8),
    ("slip correction", "1 + (2/x)*(1.257 + 0.4*exp(-0.55*x))", 0.2, 20),
    ("Sutherland", "1.458e-6*x**1.5/(x + 110.4)", 150, 900),
    ("Ricker wavelet", "(1 - 2*9.87*x**2*4)*exp(-9.87*4*x**2)", -0.5, 0.5),
    ("Compton", "662/(1 + (662/511)*(1 - cos(x)))", 0, 3.14),
    ("Fermi", "1/(exp((x - 0.3)/0.0257) + 1)", 0.2, 0.4),
    ("survival of cells", "exp(-0.3*x - 0.03*x**2)", 0, 10),
    ("two tones", "1.5*sin(2*x) + 0.8*cos(5*x)", 0, 10),
    ("gamma with background", "0.2 + 1.7*x**2.5*exp(-1.3*x)", 0.1, 10),
]

#: The one-variable functions of Nguyen et al. (2011).
NGUYEN = [
    ("nguyen 1", "x**3 + x**2 + x", -1, 1),
    ("nguyen 2", "x**4 + x**3 + x**2 + x", -1, 1),
    ("nguyen 3", "x**5 + x**4 + x**3 + x**2 + x", -1, 1),
    ("nguyen 4", "x**6 + x**5 + x**4 + x**3 + x**2 + x", -1, 1),
    ("nguyen 5", "sin(x**2)*cos(x) - 1", -1, 1),
    ("nguyen 6", "sin(x) + sin(x + x**2)", -1, 1),
    ("nguyen 7", "log(x + 1) + log(x**2 + 1)", 0, 2),
    ("nguyen 8", "sqrt(x)", 0, 4),
]


def development() -> list[tuple[str, str, float, float]]:
    """The laws of one variable in the development half of the benchmark."""
    rows = []
    with (Path(__file__).parent / "laws_development.csv").open() as file:
        for row in csv.DictReader(file):
            variables = row["variables"].split(";")
            if len(variables) > 1:
                continue
            name, span = variables[0].split(" [")[0].strip(), variables[0].split("]")[1].split()
            low, high = map(float, span[0].split(".."))
            numbers = dict(part.split("=") for part in row["constants"].split(";") if "=" in part)
            values = {key.strip(): float(value.split("[")[0]) for key, value in numbers.items()}
            formula = sympy.sympify(row["template"], locals={n: sympy.Symbol(n) for n in (name, *values)}).subs(values)
            rows.append((row["name"], str(formula.subs(sympy.Symbol(name), X)), low, high))
    return rows


def rows(text: str, low: float, high: float, count: int = 400) -> tuple[Tensor, Tensor]:
    """Rows of a law: evenly over its range, on a logarithmic scale if that is wide."""
    generator = torch.Generator().manual_seed(0)
    positions = torch.rand(count, generator=generator, dtype=torch.float64)
    wide = low > 0 and high / low > 100
    x = low * (high / low) ** positions if wide else low + (high - low) * positions
    return x, torch.from_numpy(np.asarray(sympy.lambdify(X, sympy.sympify(text), "numpy")(x.numpy())))


def run(text: str, low: float, high: float, noise: float, seconds: float) -> tuple[Curve | None, float, float]:
    """The best curve, when it came, and whether it is right: the relative error on clean rows after a refit."""
    x, clean = rows(text, low, high)
    generator = torch.Generator().manual_seed(1)
    y = clean + noise * clean.std() * torch.randn(len(x), generator=generator, dtype=torch.float64)
    start, best, moment = time.process_time(), None, 0.0
    for curve in curves(x, y):
        elapsed = time.process_time() - start
        if elapsed > seconds:
            break
        if curve and (best is None or curve.bits < best.bits):
            best, moment = curve, elapsed
    if best is None:
        return None, moment, np.inf
    if not noise:
        return best, moment, best.relative
    sse = fit_tree(best.tree, x[None], clean, steps=60)[1]
    return best, moment, (sse / float(clean.square().sum())) ** 0.5


def report(laws: list[tuple[str, str, float, float]], noise: float, seconds: float) -> Iterator[tuple[float, bool]]:
    """Print a line a law."""
    for name, text, low, high in laws:
        curve, moment, error = run(text, low, high, noise, seconds)
        right = error < (1e-6 if noise else 1e-9)
        formula = str(expression(curve.tree, [X]).evalf(4))[:90] if curve else ""
        print(f"{'+' if right else '-'} {name:26s} {error:8.1e} {moment:6.2f} s  {formula}", flush=True)
        yield moment, right


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for title, laws in (("own", OWN), ("Nguyen", NGUYEN), ("development", development())):
        chosen = [law for law in laws if any(part in law[0] for part in options.only.split(","))]
        results = list(report(chosen, options.noise, options.seconds))
        shares = [sum(right and moment <= limit for moment, right in results) for limit in (2, 5, 15)]
        print(f"{title}: {len(results)} laws; right after 2, 5, 15 s: {shares}", flush=True)


if __name__ == "__main__":
    main()
