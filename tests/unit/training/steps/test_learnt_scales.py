"""What a first training learns of the data's units, and that units change nothing but these scales."""

import numpy as np
import pytest
import torch

from kanwidget import KAN, Dataset, fit_many, fit_residual
from kanwidget.symbolic import to_numpy

F64 = torch.float64
NAMES = ["T (K)", "p [Pa]", "v"]


def gas(rows=120, unit=1.0, shift=0.0, seed=0):
    """y = p·v/(8.314·T) with 2 % noise, in SI or other units."""
    g = torch.Generator().manual_seed(seed)
    u = torch.rand(rows, 3, generator=g, dtype=F64)
    x = torch.tensor([260.0, 6e4, 0.5]) + u * torch.tensor([80.0, 8e4, 2.5])
    y = x[:, [1]] * x[:, [2]] / (8.314 * x[:, [0]])
    y = y * (1 + 0.02 * torch.randn(rows, 1, generator=g, dtype=F64))
    x = torch.stack([x[:, 0] * unit + shift, x[:, 1] * unit, x[:, 2]], 1)
    return Dataset.from_arrays(x, 100 * unit * y, in_vars=NAMES, out_vars=["n_dot"])


def losses(history, unit=1.0):
    return np.array([history["train_loss"], history["test_loss"]]) / unit


#: Powers of 2 are exact; a shift rounds, and a line search makes much of roundings.
UNITS = [
    ("LM", 2.0**-30, 0.0),
    ("LM", 2.0**20, 0.0),
    ("LM", 1.0, 2.0**12),
    ("LBFGS", 2.0**-30, 0.0),
    ("Adam", 2.0**20, 2.0**12),
]


@pytest.mark.slow
@pytest.mark.parametrize(("opt", "unit", "shift"), UNITS)
def test_units_change_nothing_but_the_scales(opt, unit, shift):
    first, second = KAN([3, 2, 1], seed=1), KAN([3, 2, 1], seed=1)
    lamb = 1e-3 if opt == "LM" else 0.0
    a = first.fit(gas(), opt=opt, steps=15, lamb=lamb, progress=False)
    b = second.fit(gas(unit=unit, shift=shift), opt=opt, steps=15, lamb=lamb, progress=False)
    assert losses(b, unit) == pytest.approx(losses(a), rel=1e-8)
    data = gas(unit=unit, shift=shift)
    assert torch.allclose(second(data.test_input) / unit, first(gas().test_input), rtol=1e-8)


@pytest.mark.parametrize("unit", [2.0**-30, 1e-9, 1e6])
def test_the_formula_is_the_same_in_other_units(unit):
    values = []
    for u in (1.0, unit):
        model, data = KAN([3, 1, 1], seed=1), gas(unit=u)
        model.fit(data, steps=30, progress=False)
        for column in range(3):
            model.fix_symbolic(0, column, 0, "log")
        model.fix_symbolic(1, 0, 0, "exp")
        model.fit(data, steps=20, progress=False)
        (formula,), variables = model.symbolic_formula(NAMES)
        found = to_numpy(formula, variables)(data.test_input.numpy())
        assert found == pytest.approx(model.predict(data).numpy()[:, 0], rel=1e-10)
        values.append(found / u)
    assert values[0] == pytest.approx(values[1], rel=1e-6)


def test_the_error_is_in_the_unit_of_the_target():
    model, data = KAN([3, 2, 1], seed=1), gas()
    last = model.fit(data, steps=10, progress=False).last
    error = float((model.predict(data.train_input) - data.train_label).square().mean().sqrt())
    assert last.train_loss == pytest.approx(error)


def test_a_second_training_keeps_the_scales():
    model = KAN([3, 2, 1], seed=1)
    model.fit(gas(), steps=3, progress=False)
    before = model.input_scale.centre.clone()
    model.fit(gas(seed=5, unit=3.0), steps=3, progress=False)
    assert torch.equal(model.input_scale.centre, before)


def test_scales_of_ones_own_are_kept():
    model = KAN([3, 2, 1], seed=1)
    model.input_scale = ([0.0, 0.0, 0.0], [100.0, 1e5, 1.0])
    model.fit(gas(), steps=3, progress=False)
    assert model.input_scale.size.tolist() == [100.0, 1e5, 1.0]


def test_a_refused_training_leaves_the_scales():
    model = KAN([3, 2, 1], seed=1)
    with pytest.raises(ValueError, match="`opt` argument"):
        model.fit(gas(), opt="LM", loss=lambda output, label: (output - label).abs().mean(), progress=False)
    assert not bool(model.scaling.fixed.any())
    assert not model.scaling.scales_input


def test_functions_that_stand_already_were_meant_in_own_units():
    model = KAN([3, 1])
    for column in range(3):
        model.fix_symbolic(0, column, 0, "x", params=(1.0, 0.0, 1e-3, 0.0), data=gas())
    before = model.predict(gas())
    model.fit(gas(), steps=0, progress=False)
    assert torch.equal(model.predict(gas()), before)


def test_networks_of_a_batch_learn_the_scales_that_each_would_alone():
    sets = [gas(), gas(seed=4, unit=1e-6)]
    models, histories = fit_many([KAN([3, 2, 1], seed=1) for _ in sets], sets, "LM", 8, progress=False)
    for model, history, data in zip(models, histories, sets, strict=True):
        alone = KAN([3, 2, 1], seed=1)
        single = alone.fit(data, "LM", 8, progress=False)
        assert losses(history) == pytest.approx(losses(single), rel=1e-6)
        assert torch.equal(model.input_scale.size, alone.input_scale.size)


