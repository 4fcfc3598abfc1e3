"""`fit_formula`: the formula with as few constants as the data need, each with its standard error."""

import re

import pytest
import sympy
import torch

from kanwidget import KAN, Dataset, create_dataset, load_planets, load_trees
from kanwidget.symbolic import fit_formula, refit, to_numpy
from kanwidget.symbolic.formulas.fitted import FittedFormula

LINES = torch.linspace(0, 1, 30, dtype=torch.float64)[:, None]


def noise(rows, size, seed=0):
    return size * torch.randn(rows, 1, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fixed(width, data, name, params):
    model = KAN(width)
    for edge in model.edge_refs():
        model.fix_symbolic(*edge, name, data=data, params=params)
    return model


def test_constants_have_the_standard_errors_of_refit_and_needless_ones_go():
    data = Dataset(LINES, 2.34 * LINES + noise(30, 0.05), in_vars=["t"], out_vars=["way"])
    model = fixed([1, 1], data, "x", (1.0, 0.0, 2.0, 0.3))
    before = {name: repr(value) for name, value in model.state_dict().items()}
    found = model.fit_formula(data)
    (t,) = found.variables
    _, errors = refit(2.0 * t, [t], data.train_input, data.train_label)
    ((value, error),) = errors.values()
    assert found.constants[found.expression.coeff(t)] == pytest.approx((value, error))
    assert repr(found) == f"way = {value:.3f}*t\nconstants {value:.2f} ± {error:.2f}"
    assert {name: repr(value) for name, value in model.state_dict().items()} == before


def test_constants_that_the_data_do_not_need_vanish():
    data = load_planets()
    model = KAN([1, 1], grid=3)
    model.fit(data, steps=20, progress=False)
    model.fix_symbolic(0, 0, 0, "x^1.5")
    model.fit(data, steps=20, progress=False)
    found = model.fit_formula(data)
    assert repr(found) == "period = axis**(3/2)"
    assert found.constants == {}
    assert found.determined


def test_it_says_what_there_is_to_know_in_the_order_in_which_it_is_read():
    trees = load_trees()
    logs = Dataset(trees.train_input.log(), trees.train_label.log(), in_vars=["g", "h"], out_vars=["v"])
    model = KAN([2, 1], base_fun="zero")
    model.fit(logs, progress=False)
    model.auto_symbolic()
    told = repr(model.fit_formula(logs))
    assert re.fullmatch(
        r"v = 1\.98\d\*g \+ 1\.11\d\*h - 6\.63\d\nconstants 1\.98 ± 0\.08, 1\.1 ± 0\.2, -6\.6 ± 0\.8", told
    )


def standardizable():
    """3·a² - 40·√b with noise, far from 0."""
    x = 20 + 10 * torch.rand(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    y = 3.3 * x[:, [0]] ** 2 - 41.7 * x[:, [1]].sqrt() + noise(60, 0.5)
    return Dataset(x, y, in_vars=["a", "b"], out_vars=["z"])


@pytest.mark.slow
@pytest.mark.parametrize("names", [("x^2", "sqrt"), ("x^2", "exp"), ("x^3", "x")])
def test_a_formula_of_standardized_data_is_in_their_own_units(names):
    data = standardizable()
    found = []
    for given in (data, data.standardize()):
        model = KAN([2, 1], base_fun="zero")
        model.fit(given, steps=20, progress=False)
        for source, name in enumerate(names):
            model.fix_symbolic(0, source, 0, name)
        model.fit(given, steps=20, progress=False)
        found.append(model.fit_formula(given))
    ours, expected = found[1], found[0]
    assert repr(ours).splitlines()[0] == repr(expected).splitlines()[0]
    pairs = zip(sorted(ours.constants.values()), sorted(expected.constants.values()), strict=True)
    assert all(one == pytest.approx(other, rel=1e-3) for one, other in pairs)
    assert all(error < abs(value) for value, error in ours.constants.values())


@pytest.mark.slow
def test_curves_of_standardized_data_are_those_of_the_network():
    data = standardizable().standardize()
    model = KAN([2, 2, 1])
    model.fit(data, steps=20, progress=False, evidence=False)  # all five are curves
    model.fix_symbolic(0, 0, 0, "x^2")
    found = model.fit_formula(data)
    x, y = standardizable().train_input, standardizable().train_label[:, 0]
    learnt = model.predict(data)[:, 0] * data.label_scale + data.label_mean
    said = torch.as_tensor(to_numpy(found.expression, found.variables, model)(x.numpy()))
    assert (said - y).std() <= (learnt - y).std() < 0.1 * y.std()
    assert len(found.curves) == 5


def test_small_constants_and_parts_of_others_are_found_where_they_are_read():
    x, y = sympy.symbols("x y")
    small, part, large = map(sympy.Float, (1.23e-5, 0.3, 10.3))
    constants = {part: (0.3, 0.1), small: (1.23e-5, 1e-7), large: (10.3, 0.1)}
    told = repr(FittedFormula("z", large * x - small * y + part, [x, y], constants))
    assert told == "z = 10.3*x - 1.23e-5*y + 0.3\nconstants 10.3 ± 0.1, (1.23 ± 0.01)e-05, 0.3 ± 0.1"


def test_a_formula_that_is_one_constant_has_four_digits_too():
    constant = sympy.Float(3.21234)
    assert repr(FittedFormula("y", constant, [], {constant: (3.21234, 0.01)})) == "y = 3.212\nconstants 3.21 ± 0.01"


def test_names_that_do_not_fit_are_told_by_the_name_that_was_called():
    for names in (["a", "b"], "ab", [""], [3]):
        with pytest.raises((ValueError, TypeError), match="`var` argument of fit_formula must be"):
            KAN([1, 1]).fit_formula((LINES, LINES), names)


def test_constants_that_the_data_do_not_determine_are_said_once_in_words():
    x = sympy.Symbol("x")
    numbers = [sympy.Float(value) for value in (1.7, -0.0001, 5673.1)]
    errors = [0.1, 1000.0, float("inf")]
    constants = {number: (float(number), error) for number, error in zip(numbers, errors, strict=True)}
    found = FittedFormula("y", numbers[0] * x + numbers[1] * x**2 + numbers[2] * sympy.exp(x), [x], constants)
    assert not found.determined
    first, *lines = repr(found).splitlines()
    assert first.startswith("y = ")
    assert lines == [
        "constants 1.7 ± 0.1",
        "not determined by these data: 2 of 3 constants have errors larger than themselves",
    ]


@pytest.mark.slow
def test_a_needless_depth_goes():
    data = create_dataset(lambda x: x[:, [0]], n_var=2, train_num=50, test_num=0)
    found = fixed([2, 2, 1], data, "tanh", (0.7, 0.1, 0.3, 0.1)).fit_formula(data)
    assert found.expression == found.variables[0]
    assert found.constants == {}


def test_curves_that_stay_are_named():
    data = Dataset(LINES, torch.sin(9 * LINES))
    model = KAN([1, 1], grid=5)
    model.fit(data, progress=False)
    found = fit_formula(model, data, ["t"])
    assert "y = f(t)\nwhere f is a curve" in repr(found)
    assert found.curves == ("phi_0_0_0",)


def test_as_many_constants_as_rows():
    data = Dataset([[0.0], [1.0]], [1.23, 3.47])
    found = fixed([1, 1], data, "x", (1.0, 0.0, 2.0, 0.3)).fit_formula(data)
    assert found.saturated
    assert "as many constants as rows" in repr(found)
    assert "±" not in repr(found)


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        (KAN([1, 2]), (LINES, LINES), "`data` argument of fit_formula must be data with 2 label columns"),
        (KAN([1, 1]), (LINES, LINES.repeat(1, 2)), "`data` argument of fit_formula must be data with 1 label column,"),
        (KAN([1, 1]), (LINES, torch.arange(30) % 2), "`data` argument of fit_formula must be data with at least two"),
        (KAN([2, 1]), (LINES, LINES), "`data` argument of fit_formula must be data with 2 input columns"),
    ],
)
def test_what_has_no_such_formula(model, data, message):
    with pytest.raises(ValueError, match=message):
        model.fit_formula(data)


def test_weights_of_rows_count_as_in_scipy_and_rows_without_weight_do_not():
    weight = torch.linspace(1, 9, 30, dtype=torch.float64)
    weight[3] = 0.0
    way = 2.34 * LINES + noise(30, 0.05) / weight.clamp(min=1).sqrt()[:, None]
    way[3] += 40.0  # an outlier, of weight 0
    data = Dataset(LINES, way, in_vars=["t"], out_vars=["way"], train_weight=weight)
    found = fixed([1, 1], data, "x", (1.0, 0.0, 2.0, 0.3)).fit_formula(data)
    (t,) = found.variables
    rows = weight > 0
    x, y, w = (values[rows].flatten().numpy() for values in (LINES, way, weight))
    value = (w * x * y).sum() / (w * x * x).sum()
    variance = (w * (y - value * x) ** 2).sum() / (len(x) - 1)
    assert found.constants[found.expression.coeff(t)] == pytest.approx((value, (variance / (w * x * x).sum()) ** 0.5))
    assert found.error == pytest.approx(((w * (y - value * x) ** 2).sum() / w.sum()) ** 0.5)
    assert "weighted" not in repr(found)  # they are not those of a noise that grows with the value
