"""A network of a law: the law's values, the network's scales and columns."""

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.simplification.held_out import held_out
from kanwidget.simplification.laws import LawSearch
from kanwidget.simplification.simplify import simplify_steps

F64 = torch.float64
NAMES = ["T (K)", "dead", "p [Pa]", "v"]


def gas(noise=0.02, rows=200, seed=0):
    g = torch.Generator().manual_seed(seed)
    u = torch.rand(rows, 4, generator=g, dtype=F64)
    x = torch.tensor([260.0, 0.0, 6e4, 0.5]) + u * torch.tensor([80.0, 1.0, 8e4, 2.5])
    y = x[:, [2]] * x[:, [3]] / (8.314 * x[:, [0]])
    y = y * (1 + noise * torch.randn(rows, 1, generator=g, dtype=F64))
    return Dataset.from_arrays(x, y, in_vars=NAMES, out_vars=["n_dot"])


def trained(data, width=(4, 2, 1)):
    model = KAN(list(width), seed=1)
    model.fit(data, steps=15, progress=False)
    return model


def searched(model, data):
    """The search for a law after its first stage."""
    search = LawSearch(model, held_out(model, data, "test"))
    assert all(search.steps("first"))
    return search


@pytest.fixture(scope="module")
def found():
    """The law of a gas, with the network that was trained before the search, and the data."""
    data = gas()
    model = trained(data)
    return searched(model, data).best, model, data


@pytest.mark.slow
def test_the_network_computes_the_law(found):
    found, model, data = found
    x = data.test_input
    assert found.network.columns.tolist() == [0, 2, 3]
    truth = x[:, [2]] * x[:, [3]] / (8.314 * x[:, [0]])
    assert float((found.network(x) / truth - 1).detach().abs().max()) < 0.01
    assert found.network.input_scale.size.tolist() == model.input_scale.size.tolist()
    assert all(
        found.network.layer(r.layer).state(r.source, r.target) == "symbolic"
        for r in found.network.edge_refs(active=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "noise"), [(0, 0.01), (1, 0.05)])
def test_simplify_ends_in_the_law(seed, noise):
    data = gas(noise, seed=seed)
    steps = list(simplify_steps(KAN([4, 2, 1], seed=seed), data))
    assert [step.kind for step in steps if step.kind != "try"] == ["train", "prune", "law", "refit"]
    formula = steps[-1].network.fit_formula(data)
    constant, rest = formula.expression.as_coeff_Mul()
    assert str(rest) == "p [Pa]*v/T (K)"
    assert float(constant) == pytest.approx(1 / 8.314, rel=0.05 * noise / 0.01)


def test_classes_and_logarithms_have_no_law():
    data = gas()
    logged = KAN([4, 1], log=["p [Pa]"])
    logged.fit(data, steps=2, progress=False)
    assert not LawSearch.is_possible(logged, held_out(logged, data, "test"))
    classes = Dataset(data.train_input, (data.train_input[:, 0] > 300).long())
    model = KAN([4, 2])
    model.fit(classes, steps=2, progress=False)
    assert not LawSearch.is_possible(model, held_out(model, classes, "test"))


@pytest.mark.slow
def test_a_law_near_noiseless_rows_is_not_the_end():
    g = torch.Generator().manual_seed(0)
    x = torch.rand(300, 2, generator=g, dtype=F64) * 2 - 1
    y = torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)
    *_, last = simplify_steps(KAN([2, 1, 1], grid=5, seed=1), (x, y))
    assert last.error < 1e-12


@pytest.mark.slow
def test_classes_are_simplified_without_a_scale_of_their_scores():
    g = torch.Generator().manual_seed(0)
    x = torch.tensor([5.0, 1.0]) + torch.rand(120, 2, generator=g, dtype=F64) * torch.tensor([35.0, 29.0])
    data = Dataset.from_arrays(x, (x[:, 1] > 0.012 * x[:, 0] ** 2).long())
    *_, last = simplify_steps(KAN([2, 2, 2], seed=0), data, lib=["x", "x^2"], steps=20)
    assert not last.network.scaling.scales_output
    right = (last.network.predict(data).argmax(1) == data.test_label).double().mean()
    assert float(right) > 0.9


@pytest.mark.slow
def test_the_last_step_fits_the_constants_of_the_law_and_no_others():
    data = gas(0.02)
    *_, law, last = simplify_steps(KAN([4, 2, 1], seed=0), data)
    assert (law.kind, last.kind) == ("law", "refit")
    # A training would give each edge an offset, which fits noise.
    x = data.train_input
    constant = last.network(x).detach() / (x[:, [2]] * x[:, [3]] / x[:, [0]])
    assert float(constant.std() / constant.mean()) < 1e-9
    assert last.error < 1.05 * law.error


@pytest.mark.slow
def test_without_noise_the_constants_are_exact():
    *_, last = simplify_steps(KAN([4, 2, 1], seed=0), gas(0.0))
    assert last.error < 1e-9


@pytest.mark.slow
def test_a_law_counts_its_own_constants_not_those_of_its_network(found):
    found = found[0]
    assert found.constants == 1
    assert found.constants < found.network.n_parameters


@pytest.mark.slow
def test_the_last_fit_takes_all_rows_and_names_what_else_they_allow():
    g = torch.Generator().manual_seed(0)
    x = 0.5 + 12 * torch.rand(120, 1, generator=g, dtype=F64)
    y = 0.6 * (x + 2.5) ** 1.5
    data = Dataset.from_arrays(x, y + 0.05 * y.std() * torch.randn(120, 1, generator=g, dtype=F64))
    model = KAN([1, 1])
    search = searched(model, data)
    last, rivals = search.finished(search.best)
    assert last.network.n_in == 1
    assert rivals  # 0.6·(x + 2.5)^1.5 looks like a square and like a power with an offset
    assert all(rival.sentence.startswith(f"also possible by these rows: {rival.text} (RMSE") for rival in rivals)
    assert all(rival.sentence.endswith("on the training rows)") for rival in rivals)
    assert len({last.text, *(rival.text for rival in rivals)}) == len(rivals) + 1


@pytest.mark.slow
@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("by_curves", [False, True])
def test_rows_weigh_as_much_as_their_noise_says(relative, by_curves):
    g = torch.Generator().manual_seed(0)
    x = 1 + 9 * torch.rand(200, 1, generator=g, dtype=F64)
    noise = torch.randn(200, 1, generator=g, dtype=F64)
    data = Dataset.from_arrays(x, x**2 + 0.05 * noise * (x**2 if relative else 30.0))
    model = KAN([1, 1])
    model.fit(data, progress=False)
    held = held_out(model, data, "test")
    # Curves may have learnt the noise; then the law itself says how it grows.
    search = LawSearch(model, held, model if by_curves else None)
    for _ in search.steps("first"):
        pass
    assert search.best is not None
    weights = search.weights(held.data, "test")
    assert (weights is not None) is relative
    if relative:
        small, large = held.data.test_input[:, 0] < 2, held.data.test_input[:, 0] > 8
        assert float(weights[small].min()) > 20 * float(weights[large].max())
