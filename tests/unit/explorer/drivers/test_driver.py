"""Who runs the session: a thread, the page's questions, or the caller. No test asserts how fast something is."""

import signal
import threading
import time

import pytest

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.commands.network import AutoSymbolic
from kanwidget.explorer.commands.training import Pause, Start
from kanwidget.explorer.drivers import thread as worker
from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.drivers.thread import ThreadDriver
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol.records import VERSION
from tests.unit.explorer.states import network
from tests.unit.explorer.threads import ours

pytestmark = pytest.mark.usefixtures("no_thread_left")


# ---- the page's questions


@pytest.fixture
def pumped(model, data):
    with KANExplorer(model, data, driver="cooperative") as explorer:
        yield explorer


def test_cooperative_trains_only_when_it_is_asked(pumped):
    pumped._router.handle({"v": VERSION, "kind": "control", "seq": 1, "action": "start"})
    assert pumped.status["state"] == "running"
    step = pumped.status["step"]
    pumped._router.handle({"v": VERSION, "kind": "pump", "seq": 2, "since": 0})
    assert pumped.status["step"] > step
    assert not ours()


def test_cooperative_waiting_trains(pumped):
    pumped.start()
    pumped.wait(steps=4)
    assert pumped.status["step"] >= 4
    pumped.pause()
    assert pumped.status["state"] == "paused"


def test_a_pump_is_answered_with_what_is_missing(pumped, page_of):
    page = page_of(pumped._publisher)
    pumped.start()
    for number in range(3):
        pumped._router.handle({"v": VERSION, "kind": "pump", "seq": number, "since": 0})
    metrics = page.last("metrics")
    assert metrics["first"] == 0
    assert metrics["arrays"]["metrics"][1][0] == pumped.status["step"]
    assert page.last("ack")["of"] == 2


# ---- the caller


@pytest.fixture
def blocking(model, data):
    with KANExplorer(model, data, driver="blocking") as explorer:
        yield explorer


def test_blocking_needs_no_thread(blocking):
    blocking.fit(steps=3)
    blocking.start(2)
    blocking.select(0, 0, 0)
    blocking.fix()
    blocking.step()
    assert blocking.status["step"] == 6
    assert not ours()


def test_blocking_does_not_start_without_an_end(blocking, model, data):
    with pytest.raises(RuntimeError, match="for ever"):
        blocking.start()
    assert blocking.status["state"] == "idle"
    with KANExplorer(model, data, driver="blocking", steps=2) as explorer:
        explorer.start()
        assert explorer.status["step"] == 2


def test_fit_is_the_same_as_in_the_background(data):
    results = []
    for kind in ("thread", "cooperative", "blocking"):
        with KANExplorer(KAN([2, 3, 1], seed=3), data, lamb=1e-3, driver=kind) as explorer:
            if kind == "thread":
                explorer.start(6)
                explorer.wait()
            else:
                explorer.fit(6)
            results.append(network(explorer.model))
    assert results[0] == results[1] == results[2]


def test_clicks_are_heard_during_fit(blocking):
    def click(record):
        if record.step == 2:
            thread = threading.Thread(
                target=blocking._router.handle,
                args=({"v": VERSION, "kind": "fix", "seq": 1, "edge": [0, 0, 0], "name": "sin", "keep_spline": False},),
            )
            thread.start()
            thread.join()

    blocking.on_step(click)
    blocking.fit(4)
    assert blocking.model.layer(0).symbol(0, 0) == "sin"


def test_ctrl_c_pauses_and_keeps_everything(blocking):
    blocking.on_step(lambda record: signal.raise_signal(signal.SIGINT) if record.step == 3 else None)
    before = signal.getsignal(signal.SIGINT)
    history = blocking.fit(50)
    assert len(history) == 3
    assert blocking.status["state"] == "paused"
    assert signal.getsignal(signal.SIGINT) is before
    blocking.step()
    assert blocking.status["step"] == 4


def test_a_second_ctrl_c_breaks_off(blocking):
    def twice(record):
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)

    stop = blocking.on_step(twice)
    blocking.fit(50)
    assert blocking.status["state"] == "paused"
    assert len(blocking.history) == blocking.status["step"] == 1
    stop()
    blocking.step()


