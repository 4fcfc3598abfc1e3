"""Noise and smoothness that the data set."""

import copy
import json

import numpy as np
import pytest
import torch

from kanwidget import KAN, Dataset, EdgeRef, fit_many
from kanwidget.core.records import Freedom
from kanwidget.core.storage import load
from kanwidget.training import Trainer, make_settings
from kanwidget.training.evidence.errors import curve_errors, valid_posterior
from kanwidget.training.evidence.prices import heard


def table(rows, noise, seed=0, function=None):
    """Rows of sin 3a + b², scaled to variance 1, with a useless column, and fresh rows without noise."""
    function = function or (lambda x: torch.sin(3 * x[:, 0]) + x[:, 1] ** 2)
    generator = torch.Generator().manual_seed(seed)
    x, fresh = (torch.rand(n, 3, generator=generator, dtype=torch.float64) * 2 - 1 for n in (rows, 1000))
    truth = function(fresh)
    mean, spread = truth.mean(), truth.std()
    label = (function(x) - mean) / spread + noise * torch.randn(rows, generator=generator, dtype=torch.float64)
    return Dataset(x, label), fresh, (truth - mean) / spread


def error(model, x, truth):
    return float((model.predict(x)[:, 0] - truth).square().mean().sqrt())


@pytest.mark.parametrize(("rows", "noise"), [(60, 0.2), (200, 0.2), (200, 0.5)])
def test_a_fine_grid_does_not_learn_the_noise(rows, noise):
    data, x, truth = table(rows, noise)
    errors = {}
    for evidence in (True, False):
        model = KAN([3, 1], grid=15)
        model.fit(data, evidence=evidence, progress=False)
        errors[evidence] = error(model, x, truth)
    assert errors[True] < 0.6 * errors[False]
    assert errors[True] < noise


@pytest.mark.parametrize("noise", [0.05, 0.2, 0.5])
def test_the_noise_is_estimated(noise):
    ratios = []
    for seed in range(5):
        data, _, _ = table(300, noise, seed)
        ratios.append(KAN([3, 1], grid=8).fit(data, progress=False).last.noise / noise)
    assert sum(ratios) / 5 == pytest.approx(1, abs=0.06)


@pytest.mark.slow
def test_hidden_nodes_do_not_learn_the_noise_either():
    data, x, truth = table(200, 0.2, function=lambda x: torch.exp(torch.sin(3 * x[:, 0]) + x[:, 1] ** 2))
    model = KAN([3, 5, 1], grid=8)
    history = model.fit(data, progress=False)
    assert error(model, x, truth) < 0.15  # 0.4 without
    assert history.last.noise == pytest.approx(0.2, rel=0.2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 7])
def test_nodes_that_leave_their_grids_leave_the_evidence_sound(seed):
    # Of five hidden nodes at most two have a say; on a shrunken grid the matrix of another one is 1e8 times as large as the rest.
    data, _, _ = table(60, 0.05, seed, function=lambda x: torch.exp(torch.sin(3 * x[:, 0]) + x[:, 1] ** 2))
    model = KAN([3, 5, 1], grid=8, seed=seed)
    history = model.fit(data, progress=False)
    evidence = [record.log_evidence for record in history.records[20:]]
    assert min(evidence) > max(evidence) - 60  # 300 where the matrix has no factor
    assert model.posterior is not None


@pytest.mark.parametrize(("grid", "seed"), [(10, 0), (10, 9), (20, 3), (20, 6), (20, 7), (20, 15)])
def test_without_noise_it_ends_at_the_accuracy_of_the_grid(grid, seed):
    """The price of the useless column is so large that its rounding must not pull at the constants."""
    data, x, truth = table(400, 0.0, seed)
    errors = []
    for evidence in (True, False):
        model = KAN([3, 1], grid=grid)
        model.fit(data, evidence=evidence, progress=False)
        errors.append(error(model, x, truth))
    assert errors[0] < 1.05 * errors[1]
    assert errors[1] < 1e-3


def test_a_line_without_noise_ends_at_round_off():
    data, x, truth = table(100, 0.0, function=lambda x: 3 * x[:, 0] - x[:, 1])
    model = KAN([3, 1])
    model.fit(data, progress=False)
    assert error(model, x, truth) < 1e-9


