"""The last picture: drawn once all is calm, hidden beside a view, and only text where a network is large."""

import sys
import types

import pytest
import torch

from kanwidget import KAN, KANExplorer, create_dataset
from kanwidget.explorer.files import panel_figures
from kanwidget.explorer.files.panel_figures import still_drawing
from kanwidget.explorer.notebook import ipython as module
from kanwidget.explorer.notebook.ipython import StillPicture, still


class Output:
    """A display with a name, as IPython gives it."""

    def __init__(self):
        self.shown = []

    def update(self, html):
        self.shown.append(html)


class Timer:
    """A timer that rings when the test says so."""

    made = []

    def __init__(self, seconds, call):
        self.seconds, self.call, self.cancelled = seconds, call, False
        Timer.made.append(self)

    def start(self):
        pass

    def cancel(self):
        self.cancelled = True


@pytest.fixture
def display(monkeypatch):
    output, shown = Output(), []

    def show(what, display_id=None, **options):
        shown.append(what)
        return output if display_id else None

    fake = types.SimpleNamespace(HTML=lambda text: text, display=show)
    monkeypatch.setitem(sys.modules, "IPython.display", fake)
    monkeypatch.setattr(module.threading, "Timer", Timer)
    Timer.made = []
    return shown, output


def test_a_view_has_a_line_of_text_below_and_a_picture_once_all_is_calm(display):
    shown, output = display
    drawn = iter([(b"one", "first"), None, (b"two", "last <b>")])
    picture = StillPicture(lambda: next(drawn), lambda job: job())
    picture.show({"view": 1}, {}, "a session")
    assert shown[0] == {"view": 1}
    assert "<img" not in shown[1]
    assert "a session. Its kernel is gone. Run the cell again" in shown[1]
    assert 'style="display:none"' in shown[1]
    Timer.made[-1].call()
    assert "first" in output.shown[-1]
    assert "this is its last picture" in output.shown[-1]
    picture.renew()
    picture.renew()
    assert Timer.made[0].seconds < Timer.made[-1].seconds
    assert [timer.cancelled for timer in Timer.made] == [True, True, False]
    Timer.made[-1].call()  # it trains: the picture stays
    assert len(output.shown) == 1
    picture.renew()
    Timer.made[-1].call()
    assert "last &lt;b&gt;" in output.shown[-1]
    picture.close()
    assert Timer.made[-1].cancelled


def test_a_picture_that_cannot_be_drawn_is_left_out(display):
    _, output = display

    def broken():
        raise RuntimeError("no")

    picture = StillPicture(broken, lambda job: job())
    picture.show({}, {}, "")
    Timer.made[-1].call()
    assert output.shown == []


def test_the_drawing_is_a_small_png_and_none_while_it_trains(session, monkeypatch):
    picture, text = still_drawing(session, "words")
    assert picture.startswith(b"\x89PNG")
    assert len(picture) < 40_000
    assert text == "words"
    monkeypatch.setattr(panel_figures, "_STILL_EDGES", 3)
    assert still_drawing(session, "words") == (b"", "words")
    session.run.start(None)
    assert still_drawing(session, "words") is None


def test_a_large_network_has_its_words_alone():
    assert "<img" not in still(b"", "KANExplorer([100, 100])")
    assert "KANExplorer([100, 100]). Its kernel is gone" in still(b"", "KANExplorer([100, 100])")


def test_without_a_kernel_there_is_no_display_of_its_own(model, data):
    with KANExplorer(model, data) as explorer, pytest.raises(NotImplementedError):
        explorer._ipython_display_()
    data = create_dataset(lambda x: torch.sin(x[:, [0]]), n_var=1, train_num=9, test_num=0)
    closed = KANExplorer(KAN([1, 1]), data)
    closed.close()
    with pytest.raises(NotImplementedError):
        closed._ipython_display_()
