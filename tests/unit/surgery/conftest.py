import pytest
import torch

from kanwidget import KAN
from kanwidget.core.records import StepRecord
from tests.support.networks import furnished


def make_zoo(k=3, grid=5, dtype=torch.float64, seed=1):
    """A network with everything: four inputs, products of two and three factors, all edge states, ties, a frozen
    edge.
    """
    model = KAN(
        [4, [3, 2], [2, 1], 2],
        grid=grid,
        k=k,
        mult_arity=[[], [2, 3], [2], []],
        noise_scale=2.0,
        grid_eps=0.3,
        seed=seed,
        dtype=dtype,
    )
    furnished(model)
    model.history.records.append(StepRecord(7, 0.1, 0.2, 0.0, 1.0))
    return model


@pytest.fixture
def zoo():
    return make_zoo


@pytest.fixture
def x():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(300, 4, generator=generator, dtype=torch.float64) * 2 - 1


def frozen_state(network):
    """A copy of everything that a state dict holds."""
    return {
        name: value.clone() if isinstance(value, torch.Tensor) else repr(value)
        for name, value in network.state_dict().items()
    }


@pytest.fixture
def unchanged():
    """A context in which a network must not change."""
    from contextlib import contextmanager

    @contextmanager
    def guard(network):
        before, width, events = frozen_state(network), repr(network.width), len(network.history.events)
        yield
        after = frozen_state(network)
        assert before.keys() == after.keys()
        for name, value in before.items():
            same = torch.equal(value, after[name]) if isinstance(value, torch.Tensor) else value == after[name]
            assert same, name
        assert repr(network.width) == width
        assert len(network.history.events) == events

    return guard


@pytest.fixture
def apart():
    """Whether two networks share no storage and no lists, and have the same settings."""

    def check(new, old):
        tensors = [[*n.parameters(), *n.buffers()] for n in (new, old)]
        pointers = [{t.untyped_storage().data_ptr() for t in ts if t.numel()} for ts in tensors]
        assert not pointers[0] & pointers[1]
        assert new.history is not old.history
        assert new.width is not old.width
        assert type(new) is type(old)
        assert (new.grid_eps, new.seed, new.k) == (old.grid_eps, old.seed, old.k)
        assert new.layer(0).base_fun == old.layer(0).base_fun
        return True

    return check
