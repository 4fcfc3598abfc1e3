"""`fit_residual`: its Jacobian, its steps, unknown constants, weights and points."""

import math

import numpy as np
import pytest
import torch

import kanwidget
from kanwidget import KAN, fit_residual
from kanwidget.surgery import update_grid
from kanwidget.training.residuals import Field
from kanwidget.training.residuals import objective as objectives
from kanwidget.training.residuals.arguments import pose
from kanwidget.training.residuals.objective import ResidualObjective
from kanwidget.training.residuals.trainer import Plan, ResidualTrainer
from kanwidget.training.residuals.weighting import balance, resample
from tests.support.networks import F64, assert_same, plain, snapshot, uniform
from tests.unit.training.residual_samples import AT, SINE, X, one


def nonlinear(u, nu):
    """Two columns of value, both slopes, a mixed derivative, the point and a constant."""
    return torch.cat([u.value * u.d(1) - nu * u.d(0, 1), torch.sin(u.d(0)) * u.x[:, [0]] + nu**2 * u.laplacian], 1)


def objective_of(model, functions, points, unknowns=None):
    problem = pose(model, functions, points, None, unknowns, None)
    return ResidualObjective(model, problem.terms, problem.unknowns)


def loss_of(objective, vector):
    objective.positions().write(objective.stack, vector)
    return float(objective.value().loss)


# ---- the quadratic model


def slopes_by_differences(objective, start):
    """Central differences of the loss in every parameter."""
    slopes = []
    for place in range(start.shape[1]):
        step = torch.zeros_like(start)
        step[0, place] = 1e-6
        slopes.append((loss_of(objective, start + step) - loss_of(objective, start - step)) / 2e-6)
    loss_of(objective, start)
    return torch.tensor(slopes, dtype=F64)


def test_the_gradient_is_that_of_the_loss_in_parameters_and_constants():
    model = plain(grid=2, k=5)
    points = {"pde": uniform(9, 2), "data": uniform(4, 2, seed=1)}
    functions = {"pde": nonlinear, "data": lambda u: u.value - 1}
    objective = objective_of(model, functions, points, {"nu": 0.3})
    with torch.no_grad():
        start = objective.positions().read(objective.stack)
        _, gradient = objective.normal(objective.positions(), objective.value(), lambda: None)
        exact = slopes_by_differences(objective, start)
    torch.testing.assert_close(gradient[0], exact, rtol=1e-6, atol=1e-6)


def test_chunks_change_nothing(monkeypatch):
    model = plain(grid=2, k=5)
    objective = objective_of(model, {"pde": nonlinear}, {"pde": uniform(9, 2)}, {"nu": 0.3})
    positions = objective.positions()
    with torch.no_grad():
        whole, value = objective.normal(positions, objective.value(), lambda: None), objective.value()
        monkeypatch.setattr(objectives, "_CHUNK_BYTES", 4 * 8 * 2 * positions.size)
        parts, again = objective.normal(positions, objective.value(), lambda: None), objective.value()
    for one_, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one_, other, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(value.loss, again.loss)


def test_the_designs_that_are_not_kept_give_the_same(monkeypatch):
    objective = objective_of(plain(k=5), {"pde": nonlinear}, {"pde": uniform(9, 2)}, {"nu": 0.3})
    kept = float(objective.value().loss)
    monkeypatch.setattr(objectives, "_KEPT_BYTES", 0)
    assert float(objective.value().loss) == kept


def test_the_bend_is_what_differences_of_the_residuals_say():
    objective = objective_of(plain(grid=2, k=5), {"pde": nonlinear}, {"pde": uniform(9, 2)}, {"nu": 0.3})
    positions, value = objective.positions(), objective.value()
    with torch.no_grad():
        start = positions.read(objective.stack)
        step = 1e-2 * uniform(1, positions.size, seed=4)
        found = objective.bend(positions, value, start, step)
        assert torch.equal(positions.read(objective.stack), start)
        (linear,) = objective.linears(value)
        whole = torch.cat([jac for _, jac in objective.jacobians(objective.terms[0], linear, positions)])
        residuals = []
        for size in (1.0, -1.0):
            positions.write(objective.stack, start + 1e-2 * size * step)
            residuals.append(objective.terms[0].residual(objective.value().jets[0], objective.named()))
        positions.write(objective.stack, start)
        second = (residuals[0] - 2 * linear.residual + residuals[1]) / 1e-4
    torch.testing.assert_close(found[0], 2 / second.numel() * whole.T @ second.flatten(), rtol=1e-2, atol=1e-6)


