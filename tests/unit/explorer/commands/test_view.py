"""Open panels and the surface: they belong to views and change no state."""

from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.commands.view import OpenPanels, ShowSurface
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.session.view import SurfaceView
from tests.unit.explorer.states import everything


def test_only_open_panels_are_told(session, page_of):
    publisher = Publisher(session)
    page = page_of(publisher)
    publisher.mark_changed(session.apply(Fix((0, 0, 0), "sin")))
    while publisher.send_costly():
        pass
    assert not {"parity", "surface"} & set(page.kinds())
    publisher.mark_changed(session.apply(OpenPanels("one", ("surface",))))
    publisher.mark_changed(session.apply(OpenPanels("two", ("parity",))))
    while publisher.send_costly():
        pass
    assert {"parity", "surface"} <= set(page.kinds())
    publisher.mark_changed(session.apply(OpenPanels("one")))
    page.clear()
    publisher.mark_changed(session.apply(Undo()))
    while publisher.send_costly():
        pass
    assert "parity" in page.kinds()
    assert "surface" not in page.kinds()


def test_views_that_never_say_goodbye_are_forgotten(session):
    for number in range(20):
        session.apply(OpenPanels(f"view {number}", ("parity",)))
    assert len(session.view.open_panels) <= 8


def test_looking_at_another_surface_changes_no_state(session):
    before = everything(session)
    session.apply(ShowSurface(SurfaceView(1)))
    assert everything(session) == before
    assert session.view.surface == SurfaceView(1)
