"""The table of eigenstates."""

import pytest
import torch

from kanwidget.datasets import localization
from kanwidget.datasets.chains import MODELS, chain_models, fractal_dimension, hamiltonian, order_parameter


def small(model="gaam", **options):
    return localization(model, **{"chains": 12, "test_chains": 6, "sites": 89, "states": 3} | options)


@pytest.mark.parametrize("model", chain_models())
def test_columns_are_named_and_within_their_ranges(model):
    data = small(model)
    assert data.in_vars == (*MODELS[model].ranges, "E")
    assert data.classes == ("extended", "localized")
    assert data.train_input.shape == (36, len(data.in_vars))
    for name, column in zip(data.in_vars[:-1], data.train_input.T, strict=False):
        low, high = MODELS[model].ranges[name]
        assert low <= column.min() < column.max() <= high


@pytest.mark.parametrize("model", chain_models())
def test_rows_are_eigenstates_of_their_chain(model):
    data = small(model, target="dimension")
    for row, dimension in zip(data.train_input[::7], data.train_label[::7], strict=True):
        parameters = dict(zip(data.in_vars[:-1], row, strict=False))
        energies, states = torch.linalg.eigh(hamiltonian(model, parameters, sites=89))
        nearest = int((energies[0] - row[-1]).abs().argmin())
        assert abs(energies[0, nearest] - row[-1]) < 1e-12
        assert fractal_dimension(states)[0, nearest] == pytest.approx(
            float(dimension), abs=0.05
        )  # of a pair, or one of it


def test_a_state_is_localized_below_the_threshold():
    dimension = small(target="dimension").train_label[:, 0]
    assert torch.equal(small(threshold=0.7).train_label, (dimension < 0.7).long())


@pytest.mark.parametrize(("model", "threshold"), [("gaam", 0.5), ("maam", 0.5), ("mosaic2", 0.6)])
def test_labels_are_those_of_theory_away_from_the_edge(model, threshold):
    data = localization(model, chains=20, test_chains=0, states=20, threshold=threshold)
    g = order_parameter(model, data.train_input)
    clear = g.abs() > 0.5
    assert clear.sum() > 200
    assert ((g > 0) == data.train_label)[clear].double().mean() > 0.99


def test_the_same_seed_gives_the_same_rows_and_no_chain_is_in_both_parts():
    first, again, other = small(seed=3), small(seed=3), small(seed=4)
    assert torch.equal(first.train_input, again.train_input)
    assert not torch.equal(first.train_input, other.train_input)
    assert not set(first.train_input[:, 0].tolist()) & set(first.test_input[:, 0].tolist())


def test_the_global_random_state_stays():
    before = torch.get_rng_state()
    small()
    assert torch.equal(torch.get_rng_state(), before)


def test_a_chain_gives_different_states():
    data = small(states=89)
    assert len(data.train_input[:89, -1].unique()) == 89


def test_ranges_can_be_changed_and_parameters_fixed():
    data = small(ranges={"lambda": (0.5, 0.6), "alpha": (0, 0)})
    assert 0.5 <= data.train_input[:, 0].min() < data.train_input[:, 0].max() <= 0.6
    assert (data.train_input[:, 1] == 0).all()
    assert data.classes == ("extended",)  # no state is localized at λ < 1
    assert small(test_chains=0).test_input is None


def test_many_chains_are_diagonalized_in_parts(monkeypatch):
    whole = small()
    monkeypatch.setattr("kanwidget.datasets.chains._BATCH", 5 * 89**2)
    torch.testing.assert_close(small().train_input, whole.train_input)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "gam"}, r"`model` argument of localization must be one of 'mosaic2', 'mosaic3', 'gaam', 'maam'"),
        ({"chains": 0}, r"`chains` argument of localization must be an integer ≥ 1; got 0"),
        ({"test_chains": -1}, r"`test_chains` argument .*0 makes no test data"),
        ({"states": 90}, r"`states` argument .*from 1 to 89; got 90\. A chain has no more states"),
        ({"sites": 90}, r"`sites` argument of localization must be a Fibonacci number on a ring; got 90"),
        ({"target": "phases"}, r"`target` argument .*Did you mean 'phase'"),
        ({"threshold": 0}, r"`threshold` argument .*> 0 and ≤ 1; got 0"),
        ({"seed": -1}, r"`seed` argument of localization"),
        ({"ranges": {"beta": (0, 1)}}, r"`ranges` argument .*some of lambda, alpha, phi; got \['beta'\]"),
        (
            {"ranges": {"alpha": (0, 1)}},
            r"`ranges` argument .*for alpha, between -1 and 1 without the ends; got \(0, 1\)",
        ),
        ({"ranges": {"lambda": (2, 1)}}, r"`ranges` argument .*two numbers in order for lambda; got \(2, 1\)"),
        ({"ranges": {"lambda": 2}}, r"`ranges` argument .*two numbers in order for lambda; got 2"),
    ],
)
def test_what_makes_no_table_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)
