"""Who runs the session: a thread, the page's questions, or the caller. No test asserts how fast something is."""

import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.explorer import commands as c
from kanwidget.explorer import session as session_module
from kanwidget.explorer import worker
from kanwidget.explorer.drivers import Driver
from kanwidget.explorer.publisher import Publisher
from kanwidget.explorer.worker import ThreadDriver
from tests.explorer.states import network


def ours():
    return [thread for thread in threading.enumerate() if thread.name.startswith("kanwidget")]


def eventually(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.005)


@pytest.fixture(autouse=True)
def _no_thread_left():
    yield
    assert not ours()


@pytest.fixture
def live(model, data):
    with KANExplorer(model, data, driver="thread", lamb=1e-3) as explorer:
        yield explorer


# ---- a thread


def test_trains_in_the_background_until_paused(live):
    live.start()
    assert live.status["state"] == "running"
    live.wait(steps=5)
    live.pause()
    step = live.status["step"]
    assert step >= 5
    assert live.status["state"] == "paused"
    live.start(3)
    assert live.wait()
    assert (live.status["step"], live.status["reason"]) == (step + 3, "steps done")


def test_the_thread_is_a_daemon_with_a_name_and_ends_with_close(live):
    assert not ours()
    live.start()
    (thread,) = ours()
    assert thread.daemon
    assert thread.name.startswith("kanwidget-explorer")
    live.close()
    assert not ours()
    live.close()


def test_nothing_works_after_close(live):
    live.close()
    assert "closed" in repr(live)
    for use in (live.start, live.step, live.undo, lambda: live.model, lambda: live.fit(1), lambda: live.widget):
        with pytest.raises(RuntimeError, match="closed"):
            use()
    assert live._repr_mimebundle_() == {"text/plain": repr(live)}


def test_commands_act_between_steps(live):
    live.start()
    live.wait(steps=2)
    live.fix("sin", edge=(0, 0, 0))
    live.lamb = 0.01
    live.refine(5)
    live.wait(steps=2)
    live.pause()
    assert (live.model.layer(0).symbol(0, 0), live.grid, live.lamb) == ("sin", 5, 0.01)


def test_errors_reach_the_caller_and_training_goes_on(live):
    live.start()
    with pytest.raises(ValueError, match="Did you mean"):
        live.fix("sinn", edge=(0, 0, 0))
    assert live.wait(steps=2)
    assert live.status["state"] == "running"


def test_model_is_a_consistent_copy_while_it_trains(live):
    live.start()
    for _ in range(5):
        model = live.model
        step = model.history.last.step if model.history.records else 0
        loss = float(
            (model.predict(live._session.data.train_input) - live._session.data.train_label).square().mean() ** 0.5
        )
        if step:
            assert loss == pytest.approx(model.history.last.train_loss, rel=1e-9)


def test_asking_from_many_threads_is_safe(live):
    live.start()
    failures = []

    def work(seed):
        try:
            for _ in range(5):
                live.select(0, seed % 2, seed % 3)
                assert live.candidates((0, 0, 0))
                _ = live.model, live.history, live.status
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert live.wait(steps=1)


def test_blocking_calls_take_the_session_from_the_thread_and_give_it_back(live):
    live.start()
    live.wait(steps=1)
    before = live.status["step"]
    live.fit(steps=4)
    assert live.status["state"] == "done"
    assert live.status["step"] >= before + 4
    live.start()
    assert live.wait(steps=1)


def test_steps_during_a_run_pause_it_and_it_goes_on_with_start(live):
    live.start()
    live.wait(steps=1)
    before = live.status["step"]
    live.step(3)
    assert live.status["step"] >= before + 3
    assert (live.status["state"], live.status["reason"]) == ("paused", None)
    live.start()
    assert live.wait(steps=1)
    live.pause()
    live.step()
    assert (live.status["state"], live.status["reason"]) == ("done", "steps done")


def test_a_callback_may_use_the_explorer(live):
    seen = []

    def watch(record):
        seen.append((record.step, live.status["step"], live.model.grid))
        if record.step == 3:
            live.pause()

    stop = live.on_step(watch)
    live.start()
    eventually(lambda: live.status["state"] == "paused")
    assert [step for step, *_ in seen] == [1, 2, 3]
    stop()
    live.step()
    assert len(seen) == 3


def test_an_error_in_a_callback_pauses_and_is_told(live):
    def fail(record):
        raise KeyError("mine")

    stop = live.on_step(fail)
    live.start()
    eventually(lambda: live.status["state"] == "error")
    assert "mine" in live._session.notice.message
    (thread,) = ours()
    assert thread.is_alive()
    stop()
    live.start(2)
    live.wait()
    assert live.status["step"] == 3


def test_training_within_a_callback_is_refused(live):
    errors = []

    def train(record):
        try:
            live.fit(1)
        except ValueError as error:
            errors.append(str(error))

    live.on_step(train)
    live.step()
    assert "doesn't train itself" in errors[0]


