"""Twelve tables as people bring them: units in the names of the columns, ranges of a laboratory, noise, columns without effect.

Their laws stand in no public suite of benchmarks. Six are for development. The other six, `held_out=True`, are not to be looked at while
anything is tuned: they are run at the end. `check_form` says whether an expression is a table's law, whatever its writing: the law with
free constants must reproduce it to six digits, far beyond the table's ranges, too, and with constants that the noise allows.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas
import sympy
from scipy.optimize import least_squares

#: Largest relative deviation of an expression that has the law's form: its constants may have been rounded, its form not.
_TOLERANCE = 1e-6
#: A constant may be off by so many standard errors of a fit of the law itself, and by this share of it.
_ERRORS, _SHARE = 5.0, 0.02
_POINTS = 400


@dataclass(frozen=True)
class Column:
    """One column: its name in the table, and its range."""

    name: str
    low: float
    high: float
    log: bool = False
    """Whether its values are spread evenly over the decades."""
    digits: int | None = None
    """Decimals that the instrument shows."""

    def draw(self, rows: int, generator: np.random.Generator) -> np.ndarray:
        share = generator.uniform(size=rows)
        values = self.low * (self.high / self.low) ** share if self.log else self.low + (self.high - self.low) * share
        return values if self.digits is None else np.round(values, self.digits)

    def wider(self, rows: int, generator: np.random.Generator) -> np.ndarray:
        """Values from a range beyond the column's own: there an imitation parts from the law."""
        low, high = 0.7 * self.low, self.high + 0.5 * (self.high - self.low)
        return replace(self, low=low, high=high, digits=None).draw(rows, generator)


@dataclass(frozen=True)
class Form:
    """What `check_form` has found."""

    form: bool
    """Whether the expression is the law up to its constants."""
    constants: bool
    """Whether the constants are the law's, as far as the noise allows."""
    deviation: float
    """Largest relative deviation from the law with the best constants."""
    detail: str

    @property
    def right(self) -> bool:
        return self.form and self.constants


