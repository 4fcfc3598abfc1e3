"""`auto_symbolic`: the surest first, refits between, and nothing that makes the error worse."""

import copy
import logging

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.core.records import EdgeRef
from kanwidget.simplification import auto_symbolic, auto_symbolic_steps
from kanwidget.simplification.held_out import held_out
from kanwidget.surgery import lock


def table(f, n=200, features=2, noise=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(n, features, generator=generator, dtype=torch.float64) - 1
    y = f(x)
    y = y + noise * y.std() * torch.randn(n, 1, generator=generator, dtype=torch.float64)
    return Dataset.from_arrays(x, y, test_fraction=0.25)


def composition(x):
    return torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)


def trained(width, data, steps=40, **options):
    model = KAN(width, **options)
    model.fit(data, steps=steps, progress=False)
    return model


def parameters(model):
    return [value.clone() for value in model.parameters()]


def symbols(model):
    return {tuple(ref): model.layer(ref.layer).symbol(ref.source, ref.target) for ref in model.edge_refs(active=True)}


@pytest.fixture(scope="module")
def noisy():
    data = table(composition, 300, noise=0.02)
    return trained([2, 1, 1], data), data


@pytest.mark.slow
def test_a_composition_is_found_in_noisy_data(noisy):
    model, data = copy.deepcopy(noisy[0]), noisy[1]
    before = held_out(model, data, "test").error(model)
    auto_symbolic(model, data)
    assert symbols(model) == {(0, 0, 0): "sin", (0, 1, 0): "x^2", (1, 0, 0): "exp"}
    assert held_out(model, data, "test").error(model) <= 1.05 * before


def test_steps_decide_about_every_edge_once():
    data = table(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]])
    model = trained([2, 1], data, 10)
    steps = list(auto_symbolic_steps(model, data))
    assert sorted(ref for step in steps for ref in step.searched) == [(0, 0, 0), (0, 1, 0)]
    assert [step.remaining for step in steps] == [1, 0]
    assert {tuple(ref): fit.name for step in steps for ref, fit in step.fixed} == symbols(model)
    assert symbols(model) == {(0, 0, 0): "x^2", (0, 1, 0): "x"}
    assert steps[-1].error < 1e-12


def test_what_makes_the_held_out_error_worse_is_taken_back(caplog):
    data = table(lambda x: torch.sin(7 * x[:, [0]]) + x[:, [1]] ** 2)
    model = trained([2, 1], data, grid=12)
    before = held_out(model, data, "test").error(model)
    with caplog.at_level(logging.INFO, logger="kanwidget"):
        done = auto_symbolic(model, data, lib=["x", "x^2"], r2_threshold=0.0)
    assert [(tuple(ref), fit.name) for ref, fit in done] == [((0, 1, 0), "x^2")]
    assert model.layer(0).state(0, 0) == "spline"
    assert "would raise the held-out error from" in caplog.text
    assert held_out(model, data, "test").error(model) <= 1.05 * before


def test_an_edge_without_a_good_candidate_stays_as_it_is():
    data = table(lambda x: torch.sin(7 * x[:, [0]]))
    model = trained([2, 1], data, grid=12)
    model.remove_edge(0, 1, 0)
    before = parameters(model)
    (step,) = auto_symbolic_steps(model, data, lib=["x", "x^2"], r2_threshold=0.99)
    assert step.numeric == (EdgeRef(0, 0, 0),)
    assert "less than 0.99" in step.reasons[EdgeRef(0, 0, 0)]
    assert all(torch.equal(a, b) for a, b in zip(before, parameters(model), strict=True))


def test_imitations_are_never_chosen():
    data = table(lambda x: 3 * x[:, [0]] - 2 * x[:, [1]] ** 2, noise=0.01)
    model = trained([2, 1], data, 15)
    auto_symbolic(model, data)
    assert symbols(model) == {(0, 0, 0): "x", (0, 1, 0): "x^2"}


def test_a_threshold_below_zero_fixes_every_edge_and_checks_nothing():
    data = table(lambda x: torch.sin(7 * x[:, [0]]) + x[:, [1]] ** 2)
    model = trained([2, 1], data)
    auto_symbolic(model, data, lib=["x"], r2_threshold=-1e9)
    assert symbols(model) == {(0, 0, 0): "x", (0, 1, 0): "x"}


