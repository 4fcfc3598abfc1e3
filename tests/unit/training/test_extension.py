"""`extend`: a ladder of grids that ends when held-out rows say so, and a result that no single grid of it beats."""

import copy
import math

import pytest
import torch

from kanwidget import KAN, Dataset, create_dataset, fit_many
from kanwidget.core.records import History, StepRecord
from kanwidget.training.extension import extend_steps
from kanwidget.training.extension_trainings import ExtensionStep


def wave(rows=200, noise=0.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = 6 * torch.rand(rows, 1, generator=generator, dtype=torch.float64) - 3
    y = (2 * x).sin() + noise * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    test = torch.linspace(-2.9, 2.9, 300, dtype=torch.float64)[:, None]
    return Dataset(x, y, test, (2 * test).sin())


def error(model, data):
    return float((model.predict(data) - data.test_label).square().mean().sqrt())


@pytest.mark.slow
def test_the_grid_grows_until_the_target_is_reached():
    data = wave()
    model = KAN([1, 1], grid=3)
    finer = model.extend(data, target=1e-4, progress=False)
    assert finer.grid > 3
    assert error(finer, data) < 2e-4
    assert model.grid == 3
    assert not model.history.records
    assert finer.history.events[-1].label == f"grid {finer.grid} kept: the held-out error has reached the target"


def test_an_error_that_is_not_finite_is_a_step_like_others():
    losses = (0.5, math.inf, math.nan, 0.2, 0.3)
    history = History([StepRecord(n, loss, None, 0.0, 0.0, validation_loss=loss) for n, loss in enumerate(losses, 1)])
    step = ExtensionStep((KAN([1, 1]),), 3, "spread", (history,))
    assert step.best_steps == 4
    assert step.validation_loss == 0.2
    assert not step.settled
    lost = ExtensionStep((KAN([1, 1]),), 3, "spread", (History(history.records[1:3]),))
    assert lost.best_steps == 0
    assert lost.validation_loss == math.inf


@pytest.mark.slow
def test_steps_are_the_grids_and_the_last_one_is_the_result():
    data = wave()
    steps = list(extend_steps(KAN([1, 1], grid=3), data, [3, 6, 12], seed=1))
    assert [step.grid for step in steps] == [3, 6, 12, 12]
    assert [step.stop_reason for step in steps] == [None, None, None, "last grid"]
    assert steps[0].knots == "own"
    assert all(step.knots in ("spread", "adapted") for step in steps[1:])
    losses = [step.validation_loss for step in steps[:3]]
    assert losses == sorted(losses, reverse=True)
    result = KAN([1, 1], grid=3).extend(data, [3, 6, 12], seed=1, progress=False)
    assert torch.equal(result.predict(data), steps[-1].network.predict(data))


def test_noise_alone_ends_it():
    data = wave(rows=120, noise=1.0)
    noise = Dataset(data.train_input, data.train_label - (2 * data.train_input).sin())
    *_, last = extend_steps(KAN([1, 1], grid=3), noise, [3, 6, 12, 24, 48])
    assert last.stop_reason == "nothing helps"
    assert last.grid == 3


@pytest.mark.slow
def test_no_grid_of_the_ladder_is_better_than_the_result():
    for seed in range(3):
        data = wave(rows=120, noise=0.3, seed=seed)
        steps = list(extend_steps(KAN([1, 1], grid=3), data, [3, 6, 12, 24, 48]))
        # On labels with their noise, as a person measures it.
        last, *others = (math.hypot(0.3, error(step.network, data)) for step in reversed(steps))
        assert last <= 1.02 * min(others)


def test_the_last_training_takes_all_rows_where_some_were_set_aside():
    data = wave(rows=40, noise=0.05)
    *_, before, last = extend_steps(KAN([1, 1], grid=3), data, [3])
    residual = {
        name: (step.network.predict(data.train_input) - data.train_label).square().mean()
        for name, step in (("before", before), ("last", last))
    }
    assert residual["last"] < residual["before"]
    own = Dataset(data.train_input, data.train_label, val_input=data.test_input, val_label=data.test_label)
    *_, before, last = extend_steps(KAN([1, 1], grid=3), own, [3])
    assert last.network is before.network


def test_round_off_is_enough():
    data = create_dataset(lambda x: 3 * x**2 - x, n_var=1, train_num=300)
    *_, last = extend_steps(KAN([1, 1], grid=3), data)
    assert last.stop_reason == "exact"
    assert error(last.network, data) < 1e-8


@pytest.mark.slow
def test_a_fresh_network_has_several_starts_and_a_trained_one_goes_on():
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=150)
    first = next(iter(extend_steps(KAN([2, 2, 1], seed=3), data, [3], steps=10)))
    alone = next(iter(extend_steps(KAN([2, 2, 1], seed=3), data, [3], steps=10, starts=1)))
    assert first.validation_loss < alone.validation_loss
    trained = KAN([2, 2, 1], seed=3)
    trained.fit(data, steps=3, progress=False)
    before = copy.deepcopy(trained)
    finer = trained.extend(data, [3, 6], steps=5, progress=False)
    assert len(finer.history) > 3
    assert finer.history.records[:3] == before.history.records
    with pytest.raises(
        ValueError, match="`starts` argument of extend must be 1 for a network that was trained or edited"
    ):
        trained.extend(data, starts=2)


