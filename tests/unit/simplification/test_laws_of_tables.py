"""Laws are found in noisy tables, in any units."""

import numpy as np
import pytest
import sympy

from tests.support.laws import law_of

A, B, C = sympy.symbols("a b c")


def columns(rows=120, seed=0):
    generator = np.random.default_rng(seed)
    return generator.uniform(1, 5, (rows, 3)), generator.standard_normal(rows)


#: Law, and the noise as a part of each value (relative) or of the spread.
LAWS = [
    (3 * A**2 / B, True),
    (2 * sympy.exp(-0.7 * A) * B ** sympy.Rational(3, 2), True),
    (5 * A * B / (B + 2.3), False),
    (1.5 * A**3 + 4 * A * B, False),
    (2 + 3 * sympy.log(A) + 0.5 * C, False),
    (A + (B - A) * sympy.exp(-C / 2), False),
    (4 / (1 + sympy.exp(-3 * (A - 3))), False),
    (B * sympy.exp(-4 / A), False),
]


@pytest.mark.slow
@pytest.mark.parametrize(("law", "relative"), LAWS, ids=lambda value: str(value))
def test_a_law_is_found(law, relative):
    noise = 0.02
    x, normal = columns()
    function = sympy.lambdify([A, B, C], law, "numpy")
    truth = function(*x.T) * np.ones(len(x))
    y = truth + noise * normal * (np.abs(truth) if relative else truth.std())
    found, _ = law_of(x, y, [A, B, C])
    assert found.free_symbols == law.free_symbols
    value = sympy.lambdify([A, B, C], found, "numpy")(*x.T)
    assert np.sqrt(np.mean((value - truth) ** 2)) < 0.5 * noise * truth.std()


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_one_function_is_found_where_a_few_powers_imitate_it(seed):
    generator = np.random.default_rng(seed)
    x = generator.uniform(0.5, 2, (400, 3))
    truth = 2 * x[:, 0] * np.sqrt(x[:, 1]) + np.sin(3 * x[:, 2])
    found, _ = law_of(x, truth + 0.05 * truth.std() * generator.standard_normal(400), [A, B, C])
    assert found.has(sympy.sqrt(B))
    assert found.has(sympy.sin)
    assert found.atoms(sympy.Function) == found.atoms(sympy.sin)
    assert len(found.atoms(sympy.Float)) <= 4


@pytest.mark.slow
def test_the_same_law_in_other_units():
    x, normal = columns()
    y = 5 * x[:, 0] * x[:, 1] / (x[:, 1] + 2.3) * (1 + 0.01 * normal)
    here, error = law_of(x, y, [A, B, C])
    # What is tiny in one unit beside what is huge in another.
    sizes, target = np.array([1e-9, 1e6, 1e-9]), 1e6
    there, other_error = law_of(sizes * x, target * y, [A, B, C])
    same = there.subs(dict(zip((A, B, C), sizes * (A, B, C), strict=True)), simultaneous=True) / target
    values = [sympy.lambdify([A, B, C], law, "numpy")(*x.T) for law in (here, same)]
    assert values[1] == pytest.approx(values[0], rel=1e-5)
    assert other_error == pytest.approx(target * error, rel=1e-4)


@pytest.mark.slow
def test_noise_alone_is_no_law():
    x, normal = columns()
    found, error = law_of(x, 10 + normal, [A, B, C])
    assert found is None or (error > 0.9 and len(found.free_symbols) <= 1)


@pytest.mark.parametrize("rows", [5, 12])
def test_few_rows_are_no_error(rows):
    x, normal = columns(rows)
    found, error = law_of(x, x[:, 0] + 0.1 * normal, [A, B, C])
    assert found is None or np.isfinite(error)


def test_a_constant_column_and_a_constant_target():
    x, _ = columns(60)
    x[:, 1] = 3.0
    assert law_of(x, 2 * x[:, 0], [A, B, C])[0].free_symbols == {A}
    assert law_of(x, np.full(60, 4.0), [A, B, C]) == (None, None)


@pytest.mark.slow
@pytest.mark.parametrize("size", [0.0, 1e-250, 1e-165, 1e200])
def test_a_target_of_any_size(size):
    x, normal = columns(60)
    found, _ = law_of(x, size * (x[:, 0] + 0.01 * normal), [A, B, C])
    assert found is None if size == 0 else found.free_symbols == {A}


def test_a_steep_step_is_written_as_it_was_fitted():
    x = np.linspace(330, 370, 120)[:, None]
    y = 1 / (1 + np.exp(-2 * (x[:, 0] - 350)))
    law, _ = law_of(x, y, [A])
    value = sympy.lambdify(A, law, "numpy")(x[:, 0])
    assert np.abs(value - y).max() < 1e-6


def test_many_columns_are_searched_in_bounded_work():
    generator = np.random.default_rng(0)
    x = generator.uniform(1, 5, (150, 8))
    law, _ = law_of(x, 3 * x[:, 2] / x[:, 5], sympy.symbols("x_1:9"))
    assert law.free_symbols == set(sympy.symbols("x_3 x_6"))


@pytest.mark.slow
def test_a_function_that_terms_of_a_sum_share():
    generator = np.random.default_rng(0)
    x = generator.uniform(1, 5, (200, 5))
    y = x[:, 0] * x[:, 1] + 2 * x[:, 2] * np.exp(-x[:, 3] / 2) + x[:, 4]
    symbols = sympy.symbols("a:e")
    law, _ = law_of(x, y * (1 + 0.01 * generator.standard_normal(200)), symbols)
    law = sympy.expand(law)
    assert {term.as_coeff_Mul()[1] for term in law.args if not term.has(sympy.exp)} == {
        symbols[0] * symbols[1],
        symbols[4],
    }
    (rate,) = (power.args[0].as_coeff_Mul()[0] for power in law.atoms(sympy.exp))
    assert float(rate) == pytest.approx(-0.5, abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize("unit", [1.0, 1e6])
def test_a_curve_of_one_column_may_have_an_offset(unit):
    generator = np.random.default_rng(0)
    x = generator.uniform(1, 300, (250, 1))
    y = 4 + 88 / (1 + (40 / x[:, 0]) ** 1.4)
    y = y + 0.02 * y.std() * generator.standard_normal(len(y))
    law, _ = law_of(unit * x, unit * y, sympy.symbols("x,"))
    wider = unit * np.linspace(0.5, 900, 50)
    values = sympy.lambdify(sympy.symbols("x"), law)(wider)
    assert np.allclose(values / unit, 4 + 88 / (1 + (40 / wider * unit) ** 1.4), rtol=0.03)
