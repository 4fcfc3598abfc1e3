"""A KAN as a module of torch, and the small things that people reach for."""

import logging

import numpy as np
import pandas
import pytest
import torch
from torch import nn

from kanwidget import KAN, Dataset


def rows(count=200, scale=1.0):
    generator = torch.Generator().manual_seed(0)
    x = scale * torch.rand(count, 2, generator=generator, dtype=torch.float64)
    return x, (x[:, [0]] / scale) ** 2 + x[:, [1]] / scale


def adam(model, x, y, steps=300):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        optimizer.step()
    return float(loss.detach().sqrt())


def test_a_loop_of_ones_own_is_told_to_learn_scales_first(caplog):
    x, y = rows(scale=4000.0)
    with caplog.at_level(logging.WARNING):
        model = KAN([2, 1])
        model(x)
        model(x)
    assert caplog.text.count("Call learn_scales(x)") == 1
    caplog.clear()
    scaled = KAN([2, 1])
    scaled.learn_scales(x, y)
    assert adam(scaled, x, y) < 0.05
    assert not caplog.text
    with pytest.raises(ValueError, match=r"`y` argument of learn_scales must be of shape \(200, 1\)"):
        KAN([2, 1]).learn_scales(x, y[:5])


def test_a_default_network_is_a_layer_among_single_numbers():
    x, y = rows()
    network = nn.Sequential(KAN([2, 3]), nn.Linear(3, 1))
    assert network(x.float()).dtype == torch.float32
    assert adam(network, x.float(), y.float(), steps=200) < 0.1
    assert KAN([2, 1]).predict(x.float()).dtype == torch.float64


@pytest.mark.slow
@pytest.mark.parametrize("fitted", [False, True])
@pytest.mark.parametrize(
    "made",
    [lambda model, x: torch.jit.trace(model, x), lambda model, x: torch.export.export(model, (x,)).module()],
    ids=["trace", "export"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_networks_are_traced_and_exported(fitted, made):
    x, y = rows(50, scale=100.0)
    model = KAN([2, 3, 1])
    if fitted:
        model.fit((x, y), steps=3, progress=False)
    model.eval()
    assert torch.allclose(made(model, x)(x), model(x))


def test_score_is_that_of_the_labels():
    x, y = rows()
    model = KAN([2, 1])
    model.fit((x, y), progress=False)
    assert model.score((x, y)) > 0.999
    assert model.score((x, torch.randn_like(y))) < 0
    classes = Dataset(x, (x[:, 0] > 0.5).long())
    sorter = KAN.for_data(classes, width=[2, 2])
    sorter.fit(classes, steps=20, progress=False)
    assert sorter.score(classes) > 0.95


def test_rows_without_a_prediction_are_counted_in_one_warning(caplog):
    x, y = rows()
    model = KAN([2, 1])
    model.fit((x, y), progress=False)
    x[3, 0], x[5, 1], x[6, 1] = np.nan, 90.0, -90.0
    with caplog.at_level(logging.WARNING):
        predicted = model.predict(x)
    (record,) = caplog.records
    assert record.getMessage() == (
        "predict: 1 of 200 rows have missing numbers, and no prediction; 2 of 200 rows lie far outside the training data"
    )
    assert int(predicted.isnan().sum()) == 1


def test_a_history_is_a_table_and_a_picture():
    x, y = rows()
    history = KAN([2, 1]).fit((x, y), steps=4, progress=False)
    table = history.to_pandas()
    assert isinstance(table, pandas.DataFrame)
    assert len(table) == len(history)
    assert len(history.plot().axes) == 1
