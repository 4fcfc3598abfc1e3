"""The formula bar and the report write formulas for people."""

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.describe import formula as formulas
from kanwidget.explorer.session.session import Session


def session(scale=1.0):
    x = scale * torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None].expand(-1, 2)
    data = Dataset(x, x[:, [0]])
    model = KAN([2, 1, 1])
    model.fix_symbolic(0, 0, 0, "sin", data=data, params=(3.142, -4e-17, 1 + 2e-16, 0))
    model.fix_symbolic(0, 1, 0, "x^2", data=data, params=(1, 3e-17, 1 - 1e-16, 2e-17))
    model.fix_symbolic(1, 0, 0, "exp", data=data, params=(1, 0, 1.00002, -1e-16))
    return Session(model, data)


def test_round_off_is_not_shown():
    told = formulas.formula(session())
    assert told["text"] == "y = exp(sin(3.142*x_1) + x_2^2)"
    assert told["latex"] == r"y = e^{\sin\left(3.142 \, x_{1}\right) + x_{2}^{2}}"
    assert "return 1.00002*np.exp(np.sin(3.142*x_1) + x_2**2)" in told["python"]
    assert "10" not in str(told["outputs"])


def test_it_is_round_off_only_beside_large_numbers():
    told = formulas.formula(session(1e-16))
    assert "(x_2 + 3e-17)^2" in told["text"]


def test_the_exact_formula_stays():
    assert "e-17" in str(session().model.formula())


def test_of_standardized_columns_it_is_written_in_their_own_units():
    draw = torch.Generator().manual_seed(0)
    x = torch.rand(200, 2, generator=draw, dtype=torch.float64) * torch.tensor([2.0, 80.0]) + torch.tensor([1.0, 280.0])
    y = 3 + x[:, [0]] ** 2 + torch.sin(x[:, [1]] / 20)
    data = Dataset.from_arrays(x, y, standardize=True, in_vars=("mass", "temperature"), out_vars=("rate",))
    with KANExplorer(KAN([2, 1], seed=0), data, driver="blocking") as explorer:
        explorer.fit(30)
        explorer.fix("x^2", edge=(0, 0, 0))
        explorer.fix("sin", edge=(0, 1, 0))
        explorer.fit(30)
        python = formulas.formula(explorer._session)["python"]
        (mean, scale) = data.input_scaler
        rows = data.test_input * scale + mean
        exact, predicted = explorer.formula, explorer.model.predict(rows)
    assert {symbol.name for symbol in exact.free_symbols} == {"mass", "temperature"}
    names = {}
    exec(python, names)
    told = torch.as_tensor(names["formula"](*rows.numpy().T))
    assert torch.allclose(told, predicted.flatten(), rtol=1e-6)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("x", "y"), ["x", "y"]),
        (("x", "x", "z"), ["x_1", "x_2", "z"]),
        (("x", "x", "x_1"), ["x_1_", "x_2", "x_1"]),
        (("x", "x", "x_1", "x_1"), ["x_1_", "x_2", "x_1_3", "x_1_4"]),
    ],
)
def test_columns_of_one_name_are_different_variables(names, expected):
    assert formulas.distinct(names) == expected
    x = torch.rand(30, len(names), dtype=torch.float64)
    with KANExplorer(KAN([len(names), 1]), Dataset(x, x[:, :1]), in_vars=list(names), driver="blocking") as explorer:
        assert formulas.formula(explorer._session)["text"]
        assert sorted(map(str, explorer.formula.free_symbols)) == sorted(expected)
