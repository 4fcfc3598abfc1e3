"""The switch interval of Python's lock: short while an explorer has a thread, and then as it was."""

import sys
import threading
import time

import pytest

from kanwidget import KANExplorer
from kanwidget.explorer.drivers.thread import SWITCH_SECONDS, short_switch_interval


@pytest.fixture(autouse=True)
def interval():
    """One that nobody else has, and the old one afterwards."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.003)
    yield pytest.approx(0.003)
    sys.setswitchinterval(before)


def seconds_until(condition, timeout=20.0):
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < timeout
        time.sleep(0.001)
    return time.monotonic() - begun


def test_only_within(interval):
    with short_switch_interval():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
        with short_switch_interval():
            pass
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    assert sys.getswitchinterval() == interval


def test_also_after_an_error(interval):
    with pytest.raises(RuntimeError), short_switch_interval():
        raise RuntimeError
    assert sys.getswitchinterval() == interval


def test_the_last_of_two_sets_it_back(interval):
    first, second = short_switch_interval(), short_switch_interval()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == interval


def test_what_somebody_sets_meanwhile_stays():
    with short_switch_interval():
        sys.setswitchinterval(0.007)
    assert sys.getswitchinterval() == pytest.approx(0.007)


def test_a_shorter_one_is_left_alone():
    sys.setswitchinterval(SWITCH_SECONDS / 2)
    with short_switch_interval():
        assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS / 2)
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS / 2)


@pytest.mark.parametrize("end", ["pause", "done"])
def test_a_training_thread_has_short_turns_until_it_is_closed(model, data, interval, end):
    seen = []
    explorer = KANExplorer(model, data, opt="Adam")
    assert sys.getswitchinterval() == interval  # nobody has looked at it
    explorer.on_step(lambda _: seen.append(sys.getswitchinterval()))
    explorer.start(5 if end == "done" else None)
    assert explorer.wait(steps=5, timeout=20)
    explorer.pause()
    assert seen[-1] == pytest.approx(SWITCH_SECONDS)
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)  # a click must be heard when nothing is trained
    explorer.close()
    assert sys.getswitchinterval() == interval


def test_of_two_explorers_the_last_one_closed_sets_it_back(model, data, interval):
    first, second = KANExplorer(model, data, opt="Adam"), KANExplorer(model, data, opt="Adam")
    for explorer in (first, second):
        explorer.start(1)
    first.close()
    assert sys.getswitchinterval() == pytest.approx(SWITCH_SECONDS)
    second.close()
    assert sys.getswitchinterval() == interval


def test_blocking_training_leaves_it_alone(model, data, interval):
    with KANExplorer(model, data, driver="blocking") as explorer:
        seen = []
        explorer.on_step(lambda _: seen.append(sys.getswitchinterval()))
        explorer.step(2)
    assert seen == [interval, interval]


def test_a_pause_comes_soon_while_another_thread_computes(model, data):
    over = threading.Event()

    def compute():
        while not over.is_set():
            sum(range(1000))

    other = threading.Thread(target=compute)
    with KANExplorer(model, data, opt="Adam") as explorer:
        explorer.start()
        explorer.wait(steps=5)
        other.start()
        try:
            begun = time.monotonic()
            explorer.pause()
            assert time.monotonic() - begun < 5  # mostly some hundredths; a machine may be busy
        finally:
            over.set()
            other.join()


def test_an_idle_explorer_hears_a_click_beside_a_cell_that_gives_the_lock_up_every_millisecond(model, data, tmp_path):
    """As a thread of the kernel brings it; with Python's interval of 5 ms this thread waited 20 s and more."""
    sys.setswitchinterval(0.005)
    begun, heard = threading.Event(), threading.Event()

    def click():
        begun.wait()
        for _ in range(20):  # a message passes through several hands
            time.sleep(1e-4)
        heard.set()

    with KANExplorer(model, data, opt="Adam") as explorer:
        explorer.start(1)
        explorer.wait(steps=1)
        explorer.pause()
        other = threading.Thread(target=click)
        other.start()
        begun.set()
        rounds = 0
        while not heard.is_set() and rounds < 4_000:
            (tmp_path / "stop").exists()
            sum(range(30_000))
            rounds += 1
        other.join()
    assert rounds < 4_000
