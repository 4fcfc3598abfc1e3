"""`fit_residual`: equations and unknown constants, and the derivatives that it computes."""

import math

import numpy as np
import pytest
import torch

import kanwidget
from kanwidget import KAN, fit_residual
from kanwidget.training.residuals import Field
from kanwidget.training.residuals.objective import ResidualObjective
from tests.support.networks import F64, assert_same, snapshot, uniform
from tests.unit.training.residuals.residual_samples import AT, SINE, X, one

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


@pytest.mark.slow
def test_an_unknown_constant_is_found_and_its_error_is_that_of_repeated_measurements():
    found = np.array([decay(seed).unknowns["rate"] for seed in range(12)])
    spread = found[:, 0].std(ddof=1)
    assert abs(found[:, 0].mean() - 1.5) < 3 * spread / math.sqrt(12)
    # The spread of twelve is itself known to a fifth.
    assert 0.5 < found[:, 1].mean() / spread < 1.8


def test_the_constants_of_every_step_are_columns():
    history = decay(0)
    assert history["rate"][-1] == history.unknowns["rate"][0]


# ---- the derivatives that it computes


def test_only_what_is_asked_for_is_computed_from_the_first_look_on(monkeypatch):
    plain, carried = ResidualObjective.jet, []

    def jet(self, term, **options):
        carried.append(len(term.derivatives.firsts) + len(term.derivatives.seconds))
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
