"""Small sets of real measurements that come with the package, each with its source."""

from __future__ import annotations

import csv
from importlib import resources
from typing import Any, Literal

import numpy as np

from kanwidget import _check
from kanwidget.datasets.dataset import Dataset

_FOOT = 0.3048
"""Metres."""
_INCH = 0.0254
"""Metres."""
_YEAR = 365.25
"""Days of a Julian year."""


def load_trees(
    units: Literal["us", "metric"] = "us", *, test_fraction: float = 0.0, seed: int = 0, standardize: bool = False
) -> Dataset:
    """Volume of timber in 31 felled black cherry trees, from their girth and height.

    A tree is roughly a cone: volume ≈ c · girth² · height.

    - `girth`: diameter of the trunk (so called in the source) 4 ft 6 in above the ground, in inches.
    - `height`: in feet.
    - `volume`: of timber, in cubic feet.

    With `units="metric"` all are in metres and cubic metres (1 in = 0.0254 m, 1 ft = 0.3048 m).

    Args:
        units: `us`, as published, or `metric`.
        test_fraction: Part of the rows set aside as test data.
        seed: Of that draw.
        standardize: Bring every column to mean 0 and standard deviation 1.

    Examples:
        >>> load_trees()
        Dataset(31 train rows, girth, height -> volume)
        >>> load_trees("metric").train_input[0].tolist()
        [0.21082, 21.336000000000002]

    References:
        T. A. Ryan, B. L. Joiner and B. F. Ryan, "The Minitab Student Handbook", Duxbury Press, 1976.
        Licence: measured facts, free of rights; distributed with R as `trees`.
    """
    _check.choice(units, "units", "load_trees", ("us", "metric"))
    columns = _bundled("trees")
    scale = {"girth": _INCH, "height": _FOOT, "volume": _FOOT**3} if units == "metric" else {}
    table = {name: _floats(values) * scale.get(name, 1.0) for name, values in columns.items()}
    return _dataset(table, "volume", test_fraction, seed, standardize)


def load_planets(
    kind: Literal["planet", "dwarf planet"] | None = None,
    *,
    eccentricity: bool = False,
    test_fraction: float = 0.0,
    seed: int = 0,
    standardize: bool = False,
) -> Dataset:
    """Orbital period of the eight planets and five dwarf planets, from the size of the orbit.

    Kepler's third law: period² = axis³, in years and astronomical units.

    - `axis`: semi-major axis of the orbit, in astronomical units (1.495978707e11 m).
    - `eccentricity`: of the orbit, without unit, 0 for a circle; on request. The period does not depend on it.
    - `period`: sidereal period, in Julian years of 365.25 days.

    The rows are Mercury, Venus, Earth, Mars, Ceres, Jupiter, Saturn, Uranus, Neptune, Pluto, Haumea, Makemake, Eris.
    Haumea, Makemake and Eris have been seen on a small arc only: their periods were computed from their axes by
    Kepler's law itself, so they prove nothing about it. `load_planets("planet")` keeps to what was observed.

    Args:
        kind: `planet`, `dwarf planet`, or None for all.
        eccentricity: Whether the eccentricity is a second input.
        test_fraction: Part of the rows set aside as test data.
        seed: Of that draw.
        standardize: Bring every column to mean 0 and standard deviation 1.

    Examples:
        >>> data = load_planets()
        >>> data
        Dataset(13 train rows, axis -> period)
        >>> bool((data.train_label / data.train_input**1.5 - 1).abs().max() < 1.5e-3)
        True

    References:
        NASA, Planetary Fact Sheets: mean elements at J2000 and sidereal periods of the planets and Pluto.
        NASA, Asteroid Fact Sheet (Ceres); JPL Small-Body Database, osculating elements of epoch 2020-12-17 (Haumea,
        Makemake, Eris), rounded.
        Licence: works of the United States government, public domain.
    """
    if kind is not None:
        _check.choice(kind, "kind", "load_planets", ("planet", "dwarf planet"))
    columns = _bundled("planets", kind=kind)
    table = {"axis": _floats(columns["axis_au"])}
    if eccentricity:
        table["eccentricity"] = _floats(columns["eccentricity"])
    table["period"] = _floats(columns["period_days"]) / _YEAR
    return _dataset(table, "period", test_fraction, seed, standardize)