@pytest.mark.slow
def test_the_global_random_state_stays_and_a_seed_repeats():
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100)
    torch.manual_seed(5)
    state = torch.get_rng_state()
    one, other = (KAN([2, 2, 1]).extend(data, [3, 5], steps=8, seed=2, progress=False) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(one.predict(data), other.predict(data))


def test_weights_go_with_their_rows():
    data = wave(rows=100)
    weight = torch.ones(100, dtype=torch.float64)
    weight[:50] = 0.0
    wrong = data.train_label.clone()
    wrong[:50] += 10.0
    model = KAN([1, 1], grid=3).extend(
        Dataset(data.train_input, wrong, data.test_input, data.test_label, train_weight=weight),
        [3, 6, 12],
        progress=False,
    )
    assert error(model, data) < 0.05


def test_classes_are_extended_too():
    data = create_dataset(lambda x: x[:, [0]] ** 2, n_var=2, train_num=200)
    classes = Dataset(data.train_input, (data.train_label[:, 0] > 0.3).long())
    model = KAN([2, 2], grid=2).extend(classes, [2, 4], steps=15, progress=False)
    right = (model.predict(data.test_input).argmax(1) == (data.test_label[:, 0] > 0.3)).double().mean()
    assert right > 0.93


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"grids": 10}, "`grids` argument of extend must be 'auto', or a list .* Write \\[10\\] for a single grid"),
        ({"grids": [3, [6, 6]]}, "`grids` argument of extend must be made of numbers, or of lists of 1"),
        ({"grids": []}, "`grids` argument of extend must be 'auto', or a list of at least one number of intervals"),
        ({"grids": [3, 0]}, "`grids` argument of extend must be an integer ≥ 1"),
        ({"grids": "fine"}, "`grids` argument of extend must be one of 'auto'"),
        ({"starts": 0}, "`starts` argument of extend must be an integer ≥ 1"),
        ({"steps": 0}, "`steps` argument of extend must be an integer ≥ 1"),
        ({"target": 0.0}, "`target` argument of extend must be a finite number > 0"),
        ({"progress": 1}, "`progress` argument of extend must be True or False"),
        ({"validation": ([[0.0]], [0.0])}, "`validation` argument of extend must be left out"),
        ({"speed": 3}, "must be one of"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_is_trained(arguments, sentence):
    model = KAN([1, 1])
    with pytest.raises((ValueError, TypeError), match=sentence):
        model.extend(wave(), **arguments)
    assert not model.history.records


def test_too_few_rows_and_no_splines_are_refused():
    with pytest.raises(ValueError, match="`data` argument of extend must be 3 training rows at least"):
        KAN([1, 1]).extend(([[0.0], [1.0]], [0.0, 1.0]))
    model = KAN([1, 1])
    model.fit(wave(), steps=2, progress=False)
    model.fix_symbolic(0, 0, 0, "sin")
    with pytest.raises(ValueError, match="`network` argument of extend must be one with splines"):
        model.extend(wave(), progress=False)


def test_grids_may_differ_by_layer():
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=100)
    model = KAN([2, 2, 1]).extend(data, [[3, 3], [6, 4]], steps=5, progress=False)
    assert all(math.isfinite(value) for value in model.predict(data).flatten().tolist())


@pytest.mark.slow
def test_a_network_of_several_starts_is_trained_as_long_as_it_was_worth():
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(1000, 3, generator=generator, dtype=torch.float64) - 1
    truth = (3 * x[:, [0]] * x[:, [1]]).sin() + x[:, [2]] ** 2
    data = Dataset(x, truth + 0.5 * torch.randn(1000, 1, generator=generator, dtype=torch.float64), x, truth)
    steps = list(extend_steps(KAN([3, 3, 1]), data, [3, 6], starts=3, steps=40))
    assert not steps[-1].settled
    assert error(steps[-1].network, data) < 1.2 * error(steps[0].network, data)
    assert error(steps[-1].network, data) < 0.5 * float(truth.std())


@pytest.mark.slow
def test_exact_is_meant_in_the_numbers_that_are_learnt():
    generator = torch.Generator().manual_seed(0)
    x = 2 * torch.rand(200, 1, generator=generator, dtype=torch.float64) - 1
    wide = Dataset(x, (25 + 12 * (4 * x).sin()).exp())
    *_, last = extend_steps(KAN([1, 1], log=["y"]), wide, [3, 6, 12])
    assert (last.grid, last.stop_reason) == (12, "last grid")
    z = (5 * x).sin()
    *_, last = extend_steps(KAN([1, 2]), Dataset(x, torch.cat([z, 1e8 * z], 1)), [3, 6, 12])
    assert (last.grid, last.stop_reason) == (12, "last grid")


def test_an_interrupted_extension_keeps_the_best_grid_and_says_so(monkeypatch):
    calls = []

    def interrupted(*arguments, **options):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return fit_many(*arguments, **options)

    monkeypatch.setattr("kanwidget.training.extension_trainings.fit_many", interrupted)
    model = KAN([1, 1], grid=3).extend(wave(), [3, 6, 12], progress=False)
    assert model.grid == 6
    assert model.history.stop_reason == "interrupted"
    assert model.history.events[-1].label.startswith("grid 6 kept: interrupted")


@pytest.mark.slow
def test_fine_hidden_grids_reach_beyond_their_samples_and_are_smooth():
    data = create_dataset(lambda x: (x[:, [0]].sin() + x[:, [1]] ** 2).exp(), n_var=2, train_num=1200)
    steps = list(extend_steps(KAN([2, 1, 1], seed=1), data, [4, 12, 32], starts=2, steps=40))
    assert [step.knots for step in steps[2:]] == ["smooth", "smooth"]
    network = steps[-1].network
    assert network is steps[2].network  # without held-out rows to return to its tails could go astray
    with torch.no_grad():
        activations = network.layer(0)(data.train_input)[:, 0]
    low, high = network.layer(1).grid[0, [0, -1]].tolist()
    span = float(activations.max() - activations.min())
    assert low < float(activations.min()) - 0.03 * span
    assert high > float(activations.max()) + 0.03 * span
