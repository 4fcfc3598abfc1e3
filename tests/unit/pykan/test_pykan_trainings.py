"""Trainings by pykan's words: results, optimizers, losses and metrics, and data in their own units."""

import pickle
import warnings

import numpy as np
import pytest
import torch
from tqdm.auto import tqdm

import kanwidget
from kanwidget.pykan import KAN, MultKAN, PykanDifference, create_dataset
from kanwidget.pykan.network import fitting, starts
from kanwidget.pykan.network.progress import StepBar
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt

pytestmark = pytest.mark.filterwarnings("ignore::kanwidget.pykan.PykanDifference")


# ---- training


def test_results_have_a_number_for_each_step_even_where_it_converges_before(data):
    model = KAN([2, 1, 1], grid=3)
    line = {name: part.clone() for name, part in data.items()}
    for part in ("train", "test"):
        line[f"{part}_label"] = line[f"{part}_input"][:, [0]]
    results = model.fit(line, steps=30)
    assert {name: len(values) for name, values in results.items()} == {"train_loss": 30, "test_loss": 30, "reg": 30}
    assert all(isinstance(value, np.float64) for value in results["train_loss"])
    assert results["train_loss"][-1] < 1e-5


@pytest.mark.parametrize("opt", ["LBFGS", "Adam", "torch-LBFGS"])
def test_every_optimizer_trains(data, opt):
    model = KAN([2, 1, 1])
    before = (model(data["train_input"]) - data["train_label"]).square().mean().sqrt().item()
    results = model.fit(data, opt=opt, steps=10)
    after = (model(data["train_input"]) - data["train_label"]).square().mean().sqrt().item()
    assert after < before
    assert after == pytest.approx(float(results["train_loss"][-1]), rel=1e-4)


def test_what_lbfgs_means_here_is_said_once(data):
    from kanwidget.pykan import words

    words._said.clear()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        for _ in range(2):
            KAN([2, 1]).fit(data, steps=1)
    told = [w for w in heard if issubclass(w.category, PykanDifference)]
    assert len(told) == 1
    assert "torch-LBFGS" in str(told[0].message)


def test_losses_by_torch_have_their_names():
    assert fitting.loss_options(torch.nn.MSELoss(), torch.zeros(2, 1)) == {"loss": "mse"}
    weighted = torch.nn.CrossEntropyLoss(weight=torch.ones(2))
    assert fitting.loss_options(weighted, torch.tensor([0, 1])) == {"loss": weighted}


def test_pictures_of_a_training_are_files(data, tmp_path):
    KAN([2, 1]).fit(data, steps=3, save_fig=True, img_folder=str(tmp_path / "video"), beta=10)
    assert sorted(path.name for path in (tmp_path / "video").iterdir()) == ["0.jpg", "1.jpg", "2.jpg"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [({"opt": "SGD"}, "opt.*'LBFGS', 'Adam'"), ({"dataset": {"train_input": torch.zeros(2, 2)}}, "train_label")],
)
def test_a_wrong_argument_is_named_and_nothing_changes(model, data, arguments, expected):
    before = {name: value.clone() for name, value in model.state_dict().items() if torch.is_tensor(value)}
    with pytest.raises(ValueError, match=expected):
        model.fit(**{"dataset": data, "steps": 1} | arguments)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    assert model._remembers


@pytest.mark.slow
def test_a_penalty_does_not_end_in_a_constant():
    data = create_dataset(lambda x: x[:, 0] * x[:, 1], n_var=2)
    model = KAN(width=[2, [5, 2], 1], base_fun="identity")
    results = model.fit(data, steps=20, lamb=0.01, lamb_coef=1.0)
    assert results["test_loss"][-1] < 0.1  # 0.33 for a constant


# ---- units of the data


def in_units(factor=1.0):
    x = torch.rand(200, 1, generator=torch.Generator().manual_seed(0)) * 100 + 273
    y = factor * torch.exp(x / 100 - 3)
    return {"train_input": x, "train_label": y, "test_input": x, "test_label": y}


def relative_error(model, data):
    error = (model(data["test_input"]) - data["test_label"]).square().mean().sqrt()
    return float((error / data["test_label"].std()).detach())


