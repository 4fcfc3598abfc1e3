"""When frames go out, with a clock that only moves when it is told to."""

from itertools import pairwise

import pytest

from kanwidget.explorer.page.rate_limits import FRAME_SECONDS, PATIENCE_SECONDS, Line


@pytest.fixture
def line(clock):
    return Line(clock)


def send(line, clock):
    """Wait for the next frame, and send it."""
    clock.now += line.wait(running=True)
    assert line.wait(running=True) == pytest.approx(0.0, abs=1e-9)
    return line.take(clock.now)


def quick(line, clock, delay=0.02, frames=20):
    """A page that acknowledges after so many seconds."""
    for _ in range(frames):
        frame = send(line, clock)
        clock.now += delay
        line.acknowledge(frame)


def times(line, clock, seconds):
    """When frames go out that nobody acknowledges."""
    end, found = clock.now + seconds, []
    while clock.now < end:
        send(line, clock)
        found.append(clock.now)
    return found


def gaps(found):
    return [later - earlier for earlier, later in pairwise(found)]


def test_a_page_that_does_not_answer_is_waited_for(line, clock):
    quick(line, clock)
    assert gaps(times(line, clock, 10)) == pytest.approx([PATIENCE_SECONDS] * 5)


def test_while_nothing_can_be_heard_a_quick_page_is_waited_for_less(line, clock):
    quick(line, clock)
    line.deaf = lambda: True
    found = gaps(times(line, clock, 60))
    assert found[0] == pytest.approx(2 * FRAME_SECONDS)
    assert sum(gap < 1 for gap in found) > 20
    assert found == pytest.approx(sorted(found))
    assert found[-1] == PATIENCE_SECONDS
    assert len(found) < 65  # 30 are those of 2 s


def test_a_slow_page_is_never_told_faster_than_it_draws(line, clock):
    quick(line, clock, delay=0.3, frames=60)
    line.deaf = lambda: True
    assert min(gaps(times(line, clock, 20))) >= 4 * 0.3 - 1e-2
    slow = Line(clock)
    quick(slow, clock, delay=3.0, frames=10)
    slow.deaf = lambda: True
    assert min(gaps(times(slow, clock, 20))) == pytest.approx(PATIENCE_SECONDS)


def test_a_page_of_which_nothing_is_known_is_taken_for_a_slower_one(line, clock):
    line.deaf = lambda: True
    assert min(gaps(times(line, clock, 10))) == pytest.approx(0.6)
    quick(line, clock)
    line.deaf = lambda: False
    quick(line, clock, frames=10)
    line.deaf = lambda: True
    assert min(gaps(times(line, clock, 10))) == pytest.approx(2 * FRAME_SECONDS)


def test_what_is_heard_after_a_cell_says_nothing_about_the_page(line, clock):
    quick(line, clock)
    line.deaf = lambda: True
    times(line, clock, 30)
    frame = send(line, clock)
    clock.now += 50
    line.deaf = lambda: False
    line.acknowledge(frame)
    line.deaf = lambda: True
    assert gaps(times(line, clock, 5))[0] == pytest.approx(2 * FRAME_SECONDS)


def test_when_it_hears_again_there_is_one_frame_on_its_way(line, clock):
    quick(line, clock)
    line.deaf = lambda: True
    times(line, clock, 5)
    line.deaf = lambda: False
    send(line, clock)
    assert line.wait(running=True) == pytest.approx(PATIENCE_SECONDS)