@dataclass(frozen=True)
class Table:
    """One table: its law in short symbols, the columns that these stand for, and its constants, all positive."""

    name: str
    field: str
    target: str
    law: str
    columns: dict[str, Column]
    constants: dict[str, float]
    rows: int
    dead: Column | None = None
    relative: bool = False
    """Whether the noise is a share of each value; else it is a share of the target's standard deviation."""
    held_out: bool = False
    units: tuple[tuple[str, float, float], ...] = ()
    """Columns in other units: `(symbol, factor, shift)`; the table shows value · factor + shift."""

    # ---- data

    def frame(self, noise: float, seed: int = 0) -> pandas.DataFrame:
        """The table with this share of noise (0.01 is 1 %)."""
        generator = np.random.default_rng([seed, sum(map(ord, self.name))])
        drawn = {symbol: column.draw(self.rows, generator) for symbol, column in self.columns.items()}
        irrelevant = None if self.dead is None else self.dead.draw(self.rows, generator)
        truth = self._values(drawn, self.constants)
        spread = np.abs(truth) if self.relative else np.full_like(truth, truth.std())
        measured = truth + noise * spread * generator.standard_normal(self.rows)
        shown = {self.columns[symbol].name: self._shown(symbol, values) for symbol, values in drawn.items()}
        if irrelevant is not None:
            shown[self.dead.name] = irrelevant
        # The column without effect stands among the others, and the target last.
        names = sorted(shown, key=lambda name: (len(name), name))
        return pandas.DataFrame({name: shown[name] for name in names} | {self.target: self._shown("", measured)})

    def in_units(self, **units: tuple[float, float]) -> Table:
        """The same table with columns in other units: `symbol=(factor, shift)`, `target=(factor, shift)`."""
        return replace(self, units=tuple((symbol.removeprefix("target"), *unit) for symbol, unit in units.items()))

    def _unit(self, symbol: str) -> tuple[float, float]:
        return next(((factor, shift) for name, factor, shift in self.units if name == symbol), (1.0, 0.0))

    def _shown(self, symbol: str, values: np.ndarray) -> np.ndarray:
        factor, shift = self._unit(symbol)
        return values * factor + shift

    # ---- law

    @cached_property
    def template(self) -> sympy.Expr:
        """The law in short symbols and names of constants."""
        names = {name: sympy.Symbol(name, positive=True) for name in (*self.columns, *self.constants)}
        return sympy.sympify(self.law, locals=names)

    @property
    def truth(self) -> sympy.Expr:
        """The law with its constants, in the columns' names and units."""
        factor, shift = self._unit("")
        exchanged = {}
        for symbol, column in self.columns.items():
            own_factor, own_shift = self._unit(symbol)
            exchanged[sympy.Symbol(symbol, positive=True)] = (sympy.Symbol(column.name) - own_shift) / own_factor
        constants = {sympy.Symbol(name, positive=True): value for name, value in self.constants.items()}
        return self.template.subs(constants).subs(exchanged, simultaneous=True) * factor + shift

    @cached_property
    def _function(self):
        order = [sympy.Symbol(name, positive=True) for name in (*self.columns, *self.constants)]
        return sympy.lambdify(order, self.template, "numpy")

    def _values(self, columns: dict[str, np.ndarray], constants: dict[str, float]) -> np.ndarray:
        arguments = [columns[symbol] for symbol in self.columns]
        with np.errstate(all="ignore"):
            return np.asarray(self._function(*arguments, *(constants[name] for name in self.constants)), float)

    # ---- check

    def is_form(self, expression: sympy.Expr, noise: float = 0.0) -> bool:
        """Whether the expression is the law, with constants that data of this noise allow."""
        return self.check_form(expression, noise).right

    def check_form(self, expression: sympy.Expr, noise: float = 0.0) -> Form:
        """Compare an expression with the law.

        Args:
            expression: In symbols named like the columns, or `x_1`, `x_2`, … in the order of the table.
            noise: The noise of the table, which decides how far the constants may be off.
        """
        expression = sympy.sympify(expression)
        places = {name: name for name in self._names()} | {f"x_{n + 1}": name for n, name in enumerate(self._names())}
        strange = [str(symbol) for symbol in expression.free_symbols if str(symbol) not in places]
        by_name = {column.name: symbol for symbol, column in self.columns.items()}
        columns = {symbol: by_name.get(places.get(str(symbol), "")) for symbol in expression.free_symbols}
        idle = [str(symbol) for symbol, short in columns.items() if short is None]
        if strange or idle:
            return Form(False, False, math.inf, f"depends on {', '.join(idle)}")
        if set(columns.values()) != set(self.columns):
            return Form(False, False, math.inf, f"depends on {len(columns)} of {len(self.columns)} columns")
        points, values = self._points(expression, columns)
        if values is None:
            return Form(False, False, math.inf, "has no value within the table's ranges")
        fitted, deviation = self._fitted(points, values)
        if deviation > _TOLERANCE:
            return Form(False, False, deviation, f"another function, {deviation:.1e} beside the law")
        wrong = self._wrong_constants(fitted, noise)
        return Form(True, not wrong, deviation, "; ".join(wrong) or "the law")

    def _names(self) -> list[str]:
        return [name for name in self.frame(0.0).columns if name != self.target]

    def _points(self, expression: sympy.Expr, columns: dict[sympy.Symbol, str]):
        """Inputs and values of the expression in the law's units, beyond the table's ranges where it is defined there."""
        order = list(columns)
        function = sympy.lambdify(order, expression, ["numpy", "scipy"])
        factor, shift = self._unit("")
        for wider in (True, False):
            generator = np.random.default_rng(1)
            draw = Column.wider if wider else Column.draw
            points = {symbol: draw(column, _POINTS, generator) for symbol, column in self.columns.items()}
            with np.errstate(all="ignore"):
                shown = [self._shown(columns[symbol], points[columns[symbol]]) for symbol in order]
                values = np.asarray(function(*shown) + np.zeros(_POINTS), complex)
            truth = self._values(points, self.constants)
            sound = np.isfinite(values) & (np.abs(values.imag) <= 1e-12 * np.abs(values)) & np.isfinite(truth)
            if sound.mean() > 0.9:
                kept = {symbol: column[sound] for symbol, column in points.items()}
                return kept, (values.real[sound] - shift) / factor
        return points, None

    def _fitted(self, points: dict[str, np.ndarray], values: np.ndarray) -> tuple[dict[str, float], float]:
        """The constants with which the law comes closest to these values, and the largest relative deviation."""
        size = np.abs(values) + 1e-2 * np.median(np.abs(values))

        def residual(logs: np.ndarray) -> np.ndarray:
            law = self._values(points, self._moved(logs))
            return np.nan_to_num((law - values) / size, nan=1e6, posinf=1e6, neginf=-1e6)

        start = np.zeros(len(self.constants))
        bounds = (start - 6, start + 6)
        result = least_squares(residual, start, x_scale="jac", bounds=bounds, xtol=1e-15, ftol=1e-15, gtol=1e-15)
        return self._moved(result.x), float(np.abs(result.fun).max())

    def _moved(self, logs: np.ndarray) -> dict[str, float]:
        return {name: value * math.exp(log) for (name, value), log in zip(self.constants.items(), logs, strict=True)}

    def _wrong_constants(self, fitted: dict[str, float], noise: float) -> list[str]:
        """The constants that are further from the law's than a fit of the law itself would be."""
        allowed = _SHARE + _ERRORS * self.standard_errors(noise)
        wrong = []
        for (name, value), most in zip(self.constants.items(), allowed, strict=True):
            if abs(math.log(fitted[name] / value)) > most:
                wrong.append(f"{name} = {fitted[name]:.4g} for {value:.4g} (± {100 * most:.1f} %)")
        return wrong

    def standard_errors(self, noise: float) -> np.ndarray:
        """Relative standard errors of the constants, were the law itself fitted to the table."""
        generator = np.random.default_rng(2)
        points = {symbol: column.draw(self.rows, generator) for symbol, column in self.columns.items()}
        truth = self._values(points, self.constants)
        sigma = noise * (np.abs(truth) if self.relative else np.full_like(truth, truth.std()))
        if noise == 0:
            return np.zeros(len(self.constants))
        step = 1e-6
        moves = step * np.eye(len(self.constants))
        slopes = [self._values(points, self._moved(m)) - self._values(points, self._moved(-m)) for m in moves]
        weighted = np.stack(slopes, 1) / (2 * step) / sigma[:, None]
        return np.sqrt(np.diag(np.linalg.inv(weighted.T @ weighted)))


