"""`smoothness`: what thin data leave undetermined continues smoothly, and a fit elsewhere stays what it is."""

import math

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.core import splines
from kanwidget.training import Trainer
from kanwidget.training.jacobian.stack import Stack
from kanwidget.training.objective.loss import LOSSES
from kanwidget.training.objective.objective import Objective
from kanwidget.training.objective.penalty import Penalty
from kanwidget.training.optimizers.least_squares import ridge
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt


def objective_of(model, rows=50):
    x = torch.linspace(-1, 1, rows, dtype=torch.float64)[:, None]
    return Objective.of(Stack([model]), [x], (3 * x).sin()[None], None, LOSSES["mse"], [Penalty()])


def roughness(model, coefficients):
    objective = objective_of(model)
    parameters = objective.parameter_vector()
    ones = torch.ones(1, parameters.size, dtype=torch.float64)
    matrix = (ridge(objective, parameters, ones, ones, 1.0) - ridge(objective, parameters, ones, ones))[0]
    vector = torch.cat([coefficients, torch.zeros(1, dtype=torch.float64)])  # without the base function
    return float(vector @ matrix @ vector)


def test_it_is_the_mean_square_of_sixth_derivatives_over_a_grid_of_length_one():
    model = KAN([1, 1], grid=40)
    layer = model.layer(0)
    part = (splines.greville(layer.knots, layer.k)[0] + 1) / 2
    pi = math.pi
    assert roughness(model, (2 * pi * part).sin()) == pytest.approx((2 * pi) ** 12 / 2, rel=0.1)
    assert roughness(model, part**6) == pytest.approx(720**2, rel=0.1)


def test_polynomials_of_degree_five_are_smooth():
    model = KAN([1, 1], grid=20)
    layer = model.layer(0)
    part = splines.greville(layer.knots, layer.k)[0]
    assert abs(roughness(model, part**5 - part**2 + 3)) < 1e-6 * roughness(model, part**6)


def test_a_grid_of_few_intervals_has_no_sixth_differences():
    assert roughness(KAN([1, 1], grid=3), torch.arange(6, dtype=torch.float64) ** 6) == 0.0


def test_a_wave_goes_on_where_there_are_no_samples():
    x = torch.linspace(-1, 0.85, 300, dtype=torch.float64)[:, None]
    beyond = torch.linspace(0.85, 0.95, 50, dtype=torch.float64)[:, None]
    errors = {}
    for smoothness in (0.0, 1e-10):
        model = KAN([1, 1], grid=60, noise_scale=0.0)
        options = {"smoothness": smoothness, "update_grid": False, "geodesic_acceleration": True}
        model.fit(Dataset(x, (4 * x).sin()), steps=30, progress=False, **options)
        assert float((model.predict(x) - (4 * x).sin()).abs().max()) < 1e-5
        errors[smoothness] = float((model.predict(beyond) - (4 * beyond).sin()).abs().max())
    assert errors[1e-10] < 1e-3
    assert errors[1e-10] < 0.05 * errors[0.0]


def test_its_scale_never_rises():
    model = KAN([1, 1], grid=60)
    with torch.no_grad():
        layer = model.layer(0)
        layer.coef.add_(1e-3 * (7.0 * torch.arange(layer.coef.shape[-1], dtype=torch.float64)).sin())
    machine = LevenbergMarquardt(objective_of(model), smoothness=1e-6)
    scales = []
    for _ in range(15):
        machine.step()
        scales.append(float(machine._lowest))
    assert scales == sorted(scales, reverse=True)


def test_another_smoothness_counts_from_the_next_step_on():
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
    trainer = Trainer(KAN([1, 1], grid=20), Dataset(x, x.sin()), steps=4)
    next(trainer)
    before = trainer.optimizer
    trainer.configure(smoothness=1e-10)
    assert trainer.optimizer is not before
    next(trainer)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"smoothness": -1.0}, "`smoothness` argument of fit must be a finite number ≥ 0"),
        ({"smoothness": 1e-10, "opt": "Adam"}, "`smoothness` argument of fit must be left out with opt='Adam'"),
        ({"smoothness": 1e-10, "opt": "LBFGS"}, "`smoothness` argument of fit must be left out with opt='LBFGS'"),
    ],
)
def test_wrong_settings_are_refused(options, sentence):
    x = torch.linspace(-1, 1, 50, dtype=torch.float64)[:, None]
    with pytest.raises((ValueError, TypeError), match=sentence):
        KAN([1, 1]).fit((x, x), steps=1, progress=False, **options)
