"""The network: forward, trace and curves against the plain definition; products; shapes."""

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN
from kanwidget.core.starts import nearest_edges
from tests.support.networks import F64, ZOO, everything, forward_mode, plain, products, slow_forward, unchanged, uniform

each = pytest.mark.parametrize("kind", ZOO)


@each
@pytest.mark.parametrize("k", [0, 1, 3, 5])
def test_forward_equals_the_trace_and_the_slow_loop(kind, k):
    model = ZOO[kind](k=k)
    x = uniform(40, model.n_features, low=-1.6, high=1.6)
    with torch.no_grad():
        value = model(x)
        torch.testing.assert_close(model.trace(x).output, value, rtol=0, atol=1e-12)
        torch.testing.assert_close(slow_forward(model, x), value, rtol=1e-12, atol=1e-12)


@each
def test_the_parts_of_a_trace_add_up(kind):
    model = ZOO[kind]()
    trace = model.trace(uniform(10, model.n_features))
    for index in range(model.depth):
        torch.testing.assert_close(trace.edges[index].sum(-1), trace.subnodes[index])
        torch.testing.assert_close(model.combine(index + 1, trace.subnodes[index]), trace.nodes[index + 1])
        symbolic = model.layer(index).symbolic_edges(trace.nodes[index])
        torch.testing.assert_close(trace.splines[index] + symbolic, trace.edges[index])
    assert [n.shape[1] for n in trace.nodes] == [model.nodes_in(level) for level in range(model.depth + 1)]


def test_products_of_two_and_three_factors_and_mixed():
    model = KAN([1, [0, 2]], mult_arity=[[], [2, 3]])
    for target in range(5):
        model.layer(0).set_symbol(0, target, "x", (1.0, 0.0, 1.0, float(target)))
    model.layer(0).spline_on[:] = False
    x = uniform(10, 1)
    expected = torch.cat([x * (x + 1), (x + 2) * (x + 3) * (x + 4)], dim=1)
    torch.testing.assert_close(model(x), expected)


def test_subnodes_and_nodes_are_inverse_to_each_other():
    model = products()
    for level in (1, 2):
        owners = [
            (node, subnode) for node in range(model.nodes_in(level)) for subnode in model.subnodes_of(level, node)
        ]
        assert [subnode for _, subnode in owners] == list(range(model.layer(level - 1).out_dim))
        assert all(model.node_of(level, subnode) == node for node, subnode in owners)


def test_forward_stores_nothing():
    model = everything()
    with unchanged(model):
        names = set(vars(model))
        model(uniform(10, 6)).sum().backward()
        model.trace(uniform(10, 6))
        assert set(vars(model)) == names


def test_a_curve_is_the_sum_of_its_parts_and_the_edge_of_the_trace():
    model = everything()
    x = uniform(30, 6)
    trace = model.trace(x)
    for ref in model.edge_refs():
        curve = model.curve(ref, trace.nodes[ref.layer][:, ref.source].detach())
        torch.testing.assert_close(curve.y, trace.edges[ref.layer][:, ref.target, ref.source].detach())
        torch.testing.assert_close(curve.base + curve.spline + curve.symbolic, curve.y)


def test_edges_by_name():
    model = everything()
    assert len(model.edge_refs()) == sum(model.layer(index).coef.shape[:2].numel() for index in range(3))
    assert set(model.edge_refs()) - set(model.edge_refs(active=True)) == {(0, 3, 0)}


@each
@forward_mode
def test_gradients_by_all_modes_of_autograd(kind):
    model = ZOO[kind](k=4)
    x = uniform(5, model.n_features)

    def one(row):
        return model(row[None])[0]

    backward = torch.func.vmap(torch.func.jacrev(one))(x)
    forward = torch.func.vmap(torch.func.jacfwd(one))(x)
    torch.testing.assert_close(forward, backward, rtol=1e-10, atol=1e-10)
    hessian = torch.func.vmap(torch.func.hessian(one))(x)
    torch.testing.assert_close(hessian, hessian.transpose(-1, -2), rtol=1e-9, atol=1e-9)


@pytest.mark.slow
def test_gradcheck_in_inputs_and_parameters():
    model = everything(k=4, grid=2)
    x = uniform(1, 6, seed=2).requires_grad_(True)
    assert torch.autograd.gradcheck(model, x)
    parameters = [p for p in model.parameters() if p.requires_grad]
    assert torch.autograd.gradcheck(lambda *_: model(x.detach()), parameters)


