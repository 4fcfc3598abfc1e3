"""The simplest formula that the data allow: offsets, exponents, redundant constants, products multiplied out."""

import math

import pytest
import sympy
import torch

from kanwidget import KAN, Dataset
from kanwidget.symbolic import fit_formula
from kanwidget.symbolic.formulas.regression import selection
from kanwidget.symbolic.formulas.regression.noise import noise_weights
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.symbolic.formulas.regression.proposals import proposals
from kanwidget.symbolic.formulas.regression.selection import most_likely_growth
from kanwidget.symbolic.formulas.rewriting.canonical import canonical
from kanwidget.symbolic.formulas.rewriting.decimals import parametrize
from kanwidget.symbolic.formulas.rewriting.expansion import expanded
from kanwidget.symbolic.formulas.simplest import simplest

T, P, V, DEAD = sympy.symbols("T p v dead")
X, Y = sympy.symbols("x y")


def uniform(rows, ranges, seed=0):
    unit = torch.rand(rows, len(ranges), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    low, high = torch.tensor(ranges, dtype=torch.float64).T
    return low + (high - low) * unit


def noise(rows, seed=1):
    return torch.randn(rows, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def gas(seed):
    """400 rows of p·v/(8.314·T) with 2 % noise, and a column without effect."""
    x = uniform(400, [(260, 340), (0.6e5, 1.4e5), (0.5, 3), (0, 1)], seed)
    return x, x[:, 1] * x[:, 2] / (8.314 * x[:, 0]) * (1 + 0.02 * noise(400, seed + 100))


def found(expr, variables, x, y, **options):
    problem, fit = simplest(Problem(variables, x, y), expr, **options)
    return fit, problem


SEVEN_OFFSETS = 0.0071 * (P - 4851.0) ** 0.97 * (V - 0.02) ** 1.003 / (T - 151.0) ** 0.49 + 0.9
LOGARITHMS = sympy.exp(
    0.97 * sympy.log(2.0 * P - 9700.0) + 1.003 * sympy.log(V - 0.02) - 0.49 * sympy.log(T - 151.0) - 5.6
)


@pytest.mark.slow
@pytest.mark.parametrize("start", [SEVEN_OFFSETS, LOGARITHMS + 0.9, LOGARITHMS + 0.02 * DEAD])
@pytest.mark.parametrize("seed", range(3))
def test_a_law_with_false_offsets_and_crooked_exponents_becomes_the_law(start, seed):
    x, y = gas(seed)
    fit, _ = found(start, [T, P, V, DEAD], x, y)
    ((constant, (value, error)),) = fit.table.items()
    assert fit.expression == constant * P * V / T
    assert abs(value - 1 / 8.314) < 3.5 * error < 1e-3


def test_after_the_deadline_a_formula_is_fitted_as_it_is(monkeypatch):
    x, y = gas(0)
    fits, fit = [], Problem.fit
    monkeypatch.setattr(Problem, "fit", lambda *arguments: fits.append(arguments[1]) or fit(*arguments))
    monkeypatch.setattr(selection, "proposals", lambda *_: pytest.fail("nothing is proposed any more"))
    late, _ = found(SEVEN_OFFSETS, [T, P, V, DEAD], x, y, deadline=-math.inf)
    assert len(fits) <= 2
    assert len(late.symbols) > 4


def test_a_network_that_found_logarithms_has_a_power_law_as_its_formula():
    x, y = gas(0)
    model = KAN([4, 1, 1])
    for source, (name, params) in enumerate(
        [
            ("log", (1, -151, -0.49, 0)),
            ("log", (1, -4851, 0.97, 0)),
            ("log", (1, -0.02, 1.003, -4.95)),
            ("0", (1, 0, 0, 0)),
        ]
    ):
        model.fix_symbolic(0, source, 0, name, params=params, data=x)
    model.fix_symbolic(1, 0, 0, "exp", params=(1, 0, 1, 0.9), data=x)
    data = Dataset(x, y, in_vars=["T (K)", "p [Pa]", "v_x", "dead"], out_vars=["n_dot"])
    formula = fit_formula(model, data)
    lines = repr(formula).splitlines()
    assert lines[0].startswith("n_dot = 0.120")
    assert lines[0].endswith("*p [Pa]*v_x/T (K)")
    assert lines[1].startswith("constants 0.120")
    assert lines[1].endswith("± 0.0001")
    assert 0.018 < formula.noise < 0.022


def test_offsets_and_exponents_that_the_data_show_stay():
    x = uniform(300, [(1, 5)])
    y = 2.3 * (x[:, 0] + 0.7) ** 1.37 + 4.1 + 0.02 * noise(300)
    fit, _ = found(2.0 * (X + 1.0) ** 1.5 + 3.0, [X], x, y)
    assert len(fit.symbols) == 4
    for true in (2.3, 0.7, 1.37, 4.1):
        assert min(abs(value - true) / error for value, error in fit.table.values()) < 3


def test_exact_exponents_become_free_where_the_data_ask_for_it():
    x = uniform(300, [(1, 5)])
    y = 2.3 * x[:, 0] ** 1.37 * (1 + 0.01 * noise(300))
    free, _ = found(2.0 * sympy.sqrt(X + 0.1), [X], x, y)
    assert free.expression.subs(X, 2.0) == pytest.approx(2.3 * 2**1.37, rel=0.01)
    assert [power.base for power in free.expression.atoms(sympy.Pow)] == [X]
    exact, _ = found(2.0 * sympy.sqrt(X + 0.1), [X], x, y, free=False)
    assert {power.exp for power in exact.expression.atoms(sympy.Pow)} == {sympy.Rational(1, 2)}


def test_an_option_keeps_the_exponents_of_the_network():
    x = uniform(200, [(1, 5)])
    model = KAN([1, 1])
    model.fix_symbolic(0, 0, 0, "sqrt", params=(1, 0.5, 2, 1), data=x)
    data = (x, 2.3 * x[:, 0] ** 0.57 * (1 + 0.01 * noise(200)))
    assert "**0.569" in repr(model.fit_formula(data))
    assert "sqrt" in repr(model.fit_formula(data, exponents="exact"))
    with pytest.raises(ValueError, match="`exponents` argument of fit_formula must be"):
        model.fit_formula(data, exponents="some")


@pytest.mark.slow
def test_products_are_multiplied_out_where_that_is_simpler():
    a, b, c, d = sympy.symbols("x1:5")
    x = uniform(500, [(-1, 1)] * 4)
    start = 2417.0 * (0.0103 * sympy.sin(3.003 * c) + 0.0101 * d) ** 2
    start -= 2982.0 * (0.0102 * sympy.sin(2.998 * c) - 0.0082 * d) ** 2 - 0.002
    for size in (0.0, 0.02):
        fit, _ = found(start, [a, b, c, d], x, x[:, 3] * torch.sin(3 * x[:, 2]) + size * noise(500))
        assert fit.expression == d * sympy.sin(3 * c)


@pytest.mark.parametrize("seed", range(3))
def test_distances_have_a_centre(seed):
    x = uniform(400, [(-2, 2), (-2, 2), (-2, 2)], seed)
    y = ((x[:, 0] - 1.25) ** 2 + (x[:, 1] + 0.6) ** 2).sqrt() + 0.5 * x[:, 2] + 0.05 * noise(400, seed + 7)
    start = 0.5 * V + 1.4 * sympy.sqrt(0.51 * X**2 - 1.25 * X + 0.5 * Y**2 + 0.6 * Y + 0.96)
    fit, _ = found(start, [X, Y, V], x, y)
    (root,) = (power for power in fit.expression.atoms(sympy.Pow) if power.exp == sympy.Rational(1, 2))
    assert [power.base.coeff(symbol) for power in sorted(root.base.args, key=str) for symbol in power.free_symbols] == [
        1,
        1,
    ]
    assert len(fit.symbols) <= 3


def test_squares_without_another_to_share_a_factor_stay():
    x = uniform(200, [(-2, 2)])
    fit, _ = found(1.3 * X**2 + 2.1 * X + 0.7, [X], x, 1.3 * x[:, 0] ** 2 + 2.1 * x[:, 0] + 0.7 + 0.05 * noise(200))
    assert sympy.Poly(fit.expression, X).degree() == 2
    assert fit.expression.is_Add
    assert len(fit.expression.args) == 3


@pytest.mark.parametrize("offset", [-0.0039, 0.0039])
def test_a_one_that_says_nothing_goes(offset):
    """Written as c·(1 + d·g), a formula has no constant that is 0, whatever the data say."""
    z = sympy.Symbol("z")
    x = uniform(400, [(-4, 6), (1, 5), (15, 35)])
    y = 3 * x[:, 1] * torch.exp(-((x[:, 0] - 1) ** 2) / 3) + 0.2 * x[:, 2] + 0.1 * noise(400)
    start = Y * (offset + 2.99 * sympy.exp(-0.329 * (X - 1) ** 2)) + 0.2 * z
    fit, _ = found(start, [X, Y, z], x, y)
    (hump,) = fit.expression.atoms(sympy.exp)
    assert fit.expression.subs(hump, 0).free_symbols == {z}


@pytest.mark.parametrize("size", [0.0, 1e-3, 0.02])
def test_pi_is_recognized(size):
    x = uniform(500, [(-1, 1)] * 2)
    y = torch.exp(torch.sin(math.pi * x[:, 0]) + x[:, 1] ** 2) + size * noise(500)
    fit, _ = found(1.02 * sympy.exp(0.98 * sympy.sin(3.15 * X + 0.001) + 1.01 * (Y + 0.001) ** 2) + 0.003, [X, Y], x, y)
    assert fit.expression == sympy.exp(sympy.sin(sympy.pi * X) + Y**2)


def test_no_constant_is_made_up_of_round_off():
    x = uniform(300, [(-1, 1)] * 2)
    y = x[:, 0] * (x[:, 1] + 2.5) + 0.01 * noise(300)
    start = -5673.0 * (2.4e-20 - 0.013 * X) * (0.013 * Y + 0.031) + 2e-17
    fit, _ = found(start, [X, Y], x, y)
    assert fit.expression.func is sympy.Mul
    assert all(abs(value) > 1e-3 and error < abs(value) for value, error in fit.table.values())


def test_what_one_constant_says_no_other_repeats():
    columns = uniform(50, [(1, 2), (1, 2)])
    values = Problem([X, Y], columns, columns[:, 0]).values
    redundant = 2.0 * (3.0 * X + 1.5) ** 0.5 * (4.0 * Y - 2.0) * sympy.exp(0.5 * sympy.log(2.0 * X) + 0.25)
    once = canonical(redundant, values)
    _, constants, _ = parametrize(once, lambda base: True)
    assert len(constants) == 5  # the factor, two offsets, two exponents
    point = {X: 1.3, Y: 1.7}
    assert float(once.subs(point)) == pytest.approx(float(redundant.subs(point)))


@pytest.mark.parametrize(
    "expr",
    [
        (X - 1.5) * (Y + 2.5) ** 2,
        (-2.0 * X + 5.0) ** 0.3,
        (-2.0 * X - 5.0) ** 3,
        sympy.log(2.0 * X + 1.0) + 0.5,
        3.0 * sympy.log(-2.0 * X + 5.0) + 0.5,
        sympy.exp(2.0 * sympy.log(X) + sympy.sin(Y) + 1.0),
        (X**2 * Y) ** 0.7,
        1.5 * Y * sympy.sin(0.7 * X) * sympy.cos(0.7 * X),
        sympy.exp(800.0 + X) / sympy.exp(800.0 + Y),
    ],
)
def test_the_canonical_formula_has_the_same_values(expr):
    columns = uniform(50, [(1, 2), (1, 2)])
    problem = Problem([X, Y], columns, columns[:, 0])
    changed = canonical(expr, problem.values)
    for x, y in columns[:5].tolist():
        point = {X: x, Y: y}
        assert float(changed.subs(point)) == pytest.approx(float(expr.subs(point)), rel=1e-9)


def test_expansion_merges_functions_that_are_nearly_alike_and_leaves_others():
    assert expanded(sympy.exp(1.99 * X) + 2 * sympy.exp(2.01 * X)) == 3 * sympy.exp(2.0 * X)
    apart = sympy.exp(1.5 * X) + 2 * sympy.exp(2.0 * X)
    assert expanded(apart) == apart
    assert expanded((X + Y) * (X - Y)) == X**2 - Y**2


def test_a_product_that_nobody_could_read_is_not_multiplied_out():
    product = sympy.Mul(*(X + Y + sympy.Symbol(f"z{i}") for i in range(8)))
    assert expanded(product) == product


def test_noise_in_proportion_is_seen_and_other_noise_is_not():
    values = torch.linspace(1, 30, 200, dtype=torch.float64)
    assert noise_weights(values, noise(200)) is None
    weights = noise_weights(values, 0.05 * values * noise(200))
    assert bool(weights[0] / weights[-1] > 10)
    assert noise_weights(values[:10], (values * noise(200))[:10]) is None


def test_the_growth_that_needless_constants_explain_is_the_quantile_of_chi_squared():
    # scipy.stats.chi2.isf(0.0027, k)
    expected = {1: 9.0, 2: 11.83, 3: 14.16, 5: 18.21, 10: 26.9}
    for constants, quantile in expected.items():
        assert most_likely_growth(constants) == pytest.approx(quantile, rel=0.03)


def test_many_rows_are_sampled_for_the_choice_and_all_count_for_the_constants():
    x = uniform(20_000, [(1, 5)])
    y = 2.37 * x[:, 0] + 0.1 * noise(20_000)
    fit, problem = found(2.0 * X + 0.01, [X], x, y)
    ((_, error),) = fit.table.values()
    assert problem.rows == 20_000
    assert error == pytest.approx(0.1 / float(x.square().sum().sqrt()), rel=0.05)


def test_the_sampled_rows_are_from_the_whole_table():
    flat, wide = uniform(4000, [(0, 0.1)]), uniform(4000, [(0, 5)], seed=1)
    x = torch.cat([flat, wide])
    y = x[:, 0] + 0.5 * x[:, 0] ** 2 + 0.1 * noise(8000)
    fit, _ = found(1.1 * X + 0.4 * X**2 + 0.01, [X], x, y)
    assert fit.expression.has(X**2)


def test_the_proposal_that_explains_most_comes_first():
    x = uniform(200, [(1, 3)])
    values = Problem([X], x, torch.ones(200, dtype=torch.float64)).values
    explained = [proposal.explained for proposal in proposals(sympy.exp(0.3 * X + 0.1), values)]
    assert len(explained) > 2
    assert explained == sorted(explained, reverse=True)


@pytest.mark.parametrize("size", [1e-165, 1e-320, 1e165])
def test_columns_whose_squares_are_no_numbers_get_simpler_by_lines_alone(size):
    x = size * uniform(200, [(1, 3)])
    values = Problem([X], x, torch.ones(200, dtype=torch.float64)).values
    for proposal in proposals(sympy.cos(0.3 * X / size + 0.1), values):
        assert torch.isfinite(values(proposal.simpler)).all()


def test_after_the_deadline_nothing_gets_simpler():
    x, y = gas(0)
    fit, _ = found(SEVEN_OFFSETS, [T, P, V, DEAD], x, y, deadline=-math.inf)
    assert len(fit.symbols) == 8


def test_a_formula_of_many_curves_is_fitted_and_gets_no_simpler():
    x = uniform(100, [(-1, 1)])
    functions = {f"phi_0_0_{i}": torch.zeros_like for i in range(30)}
    problem = Problem([X], x, 2 * x[:, 0] + 0.1 * noise(100), functions)
    _, fit = simplest(problem, 1.5 * X + 0.001 + sum(sympy.Function(name)(X) for name in functions))
    assert len(fit.symbols) == 2
    assert len(simplest(problem, 1.5 * X + 0.001)[1].symbols) == 1


def test_sums_that_are_divided_by_stay():
    quotient = 2.0 * Y / (X + 1.5) ** 2
    assert expanded(quotient * (X + 1)) == 2.0 * X * Y / (X + 1.5) ** 2 + quotient


def test_an_unfinished_network_is_answered_without_a_long_search():
    x = uniform(300, [(-1, 1)] * 3)
    terms = [
        sympy.Float(0.3 + 0.1 * i) * sympy.sin(sympy.Float(1 + 0.2 * i) * v + 0.3) for i in range(4) for v in (X, Y, P)
    ]
    fits = []
    problem = Problem([X, Y, P], x, x.sum(1))
    counted = problem.fit
    problem.fit = lambda *args: fits.append(1) or counted(*args)  # type: ignore[method-assign]
    _, fit = simplest(problem, sympy.Add(*terms) ** 2)
    assert len(fits) < 5
    assert len(fit.symbols) > 24


T_HOURS = sympy.Symbol("t")
#: What a network left of laws in noisy tables, the columns' ranges, the law, and the law's values.
IMITATIONS = [
    (
        12.2 * sympy.exp(0.137 * sympy.sqrt(X - 15.2) - 1.177 * sympy.tan(0.1707 * Y - 1.3363)) + 3.96,
        [(18, 70), (1, 12)],
        sympy.Float(1) * X**0.6 / Y**1.3,
        lambda x, y: 42 * x**0.6 / y**1.3,
    ),
    (
        6.16 / (30.84 * sympy.exp(0.868 * (X - 2.109) ** 2 - 3.78 * sympy.sin(0.016793 * Y + 7.169)) + 1) - 0.003,
        [(0.2, 2), (280, 340)],
        sympy.Float(1) * X ** sympy.Rational(3, 2) * sympy.exp(-1.0 / Y),
        lambda x, y: 3e7 * x**1.5 * torch.exp(-6400 / y),
    ),
    (
        2.42 * sympy.exp(5.306 * sympy.atan(0.1037 * X + 1.637) - 22.05 / sympy.sqrt(Y + 22.2)) - 14.3,
        [(2, 300), (5, 50)],
        1.0 * Y * X / (X + 1.0),
        lambda x, y: 14 * y * x / (x + 60),
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "ranges", "law", "values"), IMITATIONS, ids=["power laws", "Arrhenius", "saturation"]
)
def test_imitations_give_way_to_the_law_behind_them(start, ranges, law, values):
    x = uniform(400, ranges)
    y = values(*x.unbind(1))
    fit, _ = found(start, [X, Y], x, y * (1 + 0.02 * noise(400)))
    blank = sympy.Symbol("c")

    def shape(expr):
        exponents = {p: p.base**blank for p in expr.atoms(sympy.Pow) if p.exp.is_Float}
        return expr.xreplace(exponents).xreplace(dict.fromkeys(expr.atoms(sympy.Float), blank)).subs(blank, 2)

    assert shape(fit.expression) == shape(law.subs(1.0, 1.1))


@pytest.mark.slow
@pytest.mark.parametrize(
    "start",
    [
        10.58 * sympy.cos(0.3583 * sympy.tanh(0.1511 * T_HOURS - 2.5826) - 1.456) + 2.57,
        7.4719 - 7.4394 * sympy.exp(-((-1.11508 * sympy.tanh(0.087313 * T_HOURS - 1.73817) - 1.10064) ** 2)),
    ],
)
@pytest.mark.parametrize("size", [0.01, 0.05])
def test_a_growth_is_logistic(start, size):
    x = uniform(250, [(0, 40)])
    y = 7.4 / (1 + 180 * torch.exp(-0.306 * x[:, 0]))
    fit, _ = found(start, [T_HOURS], x, y + size * y.std() * noise(250))
    assert sorted(fit.table) == pytest.approx([-0.306, 7.4, 180], rel=0.2)
    assert str(fit.expression).count("exp") == 1


def test_functions_that_the_data_tell_from_simpler_ones_stay():
    x = uniform(400, [(-2, 2)])
    for law in (
        1.7 * sympy.sin(1.9 * X + 0.3),
        2.1 * sympy.exp(0.8 * X),
        1.3 * sympy.tanh(1.7 * X),
        sympy.log(X + 2.4),
    ):
        problem = Problem([X], x, x[:, 0])
        y = problem.values(law)
        fit, _ = found(law, [X], x, y + 0.02 * y.std() * noise(400))
        assert {type(node) for node in fit.expression.atoms(sympy.Function)} <= {
            type(node) for node in law.atoms(sympy.Function)
        } | {sympy.exp}
        assert fit.expression.atoms(sympy.Function)


@pytest.mark.parametrize("offset", [0.01, 1e-30])
def test_an_exponential_far_from_zero_needs_no_offset(offset):
    """a·exp(b·(T - 300)) is 1e-26·exp(T/5): whether an offset counts beside it is a matter of the rows."""
    T, v = sympy.symbols("T v")
    generator = torch.Generator().manual_seed(0)
    u = torch.rand(150, 2, generator=generator, dtype=torch.float64)
    x = torch.tensor([290.0, 1.0]) + u * torch.tensor([50.0, 4.0])
    y = 2.5 * torch.exp(0.2 * (x[:, 0] - 300)) * x[:, 1]
    y = y * (1 + 0.01 * torch.randn(150, generator=generator, dtype=torch.float64))
    start = v * (2.2e-26 * sympy.exp(0.2 * T) + offset)
    _, fit = simplest(Problem([T, v], x, y, {}, where="test"), start)
    assert fit.expression.as_coeff_Mul()[1] == v * sympy.exp(T / 5)
