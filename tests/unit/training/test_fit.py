"""`fit`: history, callbacks, validation, weights, classification, the choice of the method."""

import math

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.training.optimizers import table
from kanwidget.training.steps.loop import close_bar
from tests.support.networks import F64, assert_same, plain, product_data, snapshot, states, tied, uniform


def fit(model, data=None, **options):
    return model.fit(data or product_data(), **{"progress": False, "steps": 10, **options})


def moons(rows=120):
    """Two interleaved half circles with a little noise."""
    angle = math.pi * uniform(rows, 1, seed=1, low=0.0, high=1.0)
    upper = torch.arange(rows)[:, None] % 2 == 0
    x = torch.where(upper, torch.cos(angle), 1 - torch.cos(angle))
    y = torch.where(upper, torch.sin(angle), 0.5 - torch.sin(angle))
    noise = 0.1 * uniform(rows, 2, seed=2)
    return torch.cat([x, y], 1) + noise, (~upper[:, 0]).long()


# ---- history


def test_columns_of_the_history():
    x, y = product_data(80)
    data = {"train_input": x[:60], "train_label": y[:60], "test_input": x[60:], "test_label": y[60:]}

    def worst(output, label):
        return (output - label).abs().max()

    history = fit(plain(), data, lamb=1e-3, metrics=[worst])
    table = history.to_dict()
    assert set(table) == {
        "step", "train_loss", "test_loss", "penalty", "seconds", "damping", "validation_loss", "worst",
        "noise", "log_evidence", "freedom",
    }  # fmt: skip
    assert {len(column) for column in table.values()} == {len(history)}
    assert history["step"] == list(range(1, len(history) + 1))
    assert all(map(math.isfinite, history["train_loss"] + history["test_loss"] + history["penalty"] + history["worst"]))
    assert all(map(math.isnan, history["validation_loss"]))
    assert (history.optimizer, history.stop_reason) == ("LM", "steps done")
    with pytest.raises(KeyError, match="no column 'loss'; it has step, train_loss"):
        history["loss"]


def test_the_model_remembers_all_its_trainings():
    model = plain()
    first, second = fit(model, steps=4), fit(model, steps=3, opt="Adam")
    assert [r.step for r in second] == [1, 2, 3]
    assert [r.step for r in model.history] == [1, 2, 3, 4, 5, 6, 7]
    assert model.history["train_loss"] == first["train_loss"] + second["train_loss"]
    assert model.history.optimizer == "Adam"
    assert sorted(model.history["seconds"]) == model.history["seconds"]


@pytest.mark.slow
def test_same_seed_same_bits():
    for opt in ("LM", "LBFGS", "Adam"):
        models = [states(), states()]
        histories = [fit(m, opt=opt, steps=12 if opt == "LM" else 4, lamb=1e-3) for m in models]
        assert histories[0]["train_loss"] == histories[1]["train_loss"]
        for (name, a), b in zip(models[0].state_dict().items(), models[1].state_dict().values(), strict=True):
            assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b, name


def test_no_steps_set_the_reference_only():
    model = plain()
    before = snapshot(model)[0]
    history = fit(model, steps=0)
    assert (len(history), history.stop_reason) == (0, "steps done")
    after = snapshot(model)[0]
    changed = {n for n, v in before.items() if isinstance(v, torch.Tensor) and not torch.equal(v, after[n])}
    assert changed == {"reference", "scaling.fixed"}


# ---- callbacks and interruptions


def test_callbacks_see_every_step():
    seen, model = [], plain()
    history = fit(model, callbacks=[lambda network, record: seen.append((network is model, record.step))])
    assert seen == [(True, r.step) for r in history]


