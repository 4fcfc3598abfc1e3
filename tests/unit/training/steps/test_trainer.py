"""The generator of steps: records, settings that change between them, interruptions, grids."""

import math
from itertools import islice, pairwise

import pytest
import torch

from kanwidget import KAN
from kanwidget.training import Trainer, make_settings
from tests.support.networks import assert_same, plain, product_data, snapshot, unchanged, uniform


def trainer_of(model=None, steps=100, *, rows=60, interrupted=lambda: False, **options):
    return Trainer(model or plain(), product_data(rows), steps, make_settings(**options), interrupted)


def test_records_count_from_one_and_the_last_says_why():
    records = list(trainer_of(steps=4))
    assert [r.step for r in records] == [1, 2, 3, 4]
    assert [r.stop_reason for r in records] == [None, None, None, "steps done"]
    assert all(a.seconds <= b.seconds for a, b in pairwise(records))


def test_no_steps():
    trainer = trainer_of(steps=0)
    assert list(trainer) == []
    assert trainer.stop_reason == "steps done"


def test_to_stop_is_to_stop_iterating_and_to_go_on_is_to_iterate_again():
    whole, parts = plain(), plain()
    list(trainer_of(whole, 8))
    trainer = trainer_of(parts, 8)
    assert len(list(islice(trainer, 3))) == 3
    assert [r.step for r in trainer] == [4, 5, 6, 7, 8]
    assert_same(snapshot(whole), parts)
    assert list(trainer) == []


def test_without_a_number_of_steps_it_goes_on_until_it_has_converged():
    model = KAN([1, 1])
    x = uniform(100, 1)
    records = list(Trainer(model, (x, 2 * x - 1), None))
    assert records[-1].stop_reason in ("converged", "stalled")
    assert records[-1].train_loss < 1e-10


def test_the_present_state_as_a_record_costs_no_step():
    trainer = trainer_of()
    with unchanged(trainer.network):
        before = trainer.record()
    first = next(trainer)
    assert (before.step, first.step) == (0, 1)
    assert first.train_loss < before.train_loss
    assert trainer.record().train_loss == first.train_loss


def test_losses_are_root_mean_squares_on_each_part():
    x, y = product_data(90)
    data = {
        "train_input": x[:50], "train_label": y[:50], "test_input": x[50:70], "test_label": y[50:70],
        "val_input": x[70:], "val_label": y[70:],
    }  # fmt: skip
    model = plain()
    record = next(Trainer(model, data, 1))
    with torch.no_grad():
        squares = (model(x) - y) ** 2
    assert record.train_loss == pytest.approx(math.sqrt(float(squares[:50].mean())))
    assert record.test_loss == pytest.approx(math.sqrt(float(squares[50:70].mean())))
    assert record.validation_loss == pytest.approx(math.sqrt(float(squares[70:].mean())))


def test_settings_act_on_the_next_step():
    trainer = trainer_of(update_grid=False)
    assert next(trainer).penalty == 0
    trainer.configure(lamb=0.1)
    plain_steps = trainer.record()
    assert plain_steps.penalty > 0
    penalised = next(trainer)
    assert penalised.penalty < plain_steps.penalty
    assert [(e.step, e.kind, e.label) for e in trainer.events] == [(1, "lamb", "lamb = 0.1")]
    trainer.configure(lamb=0.0)
    assert next(trainer).penalty == 0


def test_the_kind_of_penalty_may_change():
    trainer = trainer_of(lamb=0.01)
    first = trainer.record().penalty
    trainer.configure(reg_metric="edge_backward", lamb_entropy=0.0)
    assert trainer.record().penalty != first


def test_the_optimiser_may_change():
    trainer = trainer_of()
    next(trainer)
    assert trainer.opt == "LM"
    trainer.configure(opt="Adam", lr=1e-3)
    assert trainer.opt == "Adam"
    record = next(trainer)
    assert (record.step, record.damping) == (2, None)


@pytest.mark.parametrize(
    "change", [{"lamb": -1.0}, {"opt": "SGD"}, {"reg_metric": "no"}, {"lr": 0.0}, {"lambda": 1.0}, {"batch": 3}]
)
def test_settings_that_are_refused_change_nothing(change):
    trainer = trainer_of(opt="LM", steps=6, update_grid=False)
    twin = trainer_of(opt="LM", steps=6, update_grid=False)
    next(trainer), next(twin)
    settings = trainer.settings
    with pytest.raises(ValueError, match="argument of fit"):
        trainer.configure(**change)
    assert trainer.settings is settings
    assert trainer.events == []
    assert [r.train_loss for r in trainer] == [r.train_loss for r in twin]


@pytest.mark.parametrize("change", [{"loss": "cross_entropy"}, {"sample_weight": [1.0] * 60}])
def test_what_the_data_were_prepared_for_cannot_change_between_steps(change):
    with pytest.raises(ValueError, match="left as it was"):
        trainer_of().configure(**change)


def test_parameters_that_change_from_outside_are_noticed_by_rebuild():
    trainer = trainer_of(update_grid=False)
    list(islice(trainer, 5))
    trainer.network.layer(0).coef.data.mul_(3.0)
    trainer.rebuild()
    before = trainer.record().train_loss
    assert next(trainer).train_loss < before


def _fix(model):
    model.fix_symbolic(0, 0, 0, "sin")