def test_an_ensemble_by_functional_call():
    models = [plain(seed=seed, grid_range=(-1, 1 + seed)) for seed in range(3)]
    x = uniform(9, 2)
    stacked = {
        name: torch.stack([m.state_dict()[name] for m in models])
        for name, value in models[0].state_dict().items()
        if isinstance(value, torch.Tensor) and not name.endswith("reference")
    }
    together = torch.func.vmap(lambda state: torch.func.functional_call(models[0], state, (x,)))(stacked)
    for model, output in zip(models, together, strict=True):
        torch.testing.assert_close(output, model(x))


@each
def test_float32_is_close_to_float64(kind):
    model = ZOO[kind]()
    x = uniform(40, model.n_features)
    exact, single = model(x), model.to(torch.float32)(x.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), exact, rtol=1e-4, atol=1e-4)


def test_inputs_of_the_wrong_kind_are_explained():
    model = plain()
    with pytest.raises(
        ValueError, match=r"`x` argument of KAN must be of shape \(batch, 2\), one row a sample, .*got Tensor"
    ):
        model(torch.zeros(5, 3, dtype=F64))
    with pytest.raises(TypeError, match=r"must be a tensor of real numbers; got torch\.complex64"):
        model(torch.zeros(5, 2, dtype=torch.complex64))
    with pytest.raises(TypeError, match="`x` argument of KAN must be an array of numbers"):
        model([["a", "b"]])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int8, torch.int64, torch.bool])
def test_tensors_and_arrays_of_every_type_are_converted(dtype):
    model = plain()
    x = torch.tensor([[0, 1], [1, 0], [1, 1]])
    exact = model(x.to(F64))
    # A network of double numbers may be a layer among single ones.
    own = exact.float() if dtype == torch.float32 else exact
    torch.testing.assert_close(model(x.to(dtype)), own, rtol=0, atol=0)
    if dtype != torch.bfloat16:
        torch.testing.assert_close(model(x.to(dtype).numpy()), exact, rtol=0, atol=0)


def test_frames_are_read_by_the_names_of_the_training():
    model = plain()
    model.in_vars = ("a", "b")
    frame = pandas.DataFrame({"b": [1, 2], "note": ["x", "y"], "a": np.array([0.5, 0.25], np.float32)})
    torch.testing.assert_close(model(frame), model(torch.tensor([[0.5, 1.0], [0.25, 2.0]], dtype=F64)), rtol=0, atol=0)


def test_the_gradient_flows_through_the_conversion():
    model = plain()
    x = torch.rand(5, 2, requires_grad=True)
    model(x).sum().backward()
    exact = x.detach().double().requires_grad_()
    model(exact).sum().backward()
    torch.testing.assert_close(x.grad, exact.grad.float())


@pytest.mark.parametrize(("n_in", "n_out"), [(1, 1), (5, 5), (9, 4), (2, 7), (100, 3)])
def test_every_node_has_an_edge_to_its_nearest_neighbor(n_in, n_out):
    mask = nearest_edges(n_in, n_out)
    assert mask.any(0).all()
    assert mask.any(1).all()
    source, target = (np.arange(n_in) + 0.5) / n_in, (np.arange(n_out) + 0.5) / n_out
    distance = np.abs(target[:, None] - source)
    nearest = np.isclose(distance, distance.min(0)) | np.isclose(distance, distance.min(1)[:, None])
    assert not (mask.numpy() & ~nearest).any()
    assert int(mask.sum()) < n_in + n_out


def test_a_sparse_start_prunes_the_other_edges_and_changes_no_parameter():
    sparse, full = (KAN([6, [2, 1], 3], sparse_init=on, seed=4) for on in (True, False))
    for layer, other in zip(sparse.layers, full.layers, strict=True):
        assert torch.equal(layer.spline_on, nearest_edges(layer.in_dim, layer.out_dim))
        assert torch.equal(layer.coef, other.coef)
    for edge in full.edge_refs():
        sparse.restore_edge(*edge)
    assert torch.equal(sparse(uniform(9, 6)), full(uniform(9, 6)))
    with pytest.raises(ValueError, match="`sparse_init` argument of KAN must be True or False"):
        KAN([2, 1], sparse_init=1)
