"""Thirty tables whose laws the acts should end in: waves, powers with offsets, saturation, ratios, products, sums of laws, classes.

Every second one has noise that grows with the value. Misses of the first draw have led to changes of the search: fairer figures are those
of further draws, and of `tools.benchmarks.own_data`, whose held-out half nobody has looked into.
"""

from __future__ import annotations

import numpy as np
import pandas

from tools.benchmarks.own_data_tables import Column, Table


def _table(
    kind: str, name: str, law: str, rows: int, constants: dict[str, float], **columns: tuple[float, float]
) -> Table:
    relative = name.endswith("~")
    drawn = {symbol: Column(f"{symbol}_", *ends) for symbol, ends in columns.items()}
    return Table(name.removesuffix("~"), kind, "out", law, drawn, constants, rows, relative=relative)


#: A name that ends with ~ has noise that grows with the value.
TABLES = (
    _table("wave", "tone", "a*sin(w*t + p) + c", 200, {"a": 2.3, "w": 6.0, "p": 0.4, "c": 1.1}, t=(0, 6)),
    _table("wave", "damped", "a*exp(-t/T)*sin(w*t + p)", 200, {"a": 5.0, "T": 4.1, "w": 2.2, "p": 0.5}, t=(0, 15)),
    _table(
        "wave",
        "tone and line",
        "a*sin(w*t + p) + b*x",
        250,
        {"a": 1.4, "w": 3.1, "p": 0.3, "b": 0.8},
        t=(0, 8),
        x=(0, 5),
    ),
    _table("wave", "modulated", "a*x*sin(w*t + p)", 250, {"a": 0.7, "w": 2.4, "p": 1.2}, t=(0, 7), x=(1, 4)),
    _table(
        "wave",
        "tide and trend~",
        "m + a*cos(w*t + p) + b*t",
        300,
        {"m": 9.0, "a": 2.0, "w": 1.7, "p": 0.6, "b": 0.21},
        t=(0, 20),
    ),
    _table("wave", "interference", "a*sin(k*x*y)", 300, {"a": 1.0, "k": 1.5}, x=(0, 3), y=(0.2, 2)),
    _table("power", "shifted power", "a*(x + b)**n", 200, {"a": 0.6, "b": 2.5, "n": 1.5}, x=(0, 12)),
    _table("power", "outflow~", "c*sqrt(h - z)", 200, {"c": 4.4, "z": 1.3}, h=(1.6, 9)),
    _table("power", "allometry", "a*x**n + b", 200, {"a": 3.1, "n": 0.72, "b": 5.0}, x=(0.5, 60)),
    _table("power", "radiator", "k*m*(T - R)**2", 250, {"k": 0.012, "R": 18.0}, m=(1, 6), T=(25, 80)),
    _table("power", "near field~", "c*q/(d + s)**2", 250, {"c": 30.0, "s": 0.4}, q=(1, 9), d=(0.5, 4)),
    _table("saturation", "uptake", "v*s/(K + s)", 150, {"v": 12.0, "K": 3.3}, s=(0.1, 25)),
    _table("saturation", "cooperative", "m*c**n/(K**n + c**n)", 200, {"m": 6.5, "n": 2.6, "K": 4.0}, c=(0.2, 15)),
    _table("saturation", "adsorption~", "q*A*p/(b + p)", 250, {"q": 2.1, "b": 1.7}, A=(1, 5), p=(0.1, 9)),
    _table(
        "saturation",
        "inhibition",
        "v*s/(K*(1 + i/J) + s)",
        300,
        {"v": 8.0, "K": 1.5, "J": 2.2},
        s=(0.1, 12),
        i=(0.1, 8),
    ),
    _table("saturation", "charging", "V*(1 - exp(-t/T))", 200, {"T": 3.7}, V=(2, 12), t=(0, 12)),
    _table("ratio", "in parallel~", "c*x*y/(x + y)", 200, {"c": 1.7}, x=(1, 12), y=(1, 12)),
    _table("ratio", "weighted share", "a*x/(y + b*z)", 300, {"a": 4.0, "b": 2.5}, x=(1, 6), y=(0.5, 5), z=(0.2, 4)),
    _table("ratio", "attraction~", "c*m*n/r**2", 250, {"c": 0.9}, m=(1, 8), n=(1, 8), r=(0.8, 5)),
    _table("ratio", "fraction", "(a*x + b)/(y + c)", 250, {"a": 2.2, "b": 3.0, "c": 1.6}, x=(0, 8), y=(0.2, 6)),
    _table("ratio", "damped square~", "a*v**2/(1 + b*m)", 250, {"a": 0.35, "b": 0.8}, v=(2, 14), m=(0.5, 6)),
    _table("product", "gas", "c*n*T/V", 200, {"c": 0.083}, n=(0.5, 4), T=(260, 400), V=(2, 30)),
    _table("product", "pipe~", "c*L*Q*u/d**4", 300, {"c": 40.7}, L=(0.2, 3), Q=(0.5, 12), u=(0.8, 2.5), d=(3, 12)),
    _table("product", "output~", "A*K**a*L**b", 250, {"A": 1.9, "a": 0.35, "b": 0.6}, K=(1, 60), L=(1, 40)),
    _table(
        "product", "rate~", "A*exp(-E/T)*c*p", 300, {"A": 5200.0, "E": 2400.0}, T=(280, 420), c=(0.2, 3), p=(0.5, 4)
    ),
    _table("sum", "stopping", "a*v + b*v**2/g", 250, {"a": 1.1, "b": 0.06}, v=(5, 45), g=(0.2, 0.9)),
    _table("sum", "ratio and square", "a*x/y + b*z**2", 300, {"a": 6.0, "b": 0.5}, x=(1, 8), y=(1, 6), z=(0.2, 5)),
    _table(
        "sum", "ratio and wave", "a*x/y + b*sin(w*t)", 350, {"a": 3.0, "b": 2.0, "w": 3.0}, x=(1, 5), y=(1, 4), t=(0, 6)
    ),
)

