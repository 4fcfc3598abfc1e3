import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN, create_dataset
from kanwidget.insight.plot.diagrams import plot_bars, plot_scores
from kanwidget.insight.plot.style import THEMES


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_largest_come_first_and_the_rest_in_one_bar():
    values = torch.arange(1000, dtype=torch.float64) / 1000
    figure = plot_bars([f"c{n}" for n in range(1000)], values)
    assert texts(figure)[:4] == ["c999", "0.999", "c998", "0.998"]
    assert texts(figure)[-2:] == ["980 others, at most", "0.979"]
    assert len(figure.axes[0].patches) == 21
    assert figure.get_size_inches()[1] < 6


def test_what_can_be_chance_is_pale():
    figure = plot_bars(
        ["a", "b"], torch.tensor([0.5, -0.001]), torch.tensor([True, False]), theme="light", title="Effects"
    )
    wide, thin = figure.axes[0].patches
    assert (wide.get_width(), thin.get_width()) == (0.5, 0.0)
    assert wide.get_facecolor() != thin.get_facecolor()
    assert texts(figure)[-1] == "Effects"


def test_scores_of_a_network_with_pruned_inputs_and_names():
    x = torch.rand(30, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    model = KAN([4, 3, 1], noise_scale=2.0)
    small = model.prune_input(active=[1, 3], data=x)
    assert {"x₂", "x₄"} < set(texts(plot_scores(small, x)))
    for in_vars in ("abcd", np.array(list("abcd")), pandas.Index(list("abcd"))):
        assert {"b", "d"} < set(texts(plot_scores(small, x, in_vars=in_vars)))
    one = texts(plot_scores(model, x, 1, 2, top=1))
    assert one[2] == "3 others, at most"
    with pytest.raises(ValueError, match="`in_vars` argument of plot_scores must be a list of 4 names"):
        plot_scores(small, x, in_vars=["b", "d"])
    with pytest.raises(ValueError, match="`top` argument of plot_scores"):
        plot_scores(small, x, top=0)


@pytest.mark.parametrize("theme", THEMES)
def test_bars_are_drawn_in_every_theme(theme):
    data = create_dataset(lambda x: x[:, [0]], n_var=3, train_num=50, test_num=50)
    model = KAN([3, 1])
    model.fit(data, steps=3, progress=False)
    assert "<svg" in model.column_effects(data).plot(theme=theme)._repr_svg_()
    assert "<svg" in model.plot_scores(theme=theme, title="Scores")._repr_svg_()
    assert texts(plot_bars(["a"], torch.zeros(1), theme=theme)) == ["a", "0.000"]


def test_an_unknown_theme_is_refused_in_the_name_of_the_function_that_was_called():
    with pytest.raises(ValueError, match="the `theme` argument of plot_scores must be one of"):
        plot_scores(KAN([2, 1]), torch.rand(5, 2, dtype=torch.float64), theme="x")
