"""The faults of pykan 0.2.8 that could exist here, one test each, by their number in the project's list.

Silent wrong results are 1 to 25, crashes 26 to 48. What can't exist here, and why:

- 6, 7 (checkpoints under wrong names, rewind): nothing is written unless `save(path)` is called; undo is in memory.
- 22 (exponents and functions lost by the compiler of formulas), 23 (wrong entries of the Feynman table), 35 (MLP): there are no such
  parts. 32 to 34 as far as they are about the structure of functions: see `test_structure_faults.py`.
- 39 (`save_act=False` breaks pruning): there is no such switch, a forward pass stores nothing at all.
- 46 (`.numpy()` of tensors on a GPU): needs one.
"""

import copy
import math
import pickle

import numpy as np
import pytest
import sympy
import torch

from kanwidget import KAN, Dataset, create_dataset, register_primitive
from kanwidget.core.primitives.table import _TABLE
from kanwidget.surgery import swap
from kanwidget.training import Trainer, make_settings
from kanwidget.training.objective.penalty import METRICS, Penalty
from tests.support.networks import (
    F64,
    assert_same,
    everything,
    finite,
    formula_values,
    plain,
    product_data,
    products,
    snapshot,
    states,
    symbolic,
    uniform,
)
from tests.support.stacks import penalty_of

# ---- A. silent wrong results


def test_01_pruned_inputs_are_remembered_by_later_edits_and_files(tmp_path):
    x = uniform(40, 3)
    model = KAN([3, 4, 1], noise_scale=2.0).prune_input(active=[0, 2], data=x)
    later = model.prune_node(active=[[0, 1, 3]], data=x)
    later.save(tmp_path / "m.kan")
    noise = torch.cat([x[:, :1], uniform(40, 1, seed=9), x[:, 2:]], 1)
    for network in (later, KAN.load(tmp_path / "m.kan")):
        assert network.columns.tolist() == [0, 2]
        assert torch.equal(network(noise), network(x))
    assert later.edge_curve(0, 1, 0, data=x).y.shape == (200,)
    kept = KAN([3, 4, 1]).prune_input(active=[0, 2], data=x)
    kept.auto_swap(data=x)
    assert torch.equal(kept.perturb()(noise), kept(x))
    assert torch.equal(kept.attribute(data=noise).node_scores[0], kept.attribute(data=x).node_scores[0])


def test_02_suggestions_leave_symbolic_and_pruned_edges_alone():
    model, x = states(), uniform(40, 2)
    before = snapshot(model)
    for edge in ((0, 0, 1), (0, 1, 0), (0, 1, 2)):
        model.suggest_symbolic(*edge, data=x)
    assert_same(before, model)


def test_03_an_edge_without_its_symbol_keeps_nothing_of_it():
    model, x = plain(), uniform(40, 2, low=0.1, high=1.0)
    before = model(x)
    model.fix_symbolic(0, 0, 0, "log", data=x)
    model.unfix_symbolic(0, 0, 0)
    torch.testing.assert_close(model(x), before)
    assert bool(torch.isfinite(model(-x)).all())
    assert "log" not in str(model.symbolic_formula()[0])


def test_04_formulas_have_numeric_edges_in_them_and_pruned_ones_not():
    model, x = states(), uniform(40, 2)
    assert "phi_0_0_0(" in str(model.symbolic_formula()[0])
    assert "phi_0_1_0(" not in str(model.symbolic_formula()[0])
    torch.testing.assert_close(formula_values(model, x), model(x).detach(), rtol=1e-10, atol=1e-10)


def test_05_products_have_their_true_number_of_factors():
    model, x = symbolic([6, [0, 2]], mult_arity=3), uniform(20, 6)
    for _, source, target in model.edge_refs():
        if source != target:
            model.remove_edge(0, source, target)
    torch.testing.assert_close(formula_values(model, x), model(x).detach(), rtol=1e-12, atol=1e-12)
    x1, *_, x6 = model.symbolic_formula()[1]
    first, second = model.symbolic_formula()[0]
    assert not first.has(x6)
    assert not second.has(x1)


def test_08_training_a_refined_network_leaves_its_parent_alone():
    model = states()
    child = model.refine(7)
    before = snapshot(model)
    child.fit(product_data(), steps=3, progress=False)
    child.remove_edge(0, 0, 0)
    assert_same(before, model)


