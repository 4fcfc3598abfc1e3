"""What a notebook is given of a figure: vectors and pixels."""

import base64
import io
import re
import time

import matplotlib as mpl
import pytest
import torch
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from kanwidget import KAN
from kanwidget.insight.plot import plot


@pytest.fixture(scope="module")
def figure():
    x = torch.rand(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 2 - 1
    return plot(KAN([2, 5, 1], noise_scale=1.0), x)


def opened(figure):
    return Image.open(io.BytesIO(figure._repr_png_()[0]))


def test_a_notebook_gets_both_and_shows_the_png_at_the_size_of_the_svg(figure):
    data, metadata = DisplayFormatter().format(figure)
    assert {"image/svg+xml", "image/png"} <= set(data)
    size = metadata["image/png"]
    assert opened(figure).size == pytest.approx((2 * size["width"], 2 * size["height"]), abs=1)
    points = float(re.search(r'width="([\d.]+)pt"', data["image/svg+xml"])[1])
    assert points / 72 == pytest.approx(size["width"] / 96, abs=0.01)
    pixels = data["image/png"]
    pixels = base64.b64decode(pixels) if isinstance(pixels, str) else pixels
    assert len(pixels) < 60_000


def test_the_png_is_clear_where_the_figure_has_no_ground(figure):
    corner = (0, 0)
    assert opened(figure).convert("RGBA").getpixel(corner)[3] == 0
    dark = opened(plot(KAN([2, 1]), theme="dark")).convert("RGBA")
    assert dark.getpixel(corner) == pytest.approx((0x11, 0x11, 0x11, 255), abs=8)


def test_showing_leaves_the_figure_as_it_was(figure):
    before = figure.dpi, figure.canvas, figure._repr_svg_()
    assert figure._repr_png_() == figure._repr_png_()
    assert (figure.dpi, figure.canvas, figure._repr_svg_()) == before


def test_settings_of_the_user_do_not_change_its_size(figure):
    with mpl.rc_context({"savefig.bbox": "tight", "savefig.dpi": 30}):
        assert opened(figure).size == (1497, 879)


def test_both_are_made_quickly(figure):
    def seconds():
        start = time.process_time()
        figure._repr_svg_()
        figure._repr_png_()
        return time.process_time() - start

    assert min(seconds() for _ in range(5)) < 0.16  # twice what is aimed at, 80 ms
