"""In a real kernel: a drawing is shown once, wherever it stands in its cell."""

import pytest
from matplotlib.figure import Figure

from kanwidget import KAN
from kanwidget.insight.plot import plot, shown
from tests.support.ports import share_ports

client = pytest.importorskip("jupyter_client", reason="pip install 'kanwidget[lab]'")
pytest.importorskip("ipykernel", reason="pip install 'kanwidget[lab]'")

SETUP = """
import matplotlib.pyplot as plt
from kanwidget import KAN
model = KAN([2, 1])
"""


@pytest.fixture(scope="module")
def pictures():
    """Runs a cell, and tells how each of its pictures came: as what it displayed, or as its value."""
    share_ports()
    manager = client.KernelManager(kernel_name="python3")
    manager.start_kernel()
    blocking = manager.client()
    blocking.start_channels()
    blocking.wait_for_ready(timeout=60)

    def run(code):
        heard = []
        reply = blocking.execute_interactive(code, timeout=60, output_hook=heard.append)["content"]
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", ()))
        shown = [message for message in heard if "image/png" in message["content"].get("data", {})]
        assert all("image/svg+xml" in message["content"]["data"] for message in shown)
        return [message["msg_type"] for message in shown]

    run(SETUP)
    yield run
    blocking.stop_channels()
    manager.shutdown_kernel(now=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("model.plot()", ["execute_result"]),
        ("model.plot();", ["display_data"]),
        ("model.plot()\ncount = 1", ["display_data"]),
        ("for seed in range(3):\n    KAN([2, 1], seed=seed).plot()", ["display_data"] * 3),
        ("figure = model.plot()\nassert plt.gcf() is figure\nplt.title('a title')\ncount = 1", ["display_data"]),
        ("figure = model.plot()\ndisplay(figure)\nassert not plt.get_fignums()", ["display_data"]),
        (
            "model.plot_scores(data=[[0.0, 1.0], [1.0, 0.5]])\nmodel.plot_edge(0, 0, 0)",
            ["execute_result", "display_data"],
        ),
    ],
)
def test_a_drawing_is_shown_once(pictures, code, expected):
    assert sorted(pictures(code)) == sorted(expected)
    assert pictures("count = 2") == []  # nothing is left for later cells


def test_a_figure_can_be_shown_again(pictures):
    assert pictures("figure = model.plot()") == ["display_data"]
    assert pictures("figure") == ["execute_result"]


def test_scripts_keep_their_figures_for_themselves():
    assert shown(plot(KAN([2, 1]))).canvas.manager is None


def test_a_figure_of_somebody_else_stays_as_it_is():
    figure = Figure()
    assert shown(figure) is figure
    assert figure.canvas.manager is None