def test_edges_answer_for_themselves():
    data, _, _ = table(300, 0.2, function=lambda x: torch.sin(3 * x[:, 0]) + x[:, 1])
    model = KAN([3, 1], grid=8)
    history = model.fit(data, progress=False)
    curve, line, useless = (model.posterior.freedom[EdgeRef(0, n, 0)] for n in range(3))
    assert curve.total > 3
    assert line.total == pytest.approx(1, abs=0.3)
    assert useless.total < 0.5
    total = sum(freedom.total for freedom in model.posterior.freedom.values())
    # And the constant, and of four parts that say too little to count what they are on average.
    assert total + 1 - 0.1 < history.last.freedom < total + 1 + 4


def test_evidence_prefers_the_right_structure():
    data, _, _ = table(200, 0.2, function=lambda x: x[:, 0] * x[:, 1])
    values = [KAN(width, grid=5).fit(data, progress=False).last.log_evidence for width in ([3, 1], [3, [0, 1], 1])]
    assert values[1] > values[0] + 10


@pytest.mark.slow
def test_bands_hold_the_curves():
    inside = []
    grid = torch.linspace(-1, 1, 101, dtype=torch.float64)
    for seed in range(8):
        data, x, truth = table(200, 0.3, seed)
        model = KAN([3, 1], grid=8)
        model.fit(data, progress=False)
        mean, std = model.predict(x, return_std=True)
        inside.append(((mean[:, 0] - truth).abs() <= 2 * std[:, 0]).double().mean())
        band = curve_errors(model, model.posterior, EdgeRef(0, 0, 0), grid)
        assert band.shape == (101,)
        assert (band > 0).all()
    assert 0.9 < float(torch.stack(inside).mean()) < 0.99


def test_errors_of_new_rows_have_their_noise():
    data, x, _ = table(200, 0.3)
    model = KAN([3, 1], grid=8)
    history = model.fit(data, progress=False)
    _, alone = model.predict(x, return_std=True)
    _, rows = model.predict(x, return_std=True, noise=True)
    assert torch.allclose(rows**2, alone**2 + history.last.noise**2)


def test_errors_are_in_the_unit_of_the_target():
    data, x, _ = table(200, 0.3)
    far = Dataset(1e-3 * data.train_input, 1e6 * data.train_label + 5e7)
    models = [KAN([3, 1], grid=8), KAN([3, 1], grid=8)]
    stds = []
    for model, part, inputs in zip(models, (data, far), (x, 1e-3 * x), strict=True):
        history = model.fit(part, progress=False)
        stds.append((model.predict(inputs, return_std=True)[1], history.last.noise))
    (first, first_noise), (second, second_noise) = stds
    assert second_noise == pytest.approx(1e6 * first_noise, rel=1e-2)
    assert float((second / first).mean()) == pytest.approx(1e6, rel=0.05)


# ---- what goes with it


def test_classes_are_smooth_too():
    generator = torch.Generator().manual_seed(3)
    x, fresh = (torch.rand(n, 3, generator=generator, dtype=torch.float64) * 2 - 1 for n in (200, 2000))
    labels, fresh_labels = (
        (torch.rand(len(part), generator=generator, dtype=torch.float64) < torch.sigmoid(3 * part[:, 0])).long()
        for part in (x, fresh)
    )
    losses = {}
    for evidence in (True, False):
        model = KAN([3, 2], grid=8)
        history = model.fit(Dataset(x, labels, fresh, fresh_labels), evidence=evidence, progress=False)
        losses[evidence] = history.last.test_loss
        assert history.last.noise is None
    assert losses[True] < losses[False]
    assert losses[True] < 1.05 * min(history["test_loss"])


def test_rows_without_weight_do_not_count():
    data, _, _ = table(200, 0.3)
    weight = torch.cat([torch.ones(100), torch.zeros(100)])
    half = Dataset(data.train_input[:100], data.train_label[:100])
    weighted, alone = KAN([3, 1], grid=5), KAN([3, 1], grid=5)
    options = {"progress": False, "update_grid": False}
    # The scales come from all rows: begin with the same ones.
    alone.fit(data, steps=0, **options)
    first = weighted.fit(data, sample_weight=weight, **options)
    second = alone.fit(half, **options)
    assert first.last.freedom == pytest.approx(second.last.freedom, rel=0.02)
    # Weights have mean 1: the rows that count weigh 2, and the noise is that of a row of weight 1.
    assert first.last.noise == pytest.approx(2**0.5 * second.last.noise, rel=0.02)


