"""Logarithms of columns: asked for in a session, kept by a reset, undone and redone."""

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.session.undo import copied
from tests.unit.explorer.states import everything, network


@pytest.fixture
def gas():
    """A flow with 2 % noise, in pascal and kelvin."""
    generator = torch.Generator().manual_seed(0)
    p = 6e4 + 9e5 * torch.rand(80, 1, generator=generator, dtype=torch.float64)
    t = 250 + 300 * torch.rand(80, 1, generator=generator, dtype=torch.float64)
    flow = p / t * (1 + 0.02 * torch.randn(80, 1, generator=generator, dtype=torch.float64))
    x = torch.cat([p, t], 1)
    return Dataset(x[:60], flow[:60], x[60:], flow[60:], in_vars=["p [Pa]", "T"], out_vars=["flow"])


@pytest.fixture
def explorer(gas):
    with KANExplorer(KAN([2, 1, 1], seed=1), gas, driver="blocking") as one:
        yield one


def parts(explorer):
    """What undo and redo must bring back."""
    return everything(explorer._session)[:5]


def test_a_reset_begins_again_with_the_logarithms_in_use(explorer):
    explorer.step(3)
    explorer.use_log(["p [Pa]", "flow"])
    begun = network(explorer.model)
    explorer.step(3)
    explorer.reset()
    assert network(explorer.model) == begun
    assert explorer.status["step"] == 0


def test_another_seed_has_the_logarithms_in_use_too(explorer):
    explorer.use_log(["p [Pa]", "flow"])
    begun = copied(explorer.model)
    explorer.reset(seed=7)
    assert explorer.model.log == begun.log
    assert explorer.model.scaling.key() == begun.scaling.key()
    assert explorer.model.seed == 7
    assert not torch.equal(explorer.model.layer(0).coef, begun.layer(0).coef)


def test_errors_of_a_logarithm_are_compared_with_no_others(explorer):
    explorer.step(3)
    tree, plain = explorer._session.tree, set(explorer._session.tree.problem_states())
    explorer.use_log(["p [Pa]"])  # the target is as it was
    assert plain < tree.problem_states()
    explorer.use_log(["flow"])
    explorer.step(3)
    assert not plain & tree.problem_states()
    explorer.reset()
    assert len(tree.problem_states()) == 3
    explorer.undo()
    explorer.undo()
    explorer.undo()
    assert plain < tree.problem_states()


def test_reset_and_logarithms_are_undone_and_redone(explorer):
    explorer.step(3)
    plain = parts(explorer)
    explorer.use_log(["p [Pa]", "flow"])
    explorer.step(3)
    logged = parts(explorer)
    explorer.reset()
    again = parts(explorer)
    explorer.undo()
    assert parts(explorer) == logged
    explorer.undo(2)
    assert parts(explorer) == plain
    for _ in range(3):
        explorer.redo()
    assert parts(explorer) == again


def test_without_logarithms_a_reset_is_the_initial_network(gas):
    model = KAN([2, 1, 1], log=["p [Pa]"], seed=1)
    with KANExplorer(model, gas, driver="blocking") as explorer:
        begun = network(explorer.model)
        explorer.use_log([])
        explorer.reset()
        assert not explorer.model.log
        explorer.use_log(["p [Pa]"])
        explorer.reset()
        assert network(explorer.model) == begun


def test_names_of_a_person_stand_for_the_columns_of_the_data(gas):
    with KANExplorer(KAN([2, 1, 1], seed=1), gas, in_vars=["T", "p [Pa]"], driver="blocking") as explorer:
        explorer.use_log(["T"])  # which is the first column here
        explorer.reset(seed=2)
        assert explorer.model.scaling.input_log.tolist() == [True, False]


def test_the_film_after_a_reset_shows_no_network_of_another_kind(explorer):
    explorer.use_log(["p [Pa]"])
    explorer.reset()
    explorer.step(2)
    assert {frame.network().log for frame in explorer._session.film()} == {("p [Pa]",)}


@pytest.mark.parametrize("begin", [lambda explorer: explorer.reset(), lambda explorer: explorer.use_log(["p [Pa]"])])
def test_a_beginning_that_fails_leaves_all_as_it_was(explorer, monkeypatch, begin):
    explorer.fit(steps=3)
    before, said = parts(explorer), {name: explorer.status[name] for name in ("state", "stop_reason", "step")}

    def evaluate():
        monkeypatch.undo()
        raise ZeroDivisionError

    monkeypatch.setattr(explorer._session.run, "_evaluate", evaluate)
    with pytest.raises(ZeroDivisionError):
        begin(explorer)
    assert {name: explorer.status[name] for name in said} == said
    assert parts(explorer) == before
    begin(explorer)
    assert (explorer.status["state"], explorer.status["step"]) == ("idle", 0)
