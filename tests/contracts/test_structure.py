"""Edits of the structure: new models share nothing with the old one and keep all settings; edits in place say so."""

import copy

import pytest
import torch

from kanwidget import surgery
from tests.support.networks import ZOO, assert_same, finite, made_once, snapshot, uniform

#: Every edit that returns a new model.
NEW = {
    "refine": lambda model: model.refine(9),
    "refine to as many": lambda model: model.refine(4),
    "refine to fewer": lambda model: model.refine(2),
    "refine uniform": lambda model: model.refine(9, knots="uniform"),
    "refine adapted": lambda model: model.refine(9, knots="adapted"),
    "prune": lambda model: model.prune(),
    "prune to nothing": lambda model: model.prune(1e9, 1e9),
    "prune nothing": lambda model: model.prune(0.0, 0.0),
    "prune_node": lambda model: model.prune_node(1e9),
    "prune_node by hand": lambda model: model.prune_node(active={1: [0]}),
    "prune_edge": lambda model: model.prune_edge(1e9),
    "prune_input": lambda model: model.prune_input(active=[0]),
    "expand_width by sums": lambda model: model.expand_width(1, 2),
    "expand_width by products": lambda model: model.expand_width(1, 1, product=True, mult_arity=3),
    "expand_depth": lambda model: model.expand_depth(),
    "expand_depth at the inputs": lambda model: model.expand_depth(0),
    "remove_node": lambda model: model.remove_node(1, 0),
    "perturb": lambda model: model.perturb(),
    "perturb all": lambda model: model.perturb(mode="all"),
}
#: Every edit in place.
IN_PLACE = {
    "update_grid": lambda model: model.update_grid(),
    "remove_edge": lambda model: model.remove_edge(0, 0, 0),
    "restore_edge": lambda model: model.restore_edge(0, 0, 0),
    "lock": lambda model: model.lock(model.depth - 1, [(0, 0), (2, 0)]),
    "unlock": lambda model: model.unlock(0, [(0, 0)]),
    "freeze": lambda model: model.freeze(0, 0, 0),
    "unfreeze": lambda model: model.unfreeze(0, 0, 0),
    "swap": lambda model: surgery.swap(model, 1, 0, 1),
    "auto_swap": lambda model: model.auto_swap(),
    "isolate": lambda model: model.isolate(0, [[0], [1]]),
    "fix_symbolic": lambda model: model.fix_symbolic(0, 0, 0, "sin"),
    "fix_symbolic with a correction": lambda model: model.fix_symbolic(0, 0, 0, "sin", keep_spline=True),
    "unfix_symbolic": lambda model: model.unfix_symbolic(0, 0, 1),
    "auto_symbolic": lambda model: model.auto_symbolic(lib=["x", "sin", "exp"]),
    "fit": lambda model: model.fit((model.reference, model(model.reference).detach() ** 2), steps=2, progress=False),
}
each_kind = pytest.mark.parametrize("kind", ["plain", "states", "everything"])


@made_once
def make(kind):
    model = ZOO[kind](grid=4, grid_eps=0.3, seed=5, k=2, base_fun="tanh")
    x = uniform(40, model.n_features)
    model.fit((x, uniform(40, model.n_out, seed=1)), steps=3, progress=False, update_grid=False)
    model.layer(0).affine.requires_grad_(False)
    return model.eval()


def storages(model):
    tensors = [*model.parameters(), *model.buffers()]
    return {t.untyped_storage().data_ptr() for t in tensors if t.numel()}


def lists(model):
    """Everything mutable beside the tensors."""
    layers = [
        part for layer in model.layers for part in (layer.symbols, layer.ties, *layer.symbols.values(), *layer.ties)
    ]
    mutable = [model.width, model.arities, *model.width, *model.arities, model.history, model.history.records]
    return {id(part) for part in [*layers, *mutable, model.history.events]}