def test_several_networks_train_as_alone():
    data, _, _ = table(100, 0.3)
    together = [KAN([3, 2, 1], seed=seed) for seed in range(3)]
    alone = copy.deepcopy(together)
    _, histories = fit_many(together, data, steps=25, progress=False)
    for model, history in zip(alone, histories, strict=True):
        expected = model.fit(data, steps=25, progress=False)
        assert history["noise"][-1] == pytest.approx(expected["noise"][-1], rel=1e-4)


def product():
    """60 rows of a·b among four columns."""
    random = torch.Generator().manual_seed(4)
    x = 2 * torch.rand(60, 4, generator=random, dtype=torch.float64) - 1
    return Dataset(x, 3 * x[:, 0] * x[:, 1] + 0.05 * torch.randn(60, generator=random, dtype=torch.float64))


def test_a_network_that_has_no_shape_yet_does_not_count_as_noise():
    data = product()
    model = KAN([4, 5, 1], grid=8, seed=4)
    history = model.fit(data, progress=False)
    assert history["train_loss"][4] > 0.3 * data.train_label.std()
    assert history.last.noise < 0.2 * data.train_label.std()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hidden_nodes_do_not_take_a_wave_for_noise(seed):
    random = torch.Generator().manual_seed(9)
    x = 8 * torch.rand(250, 3, generator=random, dtype=torch.float64)
    truth = 1.4 * torch.sin(3.1 * x[:, 0] + 0.3) + 0.5 * x[:, 1]
    label = truth + 0.05 * torch.randn(250, generator=random, dtype=torch.float64)
    model = KAN([3, 4, 1], seed=seed)
    history = model.fit(Dataset(x, label), progress=False)
    assert history.last.noise < 0.1


def test_each_network_waits_for_its_own_shape():
    data = product()
    together = [KAN([4, 5, 1], grid=8, seed=seed) for seed in (3, 4)]
    alone = copy.deepcopy(together)
    _, histories = fit_many(together, data, steps=15, progress=False)
    begun = [int(np.isfinite(history["noise"]).sum()) for history in histories]
    assert begun[0] != begun[1]
    for model, history in zip(alone, histories, strict=True):
        expected = model.fit(data, steps=15, progress=False)
        assert history["noise"] == pytest.approx(expected["noise"], rel=1e-4, nan_ok=True)


def test_with_a_penalty_nothing_asks_the_data():
    data, _, _ = table(100, 0.3)
    model = KAN([3, 1])
    history = model.fit(data, steps=20, lamb=1e-3, progress=False)
    assert history.last.noise is None
    assert model.posterior is None


@pytest.mark.parametrize("option", [{"lamb": 1e-3}, {"continual": True}, {"smoothness": 1e-10}])
def test_what_decides_smoothness_itself_is_refused(option):
    data, _, _ = table(50, 0.3)
    model = KAN([3, 1])
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match="evidence"):
        model.fit(data, evidence=True, progress=False, **option)
    assert all(
        torch.equal(value, before[name]) for name, value in model.state_dict().items() if hasattr(value, "shape")
    )


@pytest.mark.parametrize("k", [0, 1, 2, 5])
def test_every_order_of_splines(k):
    data, x, truth = table(300, 0.3)
    errors = []
    for evidence in (True, False):
        model = KAN([3, 1], grid=10, k=k)
        model.fit(data, evidence=evidence, progress=False)
        errors.append(error(model, x, truth))
    assert errors[0] < errors[1]


def test_frozen_tied_symbolic_and_product_edges():
    data, x, truth = table(200, 0.2)
    model = KAN([3, [2, 1], 1], grid=5)
    model.freeze(0, 2, 0)
    model.lock(0, [(0, 0), (1, 0)])
    model.fix_symbolic(0, 0, 1, "sin", data=data)
    model.remove_edge(0, 1, 1)
    history = model.fit(data, steps=60, progress=False)
    edges = set(model.posterior.freedom)
    assert EdgeRef(0, 2, 0) not in edges  # frozen
    assert EdgeRef(0, 1, 0) not in edges  # tied: its first member stands for it
    assert EdgeRef(0, 0, 1) not in edges  # symbolic
    assert history.last.noise == pytest.approx(0.2, rel=0.3)
    assert error(model, x, truth) < 0.2


