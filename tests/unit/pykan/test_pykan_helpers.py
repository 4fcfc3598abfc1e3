"""pykan's functions beside its class: against what they stand for."""

import numpy as np
import pytest
import sympy
import torch

from kanwidget.pykan import (
    KAN,
    LBFGS,
    SYMBOLIC_LIB,
    add_symbolic,
    augment_input,
    batch_hessian,
    batch_jacobian,
    create_dataset_from_data,
    ex_round,
    get_derivative,
    model2param,
)
from kanwidget.pykan.compiler import kanpiler
from kanwidget.pykan.feynman import get_feynman_dataset
from kanwidget.pykan.hypothesis import (
    detect_separability,
    plot_tree,
)
from kanwidget.pykan.hypothesis import (
    test_general_separability as acts_by_groups,
)
from kanwidget.pykan.hypothesis import (
    test_separability as divides,
)
from kanwidget.pykan.hypothesis import (
    test_symmetry as acts_as_one,
)
from kanwidget.pykan.hypothesis import (
    test_symmetry_var as cosines_of,
)
from kanwidget.pykan.MLP import MLP
from kanwidget.pykan.spline import B_batch, coef2curve, curve2coef, extend_grid

pytestmark = pytest.mark.filterwarnings("ignore::kanwidget.pykan.PykanDifference")