def test_a_valley_that_bends_is_followed():
    """Noise of measurements under an equation that counts ten thousand times as much."""
    generator = np.random.default_rng(0)
    x = torch.linspace(0, 2, 30, dtype=F64)[:, None]
    y = torch.exp(-1.5 * x) + 0.02 * torch.from_numpy(generator.standard_normal((30, 1)))
    model = KAN([1, 1], grid=4, k=5, grid_range=(0, 2))
    functions = {"equation": lambda u, rate: u.d(0) + rate * u.value, "data": lambda u: u.value - y}
    history = model.fit_residual(
        functions,
        dict.fromkeys(functions, x),
        {"equation": 1e4, "data": 1.0},
        unknowns={"rate": 0.1},
        steps=60,
        progress=False,
    )
    value, error = history.unknowns["rate"]
    assert abs(value - 1.5) < 3 * error
    assert error < 0.03


# ---- fits


def test_an_initial_value_problem():
    model = one(grid=8)
    history = model.fit_residual(SINE, AT, steps=30, progress=False)
    assert float((model.predict(X) - torch.sin(X)).abs().max()) < 1e-5
    assert history.optimizer == "LM"
    assert history["equation"][-1] < history["equation"][0]
    assert history.last.train_loss == pytest.approx(
        math.sqrt(sum(history.weights[name] * history.last.metrics[name] ** 2 for name in SINE))
    )
    assert "ResidualHistory" not in repr(history)[20:]
    assert len(model.history) == len(history)
    assert len(model.reference)


def test_grids_follow_one_another_and_go_below_the_first():
    model = one(grid=3)
    history = model.fit_residual(SINE, AT, steps=30, grid_schedule=(6, 12), progress=False)
    assert model.grid == 12
    assert [event.label for event in history.events if event.kind == "refine"] == ["grid 6", "grid 12"]
    assert float((model.predict(X) - torch.sin(X)).abs().max()) < 1e-6


def test_a_period_joins_two_sets_of_points():
    x = torch.linspace(0, 2 * math.pi, 60, dtype=F64)[:, None]
    model = KAN([1, 1], grid=10, k=5, grid_range=(0, 6.3))
    functions = {
        "equation": lambda u: u.d(0, 0) - u.value + 2 * torch.sin(u.x),
        "period": lambda left, right: torch.cat([left.value - right.value, left.d(0) - right.d(0)], 1),
    }
    model.fit_residual(functions, {"equation": x, "period": (x[:1], x[-1:])}, progress=False)
    assert float((model.predict(x) - torch.sin(x)).abs().max()) < 1e-5


def test_a_system_stands_for_a_derivative_of_higher_order():
    model = KAN([1, 2], grid=6, k=5, grid_range=(0, 3))
    functions = {
        "bend": lambda u: u.value[:, [1]] - u.d(0, 0)[:, [0]],
        "equation": lambda u: u.d(0)[:, [1]] + u.d(0)[:, [0]],
        "start": lambda u: torch.cat([u.value[:, [0]], u.d(0)[:, [0]] - 1, u.value[:, [1]]], 1),
    }
    model.fit_residual(functions, {"bend": X, "equation": X, "start": X[:1]}, progress=False)
    assert float((model.predict(X)[:, [0]] - torch.sin(X)).abs().max()) < 1e-4


def test_float32_and_weights_of_ones_own():
    model = one(dtype=torch.float32)
    history = model.fit_residual(SINE, AT, {"equation": 1, "start": 10.0}, steps=20, progress=False)
    assert history.weights == {"equation": 1.0, "start": 10.0}
    assert float((model.predict(X) - torch.sin(X)).abs().max()) < 1e-2
    assert fit_residual(one(), SINE, AT, None, steps=1, progress=False).weights == {"equation": 1.0, "start": 1.0}


# ---- unknown constants


def decay(seed, noise=0.02):
    """u′ = -rate·u with measurements of it; rate 1.5."""
    generator = np.random.default_rng(seed)
    x = torch.linspace(0, 2, 30, dtype=F64)[:, None]
    y = torch.exp(-1.5 * x) + noise * torch.from_numpy(generator.standard_normal((30, 1)))
    model = KAN([1, 1], grid=4, k=4, grid_range=(0, 2))
    functions = {"equation": lambda u, rate: u.d(0) + rate * u.value, "data": lambda u: u.value - y}
    weights = {"equation": 1e4, "data": noise**-2}
    points = {"equation": torch.linspace(0, 2, 50, dtype=F64)[:, None], "data": x}
    return model.fit_residual(functions, points, weights, unknowns={"rate": 0.5}, steps=30, progress=False)


