"""The units that have a name, and the prefixes that may stand before some of them."""

from __future__ import annotations

import math

#: Powers of ten by prefix.
PREFIXES = {
    "Y": 24, "Z": 21, "E": 18, "P": 15, "T": 12, "G": 9, "M": 6, "k": 3, "h": 2, "da": 1,
    "d": -1, "c": -2, "m": -3, "u": -6, "µ": -6, "μ": -6, "n": -9, "p": -12, "f": -15, "a": -18, "z": -21, "y": -24,
}  # fmt: skip

#: Units that take prefixes: their size, and the units that this is a multiple of.
WITH_PREFIX = {
    "g": (1e-3, "kg"), "m": (1.0, ""), "s": (1.0, ""), "A": (1.0, ""), "K": (1.0, ""), "mol": (1.0, ""), "cd": (1.0, ""),
    "N": (1.0, "kg*m/s**2"), "Pa": (1.0, "kg/(m*s**2)"), "J": (1.0, "kg*m**2/s**2"), "W": (1.0, "kg*m**2/s**3"),
    "C": (1.0, "A*s"), "V": (1.0, "kg*m**2/(A*s**3)"), "F": (1.0, "A**2*s**4/(kg*m**2)"), "T": (1.0, "kg/(A*s**2)"),
    "H": (1.0, "kg*m**2/(A**2*s**2)"), "Wb": (1.0, "kg*m**2/(A*s**2)"), "S": (1.0, "A**2*s**3/(kg*m**2)"),
    "ohm": (1.0, "kg*m**2/(A**2*s**3)"), "Ω": (1.0, "kg*m**2/(A**2*s**3)"), "Hz": (1.0, "1/s"), "Bq": (1.0, "1/s"),
    "Gy": (1.0, "m**2/s**2"), "Sv": (1.0, "m**2/s**2"), "kat": (1.0, "mol/s"), "lm": (1.0, "cd"), "lx": (1.0, "cd/m**2"),
    "L": (1e-3, "m**3"), "l": (1e-3, "m**3"), "M": (1e3, "mol/m**3"), "bar": (1e5, "Pa"), "eV": (1.602176634e-19, "J"),
    "cal": (4.184, "J"), "Wh": (3600.0, "J"), "pc": (3.0856775814913673e16, "m"), "yr": (31557600.0, "s"),
    "rad": (1.0, "1"), "Da": (1.66053906892e-27, "kg"), "t": (1e3, "kg"),
}  # fmt: skip

#: Units that take none.
PLAIN = {
    "min": (60.0, "s"), "h": (3600.0, "s"), "d": (86400.0, "s"), "day": (86400.0, "s"), "week": (604800.0, "s"),
    "year": (31557600.0, "s"), "AU": (149597870700.0, "m"), "au": (149597870700.0, "m"), "ly": (9460730472580800.0, "m"),
    "Å": (1e-10, "m"), "angstrom": (1e-10, "m"), "ha": (1e4, "m**2"), "u": (1.66053906892e-27, "kg"),
    "atm": (101325.0, "Pa"), "mmHg": (133.322387415, "Pa"), "Torr": (101325 / 760, "Pa"), "psi": (6894.757293168, "Pa"),
    "erg": (1e-7, "J"), "dyn": (1e-5, "N"), "hp": (745.6998715822702, "W"),
    "inch": (0.0254, "m"), "ft": (0.3048, "m"), "yd": (0.9144, "m"), "mile": (1609.344, "m"), "mph": (0.44704, "m/s"),
    "kn": (1852 / 3600, "m/s"), "lb": (0.45359237, "kg"), "oz": (0.028349523125, "kg"), "rpm": (math.pi / 30, "1/s"),
    "deg": (math.pi / 180, "1"), "°": (math.pi / 180, "1"), "arcmin": (math.pi / 10800, "1"), "arcsec": (math.pi / 648000, "1"),
    "sr": (1.0, "1"), "%": (1e-2, "1"), "percent": (1e-2, "1"), "ppm": (1e-6, "1"), "ppb": (1e-9, "1"),
    "mag": (1.0, "1"), "dB": (1.0, "1"),
}  # fmt: skip

#: Other writings.
ALIASES = {
    "meter": "m", "metre": "m", "second": "s", "sec": "s", "minute": "min", "hour": "h", "hr": "h", "days": "d", "gram": "g",
    "kilogram": "kg", "ampere": "A", "kelvin": "K", "mole": "mol", "newton": "N", "pascal": "Pa", "joule": "J", "watt": "W",
    "volt": "V", "coulomb": "C", "farad": "F", "tesla": "T", "henry": "H", "hertz": "Hz", "liter": "L", "litre": "L",
    "tonne": "t", "ton": "t", "degree": "deg", "radian": "rad", "years": "year", "°C": "degC", "℃": "degC",
    "celsius": "degC", "°F": "degF", "fahrenheit": "degF", "Ohm": "ohm", "parsec": "pc",
}  # fmt: skip

#: Scales whose zero isn't nothing: products of their numbers mean nothing.
WITH_OFFSET = ("degC", "degF")
#: Seven dimensions. Any name that isn't known is one more.
BASE = ("m", "kg", "s", "A", "K", "mol", "cd")
