"""Texts of units: sizes and dimensions that a table of units has, and texts that are none; and formulas whose units fit."""

import contextlib
import math
from fractions import Fraction

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from kanwidget.discovery.units import BASE, PLAIN, PREFIXES, WITH_PREFIX, UnitError, quantities, read_unit


@pytest.mark.parametrize(
    ("text", "size", "base"),
    [
        ("km/h", 1 / 3.6, "m/s"),
        ("mL/min", 1e-6 / 60, "m**3/s"),
        ("kPa", 1e3, "kg/(m*s**2)"),
        ("mol/L", 1e3, "mol/m**3"),
        ("mmol/L", 1, "mol/m**3"),
        ("eV", 1.602176634e-19, "J"),
        ("kWh", 3.6e6, "J"),
        ("N*m", 1, "J"),
        ("V*A", 1, "W"),
        ("C*V", 1, "J"),
        ("V/A", 1, "ohm"),
        ("ohm*F", 1, "s"),
        ("H/ohm", 1, "s"),
        ("T*m**2", 1, "Wb"),
        ("year", 365.25, "d"),
        ("AU", 1.495978707e11, "m"),
        ("pc", 206264.806247, "AU"),
        ("mmHg", 133.322387415, "Pa"),
        ("atm", 760, "Torr"),
        ("mm**3", 1e-9, "m**3"),
        ("deg", math.pi / 180, "1"),
        ("%", 0.01, "1"),
        ("g/cm3", 1e3, "kg/m3"),
        ("min", 60, "s"),
        ("dam", 10, "m"),
        ("µm", 1e-6, "m"),
        ("100*km", 1e5, "m"),
        ("meters", 1, "m"),
        ("hours", 3600, "s"),
        ("miles", 1609.344, "m"),
        ("weeks", 604800, "s"),
        ("feet", 0.3048, "m"),
        ("inches", 0.0254, "m"),
        ("pounds", 0.45359237, "kg"),
        ("kilometers", 1000, "m"),
        ("bars", 1e5, "Pa"),
        ("ms", 1e-3, "s"),
    ],
)
def test_sizes_and_dimensions(text, size, base):
    unit, reference = read_unit(text), read_unit(base)
    assert unit.powers == reference.powers
    assert unit.size / reference.size == pytest.approx(size, rel=1e-9)


@pytest.mark.parametrize(
    "text",
    ["m/s^2", "m s-2", "m·s⁻²", "m/s2", "m / s**2", "m*s**(-2)", "(m/s)/s", "1/(s**2/m)", "m*(s**4)**(-1/2)", "m/s²"],
)
def test_other_writings(text):
    assert read_unit(text) == read_unit("m/s**2")


@pytest.mark.parametrize("text", ["EUR", "Msun", "people", "€", "Pas"])
def test_other_names_are_dimensions_of_their_own(text):
    assert read_unit(text).foreign == (text,)
    assert read_unit(f"{text}**2/({text}*m)").exponents == {text: Fraction(1), "m": Fraction(-1)}


def test_degrees_of_a_scale_with_an_offset_say_so():
    assert read_unit("°C").has_offset
    assert read_unit("kPa/degC").has_offset
    assert not read_unit("K").has_offset


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "missing"),
        ("m//s", "missing before '/'"),
        ("m**", "no number"),
        ("m**s", "no number"),
        ("(m", "isn't closed"),
        ("m)", "doesn't belong"),
        ("*m", "missing before '\\*'"),
        ("m+s", "doesn't belong"),
        ("m!", "'!' doesn't belong"),
        ("m**99", "too large"),
        ("m**(1/0)", "no number"),
        ("1e999", "no number"),
        ("0", "no number"),
        ("(" * 300, "longer than"),
    ],
)
def test_texts_that_are_no_units(text, why):
    with pytest.raises(UnitError, match=why):
        read_unit(text)


NAMES = st.sampled_from([*WITH_PREFIX, *PLAIN, *BASE, "EUR", "Msun"])
POWERS = st.lists(st.tuples(NAMES, st.integers(-3, 3).filter(bool)), min_size=1, max_size=4)


@given(POWERS, POWERS)
def test_the_unit_of_a_product_is_the_product_of_the_units(first, second):
    left, right = (read_unit(_text(powers)) for powers in (first, second))
    whole = read_unit(f"({_text(first)})/({_text(second)})")
    assert whole.powers == (left * right ** Fraction(-1)).powers
    assert whole.size == pytest.approx(left.size / right.size, rel=1e-9)


def _text(powers):
    return "*".join(f"{name}**({power})" for name, power in powers)


@given(st.sampled_from(list(PREFIXES.items())), st.sampled_from(list(WITH_PREFIX)))
def test_a_prefix_is_a_power_of_ten_unless_the_name_is_a_unit_itself(prefix, name):
    text = prefix[0] + name
    if text in WITH_PREFIX or text in PLAIN or text in BASE or read_unit(text).powers != read_unit(name).powers:
        return
    assert read_unit(text).size == pytest.approx(10.0 ** prefix[1] * read_unit(name).size, rel=1e-9)


@given(st.text(max_size=30))
def test_any_text_is_a_unit_or_an_error(text):
    with contextlib.suppress(UnitError):
        assert 0 < read_unit(text).size < math.inf


# ---- the units of a table

COLUMNS = ["v", "d", "rho", "mu", "angle", "T", "other"]
UNITS = {"v": "km/h", "d": "mm", "rho": "kg/m**3", "mu": "Pa*s", "angle": "rad", "T": "degC", "F": "N"}


def fit(text, target="F", **units):
    table_units = quantities({**UNITS, **units}, COLUMNS, ["F", "y"], "discover")
    return table_units.fit(sympy.sympify(text, {name: sympy.Symbol(name) for name in COLUMNS}), target)


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
    table_units = quantities(UNITS, COLUMNS, ["F"], "discover")
    assert table_units.exponents("T") is None
    assert table_units.exponents("other") is None
    assert dict(zip(table_units.base, map(int, table_units.exponents("mu")), strict=True)) == {
        "degC": 0,
        "kg": 1,
        "m": -1,
        "s": -1,
    }


def test_notices_name_foreign_units_and_offsets():
    table_units = quantities({"v": "EUR/month", "T": "degC", "F": "N"}, COLUMNS, ["F"], "discover")
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
        quantities(units, COLUMNS, ["F"], "discover")