def test_an_unknown_constant_is_found_and_its_error_is_that_of_repeated_measurements():
    found = np.array([decay(seed).unknowns["rate"] for seed in range(12)])
    spread = found[:, 0].std(ddof=1)
    assert abs(found[:, 0].mean() - 1.5) < 3 * spread / math.sqrt(12)
    # The spread of twelve is itself known to a fifth.
    assert 0.5 < found[:, 1].mean() / spread < 1.8


def test_the_constants_of_every_step_are_columns():
    history = decay(0)
    assert history["rate"][-1] == history.unknowns["rate"][0]


# ---- weights and points


def test_balanced_weights_give_every_residual_the_same_trace():
    objective = objective_of(
        plain(k=5), {"a": lambda u: u.laplacian, "b": lambda u: u.value}, dict.fromkeys("ab", uniform(9, 2))
    )
    terms = balance(objective)
    positions, value = objective.positions(), objective.value()
    traces = [
        term.weight * objective.row_square(term, jet, positions) for term, jet in zip(terms, value.jets, strict=True)
    ]
    assert traces[0] == pytest.approx(traces[1])
    assert min(term.weight for term in terms) == 1.0


def test_points_are_drawn_where_the_residual_is_large():
    objective = objective_of(plain(), {"a": lambda u: 1e3 * (u.x[:, [0]] > 0.9) + 0 * u.value}, {"a": uniform(200, 2)})
    candidate_points = uniform(2000, 2, seed=5)
    drawn, _ = resample(objective, objective.terms[0], candidate_points, None, torch.Generator().manual_seed(0))
    assert drawn.x.shape == (200, 2)
    assert len(torch.unique(drawn.x, dim=0)) == 200
    among = float((candidate_points[:, 0] > 0.9).double().mean())
    assert float((drawn.x[:, 0] > 0.9).double().mean()) > 3 * among


def test_points_stay_where_a_residual_was_large():
    place = {"left": True}
    objective = objective_of(
        plain(),
        {"a": lambda u: 1e3 * ((u.x[:, [0]] < 0) == place["left"]) + 0 * u.value},
        {"a": uniform(200, 2)},
    )
    term, candidate_points, generator = objective.terms[0], uniform(2000, 2, seed=5), torch.Generator().manual_seed(0)
    _, memory = resample(objective, term, candidate_points, None, generator)
    place["left"] = False

    def on_the_left(memory):
        return float((resample(objective, term, candidate_points, memory, generator)[0].x[:, 0] < 0).double().mean())

    # Of densities 1 : 3 without a memory, and of 1 + 0.9/0.95 : 1 + 1/0.95 with it.
    assert on_the_left(None) < 0.35
    assert on_the_left(memory) > 0.4


def test_points_that_follow_the_residual():
    model = one()
    candidate_points = torch.linspace(0, 3, 301, dtype=F64)[:, None]
    history = model.fit_residual(
        SINE, AT, candidate_points={"equation": candidate_points}, resample_every=5, steps=20, progress=False
    )
    assert [event.step for event in history.events if event.kind == "points"] == [5, 10, 15]
    assert float((model.predict(X) - torch.sin(X)).abs().max()) < 1e-2


def test_grids_are_moved_while_the_first_is_trained_and_no_more():
    def stretch(model, record):
        if record.step in (9, 21):
            update_grid(model, X, margin=1.0)

    model = KAN([1, 2, 1], grid=3, k=5, grid_range=(0, 3))
    history = model.fit_residual(SINE, AT, steps=15, grid_schedule=(6,), callbacks=[stretch], progress=False)
    assert [event.step for event in history.events if event.kind == "grid"] == [10]
    assert any(event.kind == "refine" for event in history.events)
    assert len(history) > 25


def forget(model):
    """Back to coefficients that have learnt nothing, on the same grids."""
    with torch.no_grad():
        for index in range(model.depth):
            model.layer(index).coef.mul_(0.5)