@pytest.mark.parametrize("factor", [1e-3, 1.0, 1e5])
@pytest.mark.parametrize("opt", ["LBFGS", "Adam"])
def test_columns_and_targets_in_large_and_small_units(factor, opt):
    data = in_units(factor)
    model = KAN([1, 2, 1], grid=5)
    options = {"lr": 0.02, "steps": 100} if opt == "Adam" else {"steps": 20}
    model.fit(data, opt=opt, lamb=1e-4, **options)
    assert relative_error(model, data) < 0.06


def test_grids_that_were_set_are_meant_in_the_datas_units():
    data = in_units()
    for model in (KAN([1, 1], grid=10, grid_range=[273, 373]), KAN([1, 1], grid=10)):
        model.update_grid_from_samples(data["train_input"])
        before = model.act_fun[0].grid.clone()
        model.fit(data, steps=20, update_grid=False)
        assert torch.equal(model.act_fun[0].grid, before)
        assert relative_error(model, data) < 0.05


@pytest.mark.parametrize("act", [False, True])
def test_a_fit_goes_on_from_a_loop_of_ones_own(act):
    x = torch.linspace(0, 6.28, 100)[:, None]
    model = KAN([1, 1], grid=8, seed=2)
    optimizer = torch.optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = (model(x) - 20 * torch.sin(x)).square().mean()
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)
    before = model(x).detach()
    if act:
        model.set_mode(0, 0, 0, "n")
    label = 20 * torch.sin(x)
    model.fit({"train_input": x, "train_label": label, "test_input": x, "test_label": label}, steps=0)
    assert torch.allclose(model(x), before, atol=1e-5)


def test_an_edge_that_gets_its_spline_back_is_no_training_of_ones_own():
    x = torch.linspace(0, 1000, 100)[:, None]
    data = {"train_input": x, "train_label": torch.sin(x / 100), "test_input": x, "test_label": torch.sin(x / 100)}
    model = MultKAN([1, 1])
    model.fix_symbolic(0, 0, 0, "sin", fit_params_bool=False)
    twin = MultKAN([1, 1])
    twin.fix_symbolic(0, 0, 0, "sin", fit_params_bool=False)
    model.set_mode(0, 0, 0, "n")
    twin.unfix_symbolic(0, 0, 0)
    model(x), twin(x)
    assert model.fit(data, steps=20)["train_loss"][-1] == twin.fit(data, steps=20)["train_loss"][-1]


def test_what_a_person_wrote_before_set_mode_is_noticed():
    model = MultKAN([1, 1])
    with torch.no_grad():
        model.network.layer(0).coef.mul_(2)
    model.set_mode(0, 0, 0, "n")
    assert all(model.network.scaling.fixed)


def test_an_optimizer_goes_on_after_edges_were_pruned(model, data):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    model.prune_edge(0.0)
    losses = []
    for _ in range(20):
        optimizer.zero_grad()
        loss = (model(data["train_input"]) - data["train_label"]).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_adam_ends_with_its_best_step(data):
    model = KAN([2, 3, 1], grid=5)

    def error():
        return (model(data["train_input"]) - data["train_label"]).square().mean().sqrt()

    results = model.fit(data, opt="Adam", lr=0.3, steps=40, metrics=[error])
    assert results["train_loss"][-1] == pytest.approx(min(results["train_loss"]), rel=1e-6)
    assert results["error"][-1] == pytest.approx(float(results["train_loss"][-1]), rel=1e-3)


# ---- losses, metrics, versions, once more


def test_a_loss_gets_the_labels_as_they_were_given(data):
    flat = {name: part[:, 0] if name.endswith("label") else part for name, part in data.items()}
    shapes = set()

    def loss(output, label):
        shapes.add(tuple(label.shape[1:]))
        return (output[:, 0] - label).square().mean()

    KAN([2, 1]).fit(flat, steps=2, loss_fn=loss)
    assert shapes == {()}


def test_probabilities_of_classes_are_labels_for_torchs_cross_entropy():
    probabilities = torch.tensor([[0.9, 0.1], [0.2, 0.8]])
    loss = torch.nn.CrossEntropyLoss()
    assert fitting.loss_options(loss, probabilities) == {"loss": loss}


def test_metrics_of_one_name_are_all_called(data):
    model = KAN([2, 1])
    results = model.fit(data, steps=2, metrics=[lambda: torch.tensor(1.0), lambda: torch.tensor(2.0)])
    assert [values[-1] for name, values in results.items() if "lambda" in name] == [1.0, 2.0]


