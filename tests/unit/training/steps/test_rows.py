"""Large tables: a training begins with a sample of the rows, and takes all of them last."""

import copy

import pytest
import torch

from kanwidget import KAN, fit_many
from kanwidget.datasets import Dataset
from kanwidget.training.objective.loss import LOSSES
from kanwidget.training.steps import rows
from kanwidget.training.steps.rows import RowSchedule
from kanwidget.training.steps.settings import make_settings
from kanwidget.training.steps.trainer import Trainer
from kanwidget.training.steps.training_data import prepare

OPTIONS = {"progress": False, "rows": 64}


def table(count=3000, noise=0.05, seed=0, **parts):
    generator = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(count, 2, generator=generator, dtype=torch.float64) - 1
    y = (
        torch.sin(2 * x[:, [0]])
        + x[:, [1]] ** 2
        + noise * torch.randn(count, 1, generator=generator, dtype=torch.float64)
    )
    half = count // 2
    return Dataset(x[:half], y[:half], x[half:], y[half:], **parts)


DATA = table()


def schedule_of(network, data, **options):
    settings = make_settings(**options)
    prepared = prepare(network, data, settings)
    return RowSchedule(network, prepared, settings), prepared


def events(history):
    return [(event.step, event.label) for event in history.events if event.kind == "rows"]


def error_of(network, data=DATA):
    with torch.no_grad():
        return float((network(data.test_input) - data.test_label).square().mean().sqrt())


def weights_of(network):
    return [parameter.detach().clone() for parameter in network.parameters()]


def equal(one, other):
    return all(torch.equal(a, b) for a, b in zip(weights_of(one), weights_of(other), strict=True))


# ---- how many rows


@pytest.mark.parametrize(
    ("count", "options", "first"),
    [
        (10_000, {}, 10_000),
        (20_000, {}, 2000),
        (20_000, {"rows": None}, 20_000),
        (20_000, {"rows": 500}, 500),
        (400, {"rows": 500}, 400),
        (20_000, {"batch": 64}, 20_000),
        (20_000, {"loss": lambda output, label: ((output - label) ** 2).mean()}, 20_000),
    ],
)
def test_a_training_begins_with_a_sample_where_that_saves_time(count, options, first, monkeypatch):
    monkeypatch.setattr(rows, "_MUCH_WORK", 1e5)
    data = (torch.rand(count, 2, dtype=torch.float64), torch.rand(count, 1, dtype=torch.float64))
    schedule, _ = schedule_of(KAN([2, 1]), data, **options)
    assert (schedule.count, schedule.total) == (first, count)


def test_small_steps_take_all_rows_and_large_networks_a_larger_sample():
    data = (torch.rand(50_000, 2, dtype=torch.float64), torch.rand(50_000, 1, dtype=torch.float64))
    assert schedule_of(KAN([2, 1]), data)[0].complete  # fourteen parameters
    network = KAN([2, 40, 1])
    assert schedule_of(network, data)[0].count == 5 * network.n_parameters


def test_the_default_leaves_small_tables_as_they_were():
    one, other = KAN([2, 2, 1], seed=1), KAN([2, 2, 1], seed=1)
    histories = [one.fit(DATA, steps=12, progress=False), other.fit(DATA, steps=12, progress=False, rows=None)]
    assert equal(one, other)
    assert histories[0]["test_loss"] == histories[1]["test_loss"]
    assert events(histories[0]) == []


# ---- growing


def test_the_rows_grow_as_the_error_stalls_and_the_last_steps_take_all():
    model = KAN([2, 2, 1], seed=1)
    history = model.fit(DATA, steps=100, **OPTIONS)
    steps, texts = zip(*events(history), strict=True)
    assert texts == tuple(f"training on {count} 1,500 rows" for count in ("64 of", "256 of", "all"))
    assert steps == tuple(sorted(set(steps)))
    assert history.last.stop_reason == "converged"
    assert len(history) < 100
    whole = KAN([2, 2, 1], seed=1)
    whole.fit(DATA, steps=100, progress=False, rows=None)
    assert history.last.test_loss == pytest.approx(error_of(model), rel=1e-12)
    assert error_of(model) < 1.01 * error_of(whole)


def test_a_larger_sample_waits_until_its_own_error_stalls():
    schedule, _ = schedule_of(KAN([2, 1]), DATA, rows=64)
    schedule.observe(1.0, "converged")
    assert schedule.due(1, None) == 256
    schedule.take(256)
    assert schedule.due(2, None) is None