def test_pause_breaks_off_a_long_step(data, monkeypatch):
    monkeypatch.setattr(session_module, "_LONG_STEP", 0.0)
    training, within, paused = threading.Event(), threading.Event(), threading.Event()

    def slow(output, label):
        if training.is_set():
            within.set()
            assert paused.wait(60)
        return (output - label).square().mean()

    with KANExplorer(KAN([2, 2, 1]), data, loss=slow, opt="LBFGS", driver="thread", update_grid=False) as explorer:
        before = network(explorer.model)
        training.set()
        explorer.start()
        assert within.wait(60)
        explorer._driver.pause()
        paused.set()
        explorer.pause()
        assert explorer.status["state"] == "paused"
        assert (len(explorer.history), explorer.status["step"]) == (0, 0)
        assert network(explorer.model) == before


def test_the_users_number_of_threads_stays(model, data):
    torch.set_num_threads(2)
    try:
        with KANExplorer(model, data, driver="thread") as explorer:
            inside = []
            explorer.on_step(lambda record: inside.append(torch.get_num_threads()))
            explorer.start()
            explorer.wait(steps=2)
            assert torch.get_num_threads() == 2
            later = []
            other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
            other.start()
            other.join()
            assert later == [2]
            explorer.fit(2)
            assert torch.get_num_threads() == 2
            assert set(inside) == {1}
    finally:
        torch.set_num_threads(1)


def test_waiting_needs_an_end(live):
    assert live.wait()
    live.start()
    with pytest.raises(RuntimeError, match="for ever"):
        live.wait()
    assert not live.wait(timeout=0.01)
    assert live.wait(until=lambda record: record.step >= 2)
    with pytest.raises(ValueError, match="steps"):
        live.wait(steps=-1)
    with pytest.raises(ValueError, match="until"):
        live.wait(until=3)


def test_a_thread_that_cannot_start_gives_way(model, data, monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with KANExplorer(model, data) as explorer:
        assert explorer.status["driver"] == "cooperative"


# ---- the page's questions


@pytest.fixture
def pumped(model, data):
    with KANExplorer(model, data, driver="cooperative") as explorer:
        yield explorer


def test_cooperative_trains_only_when_it_is_asked(pumped):
    pumped._router.handle({"v": 1, "kind": "control", "seq": 1, "action": "start"})
    assert pumped.status["state"] == "running"
    step = pumped.status["step"]
    pumped._router.handle({"v": 1, "kind": "pump", "seq": 2, "since": 0})
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
        pumped._router.handle({"v": 1, "kind": "pump", "seq": number, "since": 0})
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
                args=({"v": 1, "kind": "fix", "seq": 1, "edge": [0, 0, 0], "name": "sin", "keep_spline": False},),
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
    thread = threading.Thread(target=explorer._router.handle, args=({"v": 1, "seq": 1, **message},))
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
    assert "mine" in threadless._session.notice.message


def test_jobs_of_a_closed_driver_are_cancelled(session):
    driver = ThreadDriver(session, Publisher(session))
    driver.begin()
    driver.close()
    with pytest.raises(RuntimeError, match="closed"):
        driver.apply(c.Pause())


def test_many_callers_at_once_begin_one_thread(session, monkeypatch):
    made, together = [], threading.Barrier(8)
    start = threading.Thread.start

    def slow_start(thread):
        if thread.name.startswith("kanwidget"):
            made.append(thread)
            time.sleep(0.02)  # long enough for the others to come between look and act
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", slow_start)
    driver = ThreadDriver(session, Publisher(session))
    callers = [threading.Thread(target=lambda: (together.wait(), driver.begin())) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert made == [driver.thread]
    driver.close()


def test_a_job_within_a_job_is_done_at_once(session):
    driver = Driver(session, Publisher(session))
    assert driver.ask(lambda: driver.ask(lambda: 7)) == 7


def test_unknown_drivers_are_refused(model, data):
    with pytest.raises(ValueError, match="driver"):
        KANExplorer(model, data, driver="threads")
    assert worker._threads_work()


def test_python_ends_cleanly_while_it_trains():
    code = """
        from kanwidget import KAN, KANExplorer, create_dataset
        import torch
        data = create_dataset(lambda x: torch.sin(x[:, [0]]) + x[:, [1]], n_var=2, train_num=2000)
        explorers = [KANExplorer(KAN([2, 5, 1], seed=s), data, opt="Adam") for s in range(3)]
        for explorer in explorers:
            explorer.start()
        explorers[0].wait(steps=2)
        print("end")
    """
    for _ in range(2):
        result = subprocess.run(
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=300
        )
        assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "end", "")


def test_sessions_are_freed(model, data):
    import gc
    import weakref

    explorer = KANExplorer(model, data, driver="thread")
    explorer.start()
    explorer.wait(steps=1)
    network_, trainer = weakref.ref(explorer._session.model), weakref.ref(explorer._session.trainer)
    explorer.close()
    gc.collect()
    assert trainer() is None
    del explorer
    gc.collect()
    assert network_() is None
