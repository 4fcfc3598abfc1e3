"""Units of a table: the argument, and formulas whose units fit."""

import pytest
import sympy

from kanwidget.discovery.units.quantities import quantities

NAMES = ["v", "d", "rho", "mu", "angle", "T", "other"]
UNITS = {"v": "km/h", "d": "mm", "rho": "kg/m**3", "mu": "Pa*s", "angle": "rad", "T": "degC", "F": "N"}


def fit(text, target="F", **units):
    table_units = quantities({**UNITS, **units}, NAMES, ["F", "y"], "discover")
    return table_units.fit(sympy.sympify(text, {name: sympy.Symbol(name) for name in NAMES}), target)


@pytest.mark.parametrize(
    "text",
    [
        "0.5*rho*v**2*d**2",
        "3.1*mu*v*d + 0.4*rho*v**2*d**2",
        "mu**2/rho*exp(-1.5*rho*v*d/mu)",
        "sqrt(rho)*rho**0.5*v**2*d**2*cos(angle)",
        "Abs(-mu*v*d)",
        "rho*v**2*d**2*(rho*v*d/mu)**(-0.217)",
    ],
)
def test_formulas_whose_units_fit(text):
    assert fit(text) is True


@pytest.mark.parametrize(
    "text",
    ["1.5", "mu", "mu*v*d + 1.0", "mu*v*d + rho*v", "mu*v*d*exp(v)", "mu*v*d*angle**v", "rho*v**2.1*d**2", "mu*v*d*T"],
)
def test_formulas_whose_units_do_not_fit(text):
    assert fit(text) is False


def test_of_unknown_units_nothing_is_said():
    assert fit("mu*v*d*other") is None
    assert fit("mu*v*d", target="y") is None


def test_columns_with_an_offset_or_without_a_unit_have_no_exponents():
    table_units = quantities(UNITS, NAMES, ["F"], "discover")
    assert table_units.exponents("T") is None
    assert table_units.exponents("other") is None
    assert dict(zip(table_units.base, map(int, table_units.exponents("mu")), strict=True)) == {
        "degC": 0,
        "kg": 1,
        "m": -1,
        "s": -1,
    }


def test_notices_name_foreign_units_and_offsets():
    table_units = quantities({"v": "EUR/month", "T": "degC", "F": "N"}, NAMES, ["F"], "discover")
    foreign, offset = table_units.notices(["v", "T", "F"])
    assert "EUR, month" in foreign
    assert "T" in offset
    assert table_units.notices(["F"]) == []


@pytest.mark.parametrize(
    ("units", "error", "words"),
    [
        ({"v": "m//s"}, ValueError, r"units\['v'\].*'m//s'.*missing.*kg\*m\*\*2"),
        ({"w": "m"}, ValueError, r"units.*'v'.*'w'"),
        ({"v": 3}, TypeError, r"units\['v'\].*text.*3"),
        (["m"], TypeError, r"units.*\['m'\]"),
    ],
)
def test_wrong_arguments_say_what_is_wrong(units, error, words):
    with pytest.raises(error, match=words):
        quantities(units, NAMES, ["F"], "discover")
