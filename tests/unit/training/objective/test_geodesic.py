"""Steps that are bent along the valley: against autograd, and what they are for."""

import pytest
import torch

from kanwidget import KAN, create_dataset
from kanwidget.training import Trainer, fit_many
from kanwidget.training.objective.objective import geodesic_acceleration
from kanwidget.training.optimizers.settings import Settings


def product(x):
    return x[:, [0]] * x[:, [1]]


def trainer(model, **settings):
    return Trainer(model, create_dataset(product, train_num=60, test_num=60), 10, Settings(**settings))


def test_the_gradient_is_that_of_the_outputs_second_derivative():
    own = trainer(KAN([2, 3, 1], seed=3))
    objective, parameters = own.optimizer.objective, own.optimizer.parameters
    start = parameters.read(objective.stack)
    # The outputs are analytic along a step that crosses no knot.
    step = 1e-2 * torch.randn(start.shape, generator=torch.Generator().manual_seed(0), dtype=start.dtype)
    model, x = own.network, own.data.train_input
    names = dict(model.named_parameters())

    def output(vector):
        parameters.write(objective.stack, vector)
        return model(x)[:, 0].detach()

    h = 1e-3
    second = (output(start + h * step) + output(start - h * step) - 2 * output(start)) / h**2
    parameters.write(objective.stack, start)
    grads = torch.autograd.grad(2 * (model(x)[:, 0] * second).mean(), list(names.values()), allow_unused=True)
    coefficients = [grad for grad, name in zip(grads, names, strict=True) if grad is not None and "coef" in name]
    found = geodesic_acceleration(objective, parameters, start, step)[0]
    for layer, expected in zip(parameters.layers, coefficients, strict=True):
        got = found[layer.numeric[..., :-1]]
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-7 * float(expected.abs().max()))
    assert torch.equal(parameters.read(objective.stack), start)


@pytest.mark.slow
def test_a_product_is_learnt_to_round_off():
    data = create_dataset(product, train_num=400, test_num=100)
    history = KAN([2, 2, 1], seed=1, base_fun="zero").fit(data, steps=160, geodesic_acceleration=True, progress=False)
    assert history.last.train_loss < 1e-7  # with straight steps it is some 1e-5


def test_unless_asked_with_a_penalty_and_in_float32_steps_are_straight():
    plain, single = KAN([2, 3, 1]), KAN([2, 3, 1], dtype=torch.float32)
    for model, options in (
        (plain, {}),
        (plain, {"geodesic_acceleration": True, "lamb": 1e-3}),
        (single, {"geodesic_acceleration": True}),
    ):
        own = trainer(model, **options)
        optimizer = own.optimizer
        start = optimizer.parameters.read(optimizer.objective.stack)
        assert (
            optimizer.objective.acceleration(optimizer.parameters, optimizer.current, start, torch.ones_like(start))
            is None
        )


def test_networks_of_a_batch_bend_their_own_steps():
    data = create_dataset(product, train_num=60, test_num=60)
    together = [KAN([2, 2, 1], seed=seed) for seed in range(3)]
    fit_many(together, data, steps=12, geodesic_acceleration=True, progress=False)
    for seed, model in enumerate(together):
        alone = KAN([2, 2, 1], seed=seed)
        alone.fit(data, steps=12, geodesic_acceleration=True, progress=False)
        torch.testing.assert_close(model(data.test_input), alone(data.test_input), rtol=1e-6, atol=1e-9)
