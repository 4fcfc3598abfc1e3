"""A search on a thread of its own: clicks and pauses never wait for it, and it ends with the explorer."""

import threading

import pytest

import kanwidget.discovery
from kanwidget import KANExplorer
from kanwidget.explorer.describe.panels.discovery import discovery
from tests.unit.explorer.searches import SIMPLE, FakeStep
from tests.unit.explorer.threads import eventually


class Gated:
    """A search whose every bit lasts until the test lets it go."""

    def __init__(self):
        self.begun, self.gate, self.bits = threading.Event(), threading.Semaphore(0), 0

    def __call__(self, data, **options):
        while True:
            self.begun.set()
            self.gate.acquire()
            self.bits += 1
            yield FakeStep("trying", f"trying bit {self.bits}", (SIMPLE,), SIMPLE, float(self.bits))


@pytest.fixture
def gated(monkeypatch):
    search = Gated()
    monkeypatch.setattr(kanwidget.discovery, "discover_steps", search)
    return search


@pytest.fixture
def explorer(model, data, gated, no_thread_left):
    explorer = KANExplorer(model, data, driver="thread")
    yield explorer
    explorer._session.discoveries.search.stop()
    gated.gate.release()
    explorer.close()


def content(explorer):
    return explorer._driver.ask(lambda: discovery(explorer._session)[0])


def test_clicks_and_trainings_never_wait_for_a_bit_of_it(explorer, gated):
    explorer.discover(wait=False)
    assert gated.begun.wait(60)
    explorer.fix("sin", edge=(0, 0, 0))
    explorer.step(2)
    explorer.undo()
    assert (gated.bits, content(explorer)["state"]) == (0, "searching")
    gated.gate.release()
    eventually(lambda: content(explorer)["sentence"] == "Trying bit 1")


def test_a_pause_comes_at_once_and_holds_it_until_it_goes_on(explorer, gated):
    explorer.discover(wait=False)
    assert gated.begun.wait(60)
    explorer.pause_search()
    assert content(explorer)["state"] == "paused"
    for _ in range(3):
        gated.gate.release()
    eventually(lambda: gated.bits == 1)  # the bit in progress
    explorer.step(1)
    assert gated.bits == 1
    explorer.resume_search()
    eventually(lambda: gated.bits == 3)
    assert content(explorer)["state"] == "searching"


def test_a_call_that_waits_ends_with_a_pause(explorer, gated):
    answers = []
    caller = threading.Thread(target=lambda: answers.append(explorer.discover(seconds=60)))
    caller.start()
    assert gated.begun.wait(60)
    gated.gate.release()
    eventually(lambda: len(explorer.formulas) == 1)
    explorer.pause_search()
    caller.join(60)
    assert answers == [[SIMPLE]]


def test_an_explorer_that_is_closed_ends_a_search_that_is_held(model, data, gated, no_thread_left):
    explorer = KANExplorer(model, data, driver="thread")
    explorer.discover(wait=False)
    assert gated.begun.wait(60)
    explorer.pause_search()
    gated.gate.release()
    explorer.close()