def load_puromycin(
    state: Literal["treated", "untreated"] | None = None,
    *,
    test_fraction: float = 0.0,
    seed: int = 0,
    standardize: bool = False,
) -> Dataset:
    """Rate of an enzymatic reaction against the concentration of the substrate, 23 runs.

    Michaelis and Menten: rate = v_max · concentration / (K + concentration).

    - `concentration`: of the substrate, in parts per million.
    - `treated`: 1 where the enzyme was treated with puromycin (12 runs), 0 where not (11 runs); left out when only one
      of the two is asked for.
    - `rate`: initial rate of the reaction, in counts per minute per minute.

    Args:
        state: `treated`, `untreated`, or None for both.
        test_fraction: Part of the rows set aside as test data.
        seed: Of that draw.
        standardize: Bring every column to mean 0 and standard deviation 1.

    Examples:
        >>> load_puromycin()
        Dataset(23 train rows, concentration, treated -> rate)
        >>> load_puromycin("treated")
        Dataset(12 train rows, concentration -> rate)

    References:
        M. A. Treloar, "Effects of Puromycin on Galactosyltransferase in Golgi Membranes", M.Sc. thesis, University of
        Toronto, 1974; printed in D. M. Bates and D. G. Watts, "Nonlinear Regression Analysis and Its Applications",
        Wiley, 1988, appendix A1.3.
        Licence: measured facts, free of rights; distributed with R as `Puromycin`.
    """
    if state is not None:
        _check.choice(state, "state", "load_puromycin", ("treated", "untreated"))
    columns = _bundled("puromycin", state=state)
    table = {"concentration": _floats(columns["concentration"])}
    if state is None:
        table["treated"] = np.asarray([float(entry == "treated") for entry in columns["state"]])
    table["rate"] = _floats(columns["rate"])
    return _dataset(table, "rate", test_fraction, seed, standardize)


def load_mercury(*, test_fraction: float = 0.0, seed: int = 0, standardize: bool = False) -> Dataset:
    """Vapour pressure of mercury at 19 temperatures.

    Clausius and Clapeyron: log(pressure) ≈ A - B / (temperature + 273.15).

    - `temperature`: in degrees Celsius, 0 to 360.
    - `pressure`: in millimetres of mercury (133.322 Pa); it spans more than six powers of ten, so fit its logarithm.

    Args:
        test_fraction: Part of the rows set aside as test data.
        seed: Of that draw.
        standardize: Bring every column to mean 0 and standard deviation 1.

    Examples:
        >>> load_mercury()
        Dataset(19 train rows, temperature -> pressure)

    References:
        R. C. Weast (editor), "Handbook of Chemistry and Physics", CRC Press, 1973.
        Licence: measured facts, free of rights; distributed with R as `pressure`.
    """
    columns = {name: _floats(values) for name, values in _bundled("mercury").items()}
    return _dataset(columns, "pressure", test_fraction, seed, standardize)


def bundled_rows(name: str) -> list[dict[str, str]]:
    """The rows of a table that comes with the package, as texts by column."""
    text = resources.files("kanwidget.datasets").joinpath(f"data/{name}.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _bundled(name: str, **chosen: str | None) -> dict[str, list[str]]:
    """The columns of a table that comes with the package, as texts by name.

    `chosen` has a text for some columns: only rows with these texts are taken, and all where it is None.
    """
    rows = [row for row in bundled_rows(name) if all(text in (None, row[column]) for column, text in chosen.items())]
    return {column: [row[column] for row in rows] for column in rows[0]}


def _floats(values: list[str]) -> Any:
    """The numbers that texts stand for, as an array."""
    return np.asarray(values, dtype=np.float64)


def _dataset(table: dict[str, Any], target: str, test_fraction: float, seed: int, standardize: bool) -> Dataset:
    """A dataset whose inputs are all columns but the target."""
    names = [name for name in table if name != target]
    x = np.stack([table[name] for name in names], axis=1)
    options: dict[str, Any] = {"test_fraction": test_fraction, "seed": seed, "standardize": standardize}
    return Dataset.from_arrays(x, table[target][:, None], in_vars=names, out_vars=[target], **options)
