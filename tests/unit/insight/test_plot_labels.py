"""Text in the picture of a network: what it says, and that nothing runs through it."""

from itertools import combinations

import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

from kanwidget import KAN
from kanwidget.insight.plot import plot
from kanwidget.insight.plot.layout import arrange
from kanwidget.insight.plot.style import function_name
from kanwidget.surgery import remove_edge

NAMES = ["sin", "x^2", "exp", "abs", "tanh", "arctan"]


def symbolic(width, names=NAMES):
    model = KAN(width, noise_scale=1.0)
    for number, ref in enumerate(model.edge_refs()):
        layer = model.layer(ref.layer)
        layer.set_symbol(ref.source, ref.target, names[number % len(names)])
        layer.spline_on[ref.target, ref.source] = False
    return model


def samples(model):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(40, model.n_features, generator=generator, dtype=torch.float64) * 2 - 1


def extents(figure, wanted):
    """Places of the texts for which `wanted(text)` holds, in inches."""
    FigureCanvasAgg(figure).draw()
    (ax,) = figure.axes
    to_inches = ax.transData.inverted()
    return [t.get_window_extent().transformed(to_inches) for t in ax.texts if wanted(t.get_text())]


def wires(figure):
    return [path for drawn in figure.axes[0].collections if drawn.get_zorder() == 1 for path in drawn.get_paths()]


@pytest.mark.parametrize("tick", [False, True])
@pytest.mark.parametrize("width", [[2, 1, 1], [2, 5, 1], [2, [3, 1], 1], [1, 3, 2], [4, 5, 5, 1]])
def test_no_wire_runs_through_the_name_of_a_function(width, tick):
    model = symbolic(width)
    figure = plot(model, samples(model), tick=tick)
    shown = {function_name(name) for name in NAMES}
    places = extents(figure, shown.__contains__)
    assert len(places) == len(model.edge_refs())
    lines = wires(figure)
    lines = wires(figure)
    for place in places:
        assert not any(line.intersects_bbox(place, filled=False) for line in lines)
        assert 0 <= place.x0 < place.x1 <= figure.get_size_inches()[0]


@pytest.mark.parametrize("width", [[2, 1, 1], [2, 5, 1], [2, [3, 1], 1]])
def test_no_wire_runs_through_a_number(width):
    model = KAN(width, noise_scale=1.0)
    figure = plot(model, samples(model), tick=True)
    places = extents(figure, lambda text: text.replace("-", "")[:1].isdigit())
    assert len(places) == 4 * len(model.edge_refs())
    lines = wires(figure)
    lines = wires(figure)
    for place in places:
        place.y0 += 0.28 * place.height  # digits don't reach down there
        assert not any(line.intersects_bbox(place, filled=False) for line in lines)


def test_long_names_make_room_for_each_other():
    model = symbolic([3, 5, 5, 1], ["gaussian", "arctanh", "1/sqrt(x)"])
    figure = plot(model, samples(model))
    places = extents(figure, lambda text: text in ("gaussian", "arctanh", "1/√x"))
    for one, other in combinations(places, 2):
        assert not one.overlaps(other)


def test_a_constant_has_one_number_beside_it():
    model = KAN([1, 1])
    with torch.no_grad():
        for parameter in model.layer(0).parameters():
            parameter.zero_()
    texts = [text.get_text() for text in plot(model, samples(model), tick=True).axes[0].texts]
    assert texts.count("0") == 1


def test_hidden_nodes_have_the_names_of_the_explorer():
    for width in ([2, 3, 1], [2, 2, 3, 1]):
        model = KAN(width)
        texts = {text.get_text() for text in plot(model).axes[0].texts}
        digits = "₀₁₂₃"
        hidden = {f"h{digits[n]},{digits[i + 1]}" for n in range(1, model.depth) for i in range(width[n])}
        assert {text for text in texts if text.startswith("h")} == hidden


def test_the_boxes_of_one_output_stand_above_their_sources():
    model = KAN([2, [3, 1], 1])
    remove_edge(model, 1, 1, 0)
    layout = arrange(model, model.edge_refs(active=True))
    for ref, (x, _) in layout.boxes.items():
        if ref.layer == 1:
            assert x == pytest.approx(layout.nodes[1, ref.source][0])
    crowded = KAN([40, 1])
    boxes = arrange(crowded, crowded.edge_refs()).boxes
    assert len({x for x, _ in boxes.values()}) == 40
