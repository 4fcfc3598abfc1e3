"""Many networks in one batch: the same as one by one."""

import copy
import math
import pickle

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.training import fit_many, make_settings, many
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt
from kanwidget.training.steps.networks import TrainingBatch
from kanwidget.training.steps.trainer import NOT_FINITE
from kanwidget.training.steps.training_data import prepare
from tests.support.networks import F64, ZOO, assert_same, product_data, products, snapshot, symbolic, tied, uniform
from tests.unit.training.many_samples import dataset, networks


def compare(ours, histories, alone, *, rel=1e-6):
    for model, history, (other, expected) in zip(ours, histories, alone, strict=True):
        steps = min(len(history), len(expected), 12)  # round-off grows with the steps
        for column in ("train_loss", "test_loss", "penalty", "damping"):
            assert history[column][:steps] == pytest.approx(expected[column][:steps], rel=rel, nan_ok=True), column
        assert [(e.step, e.kind) for e in history.events if e.step < steps] == [
            (e.step, e.kind) for e in expected.events if e.step < steps
        ]
        assert history.optimizer == expected.optimizer
        if len(history) == len(expected) == steps:
            x = uniform(20, model.n_features)
            torch.testing.assert_close(model.predict(x), other.predict(x), rtol=1e-4, atol=1e-6)


def one_by_one(models, data, **options):
    several = data if isinstance(data, list) else [data] * len(models)
    lambs = options.pop("lamb", 0.0)
    lambs = lambs if isinstance(lambs, list) else [lambs] * len(models)
    return [
        (model, model.fit(own, lamb=lamb, progress=False, **options))
        for model, own, lamb in zip(models, several, lambs, strict=True)
    ]


@pytest.mark.parametrize("lamb", [0.0, 1e-3, [0.0, 1e-4, 1e-3, 1e-2, 0.0]])
def test_the_same_as_one_by_one(lamb):
    data = dataset()
    ours, histories = fit_many(networks(), data, "LM", 12, lamb=lamb, progress=False)
    compare(ours, histories, one_by_one(networks(), data, opt="LM", steps=12, lamb=lamb))


def test_a_pair_of_plain_lists_is_one_problem():
    x, y = product_data(10)
    data = (x.tolist(), y.tolist())
    ours, histories = fit_many(networks(2), data, "LM", 3, progress=False)
    compare(ours, histories, one_by_one(networks(2), data, opt="LM", steps=3))


def test_each_learns_its_own_data():
    several = [dataset(seed=seed) for seed in range(5)]
    ours, histories = fit_many(networks(), several, "LM", 12, progress=False)
    compare(ours, histories, one_by_one(networks(), several, opt="LM", steps=12))


@pytest.mark.parametrize("kind", ZOO)
def test_all_states_of_edges(kind):
    def made():
        return [ZOO[kind](seed=seed) for seed in range(3)]

    x = uniform(40, made()[0].n_features, seed=1)
    data = (x, uniform(40, made()[0].n_out, seed=2))
    ours, histories = fit_many(made(), data, "LM", 6, lamb=1e-3, progress=False)
    compare(ours, histories, one_by_one(made(), data, opt="LM", steps=6, lamb=1e-3))


def test_classes():
    x, y = product_data(60)
    data = Dataset(x, (y[:, 0] > 0).long())

    def made():
        return [KAN([2, 2, 2], seed=seed) for seed in range(3)]

    ours, histories = fit_many(made(), data, "LM", 6, progress=False)
    compare(ours, histories, one_by_one(made(), data, opt="LM", steps=6))


def test_weights_metrics_and_validation():
    x, y = product_data(40, seed=3)
    data = dataset(val_input=x, val_label=y)
    options = {
        "sample_weight": uniform(60, 1, low=0.0),
        "metrics": [lambda output, label: (output - label).abs().max()],
    }
    ours, histories = fit_many(networks(3), data, "LM", 6, progress=False, **options)
    alone = one_by_one(networks(3), data, opt="LM", steps=6, **options)
    compare(ours, histories, alone)
    for history, (_, expected) in zip(histories, alone, strict=True):
        assert history["validation_loss"] == pytest.approx(expected["validation_loss"], rel=1e-6)
        assert history["<lambda>"] == pytest.approx(expected["<lambda>"], rel=1e-6)


