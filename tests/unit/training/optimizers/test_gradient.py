"""LBFGS and Adam: torch's optimisers, with steps that can be refused or interrupted."""

import math
from itertools import islice

import pytest
import torch

from kanwidget import KAN
from kanwidget.training import Interrupted, Trainer, make_settings
from tests.support.networks import F64, assert_same, finite, plain, product_data, snapshot, states, tied

each_method = pytest.mark.parametrize("opt", ["LBFGS", "Adam"])


def trainer_of(model, opt, steps=10, rows=60, **options):
    return Trainer(model, product_data(rows), steps, make_settings(opt=opt, **options))


@pytest.mark.slow
@each_method
@pytest.mark.parametrize("options", [{}, {"lamb": 1e-3}, {"loss": lambda output, label: (output - label).abs().mean()}])
def test_the_loss_decreases(opt, options):
    records = list(trainer_of(states(), opt, 15, **options))
    assert records[-1].train_loss < 0.9 * records[0].train_loss
    assert records[-1].damping is None


def test_batches_are_drawn_from_a_generator_of_their_own():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    models = [plain(), plain(), plain()]
    losses = [
        [r.train_loss for r in trainer_of(model, "Adam", batch=8, seed=seed)]
        for model, seed in zip(models, (1, 1, 2), strict=True)
    ]
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(torch.get_rng_state(), before)


def test_a_batch_of_all_rows_or_more_is_no_batch():
    whole, large = (list(trainer_of(plain(), "Adam", 5, batch=b)) for b in (None, 1000))
    assert [r.train_loss for r in whole] == [r.train_loss for r in large]


@each_method
def test_what_is_not_free_stays(opt):
    model = tied()
    model.layer(1).base.requires_grad_(False)
    x = torch.cat([product_data()[0], product_data()[1]], 1)
    before = [p.detach().clone() for p in model.parameters()]
    list(Trainer(model, (x, x[:, :2]), 4, make_settings(opt=opt, update_grid=False, lamb=1e-3)))
    assert torch.equal(model.layer(0).coef[0, 2], before[0][0, 2])
    assert torch.equal(model.layer(1).coef[1, 1], before[3][1, 1])
    assert torch.equal(model.layer(1).base, before[4])
    assert not torch.equal(model.layer(0).coef, before[0])


@each_method
def test_spare_constants_of_symbols_stay(opt):
    model = states()
    list(trainer_of(model, opt, 4, update_grid=False))
    assert model.layer(0).affine[2, 1].tolist()[0] == 1.0  # a of x^2
    assert model.layer(1).affine[0, 1].tolist()[1] == 0.0  # b of exp
    assert model.layer(0).affine[0, 0].tolist() == [1.0, 0.0, 1.0, 0.0]  # of a spline


@each_method
def test_an_interrupted_step_is_discarded_whole_and_taken_again(opt):
    calm, disturbed = plain(), plain()
    one, other = (
        trainer_of(calm, opt, batch=16, update_grid=False),
        trainer_of(disturbed, opt, batch=16, update_grid=False),
    )
    for _ in range(4):
        next(one)
        before = snapshot(disturbed)
        with pytest.raises(Interrupted):
            other.optimizer.step(lambda: True)
        assert_same(before, disturbed)
        next(other)
    assert_same(snapshot(calm), disturbed)


def test_an_interruption_in_the_middle_of_a_line_search():
    model = plain()
    trainer = trainer_of(model, "LBFGS")
    next(trainer)
    before, calls = snapshot(model), iter(range(100))
    with pytest.raises(Interrupted):
        trainer.optimizer.step(lambda: next(calls) >= 3)
    assert_same(before, model)
    assert next(trainer).train_loss < 1


@pytest.mark.slow
@each_method
@pytest.mark.parametrize("batch", [None, 16])
def test_a_long_step_may_be_broken_off_at_every_operation(opt, batch):
    calm, disturbed = plain(), plain()
    one, other = trainer_of(calm, opt, batch=batch), trainer_of(disturbed, opt, batch=batch)
    asked = []
    for _ in range(2):
        one.optimizer.step()
        asked.clear()
        other.optimizer._seconds = 1.0  # only long steps are asked about within
        other.optimizer.step(lambda: asked.append(0))
    assert len(asked) > 60
    some = 1 + len(asked) // 60
    for patience in (*range(0, len(asked) - 25, some), *range(len(asked) - 25, len(asked))):
        other.optimizer._seconds = 1.0
        before, known, calls = snapshot(disturbed), memory(other), iter(range(10**6))
        with pytest.raises(Interrupted):
            other.optimizer.step(lambda calls=calls, most=patience: next(calls) >= most)
        assert torch.is_grad_enabled()
        assert_same(before, disturbed)
        assert memory(other) == known
    one.optimizer.step()
    other.optimizer.step()
    assert_same(snapshot(calm), disturbed)