_DEVELOPMENT = (
    Table(
        "rate constant",
        "chemistry",
        "rate [mol/(L s)]",
        "A*exp(-E/T)*c**n",
        {"T": Column("T (K)", 290, 360, digits=1), "c": Column("c [mol/L]", 0.05, 2.0, log=True)},
        {"A": 3.2e7, "E": 6400.0, "n": 1.5},
        300,
        dead=Column("stirring [rpm]", 200, 900, digits=0),
        relative=True,
    ),
    Table(
        "enzyme",
        "biology",
        "v [nM/s]",
        "k*E*S/(K + S)",
        {"S": Column("S [µM]", 2, 400), "E": Column("E [nM]", 5, 50)},
        {"k": 14.0, "K": 62.0},
        200,
    ),
    Table(
        "cyclist",
        "physics",
        "P [W]",
        "a*v**n + b*m*v",
        {"v": Column("v [m/s]", 3, 14), "m": Column("m (kg)", 55, 110, digits=1)},
        {"a": 0.21, "n": 3.0, "b": 0.045},
        400,
    ),
    Table(
        "growth",
        "biology",
        "biomass [g/L]",
        "K/(1 + exp(-r*(t - t0)))",
        {"t": Column("t [h]", 0, 40, digits=2)},
        {"K": 7.4, "r": 0.31, "t0": 17.0},
        150,
        dead=Column("pH", 6.6, 7.4, digits=2),
    ),
    Table(
        "demand",
        "economics",
        "sales [1/d]",
        "A*p**(-e)*m**n",
        {"p": Column("price [€]", 0.8, 12, log=True, digits=2), "m": Column("income [k€/a]", 15, 120, digits=1)},
        {"A": 42.0, "e": 1.3, "n": 0.6},
        600,
        dead=Column("outdoor temperature (°C)", 2, 31, digits=1),
        relative=True,
    ),
    Table(
        "cooling",
        "physics",
        "T_cup [°C]",
        "g*Ta + (b*T0 - h*Ta)*exp(-t/tau)",
        {
            "t": Column("t [min]", 0, 60, digits=1),
            "T0": Column("T_0 [°C]", 60, 95, digits=1),
            "Ta": Column("T_a [°C]", 5, 30, digits=1),
        },
        {"g": 1.0, "b": 1.0, "h": 1.0, "tau": 21.0},
        250,
    ),
)