def test_metrics_and_a_loss_of_ones_own_see_own_units():
    def mean_error(output, label):
        return (output - label).abs().mean()

    model, data = KAN([3, 2, 1], seed=1), gas()
    model.fit(data, steps=10, progress=False)
    history = model.fit(data, steps=2, opt="LBFGS", loss=mean_error, metrics=[mean_error], progress=False)
    error = float(mean_error(model.predict(data.test_input), data.test_label))
    assert history.last.test_loss == pytest.approx(error)
    assert history.last.metrics["mean_error"] == pytest.approx(error)


def test_logarithms_are_the_first_and_the_last_step():
    model, data = KAN([3, 1], grid=3, log=NAMES), gas()
    history = model.fit(data, log=[*NAMES, "n_dot"], steps=20, progress=False)
    assert 0.015 < history.last.train_loss < 0.022  # the noise: an error of the logarithm
    prediction = model.predict(data.test_input)
    assert float((prediction / data.test_label - 1).abs().max()) < 0.1
    for column in range(3):
        model.fix_symbolic(0, column, 0, "x")
    model.fit(data, steps=20, progress=False)
    (formula,), variables = model.symbolic_formula(NAMES)
    assert to_numpy(formula, variables)(data.test_input.numpy()) == pytest.approx(model.predict(data).numpy()[:, 0])


@pytest.mark.parametrize(
    ("log", "words"),
    [(["q"], "'T \\(K\\)', 'p \\[Pa\\]', 'v', 'n_dot'"), ([7], "log"), (3.5, "list"), ([None], "names")],
)
def test_a_wrong_logarithm_is_named(log, words):
    model = KAN([3, 1])
    with pytest.raises((ValueError, TypeError), match=words):
        model.fit(gas(), log=log, steps=1, progress=False)
    assert model.log == ()
    assert not bool(model.scaling.fixed.any())


def test_a_column_without_a_logarithm_is_named():
    x = torch.tensor([[1.0], [-2.0], [3.0]], dtype=F64)
    with pytest.raises(ValueError, match=r"columns that are positive; 'a' isn't, in row 1"):
        KAN([1, 1]).fit(Dataset(x, x, in_vars=["a"]), log=["a"], steps=1, progress=False)


def test_later_logarithms_are_refused():
    model = KAN([3, 1])
    model.fit(gas(), steps=1, progress=False)
    with pytest.raises(ValueError, match="begin with a new one"):
        model.fit(gas(), log=["v"], steps=1, progress=False)


def test_residuals_are_in_own_units():
    """u' = -u/1000 over 0 … 4000 s with u(0) = 500: the exponential."""
    x = torch.linspace(0, 4000, 60, dtype=F64)[:, None]
    model = KAN([1, 1], grid=8, k=5)
    model.input_scale = ([2000.0], [2000.0])
    model.output_scale = ([0.0], [300.0])
    residuals = {"equation": lambda u: u.d(0) * 1000 + u.value, "start": lambda u: u.value - 500}
    fit_residual(model, residuals, {"equation": x, "start": x[:1]}, steps=60, progress=False)
    assert model.predict(x).numpy() == pytest.approx(500 * np.exp(-x.numpy() / 1000), rel=1e-4, abs=1e-3)


def test_a_trainer_follows_a_network_of_other_scales():
    trainer = KAN([3, 2, 1], seed=1).fit_steps(gas(), steps=5)
    list(trainer)
    other = KAN([3, 2, 1], seed=2)
    other.output_scale = ([100.0], [1000.0])
    other.input_scale = trainer.network.input_scale
    trainer.network = other
    trainer.rebuild()
    data = trainer.data
    error = float((other.predict(data.train_input) - data.train_label).square().mean().sqrt())
    assert trainer.record().train_loss == pytest.approx(error)


def test_outputs_of_another_loss_keep_their_numbers_in_later_trainings():
    def mean_error(output, label):
        return (output - label).abs().mean()

    model, data = KAN([3, 2, 1], seed=1), gas()
    model.fit(data, steps=2, opt="LBFGS", loss=mean_error, progress=False)
    before = model.predict(data)
    model.fit(data, steps=0, progress=False)
    assert torch.equal(model.predict(data), before)


def test_logarithms_are_taken_beside_scales_of_ones_own():
    model = KAN([3, 1], log=["v"])
    model.input_scale = ([300.0, 1e5, 0.5], [20.0, 2e4, 0.5])
    model.output_scale = ([5000.0], [2000.0])
    model.fit(gas(), steps=1, progress=False)
    assert model.scaling.input_log.tolist() == [False, False, True]


def test_a_residual_never_sees_scaled_numbers():
    x = torch.linspace(0, 4000, 20, dtype=F64)[:, None]
    model = KAN([1, 1], grid=4, k=5)
    model.input_scale, model.output_scale = ([2000.0], [2000.0]), ([500.0], [1.0])
    seen = []
    fit_residual(
        model, {"equation": lambda u: seen.append(float(u.value.detach().min())) or u.d(0) * 1000}, {"equation": x},
        steps=2, progress=False,
    )  # fmt: skip
    assert min(seen) > 490