@pytest.mark.parametrize(("steps", "last"), [(40, 4), (10, 3), (2, 2)])
def test_a_short_training_ends_with_steps_on_all_rows(steps, last):
    history = KAN([2, 2, 1], seed=1).fit(table(noise=0.0), steps=steps, progress=False, rows=750)
    assert events(history)[-1] == (steps - last, "training on all 1,500 rows")


def test_a_training_without_an_error_goes_on_where_an_optimizer_would_stop():
    """On three rows it has converged at once: then it needs more of them, and isn't done."""
    history = KAN([2, 2, 1], seed=0).fit(DATA, steps=60, progress=False, rows=3)
    assert events(history)[-1][1] == "training on all 1,500 rows"
    assert history.last.test_loss < 0.06


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LM", "LBFGS", "Adam"])
def test_every_optimizer_goes_on_with_more_rows(opt):
    history = KAN([2, 2, 1], seed=1).fit(DATA, opt, steps=40, **OPTIONS)
    assert events(history)[-1][1] == "training on all 1,500 rows"
    assert history.optimizer == opt
    assert history.last.test_loss < history.records[0].test_loss


def test_the_damping_goes_on():
    trainer = Trainer(KAN([2, 2, 1], seed=1), DATA, None, make_settings(rows=64))
    while trainer.rows.count == 64:
        damping = trainer.optimizer.damping.item()
        next(trainer)
    assert trainer.optimizer.damping.item() < 10 * damping < 1


def test_the_same_seed_gives_the_same_network():
    one, other, third = (KAN([2, 2, 1], seed=1) for _ in range(3))
    for network, seed in ((one, 3), (other, 3), (third, 4)):
        network.fit(DATA, steps=12, seed=seed, **OPTIONS)
    assert equal(one, other)
    assert not equal(one, third)


def test_a_training_whose_loss_is_not_finite_stops_on_its_sample():
    data = Dataset(DATA.train_input, 1e200 * DATA.train_label)
    network = KAN([2, 1], seed=1)
    network.output_scale = ([0.0], [1.0])
    with torch.no_grad():
        network.layer(0).coef.fill_(1e200)
    history = network.fit(data, steps=9, **OPTIONS)
    assert history.stop_reason.startswith("stalled")


def test_the_optimizer_is_the_one_for_all_rows(monkeypatch):
    from kanwidget.training.optimizers import table as optimizers

    monkeypatch.setattr(optimizers, "_LM_WORK", 1000 * KAN([2, 2, 1]).n_parameters ** 2)
    assert KAN([2, 2, 1]).fit(DATA, steps=2, **OPTIONS).optimizer == "LBFGS"


# ---- which rows


def test_samples_are_nested_and_span_the_columns():
    model = KAN([2, 1])
    schedule, data = schedule_of(model, DATA, rows=64)
    small = schedule.part(data)
    schedule.take(256)
    large = schedule.part(data)
    assert torch.equal(large.dataset.train_input[:64], small.dataset.train_input)
    for sample in (small, large):
        x = sample.dataset.train_input
        assert x.amin(0).tolist() == DATA.train_input.amin(0).tolist()
        assert x.amax(0).tolist() == DATA.train_input.amax(0).tolist()
    schedule.take(schedule.total)
    assert schedule.part(data) is data


def test_labels_and_weights_go_with_their_rows():
    weight = DATA.train_input[:, 0] + 1.0
    schedule, data = schedule_of(KAN([2, 1]), DATA, rows=64, sample_weight=weight)
    sample = schedule.part(data)
    where = (sample.dataset.train_input[:, None] == DATA.train_input).all(-1).double().argmax(1)
    assert len(where.unique()) == 64
    assert torch.equal(sample.labels["train"], DATA.train_label[where])
    torch.testing.assert_close(sample.weights["train"][:, 0], weight[where] / weight[where].mean())


def test_rows_without_weight_come_last():
    weight = torch.zeros(1500)
    weight[::10] = 1.0
    schedule, data = schedule_of(KAN([2, 1]), DATA, rows=100, sample_weight=weight)
    assert (schedule.part(data).weights["train"] > 0).sum() >= 96  # all but those with the ends of the columns