def test_a_state_is_restored_bit_for_bit():
    data, _, _ = table(100, 0.3)
    model = KAN([3, 2, 1])
    trainer = Trainer(model, data, None, make_settings())
    for _ in range(12):
        next(trainer)
    parameters, state = copy.deepcopy(model.state_dict()), trainer.state_dict()
    freedom, settled = trainer.posterior().freedom, trainer.posterior().settled
    first = [next(trainer).noise for _ in range(5)]
    model.load_state_dict(parameters)
    trainer.load_state_dict(state)
    assert (trainer.posterior().freedom, trainer.posterior().settled) == (freedom, settled)
    assert [next(trainer).noise for _ in range(5)] == first


def test_a_sum_goes_on_as_it_would_have_from_each_step():
    # Between two of them its prices settle, and from the next update on they move to averages.
    data, _, _ = table(60, 0.3)
    trainer = Trainer(KAN([3, 1]), data, None, make_settings())
    states, losses = [], []
    for _ in range(20):
        states.append((copy.deepcopy(trainer.network.state_dict()), trainer.state_dict()))
        losses.append(next(trainer).train_loss)
    assert trainer.posterior().settled
    for number, (parameters, state) in enumerate(states[:-1]):
        again = Trainer(KAN([3, 1]), data, None, make_settings())
        again.network.load_state_dict(parameters)
        again.load_state_dict(json.loads(json.dumps(state)))
        assert [next(again).train_loss for _ in range(2)] == losses[number : number + 2]


def test_more_rows_begin_to_count_anew():
    # With so much noise the evidence of the sample settles before more rows come.
    data, _, _ = table(4000, 1.0, function=lambda x: x[:, 0] ** 2 + torch.sin(x[:, 1]))
    sampled, whole = (KAN([3, 1]).fit(data, steps=60, rows=rows, progress=False) for rows in (200, None))
    # Of all rows, not of the sample that it began with.
    assert sampled.last.log_evidence == pytest.approx(whole.last.log_evidence, rel=0.01)


def test_a_state_within_the_coarse_steps_goes_on_as_it_would_have():
    data, _, _ = table(100, 0.0)
    trainer = Trainer(KAN([3, 2, 1], seed=1), data, None, make_settings())
    while trainer.record().train_loss > 0.2:  # a start from here would count as one that fits
        assert next(trainer).noise is None
    parameters, state = copy.deepcopy(trainer.network.state_dict()), trainer.state_dict()
    first = [next(trainer).train_loss for _ in range(3)]
    again = Trainer(trainer.network, data, None, make_settings())
    again.network.load_state_dict(parameters)
    again.load_state_dict(state)
    assert [next(again).train_loss for _ in range(3)] == first
    del state["optimizer"]["fits"]  # as earlier versions stored it
    again.load_state_dict(state)


def test_a_state_with_updates_goes_on_with_them_however_young_it_is():
    data, _, _ = table(100, 0.3)
    trainer = Trainer(KAN([3, 2, 1]), data, None, make_settings())
    for _ in range(12):
        next(trainer)
    state = trainer.state_dict()
    state["optimizer"]["age"] = [2]
    trainer.load_state_dict(state)
    assert trainer.posterior() is not None
    assert next(trainer).noise is not None


@pytest.mark.parametrize(("coarse", "first"), [(True, 21), (False, 6)])
def test_what_looks_like_noise_waits_for_its_shape_unless_it_has_one(coarse, first):
    """Of noisy rows hidden nodes never leave less than the part that says that a shape is there."""
    data, _, _ = table(200, 1.5)
    history = KAN([3, 2, 1]).fit(data, steps=30, coarse=coarse, progress=False)
    assert next(record.step for record in history.records if record.noise is not None) == first
    free, priced = (KAN([3, 2, 1]).fit(data, steps=5, coarse=kind, progress=False) for kind in (True, False))
    assert free.last.train_loss < priced.last.train_loss  # wiggle is cheap until then


def test_a_posterior_belongs_to_its_parameters(tmp_path):
    data, x, _ = table(100, 0.3)
    model = KAN([3, 1])
    model.fit(data, progress=False)
    expected = model.predict(x, return_std=True)[1]
    model.save(tmp_path / "m.kan")
    assert torch.equal(load(tmp_path / "m.kan", KAN).predict(x, return_std=True)[1], expected)
    with torch.no_grad():
        model.layer(0).coef += 0.1
    assert valid_posterior(model) is None
    with pytest.raises(ValueError, match="return_std"):
        model.predict(x, return_std=True)


