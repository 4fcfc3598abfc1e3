"""What the tabs beside the curves are told: predictions beside the truth, the surface, noise and the problems to play with."""

import math

import pytest
import torch

from kanwidget import KAN
from kanwidget.datasets import Dataset
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.describe.panels.parity import parity
from kanwidget.explorer.describe.panels.surface import checked, first_view, surface
from kanwidget.explorer.describe.panels.table import PANELS
from kanwidget.explorer.session.presets import PRESETS, preset
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.states.run_states import noisy
from kanwidget.explorer.session.view import SurfaceView


def of_classes(rows=40):
    x = torch.linspace(-1, 1, rows, dtype=torch.float64)[:, None].repeat(1, 2)
    return Dataset(x, (torch.arange(rows) % 3).long(), x[:9], (torch.arange(9) % 3).long())


def test_panels_take_little_of_a_training_however_many_are_open():
    assert sum(row.share for row in PANELS.values()) < 0.15
    assert all(row.seconds >= 0.2 for row in PANELS.values())


# ---- predictions beside the truth


def test_pairs_are_truth_and_prediction_of_every_part(session, data):
    told, arrays = parity(session)
    assert told == {"outputs": ["y"], "classes": False, "rows": {"train": 60, "test": 40}}
    assert set(arrays) == {"train", "test", "train_error", "test_error"}
    assert torch.equal(arrays["train"][0, 0], data.train_label[:, 0])
    assert torch.equal(arrays["test"][0, 1], session.model(data.test_input)[:, 0].detach())


def test_errors_are_exact_where_truth_and_prediction_are_rounded():
    x = torch.linspace(0, 1, 30, dtype=torch.float64)[:, None]
    session = Session(KAN([1, 1]), (x, 1e6 + 1e-3 * x))
    arrays = parity(session)[1]
    exact = session.model(x) - (1e6 + 1e-3 * x)
    assert torch.equal(arrays["train_error"], exact.detach().T)


def test_many_rows_are_thinned_evenly_to_the_same_ones():
    x = torch.linspace(-1, 1, 4001, dtype=torch.float64)[:, None]
    session = Session(KAN([1, 1]), (x, x))
    first, again = parity(session)[1]["train"], parity(session)[1]["train"]
    assert first.shape == (1, 2, 500)
    assert parity(session)[0]["rows"] == {"train": 4001}
    assert torch.equal(first, again)
    assert first[0, 0, [0, -1]].tolist() == [-1, 1]


def test_classes_are_counted():
    data = of_classes()
    session = Session(KAN([2, 3]), data)
    told, arrays = parity(session)
    assert told["classes"]
    assert arrays["train"].shape == (3, 3)
    assert arrays["train"].sum(1).tolist() == [14, 13, 13]
    predicted = session.model(data.test_input).argmax(1)
    for true in range(3):
        for other in range(3):
            count = ((data.test_label == true) & (predicted == other)).sum()
            assert arrays["test"][true, other] == count


# ---- the surface


def test_rows_are_values_of_y_and_columns_values_of_x():
    x = torch.rand(50, 2, dtype=torch.float64) * torch.tensor([2.0, 6.0])
    session = Session(KAN([2, 1], seed=3), (x, x[:, :1]))
    told, arrays = surface(session, SurfaceView(0, 1))
    z = arrays["z"]
    assert z.shape == (40, 40)
    across = torch.linspace(*told["x_range"], 40, dtype=torch.float64)
    upwards = torch.linspace(*told["y_range"], 40, dtype=torch.float64)
    assert told["x_range"] == [float(x[:, 0].min()), float(x[:, 0].max())]
    at = torch.stack([across[7], upwards[31]])[None]
    assert torch.allclose(z[31, 7], session.model(at)[0, 0])


def test_other_inputs_are_held_at_their_medians_or_where_one_says():
    x = torch.rand(51, 3, dtype=torch.float64)
    session = Session(KAN([3, 1], seed=3), (x, x[:, :1]))
    told, arrays = surface(session, SurfaceView(2, 0))
    assert told["at"] == x.median(0).values.tolist()
    told, held = surface(session, SurfaceView(2, 0, 0, (None, 0.25, None)))
    assert told["at"][1] == 0.25
    assert not torch.equal(arrays["z"], held["z"])
    corner = torch.tensor([[told["y_range"][0], 0.25, told["x_range"][0]]], dtype=torch.float64)
    assert torch.allclose(held["z"][0, 0], session.model(corner)[0, 0])


