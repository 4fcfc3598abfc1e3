"""The formula is the network: same values, whatever its nodes and edges."""

import itertools
import math
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import sympy
import torch
from symbolic_samples import make_network, samples

from kanwidget import KAN, Dataset
from kanwidget.core import primitive
from kanwidget.core.network import Network
from kanwidget.core.primitives import primitives
from kanwidget.simplification import auto_symbolic
from kanwidget.symbolic import fix_symbolic, numeric_functions, symbolic_formula, to_numpy
from kanwidget.symbolic.formulas.deadlines import simplify_within
from kanwidget.symbolic.formulas.formula import formula
from kanwidget.symbolic.formulas.rescaling import rescale
from kanwidget.symbolic.formulas.rewriting.decimals import parametrize

X = samples(features=3)


def difference(network, x, **options):
    exprs, variables = symbolic_formula(network, **options)
    y = network(x).detach().numpy()
    return float(np.abs(to_numpy(exprs, variables, network)(x.numpy()) - y).max() / max(1.0, np.abs(y).max()))


SHAPES = [
    ([3, 2, 1], 2),
    ([3, [2, 2], 1], 2),
    ([3, [1, 2], 2], 3),
    ([3, [0, 2], [1, 1]], [[], [2, 3], [4]]),
    ([3, [2, 1], [1, 1], 1], [[], [3], [2], []]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("width", "arity"), SHAPES)
@pytest.mark.parametrize("mix", ["numeric", "symbolic", "mixed"])
def test_formula_equals_network(width, arity, mix):
    network = make_network(width, arity, noise=0.5)
    if mix == "mixed":
        fix_symbolic(network, 0, 0, 0, "sin", X)
        fix_symbolic(network, 0, 2, 1, "gaussian", X, keep_spline=True)
        network.layer(0).spline_on[0, 1] = False
        network.layer(1).spline_on[0, 0] = False
    if mix == "symbolic":
        lib = ["x", "x^2", "sin", "exp", "tanh", "J0", "erf", "cbrt", "abs", "sqrt", "sigmoid", "1/x^2"]
        auto_symbolic(network, X, lib=lib, r2_threshold=-10)
        exprs, _ = symbolic_formula(network)
        assert not any(expr.atoms(sympy.core.function.AppliedUndef) for expr in exprs)
    assert difference(network, X) < 1e-10


def test_products_have_their_true_arity():
    """pykan's fault 5: x1·x2·x3 + x3·x4·x5 instead of x1·x2·x3 + x4·x5·x6."""
    network = make_network([6, [0, 2], 1], 3)
    x = samples(features=6)
    for target in range(6):
        for source in range(6):
            if source == target:
                fix_symbolic(network, 0, source, target, "x", x, params=(1, 0, 1, 0))
            else:
                network.layer(0).spline_on[target, source] = False
    for source in range(2):
        fix_symbolic(network, 1, source, 0, "x", x, params=(1, 0, 1, 0))
    expr = formula(network)
    a, b, c, d, e, f = sympy.symbols("x_1:7")
    assert sympy.expand(expr - (a * b * c + d * e * f)) == 0


def test_edges_are_never_dropped_and_pruned_ones_are():
    """pykan's faults 3, 4 and 13."""
    network = make_network([2, 1])
    x = X[:, :2]
    fix_symbolic(network, 0, 0, 0, "sin", x, params=(2, 0, 1, 0))
    x1, x2 = sympy.symbols("x_1 x_2")
    assert formula(network) == sympy.sin(2.0 * x1) + sympy.Function("phi_0_1_0")(x2)
    network.layer(0).set_symbol(0, 0, None)
    assert formula(network) == sympy.Function("phi_0_1_0")(x2)
    network.layer(0).spline_on[0, 1] = False
    assert formula(network) == 0
    assert difference(network, x) == 0


def test_correction_is_a_sum():
    network = make_network([1, 1])
    fix_symbolic(network, 0, 0, 0, "x^2", X[:, :1], params=(1, 0, 3, 0), keep_spline=True)
    x1 = sympy.Symbol("x_1")
    assert formula(network) == 3.0 * x1**2 + sympy.Function("phi_0_0_0")(x1)


def test_tied_edges():
    network = make_network([2, 1])
    network.layer(0).ties = [[0, 1]]
    fix_symbolic(network, 0, 0, 0, "sin", X[:, :2])
    assert difference(network, X[:, :2]) < 1e-12


def test_pruned_inputs_keep_their_names():
    pairs = make_network([2, 2, 1])
    network = Network(pairs.width, pairs.arities, list(pairs.layers), n_features=4, columns=[1, 3])
    exprs, variables = symbolic_formula(network)
    assert [v.name for v in variables] == ["x_1", "x_2", "x_3", "x_4"]
    assert {s.name for s in exprs[0].free_symbols} == {"x_2", "x_4"}
    assert difference(network, samples(features=4)) < 1e-12
    with pytest.raises(ValueError, match="4 names"):
        symbolic_formula(network, ["a", "b"])


HOSTILE = [
    "__import__('os').system('true')",
    "<img src=x onerror=alert(1)>",
    r"\input{/etc/passwd}",
    "température [°C]",
    "α",
    "x y",
    "lambda",
    "1",
]


def test_any_text_is_a_name():
    network = make_network([len(HOSTILE), 1])
    x = samples(features=len(HOSTILE))
    fix_symbolic(network, 0, 0, 0, "sin", x)
    exprs, variables = symbolic_formula(network, HOSTILE)
    assert [v.name for v in variables] == HOSTILE
    assert all(type(v) is sympy.Symbol for v in variables)
    np.testing.assert_allclose(to_numpy(exprs, variables, network)(x.numpy()), network(x).detach().numpy(), atol=1e-12)


def test_symbols_may_be_given():
    t = sympy.Symbol("t", positive=True)
    network = make_network([2, 1])
    _, variables = symbolic_formula(network, [t, "s"])
    assert variables == [t, sympy.Symbol("s")]


@pytest.mark.parametrize("var", ["ab", 5, ["a"], ["a", "a"], ["a", ""], ["a", 3]])
def test_wrong_names(var):
    with pytest.raises((ValueError, TypeError), match="`var` argument of symbolic_formula"):
        symbolic_formula(make_network([2, 1]), var)


@pytest.mark.parametrize(
    "scaler", [5, "ab", ["ab", [1, 1]], [[1, [2, 3]], [1, 1]], [[0.0, 0.0], [1.0, None]], [[0.0, 0.0], [1.0, math.inf]]]
)
def test_wrong_scaler(scaler):
    with pytest.raises(ValueError, match="`input_scaler` argument of symbolic_formula must be means"):
        symbolic_formula(make_network([2, 1]), input_scaler=scaler)


def test_scalers():
    network = make_network([3, 2])
    means, deviations = torch.tensor([1.0, 2.0, 3.0]), np.array([0.5, 2.0, 4.0])
    raw = X.numpy() * deviations + means.numpy()
    options = {"input_scaler": [means, deviations], "output_scaler": [[10.0, 20.0], [3.0, 4.0]]}
    exprs, variables = symbolic_formula(network, **options)
    expected = network(X).detach().numpy() * [3, 4] + [10, 20]
    np.testing.assert_allclose(to_numpy(exprs, variables, network)(raw), expected, atol=1e-10)
    with pytest.raises(ValueError, match="`input_scaler`"):
        symbolic_formula(network, input_scaler=[[0.0], [1.0]])
    with pytest.raises(ValueError, match="`input_scaler`"):
        symbolic_formula(network, input_scaler=[[0.0] * 3, [0.0] * 3])


@pytest.mark.parametrize("row", primitives(), ids=lambda row: row.name)
def test_functions_of_standardized_columns_have_no_more_constants_than_others(row):
    network = make_network([1, 1])
    a, b = 0.7 if row.free[0] else 1.0, 0.1 if row.free[1] else 0.0
    network.layer(0).set_symbol(0, 0, row.name, (a, b, 1.3, 0.2))
    network.layer(0).spline_on[:] = False
    options = {"input_scaler": [[3.0], [2.0]], "output_scaler": [[0.5], [4.0]]}
    exprs, variables = symbolic_formula(network, **options)
    x = torch.linspace(0.1, 0.7, 20, dtype=torch.float64)[:, None]
    expected = network(x).detach().numpy() * 4 + 0.5
    np.testing.assert_allclose(to_numpy(exprs, variables)(x.numpy() * 2 + 3), expected, rtol=1e-9)
    most = 2 + sum(row.free) + (row.name == "cbrt")  # which sympy writes with its argument twice
    assert len(parametrize(exprs[0], lambda base: False)[1]) <= most


@pytest.mark.parametrize(
    ("name", "params", "mean", "scale"),
    [("exp", (30.0, 0.0, 1.0, 0.0), 1e4, 1.0), ("x^2", (0.0, 1.0, 1.0, 0.0), 1.0, 2.0)],
)
def test_where_one_constant_cannot_stand_for_another_all_stay(name, params, mean, scale):
    a, b, c, d = params
    assert rescale(primitive(name), params, mean, scale) == (a / scale, b - a * mean / scale, c, d)


@pytest.mark.parametrize(("mean", "scale"), [(13.248387, 3.138139), (-0.1, 0.3), (1e6, 7.0), (4.7e-9, 1.3e-9)])
@pytest.mark.parametrize("name", ["x", "sin", "tanh"])
def test_units_there_and_back_leave_no_round_off(name, mean, scale):
    function, params = primitive(name), (1.0, 0.0, 2.5, 0.0)
    inside = rescale(function, params, -mean / scale, 1 / scale)
    a, b, c, d = rescale(function, inside, mean, scale)
    assert (a, b) == (1, 0)
    assert (c, d) == pytest.approx((2.5, 0), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize(("name", "params"), [("x", (1.0, 0.0, -8e-4, -0.29)), ("x^2", (1.0, 0.3, 2.0, 1.0))])
def test_units_far_from_one_cost_no_digits(name, params):
    mean, scale = 3.4e10, 8.6e11
    numbers = torch.linspace(-1, 1, 9, dtype=torch.float64)
    a, b, c, d = params
    expected = c * primitive(name).fn(a * numbers + b) + d
    a, b, c, d = rescale(primitive(name), params, mean, scale)
    torch.testing.assert_close(
        c * primitive(name).fn(a * (mean + scale * numbers) + b) + d, expected, rtol=1e-12, atol=1e-12
    )


def test_factors_beyond_the_floats_move_into_a_power():
    network = make_network([1, 1, 1])
    network.layer(0).set_symbol(0, 0, "log", (1.0, 35256.0, -111.7, 1166.0))
    network.layer(1).set_symbol(0, 0, "exp", (1.0, 0.0, 3.0, 0.0))
    for layer in (network.layer(0), network.layer(1)):
        layer.spline_on[:] = False
    x = torch.linspace(250, 350, 20, dtype=torch.float64)[:, None]
    expr, variables = formula(network), symbolic_formula(network)[1]
    found = to_numpy(expr, variables)(x.numpy())
    np.testing.assert_allclose(found, network(x).detach().numpy()[:, 0], rtol=1e-10)


def test_several_outputs_have_a_formula_each():
    assert [str(part) for part in formula(make_network([1, 2]), ["t"])] == ["phi_0_0_0(t)", "phi_0_0_1(t)"]


def test_lambdify_with_the_numeric_functions():
    network = make_network([3, [1, 1], 1])
    exprs, variables = symbolic_formula(network)
    call = sympy.lambdify(variables, exprs[0], modules=[numeric_functions(network), "numpy"])
    np.testing.assert_allclose(call(*X.numpy().T), network(X).detach().numpy()[:, 0], atol=1e-12)


def test_numeric_functions_are_differentiable():
    network = make_network([1, 1])
    x = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64, requires_grad=True)
    (f,) = numeric_functions(network).values()
    (slope,) = torch.autograd.grad(f(x).sum(), x)
    torch.testing.assert_close(slope, network.layer(0).edges(x.detach()[:, None], 1)[:, 0, 0])


def test_own_primitives_in_formulas(registered):
    registered("os.system('x')", lambda u: torch.sin(u) ** 3)
    network = make_network([1, 1])
    fix_symbolic(network, 0, 0, 0, "os.system('x')", X[:, :1], params=(2, 1, 3, 0))
    assert difference(network, X[:, :1]) < 1e-12


def test_simplify_and_round():
    network = make_network([1, 1, 1])
    x = X[:, :1]
    fix_symbolic(network, 0, 0, 0, "x^2", x, params=(1, 0.5, 1.23456, 0))
    fix_symbolic(network, 1, 0, 0, "x", x, params=(1, 0, 1, -0.30864))
    (expr,), (x1,) = symbolic_formula(network, simplify=True)
    assert sympy.simplify(expr - 1.23456 * (x1 + 0.5) ** 2 + 0.30864) == pytest.approx(0, abs=1e-12)
    assert formula(network, round=2) == 1.2 * (x1 + 0.5) ** 2 - 0.31


def test_simplification_has_an_end(monkeypatch):
    # A clock that goes on by a second whenever it is looked at.
    looks = itertools.count()
    monkeypatch.setattr(
        sys.modules["kanwidget.symbolic.formulas.deadlines"], "time", SimpleNamespace(monotonic=lambda: next(looks))
    )
    x = sympy.Symbol("x")
    hard = sum(sympy.sin(k * x + sympy.sqrt(k)) ** k / (1 + sympy.cos(x) ** k) for k in range(2, 15))
    before = sys.getprofile()
    assert simplify_within(hard, 200) is hard
    # The start, 200 looks in time, and those that are too late, until a function of sympy may be broken off.
    assert 202 <= next(looks) < 500
    assert sys.getprofile() is before
    assert simplify_within(x + x - x, 1e9) == x
    with pytest.raises(ValueError, match="simplify"):
        formula(make_network([1, 1]), simplify=-1)


def test_to_numpy_needs_what_it_uses():
    network = make_network([2, 1])
    exprs, variables = symbolic_formula(network)
    with pytest.raises(ValueError, match="Pass the network"):
        to_numpy(exprs, variables)(np.zeros((3, 2)))
    with pytest.raises(ValueError, match="array of shape"):
        to_numpy(exprs, variables, network)(np.zeros((3, 5)))
    with pytest.raises(ValueError, match="x_2"):
        to_numpy(exprs[0], variables[:1], network)(np.zeros((3, 1)))


def test_to_numpy_of_other_expressions():
    x, y = sympy.symbols("x y")
    points = np.array([[-8.0, 2.0], [0.5, 3.0], [2.0, -1.0]])
    a, b = points.T
    expr = sympy.Piecewise((x**2, x < 0), (sympy.Max(x, y), (x < 1) | (y > 5)), (sympy.pi, True))
    np.testing.assert_allclose(
        to_numpy(expr, [x, y])(points), np.where(a < 0, a**2, np.where(a < 1, np.maximum(a, b), np.pi))
    )
    np.testing.assert_allclose(to_numpy(sympy.cbrt(x) * y**3 + sympy.E, [x, y])(points), np.cbrt(a) * b**3 + np.e)
    np.testing.assert_allclose(to_numpy([sympy.Integer(2), x**y], [x, y])(np.array([[2.0, 3.0]])), [[2, 8]])


@pytest.mark.parametrize("call", [formula, symbolic_formula])
def test_a_wrong_number_of_decimals_names_the_function_that_was_called(call):
    with pytest.raises(ValueError, match=f"the `round` argument of {call.__name__} must be an integer ≥ 1; got -1"):
        call(make_network([1, 1]), round=-1)


def test_rounding_keeps_what_predictions_need():
    """Decimals would make 0.001 of 8.98e-4, and predictions 2.8 times too large."""
    d = sympy.Symbol("d")
    model = KAN.from_formula(sympy.exp(2e4 * (d - 8.98123e-4)), [d])
    x = torch.linspace(8.5e-4, 9.5e-4, 50, dtype=torch.float64)[:, None]
    model.reference = x
    short = model.formula(round=3)
    expected = torch.exp(2e4 * (x[:, 0] - 8.98123e-4))
    found = torch.from_numpy(to_numpy(short, [sympy.Symbol("x_1")])(x.numpy()))
    assert float((found - expected).abs().max()) <= 1e-3 * float(expected.std())


def test_rounding_takes_round_off_away_and_has_the_names_of_the_table():
    a, b = sympy.symbols("a b")
    model = KAN.from_formula(1.23456 * a + 3e-14 * b + 7e-15, [a, b])
    data = Dataset(
        torch.rand(40, 2, dtype=torch.float64), torch.rand(40, 1, dtype=torch.float64), in_vars=["mass", "speed"]
    )
    model.in_vars, model.reference = data.in_vars, data.train_input
    assert str(model.formula(round=3)) == "1.2346*mass"  # 1.23 and 1.235 are off by more than a thousandth
    assert str(model.formula(["u", "v"], round=5)) == "1.2346*u"