def test_rare_classes_are_in_every_sample():
    label = torch.zeros(3000, dtype=torch.long)
    label[::3] = 2
    label[[7, 1500, 2999]] = 1
    x = torch.rand(3000, 2, dtype=torch.float64)
    schedule, data = schedule_of(KAN([2, 3]), (x, label), rows=90)
    counts = torch.bincount(schedule.part(data).labels["train"][:, 0])
    assert counts[1] == 3
    assert 20 <= counts[2] <= 45
    history = KAN([2, 3], seed=1).fit((x, label), steps=8, progress=False, rows=90)
    assert history.last.train_loss < 1.0


def test_the_test_error_is_that_of_a_fixed_sample_until_the_end(monkeypatch):
    monkeypatch.setattr(rows, "_TEST_ROWS", 100)
    model = KAN([2, 2, 1], seed=1)
    trainer = Trainer(model, DATA, None, make_settings(rows=64))
    seen = set()
    for record in trainer:
        sample = trainer.rows.part(trainer._training_data).dataset
        seen.add((trainer.rows.count, tuple(sample.test_input[:3, 0].tolist())))
        assert record.test_loss == pytest.approx(error_of(model, sample), rel=1e-9)
        if trainer.rows.complete:
            break
    assert len(sample.test_input) == 1500
    assert len({first for count, first in seen if count < 1500}) == 1


def test_the_best_state_is_one_of_the_largest_sample():
    data = copy.copy(DATA)
    model = KAN([2, 2, 1], seed=1)
    errors = []

    def observe(network, record):
        errors.append((record.validation_loss, weights_of(network)))

    history = model.fit(data, steps=60, callbacks=[observe], validation=(DATA.test_input, DATA.test_label), **OPTIONS)
    last = events(history)[-1][0]
    best = min(errors[last:], key=lambda pair: pair[0])
    assert all(torch.equal(a, b) for a, b in zip(best[1], weights_of(model), strict=True))


# ---- interruptions


@pytest.mark.slow
def test_more_rows_can_be_interrupted_anywhere(monkeypatch):
    """Whichever of its operations comes before the pause: the training goes on as if it hadn't been there."""
    from kanwidget.training.steps import trainer as trainers

    monkeypatch.setattr(trainers, "_LONG_ROWS", 100)
    pauses = [10**9]

    def interrupted():
        pauses[0] -= 1
        return pauses[0] == 0

    def trained(until):
        pauses[0] = 10**9
        trainer = Trainer(KAN([2, 2, 1], seed=1), DATA, None, make_settings(rows=64), interrupted)
        while trainer.rows.due(trainer.step_count, None) is None:
            next(trainer)
        for pause in until:
            pauses[0] = pause
            with pytest.raises(StopIteration):
                next(trainer)
            assert trainer.stop_reason == "interrupted"
            trainer.stop_reason = ""
        pauses[0] = 10**9
        records = [next(trainer) for _ in range(3)]
        return trainer, records, 10**9 - pauses[0]

    plain, records, _ = trained([])
    for until in ([1], [2, 30], [60], [100, 5, 200], [300]):
        other, again, _ = trained(until)
        assert [r.train_loss for r in again] == [r.train_loss for r in records]
        assert equal(plain.network, other.network)


# ---- the arguments


@pytest.mark.parametrize("value", [0, -1, 2.5, "all", True])
def test_wrong_rows_are_named(value):
    with pytest.raises(ValueError, match="`rows` argument of fit"):
        KAN([2, 1]).fit(DATA, steps=1, rows=value, progress=False)


def test_rows_stay_as_they_were():
    trainer = Trainer(KAN([2, 1]), DATA, None, make_settings(rows=64))
    trainer.configure(lamb=0.1)
    with pytest.raises(ValueError, match="`rows` argument of configure"):
        trainer.configure(rows=128)
    trainer.configure(opt="Adam", batch=32)
    assert trainer.rows.complete  # a batch is a sample already


def test_losses_of_the_table_are_sampled():
    assert all(row.factor is not None for row in LOSSES.values())


def test_many_networks_train_as_one_does():
    alone, together = KAN([2, 2, 1], seed=1), [KAN([2, 2, 1], seed=seed) for seed in (1, 2)]
    history = alone.fit(DATA, steps=20, **OPTIONS)
    _, histories = fit_many(together, DATA, steps=20, **OPTIONS)
    assert equal(alone, together[0])
    assert histories[0]["test_loss"] == history["test_loss"]
    assert events(histories[0]) == events(history)
    assert histories[0].stop_reason == history.stop_reason
