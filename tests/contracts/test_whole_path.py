"""From data to formula, for any data: nothing becomes NaN, and the formula computes what the network computes."""

import pytest
import torch

from kanwidget import KAN
from tests.support.awkward import each_data
from tests.support.networks import F64, ZOO, finite, formula_values, uniform


@pytest.mark.slow
@each_data
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=["float64", "float32"])
def test_every_step_of_the_path_keeps_numbers_finite(data, dtype):
    x, y = (part.to(dtype) for part in data())
    model = KAN([3, 2, 1], dtype=dtype)
    model.fit((x, y), steps=4, lamb=1e-3, progress=False)
    for step in (
        lambda m: m.prune() if len(x) > 1 else m,  # of one row it refuses
        lambda m: m.refine(6),
        lambda m: m.refine(4, knots="adapted"),
        lambda m: m.expand_width(1, 1),
        lambda m: m.update_grid() or m,
        lambda m: (m.auto_symbolic(lib=["x", "x^2", "sin", "log", "sqrt", "1/x"]) and m) or m,
        lambda m: m.fit((x, y), steps=3, progress=False) and m,
    ):
        model = step(model)
        assert finite(model)
        assert bool(torch.isfinite(model(x)).all())
    if dtype == F64:
        with torch.no_grad():
            trace = model.trace(x)
        # Of edges that cancel each other their round-off is left.
        scale = max(1.0, *(float(part.abs().max()) for part in (*trace.edges, *trace.nodes)))
        assert float((formula_values(model, x) - trace.output).abs().max()) <= 1e-10 * scale


@pytest.mark.parametrize("kind", ZOO)
@pytest.mark.parametrize("k", [0, 3])
def test_the_formula_equals_the_network(kind, k):
    model = ZOO[kind](k=k)
    x = uniform(50, model.n_features, low=-1.5, high=1.5)
    with torch.no_grad():
        torch.testing.assert_close(formula_values(model, x), model(x), rtol=1e-10, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ZOO)
def test_the_formula_of_a_network_that_was_made_symbolic(kind):
    model = ZOO[kind]()
    x = uniform(60, model.n_features)
    model.auto_symbolic(data=x, lib=["x", "x^2", "sin", "exp"], r2_threshold=0.0)
    with torch.no_grad():
        torch.testing.assert_close(formula_values(model, x), model(x), rtol=1e-10, atol=1e-10)