@pytest.mark.parametrize("together", [False, True])
def test_a_validation_loss_that_is_no_number_is_no_best_one(together):
    x = torch.linspace(1, 2, 30, dtype=F64)[:, None]
    validation = torch.tensor([[-1.5], [1.5]], dtype=F64)
    model = symbolic([1, 1], "log")  # at first undefined for the first of these
    data = Dataset(x, torch.log(x + 2), val_input=validation, val_label=torch.log(validation + 2))
    if together:
        fit_many([model], data, steps=30, progress=False)
    else:
        model.fit(data, steps=30, progress=False)
    losses = model.history["validation_loss"]
    assert math.isnan(losses[0])
    reached = (model.predict(validation) - torch.log(validation + 2)).square().mean().sqrt()
    assert float(reached) == pytest.approx(min(loss for loss in losses if not math.isnan(loss)), rel=1e-6)


def test_with_validation_data_each_ends_in_its_best_state():
    x, y = product_data(20, seed=3)
    few = Dataset(x, y + 0.3 * uniform(20, 1), val_input=uniform(30, 2, seed=4), val_label=product_data(30, seed=4)[1])
    ours, histories = fit_many(networks(4, grid=8), few, "LM", 30, progress=False)
    for model, history in zip(ours, histories, strict=True):
        error = (model.predict(few.val_input) - few.val_label).square().mean().sqrt()
        assert float(error) == pytest.approx(min(history["validation_loss"]), rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LBFGS", "Adam"])
def test_gradient_methods_go_one_by_one(opt):
    data = dataset()
    ours, histories = fit_many(networks(3), data, opt, 4, progress=False)
    compare(ours, histories, one_by_one(networks(3), data, opt=opt, steps=4), rel=1e-12)


def test_where_grids_move_the_small_gains_of_other_networks_are_counted_on():
    models, settings = networks(2), [make_settings(), make_settings(update_grid=False)]
    group = TrainingBatch(models, [prepare(model, dataset(), settings[0]) for model in models], settings)
    group.optimizer._small_gains += 3
    group.optimizer.step = lambda interrupted: []
    assert group.advance(10, lambda: False) == ([], [0])
    assert group.optimizer._small_gains.tolist() == [0, 3]


@pytest.mark.slow
def test_networks_that_stop_early_keep_what_they_had():
    """Of two that solve a linear problem and two that don't."""
    x = uniform(80, 2)
    easy, hard = (x, x[:, [0]] - 2 * x[:, [1]]), (x, torch.sin(5 * x[:, [0]] * x[:, [1]]))

    def made():
        return [KAN([2, 1], base_fun="zero", seed=seed) for seed in range(12)]

    data = [easy if index < 2 else hard for index in range(12)]
    ours, histories = fit_many(made(), data, "LM", 40, update_grid=False, progress=False)
    alone = one_by_one(made(), data, opt="LM", steps=40, update_grid=False)
    for model, history, (other, expected) in zip(ours, histories, alone, strict=True):
        assert history.stop_reason == expected.stop_reason
        # The same way; how many steps are taken where only round-off is gained, before that is noticed, is chance.
        both = [torch.tensor(one["train_loss"][: min(len(history), len(expected))]) for one in (history, expected)]
        torch.testing.assert_close(*both, rtol=1e-5, atol=1e-9)
        if len(history) == len(expected) or history["train_loss"][-1] < 1e-9:
            torch.testing.assert_close(model.predict(x), other.predict(x), rtol=0, atol=1e-7)
        else:  # or where the evidence has come to rest, but for less than anybody could tell
            last = [one.records[-1].log_evidence for one in (history, expected)]
            assert abs(last[0] - last[1]) < 0.05
    assert len({len(history) for history in histories}) > 1


def test_of_different_structure_rows_and_type_each_finds_its_group():
    models = [KAN([2, 3, 1]), KAN([2, 1]), KAN([2, 3, 1], seed=1), products(), KAN([2, 3, 1], dtype=torch.float32)]
    data = [dataset(), dataset(), dataset(40), dataset(), dataset()]
    x = uniform(60, 2)
    data[3] = (x, torch.cat([x, x[:, :1] * x[:, 1:]], 1))
    ours, histories = fit_many(models, data, steps=5, progress=False)
    assert ours is not models
    assert all(found is given for found, given in zip(ours, models, strict=True))
    assert all(history["train_loss"][-1] < history["train_loss"][0] for history in histories)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"grid": 5, "k": 3}, {"grid": 6, "k": 2}),
        ({"mult_arity": [[], [2, 3], []]}, {"mult_arity": [[], [3, 2], []]}),
    ],
    ids=["as many coefficients", "as many factors"],
)
def test_networks_of_one_shape_may_be_of_different_structure(one, other):
    def made():
        return [KAN([2, [0, 2], 1], seed=1, **options) for options in (one, other)]

    ours, histories = fit_many(made(), dataset(), "LM", 6, progress=False)
    compare(ours, histories, one_by_one(made(), dataset(), opt="LM", steps=6))