@pytest.mark.parametrize("inputs", ["inputs alone", "reference data"])
def test_without_labels_the_outputs_of_the_start_are_the_labels(inputs):
    data = table(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]])
    model = trained([2, 1], data, 10)
    before = model(data.test_input)
    auto_symbolic(model, data.train_input if inputs == "inputs alone" else None)
    assert symbols(model) == {(0, 0, 0): "x^2", (0, 1, 0): "x"}
    torch.testing.assert_close(model(data.test_input), before, atol=1e-3, rtol=0)


def test_a_loop_that_breaks_off_keeps_the_edges_fixed_so_far():
    data = table(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]])
    model = trained([2, 3, 1], data, 10)
    for step in auto_symbolic_steps(model, data, r2_threshold=-1e9, edges_per_step=2, refit_steps=1):
        assert len(step.searched) <= 2
        if step.remaining <= 5:
            break
    assert sum(name is not None for name in symbols(model).values()) == 4


def test_only_the_edges_in_question_are_searched_and_ties_once():
    data = table(composition)
    model = trained([2, 3, 1], data, 5)
    lock(model, 0, [(0, 0), (1, 0)])
    model.fix_symbolic(0, 0, 1, "x^3")
    edges = [(1, 2, 0), (0, 1, 0), (0, 0, 0), (0, 0, 1)]
    steps = list(auto_symbolic_steps(model, data, edges=edges, r2_threshold=-1e9, refit_steps=0))
    assert sorted(ref for step in steps for ref in step.searched) == [(0, 0, 0), (1, 2, 0)]
    assert sorted(ref for step in steps for ref, _ in step.fixed) == [(0, 0, 0), (0, 1, 0), (1, 2, 0)]


def test_arguments_are_checked_before_the_first_step():
    data = table(composition, 40)
    model = KAN([2, 3, 1])
    for wrong, message in (
        ({"lib": ["sine"]}, "`lib` argument of auto_symbolic"),
        ({"edges": [(0, 0, 7)]}, "`j` argument of auto_symbolic"),
        ({"simplicity": 0.2, "weight_simple": 0.2}, "left out where `simplicity` is given"),
        ({"r2_threshold": 2}, "`r2_threshold`"),
        ({"refit_steps": -1}, "`refit_steps`"),
    ):
        with pytest.raises(ValueError, match=message):
            auto_symbolic_steps(model, data, **wrong)


@pytest.mark.slow
def test_a_large_network_takes_several_edges_a_step_and_never_gets_worse():
    data = table(lambda x: torch.sin(3 * x[:, [0]]) * x[:, [1]] + x[:, [2]] ** 2, 120, features=3)
    model = trained([3, [2, 1], 3, 1], data, 12)
    before = held_out(model, data, "test").error(model)
    edges = len(model.edge_refs(active=True))
    steps = list(auto_symbolic_steps(model, data, refit_steps=3))
    assert len(steps) < edges
    assert held_out(model, data, "test").error(model) <= 1.1 * before


@pytest.mark.slow
def test_classes():
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(200, 2, generator=generator, dtype=torch.float64) - 1
    y = (x.square().sum(1) > 0.6).long()
    data = Dataset.from_arrays(x, y, test_fraction=0.25)
    model = trained([2, 2], data, 15, grid=3)
    before = held_out(model, data, "test").error(model)
    auto_symbolic(model, data)
    assert held_out(model, data, "test").error(model) <= 1.2 * before


def test_float32():
    data = table(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]])
    model = trained([2, 1], data, 10, dtype=torch.float32)
    auto_symbolic(model, data)
    assert model.dtype == torch.float32
    assert symbols(model) == {(0, 0, 0): "x^2", (0, 1, 0): "x"}


def test_the_reference_data_and_names_of_the_network_stay():
    data = table(lambda x: x[:, [0]] ** 2 + 3 * x[:, [1]])
    model = trained([2, 1], data, 10)
    reference = model.reference.clone()
    auto_symbolic(model, (data.train_input[:60], data.train_label[:60]))
    assert torch.equal(model.reference, reference)
