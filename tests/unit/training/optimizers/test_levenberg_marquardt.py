"""Levenberg-Marquardt: its quadratic model, its steps, its damping, and what interrupts it."""

import math
from dataclasses import replace

import pytest
import torch

from kanwidget import KAN, load_puromycin, load_trees
from kanwidget.training import Interrupted, Penalty
from kanwidget.training.jacobian.parameter_vector import network_parameters
from kanwidget.training.jacobian.stack import Stack
from kanwidget.training.objective import gauss_newton
from kanwidget.training.objective.loss import LOSSES
from kanwidget.training.objective.objective import Objective
from kanwidget.training.optimizers.least_squares import damping_metric
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt
from tests.support.networks import F64, ZOO, assert_same, plain, product_data, snapshot, states, tied, uniform
from tests.support.stacks import gradients, objective, read, total, write


def objective_of(model, rows=40, *, lamb=0.0, loss="mse", weighted=False, **terms):
    x = uniform(rows, model.n_features, seed=6)
    y = uniform(rows, model.n_out, seed=7)
    if loss == "cross_entropy":
        y = y.argmax(1, keepdim=True)
    weight = uniform(rows, 1, seed=8, low=0.0, high=2.0) if weighted else None
    weight = None if weight is None else weight / weight.mean()
    return objective(model, x, y, weight, loss, Penalty(lamb, **terms))


def machine_of(model, **options):
    return LevenbergMarquardt(objective_of(model, **options))


def never():
    return False


@pytest.mark.parametrize("grid", [10, 20])
def test_second_differences_count_in_the_damping_with_the_fourth_power_of_the_grid(grid):
    target = objective_of(KAN([1, 1], grid=grid))
    largest = torch.linalg.eigvalsh(damping_metric(target, target.parameter_vector()))[-1]
    # Of differences (1, -2, 1) the square is at most 16.
    assert float(largest) - 1 == pytest.approx(16e-5 * grid**4, rel=0.1)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("weighted", [False, True], ids=["even", "weighted"])
