"""The laws of the benchmark: finite, with units that fit together, each column of weight, and dealt into halves by nobody's choice."""

import math

import pytest
import sympy

from kanwidget.datasets import dimensionless_equations, feynman_equations
from tests.support.dimensions import check_dimensions
from tools.benchmarks.discovery.laws import DIFFICULTIES, HALVES, halves, law, laws
from tools.benchmarks.discovery.suites import cases
from tools.benchmarks.own_data_tables import TABLES

LAWS = [law for half in HALVES for law in laws(half)]
CASES = {case.name: case for half in HALVES for case in cases(half)}
ROWS = 2000
every_law = pytest.mark.parametrize("law", LAWS, ids=lambda law: law.name)


@every_law
def test_values_vary_and_every_column_counts(law):
    data = CASES[law.name].rows(ROWS, test=ROWS)
    x, other, y = data.train_input, data.test_input, data.train_label[:, 0]
    assert y.std() > 0.05 * y.abs().mean()
    # No single row decides what a fit sees.
    assert (y - y.mean()).abs().max() < 15 * y.std()
    for i, name in enumerate(law.equation.variables):
        exchanged = x.clone()
        exchanged[:, i] = other[:, i]
        # Sobol's total index, estimated as Jansen does.
        importance = (law.equation(exchanged) - y).square().mean() / (2 * y.var())
        assert importance > 1e-3, f"{name} has no weight in {law.name}"


@every_law
def test_units_fit_together_where_the_law_is_not_empirical(law):
    units = dict(zip(law.equation.variables, law.equation.units, strict=True))
    units |= {constant.name: constant.unit for constant in law.constants}
    if law.empirical:
        with pytest.raises(AssertionError):
            check_dimensions(law.template, units, law.equation.target_unit)
    else:
        check_dimensions(law.template, units, law.equation.target_unit)


@every_law
def test_the_row_is_complete(law):
    assert law.field in ("astronomy", "biology", "chemistry", "economics", "engineering", "geophysics")
    assert law.source.rsplit(", ", 1)[1].isdigit()
    assert all(constant.value > 0 for constant in law.constants)
    assert all(low < high for low, high in law.equation.ranges)
    lows = dict(zip(law.equation.variables, (low for low, _ in law.equation.ranges), strict=True))
    assert all(lows[name] > 0 for name in law.log)
    names = {symbol.name for symbol in expression(law.template).free_symbols}
    assert names == {*law.equation.variables, *(constant.name for constant in law.constants)}


def expression(formula):
    """A formula in sympy, with names for its columns whatever these mean there."""
    names = {name: sympy.Symbol(name) for name in (*"ABCDEFGHIJKLMNOPQRSTUVWXYZ", "beta", "gamma", "zeta")}
    return sympy.sympify(formula, names)