def test_a_callback_that_returns_true_ends_the_training():
    history = fit(plain(), callbacks=[lambda _, record: record.step == 3, lambda *_: 1])
    assert (len(history), history.stop_reason) == (3, "callback")


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interruption_keeps_the_best_state(error):
    model, states_seen = plain(), {}

    def interrupt(network, record):
        states_seen[record.step] = (record.train_loss, snapshot(network)[0])
        if record.step == 4:
            # Somebody spoils the parameters: the best state is then an earlier one.
            network.layer(1).coef.data.add_(5.0)
        if record.step == 5:
            raise error

    if error is KeyboardInterrupt:
        history = fit(model, callbacks=[interrupt])
        assert (len(history), history.stop_reason) == (5, "interrupted")
    else:
        with pytest.raises(RuntimeError):
            fit(model, callbacks=[interrupt])
    assert len(model.history) == 5
    best = states_seen[min(states_seen, key=lambda step: states_seen[step][0])][1]
    after = snapshot(model)[0]
    assert torch.equal(after["layers.1.coef"], best["layers.1.coef"])


def test_the_best_state_is_judged_with_the_penalty():
    """With a strong penalty the loss rises while the objective falls."""
    model = plain()
    fit(model, steps=20)

    def interrupt(network, record):
        if record.step == 6:
            raise KeyboardInterrupt

    history = fit(model, lamb=1e-3, callbacks=[interrupt], update_grid=False)
    assert history["train_loss"][-1] > history["train_loss"][0]
    x, y = product_data()
    with torch.no_grad():
        now = float(((model(x) - y) ** 2).mean().sqrt())
    assert now == pytest.approx(history["train_loss"][-1])


def test_validation_keeps_the_best_state():
    x, y = product_data(24)
    noisy = y + 0.3 * uniform(24, 1, seed=5)
    val = product_data(200, seed=9)
    model = KAN([2, 5, 1], grid=10)
    history = fit(model, (x, noisy), validation=val, steps=40, evidence=False)
    losses = history["validation_loss"]
    assert min(losses) < 0.9 * losses[-1]
    with torch.no_grad():
        assert float(((model(val[0]) - val[1]) ** 2).mean().sqrt()) == pytest.approx(min(losses))


# ---- losses


@pytest.mark.parametrize("opt", ["auto", "LBFGS"])
def test_classification(opt):
    x, label = moons()
    model = KAN([2, 3, 2], grid=4)
    history = fit(model, (x, label), opt=opt, steps=25)
    assert history.optimizer == ("LM" if opt == "auto" else opt)
    assert float((model.predict(x).argmax(1) == label).double().mean()) > 0.95
    logits = model.predict(x)
    exact = float(torch.nn.functional.cross_entropy(logits, label))
    assert history.last.train_loss == pytest.approx(exact)


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LBFGS", "Adam"])
def test_a_loss_of_ones_own(opt):
    x, y = product_data()

    def smooth(output, label):
        return torch.nn.functional.smooth_l1_loss(output, label)

    history = fit(plain(), (x, y), opt=opt, loss=smooth)
    assert history["train_loss"][-1] < history["train_loss"][0]


def test_losses_below_zero_are_reported_as_they_are():
    history = fit(plain(), opt="Adam", loss=lambda output, label: ((output - label) ** 2).mean() - 5)
    assert all(-5 <= loss < 0 for loss in history["train_loss"])


# ---- weights


@pytest.mark.parametrize("kind", ["regression", "classes"])
def test_weights_equal_repeated_rows(kind):
    x, y = product_data(40)
    counts = torch.arange(40) % 3
    rows = torch.repeat_interleave(torch.arange(40), counts)
    label = y if kind == "regression" else (y[:, 0] > 0).long()
    width = [2, 3, 1 if kind == "regression" else 2]
    weighted, repeated = KAN(width, seed=3), KAN(width, seed=3)
    # By evidence repeated rows say more: a row's weight is the precision of one measurement.
    options = {"steps": 6, "update_grid": False, "evidence": False}
    one = fit(weighted, (x, label), sample_weight=counts.double(), **options)
    other = fit(repeated, (x[rows], label[rows]), **options)
    assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-6)
    torch.testing.assert_close(weighted(x), repeated(x), rtol=1e-4, atol=1e-6)


def test_only_ratios_of_weights_count():
    one, other = plain(), plain()
    weight = uniform(60, 1, seed=4, low=0.5, high=2.0)
    fit(one, sample_weight=weight)
    fit(other, sample_weight=(1024 * weight).flatten().tolist())
    torch.testing.assert_close(one.layer(0).coef, other.layer(0).coef)


