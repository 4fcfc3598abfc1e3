"""Trainings that don't depend on the unit of the labels."""

import pytest

from kanwidget import KAN, Dataset, create_dataset, load_planets
from kanwidget.cli.steps import train, train_scaled


def test_the_penalty_means_the_same_in_every_unit():
    data = create_dataset(lambda x: x[:, [0]] ** 2, train_num=100, test_num=0)
    scores = []
    for unit in (1.0, 1e6):
        scaled = Dataset(data.train_input, data.train_label * unit + 5 * unit)
        model = KAN([2, 2, 1], seed=1)
        train_scaled(model, scaled, 5, 1e-2, fresh=True)
        scores.append(model.feature_score)
        assert (model.predict(data.train_input) / unit - 5).std() == pytest.approx(
            float(data.train_label.std()), rel=0.2
        )
    assert scores[0].tolist() == pytest.approx(scores[1].tolist(), rel=1e-6)


def test_labels_in_any_unit_give_the_same_network():
    data = load_planets()
    for factor in (1.0, 1e5):
        scaled = Dataset(data.train_input, data.train_label * factor)
        model, _ = train(scaled, [1, 1], 3, steps=20, lamb=0.0, seed=0)
        error = (model.predict(scaled.train_input) - scaled.train_label).square().mean().sqrt() / factor
        assert error < 1.0