#: Law, its columns, and the value that is known there: an example of a book, a limit or a special case.
VALUES = [
    ("Antoine equation of water", [100], 760),
    ("Severinghaus oxygen saturation", [26.86], 0.5),
    ("Roche lobe by Eggleton", [1], 0.379),
    ("Hohmann transfer", [6.678e6, 4.2164e7], 2426),
    ("Vis-viva speed", [1.496e11, 1.496e11], 29784),
    ("Equilibrium temperature of a planet", [5772, 6.957e8, 1.496e11, 0.3], 254.6),
    ("Distance modulus with extinction", [0, 100], 5.12),
    ("Elevation of the sun", [0.7, 0.2, 0], math.pi / 2 - 0.5),
    ("Length of the day", [0, 0.3], 12),
    ("Mass of a dark halo", [20, 20, 1e7], 4 * math.pi * 8e10 * (math.log(2) - 0.5)),
    ("Temperature of the soil", [91.3125, 0, 2, 10], 22),
    ("Debye length", [78.5, 298.15, 100], 9.61e-10),
    ("Nernst equation of a redox pair", [298.15, 0.1, 0.01], 0.771 + 0.05916),
    ("Henderson-Hasselbalch equation", [4.76, 0.1, 0.01], 5.76),
    ("Ostwald dilution", [1.8e-5, 0.1], 0.01333),
    ("Lennard-Jones potential", [0.34 * 2 ** (1 / 6), 0.34, 1000], -1000),
    ("Morse potential", [0.11, 4, 20], 0),
    ("Einstein heat capacity", [400, 150], 24.65),
    ("Redlich-Kwong pressure", [400, 1.0], 3325),
    ("Body surface by Du Bois", [70, 170], 1.81),
    ("Cockcroft-Gault clearance", [40, 72, 1], 100),
    ("Goldman voltage of a membrane", [4, 140, 0.04], -0.0717),
    ("Goldman-Hodgkin-Katz current", [0.05, 100, 100], 4e-8 * 0.05 * 100 * 96485.33**2 / (8.314463 * 310)),
    ("Bateman curve of an oral dose", [320, 0, 1, 0.1], 0),
    ("Frequency of a gene after selection", [0.3, 0.9, 0.9, 0.9], 0.3),
    ("Kimura distance of two sequences", [0.1, 0.05], 0.1702),
    ("Morrison tight binding", [5, 0, 1], 1),
    ("Gompertz curve of a tumor", [0, 5000, 0.1, 20], 20),
    ("Hodgkin-Huxley opening rate", [-65], 0.0582),
    ("Sharpe-Schoolfield rate of development", [298.15, 0.2], 0.174),
    ("Haaland friction factor", [0.001, 1e5], 0.022),
    ("Transmissibility of a mount", [math.sqrt(2), 0.3], 1),
    ("Current of a resonant circuit", [12, 60, 1e4], 0.2),
    ("Step response of a damped system", [math.pi / math.sqrt(0.75), 0.5, 1], 1.163),
    ("Counterflow heat exchanger", [1, 0], 1 - math.exp(-1)),
    ("Logarithmic mean temperature difference", [60, 20], 36.41),
    ("Efficiency of a fin", [0.02, 100, 200, 0.001], 0.8864),
    ("Radiation between two plates", [800, 400, 1, 1], 21774),
    ("Stagnation pressure of a gas", [1, 1.4], 1.893),
    ("Otto efficiency", [8, 1.4], 0.5647),
    ("von Mises stress", [0, 0, 100], 173.2),
    ("Hata path loss", [900, 30, 1], 126.4),
    ("Transmission of an etalon", [600, 400, 0.5], 1),
    ("Rankine earth pressure", [18, 3, math.pi / 6], 27),
    ("Runoff by curve number", [100, 50], 57.86),
    ("Penman-Monteith evapotranspiration", [0.122, 13.28, 2.078, 0.589], 3.88),
    ("Magnus dew point", [25, 0.5], 13.86),
    ("Power coefficient of a wind turbine", [8.1, 0], 0.48),
    ("Williams-Landel-Ferry shift", [390, 370], -4.872),
    ("Speed of water waves", [200, 1], 3.13),
    ("Piston of a crank", [40, 120, 0], 160),
    ("Power of a synchronous machine", [400, 500, math.pi / 2], 105263),
    ("Deflection of a cantilever", [1000, 2, 2], 1000 * 2**4 / (8 * 2.1e11 * 8e-6)),
    ("Production with constant elasticity", [100, 100, 0.5], 120),
    ("Payment of a mortgage", [200000, 0.005, 360], 1199.1),
    ("Black-Scholes distance to the strike", [100, 100, 0.05, 0.2, 1], 0.35),
    ("Gordon growth value", [2, 0.03, 0.08], 41.2),
    ("Value of a growing annuity", [1000, 0.05, 0, 10], 7721.7),
    ("Bass diffusion of a product", [0.01, 0.4, 0], 0),
    ("Risk of two assets", [0.5, 0.2, 0.2, 0], 0.1414),
    ("Kelly bet", [1, 0.6], 0.2),
    ("Nelson-Siegel yield", [2, 2, -2, 1], 4.5 - 2 * (1 - math.exp(-1)) + 1 - 2 * math.exp(-1)),
]


