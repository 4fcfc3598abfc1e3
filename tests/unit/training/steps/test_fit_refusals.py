"""Wrong data and settings: errors that name the argument and say what to do, and a model that stays as it was."""

import math

import pytest
import torch

from kanwidget import KAN
from kanwidget.training import OPTIMIZERS
from tests.support.networks import F64, assert_same, plain, product_data, snapshot, uniform

X, Y = product_data(20)
NAN, INF = math.nan, math.inf


def with_value(table, value):
    table = table.clone()
    table[3, 0] = value
    return table


def refused(model, data, message, error=ValueError, **options):
    """A fit that must fail with such a message, and change nothing: not the reference, not the history."""
    before = snapshot(model)
    with pytest.raises(error, match=message):
        model.fit(data, progress=False, **{"steps": 3, **options})
    assert_same(before, model)


@pytest.fixture(params=["fresh", "fitted"])
def model(request):
    made = plain()
    if request.param == "fitted":
        made.fit(product_data(15, seed=4), steps=2, progress=False)
    return made


@pytest.mark.parametrize("value", [NAN, INF, -INF])
@pytest.mark.parametrize("opt", ["auto", *OPTIMIZERS])
def test_values_that_are_not_finite(model, value, opt):
    refused(
        model,
        (with_value(X, value), Y),
        r"`train_input` argument of Dataset must be finite in row 3, column 0",
        opt=opt,
    )
    refused(model, (X, with_value(Y, value)), r"`train_label` argument of Dataset must be finite in row 3", opt=opt)


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :1], Y, "`data` argument of fit must be data with 2 input columns, as the network has; got .*Build KAN"),
        (torch.cat([X, X], 1), Y, "`data` argument of fit must be data with 2 input columns"),
        (X, torch.cat([Y, Y], 1), "`data` argument of fit must be labels with 1 columns, .*End `width` with 2"),
        (X, Y[:-1], "`train_label` argument of Dataset must be of shape"),
        (X[:0], Y[:0], "`train_input` argument of Dataset must be of shape"),
        (X[None], Y, "`train_input` argument of Dataset must be of shape"),
    ],
)  # fmt: skip
def test_wrong_shapes(model, x, y, message):
    refused(model, (x, y), message)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (5, "`data` argument of .* must be a Dataset, a dict or a pair"),
        (None, "`data` argument of .* must be a Dataset, a dict or a pair"),
        ((["a"], ["b"]), "`train_input` argument of Dataset must be an array of numbers"),
        (({}, {}), "argument of Dataset must be an array of numbers"),
    ],
)
def test_what_is_no_data(model, data, message):
    refused(model, data, message, TypeError)


def test_what_is_no_data_is_told_by_the_name_that_was_called(model):
    with pytest.raises(TypeError, match="`data` argument of fit must be a Dataset"):
        model.fit("table.csv")


def test_a_dict_without_labels(model):
    refused(model, {"train_input": X}, "a dict with the keys train_input and train_label")


@pytest.mark.parametrize("part", ["train", "test"])
@pytest.mark.parametrize("bad", [-1, 3])
def test_class_numbers_out_of_range(part, bad):
    model = KAN([2, 3])
    label = torch.arange(20) % 3
    wrong = label.clone()
    wrong[5] = bad
    data = {"train_input": X, "train_label": label, "test_input": X, "test_label": label, f"{part}_label": wrong}
    refused(model, data, "must be class numbers (≥ 0|from 0 to 2, as the network has 3 outputs)")


