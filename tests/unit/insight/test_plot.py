import math
import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import matplotlib as mpl
import pytest
import torch
from matplotlib.figure import Figure

from kanwidget import KAN, Dataset
from kanwidget.core.records import EdgeRef, Event, History, StepRecord
from kanwidget.core.scores import attribute
from kanwidget.insight import feature_interaction
from kanwidget.insight.plot import plot, plot_edge, plot_history, svg
from kanwidget.insight.plot.layout import arrange
from kanwidget.insight.plot.network import edges_of
from kanwidget.insight.plot.showing import to_svg
from kanwidget.insight.plot.style import THEMES, readable
from kanwidget.surgery import prune_input, remove_edge
from kanwidget.training.evidence.errors import curve_errors

HOSTILE = [
    "costs 5$",
    "$x_1",
    "$\\frac{1}{$",
    "$$",
    "$\\undefined{x}$",
    "a_b^{c}\\",
    "<script>alert(1)</script>",
    "-->]]>&amp;",
    "φ ≤ Ω·ħ",
    "数据🙂",
    "two\nlines\x00\x07",
    "long " * 100,
    "$" + "{" * 300 + "$",
    "",
    "%d %s {0}",
    "$x$ and 5$",
]


@pytest.fixture
def x():
    return torch.rand(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1


@pytest.fixture
def model():
    model = KAN([2, [2, 2], 1], mult_arity=[[], [2, 3], []], noise_scale=2.0)
    model.layer(0).set_symbol(0, 0, "sin")
    model.layer(0).spline_on[0, 0] = False
    model.layer(0).set_symbol(1, 1, "x^2")
    remove_edge(model, 0, 1, 2)
    return model


@pytest.fixture
def history():
    records = [StepRecord(n, math.exp(-n / 9), 1.1 * math.exp(-n / 9), 1e-4, n / 100) for n in range(1, 60)]
    events = [Event(20, "refine", "grid 3 → 6"), Event(20, "prune", "pruned 17 edges: …"), Event(21, "fix", "sin")]
    return History(records, events, "LM", "steps done")


def texts(figure):
    return [text.get_text() for text in figure.axes[0].texts]


def drawn(figure):
    """Draws everything, so that whatever can go wrong does."""
    figure.savefig(os.devnull, format="svg")
    figure.savefig(os.devnull, format="png", dpi=30)
    return figure


@pytest.mark.parametrize("theme", ["auto", "light", "dark"])
@pytest.mark.parametrize("metric", ["backward", "forward_n", "forward_u"])
def test_one_figure_with_one_axes(model, x, theme, metric, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = {name: repr(value) for name, value in model.state_dict().items()}
    figure = plot(model, x, theme=theme, metric=metric, sample=True, tick=True, title="Everything", scale=0.8)
    assert isinstance(figure, Figure)
    assert len(figure.axes) == 1
    drawn(figure)
    assert os.listdir(tmp_path) == []
    assert {name: repr(value) for name, value in model.state_dict().items()} == before
    assert "Everything" in texts(figure)
    assert {"x₁", "x₂", "y", "sin", "x²", "h₁,₁"} <= set(texts(figure))


@pytest.mark.slow
def test_plots_need_no_pyplot_and_leave_no_global_state():
    code = (
        "import sys, kanwidget; assert 'matplotlib' not in sys.modules\n"
        "from kanwidget.insight.plot import plot\n"
        "figure = plot(kanwidget.KAN([2, 1]))\n"
        "assert figure._repr_svg_().startswith('<svg')\n"
        "assert 'matplotlib.pyplot' not in sys.modules and 'sympy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.slow
@pytest.mark.parametrize("label", HOSTILE)
def test_no_label_breaks_the_picture(x, label, history):
    model = KAN([2, 1])
    history.events.append(Event(50, label, label))
    figure = drawn(plot(model, x, in_vars=[label, "b"], out_vars=[label], title=label))
    assert len(figure.axes) == 1
    drawn(plot_history(history, title=label))
    drawn(plot_edge(model, 0, 0, 0, x, title=label))
    text = svg(model, x, in_vars=[label, "b"], history=history)
    ElementTree.fromstring(text)
    assert "<script" not in text
    assert "<!--" not in text


def test_labels_can_be_mathematics():
    import sympy

    assert readable("$x_1$") == ("$x_1$", True)
    assert readable(sympy.Symbol("alpha_1")) == (r"$\alpha_{1}$", True)
    assert readable(r"\alpha") == (r"\alpha", False)
    assert readable(sympy.Symbol) == (str(sympy.Symbol), False)
    assert readable(3) == ("3", False)


def test_tex_settings_of_the_user_do_not_matter(model, x):
    with mpl.rc_context({"text.usetex": True}):
        text = plot(model, x).axes[0].texts[0]
    assert not text.get_usetex()


def test_opacity_follows_the_scores(model, x):
    scores = attribute(model, x).edge_scores
    for edge in edges_of(model, x, "backward", 2.0):
        score = float(scores[edge.ref.layer][edge.ref.target, edge.ref.source])
        assert edge.opacity == pytest.approx(max(math.tanh(2 * score), 0.14))
    assert {edge.opacity for edge in edges_of(model, None, "backward", 2.0)} == {1.0}


def test_curves_are_the_edges(model, x):
    for edge in edges_of(model, x, "backward", 3.0):
        curve = model.curve(edge.ref, torch.from_numpy(edge.x))
        assert torch.allclose(torch.from_numpy(edge.y), curve.y, atol=1e-12)
        if edge.ref.layer == 0:
            assert edge.x[0] == x[:, edge.ref.source].min()


def test_boxes_do_not_overlap_and_lie_inside(model):
    wide = KAN([3, [4, 2], [2, 1], 2], mult_arity=[[], [2, 3], [2], []])
    for network in (model, wide, KAN([9, 10, 10, 1])):
        layout = arrange(network, network.edge_refs())
        for index in range(network.depth):
            centres = sorted(x for ref, (x, _) in layout.boxes.items() if ref.layer == index)
            width = layout.sizes[index][0]
            assert all(b - a > 1.05 * width for a, b in pairwise(centres))
            assert centres[0] - width / 2 > 0
            assert centres[-1] + width / 2 < layout.size[0]


def test_pruned_edges_are_absent_from_large_networks(x):
    model = KAN([2, 40, 1])
    remove_edge(model, 0, 0, 3)
    assert len(edges_of(model, x, "backward", 3.0)) == 119
    drawn(plot(model, x))


@pytest.mark.slow
def test_extreme_networks_are_drawn(x):
    model = KAN([2, [0, 1], [0, 2]], mult_arity=[[], [2], [2, 3]])
    drawn(plot(model, x))
    drawn(plot(KAN([1, 1], k=0), torch.zeros(1, 1, dtype=torch.float64), sample=True, tick=True))
    for target in range(2):
        for source in range(2):
            remove_edge(model, 0, source, target)
    drawn(plot(model, x, sample=True, tick=True))
    with torch.no_grad():
        model.layer(1).coef[0] = torch.nan
        model.layer(1).coef[1] = torch.inf
    drawn(plot(model, x, sample=True, tick=True))
    small = prune_input(KAN([2, 2, 1], dtype=torch.float32), x.float(), active=[1])
    assert "b" in texts(drawn(plot(small, x.float(), in_vars=["a", "b"])))


def test_axes_of_the_user_are_used(model, x):
    figure = Figure()
    left, right = figure.subplots(1, 2)
    assert plot(model, x, ax=left) is figure
    assert len(figure.axes) == 2
    assert len(left.collections) > 0
    assert len(right.collections) == 0
    sub = Figure().subfigures(1, 2)[0].subplots()
    assert isinstance(plot(model, x, ax=sub), Figure)


def test_wrong_arguments_say_so(model, x):
    with pytest.raises(ValueError, match="`in_vars` argument of plot must be a list of 2 names"):
        plot(model, x, in_vars=["a"])
    with pytest.raises(ValueError, match="`out_vars`"):
        plot(model, x, out_vars=["a", "b"])
    with pytest.raises(ValueError, match="Did you mean 'dark'"):
        plot(model, x, theme="drak")
    with pytest.raises(ValueError, match="`metric`"):
        plot(model, x, metric="forward")
    with pytest.raises(ValueError, match="`scale`"):
        plot(model, x, scale=0)
    with pytest.raises(ValueError, match="at least one row"):
        plot(model, x[:0])
    with pytest.raises(ValueError, match="`j` argument of plot_edge"):
        plot_edge(model, 0, 0, 99)


def test_training_curves(history):
    figure = drawn(plot_history(history, theme="light"))
    (ax,) = figure.axes
    assert ax.get_yscale() == "log"
    assert {"train", "test", "penalty", "step"} <= set(texts(figure))
    assert "grid 3 → 6, prune" in texts(figure)
    train = ax.lines[-1] if len(ax.lines) == 3 else next(line for line in ax.lines if len(line.get_xdata()) == 59)
    assert len(train.get_xdata()) == 59
    assert "no steps" in texts(drawn(plot_history(History())))
    odd = History([StepRecord(1, math.nan, None, 0.0, 0.1), StepRecord(2, 0.0, None, 0.0, 0.1)])
    assert "no steps" in texts(drawn(plot_history(odd)))
    drawn(plot_history(History([StepRecord(1, 0.5, None, 0.0, 0.1)], [Event(0, "prune", "x")])))


def test_an_edge_is_drawn_with_its_parts(model, x):
    def labels(i, j):
        figure = drawn(plot_edge(model, 0, i, j, x))
        return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]

    assert labels(0, 1) == ["base", "spline", "φ", "inputs", "grid"]
    assert labels(0, 0) == ["sin", "inputs", "grid"]
    assert labels(1, 1) == ["base", "spline", "x²", "φ", "inputs", "grid"]
    assert labels(1, 2) == ["φ", "inputs", "grid"]


@pytest.fixture(scope="module")
def noisy():
    """A network of the sum of two columns with units, and its noisy data."""
    random = torch.Generator().manual_seed(1)
    x = torch.rand(120, 2, generator=random, dtype=torch.float64) * torch.tensor([80.0, 2e5]) + torch.tensor(
        [280.0, 1e5]
    )
    noise = torch.randn(120, generator=random, dtype=torch.float64)
    data = Dataset(x, 40 * torch.sin((x[:, 0] - 280) / 20) + 2e-4 * x[:, 1] + 5 * noise)
    model = KAN([2, 1])
    model.fit(data, progress=False)
    return model, data


def test_a_band_is_two_standard_errors_in_own_units(noisy):
    model, data = noisy
    (area,) = model.plot_edge(0, 0, 0, data=data).axes[0].collections
    at, height = torch.tensor(area.get_paths()[0].vertices).T
    curve = model.curve((0, 0, 0), at).y
    errors = curve_errors(model, model.posterior, EdgeRef(0, 0, 0), at)
    torch.testing.assert_close((height - curve).abs(), 2 * errors, rtol=1e-6, atol=1e-9)
    assert 0.3 < errors.median() < 5
    assert not model.refine(6).plot_edge(0, 0, 0, data=data).axes[0].collections


def test_dots_beside_an_edge_are_what_the_rows_ask_of_it(noisy):
    model, data = noisy
    lines = {line.get_label(): line for line in model.plot_edge(0, 1, 0, data=data).axes[0].lines}
    at, height = map(torch.from_numpy, lines["data"].get_data())
    with torch.no_grad():
        residual = (data.train_label - model(data.train_input))[:, 0]
    torch.testing.assert_close(at, data.train_input[:, 1])
    torch.testing.assert_close(height, model.curve((0, 1, 0), at).y + residual)
    assert "inputs" not in lines


def test_thumbnails_have_bands_in_their_boxes(noisy):
    model, data = noisy
    for edge in edges_of(model, data.train_input, "backward", 3.0):
        at = torch.from_numpy(edge.x)
        torch.testing.assert_close(torch.from_numpy(edge.band), 2 * curve_errors(model, model.posterior, edge.ref, at))
        assert edge.range == ((edge.y - edge.band).min(), (edge.y + edge.band).max())
    drawn(model.plot(data=data))


def test_svg_is_one_element_and_always_the_same(model, x, history):
    text = svg(model, x, theme="dark", history=history)
    assert text == svg(model, x, theme="dark", history=history)
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    assert len(svg(model, x)) < len(text)
    assert len(plot(model, x)._repr_svg_()) < 200_000


def luminance(colour):
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    r, g, b = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(
    ("name", "pages"), [("light", ["#ffffff"]), ("dark", ["#111111"]), ("auto", ["#ffffff", "#111111"])]
)
def test_colours_can_be_told_from_the_page(name, pages):
    theme = THEMES[name]
    least = 3.9 if name == "auto" else 4.0
    for page in pages:
        for colour in (theme.spline, theme.symbolic, theme.both, theme.test, theme.penalty):
            assert contrast(colour, page) >= least - 0.05
        assert contrast(theme.text, page) >= (3.9 if name == "auto" else 4.5)
        assert contrast(theme.muted, page) >= (3.9 if name == "auto" else 4.5)
    assert contrast(theme.node, theme.on_node) >= 4.5


def test_feature_interaction_counts_sets_of_columns(x):
    model = KAN([2, 3, 1], noise_scale=2.0)
    remove_edge(model, 0, 1, 0)
    remove_edge(model, 0, 1, 1)
    assert feature_interaction(model, x, 1) == {(0,): 2, (0, 1): 1}
    assert feature_interaction(model, x) == {(0, 1): 1}
    for source in range(3):
        remove_edge(model, 1, source, 0)
    assert feature_interaction(model, x, 1) == {}
    for name in ("neuron_th", "feature_th"):
        with pytest.raises(ValueError, match=f"`{name}` argument of feature_interaction"):
            feature_interaction(model, x, **{name: -0.1})


def test_of_huge_networks_only_the_strongest_edges_are_drawn():
    model = KAN([60, 40, 2], dtype=torch.float32)
    x = torch.rand(20, 60, generator=torch.Generator().manual_seed(0))
    edges = edges_of(model, x, "backward", 3.0)
    assert len(edges) == 2000
    scores = attribute(model, x).edge_scores
    drawn_scores = [float(scores[e.ref.layer][e.ref.target, e.ref.source]) for e in edges]
    left_out = torch.cat([s.flatten() for s in scores]).sort(descending=True).values[2000:]
    assert min(drawn_scores) >= float(left_out.max())
    assert len(edges_of(model, None, "backward", 3.0)) == 2000


def test_curves_of_columns_in_other_units_are_those_of_the_network(x):
    model = KAN([2, 3, 1], seed=1)
    model.input_scale = ([300.0, 1e5], [20.0, 2e4])
    model.output_scale = ([7.0], [50.0])
    x = torch.tensor([300.0, 1e5], dtype=torch.float64) + torch.tensor([20.0, 2e4], dtype=torch.float64) * x
    trace = model.trace(x)
    for edge in edges_of(model, x, "backward", 3.0):
        below = trace.nodes[edge.ref.layer][:, edge.ref.source].detach()
        assert (edge.x[0], edge.x[-1]) == pytest.approx((float(below.min()), float(below.max())))
        exact = model.curve(edge.ref, torch.from_numpy(edge.x)).y
        torch.testing.assert_close(torch.from_numpy(edge.y), exact, rtol=1e-9, atol=1e-9)


def test_a_network_without_data_is_drawn_over_its_grids():
    model = KAN([2, 3, 1], seed=1)
    assert to_svg(model.plot()) == to_svg(plot(model))
    assert len(model.plot_edge(0, 1, 2).axes) == 1
    x = torch.linspace(-1, 1, 40, dtype=torch.float64).reshape(20, 2)
    model.fit((x, x[:, :1]), steps=1, progress=False)
    assert to_svg(model.plot()) == to_svg(plot(model, model.reference))