def test_one_input_is_a_line():
    x = torch.linspace(-1, 1, 30, dtype=torch.float64)[:, None]
    session = Session(KAN([1, 1]), (x, x**2))
    view = first_view(session)
    assert view == SurfaceView(0, None)
    told, arrays = surface(session, view)
    assert told["y_range"] is None
    assert arrays["z"].shape == (1, 161)
    assert torch.equal(arrays["points"][1], arrays["points"][2])


def test_of_classes_it_is_a_probability():
    session = Session(KAN([2, 3]), of_classes())
    total = sum(surface(session, SurfaceView(0, 1, output))[1]["z"] for output in range(3))
    assert torch.allclose(total, torch.ones(64, 64, dtype=torch.float64))
    assert set(surface(session, SurfaceView(0, 1, 1))[1]["points"][2].tolist()) == {0.0, 1.0, 2.0}


def test_over_one_input_a_row_stands_at_whether_it_is_of_the_class():
    session = Session(KAN([2, 3]), of_classes())
    _, height, label = surface(session, SurfaceView(0, None, 1))[1]["points"]
    assert torch.equal(height, (label == 1).to(height.dtype))
    assert set(height.tolist()) == {0.0, 1.0}


def test_a_constant_column_has_a_range_too():
    x = torch.ones(20, 2, dtype=torch.float64)
    session = Session(KAN([2, 1]), (x, x[:, :1]))
    told, _ = surface(session, SurfaceView(0, 1))
    assert told["x_range"] == [0.5, 1.5]


def test_after_pruned_inputs_columns_keep_their_meaning():
    x = torch.rand(40, 3, dtype=torch.float64)
    model = KAN([3, 1])
    model.remove_edge(0, 1, 0)
    session = Session(model.prune_input(active=[0, 2], data=x), (x, x[:, :1]))
    assert first_view(session) == SurfaceView(0, 2)
    assert surface(session, SurfaceView(1, 2))[0]["names"] == ["x_1", "x_2", "x_3"]


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ({"x": 2, "y": 1}, "x"),
        ({"x": 0, "y": 0}, "y"),
        ({"x": 0, "y": 1, "output": 1}, "output"),
        ({"x": 0, "y": 1, "at": [1.0]}, "at"),
        ({"x": 0, "y": 1, "at": [math.nan, 0.0]}, "at"),
        ({"x": 0, "y": 1, "at": "ab"}, "at"),
        ({"x": None, "y": 1}, "x"),
        ({"y": 1}, "x"),
        ({"x": 1.5, "y": 0}, "x"),
    ],
)
def test_views_that_cannot_be(session, message, named):
    def ask():
        checked(session, parse({"kind": "surface", **message})[0].surface)

    with pytest.raises((ValueError, TypeError), match=f"`{named}`"):
        ask()


def test_a_view_survives_its_message(session):
    assert parse({"kind": "surface", "x": 1, "y": 0, "output": 0, "at": [None, 0.5]})[0].surface == SurfaceView(
        1, 0, 0, (None, 0.5)
    )
    assert checked(session, SurfaceView(1)) == SurfaceView(1)


# ---- noise


def test_noise_is_in_units_of_the_labels_spread_and_seeded():
    x = torch.linspace(-1, 1, 2000, dtype=torch.float64)[:, None]
    data = Dataset(x, torch.cat([5 * x, x + 3], 1), x, torch.cat([x, x], 1))
    once, again, more = noisy(data, 0.1), noisy(data, 0.1), noisy(data, 0.2)
    difference = once.train_label - data.train_label
    assert torch.allclose(difference.std(0), 0.1 * data.train_label.std(0), rtol=0.1)
    assert torch.equal(once.train_label, again.train_label)
    assert torch.allclose(more.train_label - data.train_label, 2 * difference)
    assert torch.equal(once.test_label, data.test_label)
    assert not torch.equal(noisy(data, 0.1, seed=1).train_label, once.train_label)


def test_noise_on_classes_draws_some_anew():
    data = of_classes(300)
    changed = (noisy(data, 0.5).train_label != data.train_label).double().mean()
    assert 0.2 < changed < 0.45  # two thirds of a half
    assert noisy(data, 0.5).is_classification


# ---- problems to play with


@pytest.mark.parametrize("name", PRESETS)
def test_every_problem_fits_its_network_and_is_learnt_in_part(name):
    _, row = preset(name)
    data = row.data()
    history = row.network().fit(data, steps=15, progress=False)
    assert history.last.train_loss < 0.5 * history.records[0].train_loss


def test_problems_by_name():
    assert preset(None)[0] == next(iter(PRESETS))
    with pytest.raises(ValueError, match="name"):
        preset("ripple")
