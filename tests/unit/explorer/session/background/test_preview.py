"""The preview finds the candidates that `auto_symbolic` would fix, for any number of views."""

import pytest

from kanwidget.explorer.commands.edges import Fix
from kanwidget.explorer.commands.history import Undo
from kanwidget.explorer.commands.view import ShowPreview
from kanwidget.explorer.page.publisher import Publisher
from tests.unit.explorer.states import train


def looks(publisher, page):
    """The rows of a survey, message by message, until it has ended."""
    publisher.flush()
    while publisher.send_preview():
        pass
    return [message["survey"] for message in page.messages if message["kind"] == "survey"]


@pytest.mark.slow
def test_a_survey_finds_what_auto_would_take(session, page_of):
    train(session, 20)
    publisher = Publisher(session)
    page = page_of(publisher)
    publisher.mark_changed(session.apply(ShowPreview()))
    told = looks(publisher, page)
    assert [one["first"] for one in told] == [0, 4, 6]
    assert {one["of"] for one in told} == {9}
    assert [one["busy"] for one in told] == [True, True, False]
    rows = [row for one in told for row in one["rows"]]
    assert [row["edge"] for row in rows] == [list(ref) for ref in session.model.edge_refs()]
    for row in rows:
        best = session.candidates.of(tuple(row["edge"]))[0]
        assert (row["name"], pytest.approx(row["r2"])) == (best.name, best.r2)


def test_a_survey_begins_anew_after_an_act_and_ends_when_nobody_looks(session, page_of):
    train(session, 2)
    publisher = Publisher(session)
    page = page_of(publisher)
    publisher.mark_changed(session.apply(ShowPreview()))
    looks(publisher, page)
    page.clear()
    publisher.mark_changed(session.apply(Fix((0, 0, 0), "sin")))
    told = looks(publisher, page)
    assert told[0]["first"] == 0
    assert {one["of"] for one in told} == {8}
    publisher.mark_changed(session.apply(ShowPreview(False)))
    page.clear()
    publisher.mark_changed(session.apply(Undo()))
    assert looks(publisher, page)[-1:] in ([], [{"first": 0, "of": 0, "busy": False, "rows": []}])


def test_a_survey_goes_on_while_any_view_wants_it(session, page_of):
    publisher = Publisher(session)
    page = page_of(publisher)
    for view in ("one", "two"):
        publisher.mark_changed(session.apply(ShowPreview(True, view)))
    looks(publisher, page)
    publisher.mark_changed(session.apply(ShowPreview(False, "one")))
    assert session.view.preview.on
    page.clear()
    publisher.mark_changed(session.apply(ShowPreview(True, "three")))
    assert looks(publisher, page)[0] == {**looks(publisher, page)[0], "first": 0, "of": 9}
    for view in ("two", "three"):
        session.apply(ShowPreview(False, view))
    assert not session.view.preview.on