@each_kind
@pytest.mark.parametrize("edit", NEW)
def test_the_old_model_stays_and_the_new_one_shares_nothing(edit, kind):
    model = make(kind)
    initial = snapshot(model)
    new = NEW[edit](model)
    assert_same(initial, model)
    assert new is not model
    assert not storages(new) & storages(model)
    assert not lists(new) & lists(model)


@each_kind
@pytest.mark.parametrize("edit", NEW)
def test_settings_history_and_data_are_kept(edit, kind):
    model = make(kind)
    new = NEW[edit](model)
    assert type(new) is type(model)
    assert (new.grid_eps, new.seed, new.k, new.dtype, new.training) == (0.3, 5, 2, model.dtype, False)
    assert {layer.base_fun for layer in new.layers} == {"tanh"}
    assert new.n_features == model.n_features
    assert torch.equal(new.reference, model.reference)
    assert new.history.records == model.history.records
    assert new.history.events[: len(model.history.events)] == model.history.events
    assert not new.layer(new.depth - model.depth if "inputs" in edit else 0).affine.requires_grad


@each_kind
@pytest.mark.parametrize("edit", NEW)
def test_the_new_model_works_as_any_other(edit, kind):
    new = NEW[edit](make(kind))
    x = uniform(20, new.n_features, seed=3)
    assert new(x).shape == (20, new.n_out)
    torch.testing.assert_close(new.trace(x).output, new(x))
    new.attribute()
    history = new.fit((x, uniform(20, new.n_out, seed=4)), steps=3, progress=False)
    assert finite(new)
    assert history["train_loss"][-1] <= history["train_loss"][0]
    copy.deepcopy(new)


@each_kind
@pytest.mark.parametrize(
    "edit", ["expand_width by sums", "expand_depth", "expand_depth at the inputs", "refine", "prune nothing", "perturb"]
)
def test_edits_that_keep_the_function(edit, kind):
    model = make(kind)
    x = uniform(50, model.n_features, seed=3, low=-2.0, high=2.0)
    torch.testing.assert_close(NEW[edit](model)(x), model(x), rtol=1e-11, atol=1e-11)


@each_kind
@pytest.mark.parametrize("edit", IN_PLACE)
def test_edits_in_place_keep_the_parameters_objects(edit, kind):
    """An optimiser of the user's holds them."""
    model = make(kind)
    objects = [id(p) for p in model.parameters()]
    IN_PLACE[edit](model)
    assert [id(p) for p in model.parameters()] == objects
    assert finite(model)


@pytest.mark.parametrize("edit", [e for e in IN_PLACE if e != "fit"])
def test_edits_in_place_leave_settings_and_reference(edit):
    model = make("everything")
    reference = model.reference.clone()
    IN_PLACE[edit](model)
    assert torch.equal(model.reference, reference)
    assert (model.grid_eps, model.seed, model.training, model.n_features) == (0.3, 5, False, 6)


@pytest.mark.parametrize(
    ("edit", "kind"),
    [
        ("remove_edge", "prune"), ("isolate", "prune"), ("perturb", "perturb"),
        ("restore_edge", "restore"), ("lock", "lock"), ("unlock", "lock"),
        ("refine", "refine"), ("prune_edge", "prune"), ("prune_node", "prune"), ("prune_input", "prune"),
        ("remove_node", "prune"), ("expand_width by sums", "expand"), ("expand_depth", "expand"),
    ],
)  # fmt: skip
def test_edits_stand_in_the_history(edit, kind):
    model = make("plain")
    if edit == "restore_edge":
        model.remove_edge(0, 0, 0)
    if edit == "unlock":
        model.lock(0, [(0, 0), (1, 0)])
    count = len(model.history.events)
    changed = NEW[edit](model) if edit in NEW else model
    if edit in IN_PLACE:
        IN_PLACE[edit](model)
    added = changed.history.events[count:]
    assert {event.kind for event in added} == {kind}
    assert all(event.step == model.history.last.step for event in added)
