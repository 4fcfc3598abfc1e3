"""Constants become exact numbers where the data tell, and only there."""

import math

import pytest
import sympy
import torch
from symbolic_samples import samples

from kanwidget.symbolic import snap_constants
from kanwidget.symbolic.formulas.constants import exact_number

x, y = sympy.symbols("x y")
X = samples(n=300)


def noise(n, seed=0):
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_snap():
    target = 0.5 * torch.sin(torch.pi * X[:, 0]) + math.sqrt(2) * X[:, 1] ** 2 - 3
    expr = 0.5003 * sympy.sin(3.1409 * x) + 1.4137 * y**2 - 2.9991
    assert snap_constants(expr, [x, y], X, target) == sympy.sin(sympy.pi * x) / 2 + sympy.sqrt(2) * y**2 - 3


def test_snap_removes_a_zero():
    expr = 2.0001 * x + 0.00002
    assert snap_constants(expr, [x, y], X, 2 * X[:, 0]) == 2 * x


def test_snap_keeps_what_the_data_contradict():
    target = 3.1389 * X[:, 0] + 1.2345 * X[:, 1]
    found = snap_constants(3.1389 * x + 1.2345 * y, [x, y], X, target)
    assert sorted(float(c) for c in found.atoms(sympy.Float)) == pytest.approx([1.2345, 3.1389])


def test_snap_within_noise():
    target = 2 * X[:, 0] + 0.01 * noise(300)
    assert snap_constants(1.9 * x, [x, y], X, target, tolerance=0.01) == 2 * x


@pytest.mark.parametrize(
    "exact",
    [
        "pi",
        "2*pi",
        "pi/2",
        "3*pi/4",
        "sqrt(2)",
        "sqrt(2)/2",
        "1/2",
        "-1/2",
        "1/3",
        "3/8",
        "7/10",
        "-4",
        "1",
        "273",
        "1/10",
    ],
)
def test_exact_numbers_are_found_in_exact_data(exact):
    number = sympy.Rational(exact) if "p" not in exact and "s" not in exact else eval(exact, vars(sympy).copy())
    value = float(number)
    found = snap_constants(1.01 * value * x + 1.2345, [x], X[:, :1], value * X[:, 0] + 1.2345)
    assert found.coeff(x) == number
    assert float(found.coeff(x, 0)) == pytest.approx(1.2345)


# Treloar's enzyme data, in the form of Michaelis and Menten: 212.7 ± 6.9 and 0.064 ± 0.008.
CONCENTRATION = [0.02, 0.02, 0.06, 0.06, 0.11, 0.11, 0.22, 0.22, 0.56, 0.56, 1.1, 1.1]
RATE = [76.0, 47, 97, 107, 123, 139, 159, 152, 191, 201, 207, 200]


def test_puromycin_is_no_multiple_of_pi():
    s = torch.tensor(CONCENTRATION, dtype=torch.float64)[:, None]
    found = snap_constants(200.0 - 14.0 / (x + 0.065), [x], s, torch.tensor(RATE, dtype=torch.float64))
    constants = sorted(float(number) for number in found.atoms(sympy.Float))
    assert len(constants) == 3
    assert not found.has(sympy.pi)


def test_coincidences_are_rare():
    points = samples(n=40, features=1)
    snapped = 0
    for seed in range(60):
        slope = 0.5 + 9 * float(torch.rand((), generator=torch.Generator().manual_seed(seed)))
        error = 10 ** -(1 + 3 * seed / 60)
        found = snap_constants(slope * x, [x], points, slope * points[:, 0] + error * noise(40, seed))
        snapped += not found.has(sympy.Float)
    assert snapped <= 6


def test_what_is_known_well_snaps_in_noise():
    target = torch.sin(torch.pi * X[:, 0]) + 1.37 * X[:, 1] ** 2 + 0.001 * noise(300)
    found = snap_constants(0.9 * sympy.sin(3.2 * x + 0.01) + 1.3 * y**2 + 0.002, [x, y], X, target)
    assert found.has(sympy.sin(sympy.pi * x))
    assert [float(number) for number in found.atoms(sympy.Float)] == pytest.approx([1.37], abs=1e-3)


def test_exponents_are_compared_too():
    target = 0.5 * (X[:, 0] + 2) * (X[:, 1] + 2) ** 2
    found = snap_constants(0.49 * (x + 2.01) ** 1.0 * (y + 1.99) ** 2.0000001, [x, y], X, target)
    assert found == (x + 2) * (y + 2) ** 2 / 2
    target = (X[:, 0] + 2) ** 1.4931
    assert snap_constants((x + 2) ** 1.4931, [x, y], X, target).has(sympy.Float(1.4931))


def test_zeros_may_be_kept():
    target = 1.37 * X[:, 0] + 0.01 * noise(300)
    assert len(snap_constants(1.3 * x + 0.01, [x, y], X, target, drop=False).atoms(sympy.Float)) == 2
    assert snap_constants(1.3 * x + 0.01, [x, y], X, target).coeff(x, 0) == 0
    assert snap_constants(1.3 * x + 0.01, [x, y], X, target + 1).coeff(x, 0) != 0


def test_a_term_without_effect_goes_but_not_the_last_one():
    assert snap_constants(2.01 * x + 0.01 * y, [x, y], X, 2 * X[:, 0]) == 2 * x
    assert snap_constants(0.5 * x, [x, y], X, noise(300)).has(x)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_units_do_not_matter_to_what_is_dropped(unit):
    found = snap_constants(1.3 * unit * x + unit, [x, y], X, unit * (1.37 * X[:, 0] + 0.5123 + 0.01 * noise(300)))
    assert len(found.atoms(sympy.Float)) == 2


def test_simple_numbers_need_less():
    assert exact_number(2.001, 0.0008)[1] == 2
    assert exact_number(math.pi + 0.001, 0.0008)[1] == sympy.pi
    assert exact_number(math.pi + 0.01, 0.008)[1] is None
    assert exact_number(0.7005, 0.0004)[1] is None
    assert exact_number(0.7, 0.0)[1] == sympy.Rational(7, 10)
    assert exact_number(1.0, math.inf)[1] is None
    assert exact_number(12345.0, 0.0)[1] is None


def test_nothing_is_divided_by_zero():
    target = 1 / (X[:, 0] + 2)
    assert snap_constants(1 / (1.0001 * x + 2.01), [x, y], X, target) == 1 / (x + 2)
    assert snap_constants(3.3 + 1 / (x * 0.0 + 0.3 + sympy.Float(0.001)), [x, y], X, target + 5) is not None
