"""Learning one part of the data after the other: with `continual` nothing is forgotten that the new part doesn't decide."""

import logging

import pytest
import torch

from kanwidget import KAN, Dataset, fit_many

CENTRES = torch.linspace(-0.8, 0.8, 5, dtype=torch.float64)


def peaks(x):
    return torch.exp(-300 * (x - CENTRES).square()).sum(1, keepdim=True)


def parts():
    x = torch.linspace(-1, 1, 500, dtype=torch.float64)[:, None]
    return [Dataset(piece, peaks(piece)) for piece in x.split(100)]


def errors(model):
    return [float((model.predict(part.train_input) - part.train_label).square().mean().sqrt()) for part in parts()]


def fresh():
    return KAN([1, 1], grid=200, noise_scale=0.0, base_fun="zero")


@pytest.mark.slow
@pytest.mark.parametrize("opt", ["LM", "LBFGS"])
def test_earlier_peaks_stay(opt):
    model = fresh()
    for part in parts():
        model.fit(part, opt=opt, steps=20, continual=True, progress=False)
    assert max(errors(model)) < 1e-4
    assert model.layer(0).grid[0, [0, -1]].tolist() == [-1.0, 1.0]


def test_without_it_they_are_lost_and_a_warning_says_so(caplog):
    model = fresh()
    first, second, *_ = parts()
    model.fit(first, steps=20, update_grid=False, progress=False)
    with caplog.at_level(logging.WARNING):
        model.fit(second, steps=20, update_grid=False, progress=False)
    assert "of the inputs that the network was trained on lie outside these data" in caplog.text
    assert "continual=True" in caplog.text
    assert errors(model)[0] > 0.1


def test_the_same_data_and_a_continual_training_give_no_warning(caplog):
    model = fresh()
    first, second, *_ = parts()
    with caplog.at_level(logging.WARNING):
        model.fit(first, steps=3, progress=False)
        model.fit(first, steps=3, progress=False)
        model.fit(second, steps=3, continual=True, progress=False)
    assert "lie outside" not in caplog.text


def test_the_reference_data_have_rows_of_all_parts():
    model = fresh()
    for part in parts():
        model.fit(part, steps=2, continual=True, progress=False)
    assert len(model.reference) <= 512
    assert float(model.reference.min()) < -0.95
    assert float(model.reference.max()) > 0.95


def test_in_a_batch_it_is_the_same():
    alone, batch = fresh(), [fresh(), fresh()]
    for part in parts()[:2]:
        alone.fit(part, steps=10, continual=True, progress=False)
        fit_many(batch, part, steps=10, continual=True, progress=False)
    assert max(errors(batch[1])[:2]) < 1e-4
    assert torch.allclose(batch[0].predict(alone.reference), alone.predict(alone.reference), atol=1e-6)


def test_it_is_true_or_false():
    with pytest.raises(ValueError, match="`continual` argument of fit must be True or False"):
        fresh().fit(parts()[0], continual=1)