def test_a_small_memory_makes_more_chunks_of_the_same(monkeypatch):
    made = []
    original = TrainingBatch.__init__

    def seen(self, networks, *others):
        made.append(len(networks))
        original(self, networks, *others)

    monkeypatch.setattr(TrainingBatch, "__init__", seen)
    whole, _ = fit_many(networks(), dataset(), "LM", 5, progress=False)
    assert made == [5]
    parts, _ = fit_many(networks(), dataset(), "LM", 5, max_memory_mb=1.0, progress=False)
    assert made[1:] == [2, 2, 1]
    for one, other in zip(whole, parts, strict=True):
        torch.testing.assert_close(one.layer(0).coef, other.layer(0).coef)


def test_afterwards_no_network_shares_storage_with_another():
    ours, _ = fit_many(networks(3), dataset(), "LM", 3, progress=False)
    sizes = {len(pickle.dumps(model)) for model in ours}
    assert max(sizes) < 1.1 * len(pickle.dumps(networks(1, grid=3)[0])) + 512 * 2 * 8
    places = [
        t.untyped_storage().data_ptr() for m in ours for t in m.state_dict().values() if isinstance(t, torch.Tensor)
    ]
    assert len(set(places)) == len(places)
    assert copy.deepcopy(ours[0]).fit(dataset(), steps=1, progress=False)


def test_interrupted_it_returns_what_there_is(monkeypatch):
    original = TrainingBatch.advance

    def advance(self, step, interrupted):
        if step == 4:
            raise KeyboardInterrupt
        return original(self, step, interrupted)

    monkeypatch.setattr(TrainingBatch, "advance", advance)
    ours, histories = fit_many(networks(4), dataset(), "LM", 20, max_memory_mb=1.0, progress=False)
    assert [len(history) for history in histories] in ([4, 4, 0, 0], [4, 4, 4, 0], [4, 0, 0, 0])
    assert all(history.stop_reason == "interrupted" for history in histories)
    x, y = dataset().train_input, dataset().train_label
    error = (ours[0].predict(x) - y).square().mean().sqrt()
    assert float(error) == pytest.approx(histories[0].last.train_loss, rel=1e-9)


def test_auto_tells_of_options_without_effect(caplog):
    fit_many(networks(2), dataset(), steps=1, lr=0.1, progress=False)
    (record,) = caplog.records
    assert record.message.startswith("lr has no effect: opt='auto' has taken LM.")


def test_names_of_columns_stay_with_the_networks():
    ours, _ = fit_many(networks(2), dataset(in_vars=["mass", "speed"]), "LM", 1, progress=False)
    assert [model.in_vars for model in ours] == [("mass", "speed")] * 2


def test_a_network_that_was_trained_gets_its_columns_by_name():
    data = dataset(in_vars=["mass", "speed"])
    swapped = Dataset(data.train_input.flip(1), data.train_label, in_vars=["speed", "mass"])
    ours, theirs = networks(2), networks(2)
    for models in (ours, theirs):
        fit_many(models, data, "LM", 2, progress=False)
    fit_many(ours, swapped, "LM", 2, progress=False)
    fit_many(theirs, Dataset(data.train_input, data.train_label), "LM", 2, progress=False)
    for one, other in zip(ours, theirs, strict=True):
        assert one.in_vars == other.in_vars == ("mass", "speed")
        torch.testing.assert_close(one.layer(0).coef, other.layer(0).coef)


def test_what_networks_have_in_common_is_stored_once():
    data, settings = dataset(), make_settings(opt="LM", lamb=1e-3, evidence=False)
    models = networks(3)
    group = TrainingBatch(models, [prepare(models[0], data, settings)] * 3, [settings] * 3)
    objective, method = group.objective, group.optimizer
    first = objective.first_design
    for shared in (objective.x, objective.y, first(), first.root(), method._metric, method._ridge):
        assert shared.stride(0) == 0
        assert len(shared) == 3
    with torch.no_grad():
        objective.stack.layers[0].knots[1] *= 2  # those of one network
    assert first().stride(0) > 0
    torch.testing.assert_close(first()[1:2], models[1].layer(0).design(data.train_input)[None])


def test_no_steps_change_nothing():
    models = networks(2)
    before = [snapshot(model) for model in models]
    _, histories = fit_many(models, dataset(), steps=0, progress=False)
    assert [history.stop_reason for history in histories] == ["steps done"] * 2
    for state, model in zip(before, models, strict=True):
        for name in ("layers.0.coef", "layers.1.coef"):
            assert torch.equal(state[0][name], model.state_dict()[name])