@pytest.mark.parametrize(
    ("change", "moved"),
    [
        (lambda model: update_grid(model, X, margin=0.3), False),
        (lambda model: update_grid(model, X, margin=2.0), True),
        (lambda model: (update_grid(model, X, margin=0.3), forget(model)), True),
    ],
    ids=["a good part is filled", "little is filled", "it solves nothing"],
)
def test_grids_of_a_network_that_solves_the_problem_stay(change, moved):
    """Moved knots keep second derivatives badly: what has been learnt before would be lost."""
    model = KAN([1, 2, 1], grid=5, k=5, grid_range=(0, 3))
    model.fit_residual(SINE, AT, steps=25, progress=False)
    change(model)
    history = model.fit_residual(SINE, AT, steps=12, progress=False)
    assert any(event.kind == "grid" for event in history.events) == moved


# ---- what ends it


def test_callbacks_see_every_step_and_may_end_it():
    seen = []
    history = fit_residual(
        one(), SINE, AT, callbacks=[lambda model, record: seen.append(record) or len(seen) == 3], progress=False
    )
    assert len(history) == 3
    assert history.stop_reason == "callback"


def interrupt(model, record):
    if record.step == 3:
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "change",
    [
        lambda model: model.remove_edge(0, 0, 1),
        lambda model: model.fix_symbolic(0, 0, 1, "sin", data=X),
        lambda model: setattr(model.layer(1), "base", torch.nn.Parameter(model.layer(1).base.detach().clone())),
    ],
    ids=["removed", "fixed", "replaced"],
)
@pytest.mark.parametrize("step", [3, 6])
def test_what_a_callback_has_changed_is_trained_on(change, step):
    model = KAN([1, 2, 1], grid=4, k=5, grid_range=(0, 3))

    def hook(network, record):
        if record.step == step:
            change(network)

    x = torch.linspace(0, 3, 80, dtype=F64)[:, None]
    residuals = {
        "equation": lambda u, c: u.d(0, 0) + c * u.value,
        "data": lambda u: u.value - torch.sin(u.x) - 0.1 * torch.cos(50 * u.x),
    }
    options = {"points": {"equation": x, "data": x}, "weights": None, "progress": False}
    history = fit_residual(model, residuals, steps=6, unknowns={"c": 1.0}, callbacks=[hook], **options)
    value, error = history.unknowns["c"]
    again = fit_residual(model, residuals, steps=0, unknowns={"c": value}, **options)
    assert again.unknowns["c"] == pytest.approx((value, error), rel=1e-6)
    if step < 6:
        with torch.no_grad():
            found = model.derivatives(x)
        residual = (found.hessian[..., 0, 0] + value * found.value).square().mean().sqrt()
        assert float(residual) == pytest.approx(history.last.metrics["equation"], rel=1e-6)


def test_an_edge_that_a_callback_has_frozen_stays():
    model, kept = KAN([1, 2, 1], grid=4, k=5, grid_range=(0, 3)), []

    def hook(network, record):
        if record.step == 3:
            network.freeze(0, 0, 1)
            kept.append(network.layer(0).coef[1, 0].tolist())

    fit_residual(model, SINE, AT, steps=8, callbacks=[hook], update_grid=False, progress=False)
    assert model.layer(0).coef[1, 0].tolist() == kept[0]


def test_ctrl_c_keeps_the_last_step():
    model, other = one(), one()
    history = fit_residual(model, SINE, AT, callbacks=[interrupt], progress=False)
    fit_residual(other, SINE, AT, steps=3, progress=False)
    assert history.stop_reason == "interrupted"
    assert torch.equal(model.layer(0).coef, other.layer(0).coef)


def test_ctrl_c_in_a_step_takes_back_the_grids_and_points_that_were_moved_for_it():
    model, calls, kept = KAN([1, 2, 1], grid=4, k=5, grid_range=(0, 3)), [], []

    def hook(network, record):
        if record.step == 10:
            kept.append((snapshot(network)[0], record.metrics["data"]))

    def residual(u):
        calls.append(bool(kept))
        if sum(calls) == 4:  # by then the grids are adapted, and the step is on its way
            raise KeyboardInterrupt
        return u.value - torch.exp(u.x)

    points = {"data": X, "equation": X}
    history = fit_residual(
        model,
        {"data": residual, "equation": lambda u: u.d(0) - u.value},
        points,
        weights=None,
        steps=20,
        candidate_points={"equation": uniform(90, 1) + 1},
        resample_every=10,
        callbacks=[hook],
        progress=False,
    )
    assert (history.stop_reason, len(history), history.events) == ("interrupted", 10, [])
    ((state, loss),) = kept
    names = [f"layers.{index}.{name}" for index in range(2) for name in ("coef", "knots", "base")]
    assert all(torch.equal(state[name], model.state_dict()[name]) for name in names)
    assert float((model.predict(X) - torch.exp(X)).square().mean().sqrt()) == pytest.approx(loss, rel=1e-9)


