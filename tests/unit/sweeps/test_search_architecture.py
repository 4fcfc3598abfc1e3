import pytest
import torch

from kanwidget import Dataset, create_dataset, search_architecture
from kanwidget.datasets.validation import with_validation
from kanwidget.sweeps import architectures, pareto, plot_pareto
from kanwidget.training import fit_many
from tests.unit.sweeps.sweep_samples import product


def quick(data=None, **options):
    return search_architecture(
        product(60) if data is None else data, progress=False, **{"steps": 12, "starts": 2, **options}
    )


@pytest.fixture(scope="module")
def found():
    return quick(budget=16)


@pytest.mark.slow
def test_it_begins_with_a_sum_on_a_coarse_grid_and_grows_by_evidence(found):
    hows = [t.how for t in found.trials]
    assert hows[0] == "start"
    assert {"product of x_1 and x_2", "1 hidden node", "grown"} <= set(hows)
    assert found.trials[0].model.width == [[2, 0], [1, 0]]
    assert found.trials[0].model.grid == 3
    assert found.trials[hows.index("grown")].model.width == [[2, 0], [1, 1], [1, 0]]


def test_the_front_and_the_best(found):
    rows = [{"parameters": t.parameters, "validation_loss": t.validation_loss} for t in found.trials]
    front = pareto(found.table)
    assert [t.parameters for t in found.pareto_front] == front["parameters"]
    assert [t.validation_loss for t in found.pareto_front] == front["validation_loss"]
    least = min(row["validation_loss"] for row in rows)
    good = [t.parameters for t in found.trials if t.validation_loss <= 1.25 * least]
    assert found.best.parameters == min(good)
    assert found.best in found.pareto_front


def test_trials_hold_the_networks_that_have_these_errors(found):
    split = with_validation(product(60), "search_architecture", seed=0)
    for trial in found.trials:
        residual = trial.model.predict(split.val_input) - split.val_label
        assert trial.validation_loss == pytest.approx(float(residual.square().mean().sqrt()), rel=1e-6)


@pytest.mark.slow
def test_the_budget_is_kept(found):
    assert found.networks <= 16
    small = quick(budget=3)  # what growth compares is trained to its end
    assert small.stop_reason == "budget"
    assert small.networks == len(small.trials)
    assert {t.how.split()[0] for t in small.trials} <= {"start", "grid", "product", "1", "3"}


@pytest.mark.slow
def test_the_same_seed_gives_the_same(found):
    again = quick(budget=16)
    assert list(again.table) == list(found.table)
    assert list(quick(budget=16, seed=7).table) != list(found.table)


@pytest.mark.slow
def test_it_ends_at_the_target_with_the_smallest_that_reaches_it():
    # As good as a product is, and a hidden node is not.
    found = quick(target=0.02)
    assert found.stop_reason == "target"
    assert found.best.validation_loss <= 0.02
    assert found.best.parameters == min(t.parameters for t in found.trials if t.validation_loss <= 0.02)
    assert "depth 2" not in [t.how for t in found.trials]


@pytest.mark.slow
def test_noise_is_not_learnt_by_heart():
    noise = torch.Generator().manual_seed(0)
    data = create_dataset(lambda x: x[:, [0]] ** 2 + 0.3 * torch.randn(len(x), 1, generator=noise), train_num=60)
    found = quick(data)
    assert found.stop_reason == "nothing helps"
    assert found.best.parameters < 60
    assert found.best.test_loss < 0.4


@pytest.mark.slow
def test_pruning_finds_the_inner_structure():
    def f(x):
        return torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2)

    found = search_architecture(create_dataset(f, train_num=150), starts=2, steps=25, target=3e-3, progress=False)
    assert found.stop_reason == "target"
    assert found.best.parameters <= 42


def test_rows_that_are_set_aside_come_from_the_training_only():
    data = product(50)
    split = with_validation(data, "search_architecture", seed=3)
    assert (len(split.train_input), len(split.val_input)) == (40, 10)
    assert torch.equal(torch.cat([split.train_input, split.val_input]).sort(0).values, data.train_input.sort(0).values)
    assert torch.equal(split.test_input, data.test_input)
    assert with_validation(split, "search_architecture", seed=0) is split


def test_a_training_that_gives_no_numbers_is_a_trial_that_failed():
    x = torch.linspace(0, 1, 20, dtype=torch.float64)[:, None]
    found = quick(Dataset(x, 1.7e308 * torch.where(x < 0.3, -1.0, 1.0).double()), steps=3)
    assert found.table["failed"][0] == "the loss is not finite"
    assert found.best is found.pareto_front[0]


def test_its_table_can_be_plotted(found):
    labels = [text.get_text() for text in plot_pareto(found.table, label="how").axes[0].texts]
    assert "start" in labels
    assert repr(found).startswith("ArchitectureSearch(")


def test_three_rows_are_enough():
    assert quick(([[0.0], [0.5], [1.0]], [0.0, 1.0, 3.0]), starts=1, steps=3).trials


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fit_many", "extend_steps"])
def test_an_interrupted_search_returns_what_it_has(monkeypatch, name):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt
        yield

    def stopped(models, *arguments, **options):
        _, histories = fit_many(models, *arguments, **options)
        histories[0].stop_reason = "interrupted"
        return models, histories

    monkeypatch.setattr(architectures, name, stopped if name == "fit_many" else interrupted)
    found = quick()
    assert found.stop_reason == "interrupted"
    assert found.trials[0].how == "start"


def test_a_search_interrupted_before_its_first_network_has_nothing_to_return(monkeypatch):
    def interrupted(network, data):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(architectures, "grow_steps", interrupted)
    with pytest.raises(KeyboardInterrupt):
        quick()


def test_a_bar(capsys):
    search_architecture(product(30), budget=3, starts=1, steps=1)
    assert "search" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"budget": 1}, "`budget` argument of search_architecture must be an integer ≥ 2"),
        ({"starts": 0}, "`starts` argument of search_architecture must be an integer ≥ 1"),
        ({"steps": 0}, "`steps` argument of search_architecture must be an integer ≥ 1"),
        ({"seed": -1}, "`seed` argument of search_architecture must be an integer ≥ 0"),
        ({"target": 0}, "`target` argument of search_architecture must be a finite number > 0"),
        ({"target": float("nan")}, "`target` argument of search_architecture must be a finite number > 0"),
        ({"data": 3}, "`data` argument of search_architecture must be a Dataset"),
        (
            {"data": ([[0.0], [1.0]], [0.0, 1.0])},
            "`data` argument of search_architecture must be 3 training rows at least",
        ),
        (
            {"data": Dataset([[0.0]], [0.0], val_input=[[1.0]], val_label=[1.0])},
            "`data` argument of search_architecture must be 2 training rows at least",
        ),
    ],
)
def test_errors(arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        quick(arguments.pop("data", None), **arguments)


def test_what_is_exact_on_its_own_grid_is_not_refined():
    x = torch.linspace(-1, 1, 60, dtype=torch.float64)[:, None]
    found = quick(Dataset(x, 2 * x + 1), steps=40)
    assert {trial.model.grid for trial in found.trials if trial.how.startswith("grid")} <= {5, 10, 20, 40}
    assert all(str(trial.model.grid) == trial.how.split()[1] for trial in found.trials if trial.how.startswith("grid"))
    both = quick(Dataset(x, torch.cat([x**2, 1e10 * x**2], 1)), steps=3)
    assert both.stop_reason in ("nothing helps", "budget")
