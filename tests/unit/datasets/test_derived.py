import math

import pytest
import sympy
import torch

from kanwidget.datasets import Dataset, create_dataset, with_columns

SPEEDS = Dataset(
    [[3.0, 4.0], [1.0, 2.0]],
    [5.0, 0.5],
    test_input=[[2.0, 8.0]],
    test_label=[1.0],
    in_vars=("v", "c"),
    out_vars=("m",),
    train_weight=[1.0, 2.0],
)


def test_every_part_gets_the_column_and_the_rest_stays():
    wider = with_columns(SPEEDS, beta="v/c")
    assert wider.in_vars == ("v", "c", "beta")
    assert wider.train_input.tolist() == [[3.0, 4.0, 0.75], [1.0, 2.0, 0.5]]
    assert wider.test_input.tolist() == [[2.0, 8.0, 0.25]]
    assert wider.out_vars == ("m",)
    assert torch.equal(wider.train_weight, SPEEDS.train_weight)
    assert torch.equal(wider.train_label, SPEEDS.train_label)
    assert SPEEDS.in_vars == ("v", "c")


def test_a_later_formula_uses_an_earlier_column():
    wider = with_columns(SPEEDS, {"v/c": "v/c"}, gamma="1/sqrt(1 - v**2/c**2)", half="gamma/2")
    assert wider.in_vars == ("v", "c", "v/c", "gamma", "half")
    assert torch.allclose(wider.train_input[:, 3], (1 - wider.train_input[:, 2] ** 2) ** -0.5)
    assert torch.equal(wider.train_input[:, 4] * 2, wider.train_input[:, 3])


def test_expressions_and_numbered_columns():
    x_1, x_2 = sympy.symbols("x_1 x_2")
    data = create_dataset(lambda x: x[:, [0]], train_num=5, test_num=2)
    wider = with_columns(data, d=sympy.exp(x_1 - x_2), one="1")
    assert torch.equal(wider.train_input[:, 2], torch.exp(data.train_input[:, 0] - data.train_input[:, 1]))
    assert wider.train_input[:, 3].eq(1).all()
    assert wider.has_names


def test_symbols_lead_back_to_what_was_measured():
    v, c, beta, m_0 = sympy.symbols("v c beta m_0")
    columns = {beta: v / c}
    assert with_columns(SPEEDS, columns).in_vars == ("v", "c", "beta")
    assert (m_0 / sympy.sqrt(1 - beta**2)).subs(columns) == m_0 / sympy.sqrt(1 - v**2 / c**2)


def test_symbols_may_have_units_and_any_names():
    data = Dataset([[3.0, 4.0, 7.0], [1.0, 2.0, 9.0]], [5.0, 0.5], in_vars=("speed (m/s)", "lambda", "pi"))
    v, lam, pi = map(sympy.Symbol, data.in_vars)
    wider = with_columns(data, {sympy.Symbol("v/lambda [Hz]"): v / lam, "area": sympy.pi * lam**2, "double": 2 * pi})
    assert wider.in_vars[3:] == ("v/lambda [Hz]", "area", "double")
    assert wider.train_input[:, 3].tolist() == [0.75, 0.5]
    assert torch.allclose(wider.train_input[:, 4], torch.pi * data.train_input[:, 1] ** 2)
    assert wider.train_input[:, 5].tolist() == [14.0, 18.0]
    hyphen = Dataset([[3.0, 4.0, 7.0]], [5.0], in_vars=("a", "b", "a-b"))
    assert with_columns(hyphen, d=2 * sympy.Symbol("a-b")).train_input[0, 3] == 14


def test_e_is_a_number_and_blanks_around_a_formula_do_no_harm():
    wider = with_columns(SPEEDS, {"e": sympy.E * sympy.Symbol("v"), "beta": " v/c "})
    assert wider.train_input[1].tolist() == pytest.approx([1.0, 2.0, math.e, 0.5])


def test_a_column_may_have_the_name_of_a_function():
    data = Dataset([[3.0], [1.0]], [5.0, 0.5], in_vars=("exp",))
    assert with_columns(data, a="exp(2*exp)/2").train_input[:, 1].tolist() == [math.exp(6) / 2, math.exp(2) / 2]


def test_nothing_to_add():
    assert with_columns(SPEEDS).in_vars == SPEEDS.in_vars


def test_float32_stays_float32():
    assert with_columns(SPEEDS.to(torch.float32), beta="v/c").train_input.dtype == torch.float32


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"v": "c"}, "`v` argument of with_columns must be a new name; .*The columns are v, c"),
        ({"b": "v/"}, "`b` argument of with_columns must be a formula; got 'v/'.*sqrt"),
        ({"b": "__import__('os')"}, "must be a formula"),
        ({"b": "v/C"}, "must be one of the columns 'v', 'c'; got 'C'. Did you mean 'c'"),
        ({"b": "1/(v - 3)"}, "finite in row 0 of train_input; got inf.*division by 0"),
        ({"b": "log(v - 2)"}, "finite in row 1 of train_input; got nan"),
        ({"b": "sqrt(v - 2.5)"}, "finite in row 1 of train_input"),
        ({"b": "v + 1/0"}, "finite in row 0 of train_input"),
        ({"b": "sqrt(-1)"}, "finite in row 0 of train_input"),
        ({"b": "(-8)**(1/3)"}, "finite in row 0 of train_input"),
        ({"b": "10.0**400"}, "finite in row 0 of train_input"),
        ({"b": "9" * 400}, "must be a formula"),
        ({"b": "sin*v"}, "must be one of the columns 'v', 'c'; got 'sin'"),
        ({"b": sympy.Symbol("v [m/s]")}, r"must be one of the columns 'v', 'c'; got 'v \[m/s\]'"),
        ({"b": sympy.Abs(sympy.Symbol("v"))}, r"must be a formula; got Abs\(v\)"),
        ({"pi": "v", "a": "v/c", "b": "pi*c"}, "a formula without 'pi', a number and a column"),
    ],
)
def test_what_is_refused(columns, message):
    with pytest.raises(ValueError, match=message):
        with_columns(SPEEDS, columns)


@pytest.mark.parametrize("columns", [{"b": 3.0}, {"b": lambda v: v}, {1: "v"}, ["v/c"]])
def test_what_is_no_formula(columns):
    with pytest.raises(TypeError, match="with_columns must be"):
        with_columns(SPEEDS, columns)


def test_scaled_numbers_have_lost_their_units():
    with pytest.raises(
        ValueError, match=r"in its own units; got 'standardized data'. Add columns before standardize\(\)"
    ):
        with_columns(SPEEDS.standardize(), beta="v/c")