def test_09_pruning_leaves_the_original_alone():
    model = plain()
    before = snapshot(model)
    assert model.prune_node(active=[[1]], data=uniform(20, 2)).width[1] == [1, 0]
    assert_same(before, model)


@pytest.mark.parametrize("metric", METRICS)
def test_10_every_penalty_has_a_gradient(metric):
    model, x = plain(), uniform(20, 2)
    penalty_of(Penalty(1.0, metric=metric), model, x).backward()
    assert all(float(layer.coef.grad.abs().max()) > 0 for layer in model.layers)


def test_11_penalties_of_splines_leave_symbols_out_and_average_over_coefficients():
    model, x = symbolic([2, 1], "sin"), uniform(20, 2)
    with torch.no_grad():
        assert float(penalty_of(Penalty(1.0, metric="edge_forward_spline_u"), model, x)) == 0
        numeric = KAN([2, 3, 1])
        means = sum(layer.coef.abs().mean(-1).sum() for layer in numeric.layers)
        found = penalty_of(Penalty(1.0, 0.0, 0.0, coef=1.0), numeric, x)
    torch.testing.assert_close(found, means)


def test_12_swapping_nodes_keeps_the_function():
    x = uniform(20, 6)
    model = everything()
    before = model(x)
    swap(model, 1, 0, 2)
    swap(model, 1, 3, 4)  # products of two and of three factors
    swap(model, 2, 0, 1)
    torch.testing.assert_close(model(x), before)
    for widths in ([6, 3, 5, 1], [6, [2, 2], [1, 3], 2]):  # levels of other widths than the first, and products
        uneven = KAN(widths, mult_arity=3, noise_scale=2.0)
        initial = uneven(x)
        uneven.auto_swap(data=x)
        torch.testing.assert_close(uneven(x), initial)


def test_13_a_removed_edge_is_gone_symbol_and_all():
    model, x = symbolic([2, 1], "sin"), uniform(20, 2)
    model.remove_edge(0, 0, 0)
    assert torch.equal(model(x)[:, 0], model.curve((0, 1, 0), x[:, 1]).y)


def test_14_attribution_with_mixed_products_and_several_outputs():
    for outputs in (1, 2, 3):
        model = KAN([2, [1, 2], outputs], mult_arity=[[], [2, 3], []])
        scores = model.attribute(data=uniform(20, 2))
        assert scores.edges_by_output[0].shape == (outputs, 6, 2)
    # Arity and number of outputs are alike, which transposes scores without an error: each output is a product of its own columns.
    x = uniform(40, 6)
    for factors in (2, 3):
        products = KAN([6, [0, factors], factors], mult_arity=factors, noise_scale=2.0)
        for _, source, subnode in [ref for ref in products.edge_refs() if ref.layer == 0]:
            if source % factors != products.node_of(1, subnode):
                products.remove_edge(0, source, subnode)
        for _, source, target in [ref for ref in products.edge_refs() if ref.layer == 1]:
            if source != target:
                products.remove_edge(1, source, target)
        by_output = products.attribute(data=x).nodes_by_output[0] > 0
        assert by_output.tolist() == [[column % factors == output for column in range(6)] for output in range(factors)]


def test_15_widening_and_deepening_keep_what_was_learnt():
    model, x = products(mult_arity=2), uniform(20, 2)
    for larger in (
        model.expand_width(1, 2),
        model.expand_width(1, 1, product=True, mult_arity=3),
        model.expand_depth(),
    ):
        torch.testing.assert_close(larger(x), model(x), rtol=1e-12, atol=1e-12)
        assert torch.equal(copy.deepcopy(larger)(x), larger(x))
        before = [p.clone() for p in larger.layers[-1].parameters()]
        larger.fit((x, uniform(20, 3)), steps=3, progress=False)
        assert not all(map(torch.equal, before, larger.layers[-1].parameters()))


def test_16_pruning_keeps_settings():
    model = KAN([2, 3, 1], grid_eps=0.1, base_fun="identity", seed=8, k=2)
    model.layer(0).base.requires_grad_(False)
    for new in (model.prune(data=uniform(20, 2)), model.refine(9), model.prune_input(active=[0], data=uniform(20, 2))):
        assert (new.grid_eps, new.seed, new.k, new.layer(0).base_fun) == (0.1, 8, 2, "identity")
        assert not new.layer(0).base.requires_grad


