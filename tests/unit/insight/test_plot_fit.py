"""Predictions against the truth, and residuals."""

import math
import os

import numpy as np
import pytest
import torch

from kanwidget import KAN, create_dataset
from kanwidget.datasets import Dataset
from kanwidget.insight.plot import plot_fit


@pytest.fixture
def model():
    return KAN([2, 2, 1], noise_scale=1.0)


@pytest.fixture
def data():
    return create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=50, test_num=30)


def drawn(figure):
    figure.savefig(os.devnull, format="svg")
    figure.savefig(os.devnull, format="png", dpi=30)
    return figure


def points(ax):
    """The points of each part and output."""
    return [line.get_xydata() for line in ax.lines if line.get_marker() == "o" and len(line.get_xdata())]


def titles(figure):
    return [ax.get_title(loc="left") for ax in figure.axes]


def legends(figure):
    found = [child for ax in figure.axes for child in ax.get_children() if hasattr(child, "legend_handles")]
    return sorted(text.get_text() for legend in found for text in legend.get_texts())


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
def test_it_shows_predictions_and_residuals_of_both_parts(model, data, theme, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = {name: repr(value) for name, value in model.state_dict().items()}
    figure = drawn(plot_fit(model, data, theme=theme, title="A fit"))
    assert {name: repr(value) for name, value in model.state_dict().items()} == before
    assert os.listdir(tmp_path) == []
    left, right = figure.axes
    for part, parity, residuals in zip(("train", "test"), points(left), points(right), strict=True):
        with torch.no_grad():
            prediction = model(data[f"{part}_input"])[:, 0].numpy()
        truth = data[f"{part}_label"][:, 0].numpy()
        assert np.allclose(parity, np.stack([truth, prediction], 1))
        assert np.allclose(residuals, np.stack([prediction, truth - prediction], 1))
    assert left.get_xlim() == left.get_ylim()
    assert legends(figure) == ["test", "train"]
    assert "A fit" in [text.get_text() for text in left.texts]


def test_the_titles_say_rmse_and_r2_of_all_rows(model):
    data = create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=1000, test_num=100)
    figure = plot_fit(model, data)
    with torch.no_grad():
        error = model(data.train_input) - data.train_label
    rmse = float(error.square().mean().sqrt())
    r2 = 1 - float(error.square().mean() / data.train_label.var(correction=0))
    assert titles(figure)[0].startswith(f"R²  train {r2:.4f} · test ")
    assert titles(figure)[1].startswith(f"RMSE  train {rmse:.3g} · test ")
    train, test = points(figure.axes[1])
    assert (len(train), len(test)) == (300, 100)
    assert train[:, 1].max() == pytest.approx(float(-error.min()))
    assert train[:, 1].min() == pytest.approx(float(-error.max()))


def test_several_outputs_have_their_colours_and_names(data):
    y = torch.cat([data.train_label, data.train_input, data.train_input + 1, data.train_label - 1], 1)
    names = ("$T$", "_hidden", "c", "d", "e", "f")
    figure = drawn(plot_fit(KAN([2, 6]), Dataset(data.train_input, y, out_vars=names)))
    looks = {(str(line.get_color()), line.get_marker()) for line in figure.axes[1].lines if len(line.get_xdata()) == 50}
    assert len(looks) == 6
    assert legends(figure) == sorted(["train", "T", "hidden", "c", "d", "e", "f"])
    assert titles(figure)[0].count("train") == 1
    assert "test" not in titles(figure)[0]


def test_perfect_and_hopeless_fits_are_drawn(model, data):
    with torch.no_grad():
        own = model(data.train_input)
    figure = drawn(plot_fit(model, (data.train_input, own)))
    assert titles(figure) == ["R²  train 1.0000", "RMSE  train 0"]
    almost = plot_fit(model, (data.train_input, own + 1e-6 * data.train_input[:, :1]))
    assert titles(almost)[0] == "R²  train > 0.9999"
    flat = drawn(plot_fit(model, (data.train_input, torch.ones_like(own))))
    assert titles(flat)[0] == "R²  train –"
    with torch.no_grad():
        model.layer(1).coef.fill_(math.nan)
    lost = drawn(plot_fit(model, data))
    assert titles(lost) == ["R²  train – · test –", "RMSE  train – · test –"]
    assert "no finite predictions" in [text.get_text() for text in lost.axes[0].texts]


@pytest.mark.slow
def test_data_come_in_every_form_and_the_type_of_the_network(data):
    model = KAN([2, 1], dtype=torch.float32)
    for given in (data, {key: data[key] for key in data}, (data.train_input.numpy(), data.train_label.numpy())):
        assert len(drawn(plot_fit(model, given)).axes) == 2
    one = drawn(plot_fit(model, (data.train_input[:1], data.train_label[:1])))
    assert [len(part) for part in points(one.axes[0])] == [1]


def test_wrong_data_say_so(model, data):
    with pytest.raises(ValueError, match="`data` argument of plot_fit must be data with labels that are numbers"):
        plot_fit(model, (data.train_input, torch.zeros(50, dtype=torch.int64)))
    with pytest.raises(ValueError, match="data with 2 input columns"):
        plot_fit(model, (data.train_input[:, :1], data.train_label))
    with pytest.raises(ValueError, match="data with 1 columns of labels"):
        plot_fit(model, (data.train_input, data.train_input))
    with pytest.raises(ValueError, match="Did you mean 'dark'"):
        plot_fit(model, data, theme="drak")
    with pytest.raises(TypeError, match="plot_fit"):
        plot_fit(model, 3)
