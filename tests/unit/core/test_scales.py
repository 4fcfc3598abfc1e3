"""Scales of inputs and outputs: own units outside, numbers of order one inside."""

import copy
import io

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.core.scales import Scaling

F64 = torch.float64
X = torch.rand(60, 3, generator=torch.Generator().manual_seed(0), dtype=F64) * torch.tensor(
    [80.0, 8e4, 1.0]
) + torch.tensor([260.0, 6e4, 0.0])


def scaled_model(width=(3, 2, 1), **options):
    model = KAN(list(width), seed=3, **options)
    model.input_scale = (X.mean(0), X.std(0))
    model.output_scale = (torch.full((model.n_out,), 40.0), torch.full((model.n_out,), 7.0))
    return model


def test_a_scale_is_the_same_network_of_other_numbers():
    model = scaled_model()
    plain = KAN([3, 2, 1], seed=3)
    inner = (X - X.mean(0)) / X.std(0)
    assert torch.allclose(model(X), 40 + 7 * plain(inner), rtol=1e-13)


def test_columns_of_order_one_keep_their_numbers():
    scaling = Scaling(3, 1, X)
    scaling.learn(torch.stack([X[:, 0], X[:, 2], 2 * X[:, 2] - 1], 1), X[:, [2]])
    assert scaling.input_size.tolist()[1:] == [1.0, 1.0]
    assert scaling.input_centre.tolist()[1:] == [0.0, 0.0]
    assert scaling.input_size[0] == pytest.approx(float(3**0.5 * X[:, 0].std(correction=0)))
    assert not scaling.scales_output


@pytest.mark.parametrize("size", [1e-300, 1e-20, 1e20, 1e300])
def test_sizes_are_learnt_over_the_whole_range_of_floats(size):
    scaling = Scaling(1, 1, X)
    scaling.learn(size * X[:, :1], size * X[:, :1])
    inner = scaling.scaled_inputs(size * X[:, :1], None)
    assert float(inner.std(correction=0)) == pytest.approx(3**-0.5)
    assert float(inner.mean()) == pytest.approx(0, abs=1e-9)
    assert scaling.output_size[0] == pytest.approx(size * float(X[:, 0].std(correction=0)))


@pytest.mark.parametrize("value", [0.0, 1.0, 300.0, 1e-20, -1e20])
def test_a_constant_column_has_a_size(value):
    scaling = Scaling(1, 1, X)
    scaling.learn(torch.full((9, 1), value, dtype=F64), torch.full((9, 1), value, dtype=F64))
    inner = scaling.scaled_inputs(torch.full((9, 1), value, dtype=F64), None)
    assert bool(torch.isfinite(inner).all())
    assert float(inner.abs().max()) <= 4


@pytest.mark.parametrize(
    "wrong",
    [
        ([0.0, 0.0, 0.0], [1.0, 0.0, 1.0]),
        ([0.0, 0.0, 0.0], [1.0, -1.0, 1.0]),
        ([0.0, 0.0, float("nan")], [1.0, 1.0, 1.0]),
        ([0.0], [1.0]),
        [1.0, 2.0, 3.0],
        ("a", "b"),
        None,
    ],
)
def test_a_wrong_scale_changes_nothing(wrong):
    model = scaled_model()
    before = copy.deepcopy(model.state_dict())
    with pytest.raises(ValueError, match=r"`input_scale` argument of KAN must be"):
        model.input_scale = wrong
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]) if isinstance(value, torch.Tensor) else value == before[name]


def test_a_trace_is_in_own_units():
    model = scaled_model()
    trace = model.trace(X)
    assert torch.allclose(trace.nodes[0], X)
    assert torch.allclose(trace.output, model(X))
    assert torch.allclose(trace.edges[-1].sum(-1) + 40, model(X))


def test_a_curve_is_in_own_units():
    model = scaled_model()
    trace = model.trace(X)
    for ref in model.edge_refs():
        at = trace.nodes[ref.layer][:, ref.source]
        assert torch.allclose(model.curve(ref, at).y, trace.edges[ref.layer][:, ref.target, ref.source])


@pytest.mark.parametrize("width", [(3, 2, 1), (3, 2, [0, 1])])
def test_pruned_inputs_keep_their_scales(width):
    model = scaled_model(width)
    small = model.prune_input(active=[1, 2], data=X)
    assert small.input_scale.size.tolist() == model.input_scale.size.tolist()
    changed = X.clone()
    changed[:, 0] = 1e9
    assert torch.equal(small(X), small(changed))