def test_an_error_in_a_callback_reaches_the_caller_of_fit(blocking):
    def fail(record):
        raise KeyError("mine")

    stop = blocking.on_step(fail)
    with pytest.raises(KeyError, match="mine"):
        blocking.fit(5)
    assert blocking.status["state"] == "error"
    stop()
    blocking.fit(2)
    assert blocking.status["step"] == 3


def test_pause_from_another_thread_ends_fit(blocking):
    timer = threading.Thread(target=blocking._driver.pause)
    blocking.on_step(lambda record: timer.start() if record.step == 2 else time.sleep(0.01))
    blocking.fit(10_000)
    timer.join()
    assert blocking.status["state"] == "paused"


# ---- jobs


@pytest.fixture(params=["blocking", "cooperative"])
def threadless(request, model, data):
    with KANExplorer(model, data, driver=request.param) as explorer:
        yield explorer


def from_another_thread(explorer, **message):
    thread = threading.Thread(target=explorer._router.handle, args=({"v": VERSION, "seq": 1, **message},))
    thread.start()
    thread.join()


FIX = {"kind": "fix", "edge": [0, 0, 0], "name": "sin", "keep_spline": False}


def test_clicks_during_a_question_are_not_lost(threadless):
    threadless._driver.ask(lambda: from_another_thread(threadless, **FIX))
    assert not threadless._driver._jobs
    assert threadless._session.model.layer(0).symbol(0, 0) == "sin"


def test_clicks_on_the_last_step_are_not_lost(threadless):
    threadless.on_step(lambda record: from_another_thread(threadless, **FIX) if record.step == 2 else None)
    threadless.step(2)
    assert not threadless._driver._jobs
    assert threadless._session.model.layer(0).symbol(0, 0) == "sin"


def test_errors_of_a_click_do_not_reach_whoever_asks(threadless):
    def fail(record):
        raise KeyError("mine")

    threadless.on_step(fail)
    start = {"kind": "control", "action": "start"}
    assert threadless._driver.ask(lambda: from_another_thread(threadless, **start)) is None
    assert threadless.status["state"] == "error"
    assert "mine" in threadless._session.view.notice.message


def test_jobs_of_a_closed_driver_are_cancelled(session):
    driver = ThreadDriver(session, Publisher(session))
    driver.begin()
    driver.close()
    with pytest.raises(RuntimeError, match="closed"):
        driver.apply(Pause())


def test_a_job_within_a_job_is_done_at_once(session):
    driver = Driver(session, Publisher(session))
    assert driver.ask(lambda: driver.ask(lambda: 7)) == 7


def test_unknown_drivers_are_refused(model, data):
    with pytest.raises(ValueError, match="driver"):
        KANExplorer(model, data, driver="threads")
    assert worker._threads_work()


def test_a_start_that_follows_a_pause_isnt_stopped_by_it(session):
    """Both wait in the queue, as when a page says them while a step goes on."""
    driver = Driver(session, Publisher(session), "cooperative")
    session.apply(Start())
    driver.stop_soon()
    for command in (Pause(), Start()):
        driver._put((lambda command=command: driver.carry_out(command), None))
    driver.wake()
    assert session.running
    assert not driver.stopping()
    driver.close()


@pytest.mark.slow
def test_of_what_waits_before_a_pause_nothing_long_is_done(session):
    """Pause, fix all, pause, all said while a step goes on."""
    driver = Driver(session, Publisher(session), "cooperative")
    session.run.interrupt_with(driver.stopping)
    session.apply(Start())
    with driver.own():
        driver.pause()
        driver._put((lambda: driver.carry_out(AutoSymbolic(-5.0)), None))
        driver.pause()
    assert session.view.notice.title == "Paused"
    assert "0 of 9 edges" in session.view.notice.message
    assert not driver.stopping()
    driver.apply(AutoSymbolic(-5.0))
    assert session.view.notice is None
    driver.close()
    assert session.run.interrupted()


def test_a_pause_that_fails_is_over_too(session, monkeypatch):
    driver = Driver(session, Publisher(session))
    monkeypatch.setattr(type(session), "apply", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        driver.apply(Pause())
    assert not driver.stopping()