def test_17_a_node_that_feeds_one_of_many_outputs_matters_as_much():
    model = KAN([2, 5, 5], noise_scale=2.0)
    for _, source, target in [ref for ref in model.edge_refs() if ref.layer == 1]:
        if source != target:
            model.remove_edge(1, source, target)
    scores = model.attribute(data=uniform(40, 2))
    assert scores.node_scores[1].tolist() == pytest.approx([1.0] * 5)
    assert scores.node_scores[2].tolist() == [1.0] * 5
    alone = KAN([2, 1], seed=3)
    many = KAN([2, 10], seed=3)
    with torch.no_grad():
        many.layer(0).coef[:], many.layer(0).base[:] = alone.layer(0).coef, alone.layer(0).base
    one, ten = (model.attribute(data=uniform(40, 2)).node_scores[0] for model in (alone, many))
    torch.testing.assert_close(one, ten)


def test_18_queries_after_a_fit_use_training_data_not_test_data():
    x, y = product_data(60)
    model = plain()
    model.fit(Dataset(x[:30], y[:30], 50 + x[30:], y[30:]), steps=2, progress=False)
    assert torch.equal(model.reference, x[:30])
    model(uniform(9, 2))
    assert torch.equal(model.reference, x[:30])


def test_19_losses_that_are_no_squares_are_reported_as_they_are():
    x, y = product_data()
    model = KAN([2, 2])
    history = model.fit((x, (y[:, 0] > 0).long()), steps=3, progress=False)
    exact = torch.nn.functional.cross_entropy(model(x), (y[:, 0] > 0).long())
    assert history.last.train_loss == pytest.approx(exact.item())


@pytest.mark.parametrize("amplitude", [1.0, 1e-2, 1e-4, 1e-8])
def test_20_r2_does_not_depend_on_the_amplitude(amplitude):
    model = symbolic([1, 1], "sin")
    model.layer(0).affine.data[0, 0] = torch.tensor([3.0, 0.2, amplitude, 0.0])
    best = model.suggest_symbolic(0, 0, 0, data=torch.linspace(-1, 1, 60, dtype=F64)[:, None])[0]
    assert best.name in ("sin", "cos")
    assert best.r2 == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", ["cos", "tanh", "arctan", "1/x^5"])
def test_21_complex_functions_that_fit_win_against_zero(name):
    model = symbolic([1, 1], name)
    model.layer(0).affine.data[0, 0] = torch.tensor([1.0, 0.0, 1.0, 0.0])
    x = torch.linspace(0.5, 3, 100, dtype=F64)[:, None]
    assert model.suggest_symbolic(0, 0, 0, lib=["0", "x", "x^2", name], data=x)[0].name == name


def test_24_a_step_to_nan_is_never_kept():
    model = plain()
    for record in Trainer(model, product_data(), 5, make_settings(opt="LBFGS", lr=1e200)):
        assert math.isfinite(record.train_loss)
        assert finite(model)


def test_25_moved_knots_empty_the_memory_of_the_optimiser():
    trainer = Trainer(
        plain(), (5 * uniform(60, 2), uniform(60, 1)), 6, make_settings(opt="LBFGS", stop_grid_update_step=4)
    )
    inner = trainer.optimizer._optimizer
    for _ in trainer:
        if trainer.events:
            break
    assert trainer.optimizer._optimizer is not inner


# ---- B. crashes


@pytest.mark.parametrize("last", [0, 1, 5])
def test_26_fewer_steps_with_grid_updates_than_updates(last):
    for update in (True, False):
        options = {"grid_update_num": 10, "stop_grid_update_step": last, "update_grid": update}
        assert len(plain().fit(product_data(), steps=4, progress=False, **options)) == 4


def test_27_batches_larger_than_the_test_data():
    x, y = product_data(60)
    assert len(plain().fit(Dataset(x[:50], y[:50], x[50:], y[50:]), batch=40, steps=3, progress=False)) == 3


def test_28_pruning_edges_needs_no_call_before_it():
    model, x = plain(), uniform(20, 2)
    with pytest.raises(ValueError, match=r"Pass data=.* or call fit first"):
        model.prune_edge()
    model.attribute(1, 0, data=x)
    assert model.prune_edge(data=x).width == model.width


def test_29_pruning_everything_leaves_the_strongest_path():
    small = plain().prune(1e9, 1e9, data=uniform(20, 2))
    assert small.width[1] == [1, 0]
    assert len(small.edge_refs(active=True)) == 2


