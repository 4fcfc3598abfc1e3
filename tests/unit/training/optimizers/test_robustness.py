"""Awkward data: whatever comes, no NaN enters the parameters and no error comes without an explanation."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kanwidget import KAN
from kanwidget.training import OPTIMIZERS, fit_many
from kanwidget.training.optimizers.levenberg_marquardt import LevenbergMarquardt
from tests.support.awkward import binary, duplicates, each_data, few_rows, rank_deficient
from tests.support.networks import F64, ZOO, finite, product_data, uniform

each_method = pytest.mark.parametrize("opt", OPTIMIZERS)


def trained(data, opt, dtype=F64, **options):
    x, y = (t.to(dtype) for t in data)
    model = KAN([3, 2, 1], grid=4, dtype=dtype)
    history = model.fit((x, y), opt=opt, progress=False, **{"steps": 6, "grid_update_num": 3, **options})
    assert finite(model)
    # In float32 squares of huge numbers overflow: then nothing is learnt, but nothing is NaN either.
    assert not any(map(math.isnan, history["train_loss"] + history["penalty"]))
    assert all(bool((layer.knots.diff(dim=1) > 0).all()) for layer in model.layers)
    assert bool(torch.isfinite(model(x)).all())
    return history


@each_data
@each_method
def test_in_float64(data, opt):
    losses = trained(data(), opt)["train_loss"]
    assert losses[-1] <= losses[0] * (1 + 1e-9) or opt == "Adam"


@pytest.mark.slow
@each_data
@each_method
def test_in_float32_with_a_penalty(data, opt):
    trained(data(), opt, torch.float32, lamb=1e-2)


@each_data
def test_with_each_penalty(data):
    for metric in ("edge_forward_sum", "edge_forward_spline_u", "edge_backward", "node_backward"):
        trained(data(), "LM", lamb=1e-2, reg_metric=metric, lamb_coef=0.1, lamb_coefdiff=0.1, steps=3)


@pytest.mark.parametrize("data", [rank_deficient, few_rows, duplicates, binary], ids=lambda f: f.__name__)
def test_levenberg_marquardt_solves_what_can_be_solved(data):
    assert trained(data(), "LM", steps=40, evidence=False)["train_loss"][-1] < 1e-3


@pytest.mark.parametrize("k", [0, 1, 2, 5])
@pytest.mark.parametrize("grid", [1, 12])
def test_any_order_and_grid(k, grid):
    x, y = product_data(30)
    model = KAN([2, 2, 1], grid=grid, k=k)
    history = model.fit((x, y), steps=12, progress=False)
    assert finite(model)
    assert history["train_loss"][-1] < history["train_loss"][0]


@each_method
@pytest.mark.parametrize("kind", ZOO)
def test_all_kinds_of_networks(kind, opt):
    model = ZOO[kind]()
    x = uniform(30, model.n_features)
    history = model.fit((x, uniform(30, model.n_out, seed=1)), opt=opt, steps=5, lamb=1e-3, progress=False)
    assert finite(model)
    assert history["train_loss"][-1] < history["train_loss"][0]


@each_method
@pytest.mark.parametrize("scale", [1e3, 1e8])
def test_products_of_large_numbers(opt, scale):
    x = scale * uniform(40, 2)
    model = KAN([2, [0, 2], 1], mult_arity=3, grid_range=(-scale, scale))
    model.fit((x, x[:, [0]] * x[:, [1]]), opt=opt, steps=5, progress=False)
    assert finite(model)


@each_method
def test_classes_that_can_be_told_apart_perfectly(opt):
    """The loss has no minimum then: outputs grow for ever."""
    x = uniform(40, 2)
    model = KAN([2, 2], grid=2)
    history = model.fit((x, (x[:, 0] > 0).long()), opt=opt, steps=30, progress=False)
    assert finite(model)
    assert all(map(math.isfinite, history["train_loss"]))


@each_method
def test_one_class_only(opt):
    model = KAN([2, 3])
    model.fit((uniform(20, 2), torch.ones(20, dtype=torch.long)), opt=opt, steps=10, progress=False)
    assert finite(model)


@each_method
def test_symbols_whose_domain_the_data_leave(opt):
    """The start has no finite value: nothing can be learnt, and nothing is spoilt."""
    model = KAN([1, 2, 1])
    model.layer(0).set_symbol(0, 0, "log")
    x = uniform(20, 1)
    history = model.fit((x, x), opt=opt, steps=40, progress=False)
    assert finite(model)
    assert history.stop_reason == "stalled: the loss is not finite"
    assert (len(history), history.last.stop_reason) == (1, "stalled")


@pytest.mark.parametrize("opt", ["LBFGS", "Adam"])
@pytest.mark.parametrize("batch", [None, 5])
def test_a_loss_that_is_no_number_is_named_as_the_reason(opt, batch, caplog):
    x = uniform(20, 1)
    model = KAN([1, 1])
    options = {"batch": batch} if opt == "Adam" else {}
    history = model.fit(
        (x, x), opt=opt, steps=12, loss=lambda out, y: (out * torch.nan).mean(), progress=False, **options
    )
    assert history.stop_reason == model.history.stop_reason == "stalled: the loss is not finite"
    assert history.last.stop_reason == "stalled"
    assert "the loss is not finite" in caplog.text
    assert finite(model)


@each_method
def test_labels_too_large_to_square(opt):
    x = uniform(20, 1)
    model = KAN([1, 1])
    model.scaling.settle()  # without a scale of the outputs
    history = model.fit((x, 1e200 * x), opt=opt, steps=3, progress=False)
    assert history.stop_reason == "stalled: the loss is not finite"


@settings(max_examples=25)
@given(
    rows=st.lists(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=3), min_size=1, max_size=12),
    opt=st.sampled_from(sorted(OPTIMIZERS)),
    single=st.booleans(),
    lamb=st.sampled_from([0.0, 1e-2]),
)
def test_any_finite_numbers(rows, opt, single, lamb):
    table = torch.tensor(rows, dtype=F64)
    trained((table[:, :2].repeat(1, 2)[:, :3], table[:, 2:]), opt, torch.float32 if single else F64, lamb=lamb, steps=4)


@pytest.mark.parametrize(
    "train",
    [
        lambda model, x: model.fit((x, x), progress=False),
        lambda model, x: fit_many([model], (x, x), progress=False),
        lambda model, x: model.fit_residual({"a": lambda u: u.value}, {"a": x}, progress=False),
    ],
    ids=["fit", "fit_many", "fit_residual"],
)
def test_ctrl_c_while_no_grad_is_being_left_switches_no_graphs_off(train, monkeypatch):
    def step(self, interrupted=None):
        torch.set_grad_enabled(False)
        raise KeyboardInterrupt

    monkeypatch.setattr(LevenbergMarquardt, "step", step)
    try:
        train(KAN([1, 1]), uniform(20, 1))
        assert torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)
