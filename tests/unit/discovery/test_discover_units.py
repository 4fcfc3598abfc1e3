"""`discover` with units: products by units are found, like quantities stay alike, and formulas say whether their units fit."""

import pandas
import pytest
import torch

from kanwidget import discover, discover_steps
from kanwidget.discovery import steps as module
from kanwidget.discovery.engine.search import Report
from tests.support.networks import uniform


def pendulum(rows=60, noise=0.05):
    """Period of a pendulum in tenths of a second, its length in mm."""
    u = uniform(rows, 4).double().abs()
    length, gravity, mass, swing = 100 + 1900 * u[:, 0], 1.6 + 22 * u[:, 1], 0.05 + 2 * u[:, 2], 0.05 + 0.3 * u[:, 3]
    draw = torch.Generator().manual_seed(5)
    spread = 1 + noise * torch.randn(rows, generator=draw, dtype=torch.float64)
    period = 20 * torch.pi * torch.sqrt(length / 1000 / gravity) * spread
    columns = {"length": length, "gravity": gravity, "mass": mass, "swing": swing, "period": period}
    return pandas.DataFrame({name: column.numpy() for name, column in columns.items()})


UNITS = {"length": "mm", "gravity": "m/s**2", "mass": "kg", "swing": "rad", "period": "0.1*s"}


def test_a_pendulum_is_found_by_its_units_at_once():
    steps = discover_steps(pendulum(), target="period", units=UNITS, steps=12)
    texts = [step.text for step in steps]
    assert any("units" in text and "sqrt(length/gravity)" in text for text in texts)
    best = steps.discovery.best
    assert {symbol.name for symbol in best.sympy.free_symbols} >= {"length", "gravity"}
    assert best.dimensions is True
    assert "mass" not in best.text
    assert "units fit" in repr(best)
    # 2π·√(1/1000)·10
    assert float(best.predict([[1000.0, 9.81, 1.0, 0.1]])) == pytest.approx(20.06, rel=0.05)


def engine(*trees):
    def search(rows, limits):
        yield from (Report("formula", "a strategy", tree) for tree in trees)

    return search


def kinetic(noise=0.01):
    x = uniform(80, 2).double().abs() + 1
    draw = torch.Generator().manual_seed(1)
    y = 0.5 * x[:, 0] * x[:, 1] ** 2 * (1 + noise * torch.randn(80, generator=draw, dtype=torch.float64))
    return pandas.DataFrame({"m": x[:, 0].numpy(), "v": x[:, 1].numpy(), "y": y.numpy()})


KINETIC = {"m": "kg", "v": "m/s", "y": "J"}
FITTING = ("mul", ("c", 0.5), ("mul", ("x", 0), ("sq", ("x", 1))))
OTHER = ("mul", ("c", 0.5), ("mul", ("x", 0), ("pow", ("x", 1), ("c", 2.0001))))


def test_formulas_say_whether_their_units_fit(monkeypatch):
    monkeypatch.setattr(module, "search", engine(FITTING))
    discovery = discover(kinetic(), units=KINETIC, steps=5, progress=False)
    fits = {equation.text: equation.dimensions for equation in discovery.front}
    assert fits.pop(discovery.best.text) is True
    assert not any(fits.values())
    head, *lines = repr(discovery).splitlines()
    assert head.split()[-2:] == ["units", "formula"]
    assert [" fit " in line for line in lines[: len(discovery.front)]] == [
        equation.dimensions for equation in discovery.front
    ]
    assert "<th>units</th>" in discovery._repr_html_()
    assert discovery._repr_html_().count("<td>fit</td>") == 1
    assert discovery.to_pandas()["dimensions"].tolist() == [equation.dimensions for equation in discovery.front]


def test_without_units_nothing_is_said(monkeypatch):
    monkeypatch.setattr(module, "search", engine(FITTING))
    discovery = discover(kinetic(), steps=5, progress=False)
    assert discovery.best.dimensions is None
    assert "units" not in repr(discovery) + repr(discovery.best) + discovery._repr_html_()
    assert "dimensions" not in discovery.to_pandas().columns


def test_the_engine_gets_the_dimensions_of_its_columns(monkeypatch):
    seen = []

    def search(rows, limits):
        seen.append(rows.dimensions)
        yield from ()

    monkeypatch.setattr(module, "search", search)
    frame = kinetic()
    frame.insert(0, "same", 1.0)  # left out, and so not among the engine's columns
    discover(frame, units={**KINETIC, "v": "km/h", "same": "m"}, steps=5, progress=False)
    table_units, *_ = seen
    assert len(table_units.columns) == 2
    assert table_units.sizes == pytest.approx((1.0, 1 / 3.6))
    assert tuple(map(int, table_units.target)) == (1, 2, -2)


def test_partly_known_units_and_offsets(monkeypatch):
    monkeypatch.setattr(module, "search", engine(FITTING))
    discovery = discover(kinetic(), units={"m": "degC", "y": "EUR"}, steps=5, progress=False)
    assert discovery.best.dimensions is None
    assert any("EUR" in text for text in discovery.findings)
    assert any("0 isn't nothing. Convert it to K" in text and "m" in text for text in discovery.findings)


def test_wrong_units_name_column_and_text():
    with pytest.raises(ValueError, match=r"`units\['v'\]` argument of discover must be a unit; got 'm//s'"):
        discover(kinetic(), units={"v": "m//s"}, progress=False)
    with pytest.raises(
        ValueError, match=r"`units` argument of discover must be one of 'm', 'v' or 'y'|Did you mean|'m', 'v', 'y'"
    ):
        discover(kinetic(), units={"speed": "m/s"}, progress=False)