def test_a_metric_may_differentiate(data):
    model = KAN([2, 1])

    def slope():
        x = data["train_input"].clone().requires_grad_()
        return torch.autograd.grad(model(x).sum(), x)[0].abs().mean()

    assert len(model.fit(data, steps=2, metrics=slope)["slope"]) == 2


def test_networks_from_one_have_versions_of_their_own(model):
    one, two = model.prune(0.01), model.prune(0.6)
    assert one.version != two.version
    assert one.rewind(one.version).width == one.width
    back, again = model.rewind("0.0"), model.rewind("0.0")
    assert back.version != again.version


@pytest.mark.slow
def test_nothing_is_said_of_curves_that_become_functions(model, caplog):
    model.auto_symbolic(lib=["x", "x^2"], verbose=0)
    assert "curve" not in caplog.text


@pytest.mark.slow
def test_three_levels_begin_with_the_better_grids():
    inputs = torch.tensor([[int(digit) for digit in f"{number:06b}"] for number in range(64)], dtype=torch.float32)
    halves = (inputs[:, :3].sum(1) > 1.5).float() + (inputs[:, 3:].sum(1) > 1.5).float()
    labels = (halves > 1.5).float()[:, None]
    data = {"train_input": inputs, "train_label": labels, "test_input": inputs, "test_label": labels}
    results = KAN([6, 4, 4, 1], seed=3).fit(data, steps=20, lamb=1e-4)
    assert results["train_loss"][-1] < 0.05


def test_no_superfluous_node_is_left_by_an_unlucky_start(data):
    model = KAN(width=[2, 5, 1], grid=3, k=3, seed=4)  # which ends with two nodes from its first random numbers
    model.fit(data, opt="LBFGS", steps=20, lamb=1e-3)
    assert model.prune().width[1] == [1, 0]


@pytest.fixture
def chosen(monkeypatch):
    """The networks for which other starts were tried."""
    networks, choose = [], starts.choose

    def noted(network, *arguments, **options):
        networks.append(network)
        return choose(network, *arguments, **options)

    monkeypatch.setattr(starts, "choose", noted)
    return networks


def edited():
    model = KAN(width=[2, 2, 1], seed=1)
    model.remove_edge(0, 0, 0)
    return model


def written():
    model = KAN(width=[2, 2, 1], seed=1)
    with torch.no_grad():
        model.act_fun[0].coef.add_(0.1)
    return model


def loaded():
    model = KAN(width=[2, 2, 1], seed=1)
    model.load_state_dict(written().state_dict())
    return model


def exchanged():
    model = KAN(width=[2, 2, 1], seed=1)
    model.network = kanwidget.KAN([2, 2, 1])
    return model


def frozen():
    model = KAN(width=[2, 2, 1], seed=1)
    model.network.freeze(0, 0, 0)
    return model


def switched():
    model = KAN(width=[2, 2, 1], seed=1)
    model.set_mode(0, 0, 0, "0")
    return model


@pytest.mark.parametrize(
    "made", [edited, written, loaded, exchanged, frozen, switched, lambda: written().copy(), lambda: pickled(written())]
)
def test_a_network_that_was_edited_or_trained_goes_on_from_there(data, chosen, made):
    made().fit(data, steps=12)
    assert not chosen


@pytest.mark.parametrize("made", [lambda model: model, MultKAN.copy, lambda model: pickled(model)])
def test_a_new_network_begins_from_the_best_of_several_starts_once(data, chosen, made):
    model = made(KAN(width=[2, 2, 1], seed=1))
    model.fit(data, steps=12)
    model.fit(data, steps=12)
    assert chosen == [model.network]


def pickled(model):
    return pickle.loads(pickle.dumps(model))


def test_other_starts_have_the_mean_that_was_asked_for():
    model = KAN(width=[2, 3, 1], scale_base_mu=5.0, scale_base_sigma=0.0)
    for seed in range(5):
        other = starts._shuffled(model.network, seed, model._base_mean)
        assert torch.equal(other.layer(0).base, model.network.layer(0).base)


def test_an_interrupt_while_starts_are_tried_ends_with_the_best(data, monkeypatch):
    model, step, count = KAN(width=[2, 3, 1], seed=1), LevenbergMarquardt.step, iter(range(100))

    def interrupted(machine, *arguments):
        if next(count) == 4:
            raise KeyboardInterrupt
        return step(machine, *arguments)

    monkeypatch.setattr(LevenbergMarquardt, "step", interrupted)
    results = model.fit(data, steps=20, metrics=[lambda: error_of(model, data)])
    assert model.network.history.stop_reason == "interrupted"
    assert {len(column) for column in results.values()} == {1}
    assert results["train_loss"][-1] == pytest.approx(float(error_of(model, data).detach()), rel=1e-4)