#: Sums of products of functions of a column each, kinks, and what columns in two terms make: tables that people tried first.
MIXED = (
    _table("mixed", "root and wave", "a*f*sqrt(d) + b*sin(w*h)", 400, {"a": 1.6, "b": 3.0, "w": 1.1},
           d=(0.5, 9), f=(0.5, 4), h=(0, 5)),
    _table("mixed", "decay and mass~", "a*D*exp(-k*t) + b*m", 400, {"a": 5.0, "k": 0.6, "b": 0.05},
           t=(0, 6), D=(1, 8), m=(40, 90)),
    _table("mixed", "enzyme and acid", "v*E*c/(K + c) - b*(p - q)**2", 400, {"v": 12.0, "K": 2.5, "b": 1.5, "q": 7.0},
           c=(0.1, 10), E=(1, 5), p=(5, 9)),
    _table("mixed", "loaded swing~", "a*l*exp(-k*t)*cos(w*t) + b", 400, {"a": 4.0, "k": 0.3, "w": 2.0, "b": 2.0},
           t=(0, 8), l=(1, 3)),
    _table("mixed", "beam and angle", "a*w*h**2 + b*sin(k*x)", 400, {"a": 0.5, "b": 10.0, "k": 0.01745},
           w=(1, 10), h=(1, 10), x=(0, 360)),
    _table("mixed", "pressure drop~", "a*v*d/m + b*k**2", 400, {"a": 2.0, "b": 1.5},
           v=(1, 10), d=(0.5, 3), m=(0.2, 2), k=(0, 4)),
    _table("mixed", "lit spot", "a*p*exp(-(x - c)**2/s) + b*T", 400, {"a": 3.0, "c": 1.0, "s": 3.0, "b": 0.2},
           x=(-4, 6), p=(1, 5), T=(15, 35)),
    _table("mixed", "wave and power", "a*f*sin(w*h) + b*g**1.5", 400, {"a": 2.0, "w": 1.3, "b": 1.0},
           f=(0.5, 4), h=(0, 6), g=(1, 5)),
    _table("mixed", "charging and base", "a*A*(1 - exp(-k*t)) + b*c", 400, {"a": 6.0, "k": 0.4, "b": 1.0},
           t=(0, 10), A=(1, 4), c=(0.2, 3)),
    _table("mixed", "two products~", "a*x*log(y) + b*z*sqrt(x)", 400, {"a": 2.0, "b": 3.0},
           x=(0.5, 4), y=(0.5, 4), z=(0.5, 4)),
    _table("mixed", "both signs", "a*x*sin(w*t) + b*z**2", 400, {"a": 1.0, "w": 1.0, "b": 1.0},
           x=(-3, 3), t=(0, 6), z=(-2, 2)),
    _table("mixed", "kink", "a*x + b*Abs(x - c) + d*m", 400, {"a": 0.2, "b": 0.2, "c": 4.0, "d": 0.02},
           x=(0, 10), m=(20, 70)),
    _table("mixed", "rooms and week", "r*(a + b*Abs(T - c)) + d*sin(w*t)", 400,
           {"a": 2.0, "b": 0.3, "c": 18.0, "d": 3.0, "w": 0.898}, T=(-10, 35), r=(1, 8), t=(0, 14)),
    _table("mixed", "lens and drift", "f*d/(d - f) + a*t", 400, {"a": 0.3}, f=(20, 60), d=(100, 400), t=(0, 10)),
    _table("mixed", "product of three", "a*x*y*sin(t) + b*log(d)", 400, {"a": 1.0, "b": 1.0},
           x=(0.5, 3), y=(0.5, 3), t=(0, 6), d=(1, 5)),
    _table("mixed", "beat", "a*x*sin(w*t) + b*exp(-x)", 400, {"a": 1.0, "w": 3.0, "b": 2.0}, t=(0, 10), x=(0, 3)),
    _table("mixed", "distance", "sqrt((x - a)**2 + (y - b)**2) + c*z", 400, {"a": 1.0, "b": -0.5, "c": 0.5},
           x=(-3, 3), y=(-3, 3), z=(0, 5)),
    _table("mixed", "hypotenuse and wave", "sqrt(a**2 + b**2) + c*sin(w*t)", 400, {"c": 0.8, "w": 2.0},
           a=(1, 9), b=(1, 9), t=(0, 6)),
)  # fmt: skip


def classes(name: str, rows: int, noise: float, seed: int) -> pandas.DataFrame:
    """Two classes: of a line (`groups`) or a ring (`ring`) of two columns; the noise blurs their border."""
    generator = np.random.default_rng([seed, sum(map(ord, name))])
    a, b = generator.uniform(-2, 2, (2, rows))
    score = 1.5 * a - b + 0.4 if name == "groups" else a**2 + b**2 - 2.2
    drawn = score + noise * score.std() * generator.logistic(size=rows)
    return pandas.DataFrame({"a_": a, "b_": b, "out": np.where(drawn > 0, "yes", "no")})


#: Tables of classes.
CLASSES = ("groups", "ring")