def test_networks_from_a_generator_are_handed_back():
    models, histories = fit_many((KAN([2, 1], seed=seed) for seed in range(2)), dataset(), steps=1, progress=False)
    assert [model.seed for model in models] == [0, 1]
    assert len(histories) == 2


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"networks": []}, "networks"),
        ({"networks": [1, 2]}, "networks"),
        ({"networks": KAN([2, 1])}, r"networks.*\[model\] for one"),
        ({"lamb": [0.0]}, "lamb"),
        ({"lamb": [0.0, -1.0]}, "lamb"),
        ({"data": [dataset()]}, "data"),
        ({"data": [dataset(), (uniform(5, 3), uniform(5, 1))]}, "data"),
        ({"max_memory_mb": 0}, "max_memory_mb"),
        ({"opt": "LM", "lr": 0.1}, "`lr` argument of fit_many must be left out with opt='LM'"),
        ({"steps": -1}, "steps"),
        ({"loss": lambda output, label: (output - label).abs().mean(), "opt": "LM"}, "opt"),
    ],
)
def test_what_does_not_fit_is_named_and_nothing_is_trained(arguments, named):
    models = networks(2)
    before = snapshot(models[0])
    given = {"networks": models, "data": dataset(), "progress": False} | arguments
    with pytest.raises(ValueError, match=named):
        fit_many(given.pop("networks"), given.pop("data"), **given)
    assert_same(before, models[0])


def test_the_same_network_twice_is_refused():
    model = tied()
    with pytest.raises(ValueError, match="differ"):
        fit_many([model, model], dataset())


@pytest.mark.slow
def test_regrouping_changes_nothing(monkeypatch):
    """Whether stopped networks leave at once or stay to the end."""
    found = []
    for share in (0.01, 2.0):
        monkeypatch.setattr(many, "_STOPPED_PART", share)
        ours, histories = fit_many(networks(4, grid=2), dataset(20), "LM", 60, lamb=1e-2, progress=False)
        found.append(([len(h) for h in histories], [m.layer(0).coef.detach().clone() for m in ours]))
    assert found[0][0] == pytest.approx(found[1][0], abs=3)
    for one, other in zip(found[0][1], found[1][1], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_networks_that_share_parameters_are_refused():
    model = tied()
    with pytest.raises(ValueError, match="share no parameters"):
        fit_many([model, copy.copy(model)], dataset())


def test_a_network_remembers_this_training_too():
    models = networks(2)
    models[1].fit(dataset(), steps=2, progress=False)
    _, histories = fit_many(models, dataset(), "LM", 3, progress=False)
    assert models[0].history["train_loss"] == histories[0]["train_loss"]
    assert models[1].history["step"] == [1, 2, 3, 4, 5]
    assert models[1].history.stop_reason == "steps done"


def test_a_loss_that_is_no_number_is_told_as_fit_does():
    x, y = product_data(20)
    data = Dataset(x, y * 1e200)
    models = networks(3)
    for model in models:
        model.scaling.settle()  # without a scale of the outputs
    _, histories = fit_many(models[:2], data, "LM", 5, progress=False)
    alone = models[2].fit(data, opt="LM", steps=5, progress=False)
    assert {history.stop_reason for history in histories} == {alone.stop_reason} == {NOT_FINITE}


def test_whatever_fails_the_networks_are_separate_again(monkeypatch):
    def fails(self, places=None):
        raise MemoryError

    monkeypatch.setattr(LevenbergMarquardt, "reload", fails)
    models = networks(3)
    with pytest.raises(MemoryError):
        fit_many(models, dataset(), "LM", 3, progress=False)
    assert all(p.untyped_storage().nbytes() == p.nbytes for model in models for p in model.parameters())


def test_networks_of_one_table_keep_their_own_units():
    """One has settled its scales on other data."""
    x = uniform(150, 2)
    y = torch.sin(3 * x[:, :1]) + x[:, 1:] ** 2
    begun = KAN([2, 1], seed=1)
    begun.fit((x, y), steps=3, progress=False)
    data = Dataset(100 * x + 50, 5 * y)
    ours, theirs = ([copy.deepcopy(begun), KAN([2, 1], seed=2)] for _ in range(2))
    trained, histories = fit_many(ours, data, steps=4, progress=False)
    compare(trained, histories, [(one, one.fit(data, steps=4, progress=False)) for one in theirs])