@pytest.fixture
def x():
    return torch.rand(60, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1


# ---- data


def test_rows_are_divided_without_loss():
    x = torch.arange(20.0)[:, None]
    data = create_dataset_from_data(x, 2 * x, 0.7, seed=1)
    assert len(data["train_input"]) == 14
    assert torch.equal(torch.cat([data["train_input"], data["test_input"]]).sort(0).values, x)
    assert all(torch.equal(data[f"{part}_label"], 2 * data[f"{part}_input"]) for part in ("train", "test"))


def test_numpys_global_seed_decides_as_there():
    x = torch.rand(30, 2)
    np.random.seed(5)  # noqa: NPY002 - as notebooks of pykan do
    one = create_dataset_from_data(x, x)
    np.random.seed(5)  # noqa: NPY002 - as notebooks of pykan do
    expected = np.random.choice(30, 24, replace=False)  # noqa: NPY002
    assert torch.equal(one["train_input"], x[expected])


@pytest.mark.parametrize(("labels", "ratio"), [(3, 0.5), (4, 0.0), (4, 1.0)])
def test_a_division_that_cannot_be_is_refused(labels, ratio):
    with pytest.raises(ValueError, match="create_dataset_from_data needs"):
        create_dataset_from_data(torch.zeros(4, 1), torch.zeros(labels, 1), ratio)


def test_further_columns_come_first_and_the_data_stay():
    a, b = sympy.symbols("a b")
    data = {"train_input": torch.tensor([[3.0, 4.0]]), "train_label": torch.zeros(1, 1)}
    wider = augment_input((a, b), (b / a, sympy.sqrt(a**2 + b**2)), data)
    assert wider["train_input"].tolist() == [[pytest.approx(4 / 3), 5.0, 3.0, 4.0]]
    assert data["train_input"].shape == (1, 2)


@pytest.mark.parametrize("number", [1, 36, 110])
def test_an_equation_and_its_function_agree(number):
    symbols, formula, f, ranges = get_feynman_dataset(number)
    low, high = torch.tensor(ranges, dtype=torch.float64).unbind(1)
    x = low + (high - low) * torch.rand(
        5, len(symbols), dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    exact = [float(formula.subs(dict(zip(symbols, row, strict=True)))) for row in x.tolist()]
    assert f(x)[:, 0].tolist() == pytest.approx(exact, rel=1e-9)


# ---- derivatives


def test_derivatives_row_by_row(x):
    f = lambda x: torch.sin(x[:, [0]]) * x[:, [1]]  # noqa: E731
    expected = torch.stack([torch.cos(x[:, 0]) * x[:, 1], torch.sin(x[:, 0])], 1)
    assert torch.allclose(batch_jacobian(f, x[:, :2]), expected, atol=1e-6)
    assert torch.allclose(batch_hessian(f, x[:, :2])[:, 0, 1], torch.cos(x[:, 0]), atol=1e-6)
    vector = batch_jacobian(lambda x: torch.cat([f(x), x[:, [0]]], 1), x[:, :2], mode="vector")
    assert vector.shape == (60, 2, 2)
    with pytest.raises(ValueError, match="'scalar' or 'vector'"):
        batch_jacobian(f, x, mode="all")


@pytest.mark.parametrize("model", [KAN([1, 2, 1], seed=1), MLP([1, 2, 1])], ids=["KAN", "MLP"])
def test_the_hessian_of_a_loss(model):
    x = torch.linspace(-1, 1, 20)[:, None]
    hessian = get_derivative(model, x, x**2)
    assert hessian.shape[0] == 1
    assert torch.allclose(hessian[0], hessian[0].T, atol=1e-4)
    assert get_derivative(model, x, x**2, "jacobian").shape == (1, hessian.shape[1])
    if isinstance(model, MLP):
        assert hessian.shape[1] == len(model2param(model))


def test_an_own_loop_with_lbfgs_and_grids():
    model = KAN([1, 1], grid=5)
    x = torch.linspace(-2, 2, 50)[:, None]
    optimizer = LBFGS(model.parameters(), lr=1, history_size=10, line_search_fn="strong_wolfe", tolerance_ys=1e-32)

    def closure():
        optimizer.zero_grad()
        loss = (model(x) - torch.sin(x)).square().mean()
        loss.backward()
        return loss

    model.update_grid_from_samples(x)
    for _ in range(5):
        loss = optimizer.step(closure)
    assert loss.item() < 1e-4


# ---- splines and functions


def test_lbfgs_takes_what_torchs_takes():
    given = {
        "lr": 0.5,
        "max_iter": 7,
        "max_eval": 9,
        "tolerance_grad": 1e-3,
        "tolerance_change": 1e-4,
        "history_size": 3,
    }
    (group,) = LBFGS([torch.zeros(1, requires_grad=True)], **given, line_search_fn="strong_wolfe").param_groups
    assert {name: group[name] for name in given} == given
    assert group["line_search_fn"] == "strong_wolfe"


def test_splines_are_the_networks_own():
    grid = extend_grid(torch.linspace(-1, 1, 6, dtype=torch.float64)[None], 3)
    x = torch.linspace(-1, 1, 40, dtype=torch.float64)[:, None]
    assert torch.allclose(B_batch(x, grid, 3).sum(-1), torch.ones(40, 1, dtype=torch.float64))
    curve = torch.sin(3 * x)[..., None]
    assert torch.allclose(coef2curve(x, grid, curve2coef(x, curve, grid, 3), 3), curve, atol=1e-2)


def test_least_squares_without_points_in_a_part_of_the_grid():
    grid = extend_grid(torch.linspace(-1, 1, 11)[None], 3)
    x = torch.linspace(-1, 0, 30)[:, None]
    assert bool(curve2coef(x, x[..., None], grid, 3).isfinite().all())


def test_the_library_by_pykans_names():
    assert {"x", "x^2", "1/x", "sqrt", "sin", "tanh", "gaussian"} <= set(SYMBOLIC_LIB.keys())
    function, in_sympy, complexity, _ = SYMBOLIC_LIB["x^3"]
    u = sympy.Symbol("u")
    assert float(function(torch.tensor(2.0))) == 8.0
    assert in_sympy(u) == u**3
    assert complexity == 3
    assert "nothing of the kind" not in SYMBOLIC_LIB


def test_a_function_without_derivatives_in_torch(registered):
    registered("bessel_y0_pykan", torch.sin)  # which is replaced, and forgotten after the test
    add_symbolic("bessel_y0_pykan", torch.special.bessel_y0, c=2)
    function = SYMBOLIC_LIB["bessel_y0_pykan"][0]
    x = torch.tensor([1.0, 3.0, 4.0], requires_grad=True)
    (first,) = torch.autograd.grad(function(x).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    exact = -torch.special.bessel_y1(x.detach())
    assert torch.allclose(first.detach(), exact, atol=1e-5)
    # Bessel's equation: y'' = -y'/x - y
    assert torch.allclose(second, (-exact / x - torch.special.bessel_y0(x)).detach(), atol=1e-3)
    model = KAN([1, 1])
    model.fix_symbolic(0, 0, 0, "bessel_y0_pykan", fit_params_bool=False)
    inner = torch.tensor([[2.0]], requires_grad=True)
    assert torch.allclose(batch_jacobian(model, inner), -torch.special.bessel_y1(inner), atol=1e-4)


def test_a_module_with_a_network_inside_is_taken_as_it_is(x):
    class Product(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = torch.nn.Linear(3, 1).double()

        def forward(self, x):
            return torch.exp(self.network(x)) * x[:, [0]]

    assert detect_separability(Product(), x[:, :3])["groups"] == [[0, 1, 2]]


def test_a_function_that_came_with_kanwidget_stays():
    before = SYMBOLIC_LIB["J0"][0]
    add_symbolic("J0", torch.special.bessel_j0)
    assert SYMBOLIC_LIB["J0"][0] is before


def test_a_compiled_formula_is_exact_and_can_grow():
    a, b = sympy.symbols("a b")
    model = kanpiler([a, b], sympy.exp(sympy.sin(a) + b**2))
    x = torch.rand(10, 2)
    expected = torch.exp(torch.sin(x[:, [0]]) + x[:, [1]] ** 2)
    assert torch.allclose(model(x), expected, rtol=1e-5)
    model.expand_depth()
    model.expand_width(1, 2)
    assert torch.allclose(model(x), expected, rtol=1e-5)
    model.perturb(mag=0.1, mode="all")
    assert not torch.allclose(model(x), expected, rtol=1e-5)
    assert ex_round(1.23456 * a, 2) == 1.23 * a


# ---- structure


def test_separability(x, capsys):
    f = lambda x: x[:, [0]] * x[:, [1]] + x[:, [2]] * x[:, [3]] + x[:, [4]] * x[:, [5]]  # noqa: E731
    assert detect_separability(f, x)["groups"] == [[0, 1], [2, 3], [4, 5]]
    assert "add separability detected" in capsys.readouterr().out
    assert divides(f, x, [[0, 1], [2, 3], [4, 5]])
    assert divides(f, x, [[0, 1, 2, 3], [4, 5]])
    assert not divides(f, x, [[0, 2], [1, 3], [4, 5]])
    assert not divides(f, x, [[0, 1], [2, 3], [4, 5]], "mul")


def test_symmetry(x):
    f = lambda x: torch.sin((x[:, [0]] + x[:, [1]]) * (x[:, [2]] + x[:, [3]]) * (x[:, [4]] + x[:, [5]]))  # noqa: E731
    assert acts_by_groups(f, x, [[0, 1], [2, 3], [4, 5]])
    assert acts_as_one(f, x, [0, 1])
    assert not acts_as_one(f, x, [0, 2])


def test_cosines():
    a, b, c = sympy.symbols("a b c")
    x = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)) + 0.5
    f = lambda x: x[:, [0]] * torch.sqrt(1 + (x[:, [1]] / x[:, [2]]) ** 2)  # noqa: E731
    assert float(cosines_of(f, x, [a, b, c], b / c).min()) > 0.999
    assert float(cosines_of(f, x, [a, b, c], b * c).median()) < 0.9


def test_a_tree_is_pyplots_current_figure(x):
    import matplotlib.pyplot as plt

    plt.close("all")
    plot_tree(lambda x: x[:, [0]] + x[:, [1]] ** 2, x[:, :2])
    assert len(plt.get_fignums()) == 1
    plt.close("all")


# ---- MLP


def test_a_perceptron_trains_with_each_penalty():
    x = torch.rand(60, 2, generator=torch.Generator().manual_seed(0))
    data = {"train_input": x, "train_label": x[:, [0]], "test_input": x, "test_label": x[:, [0]]}
    for measure in ("w", "act", "fa", "a"):
        results = MLP([2, 4, 1], seed=1).fit(data, steps=3, lamb=1e-4, reg_metric=measure)
        assert results["train_loss"][-1] < 0.1  # 0.29 for a constant
        assert results["reg"][-1] > 0


def test_a_perceptron_leaves_the_global_random_state_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    MLP([2, 3, 1], seed=9)
    assert torch.equal(torch.rand(2), expected)


def test_pictures_of_a_perceptron():
    import matplotlib.pyplot as plt

    model = MLP([2, 4, 1])
    with pytest.raises(ValueError, match="get_act"):
        model.plot(metric="act")
    plt.close("all")
    model(torch.rand(5, 2))
    for metric in ("w", "act", "fa"):
        model.plot(metric=metric)
    assert len(plt.get_fignums()) == 3
    plt.close("all")
