"""The steps of a training on residuals: callbacks, interruptions, the bar."""

import pytest
import torch

from kanwidget import KAN, fit_residual
from kanwidget.training.residuals.arguments import prepare
from kanwidget.training.residuals.trainer import ResidualSettings, ResidualTrainer, ScaledLM
from tests.support.networks import F64, snapshot, uniform
from tests.unit.training.residuals.residual_samples import AT, SINE, X, one


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


def test_a_drawing_that_is_taken_back_is_not_remembered(monkeypatch):
    def step(self):
        raise KeyboardInterrupt

    model = one()
    plan = ResidualSettings(steps=50, grid_schedule=(), update_grid=False, resample_every=2, seed=0)
    problem = prepare(model, SINE, AT, None, None, {"equation": 1.5 * (uniform(90, 1) + 1)})
    trainer = ResidualTrainer(model, problem, plan)
    next(trainer), next(trainer)
    monkeypatch.setattr(ScaledLM, "step", step)
    with pytest.raises(KeyboardInterrupt):
        next(trainer)
    assert (trainer.events, trainer._memories) == ([], {})


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