# ---- the choice of the method


def test_auto_takes_adam_for_batches_and_lbfgs_for_other_losses():
    assert fit(plain(), batch=10, steps=1).optimizer == "Adam"
    assert fit(plain(), loss=lambda output, label: (output - label).abs().mean(), steps=1).optimizer == "LBFGS"
    assert fit(plain(), steps=1).optimizer == "LM"
    assert fit(KAN([2, 2]), (product_data()[0], torch.arange(60) % 2), steps=1).optimizer == "LM"


def test_auto_takes_lbfgs_for_large_networks(monkeypatch):
    monkeypatch.setattr(table, "_LM_PARAMETERS", 10)
    assert fit(plain(), steps=1).optimizer == "LBFGS"


# ---- data


def test_all_kinds_of_data_are_the_same():
    x, y = product_data()
    kinds = [
        (x, y),
        [x.numpy(), y.numpy()],
        {"train_input": x, "train_label": y, "test_input": x, "test_label": y},
        Dataset(x, y),
        (x.tolist(), y[:, 0].tolist()),
    ]
    losses = [fit(plain(), data, steps=3)["train_loss"] for data in kinds]
    assert all(found == losses[0] for found in losses)


def test_the_data_are_left_alone():
    x, y = product_data()
    copies = x.clone(), y.clone()
    model = plain()
    fit(model, (x, y))
    model.reference.zero_()
    assert torch.equal(x, copies[0])
    assert torch.equal(y, copies[1])


def test_a_fit_in_float32_of_float64_data():
    model = plain(dtype=torch.float32)
    history = fit(model, steps=20)
    assert model.reference.dtype == torch.float32
    assert history["train_loss"][-1] < 0.1 * history["train_loss"][0]


def test_ties_and_pins_survive_a_fit():
    model = tied()
    x = uniform(60, 3)
    frozen = model.layer(1).coef[1, 1].tolist()
    fit(model, (x, x[:, :2] ** 2), steps=25)
    assert model.layer(1).coef[1, 1].tolist() == frozen
    t = torch.linspace(-1, 1, 9, dtype=F64)
    torch.testing.assert_close(model.curve((0, 0, 0), t).y, model.curve((0, 1, 0), t).y)


def test_refused_data_leave_everything_as_it_was():
    model = plain()
    fit(model, steps=2)
    before = snapshot(model)
    with pytest.raises(ValueError, match="2 input columns"):
        fit(model, (uniform(9, 3), uniform(9, 1)))
    assert_same(before, model)


def test_the_progress_bar_is_the_only_thing_that_is_shown(capfd):
    fit(plain(), steps=2)
    assert capfd.readouterr() == ("", "")
    plain().fit(product_data(), steps=2)
    out, err = capfd.readouterr()
    assert out == ""
    assert "fit" in err


class Bar:
    """What `close_bar` needs of a bar."""

    def __init__(self, n, total):
        self.n, self.total, self.start_t, self.closed = n, total, 17.0, False

    def reset(self, total):
        self.n, self.total, self.start_t = 0, total, 18.0

    def update(self, n):
        self.n += n

    def close(self):
        self.closed = True


@pytest.mark.parametrize(("finished", "full"), [(True, True), (False, False)])
def test_a_bar_is_full_when_fewer_steps_were_enough_and_not_when_it_broke_off(finished, full):
    bar = Bar(20, 60)
    close_bar(bar, finished)
    assert ((bar.n == bar.total), bar.n, bar.start_t, bar.closed) == (full, 20, 17.0, True)


def test_a_training_that_converges_fills_its_bar(capfd):
    x = uniform(50, 1)
    history = KAN([1, 1], grid=3, seed=0).fit((x, 2 * x), steps=300)
    assert (history.stop_reason, len(history) < 300) == ("converged", True)
    assert f"100%|██████████| {len(history)}/{len(history)}" in capfd.readouterr().err


def test_a_training_that_is_interrupted_does_not(capfd):
    def interrupt(*_):
        raise KeyboardInterrupt

    plain().fit(product_data(), steps=9, callbacks=[interrupt])
    assert "100%" not in capfd.readouterr().err