def test_squared_errors_of_classes(model):
    refused(model, (X, torch.arange(20) % 2), "`loss` argument of fit must be 'cross_entropy' for labels", loss="mse")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"opt": "LMM"}, "`opt` argument of fit must be one of 'auto', 'LM', 'LBFGS', 'Adam'; got 'LMM'. Did you mean 'LM'"),
        ({"opt": None}, "`opt` argument of fit must be one of"),
        ({"steps": -1}, "`steps` argument of fit must be an integer ≥ 0"),
        ({"steps": 2.5}, "`steps` argument of fit must be an integer ≥ 0"),
        ({"lamb": -1e-3}, "`lamb` argument of fit must be a finite number ≥ 0; got -0.001"),
        ({"lamb": NAN}, "`lamb` argument of fit must be a finite number"),
        ({"lamb": "1"}, "`lamb` argument of fit must be a finite number"),
        ({"lamb_l1": -1}, "`lamb_l1` argument of fit must be a finite number ≥ 0"),
        ({"lamb_entropy": INF}, "`lamb_entropy` argument of fit must be a finite number ≥ 0"),
        ({"lamb_coef": -1}, "`lamb_coef` argument of fit"),
        ({"lamb_coefdiff": None}, "`lamb_coefdiff` argument of fit"),
        ({"lr": 0}, "`lr` argument of fit must be a finite number > 0"),
        ({"batch": 0}, "`batch` argument of fit must be an integer ≥ 1"),
        ({"batch": 5, "opt": "LM"}, "`batch` argument of fit must be left out with opt='LM'"),
        ({"reg_metric": "edge_forward"}, "`reg_metric` argument of fit must be one of .*Did you mean 'edge_forward_sum'"),
        ({"loss": "huber"}, "`loss` argument of fit must be one of 'mse', 'cross_entropy'"),
        ({"loss": lambda o, y: (o - y) ** 2}, "`loss` argument of fit must be a function .* of one value"),
        ({"loss": lambda o, y: 1.0}, "`loss` argument of fit must be a function"),
        ({"loss": lambda o, y: ((o - y) ** 2).mean().detach()}, "`loss` argument of fit must be a function"),
        ({"loss": lambda o, y: ((o - y) ** 2).mean(), "opt": "LM"}, "`opt` argument of fit must be 'LBFGS' or 'Adam'"),
        ({"loss": lambda o, y: o.sum(), "sample_weight": [1.0] * 20}, "`sample_weight` argument of fit must be left out"),
        ({"grid_update_num": -1}, "`grid_update_num` argument of fit must be an integer ≥ 0"),
        ({"stop_grid_update_step": 1.5}, "`stop_grid_update_step` argument of fit"),
        ({"update_grid": "no"}, "`update_grid` argument of fit must be True or False"),
        ({"seed": -1}, "`seed` argument of fit must be an integer ≥ 0"),
        ({"metrics": 5}, "`metrics` argument of fit must be functions"),
        ({"metrics": ["rmse"]}, "`metrics` argument of fit must be functions"),
        ({"metrics": {"rmse": 1}}, "`metrics` argument of fit must be functions"),
        ({"metrics": [lambda o, y: 0, lambda o, y: 1]}, "`metrics` argument of fit must be functions with different names"),
        ({"callbacks": [3]}, "`callbacks` argument of fit must be functions"),
        ({"callbacks": print}, "`callbacks` argument of fit must be a list of functions"),
        ({"validation": X}, "`validation` argument of fit must be a pair"),
        ({"validation": (with_value(X, NAN), Y)}, "`val_input` argument of Dataset must be finite in row 3"),
        ({"validation": (X[:, :1], Y)}, "`val_input` argument of Dataset must be of shape"),
        ({"sample_weight": [1.0] * 19}, "`sample_weight` argument of fit must be 20 finite numbers ≥ 0, not all 0"),
        ({"sample_weight": [-1.0] * 20}, "`sample_weight` argument of fit"),
        ({"sample_weight": [0.0] * 20}, "`sample_weight` argument of fit"),
        ({"sample_weight": [NAN] * 20}, "`sample_weight` argument of fit"),
        ({"sample_weight": "heavy"}, "`sample_weight` argument of fit"),
        ({"lamda": 1.0}, r"`\*\*options` argument of fit must be one of .*got 'lamda'\. Did you mean 'lamb"),
        ({"optimizer": "LM"}, r"`\*\*options` argument of fit must be one of"),
    ],
)  # fmt: skip
def test_wrong_settings(model, options, message):
    refused(model, (X, Y), message, **options)


def test_integer_inputs_are_numbers():
    model = plain()
    ints = torch.arange(40).view(20, 2)
    assert len(model.fit((ints, Y), steps=1, progress=False)) == 1


