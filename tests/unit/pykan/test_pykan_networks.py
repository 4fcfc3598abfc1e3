"""pykan's habits: what is edited in place, remembered, and kept as versions."""

import pytest
import sympy
import torch

import kanwidget
from kanwidget.pykan import KAN, MultKAN, create_dataset

pytestmark = pytest.mark.filterwarnings("ignore::kanwidget.pykan.PykanDifference")


ROWS = {"train_input": torch.zeros(4, 1), "train_label": torch.zeros(4, 1)}


# ---- types and inputs


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_networks_and_data_follow_the_default_type(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        data = create_dataset(lambda x: x[:, [0]], n_var=2, train_num=20, test_num=10)
        assert {part.dtype for part in data.values()} == {dtype}
        assert KAN([2, 1])(data["train_input"]).dtype == dtype
    finally:
        torch.set_default_dtype(before)


def test_labels_may_be_a_plain_list(model):
    x = torch.rand(10, 2)
    columns = {"test_input": x, "test_label": torch.arange(10.0)[:, None]}
    plain = columns | {"test_label": torch.arange(10.0)}
    assert model.evaluate(plain) == model.evaluate(columns)


def test_inputs_are_remembered_but_not_more_than_a_sample(model):
    model(torch.rand(10_000, 2))
    assert 256 <= len(model.network.reference) <= 512
    model(torch.rand(7, 2))
    assert len(model.network.reference) == 7


def test_what_is_remembered_holds_no_graph(model):
    x = torch.rand(5, 2, requires_grad=True)
    model(x).sum().backward()
    assert x.grad is not None
    assert not model.network.reference.requires_grad


def test_torch_func_does_not_leave_its_wrappers_behind(model):
    torch.func.vmap(torch.func.jacrev(lambda row: model(row[None])[0]))(torch.rand(4, 2))
    model.plot()
    assert type(model.network.reference) is torch.Tensor


def test_a_fit_leaves_a_sample_of_the_training_rows(model, data):
    def test_error():
        return (model(data["test_input"]) - data["test_label"]).square().mean()

    results = model.fit(data, steps=2, metrics=[test_error])
    assert len(results["test_error"]) == 2
    rows = {tuple(row) for row in data["train_input"].tolist()}
    assert {tuple(row) for row in model.network.reference.tolist()} <= rows


def test_the_width_that_was_given_stays_as_it_was():
    width = [2, [3, 1], 1]
    KAN(width)
    assert width == [2, [3, 1], 1]


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    KAN([2, 1], seed=7)
    create_dataset(lambda x: x[:, [0]], n_var=2)
    assert torch.equal(torch.rand(2), expected)


def test_the_start_is_settled_by_the_seed():
    one, two, other = (KAN([2, 3, 1], seed=seed).act_fun[0].coef for seed in (1, 1, 2))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)


# ---- in place, as there


IN_PLACE = {
    "remove_edge": lambda m: m.remove_edge(0, 1, 2),
    "remove_node": lambda m: m.remove_node(1, 2),
    "prune_edge": lambda m: m.prune_edge(0.5),
    "expand_depth": lambda m: m.expand_depth(),
    "expand_width": lambda m: m.expand_width(1, 2),
    "perturb": lambda m: (m.remove_edge(0, 0, 0), m.perturb(0.1)),
    "module": lambda m: m.module(0, "[0]->[1]"),
    "swap": lambda m: m.swap(1, 0, 2),
    "fix_symbolic": lambda m: m.fix_symbolic(0, 0, 0, "sin", verbose=False),
    "auto_symbolic": lambda m: m.auto_symbolic(lib=["x", "sin", "exp"], verbose=0),
}
ANOTHER = {
    "refine": lambda m: m.refine(6),
    "prune": lambda m: m.prune(0.2, 0.2),
    "prune_node": lambda m: m.prune_node(0.2),
    "prune_input": lambda m: m.prune_input(active_inputs=[1]),
    "rewind": lambda m: m.rewind("0.0"),
    "copy": lambda m: m.copy(),
}


def state(model):
    return repr(model), {
        name: value.clone() for name, value in model.network.state_dict().items() if torch.is_tensor(value)
    }


def same(one, two):
    return one[0] == two[0] and all(torch.equal(one[1][name], two[1][name]) for name in one[1])


@pytest.mark.slow
@pytest.mark.parametrize("name", IN_PLACE)
def test_these_change_the_network_itself(model, name):
    before, version = state(model), model.version
    IN_PLACE[name](model)
    assert not same(before, state(model))
    assert model.version != version


@pytest.mark.parametrize("name", ANOTHER)
def test_these_give_another_network(model, name):
    before = state(model)
    other = ANOTHER[name](model)
    assert isinstance(other, MultKAN)
    other.network.layer(0).coef.data += 1
    assert same(before, state(model))


def test_removing_a_node_keeps_the_numbers_of_the_others(model):
    model.remove_node(1, 0)
    model.remove_node(1, 3)
    assert model.width == [[2, 0], [5, 0], [1, 0]]
    assert model.act_fun[0].mask.sum(0).tolist() == [0, 2, 2, 0, 2]


