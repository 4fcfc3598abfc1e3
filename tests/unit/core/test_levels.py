"""Edges of words: a value for each level."""

import copy

import numpy as np
import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.core.records import EdgeRef
from kanwidget.surgery import perturb, prune, refine, reseed, swap, update_grid, widen
from kanwidget.training import fit_many
from kanwidget.training.evidence.errors import curve_errors

pandas = pytest.importorskip("pandas")

VALUES = {"a": 1.0, "b": -2.0, "c": 0.5, "d": 3.0, "e": 0.0}
TOWN = EdgeRef(0, 1, 0)


def table(rows=300, noise=0.3, seed=0, shares=(0.3, 0.3, 0.2, 0.19, 0.01)):
    rng = np.random.default_rng(seed)
    frame = pandas.DataFrame({"x": rng.uniform(0, 1, rows), "town": rng.choice([*VALUES], rows, p=shares)})
    truth = np.sin(3 * frame.x) + frame.town.map(VALUES)
    return frame.assign(y=truth + noise * rng.normal(size=rows)), truth


@pytest.fixture(scope="module")
def fitted():
    frame, _ = table()
    model = KAN([2, 1], grid=8)
    model.fit((frame, "y"), progress=False)
    return model, frame


def x_of(model, frame):
    return torch.from_numpy(model.encoding.encode(frame, "test", "x"))


def test_words_get_the_values_that_they_have(fitted):
    model, frame = fitted
    assert model.layer(0).levels == (0, 5)
    assert model.layer(0).state(1, 0) == "levels"
    values = model.curve(TOWN, torch.arange(5.0, dtype=torch.float64)).y
    errors = curve_errors(model, model.posterior, TOWN, torch.arange(5.0, dtype=torch.float64))
    true = torch.tensor([*VALUES.values()], dtype=torch.float64)
    counts = torch.tensor([(frame.town == name).sum() for name in VALUES], dtype=torch.float64)
    mean = lambda v: (counts * v).sum() / counts.sum()  # noqa: E731
    off = (values - mean(values) - true + mean(true)).abs()
    assert bool((off < 3 * errors + 0.02).all())
    assert errors[4] > 3 * errors[0]  # a rare level
    assert 3.5 < model.posterior.freedom[TOWN].total <= 4.0
    assert model.posterior.noise * float(model.scaling.output_size) == pytest.approx(0.3, rel=0.1)


def test_useless_words_have_no_say():
    rng = np.random.default_rng(3)
    frame, _ = table(shares=(0.2,) * 5)
    frame["y"] = np.sin(3 * frame.x) + 0.3 * rng.normal(size=len(frame))
    model = KAN([2, 1], grid=8)
    model.fit((frame, "y"), progress=False)
    assert model.posterior.freedom[TOWN].total < 0.5
    assert float(model.curve(TOWN, torch.arange(5.0, dtype=torch.float64)).y.std()) < 0.05


def test_levels_of_few_rows_move_little():
    rng = np.random.default_rng(0)
    effects, town = rng.normal(0, 0.5, 30), rng.integers(0, 30, 240)
    frame = pandas.DataFrame({"town": [f"t{n:02d}" for n in town], "y": effects[town] + rng.normal(0, 1, 240)})
    model = KAN([1, 1])
    model.fit((frame, "y"), progress=False)
    names = sorted(set(frame.town))
    found = model.predict(pandas.DataFrame({"town": names}))[:, 0].numpy()
    means, true = frame.groupby("town").y.mean()[names], effects[[int(name[1:]) for name in names]]
    assert ((found - true) ** 2).mean() < 0.8 * ((means - true) ** 2).mean()


def test_levels_that_nobody_has_met_have_the_mean(fitted):
    model, _ = fitted
    each = model(torch.stack([torch.full((5,), 0.5), torch.arange(5.0)], 1).double())
    new = model(torch.tensor([[0.5, 0.5], [0.5, -1.0], [0.5, 99.0]], dtype=torch.float64))
    assert torch.allclose(new, each.mean().expand(3, 1))


