"""Passes over many rows keep the outputs alone, and a training with them takes the same steps."""

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.core import network
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


def test_a_network_evaluates_many_rows_part_by_part(monkeypatch):
    model, x = KAN([3, 2, 1], seed=0), torch.rand(20_000, 3, dtype=torch.float64)
    whole = model(x).detach()
    monkeypatch.setattr(network, "_PASS_BYTES", 1 << 16)
    with torch.no_grad():
        assert torch.allclose(model(x), whole, rtol=0, atol=1e-13)
        assert torch.equal(model(x[:5]), model(x)[:5])
    assert model(x).requires_grad
