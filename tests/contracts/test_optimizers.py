"""Every row of the table of optimizers does what a trainer relies on."""

import copy
import json
from itertools import islice

import pytest
import torch

from kanwidget.training import OPTIMIZERS, Interrupted, Trainer, make_settings
from tests.support.networks import ZOO, assert_same, finite, plain, product_data, snapshot, tied, uniform

each_method = pytest.mark.parametrize("opt", OPTIMIZERS)
each_kind = pytest.mark.parametrize("kind", ZOO)


def trainer_of(model, opt, steps=6, **options):
    data = uniform(40, model.n_features), uniform(40, model.n_out, seed=1)
    return Trainer(model, data, steps, make_settings(opt=opt, **options))


@each_kind
@each_method
def test_it_improves(opt, kind):
    trainer = trainer_of(ZOO[kind](), opt, 4)
    start = trainer.record().train_loss
    *_, last = trainer
    assert last.train_loss < start
    assert finite(trainer.network)


@each_kind
@each_method
def test_it_moves_only_what_is_free(opt, kind):
    model = ZOO[kind]()
    model.layer(0).base.requires_grad_(False)
    trainer = trainer_of(model, opt, 2, update_grid=False, lamb=1e-3)
    before = copy.deepcopy(model)
    parameters = trainer.optimizer.parameters
    list(trainer)
    moved = 0
    for index, layer_index in enumerate(parameters.layers):
        old, new = before.layer(index), model.layer(index)
        width = old.coef.shape[-1]
        for name, columns in (
            ("coef", layer_index.numeric[..., :width]),
            ("base", layer_index.numeric[..., width]),
            ("affine", layer_index.affine),
        ):
            fixed = columns < 0
            assert torch.equal(getattr(new, name)[fixed], getattr(old, name)[fixed]), name
            moved += int((getattr(new, name) != getattr(old, name)).sum())
    assert moved > 0


@pytest.mark.slow
@each_method
def test_what_is_no_parameter_stays_but_for_the_reference(opt):
    model = ZOO["everything"]()
    before = snapshot(model)
    list(trainer_of(model, opt, 3, update_grid=False))
    after = snapshot(model)
    for name in before[0]:
        if name.rpartition(".")[2] in ("knots", "spline_on", "frozen", "columns"):
            assert torch.equal(before[0][name], after[0][name]), name
        if name.endswith("_extra_state"):
            assert before[0][name] == after[0][name]
    assert before[1] == after[1]


@each_method
def test_edges_that_share_parameters_stay_equal(opt):
    model = tied()
    list(trainer_of(model, opt))
    weight, t = model.layer(0).weight(), torch.linspace(-1, 1, 7, dtype=torch.float64)
    assert torch.equal(weight[0, 0], weight[0, 1])
    assert torch.equal(model.curve((0, 0, 2), t).y, model.curve((0, 1, 2), t).y)


@each_method
@pytest.mark.parametrize("patience", [0, 1, 2])
def test_an_interrupted_step_leaves_everything_as_it_was(opt, patience):
    trainer = trainer_of(plain(), opt, lamb=1e-3)
    next(trainer)
    before, calls = snapshot(trainer.network), iter(range(100))
    try:
        trainer.optimizer.step(lambda: next(calls) >= patience)
    except Interrupted:
        assert_same(before, trainer.network)
    else:
        assert next(calls) <= patience  # the step was over before


@pytest.mark.slow
@each_method
def test_interrupted_steps_taken_again_make_no_difference(opt):
    stop = [False]
    calm = trainer_of(plain(), opt)
    disturbed = Trainer(
        plain(), (calm.data.train_input, calm.data.train_label), 6, make_settings(opt=opt), lambda: stop[0]
    )
    list(calm)
    for _ in range(6):
        stop[0] = True
        assert list(islice(disturbed, 1)) == []
        stop[0], disturbed.stop_reason = False, ""
        next(disturbed)
    assert_same(snapshot(calm.network), disturbed.network)


@pytest.mark.slow
@each_method
def test_the_same_seed_gives_the_same_bits(opt):
    trainers = [trainer_of(ZOO["everything"](), opt, 4, lamb=1e-3) for _ in range(2)]
    records = [[(r.train_loss, r.penalty, r.damping) for r in trainer] for trainer in trainers]
    assert records[0] == records[1]
    assert_same(snapshot(trainers[0].network), trainers[1].network)


@each_method
def test_it_notices_new_parameters_after_rebuild(opt):
    model = plain()
    trainer = Trainer(model, product_data(), 40, make_settings(opt=opt, update_grid=False))
    next(trainer)
    model.remove_edge(0, 0, 0)
    coef = model.layer(0).coef[0, 0].tolist()
    model.layer(1).coef.data += 1.0
    trainer.rebuild()
    start = trainer.record().train_loss
    assert next(trainer).train_loss < start
    assert model.layer(0).coef[0, 0].tolist() == coef


@pytest.mark.slow
@each_method
def test_classes_weights_and_penalties(opt):
    x, y = product_data()
    weight = uniform(60, 1, low=0.1, high=1.0)
    model = ZOO["plain"]()
    wide = model.expand_depth()
    settings = make_settings(opt=opt, sample_weight=weight, lamb=1e-3, lamb_coef=0.1)
    records = list(Trainer(wide, (x, torch.zeros(60, dtype=torch.long)), 2, settings))
    assert len(records) >= 1
    records = list(Trainer(model, (x, y), 6, settings))
    assert records[-1].train_loss < records[0].train_loss
    assert records[-1].penalty > 0


@pytest.mark.slow
@each_method
def test_its_state_leads_on_bit_for_bit(opt):
    options = {"lamb": 1e-3, "update_grid": False} | ({"batch": 8} if not OPTIMIZERS[opt].all_rows else {})
    trainer = trainer_of(plain(), opt, 8, **options)
    list(islice(trainer, 3))
    state, middle = trainer.state_dict(), copy.deepcopy(trainer.network)
    list(trainer)
    again = trainer_of(middle, opt, 8, **options)
    again.load_state_dict(state)
    assert (again.step_count, again.seconds, again.stop_reason) == (3, state["seconds"], "")
    list(again)
    assert_same(snapshot(trainer.network), again.network)


@each_method
def test_a_plain_state_is_json(opt):
    trainer = trainer_of(plain(), opt)
    next(trainer)
    if OPTIMIZERS[opt].plain_state:
        state = trainer.optimizer.state_dict()
        assert json.loads(json.dumps(state)) == state
        assert all(isinstance(values, list) for values in state.values())


@each_method
def test_the_state_of_another_optimizer_is_left(opt):
    trainer = trainer_of(plain(), opt)
    state = trainer.state_dict() | {"opt": "another", "optimizer": {"x": 1}, "step_count": 4}
    start = repr(trainer.optimizer.state_dict())
    trainer.load_state_dict(state)
    assert trainer.step_count == 4
    assert repr(trainer.optimizer.state_dict()) == start
