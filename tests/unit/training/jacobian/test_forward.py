"""Passes over many rows keep the outputs alone, and a training with them takes the same steps."""

import pytest
import torch

from kanwidget import KAN, Dataset, fit_many
from kanwidget.core import network, splines
from kanwidget.training.jacobian import forward
from kanwidget.training.objective import batch
from kanwidget.training.objective.batch import FirstDesign


def rows(classes):
    draws = torch.Generator().manual_seed(0)
    x = torch.rand(500, 3, generator=draws, dtype=torch.float64)
    y = 2 * x[:, 0] + torch.sin(6 * x[:, 1]) + 0.1 * torch.randn(500, generator=draws, dtype=torch.float64)
    label = (y > 1.2).long() if classes else y[:, None]
    return Dataset(x[:400], label[:400], test_input=x[400:], test_label=label[400:])


def losses(data, width, **options):
    history = KAN(width, grid=4, seed=1).fit(data, steps=12, progress=False, **options)
    return history["train_loss"] + history["test_loss"]


@pytest.mark.parametrize("is_kept", [True, False])
@pytest.mark.parametrize("width", [[3, 1], [3, 2, 1], [3, 2, 2]])
def test_a_training_of_many_rows_takes_the_same_steps(width, is_kept, monkeypatch):
    data = rows(classes=width[-1] == 2)
    options = {"loss": "cross_entropy"} if width[-1] == 2 else {}
    whole = losses(data, width, **options)
    parts, part_of = [], FirstDesign.part_of
    monkeypatch.setattr(forward, "_MANY_BYTES", 0)
    monkeypatch.setattr(forward, "_PART_BYTES", 1 << 14)
    monkeypatch.setattr(batch, "_LARGEST_BYTES", (1 << 30) * is_kept)
    monkeypatch.setattr(FirstDesign, "part_of", lambda *args, **named: parts.append(1) or part_of(*args, **named))
    assert losses(data, width, **options) == pytest.approx(whole, rel=1e-6)
    assert len(parts) > 12


def test_a_penalty_has_all_that_lies_between(monkeypatch):
    data = rows(classes=False)
    whole = losses(data, [3, 2, 1], lamb=1e-3)
    monkeypatch.setattr(forward, "_MANY_BYTES", 0)
    assert losses(data, [3, 2, 1], lamb=1e-3) == whole


@pytest.mark.parametrize("width", [[3, 2, 1], [3, 1, 1]])
def test_a_batch_whose_parts_are_few_takes_the_same_steps(width, monkeypatch):
    """Networks that were refused try again by themselves: a part of them may be evaluated whole."""
    data = rows(classes=False)

    def trained():
        networks = [KAN(width, grid=4, seed=seed) for seed in range(4)]
        _, histories = fit_many(networks, data, steps=15, progress=False)
        return [history["train_loss"] for history in histories]

    puts, put = [], forward.ForwardTrace.put
    monkeypatch.setattr(
        forward.ForwardTrace, "put", lambda self, *given: puts.append(self.is_whole) or put(self, *given)
    )
    whole = trained()
    assert puts
    assert all(puts)
    row = network.row_bytes(KAN(width, grid=4).layers)
    monkeypatch.setattr(forward, "_MANY_BYTES", row * 600)  # two are many, one has few
    monkeypatch.setattr(forward, "_PART_BYTES", 1 << 14)
    assert trained() == [pytest.approx(losses, rel=1e-6) for losses in whole]
    assert not all(puts)


def test_acceleration_makes_a_design_of_many_rows_for_its_gradient_alone(monkeypatch):
    data, made, design = rows(classes=False), [], FirstDesign.__call__

    def noting(self):
        if not self._is_made:
            made.append(torch.is_grad_enabled())
        return design(self)

    monkeypatch.setattr(FirstDesign, "__call__", noting)
    monkeypatch.setattr(forward, "_MANY_BYTES", 0)
    monkeypatch.setattr(forward, "_PART_BYTES", 1 << 14)
    monkeypatch.setattr(batch, "_LARGEST_BYTES", 0)
    KAN([3, 2, 1], seed=1).fit(data, steps=2, progress=False, geodesic_acceleration=True)
    assert made
    assert all(made)


@pytest.mark.slow
@pytest.mark.parametrize(("most", "passes"), [(1 << 16, 130), (1, 30_001), (1 << 40, 1)])
def test_a_network_evaluates_many_rows_part_by_part(most, passes, monkeypatch):
    model, x = KAN([3, 2, 1], seed=0), torch.rand(30_000, 3, dtype=torch.float64)
    whole, calls, outputs_of = model(x).detach(), [], KAN._outputs_of
    monkeypatch.setattr(KAN, "_outputs_of", lambda self, nodes: calls.append(1) or outputs_of(self, nodes))
    monkeypatch.setattr(network, "_PASS_BYTES", most)
    monkeypatch.setattr(splines, "_AT_ONCE", 3 * 30_000)
    with torch.no_grad():
        assert torch.allclose(model(x), whole, rtol=0, atol=1e-13)
    assert len(calls) == passes
    assert model(x).requires_grad
    assert len(calls) == passes + 1