def test_the_derivative_with_respect_to_words_is_zero(fitted):
    model, frame = fitted
    x = x_of(model, frame)[:5].requires_grad_(True)
    model(x).sum().backward()
    assert bool((x.grad[:, 1] == 0).all())
    assert bool((x.grad[:, 0] != 0).any())
    with torch.no_grad():
        _, derivative = model.layer(0).designs(model.select(x.detach()), 1)
    assert bool((derivative[:, 1] == 0).all())


def test_the_jacobian_is_that_of_autograd(fitted):
    from kanwidget.training.jacobian.forward import forward_pass
    from kanwidget.training.jacobian.jacobian import jacobian
    from kanwidget.training.jacobian.parameter_vector import ParameterVector
    from kanwidget.training.jacobian.stack import Stack

    frame, _ = table(20)
    model = KAN([2, 2, 1], grid=3)
    model.fit((frame, "y"), steps=2, progress=False)
    parameters, stack = ParameterVector.of(model), Stack([model])
    x = x_of(model, frame)
    with torch.no_grad():
        found = jacobian(stack, parameters, forward_pass(stack, stack.select([x]), derivatives=True))[0, :, 0]
    vector = parameters.read(stack)

    def output(values):
        parameters.write(stack, values)
        return model.scaling.scaled_outputs(model(x))[:, 0].detach()

    for column in range(parameters.size):
        step = torch.zeros_like(vector)
        step[0, column] = 1e-6
        numeric = (output(vector + step) - output(vector - step)) / 2e-6
        assert torch.allclose(found[:, column], numeric, atol=1e-6)
    parameters.write(stack, vector)


@pytest.mark.parametrize("grid", [2, 3, 8, 30])
def test_grids_are_for_numbers(fitted, grid):
    model, frame = fitted
    x = x_of(model, frame)
    other = refine(model, grid)
    assert other.layer(0).coef.shape[-1] == max(grid + 3, 5)
    levels = torch.arange(5.0, dtype=torch.float64)
    assert torch.equal(other.curve(TOWN, levels).y, model.curve(TOWN, levels).y)
    if grid >= 8:
        assert torch.allclose(other(x), model(x))


def test_acts_on_networks_keep_the_values(fitted):
    model, frame = fitted
    x, levels = x_of(model, frame), torch.arange(5.0, dtype=torch.float64)
    before = model.curve(TOWN, levels).y
    for act in (lambda m: update_grid(m, x), lambda m: widen(m, x)):
        changed = copy.deepcopy(model)
        act(changed)
        assert torch.equal(changed.curve(TOWN, levels).y, before)
        assert torch.equal(changed.layer(0).knots[1], model.layer(0).knots[1])
    assert prune(model, x).layer(0).levels == (0, 5)
    assert reseed(model, 3).layer(0).levels == (0, 5)
    cut = copy.deepcopy(model)
    cut.remove_edge(0, 1, 0)
    assert perturb(cut, x=x).layer(0).state(1, 0) == "levels"
    wide = KAN([2, 2, 1])
    wide.fit((frame, "y"), steps=3, progress=False)
    y = wide(x)
    swap(wide, 1, 0, 1)
    assert torch.allclose(wide(x), y)
    assert torch.allclose(wide.expand_width(1, 2)(x), wide(x))


@pytest.fixture(scope="module")
def many():
    """A network whose column of words has more levels than a spline has coefficients, and its inputs."""
    rng = np.random.default_rng(0)
    frame = {"a": rng.normal(size=200), "b": rng.uniform(10, 30, 200), "town": [f"t{k:02}" for k in range(20)] * 10}
    model = KAN([3, 2, 1], grid=3, seed=1)
    model.fit((frame | {"y": frame["a"] ** 2 + frame["b"]}, "y"), steps=5, progress=False)
    return model, torch.from_numpy(model.encoding.encode(frame, "test", "x"))


def test_without_the_words_a_network_needs_no_room_for_them(many):
    model, x = many
    cut = model.prune_input(active=[0, 1])
    assert cut.layer(0).coef.shape[-1] == 3 + 3
    for changed in (cut, cut.perturb(data=x), cut.refine(5), cut.expand_width(1, 1)):
        assert torch.isfinite(changed(x)).all()


