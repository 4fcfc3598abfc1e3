"""`KAN` as a module among others: copies, files, devices, other networks; and the rest of its own methods."""

import copy
import io
import os
import pickle
import random

import numpy as np
import pytest
import torch
from torch import nn

from kanwidget import KAN, Dataset
from kanwidget.surgery import refine
from tests.support.networks import F64, ZOO, assert_same, everything, plain, product_data, snapshot, unchanged, uniform

each = pytest.mark.parametrize("kind", ZOO)


def fitted(kind="plain"):
    model = ZOO[kind]()
    x = uniform(30, model.n_features)
    model.fit((x, uniform(30, model.n_out, seed=1)), steps=2, progress=False)
    return model


# ---- copies


@each
@pytest.mark.parametrize("way", ["deepcopy", "pickle", "torch.save"])
def test_copies_are_equal_and_apart(kind, way):
    model = fitted(kind)
    if way == "deepcopy":
        twin = copy.deepcopy(model)
    elif way == "pickle":
        twin = pickle.loads(pickle.dumps(model))
    else:
        buffer = io.BytesIO()
        torch.save(model, buffer)
        buffer.seek(0)
        twin = torch.load(buffer, weights_only=False)
    assert_same(snapshot(model), twin)
    with unchanged(model):
        x = uniform(30, twin.n_features, seed=2)
        twin.fit((x, uniform(30, twin.n_out, seed=3)), steps=2, progress=False)
        twin.remove_edge(0, 0, 0)


@each
def test_a_state_dict_goes_into_a_network_of_the_same_shape(kind):
    model, other = fitted(kind), ZOO[kind](seed=7)
    buffer = io.BytesIO()
    torch.save(model.state_dict(), buffer)
    buffer.seek(0)
    other.load_state_dict(torch.load(buffer, weights_only=True))
    x = uniform(20, model.n_features, seed=4)
    assert torch.equal(other(x), model(x))
    assert torch.equal(other.reference, model.reference)
    for a, b in zip(model.layers, other.layers, strict=True):
        assert (a.symbols, a.ties) == (b.symbols, b.ties)


def test_symbols_travel_in_the_state_dict_of_a_fresh_network():
    model, fresh = fitted("states"), plain()
    fresh.load_state_dict(model.state_dict())
    assert fresh.layer(0).state(0, 1) == "symbolic"


def test_a_copy_after_a_forward_pass_with_a_graph():
    model = plain()
    model(uniform(5, 2)).sum().backward()
    assert torch.equal(copy.deepcopy(model)(uniform(5, 2)), model(uniform(5, 2)))


# ---- types and places


@each
def test_to_float32_and_back(kind):
    model = fitted(kind).to(torch.float32)
    assert (model.dtype, model.reference.dtype) == (torch.float32, torch.float32)
    assert model.columns.dtype == torch.int64
    x = uniform(30, model.n_features, dtype=torch.float32)
    assert model(x).dtype == torch.float32
    model.fit((x, uniform(30, model.n_out, dtype=torch.float32)), steps=2, progress=False)
    assert model.double()(x.double()).dtype == F64


def test_a_seed_means_the_same_network_in_both_types():
    single, double = KAN([2, 3, 1], seed=4, dtype=torch.float32), KAN([2, 3, 1], seed=4)
    assert torch.equal(single.layer(0).coef, double.layer(0).coef.float())


def test_the_meta_device_can_hold_a_network():
    assert plain().to("meta").device.type == "meta"


# ---- among other modules


def test_as_a_part_of_another_network():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(3, 2).double(), nn.Tanh(), plain(), nn.Linear(1, 2).double())
    x, y = uniform(40, 3), uniform(40, 2, seed=1)
    optimizer = torch.optim.Adam(body.parameters(), lr=1e-2)
    losses = []
    for _ in range(30):
        optimizer.zero_grad()
        loss = ((body(x) - y) ** 2).mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    assert {name.split(".")[0] for name, _ in body.named_parameters()} == {"0", "2", "3"}
    twin = copy.deepcopy(body)
    twin.load_state_dict(body.state_dict())
    assert torch.equal(twin(x), body(x))


