"""Arguments of pykan are answered with the word, or the way, that is right here."""

import logging
import math

import pytest
import torch

from kanwidget import KAN
from kanwidget.core.primitives import primitives

DATA = ([[0.0], [0.5], [1.0]], [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (lambda: KAN([1, 1], auto_save=True), r"`auto_save` argument of KAN must be left out.*model.save"),
        (lambda: KAN([1, 1]).fit(DATA, save_fig=True), r"`save_fig` argument of KAN.fit must be left out.*animation"),
        (lambda: KAN([1, 1]).fit(DATA, loss_fn=None), r"`loss_fn` argument of KAN.fit must be called `loss`"),
        (lambda: KAN([1, 1]).fit(DATA, display_metrics=[]), "progress bar"),
        (lambda: KAN([1, 1]).refine(new_grid=5), r"`new_grid` argument of KAN.refine must be called `grid`"),
        (lambda: KAN([1, 1]).fix_symbolic(0, 0, 0, "x", fit_params_bool=False), r"params=\(1, 0, 1, 0\)"),
        (lambda: KAN([1, 1, 1]).expand_width(1, 1, sum_bool=False), "product=True"),
        (lambda: KAN([1, 1, 1]).prune_node(active_neurons_id=[[0]]), "must be called `active`"),
    ],
)
def test_a_word_of_pykan_is_answered(call, expected):
    with pytest.raises(TypeError, match=expected):
        call()


def test_other_unknown_arguments_are_pythons_matter():
    with pytest.raises(TypeError, match="unexpected keyword argument 'colour'"):
        KAN([1, 1], colour="red")


def test_edges_that_stay_curves_are_told(caplog):
    x = torch.linspace(-3, 3, 200, dtype=torch.float64)[:, None]
    model = KAN([1, 1], grid=20)
    model.fit((x, torch.sin(x**2)), steps=30, progress=False)
    with caplog.at_level(logging.WARNING):
        assert model.auto_symbolic(lib=["x", "exp"], data=x) == []
    assert "auto_symbolic leaves 1 edge: (0, 0, 0) as a curve" in caplog.text
    caplog.clear()
    model.auto_symbolic(lib=["x", "exp"], data=x, r2_threshold=-1)
    assert caplog.text == ""


@pytest.mark.parametrize("name", [primitive.name for primitive in primitives()])
def test_constants_that_are_given_need_no_data(name):
    """Nor is a function refused for points where no data are."""
    model = KAN([2, 3, 1])
    fit = model.fix_symbolic(1, 2, 0, name, params=(2, 0, 3, 1))
    assert fit.params == (2, 0, 3, 1)
    assert math.isnan(fit.r2)
    assert fit.valid[0] < fit.valid[1]
    assert model.layer(1).state(2, 0) == "symbolic"


def test_constants_that_are_to_be_found_need_data():
    with pytest.raises(ValueError, match="given for a model that wasn't fitted"):
        KAN([2, 3, 1]).fix_symbolic(0, 0, 0, "exp")


def test_a_logarithm_by_constants_computes_once_there_are_data():
    model = KAN([1, 1])
    model.input_scale, model.output_scale = ([0.0], [1.0]), ([0.0], [1.0])
    model.fix_symbolic(0, 0, 0, "log", params=(2, 0, 3, 1))
    x = torch.tensor([[0.5], [10.0]], dtype=torch.float64)
    assert torch.allclose(model(x), 3 * torch.log(2 * x) + 1)
    with pytest.raises(ValueError, match="log is defined"):
        model.fix_symbolic(0, 0, 0, "log", params=(1, 0, 1, 0), data=-x)