def test_asked_to_it_breaks_off_a_step():
    model, asked = one(), []

    def interrupted():
        asked.append(1)
        return len(asked) > 9

    plan = Plan(steps=50, grid_schedule=(), update_grid=True, resample_every=20, seed=0)
    trainer = ResidualTrainer(model, pose(model, SINE, AT, "auto", None, None), plan, interrupted)
    assert 0 < len(list(trainer)) < 10
    assert trainer.stop_reason == "interrupted"


def test_a_drawing_that_is_taken_back_is_not_remembered():
    model, stop = one(), []
    plan = Plan(steps=50, grid_schedule=(), update_grid=False, resample_every=2, seed=0)
    problem = pose(model, SINE, AT, None, None, {"equation": 1.5 * (uniform(90, 1) + 1)})
    trainer = ResidualTrainer(model, problem, plan, lambda: bool(stop))
    next(trainer), next(trainer)
    stop.append(1)
    assert list(trainer) == []
    assert (trainer.stop_reason, trainer.events, trainer._memories) == ("interrupted", [], {})


def test_no_steps_change_nothing_but_the_reference():
    model = one()
    before = model.layer(0).coef.clone()
    assert len(fit_residual(model, SINE, AT, steps=0, progress=False)) == 0
    assert torch.equal(before, model.layer(0).coef)


def falling(u):
    return u.d(0) + u.value


@pytest.mark.parametrize(
    ("functions", "told"),
    [
        ({"equation": falling}, True),
        ({"equation": falling, "ends": lambda u: u.value}, True),
        ({"equation": falling, "start": lambda u: u.value - 1}, False),
        ({"equation": lambda u: u.d(0) + u.value - 2}, False),
        ({"equation": lambda u: u.d(0) / u.value + 1}, False),
        ({"data": lambda u: u.value}, False),
        (SINE, False),
    ],
    ids=["equation", "zero at the ends", "start", "inhomogeneous", "not finite at 0", "no equation", "sine"],
)
def test_an_equation_that_zero_satisfies_is_told(functions, told, caplog):
    fit_residual(one(), functions, dict.fromkeys(functions, X), steps=1, progress=False)
    assert ("u = 0 satisfies every residual" in caplog.text) == told


def test_the_bar_shows_the_loss(capsys):
    fit_residual(one(), SINE, AT, steps=2)
    assert "train" in capsys.readouterr().err


# ---- what it computes


def test_only_what_is_asked_for_is_computed_from_the_first_look_on(monkeypatch):
    plain, carried = ResidualObjective.jet, []

    def jet(self, term, **options):
        carried.append(len(term.wanted.firsts) + len(term.wanted.seconds))
        return plain(self, term, **options)

    monkeypatch.setattr(ResidualObjective, "jet", jet)
    fit_residual(KAN([9, 1]), {"a": lambda u: u.d(3) + u.value}, {"a": uniform(20, 9)}, steps=2, progress=False)
    assert max(carried) == 1  # of the 54 that there are
    carried.clear()
    fit_residual(KAN([9, 1]), {"a": lambda u: u.laplacian}, {"a": uniform(20, 9)}, steps=0, progress=False)
    assert carried[:2] == [18, 18]  # all at once, and then those of the steps


def test_a_field_says_what_it_has():
    u = Field(torch.zeros(2, 2), {(): torch.ones(2, 1), (0,): torch.ones(2, 1)})
    with pytest.raises(ValueError, match="asked for at its first call"):
        u.d(1)


def test_the_same_seed_gives_the_same_network():
    first, second = one(), one()
    for model in (first, second):
        model.fit_residual(
            SINE, AT, steps=8, candidate_points={"equation": uniform(90, 1) + 1}, resample_every=4, progress=False
        )
    torch.testing.assert_close(first.layer(0).coef, second.layer(0).coef, rtol=0, atol=0)
    assert kanwidget.fit_residual is fit_residual
    assert_same(snapshot(first), first)
