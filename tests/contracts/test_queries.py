"""Queries change nothing: each leaves parameters, buffers, reference, settings and history bit for bit."""

import importlib

import matplotlib as mpl
import numpy as np
import pytest
import torch

from kanwidget import KAN
from kanwidget.core.storage import save
from tests.support.networks import F64, ZOO, assert_same, made_once, snapshot, uniform

mpl.use("Agg")


def simplified(model):
    """Every part of `simplify`'s work, with short trainings."""
    module = importlib.import_module("kanwidget.simplification.simplify")  # whose name is the function's in its package
    with pytest.MonkeyPatch.context() as patch:
        for name in ("_PRUNE_STEPS", "_START_STEPS", "_LAST_STEPS"):
            patch.setattr(module, name, 2)
        return model.simplify(table(model), steps=1, lib=["x"])


#: Every method of KAN that asks, with a call of it.
QUERIES = {
    "__call__": lambda model, x: model(x),
    "__repr__": lambda model, x: repr(model),
    "trace": lambda model, x: model.trace(x),
    "curve": lambda model, x: model.curve((0, 0, 0), x[:, 0]),
    "edge_curve": lambda model, x: model.edge_curve(0, 0, 0),
    "edge_refs": lambda model, x: model.edge_refs(active=True),
    "predict": lambda model, x: model.predict(x),
    "score": lambda model, x: model.score((x, model.predict(x))),
    "plot_terms": lambda model, x: model.plot_terms(x),
    "derivatives": lambda model, x: model.derivatives(x),
    "summary": lambda model, x: model.summary(table(model)),
    "loss_derivatives": lambda model, x: model.loss_derivatives(table(model)),
    "attribute": lambda model, x: model.attribute(),
    "attribute of a node": lambda model, x: model.attribute(1, 0, data=x),
    "feature_score": lambda model, x: model.feature_score,
    "node_scores": lambda model, x: model.node_scores,
    "edge_scores": lambda model, x: model.edge_scores,
    "column_effects": lambda model, x: model.column_effects(table(model, 20)),
    "connection_cost": lambda model, x: model.connection_cost(),
    "suggest_symbolic": lambda model, x: model.suggest_symbolic(0, 0, 0, lib=["x", "sin", "exp"]),
    "suggest for a symbolic edge": lambda model, x: model.suggest_symbolic(model.depth - 1, 1, 0, lib=["x", "sin"]),
    "symbolic_formula": lambda model, x: model.symbolic_formula(),
    "plot": lambda model, x: model.plot(),
    "plot_scores": lambda model, x: model.plot_scores(),
    "plot_fit": lambda model, x: model.plot_fit((np.eye(7, model.n_features), np.zeros((7, model.n_out)))),
    "plot_history": lambda model, x: model.plot_history(),
    "prune": lambda model, x: model.prune(),
    "prune_node": lambda model, x: model.prune_node(0.1),
    "prune_edge": lambda model, x: model.prune_edge(0.1),
    "prune_input": lambda model, x: model.prune_input(0.1),
    "refine": lambda model, x: model.refine(7),
    "refine to fewer": lambda model, x: model.refine(2),
    "refine adapted": lambda model, x: model.refine(7, knots="adapted"),
    "expand_width": lambda model, x: model.expand_width(1, 1),
    "expand_depth": lambda model, x: model.expand_depth(),
    "simplify": lambda model, x: simplified(model),
    "classify": lambda model, x: model.classify(x) if model.n_out > 1 else None,
    "probabilities": lambda model, x: model.probabilities(x) if model.n_out > 1 else None,
    "formula_forms": lambda model, x: model.formula_forms(table(model), seconds=0),
    "for_data": lambda model, x: type(model).for_data(table(model)),
    "remove_node": lambda model, x: model.remove_node(1, 0),
    "perturb": lambda model, x: model.perturb(mode="all"),
    "state_dict": lambda model, x: model.state_dict(),
}


def table(model, rows=12):
    """Rows made by NumPy, whose threads aren't torch's."""
    generator = np.random.default_rng(0)
    return generator.random((rows, model.n_features)), generator.random((rows, model.n_out))


@made_once
def fitted(kind):
    model = ZOO[kind](grid=4)
    x = uniform(40, model.n_features)
    model.fit((x, uniform(40, model.n_out, seed=1)), steps=3, lamb=1e-3, progress=False)
    return model


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["plain", "everything"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_changes_nothing(query, kind):
    import matplotlib.pyplot as plt

    model = fitted(kind)
    initial, random = snapshot(model), torch.get_rng_state()
    QUERIES[query](model, uniform(20, model.n_features, seed=2))
    plt.close("all")
    assert_same(initial, model)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("query", [name for name in QUERIES if not name.startswith(("__", "state", "edge_refs"))])
def test_a_query_gives_the_same_answer_twice(query):
    import matplotlib.pyplot as plt

    model = fitted("plain")
    x = uniform(20, 2, seed=2)
    first, second = (comparable(QUERIES[query](model, x)) for _ in range(2))
    plt.close("all")
    assert first == second


def comparable(answer):
    """An answer as plain values."""
    if isinstance(answer, torch.Tensor):
        return answer.tolist()
    if isinstance(answer, KAN):
        return {name: comparable(value) for name, value in answer.state_dict().items()}
    if isinstance(answer, (list, tuple)):
        return [comparable(part) for part in answer]
    fields = getattr(answer, "__dataclass_fields__", None)
    if fields is not None:
        return {name: repr(comparable(getattr(answer, name))) for name in fields}
    return str(answer)


def test_saving_changes_nothing(tmp_path):
    model = fitted("everything")
    initial = snapshot(model)
    save(model, tmp_path / "m.kan")
    model.save(tmp_path / "m.kan")
    assert_same(initial, model)


def test_a_forward_pass_with_a_graph_changes_gradients_only():
    model = fitted("everything")
    initial = snapshot(model)
    model(uniform(5, 6)).sum().backward()
    assert_same(initial, model)


def test_answers_are_no_views_of_the_model():
    """A change to an answer doesn't change the model."""
    model = fitted("plain")
    initial = snapshot(model)
    with torch.no_grad():
        trace = model.trace(model.reference)
        for tensors in (trace.nodes[1:], trace.subnodes, trace.edges, trace.splines):
            for tensor in tensors:
                tensor.fill_(7.0)
        curve = model.curve((0, 0, 0), torch.zeros(3, dtype=F64))
        curve.y.fill_(7.0)
        for tensor in (*model.node_scores, *model.edge_scores):
            tensor.fill_(7.0)
    assert_same(initial, model)