@pytest.mark.parametrize("value", [NAN, INF])
def test_queries_refuse_values_that_are_not_finite(value):
    model = plain()
    bad = with_value(X, value)
    before = snapshot(model)
    calls = [
        model.prune, model.prune_node, model.prune_edge, model.prune_input, model.attribute, model.update_grid,
        model.auto_symbolic,
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(ValueError, match="must be finite"):
            call(data=bad)
    for call in (model.suggest_symbolic, model.edge_curve):
        with pytest.raises(ValueError, match="must be finite"):
            call(0, 0, 0, data=bad)
    with pytest.raises(ValueError, match="must be finite"):
        model.fix_symbolic(0, 0, 0, "sin", data=bad)
    assert_same(before, model)


def test_queries_refuse_wrong_shapes_and_text():
    model = plain()
    with pytest.raises(ValueError, match=r"must be of shape \(batch, 2\)"):
        model.attribute(data=uniform(5, 3))
    with pytest.raises(TypeError, match="must be an array of numbers"):
        model.attribute(data=[["a", "b"]])
    with pytest.raises(TypeError, match="must be an array of numbers"):
        model.predict("text")


def test_queries_need_a_row():
    model, none = plain(), torch.zeros(0, 2, dtype=F64)
    for call in (model.prune, model.attribute, model.update_grid, lambda data: model.edge_curve(0, 0, 0, data=data)):
        with pytest.raises(ValueError, match=r"`data` argument of .* must be given with at least one row"):
            call(data=none)
    assert model.predict(none).shape == (0, 1)


def test_curves_need_an_edge_and_a_vector():
    model, points = plain(), torch.zeros(3, dtype=F64)
    assert model.edge_curve(0, 0, 0, [0.0, 1.0]).x.dtype == F64
    for call in (lambda: model.edge_curve(0, 0, 0, points[:, None]), lambda: model.curve((0, 0, 0), points.float())):
        with pytest.raises(ValueError, match=r"`x` argument of curve must be a tensor of shape \(n,\)"):
            call()
    for edge in ((0, 0), 3, (0, 0, 9)):
        with pytest.raises(ValueError, match=r"argument of curve must be (\(layer, input node|an integer from 0 to 2)"):
            model.curve(edge, points)


def test_libraries_are_lists_of_names():
    for lib in (5, "sin"):
        with pytest.raises(TypeError, match="`lib` argument of suggest_symbolic must be a list of names"):
            plain().suggest_symbolic(0, 0, 0, lib=lib, data=X)


def test_queries_without_any_data_say_what_to_do():
    with pytest.raises(ValueError, match=r"wasn't fitted.*call fit first"):
        plain().attribute()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": 0}, "`grid` argument of KAN must be an integer ≥ 1; got 0. Use at least one interval"),
        ({"grid": 2.5}, "`grid` argument of KAN must be an integer ≥ 1"),
        ({"grid": [3]}, "`grid` argument of KAN must be an integer or 2 integers"),
        ({"grid": "3"}, "`grid` argument of KAN"),
        ({"k": -1}, "`k` argument of KAN must be an integer ≥ 0"),
        ({"k": True}, "`k` argument of KAN must be an integer ≥ 0"),
        ({"base_fun": "relu6"}, "`base_fun` argument of KAN must be one of"),
        ({"base_fun": 3}, "`base_fun` argument of KAN must be one of"),
        ({"grid_range": (1, -1)}, "`grid_range` argument of KAN must be two increasing numbers"),
        ({"grid_range": (0, INF)}, "`grid_range` argument of KAN"),
        ({"grid_range": 1.0}, "`grid_range` argument of KAN must be two increasing numbers"),
        ({"grid_range": (1.0,)}, "`grid_range` argument of KAN must be two increasing numbers"),
        ({"grid_eps": 1.5}, "`grid_eps` argument of KAN must be a finite number ≥ 0 and ≤ 1"),
        ({"noise_scale": -1}, "`noise_scale` argument of KAN"),
        ({"seed": -1}, "`seed` argument of KAN must be an integer ≥ 0"),
        ({"seed": 0.5}, "`seed` argument of KAN"),
        ({"dtype": torch.float16}, r"`dtype` argument of KAN must be torch\.float64 or torch\.float32"),
        ({"dtype": "float64"}, "`dtype` argument of KAN"),
    ],
)  # fmt: skip
def test_networks_that_cannot_be(options, message):
    with pytest.raises(ValueError, match=message):
        KAN([2, 3, 1], **options)


def test_numbers_of_numpy_are_numbers():
    import numpy as np

    model = KAN([np.int64(2), np.int64(1)], grid=np.int32(4), k=np.int64(2), grid_range=np.array([-1.0, 1.0]))
    assert (model.grid, model.k, model.width) == (4, 2, [[2, 0], [1, 0]])
    assert model(torch.zeros(1, 2, dtype=F64)).shape == (1, 1)


@pytest.mark.parametrize(
    ("opt", "options", "message"),
    [
        (
            "LM",
            {"lr": 0.1},
            r"`lr` argument of fit must be left out with opt='LM'; got 0.1. .*opt='Adam' and opt='LBFGS'",
        ),
        ("LM", {"batch": 5}, r"`batch` argument of fit must be left out with opt='LM'; got 5"),
        (
            "Adam",
            {"geodesic_acceleration": True},
            r"`geodesic_acceleration` argument of fit must be left out with opt='Adam'; got True",
        ),
        (
            "LBFGS",
            {"geodesic_acceleration": True},
            r"`geodesic_acceleration` argument of fit must be left out with opt='LBFGS'; got True",
        ),
    ],
)
def test_an_option_that_the_optimiser_has_no_use_for(model, opt, options, message):
    refused(model, (X, Y), message, opt=opt, **options)


def test_where_the_optimiser_was_picked_such_an_option_is_told(caplog):
    assert plain().fit((X, Y), steps=1, lr=0.1, progress=False).optimizer == "LM"
    assert "lr has no effect: opt='auto' has taken LM." in caplog.text
    caplog.clear()
    plain().fit((X, Y), steps=1, lr=0.1, batch=5, progress=False)
    plain().fit((X, Y), steps=1, geodesic_acceleration=True, progress=False)
    assert caplog.text == ""