@pytest.mark.parametrize("kind", ["tied", "everything"])
def test_the_gradient_of_the_model_is_that_of_the_objective(kind, weighted, loss):
    machine = machine_of(ZOO[kind](), loss=loss, weighted=weighted, lamb=0.1)
    target, parameters = machine.objective, machine.parameters
    machine._ridge = torch.zeros_like(machine._ridge)  # it is no part of the objective
    found = machine._model(parameters.read(target.stack), never).gradient
    slopes = torch.autograd.grad(target.differentiable(), network_parameters(target.stack.template), allow_unused=True)
    torch.testing.assert_close(found[0], gradients(parameters, slopes), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_matrix_from_chunks_equals_the_one_from_all_rows(loss, monkeypatch):
    machine = machine_of(tied(), loss=loss, weighted=True, lamb=0.1)
    start = machine.parameters.read(machine.objective.stack)
    whole = machine._model(start, never)
    monkeypatch.setattr(
        gauss_newton, "_CHUNK_BYTES", 7 * 8 * machine.parameters.size * machine.objective.stack.template.n_out
    )
    pieces = machine._model(start, never)
    for name in ("matrix", "gradient", "scale", "ridge_scale"):
        torch.testing.assert_close(getattr(pieces, name), getattr(whole, name), rtol=1e-12, atol=1e-14)


def test_the_matrix_is_that_of_gauss_and_newton():
    """2/N·JᵀJ, with the Jacobian by differences."""
    model = plain(grid=2, k=2)
    machine = machine_of(model, rows=9)
    start, columns = read(machine.parameters, model), []
    found = machine._model(start[None], never)
    matrix = found.matrix[0] - found.ridge_scale[0] * machine._ridge[0]
    for index in range(machine.parameters.size):
        values = []
        for sign in (1, -1):
            vector = start.clone()
            vector[index] += sign * 1e-6
            write(machine.parameters, model, vector)
            values.append(model(machine.objective.x[0]).detach().flatten())
        columns.append((values[0] - values[1]) / 2e-6)
    jacobian = torch.stack(columns, 1)
    torch.testing.assert_close(matrix, 2 * jacobian.T @ jacobian / 9, rtol=1e-6, atol=1e-8)
    assert float(found.scale) == pytest.approx(float((matrix.diagonal() / machine._units**2).mean()))


@pytest.mark.parametrize("lamb", [0.0, 1e-2])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("kind", ZOO)
def test_every_step_decreases_the_objective(kind, loss, lamb):
    machine = machine_of(ZOO[kind](), loss=loss, lamb=lamb)
    before = total(machine.objective)
    for _ in range(8):
        (outcome,) = machine.step()
        now = total(machine.objective)
        assert now <= before
        assert outcome.loss + outcome.penalty == pytest.approx(now, rel=1e-12)
        before = now
        if outcome.stop_reason:
            break


def test_a_linear_problem_is_solved_to_round_off():
    model = KAN([2, 1], base_fun="zero")
    x = uniform(200, 2)
    teacher = KAN([2, 1], base_fun="zero", seed=5)
    target = objective(model, x, teacher(x).detach())
    machine = LevenbergMarquardt(target)
    for _ in range(40):
        if machine.step()[0].stop_reason:
            break
    assert math.sqrt(total(target)) < 1e-12


def test_an_interruption_at_any_moment_discards_the_step_whole():
    machine = machine_of(states(), lamb=0.01)
    machine.step()
    before, memory = snapshot(machine.objective.stack.template), (machine.damping, machine._growth)
    for moment in range(20):
        calls = iter(range(100))
        try:
            machine.step(lambda at=moment, calls=calls: next(calls) >= at)
        except Interrupted:
            assert_same(before, machine.objective.stack.template)
            assert (machine.damping, machine._growth) == memory
        else:
            break
    assert 2 <= moment < 20


def test_an_interrupted_step_taken_again_has_the_same_bits():
    models = [plain(), plain()]
    for model, disturbed in zip(models, (False, True), strict=True):
        machine = machine_of(model)
        for _ in range(3):
            if disturbed:
                with pytest.raises(Interrupted):
                    machine.step(lambda: True)
            machine.step()
    assert_same(snapshot(models[0]), models[1])


def test_an_exception_within_a_step_restores_it_too(monkeypatch):
    machine = machine_of(plain())
    before = snapshot(machine.objective.stack.template)
    monkeypatch.setattr(machine.objective, "value", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        machine.step()
    assert_same(before, machine.objective.stack.template)


def test_steps_to_values_that_are_not_finite_are_refused(monkeypatch):
    """The first step of a large residual ends far out, where exp overflows."""
    model = KAN([1, 1])
    model.layer(0).set_symbol(0, 0, "exp", (1.0, 0.0, 1.0, 0.0))
    model.layer(0).spline_on[:] = False
    x = torch.linspace(0, 1, 20, dtype=F64)[:, None]
    machine = LevenbergMarquardt(objective(model, x, 1e8 * torch.exp(-30 * x)))
    machine.damping = torch.tensor([1e-12], dtype=F64)
    value, tried = machine.objective.value, []
    monkeypatch.setattr(machine.objective, "value", lambda **_: tried.append(value()) or tried[-1])
    start = float(value().total)
    for _ in range(10):
        (outcome,) = machine.step()
        assert bool(torch.isfinite(model.layer(0).affine).all())
        assert math.isfinite(outcome.loss)
    assert not all(math.isfinite(v.total) for v in tried)
    assert float(value().total) < start


def test_a_start_that_is_not_finite_is_called_stalled():
    model = KAN([1, 1])
    model.layer(0).set_symbol(0, 0, "log")
    x = torch.linspace(-1, 1, 20, dtype=F64)[:, None]
    machine = LevenbergMarquardt(objective(model, x, x))
    before = snapshot(model)
    assert machine.step()[0].stop_reason == "stalled"
    assert_same(before, model)


def test_at_a_minimum_it_says_converged_and_stays():
    model = plain()
    x = uniform(30, 2)
    machine = LevenbergMarquardt(objective(model, x, model(x).detach()))
    before = snapshot(model)
    assert machine.step()[0].stop_reason == "converged"
    assert_same(before, model)


def test_without_free_parameters_it_says_converged():
    model = plain()
    model.requires_grad_(False)
    assert machine_of(model, lamb=0.1).step()[0].stop_reason == "converged"


def test_a_fit_that_is_good_already_starts_with_little_damping():
    x, y = product_data()
    model = plain()
    fresh = LevenbergMarquardt(objective(model, x, y)).damping
    model.fit((x, y), steps=30, progress=False)
    again = LevenbergMarquardt(objective(model, x, y)).damping
    assert again < 1e-2 * fresh


def test_on_new_grids_the_damping_of_a_converged_network_begins_anew():
    """At the end of a training it is large, and steps so short that it would seem to have converged on the new grid, too."""
    models = [KAN([2, 2, 1], seed=seed) for seed in (0, 1, 2)]
    x, y = product_data()
    machine = LevenbergMarquardt(
        Objective.of(Stack(models), [x] * 3, torch.stack([y] * 3), None, LOSSES["mse"], [Penalty()] * 3)
    )
    first = machine.damping.clone()
    machine.damping = torch.full_like(first, 1e6)
    machine._small_gains = first.new_tensor([2.0, 0.0, 2.0])
    machine.reload([0, 1])
    assert machine.damping.tolist() == [float(first[0]), 1e6, 1e6]
    assert machine._small_gains.tolist() == [0, 0, 2]
    machine.reload()
    assert machine.damping.tolist() == [float(first[0]), 1e6, float(first[2])]


def test_the_loss_to_beat_counts_weights():
    x, y = product_data(30)
    weight = torch.tensor([0.0, 1.0, 2.0] * 10, dtype=F64)[:, None]
    rows = torch.repeat_interleave(torch.arange(30), weight[:, 0].long())
    for label, loss in ((y, "mse"), ((y > 0).long(), "cross_entropy")):
        model = KAN([2, 1 if loss == "mse" else 2])
        weighted = objective(model, x, label, weight, loss).trivial_loss()
        repeated = objective(model, x[rows], label[rows], None, loss).trivial_loss()
        torch.testing.assert_close(weighted, repeated, rtol=1e-12, atol=0)


def test_parameters_that_a_callback_moved_are_noticed():
    x, y = product_data()
    model = plain()

    def spoil(network, record):
        if record.step == 5:
            network.layer(1).coef.data.add_(10.0)

    history = model.fit((x, y), steps=40, progress=False, callbacks=[spoil], update_grid=False)
    assert history["train_loss"][5] > history["train_loss"][4]
    assert history["train_loss"][-1] < history["train_loss"][4]


def test_frozen_edges_and_ties_are_respected():
    model = tied()
    before = {(0, 0, 2): model.layer(0).coef[0, 2].clone(), (1, 1, 1): model.layer(1).coef[1, 1].clone()}
    machine = machine_of(model)
    for _ in range(3):
        machine.step()
    assert torch.equal(model.layer(0).coef[0, 2], before[0, 0, 2])
    assert torch.equal(model.layer(1).coef[1, 1], before[1, 1, 1])
    weight = model.layer(0).weight()
    assert torch.equal(weight[0, 0], weight[0, 1])
    assert torch.equal(weight[0, 0], weight[1, 2])


def test_float32_decreases_too():
    model = plain(dtype=torch.float32)
    x, y = product_data(dtype=torch.float32)
    machine = LevenbergMarquardt(objective(model, x, y, penalty=Penalty(1e-3)))
    start = total(machine.objective)
    for _ in range(10):
        machine.step()
    assert total(machine.objective) < 0.1 * start
    assert model.layer(0).coef.dtype == torch.float32


def test_the_curve_between_samples_stays_among_them():
    """Where no sample says otherwise the smoothest function is taken; it dipped to -113 between rates of 50 to 200."""
    data = load_puromycin("treated")
    model = KAN([1, 1])
    model.fit(data, progress=False)
    between = model.predict(torch.linspace(0.02, 1.1, 300, dtype=F64)[:, None])
    low, high = data.train_label.min(), data.train_label.max()
    assert low - 20 < between.min()
    assert between.max() < high + 20


def test_a_base_that_the_spline_can_imitate_does_not_run_away():
    """Far from 0 silu is a line: it took 100 steps to coefficients of 1e5 that cancel each other."""
    trees = load_trees()
    model = KAN([2, 1])
    model.scaling.settle()
    history = model.fit((trees.train_input.log(), trees.train_label.log()), progress=False)
    assert history.stop_reason == "converged"
    assert max(float(p.detach().abs().max()) for p in model.parameters()) < 30


@pytest.mark.parametrize(("mean", "spread"), [(3.0, 0.0), (0.0, 0.0), (300.0, 1e-2), (1.0, 1e-4), (2000.0, 1.0)])
@pytest.mark.parametrize("width", [[2, 1], [2, 3, 1]])
def test_labels_far_from_0_are_learnt_too(width, mean, spread):
    """Temperatures in kelvin, years, a constant column."""
    x = uniform(100, 2, seed=3)
    shape = x[:, [0]] ** 2 + torch.sin(3 * x[:, [1]])
    data = (x, mean + spread * shape)
    history = KAN(width, grid=5).fit(data, opt="LM", steps=60, progress=False)
    assert history.last.train_loss < max(2e-2 * spread, 1e-9)


@pytest.mark.parametrize("factor", [2.0**10, 2.0**-10])
@pytest.mark.parametrize("fixed", [False, True])
def test_labels_in_another_unit_are_learnt_by_the_same_steps(factor, fixed):
    data = product_data(60)
    losses = []
    for unit in (1.0, factor):
        model = plain()
        model.scaling.settle()
        if fixed:
            model.fix_symbolic(1, 0, 0, "sin", params=(1.0, 0.5, 2.0, 0.1), data=data)
        last = model.layer(model.depth - 1)
        with torch.no_grad():
            for value in (last.coef, last.base, last.affine[..., 2:]):
                value.mul_(unit)
        history = model.fit((data[0], data[1] * unit), opt="LM", steps=30, progress=False)
        losses.append([record.train_loss / unit for record in history.records])
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)


def test_a_step_may_be_found_after_another_network_has_given_up():
    models = [KAN([2, 2, 1], seed=seed) for seed in (0, 1)]
    x = uniform(40, 2)
    labels = torch.stack([models[0].predict(x), torch.sin(6 * x[:, :1] * x[:, 1:])])
    machine = LevenbergMarquardt(Objective.of(Stack(models), [x, x], labels, None, LOSSES["mse"], [Penalty()] * 2))
    machine.damping = torch.tensor([9e9, 1e-9], dtype=F64)  # the first is where it can't get better
    unlucky = iter([1])
    original = machine._move_and_evaluate

    def value_at(vector, some):
        value = original(vector, some)
        return replace(value, loss=value.loss + next(unlucky, 0) * 9.0)

    machine._move_and_evaluate = value_at
    before = machine.current
    first, second = machine.step()
    assert first.stop_reason == "converged"
    assert first.loss == float(before.loss[0])
    assert second.stop_reason is None
    assert second.loss < float(before.loss[1])
    for place, model in enumerate(models):
        error = (model.predict(x) - labels[place]).square().mean()
        assert float(machine.current.loss[place]) == pytest.approx(float(error), abs=1e-25)
        torch.testing.assert_close(machine.current.trace.output[place], model.predict(x))


@pytest.mark.parametrize("layer", [0, 1])
def test_knots_that_a_callback_moves_are_noticed(layer):
    machine = machine_of(plain(), lamb=1e-3)
    machine.step()
    seen, original = [], machine.reload
    machine.reload = lambda: (original(), seen.append(float(machine.current.total)))
    machine.step()
    assert seen == []
    with torch.no_grad():
        machine.objective.stack.layers[layer].knots.mul_(1.5)
    true = total(machine.objective)
    assert float(machine.current.total) != pytest.approx(true, rel=1e-6)
    machine.step()
    assert seen == [true]