def test_30_any_network_can_be_saved_and_loaded(tmp_path):
    model = KAN([3, 2, 1], grid=np.int64(4), grid_range=(-2, 2), base_fun="tanh").prune_input(
        active=[0, 2], data=uniform(9, 3)
    )
    register_primitive("faults_30", torch.sinc)
    model.layer(0).set_symbol(0, 0, "faults_30")
    try:
        model.save(tmp_path / "m")
        assert_same(snapshot(model), KAN.load(tmp_path / "m", map_location=torch.device("cpu")))
    finally:
        _TABLE.pop("faults_30")


@pytest.mark.parametrize("k", [0, 1, 3])
def test_31_least_squares_have_an_answer_for_any_samples(k):
    model = KAN([2, 2, 1], k=k)
    for x in (torch.zeros(1, 2, dtype=F64), (uniform(20, 2) > 0).double(), uniform(2, 2)):
        model.update_grid(x)
        assert bool(torch.isfinite(model(x)).all())


def test_32_formulas_need_no_names():
    expressions, variables = symbolic([2, 1]).symbolic_formula()
    assert expressions[0].free_symbols == set(variables) == set(sympy.symbols("x_1 x_2"))


def test_36_ranges_may_be_arrays():
    for ranges in (np.array([-1, 1]), torch.tensor([[0.0, 1.0], [2.0, 3.0]]), [-1, 1]):
        assert create_dataset(lambda x: x[:, [0]], ranges=ranges, train_num=5).train_input.shape == (5, 2)


def test_37_powers_with_fractions_and_functions_of_ones_own_are_like_others():
    register_primitive("faults_37", lambda u: torch.exp(-u.abs()))
    try:
        for name in ("x^1.5", "faults_37"):
            model, x = symbolic([1, 1], name), uniform(30, 1, low=0.5, high=1.0)
            assert model.fit((x, 2 * model(x).detach()), steps=20, progress=False).last.train_loss < 1e-6
            assert bool(torch.isfinite(model.derivatives(x).hessian).all())
    finally:
        _TABLE.pop("faults_37")


def test_38_an_interrupted_fit_leaves_no_switch_behind():
    def interrupt(*_):
        raise KeyboardInterrupt

    model = states()
    switches = set(vars(model)), set(vars(model.layer(0)))
    model.fit(product_data(), steps=5, callbacks=[interrupt], progress=False)
    assert (set(vars(model)), set(vars(model.layer(0)))) == switches


def test_40_a_type_is_no_device():
    model = plain().to(torch.float32).to(torch.float64)
    assert model.device == torch.device("cpu")
    assert len(model.fit(product_data(), steps=1, progress=False)) == 1


def test_41_negative_numbers_of_edges_are_refused():
    with pytest.raises(ValueError, match="must be an integer from 0 to 1; got -1"):
        plain().remove_edge(0, -1, 0)
    model = plain()
    before = snapshot(model)
    with pytest.raises(ValueError, match="`chain` argument of isolate must be an integer from 0 to 1; got -1"):
        model.isolate(0, [[-1], [0]])
    assert_same(before, model)


def test_42_copies_and_pickles_after_a_forward_pass():
    model, x = states(), uniform(9, 2)
    model(x).sum().backward()
    assert torch.equal(copy.deepcopy(model)(x), model(x))
    assert torch.equal(pickle.loads(pickle.dumps(model))(x), model(x))


def test_43_penalties_of_one_row_are_finite():
    records = plain().fit(product_data(), opt="Adam", batch=1, lamb=0.1, steps=3, progress=False)
    assert all(map(math.isfinite, records["penalty"]))


def test_44_splines_for_formulas_need_no_data():
    x, y = sympy.symbols("x y")
    model = KAN.from_formula(sympy.sin(x) * y)
    for mode in ("non-intrusive", "all", "minimal"):
        assert model.perturb(mode=mode).layer(0).spline_on.any()


def test_45_unknown_optimisers_are_named():
    with pytest.raises(
        ValueError, match="`opt` argument of fit must be one of 'auto', 'LM', 'LBFGS', 'Adam'; got 'SGD'"
    ):
        plain().fit(product_data(), opt="SGD")


def test_47_the_labels_of_ticks_have_decimals():
    figure = plain().plot(data=0.25 * uniform(30, 2), tick=True)
    labels = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    assert any("0.2" in label for label in labels)


def test_48_formulas_are_simplified_when_asked_to():
    model = symbolic([1, 2, 1])
    assert len(sympy.Add.make_args(model.formula(simplify=True))) <= 2
