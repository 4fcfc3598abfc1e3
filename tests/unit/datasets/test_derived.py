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