@pytest.mark.parametrize("log", [(), (1,)])
@pytest.mark.parametrize("log_output", [False, True])
def test_derivatives_are_in_own_units(log, log_output):
    model = scaled_model()
    model.scaling.set_logs(log, [0] if log_output else [])
    if log:
        model.input_scale = (
            torch.where(torch.tensor([False, True, False]), 11.0, X.mean(0)),
            torch.tensor([20.0, 0.5, 0.3]),
        )
    model.output_scale = ([1.0], [0.3])
    found = model.derivatives(X[:5])
    for row in range(5):
        gradient = torch.autograd.functional.jacobian(lambda x: model(x[None])[0], X[row])
        hessian = torch.autograd.functional.hessian(lambda x: model(x[None])[0, 0], X[row])
        assert torch.allclose(found.gradient[row], gradient, rtol=1e-9, atol=0)
        scale = torch.outer(X.std(0), X.std(0))
        assert torch.allclose(found.hessian[row, 0] * scale, hessian * scale, rtol=1e-9, atol=1e-9)
    assert torch.allclose(found.value, model(X[:5]))


def test_files_hold_scales_bit_for_bit(tmp_path):
    model = scaled_model(log=["p", 2])
    model.save(tmp_path / "m.kan")
    loaded = KAN.load(tmp_path / "m.kan")
    assert torch.equal(loaded(X), model(X))
    assert loaded.log == ("p", 2)
    assert loaded.scaling.fixed.tolist() == [True, True]


def test_a_state_without_scales_is_one_of_a_network_without_them():
    model = KAN([3, 2, 1], seed=3)
    old = {name: value for name, value in model.state_dict().items() if not name.startswith("scaling.")}
    fresh = scaled_model()
    fresh.load_state_dict(old)
    assert torch.equal(fresh(X), model(X))
    assert bool(fresh.scaling.fixed.all())


@pytest.mark.parametrize("log", [["p", "y"], [2], []])
def test_logarithms_travel_in_the_state_with_their_names(log):
    trained, fresh = KAN([3, 1], log=log), KAN([3, 1], log=["v"])
    data = Dataset(X[:20], X[:20, :1], in_vars=["p", "v", "T"])
    trained.fit(data, steps=1, progress=False)
    buffer = io.BytesIO()
    torch.save(trained.state_dict(), buffer)
    buffer.seek(0)
    fresh.load_state_dict(torch.load(buffer, weights_only=True))
    assert fresh.log == trained.log == tuple(log)
    assert torch.equal(fresh(X), trained(X))
    for model in (trained, fresh):
        model.fit(data, steps=1, progress=False, log=log)  # it goes on with what it began with
    assert torch.equal(fresh(X), trained(X))


def test_a_state_of_before_knows_logged_columns_by_their_numbers():
    trained, fresh = scaled_model(log=["p", 2]), KAN([3, 2, 1], log=[0])
    trained.scaling.set_logs([2], [])
    state = {name: value for name, value in trained.state_dict().items() if name != "_extra_state"}
    fresh.load_state_dict(state)
    assert fresh.log == (2,)


def test_a_logged_column_must_be_positive():
    model = scaled_model()
    model.scaling.set_logs([2], [])
    x = X.clone()
    x[4, 2] = -1.0
    with pytest.raises(ValueError, match=r"positive in column 2, row 4"):
        model(x)


def test_a_copy_of_scales_has_its_own():
    scaling = scaled_model(log=["p"]).scaling
    copied = copy.deepcopy(scaling)
    assert copied.key() == scaling.key()
    assert (copied.scales_input, copied.has_logs) == (scaling.scales_input, scaling.has_logs)
    copied.set_scale("input", ([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]))
    copied.output_log[0] = True
    assert scaling.input_size.tolist() == X.std(0).tolist()
    assert not bool(scaling.output_log.any())
    assert list(copied.state_dict()) == list(scaling.state_dict())
    assert [id(module) for module in copied.modules()] == [id(copied)]


def test_constants_of_a_tied_edge_are_in_its_own_units():
    model = scaled_model()
    model.lock(0, [(0, 0), (1, 0)])
    fit = model.fix_symbolic(0, 1, 0, "x^2", params=(1.0, -1e5, 1e-9, 0.0), data=X)
    at = torch.tensor([7e4, 1e5, 1.2e5], dtype=F64)
    assert torch.allclose(model.curve((0, 1, 0), at).y, 1e-9 * (at - 1e5) ** 2)
    assert fit.params == (1.0, -1e5, 1e-9, 0.0)


def test_a_part_of_a_state_leaves_the_scales():
    model = scaled_model()
    before = model(X)
    model.load_state_dict({"layers.0.coef": model.layer(0).coef.detach().clone()}, strict=False)
    assert torch.equal(model(X), before)