@pytest.mark.slow
def test_the_value_of_a_level_that_training_hadnt_is_as_open_as_levels_differ():
    pandas, inside, levels = pytest.importorskip("pandas"), [], 12
    for seed in range(15):
        rng = np.random.default_rng(seed)
        offset = {f"level {i}": float(value) for i, value in enumerate(rng.normal(0, 2, levels + 1))}
        x, word = rng.uniform(0, 1, 300), rng.choice([*offset][:levels], 300)
        y = 3 * x + [offset[one] for one in word] + 0.5 * rng.normal(size=300)
        frame = pandas.DataFrame({"x": x, "word": word, "y": y})
        model = KAN.for_data((frame, "y"))
        model.fit((frame, "y"), progress=False)
        asked = pandas.DataFrame({"x": [0.5, 0.5], "word": [f"level {levels}", "level 0"]})
        value, error = model.predict(asked, return_std=True)
        truth = torch.tensor([1.5 + offset[f"level {levels}"], 1.5 + offset["level 0"]])
        inside.append(((value[:, 0] - truth).abs() < 2 * error[:, 0]).tolist())
        assert 1 < error[0] < 4
        assert error[1] < 0.2
    for part in np.mean(inside, axis=0):
        assert part >= 0.8


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_of_two_columns_that_say_the_same_one_stays(seed):
    """Each says nothing beside the other; most smoke none, and a pack has twenty cigarettes."""
    random = torch.Generator().manual_seed(seed)
    smokes, amount, other = torch.rand(3, 1000, 1, dtype=torch.float64, generator=random)
    cigarettes = torch.where(smokes < 0.85, 0.0, (40 * amount).ceil())
    y = 120 - 0.5 * cigarettes + 20 * torch.randn(1000, 1, dtype=torch.float64, generator=random)
    model = KAN([3, 1], grid=8)
    model.fit((torch.cat([cigarettes, cigarettes / 20, other], 1), y), progress=False)
    one, same, useless = (model.posterior.freedom[EdgeRef(0, n, 0)].total for n in range(3))
    assert min(one, same) == 0 < max(one, same)
    assert useless == 0


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_hidden_nodes_tell_the_columns_that_matter(seed):
    """Of f(g(x)) each layer could say by its first derivatives what the other says: neither is needless for that."""
    data, _, _ = table(100, 0.1, seed, function=lambda x: torch.exp(torch.sin(3 * x[:, 0]) + x[:, 1] ** 2))
    model = KAN([3, 5, 1], grid=8)
    model.fit(data, progress=False)
    freedom = [sum(model.posterior.freedom[EdgeRef(0, n, node)].total for node in range(5)) for n in range(3)]
    assert min(freedom[:2]) > 0.5 > freedom[2]


def test_functions_in_another_layer_do_not_speak_for_a_curve():
    data, _, _ = table(200, 0.1, function=lambda x: torch.exp(torch.sin(3 * x[:, 0])))
    model = KAN([3, 1, 1])
    model.fix_symbolic(1, 0, 0, "exp", params=[1, 0, 1, 0])
    model.fit(data, progress=False)
    freedom = [model.posterior.freedom[EdgeRef(0, n, 0)].total for n in range(3)]
    assert freedom[0] > 3 > freedom[1] == freedom[2] == 0


def test_what_no_edge_makes_use_of_says_nothing():
    says, silent = Freedom(1.0, 2.0), Freedom(0.0, 0.0)
    freedom = {
        EdgeRef(0, 0, 0): says,  # its node has no edge that says something
        EdgeRef(0, 1, 1): says,
        EdgeRef(1, 0, 0): silent,
        EdgeRef(1, 1, 0): says,
        EdgeRef(1, 2, 0): says,  # its node is constant
    }
    model = KAN([2, 3, 1])
    for edge in set(model.edge_refs()) - set(freedom):
        model.remove_edge(*edge)
    expected = {edge: says if edge in (EdgeRef(0, 1, 1), EdgeRef(1, 1, 0)) else silent for edge in freedom}
    assert heard(model, freedom) == expected