_HELD_OUT = (
    Table(
        "tube",
        "physics",
        "dp [Pa]",
        "c*L**l*Q**q/d**n",
        {
            "L": Column("L [m]", 0.2, 3.0, digits=2),
            "Q": Column("Q [mL/s]", 0.5, 12),
            "d": Column("d [mm]", 3, 12, digits=1),
        },
        {"c": 40700.0, "l": 1.0, "q": 1.0, "n": 4.0},
        300,
        relative=True,
        held_out=True,
    ),
    Table(
        "solubility",
        "chemistry",
        "s [g/L]",
        "A*exp(-B/T - k*c)",
        {"T": Column("T [K]", 278, 353, digits=1), "c": Column("c_salt [mol/L]", 0, 3, digits=2)},
        {"A": 5.1e4, "B": 2350.0, "k": 0.42},
        200,
        dead=Column("stirring time [min]", 10, 120, digits=0),
        relative=True,
        held_out=True,
    ),
    Table(
        "metabolism",
        "biology",
        "B [mW]",
        "b*m**n*exp(k*T)",
        {"m": Column("m [g]", 1, 5e4, log=True), "T": Column("T [°C]", 5, 35, digits=1)},
        {"b": 1.9, "n": 0.74, "k": 0.071},
        500,
        relative=True,
        held_out=True,
    ),
    Table(
        "dose and response",
        "biology",
        "response [%]",
        "e + m/(1 + (K/c)**n)",
        {"c": Column("dose [nM]", 0.1, 1e4, log=True)},
        {"e": 4.0, "m": 88.0, "K": 37.0, "n": 1.4},
        250,
        dead=Column("passage", 3, 20, digits=0),
        held_out=True,
    ),
    Table(
        "advertising",
        "economics",
        "turnover [k€]",
        "c + a*(1 - exp(-x/s)) - b*p",
        {"x": Column("advertising [k€]", 0, 60, digits=1), "p": Column("price [€]", 4, 15, digits=2)},
        {"c": 210.0, "a": 130.0, "s": 14.0, "b": 9.5},
        400,
        dead=Column("rel. humidity [%]", 25, 95, digits=0),
        held_out=True,
    ),
    Table(
        "evaporation",
        "physics",
        "E [mm/d]",
        "(a + b*u)*(s - g*p)",
        {"u": Column("u [m/s]", 0.2, 8), "s": Column("p_s [kPa]", 1.7, 5.6), "p": Column("p_a [kPa]", 0.4, 1.6)},
        {"a": 1.1, "b": 0.62, "g": 1.0},
        350,
        held_out=True,
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in (*_DEVELOPMENT, *_HELD_OUT)}
