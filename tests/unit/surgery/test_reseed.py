"""Another start: nothing of what was trained stays, and what belongs to the data does."""

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.surgery import reseed


def trained():
    x = 100 * torch.rand(40, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model = KAN([3, 4, 1], grid=4, k=2, seed=1)
    model.fit(Dataset(x, x.sum(1), in_vars=["a", "b", "c"]), steps=4, progress=False)
    return model


def test_it_is_a_fresh_network_of_that_seed_with_the_grids_and_scales():
    model = trained()
    fresh, made = reseed(model, 9), KAN([3, 4, 1], grid=4, k=2, seed=9)
    for index in range(2):
        assert torch.equal(fresh.layer(index).coef, made.layer(index).coef)
        assert torch.equal(fresh.layer(index).base, made.layer(index).base)
        assert torch.equal(fresh.layer(index).knots, model.layer(index).knots)
    assert fresh.scaling.key() == model.scaling.key()
    assert fresh.seed == 9
    assert len(fresh.history) == len(fresh.reference) == len(fresh.in_vars) == 0


def test_it_shares_nothing_and_leaves_the_network_as_it_was():
    model = trained()
    before = {name: value.clone() for name, value in model.state_dict().items() if isinstance(value, torch.Tensor)}
    fresh = reseed(model, 2)
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter += 1
    after = model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in before.items())
    assert len(model.history) == 4


def test_symbols_masks_and_locks_are_gone():
    model = trained()
    model.fix_symbolic(0, 0, 0, "x^2")
    model.remove_edge(0, 1, 1)
    model.lock(1, [(0, 0), (1, 0)])
    fresh = reseed(model, 3)
    assert len(fresh.edge_refs(active=True)) == 16
    assert all(fresh.layer(index).state(i, j) == "spline" for index, i, j in fresh.edge_refs())
    assert not any(fresh.layer(index).ties for index in range(2))


def test_a_wrong_seed_is_refused():
    with pytest.raises(ValueError, match="`seed` argument of reset must be an integer ≥ 0"):
        reseed(KAN([1, 1]), -1, "reset")
