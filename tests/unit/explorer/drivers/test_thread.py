"""A thread of its own that runs a session."""

import gc
import subprocess
import sys
import textwrap
import threading
import time
import weakref

import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.core import threads
from kanwidget.explorer.drivers.thread import ThreadDriver
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.session import training_run
from tests.unit.explorer.states import network
from tests.unit.explorer.threads import eventually, ours

pytestmark = pytest.mark.usefixtures("no_thread_left")


@pytest.fixture
def live(model, data):
    with KANExplorer(model, data, driver="thread", lamb=1e-3) as explorer:
        yield explorer


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
    assert (live.status["step"], live.status["stop_reason"]) == (step + 3, "steps done")


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
    assert (live.status["state"], live.status["stop_reason"]) == ("paused", None)
    live.start()
    assert live.wait(steps=1)
    live.pause()
    live.step()
    assert (live.status["state"], live.status["stop_reason"]) == ("done", "steps done")


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
    eventually(lambda: live._session.view.notice is not None)
    assert "mine" in live._session.view.notice.message
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
    monkeypatch.setattr(training_run, "_LONG_STEP", 0.0)
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


def test_a_network_that_has_become_small_takes_one_thread(model, data, monkeypatch):
    torch.set_num_threads(2)
    try:
        monkeypatch.setattr(threads, "_SMALL_WORK", 0)
        with KANExplorer(model, data, driver="thread") as explorer:
            inside = []
            explorer.on_step(lambda record: inside.append(torch.get_num_threads()))
            explorer.start(1)
            explorer.wait()
            monkeypatch.setattr(threads, "_SMALL_WORK", 5e7)  # as after a prune
            explorer.start(1)
            explorer.wait()
            assert inside == [2, 1]
            assert explorer._driver.ask(torch.get_num_threads) == 1
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


@pytest.mark.slow
def test_python_ends_cleanly_while_it_trains():
    # A thread that never ends is shown with the place where it hangs.
    code = """
        import faulthandler
        faulthandler.dump_traceback_later(600, exit=True)
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
            [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], capture_output=True, text=True
        )
        assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "end", "")


@pytest.mark.slow
@pytest.mark.parametrize("act", ["extend(grids=1)", "simplify(bits=1)"])
def test_python_ends_cleanly_while_a_longer_act_is_worked_out(act):
    code = f"""
        import faulthandler
        faulthandler.dump_traceback_later(600, exit=True)
        from kanwidget import KAN, KANExplorer, create_dataset
        import torch
        data = create_dataset(lambda x: torch.sin(3 * x[:, [0]]) + x[:, [1]] ** 2, n_var=2, train_num=400)
        explorer = KANExplorer(KAN([2, 3, 1]), data)
        explorer.{act}
        print("end")
    """
    result = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout.strip(), result.stderr) == (0, "end", "")


def test_sessions_are_freed(model, data):
    explorer = KANExplorer(model, data, driver="thread")
    explorer.start()
    explorer.wait(steps=1)
    network_, trainer = weakref.ref(explorer._session.model), weakref.ref(explorer._session.run.trainer)
    explorer.close()
    gc.collect()
    assert trainer() is None
    del explorer
    gc.collect()
    assert network_() is None


@pytest.mark.parametrize("driver", ["thread", "blocking"])
def test_close_frees_the_network_at_once(model, data, driver):
    explorer = KANExplorer(model, data, driver=driver)
    remove = explorer.on_step(lambda record: None)
    explorer.start(2)
    explorer.wait()
    explorer.prune(edges=[(0, 0, 0)])
    run = explorer._session.run
    alive = [weakref.ref(value) for value in (run.model, run.initial, run.trainer)]
    del run
    gc.collect()
    gc.disable()
    try:
        explorer.close()
        assert [reference() for reference in alive] == [None] * 3
        remove()
    finally:
        gc.enable()