def _remove(model):
    model.remove_edge(0, 0, 1)


def _lock(model):
    model.lock(0, [(0, 0), (1, 0)])


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LM", "LBFGS", "Adam"])
@pytest.mark.parametrize("change", [_fix, _remove, _lock])
def test_a_structure_that_a_callback_changes_is_trained_from_the_next_step_on(change, opt):
    model = plain()

    def at_step_3(network, record):
        if record.step == 3:
            change(network)

    model.fit(product_data(60), opt=opt, steps=6, update_grid=False, callbacks=[at_step_3], progress=False)
    twin = plain()
    twin.fit(product_data(60), opt=opt, steps=3, update_grid=False, progress=False)
    change(twin)
    twin.fit(product_data(60), opt=opt, steps=3, update_grid=False, progress=False)
    for parameter, other in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(parameter, other)


def test_an_interrupted_step_ends_the_iteration_and_is_discarded():
    stop = [False]
    trainer = trainer_of(interrupted=lambda: stop[0])
    next(trainer)
    before, damping = snapshot(trainer.network), trainer.optimizer.damping
    stop[0] = True
    assert list(trainer) == []
    assert trainer.stop_reason == "interrupted"
    assert trainer.step_count == 1
    assert_same(before, trainer.network)
    assert trainer.optimizer.damping == damping


def test_an_interrupted_step_takes_the_grids_it_had_moved_along():
    options = {"grid_update_num": 1, "stop_grid_update_step": 2}
    calm, stop = trainer_of(steps=5, **options), [False]
    trainer = trainer_of(steps=5, interrupted=lambda: stop[0], **options)
    list(islice(calm, 2)), list(islice(trainer, 2))
    before, damping = snapshot(trainer.network), trainer.optimizer.damping
    stop[0] = True
    assert list(trainer) == []
    assert_same(before, trainer.network)
    assert trainer.optimizer.damping == damping
    assert trainer.events == []
    stop[0], trainer.stop_reason = False, ""
    assert [r.train_loss for r in trainer] == [r.train_loss for r in calm]
    assert [e.kind for e in trainer.events] == ["grid"]
    assert_same(snapshot(calm.network), trainer.network)


def test_an_error_while_grids_are_moved_leaves_them_as_they_were(monkeypatch):
    trainer = trainer_of(steps=5, grid_update_num=1, stop_grid_update_step=2)
    list(islice(trainer, 2))
    before, reload = snapshot(trainer.network), trainer.optimizer.reload
    failures = iter([KeyboardInterrupt()])

    def broken(places=None):
        for error in failures:
            raise error
        reload(places)

    monkeypatch.setattr(trainer.optimizer, "reload", broken)
    with pytest.raises(KeyboardInterrupt):
        next(trainer)
    assert_same(before, trainer.network)


def test_grids_follow_the_data_once_training_has_begun():
    x = uniform(80, 2, low=5.0, high=9.0)
    model = plain()
    model.scaling.settle()
    trainer = Trainer(model, (x, x.sum(1, keepdim=True)), 30)
    start = model.layer(0).grid.clone()
    next(trainer)
    assert torch.equal(model.layer(0).grid, start)
    list(trainer)
    assert [e.kind for e in trainer.events][:1] == ["grid"]
    assert float(model.layer(0).grid.min()) > 4.5


@pytest.mark.parametrize("options", [{"update_grid": False}, {"grid_update_num": 0}, {"stop_grid_update_step": 0}])
def test_grids_can_be_left_alone(options):
    x = uniform(80, 2, low=5.0, high=9.0)
    model = plain()
    knots = [layer.knots.clone() for layer in model.layers]
    trainer = Trainer(model, (x, x.sum(1, keepdim=True)), 12, make_settings(**options))
    list(trainer)
    assert trainer.events == []
    assert all(torch.equal(layer.knots, old) for layer, old in zip(model.layers, knots, strict=True))


def test_between_grid_updates_the_objective_never_rises():
    trainer = trainer_of(steps=40, lamb=1e-3)
    total, events = math.inf, 0
    for record in trainer:
        now = record.train_loss**2 + record.penalty
        if len(trainer.events) == events:
            assert now <= total
        total, events = now, len(trainer.events)


def test_a_reference_of_at_most_512_rows_is_left_with_the_network():
    trainer = trainer_of(rows=60)
    assert torch.equal(trainer.network.reference, trainer.data.train_input)
    large = trainer_of(rows=2000)
    assert large.network.reference.shape == (512, 2)
    assert large.network.reference.data_ptr() != large.data.train_input.data_ptr()


def test_metrics_are_columns_by_name():
    def worst(output, label):
        return (output - label).abs().max()

    record = next(trainer_of(metrics=[worst]))
    assert set(record.metrics) == {"worst"}
    named = next(trainer_of(metrics={"mine": worst}))
    assert named.metrics["mine"] == record.metrics["worst"]


def test_a_record_is_one_of_the_parameters_that_the_network_has_now():
    model = plain()
    trainer = Trainer(model, product_data(), 5)
    before = trainer.record().train_loss
    model.layer(1).base = torch.nn.Parameter(model.layer(1).base.detach() + 1.0)
    x, y = product_data()
    error = float((model.predict(x) - y).square().mean().sqrt())
    assert trainer.record().train_loss == pytest.approx(error) != before
