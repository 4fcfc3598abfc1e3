"""Sums of products of powers, among columns that say nothing."""

import numpy as np
import pytest
import sympy

from tests.support.laws import law_of

M, L, D, R, E, T, H, B = SYMBOLS = sympy.symbols("m L D rho eta T H b", positive=True)

LAWS = [
    (30 * L * M**2 / (R * D) + sympy.sqrt(E) / 50, 0.02),
    (4 * M**2 * L / D + 0.3 * E * T / H, 0.02),
]


def table(rows=500):
    g = np.random.default_rng(0)
    columns = [g.uniform(0.2, 3, rows), g.uniform(1, 200, rows), np.exp(g.uniform(np.log(5), np.log(200), rows))]
    columns += [g.uniform(600, 1400, rows), np.exp(g.uniform(np.log(0.3), np.log(300), rows)), g.uniform(10, 80, rows)]
    columns += [g.uniform(20, 90, rows), g.integers(1, 60, rows).astype(float)]
    return np.stack(columns, 1), g.standard_normal(rows)


@pytest.mark.slow
@pytest.mark.parametrize(("law", "noise"), LAWS, ids=lambda value: str(value))
def test_a_sum_of_products_of_powers_is_found_among_eight_columns(law, noise):
    x, normal = table()
    truth = sympy.lambdify(SYMBOLS, law, "numpy")(*x.T)
    found, _ = law_of(x, truth + noise * truth.std() * normal, SYMBOLS)
    assert found.free_symbols == law.free_symbols
    value = sympy.lambdify(SYMBOLS, found, "numpy")(*x.T)
    assert np.sqrt(np.mean((value - truth) ** 2)) < 0.3 * noise * truth.std()