def test_inputs_of_numbers_are_locked_beside_words(many):
    model = copy.deepcopy(many[0])
    levels = torch.arange(20.0, dtype=torch.float64)
    before = model.curve(EdgeRef(0, 2, 0), levels).y
    update_grid(model, many[1])
    model.lock(0, [(0, 0), (1, 0)])
    assert torch.equal(model.layer(0).knots[0], model.layer(0).knots[1])
    assert torch.equal(model.curve(EdgeRef(0, 2, 0), levels).y, before)


def test_words_stay_on_the_first_layer(many):
    with pytest.raises(ValueError, match="`level` argument of expand_depth must be an integer from 1 to 2; got 0"):
        many[0].expand_depth(0)


def test_files_keep_words(fitted, tmp_path):
    model, frame = fitted
    model.save(tmp_path / "m.kan")
    again = KAN.load(tmp_path / "m.kan")
    assert again.encoding == model.encoding
    assert again.layer(0).levels == (0, 5)
    assert torch.equal(again.predict(frame), model.predict(frame))
    copied = KAN([2, 1], grid=8)
    copied.layer(0).set_levels((0, 5))
    copied.load_state_dict(model.state_dict())
    assert torch.equal(copied(x_of(model, frame)), model(x_of(model, frame)))


def test_functions_are_for_numbers(fitted):
    model, frame = fitted
    with pytest.raises(ValueError, match="`i` argument of fix_symbolic must be an input of numbers"):
        model.fix_symbolic(0, 1, 0, "sin", data=(frame, "y"))
    assert model.suggest_symbolic(0, 1, 0, data=(frame, "y")) == []
    assert model.suggest_symbolic(0, 0, 0, data=(frame, "y"))


@pytest.mark.parametrize("opt", ["LM", "LBFGS", "Adam"])
def test_every_optimizer_learns_words(opt):
    frame, truth = table(200, shares=(0.2,) * 5)
    model = KAN([2, 1], grid=4)
    model.fit((frame, "y"), opt=opt, steps=30 if opt != "Adam" else 300, progress=False)
    off = model.predict(frame)[:, 0].numpy() - truth.to_numpy()
    assert np.sqrt((off**2).mean()) < 0.35
    unused = ~model.layer(0).used()[:, :-1]
    assert bool((model.layer(0).coef[0][unused] == 0).all())


def test_many_networks_side_by_side():
    frame, _ = table(100)
    data = Dataset.from_frame(frame, "y")
    alone = KAN([2, 1], grid=4, seed=1)
    alone.fit(data, steps=8, progress=False)
    many = [KAN([2, 1], grid=4, seed=seed) for seed in (0, 1)]
    fit_many(many, data, steps=8, progress=False)
    assert torch.allclose(many[1].predict(data), alone.predict(data))


def test_other_levels_than_before_are_read_by_name_or_refused(fitted):
    model, frame = copy.deepcopy(fitted[0]), fitted[1]
    part = frame[frame.town.isin(["b", "d"])]
    before = model.predict(part)
    model.fit((part, "y"), steps=1, progress=False)
    assert float((model.predict(part) - before).abs().max()) < 1.0
    numbers = Dataset(np.random.default_rng(0).uniform(size=(20, 2)), np.zeros((20, 1)))
    with pytest.raises(
        ValueError, match="column 'x_2' holds words with 5 levels, as the network has it; got 'numbers'"
    ):
        model.fit(numbers, progress=False)


def test_a_penalty_counts_words_as_what_they_do():
    frame, _ = table(200, shares=(0.2,) * 5)
    model = KAN([2, 1], grid=4)
    model.fit((frame, "y"), lamb=1e-3, steps=20, progress=False)
    scores = model.attribute(data=(frame, "y")).edge_scores[0][0]
    assert scores[1] > scores[0]


def test_splines_of_one_coefficient_beside_words_have_no_evidence():
    """They have no straight part, however many levels stand beside them."""
    frame, _ = table(200, noise=0.02)
    frame = frame.assign(y=frame.town.map(VALUES))
    model = KAN([2, 1], grid=1, k=0)
    model.fit((frame, "y"), progress=False)
    assert model.posterior is None
    assert model.score((frame, "y")) > 0.99