@pytest.mark.parametrize(("name", "columns", "value"), VALUES, ids=[name for name, *_ in VALUES])
def test_values_are_known_ones(name, columns, value):
    assert float(CASES[name].equation([columns])) == pytest.approx(value, rel=5e-3, abs=1e-9)


def test_the_halves_are_dealt_by_the_rule():
    for half, dealt in zip(HALVES, halves(LAWS), strict=True):
        assert {law.name for law in laws(half)} == {law.name for law in dealt}
    assert len(CASES) == len(LAWS) == 110


@pytest.mark.parametrize("half", HALVES)
def test_the_halves_are_as_hard_and_of_the_same_fields(half):
    counts = [sum(law.difficulty == difficulty for law in laws(half)) for difficulty in DIFFICULTIES]
    assert min(counts) >= 15
    for field in ("biology", "chemistry", "economics", "engineering"):
        assert sum(law.field == field for law in laws(half)) >= 8
    assert sum(law.operations for law in laws(half)) / len(laws(half)) == pytest.approx(8.5, abs=0.3)


def test_at_most_a_quarter_are_products_of_powers():
    assert sum(law.is_product for law in LAWS) <= len(LAWS) / 4


def test_no_law_stands_twice_or_in_another_suite():
    """Up to names: two formulas with the same skeleton of numbered symbols, numbers left out, would be the same law."""
    others = [expression(e.formula) for e in (*feynman_equations(), *dimensionless_equations())]
    others += [expression(table.law) for table in TABLES.values()]
    skeletons = [skeleton(expression(law.template)) for law in LAWS]
    assert len(set(skeletons)) == len(skeletons)
    assert not {skeleton(other) for other in others} & set(skeletons)


def skeleton(tree):
    """A formula without its names and numbers: two laws that share it are one law in other words."""
    if tree.is_number:
        return "1" if not tree.is_Integer else str(tree)
    if tree.is_Symbol:
        return "x"
    return f"{tree.func.__name__}({','.join(sorted(map(skeleton, tree.args)))})"


@pytest.mark.parametrize(
    ("template", "operations", "levels"),
    [
        ("x*y/c", 2, 0),
        ("2*pi*sqrt(x/c)", 3, 0),
        ("x**d", 1, 0),
        ("log(10)*c*x", 1, 0),
        ("x**y", 1, 1),
        ("x + y - x*y", 3, 1),
        ("c*x/(d + x)", 3, 1),
        ("-x + sqrt(y)*(c - y)", 5, 2),
        ("1 - exp(-x/c)", 4, 2),
    ],
)
def test_operations_and_levels(template, operations, levels):
    made = made_law(template)
    assert (made.operations, made.levels, made.is_product) == (operations, levels, levels == 0)


def made_law(template):
    return law(
        {
            "name": "made",
            "field": "physics",
            "target": "z [1]",
            "template": template,
            "variables": "x [1] 1..2; y [1] 1..2 log",
            "constants": "c = 2 [m]; d = 0.5 [1]",
            "basis": "",
            "source": "nobody, 2000",
        }
    )


def test_a_row_becomes_an_equation_with_numbers():
    made = made_law("c*x**d + cos(y)")
    assert made.equation.formula == "2.0*x**0.5 + cos(y)"
    assert made.log == ("y",)
    assert [constant.unit for constant in made.constants] == ["m", "1"]
    assert made.difficulty == "easy"


def test_a_row_that_can_not_be_read_is_refused():
    with pytest.raises(ValueError, match=r"'x 1\.\.2' is not written as"):
        law({"name": "made", "variables": "x 1..2", "constants": "", "target": "z [1]", "template": "x"})