@pytest.mark.parametrize(("mode", "edges"), [("all", 12), ("up", 14), ("down", 13)])
def test_a_side_of_a_node_can_be_removed_alone(model, mode, edges):
    model.remove_node(1, 0, mode)
    assert model.n_edge == edges


# ---- versions


def test_versions_go_by_the_acts(model, data):
    assert model.version == "0.0"
    model.fit(data, steps=1)
    pruned = model.prune(node_th=0.3)
    assert (model.version, pruned.version) == ("0.1", "0.2")
    back = pruned.rewind("0.1")
    assert back.version == "1.1"
    assert same(state(back), state(model))
    back.fit(data, steps=1)
    assert back.version == "1.2"
    assert pruned.checkout("0.0").version == "0.0"


def test_an_unknown_version_is_refused_by_name(model):
    with pytest.raises(ValueError, match=r"'7.3'.*0.0"):
        model.rewind("7.3")


def test_no_file_is_written_unasked(model, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model.fit(data, steps=1)
    model.plot()
    model.prune().rewind("0.1").refine(5)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_is_a_file_where_it_is_asked_for(model, tmp_path):
    model.saveckpt(str(tmp_path / "mark"))
    other = KAN.loadckpt(str(tmp_path / "mark"))
    assert same(state(model), state(other))


# ---- functions and formulas


def test_a_function_without_fitted_constants_needs_no_data():
    model = KAN([2, 1])
    assert model.fix_symbolic(0, 0, 0, "tanh", fit_params_bool=False) is None
    assert model.symbolic_fun[0].funs_name == [["tanh", "0"]]


@pytest.mark.slow
def test_all_edges_become_functions_as_there(model, data):
    model.fit(data, steps=5)
    model.auto_symbolic(lib=["x", "x^2", "sin", "exp"], verbose=0)
    (formula,), _ = model.symbolic_formula()
    assert not formula.atoms(sympy.core.function.AppliedUndef)


def test_a_threshold_leaves_curves(model):
    model.auto_symbolic(lib=["x"], r2_threshold=0.999999, verbose=0)
    assert "0" in {name for row in model.symbolic_fun[0].funs_name for name in row}


def test_variables_may_be_expressions():
    v, c = sympy.symbols("v c")
    model = KAN([1, 1])
    model.fix_symbolic(0, 0, 0, "x^2", fit_params_bool=False)
    assert model.symbolic_formula(var=[v / c])[0] == [v**2 / c**2]


def test_a_curve_has_its_points(model, data):
    x, y = model.get_fun(0, 1, 3)
    curve = model.network.edge_curve(0, 1, 3, x=x)
    assert torch.equal(y, curve.y)
    assert model.get_range(0, 1, 3, verbose=False)[0] == pytest.approx(float(x[0]))


def test_layers_show_what_they_are(model):
    spline = model.act_fun[0]
    assert spline.coef.shape == (2, 5, 6)
    assert spline.grid.shape == (2, 10)
    x = torch.linspace(-1, 1, 50)[:, None].expand(-1, 2)
    from kanwidget.pykan.spline import coef2curve

    edges = coef2curve(x, spline.grid, spline.coef, 3) + spline.scale_base * torch.nn.functional.silu(x)[..., None]
    assert torch.allclose(edges.sum(1), model.network.layer(0)(x), atol=1e-6)


# ---- what isn't here, and what is besides


def test_an_argument_without_effect_is_said_to_have_none():
    from kanwidget.pykan import PykanDifference, words

    words._said.clear()
    with pytest.warns(PykanDifference, match="affine_trainable=True has no effect"):
        KAN([1, 1], affine_trainable=True)


def test_a_name_without_counterpart_says_what_to_use(model):
    with pytest.raises(AttributeError, match=r"kanwidget.pykan has no `node_bias`. A constant"):
        _ = model.node_bias
    with pytest.raises(AttributeError, match="nonsense"):
        _ = model.nonsense


def test_kanwidgets_own_methods_are_there_too(model, data):
    assert model.predict(data["test_input"]).shape == (100, 1)
    assert isinstance(model.network, kanwidget.KAN)
    with model.explorer(data) as explorer:
        assert explorer.model.width == model.width


def test_a_copy_is_a_copy(model):
    import copy
    import pickle

    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert same(state(model), state(other))
        other.remove_edge(0, 0, 0)
        assert model.n_edge == 15


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: KAN(width=None), "`width`"),
        (lambda: KAN([2, 1], grid=[0]), "`grid`"),
        (lambda: KAN([2, 1], grid_range=5), "`grid_range`"),
        (lambda: KAN([1, 1]).fit(ROWS, batch=0), "`batch`"),
        (lambda: KAN([1, 1]).fit(ROWS, metrics=[3]), "`metrics`"),
    ],
)
def test_bad_arguments_are_named(make, expected):
    with pytest.raises(ValueError, match=expected):
        make()