def memory(trainer):
    return repr(trainer.optimizer._optimizer.state_dict())


@each_method
def test_a_short_step_asks_seldom(opt):
    trainer = trainer_of(plain(), opt)
    next(trainer)
    trainer.optimizer._seconds = 0.001
    asked = []
    trainer.optimizer.step(lambda: asked.append(0))
    assert len(asked) <= 30


@each_method
def test_steps_that_give_no_finite_value_are_refused_and_the_rate_lowered(opt):
    model = plain()
    trainer = trainer_of(model, opt, 40, lr=1e300)
    for record in trainer:
        assert math.isfinite(record.train_loss)
        assert finite(model)
    assert trainer.optimizer.lr < 1e300


@each_method
def test_a_loss_that_is_never_finite_ends_as_stalled(opt):
    model = KAN([1, 1])
    model.layer(0).set_symbol(0, 0, "log")
    x = torch.linspace(-1, 1, 20, dtype=F64)[:, None]
    before = snapshot(model)[0]
    trainer = Trainer(model, (x, x), 50, make_settings(opt=opt, update_grid=False))
    records = list(trainer)
    assert records[-1].stop_reason == "stalled"
    for name in ("layers.0.coef", "layers.0.base", "layers.0.affine"):
        assert torch.equal(before[name], model.state_dict()[name])


@each_method
def test_without_free_parameters_it_says_converged(opt):
    model = plain()
    model.requires_grad_(False)
    records = list(trainer_of(model, opt))
    assert [r.stop_reason for r in records] == ["converged"]


@each_method
def test_at_a_minimum_it_says_converged(opt):
    model = plain()
    x, _ = product_data()
    records = list(Trainer(model, (x, model(x).detach()), 5, make_settings(opt=opt, update_grid=False)))
    assert records[-1].stop_reason == "converged"


@each_method
@pytest.mark.parametrize("change", ["refine", "expand_width", "prune_node", "expand_depth"])
def test_networks_that_were_changed_can_be_trained(opt, change):
    model = plain()
    model.reference = product_data()[0]
    changed = {
        "refine": lambda: model.refine(7),
        "expand_width": lambda: model.expand_width(1, 2),
        "prune_node": lambda: model.prune_node(active=[[0, 2]]),
        "expand_depth": lambda: model.expand_depth(1),
    }[change]()
    records = list(trainer_of(changed, opt, 5))
    assert records[-1].train_loss < records[0].train_loss


@each_method
def test_it_works_where_gradients_are_switched_off(opt):
    with torch.no_grad():
        records = list(islice(trainer_of(plain(), opt), 3))
    assert records[-1].train_loss < records[0].train_loss


def test_changed_knots_and_settings_reload_the_optimiser_but_keep_its_lowered_rate():
    trainer = trainer_of(plain(), "Adam")
    method = trainer.optimizer
    next(trainer)
    method.lr = 1e-4
    trainer.configure(lamb=0.1)
    assert trainer.optimizer is method
    assert method.lr == 1e-4
    assert method._optimizer.state_dict()["state"] == {}
    trainer.rebuild()
    assert trainer.optimizer.lr == 1e-2


@pytest.mark.slow
@each_method
def test_a_loss_may_read_the_network_itself(opt):
    """An equation at other points, or a penalty of one's own: its gradient counts too."""
    model = KAN([2, 2, 1])
    list(
        Trainer(
            model,
            product_data(20),
            60,
            make_settings(
                opt=opt,
                lr=0.1,
                update_grid=False,
                loss=lambda output, label: (output - label).square().mean() + model.layer(0).base.square().sum(),
            ),
        )
    )
    assert float(model.layer(0).base.detach().abs().max()) < 0.05


@each_method
def test_hooks_of_the_parameters_are_heard(opt):
    model = KAN([2, 2, 1])
    before = model.layer(0).coef.detach().clone()
    model.layer(0).coef.register_hook(torch.zeros_like)
    list(trainer_of(model, opt, 3, update_grid=False))
    assert torch.equal(model.layer(0).coef, before)
    assert not model.layer(1).coef.grad.eq(0).all()