def test_train_and_eval_are_those_of_torch():
    model = plain()
    assert model.eval() is model
    assert not model.training
    assert model.train().training
    assert not model.eval().refine(5).training


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of itself
def test_a_compiled_forward_pass_is_one_graph():
    # Without the code generator, which takes half a minute and knows nothing of us.
    model, twin = everything(), everything()
    compiled = torch.compile(model, backend="aot_eager", fullgraph=True)
    x = uniform(7, 6)
    output = compiled(x)
    torch.testing.assert_close(output, twin(x), rtol=1e-12, atol=1e-12)
    output.sum().backward()
    twin(x).sum().backward()
    for a, b in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-10, atol=1e-10)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's compiler warns of itself
def test_a_compiled_pass_never_loses_a_tangent_in_silence():
    model = plain()
    x, v = uniform(7, 2), uniform(7, 2, seed=1)
    _, expected = torch.func.jvp(model, (x,), (v,))
    compiled = torch.compile(lambda x, v: torch.func.jvp(model, (x,), (v,))[1], backend="aot_eager")
    try:
        tangent = compiled(x, v)
    except Exception:  # an error is an answer, whatever torch calls it
        return
    torch.testing.assert_close(tangent, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch's exporter warns of itself
def test_an_exported_forward_pass_needs_no_operation_of_ours():
    model = plain().eval()
    x = uniform(7, 2)
    program = torch.export.export(model, (x,))
    torch.testing.assert_close(program.module()(x), model(x))
    assert not [str(node.target) for node in program.graph.nodes if "kanwidget" in str(node.target)]


# ---- no side effects


@pytest.mark.slow
def test_global_randomness_is_left_alone():
    torch.manual_seed(11), random.seed(11), np.random.seed(11)  # noqa: NPY002
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    model = plain()
    for opt in ("LM", "LBFGS", "Adam"):
        model.fit(product_data(), opt=opt, steps=2, progress=False, **({"batch": 9} if opt == "Adam" else {}))
    model.refine(5).prune().expand_width(1, 2)
    model.auto_symbolic()
    after = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


@pytest.mark.slow
def test_nothing_is_printed_and_no_file_is_written(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    model = plain()
    model.fit(product_data(), steps=3, progress=False, lamb=1e-3)
    model = model.prune().refine(5)
    model.attribute()
    model.suggest_symbolic(0, 0, 0)
    model.auto_symbolic()
    model.symbolic_formula()
    assert capfd.readouterr() == ("", "")
    assert os.listdir(tmp_path) == []


def test_default_types_and_threads_are_left_alone():
    before = torch.get_default_dtype(), torch.get_num_threads()
    fitted()
    assert (torch.get_default_dtype(), torch.get_num_threads()) == before


def test_another_default_type_changes_nothing():
    torch.set_default_dtype(torch.float64)
    try:
        single = KAN([2, 3, 1], dtype=torch.float32)
        single.fit(product_data(), steps=2, progress=False)
        assert single.dtype == torch.float32
    finally:
        torch.set_default_dtype(torch.float32)


# ---- methods


def test_predict_takes_every_table():
    model = plain()
    x = uniform(6, 2)
    expected = model(x).detach()
    for table in (x, x.float(), x.numpy(), x.tolist(), x.requires_grad_(True)):
        found = model.predict(table)
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
        assert not found.requires_grad
    data = Dataset(x.detach(), torch.zeros(6, 1), x.detach()[:2], torch.zeros(2, 1))
    torch.testing.assert_close(model.predict(data), expected[:2])
    assert KAN([1, 1]).predict([0.0, 1.0]).shape == (2, 1)


def test_predictions_of_missing_values_are_missing():
    found = plain().predict([[0.0, float("nan")], [0.0, 0.0]])
    assert torch.isnan(found).flatten().tolist() == [True, False]


def test_queries_take_what_fit_takes():
    model = plain()
    x, y = product_data()
    expected = model.attribute(data=x).edge_scores[0]
    for data in ((x, y), Dataset(x, y), {"train_input": x, "train_label": y}, x.numpy()):
        assert torch.equal(model.attribute(data=data).edge_scores[0], expected)


def test_after_a_fit_queries_use_its_data():
    model = fitted()
    assert torch.equal(model.attribute().edge_scores[0], model.attribute(data=model.reference).edge_scores[0])
    assert model.feature_score.shape == (2,)
    assert len(model.node_scores) == 3
    assert len(model.edge_scores) == 2


def test_edge_curves_over_the_range_of_the_data():
    model = fitted()
    curve = model.edge_curve(0, 1, 2)
    assert curve.x.shape == (200,)
    assert float(curve.x[0]) == float(model.reference[:, 1].min())
    at = torch.tensor([0.0, 1.0], dtype=F64)
    assert torch.equal(model.edge_curve(0, 1, 2, at).x, at)
    with pytest.raises(ValueError, match=r"`j` argument of edge_curve must be an integer from 0 to 2; got 3"):
        model.edge_curve(0, 1, 3)


def test_files_hold_everything(tmp_path):
    model = fitted("everything")
    model.save(tmp_path / "m.kan")
    assert_same(snapshot(model), KAN.load(tmp_path / "m.kan"))


def test_what_it_shows_of_itself():
    assert repr(KAN([2, [3, 1], 1], grid=5, k=2)) == "KAN([2, [3, 1], 1], grid=5, k=2, 14 active edges)"


@pytest.mark.parametrize("k", range(6))
def test_any_order_and_grids_by_layer(k):
    model = KAN([2, 3, 1], grid=[2, 7], k=k)
    assert [layer.grid_size for layer in model.layers] == [2, 7]
    assert [layer.coef.shape[2] for layer in model.layers] == [2 + k, 7 + k]
    assert model(uniform(4, 2)).shape == (4, 1)


@pytest.mark.parametrize("name", ["log", "1/x", "tan", "sqrt", "arcsin"])
def test_base_functions_are_defined_for_all_numbers(name):
    with pytest.raises(
        ValueError, match="`base_fun` argument of KAN must be a function that is defined for all numbers"
    ):
        KAN([1, 1], base_fun=name)


def test_what_was_done_to_the_edges_stands_in_the_history():
    model = KAN([2, 1])
    x = uniform(30, 2)
    model.update_grid(x)
    model.fix_symbolic(0, 0, 0, "sin", data=x)
    model.unfix_symbolic(0, 0, 0)
    model.unfix_symbolic(0, 0, 0)  # is a spline already: nothing happens
    model.auto_symbolic(lib=["x"], r2_threshold=-1e9, data=x)
    model.auto_symbolic(lib=["x"], data=x)  # nothing is left to do
    assert [(event.step, event.kind, event.label) for event in model.history.events] == [
        (0, "grid", "grid adapted"),
        (0, "fix", "fixed edge (0, 0, 0) to sin"),
        (0, "unfix", "edge (0, 0, 0) is no longer sin"),
        (0, "fix", "fixed 2 edges: (0, 0, 0), (0, 1, 0)"),
    ]
    with pytest.raises(ValueError, match="one of"):
        model.fix_symbolic(0, 0, 0, "sine", data=x)
    assert len(model.history.events) == 4


def test_plot_fit():
    pytest.importorskip("matplotlib")
    assert len(KAN([2, 1]).plot_fit((uniform(30, 2), uniform(30, 1)), title="a").axes) == 2


def test_a_finer_grid_takes_the_placement_of_its_knots():
    x = torch.linspace(0, 1, 50, dtype=torch.float64)[:, None] ** 3
    model = KAN([1, 1])
    knots = model.refine(6, knots="spread", data=x).layer(0).grid
    assert torch.equal(knots, refine(model, 6, knots="spread", x=x).layer(0).grid)
    assert not torch.equal(knots, model.refine(6).layer(0).grid)
