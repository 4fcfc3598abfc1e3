"""`simplify`: from a network to the law, whatever the units, and never to something worse."""

import copy

import pytest
import sympy
import torch

from kanwidget import KAN, Dataset
from kanwidget.simplification import simplify, simplify_steps
from kanwidget.simplification.description import complexity, description_length
from kanwidget.simplification.held_out import held_out


def table(f, low, high, noise=0.0, n=240, seed=0, names=()):
    generator = torch.Generator().manual_seed(seed)
    low, high = torch.tensor(low, dtype=torch.float64), torch.tensor(high, dtype=torch.float64)
    x = low + (high - low) * torch.rand(n, len(low), generator=generator, dtype=torch.float64)
    y = f(x)
    y = y + noise * y.std() * torch.randn(n, 1, generator=generator, dtype=torch.float64)
    return Dataset.from_arrays(x, y, test_fraction=0.2, seed=seed, in_vars=list(names), out_vars=["y"])


@pytest.fixture(scope="module")
def gas():
    """y = p·v/(8.314·T), and a column without effect."""
    return table(
        lambda x: x[:, [1]] * x[:, [2]] / (8.314 * x[:, [0]]),
        [260, 0.6e5, 0.5, 0],
        [340, 1.4e5, 3, 10],
        0.02,
        names=["T", "p", "v", "w"],
    )


def exponents(model):
    """d log y / d log x of a network, at a few points."""
    x = torch.tensor([[300.0, 1e5, 1.5, 5.0], [280.0, 8e4, 2.5, 1.0]], dtype=torch.float64, requires_grad=True)
    y = model(x)
    (gradient,) = torch.autograd.grad(y.sum(), x)
    return (gradient * x / y).detach()


@pytest.mark.slow
def test_a_power_law_in_its_own_units(gas):
    *_, step = simplify_steps(KAN([4, 5, 1]), gas)
    expected = torch.tensor([-1.0, 1, 1, 0], dtype=torch.float64).expand(2, 4)
    torch.testing.assert_close(exponents(step.network), expected, atol=0.06, rtol=0)
    assert not any(
        step.network.layer(ref.layer).state(ref.source, ref.target) == "spline"
        for ref in step.network.edge_refs(active=True)
    )
    assert step.error == pytest.approx(0.02 * float(gas.train_label.std()), rel=0.3)


@pytest.mark.slow
def test_the_same_steps_from_the_same_seed():
    data = table(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]], [-1, -1], [1, 1], 0.02, n=60)
    texts = [[step.text for step in simplify_steps(KAN([2, 2, 1]), data, steps=5, seed=3)] for _ in range(2)]
    assert texts[0] == texts[1]


@pytest.mark.slow
def test_a_composition_exactly():
    data = table(lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), [-1, -1], [1, 1], n=400)
    model = KAN([2, 5, 1])
    before = copy.deepcopy(model.state_dict())
    *_, step = simplify_steps(model, data)
    assert step.error < 1e-12
    assert {f.func for f in step.network.formula().atoms(sympy.Function)} == {sympy.sin, sympy.exp}
    assert all(
        torch.equal(value, model.state_dict()[name])
        for name, value in before.items()
        if "layers" in name and hasattr(value, "shape")
    )


@pytest.mark.slow
def test_functions_come_before_the_longer_search_where_a_law_is_much_nearer_than_coarse_curves():
    """What they leave is no noise then, and a smaller network of functions is exact in seconds."""
    data = table(lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), [-1, -1], [1, 1], n=1000)
    model = KAN([2, 5, 1], seed=42)
    model.fit(data, steps=30, lamb=1e-3, progress=False)
    steps = [*simplify_steps(model, data)]
    assert steps[-1].error < 1e-12
    (law,) = (number for number, step in enumerate(steps) if step.kind == "law")
    assert steps[law].improved
    assert not any("Looking for a law" in step.text for step in steps[law + 1 :])


@pytest.mark.slow
def test_every_step_leaves_a_network_to_stop_with():
    data = table(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]], [-1, -1], [1, 1], 0.02, n=120)
    steps = list(simplify_steps(KAN([2, 3, 1]), data, steps=10))
    assert [step.kind for step in steps][:2] == ["train", "prune"]
    assert steps[-1].kind == "refit"
    held = held_out(steps[0].network, data, "test")
    assert steps[-1].error == held.error(steps[-1].network)
    assert all(step.text and step.network(data.test_input).shape == (24, 1) for step in steps)
    errors = [step.error for step in steps[1:]]
    assert errors[-1] <= 1.1 * min(errors)


@pytest.mark.slow
def test_what_no_function_says_stays_a_spline():
    data = table(lambda x: torch.sin(9 * x[:, [0]] ** 2) * torch.exp(x[:, [0]]), [-1.5], [1.5], n=300)
    model = KAN([1, 1], grid=20)
    model.fit(data, steps=30, progress=False)
    before = held_out(model, data, "test").error(model)
    result = simplify(model, data, lib=["x", "x^2", "sin"], steps=0)
    assert held_out(result, data, "test").error(result) <= 1.1 * before


@pytest.mark.slow
def test_a_sum_is_tried_itself_and_not_learnt_anew():
    data = table(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]], [-1, -1], [1, 1], 0.02)
    texts = [step.text for step in simplify_steps(KAN([2, 1]), data, lib=["x", "x^2"])]
    assert any("the network itself" in text for text in texts)
    assert not any("a sum of functions of one column each" in text for text in texts)


@pytest.mark.slow
def test_without_test_rows_a_fifth_is_held_out():
    data = table(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]], [-1, -1], [1, 1], 0.02)
    pair = (data.train_input, data.train_label)
    held = held_out(KAN([2, 1]), pair, "test")
    assert len(held.data.test_input) == round(len(pair[0]) / 5)
    assert len(held.whole.train_input) == len(pair[0])
    result = simplify(KAN([2, 1]), pair)
    assert {result.layer(0).symbol(0, 0), result.layer(0).symbol(1, 0)} == {"x^2", "x"}


def test_fewer_constants_and_simpler_functions_are_shorter():
    data = table(lambda x: x[:, [0]] ** 2, [-1], [1], 0.05)
    model = KAN([1, 1])
    model.fit(data, steps=15, progress=False)
    held = held_out(model, data, "test")
    fixed = copy.deepcopy(model)
    fixed.fix_symbolic(0, 0, 0, "x^2")
    assert description_length(fixed, held) < description_length(model, held)
    assert (complexity(model), complexity(fixed)) == (0, 2)


@pytest.mark.parametrize(
    ("option", "message"), [({"lamb": -1}, "`lamb`"), ({"steps": -1}, "`steps`"), ({"lib": ["sine"]}, "`lib`")]
)
def test_wrong_options(option, message):
    data = table(lambda x: x, [-1], [1])
    with pytest.raises(ValueError, match=message):
        simplify_steps(KAN([1, 1]), data, **option)
