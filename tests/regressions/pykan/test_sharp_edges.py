"""Sharp edges of pykan's design, and the behaviour of this package; numbers as in the project's list.

Not here: 4 (edits in place or not) and 5 (hidden state) are contracts, see `tests/contracts`; 7 and 14 (speed) are benchmarks;
15 (packaging) has tests of its own.
"""

import inspect
import logging
import os

import pytest
import torch

import kanwidget
from kanwidget import KAN
from tests.support.networks import F64, plain, product_data, uniform


def test_01_nothing_touches_the_global_random_state():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    KAN([2, 3, 1], seed=1).fit(product_data(), steps=1, progress=False)
    kanwidget.create_dataset(lambda x: x[:, [0]], seed=3)
    assert torch.equal(torch.get_rng_state(), before)


def test_02_a_star_import_brings_few_names_and_15_none_that_pytest_collects():
    assert len(kanwidget.__all__) <= 30
    assert not any(name.startswith("test") or len(name) == 1 for name in kanwidget.__all__)


def test_03_nothing_is_written_by_default(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    model = plain()
    model.fit(product_data(), steps=1, progress=False)
    model = model.refine(5).prune()
    model.plot()
    assert os.listdir(tmp_path) == []


def test_05_what_was_looked_at_last_decides_nothing():
    model = plain()
    model.fit(product_data(), steps=3, progress=False)
    scores = model.edge_scores[0]
    model(100 * uniform(50, 2))
    model.attribute(1, 0)
    model.plot(data=uniform(9, 2))
    assert torch.equal(model.edge_scores[0], scores)


def test_06_symbolic_edges_are_counted_and_evaluated_together():
    calls = []
    kanwidget.register_primitive("counted", lambda u: calls.append(u.shape) or torch.tanh(u))
    try:
        model = KAN([4, 5])
        for _, source, target in model.edge_refs():
            model.layer(0).set_symbol(source, target, "counted")
            model.layer(0).spline_on[target, source] = False
        calls.clear()
        model(uniform(7, 4))
        assert calls == [(7, 20)]
        assert len(model.edge_refs(active=True)) == 20
    finally:
        from kanwidget.core.primitives.table import _TABLE

        _TABLE.pop("counted")


def test_08_functions_go_on_beyond_the_grid():
    x = torch.linspace(-1, 1, 200, dtype=F64)[:, None]
    model = KAN([1, 1], grid=10, base_fun="zero")
    model.fit((x, torch.exp(x)), steps=20, progress=False)
    beyond = model.predict([[1.2], [1.5], [2.0], [3.0]]).flatten()
    assert bool((beyond.diff() > 0).all())
    assert float(beyond[-1]) == pytest.approx(float(torch.e + 2 * torch.e), rel=0.05)  # the line that touches exp at 1


def test_08_binary_inputs_keep_their_knots_apart():
    model = KAN([1, 1], grid=5, grid_eps=0.0)
    model.update_grid((uniform(100, 1) > 0).double())
    assert float(model.layer(0).grid.diff().min()) > 1e-3


def test_09_training_needs_no_test_data_and_can_be_watched():
    seen = []
    history = plain().fit(product_data(), steps=3, progress=False, callbacks=[lambda m, r: seen.append(r.test_loss)])
    assert seen == [None] * len(history)


def test_10_thresholds_do_not_depend_on_the_number_of_outputs():
    x = uniform(50, 2)
    one, many = KAN([2, 3, 1], noise_scale=2.0), KAN([2, 3, 4], noise_scale=2.0)
    for name in ("coef", "base"):
        getattr(many.layer(0), name).data.copy_(getattr(one.layer(0), name))
        getattr(many.layer(1), name).data.copy_(getattr(one.layer(1), name).expand_as(getattr(many.layer(1), name)))
    torch.testing.assert_close(many.attribute(data=x).node_scores[1], one.attribute(data=x).node_scores[1])


def test_11_widths_may_be_numbers_or_pairs_everywhere():
    numbers, pairs = KAN([2, 3, 1]), KAN([[2, 0], [3, 0], [1, 0]])
    assert numbers.width == pairs.width
    for model in (numbers, pairs):
        model.expand_width(1, 1, product=True).refine(5).prune(data=uniform(9, 2))


def test_12_types_follow_the_module():
    assert plain().float().dtype == torch.float32
    assert plain(dtype=torch.float32).double().layer(0).knots.dtype == torch.float64


def test_13_edits_are_logged_not_printed(caplog, capfd):
    with caplog.at_level(logging.INFO, logger="kanwidget"):
        plain().prune_node(active=[[0]], data=uniform(9, 2))
    assert "pruned 2 nodes: (1, 1), (1, 2)" in caplog.text
    assert capfd.readouterr() == ("", "")


def test_13_docstrings_describe_arguments_that_exist():
    options = inspect.getdoc(KAN.fit)
    for name, parameter in inspect.signature(KAN.fit).parameters.items():
        if name != "self":
            stars = "**" if parameter.kind is inspect.Parameter.VAR_KEYWORD else ""
            assert f"{stars}{name}:" in options
