"""Thumbnails, details and scores of edges, in the units of the data."""

import math

import pytest
import sympy
import torch

from kanwidget import KAN, create_dataset
from kanwidget.core import EdgeRef
from kanwidget.core.layer import Layer
from kanwidget.core.scores import attribute
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol.topics import STEPPED
from kanwidget.explorer.session import samples
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.states import run_states

DATA = create_dataset(
    lambda x: torch.exp(torch.sin(torch.pi * x[:, [0]]) + x[:, [1]] ** 2), n_var=2, train_num=400, seed=3
)
X = DATA.train_input


@pytest.fixture(params=["order one", "units"])
def network(request):
    """A network with products, some columns without a scale and some with one."""
    model = KAN([2, [2, 1], [1, 1]], seed=5)
    model.fix_symbolic(0, 0, 0, "sin", params=(2.0, 0.1, 0.5, 0.2), data=X)
    if request.param == "units":
        model.input_scale = ([0.3, -0.2], [0.5, 2.0])
        model.output_scale = ([10.0, 1.0], [30.0, 7.0])
    return model.requires_grad_(False)


def test_thumbnails_are_curves_over_the_range_of_the_data(network):
    shown = samples.sampled(network, X[:256])
    trace = network.trace(X[:256])
    for row, (layer, source, target) in zip(shown.thumbnails, network.edge_refs(), strict=True):
        inputs = trace.nodes[layer][:, source]
        torch.testing.assert_close(row[1:3], torch.stack([inputs.min(), inputs.max()]))
        at = torch.linspace(0, 1, len(row) - 3, dtype=X.dtype)
        curve = network.curve((layer, source, target), row[1] + at * (row[2] - row[1]))
        torch.testing.assert_close(row[3:], curve.y)
        assert row[0] == shown.scores.edge_scores[layer][target, source]


def test_scores_are_those_of_the_attribution(network):
    shown, expected = samples.sampled(network, X[:256]).scores, attribute(network, X[:256])
    for one, other in zip(
        shown.node_scores + shown.edge_scores, expected.node_scores + expected.edge_scores, strict=True
    ):
        torch.testing.assert_close(one, other)


def test_details_and_samples_are_in_the_units_of_the_data(network):
    trace = network.trace(X)
    for edge in network.edge_refs():
        layer, source, target = edge
        arrays, (low, high) = samples.edge_detail(network, edge, X)
        inputs = trace.nodes[layer][:, source]
        assert (low, high) == pytest.approx((float(inputs.min()), float(inputs.max())))
        torch.testing.assert_close(arrays["detail"][1], network.curve(edge, arrays["detail"][0]).y)
        inputs, values = samples.sampled_edge(network, edge, X[:100])
        torch.testing.assert_close(inputs, trace.nodes[layer][:100, source])
        torch.testing.assert_close(values, trace.edges[layer][:100, target, source])
        units = network.edge_units(edge)
        knots = units.x_centre + units.x_size * network.layer(layer).knots[source]
        torch.testing.assert_close(arrays["full_knots"], knots)
        assert arrays["knots"].tolist() == knots[network.k : len(knots) - network.k].tolist()
        torch.testing.assert_close(
            arrays["handles"][1], units.y_size * network.layer(layer).weight()[target, source, :-1]
        )


def test_a_sorted_table_is_shown_over_its_whole_range():
    x = torch.linspace(-1, 1, 512, dtype=torch.float64)[:, None]
    model = KAN([1, 1], seed=1)
    assert samples.sampled(model, x).thumbnails[0, 1:3].tolist() == [-1.0, 1.0]
    inputs = samples.sampled_edge(model, (0, 0, 0), x)[0]
    assert len(inputs) == 256
    assert (float(inputs.min()), float(inputs.max())) == (-1.0, 1.0)


def test_the_density_counts_all_rows_and_none_of_a_network_that_has_diverged():
    model = KAN([1, 1], seed=1)
    x = torch.tensor([[0.0]] * 30 + [[1.0]] * 10, dtype=torch.float64)
    density = samples.edge_detail(model, (0, 0, 0), x)[0]["density"]
    assert density.tolist() == pytest.approx([1.0, *[0.0] * 38, 1 / 3])
    assert samples.edge_detail(model, (0, 0, 0), x.new_full((5, 1), 2.0))[0]["density"][0] == 1
    broken = samples.edge_detail(model, (0, 0, 0), x.new_full((5, 1), torch.nan))[0]["density"]
    assert broken.tolist() == [0.0] * 40


@pytest.mark.parametrize(("selected", "passes"), [((), [1, 1]), (((1, 0, 0),), [2, 2])])
def test_a_frame_evaluates_every_layer_once(selected, passes, page_of, monkeypatch):
    """Beside that a selected edge needs its inputs and its own curve. What the rows ask of it may be a moment old while it trains."""
    monkeypatch.setattr(run_states, "SECONDS", math.inf)
    session = Session(KAN([2, 5, 1], seed=0), DATA, lamb=1e-3)
    publisher = Publisher(session)
    page_of(publisher, acknowledges=True)
    session.view.select([EdgeRef(*edge) for edge in selected])
    session.run.start(None)
    publisher.mark_changed(STEPPED)
    publisher.flush(force=True)
    evaluated = []
    bases = Layer.designs

    def counted(layer, x, highest):
        evaluated.append(next(i for i in range(2) if session.model.layer(i) is layer))
        return bases(layer, x, highest)

    monkeypatch.setattr(Layer, "designs", counted)
    monkeypatch.setattr(Layer, "design", lambda *_: pytest.fail("a pass of its own"))
    session.run.version += 1
    publisher.mark_changed(STEPPED)
    publisher.flush(force=True)
    assert [evaluated.count(layer) for layer in (0, 1)] == passes


def test_details_where_the_logarithm_of_0_arrives():
    model = KAN.from_formula(sympy.Symbol("t") ** sympy.Rational(13, 2), variables=["t"])
    x = torch.linspace(0, 4, 9, dtype=torch.float64)[:, None]
    for edge in model.edge_refs():
        arrays, ends = samples.edge_detail(model, edge, x)
        assert bool(arrays["density"].isfinite().all())
        assert all(map(math.isfinite, ends))
    shown = samples.sampled(model.requires_grad_(False), x)
    assert bool(shown.thumbnails.isfinite().all())
    assert bool((shown.thumbnails[:, 0] > 0.9).all())