def test_the_bar_counts_pykans_steps(data, capsys, monkeypatch):
    def accuracy():
        return torch.tensor(0.25)

    counted = []
    monkeypatch.setattr(StepBar, "fill", lambda bar: counted.append((bar._bar.n, bar.text)))
    KAN(width=[2, 2, 1], seed=1).fit(data, steps=5, metrics=[accuracy], display_metrics=["reg", "accuracy"])
    assert counted == [(5, "reg 0.00e+00 · accuracy 2.50e-01")]
    assert "5/5" in capsys.readouterr().err
    with pytest.raises(ValueError, match=r"display_metrics.*train_loss.*'speed'"):
        KAN(width=[2, 1]).fit(data, display_metrics=["speed"])


def test_a_bar_is_closed_by_what_ends_a_training(data):
    def broken():
        raise RuntimeError("broken")

    with pytest.raises(RuntimeError) as held:  # with its traceback, as notebooks hold it
        KAN(width=[2, 1]).fit(data, steps=5, metrics=[broken])
    assert not list(tqdm._instances)
    assert held


@pytest.fixture(scope="module")
def converged():
    """A network on knots that were inserted into a coarse grid: they aren't where the data ask for them. With its data."""
    data = create_dataset(lambda x: torch.exp(torch.special.bessel_j0(20 * x[:, [0]]) + x[:, [1]] ** 2), n_var=2)
    model = KAN(width=[2, 1, 1], grid=3, seed=2)
    model.fit(data, steps=20)
    model = model.refine(20)
    model.fit(data, steps=20, update_grid=False)
    return model, data


MOVING = {"opt": "LM", "update_grid": True, "grid_update_num": 10, "stop_grid_update_step": 200}


def test_grids_follow_activations_once_more_where_that_leads_further(converged):
    model, data = converged[0].copy(), converged[1]
    before = float(error_of(model, data).detach())
    record = starts.go_on(model.network, data, 40, MOVING, root=True)
    assert before > 0.02
    assert record.train_loss < 0.016
    assert float(error_of(model, data).detach()) == pytest.approx(record.train_loss, rel=1e-4)
    assert starts.go_on(model.network, data, 0, MOVING, root=True) is None
    assert float(error_of(model, data).detach()) == pytest.approx(record.train_loss, rel=1e-4)


@pytest.mark.parametrize("option", [{"update_grid": False}, {"grid_update_num": 0}, {"stop_grid_update_step": 0}])
def test_grids_stay_that_are_to_stay(converged, option):
    model, data = converged[0].copy(), converged[1]
    assert starts.go_on(model.network, data, 40, MOVING | option, root=True) is None


@pytest.mark.parametrize(("owner", "act"), [(kanwidget.KAN, "update_grid"), (LevenbergMarquardt, "step")])
def test_an_interrupt_of_what_comes_after_leaves_the_converged_network(converged, monkeypatch, owner, act):
    model, data = converged[0].copy(), converged[1]
    before = error_of(model, data).detach()

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, act, interrupted)
    assert starts.go_on(model.network, data, 40, MOVING, root=True) is None
    assert torch.equal(error_of(model, data).detach(), before)


def test_results_end_with_what_the_network_ended_with(converged, monkeypatch):
    model, data = converged[0].copy(), converged[1]
    last = {}

    def further(network, *arguments, **options):
        with torch.no_grad():
            network.layer(1).base.mul_(0.999)
        last["record"] = kanwidget.StepRecord(1, float(error_of(model, data).detach()), 0.5, 0.0, 0.0)
        return last["record"]

    monkeypatch.setattr(starts, "go_on", further)
    results = model.fit(data, steps=20, metrics=[lambda: error_of(model, data)], grid_update_num=0)
    assert results["train_loss"][-1] == last["record"].train_loss
    assert results["<lambda>"][-1] == pytest.approx(last["record"].train_loss, rel=1e-6)
    assert {len(column) for column in results.values()} == {20}


def error_of(model, data):
    return (model(data["train_input"]) - data["train_label"]).square().mean().sqrt()
