"""When frames go out, with a clock that only moves when it is told to."""

from itertools import pairwise

import pytest

from kanwidget.explorer.page.rate_limits import FRAME_SECONDS, PATIENCE_SECONDS, FrameLimiter


@pytest.fixture
def limiter(clock):
    return FrameLimiter(clock)


def send(limiter, clock):
    """Wait for the next frame, and send it."""
    clock.now += limiter.wait(running=True)
    assert limiter.wait(running=True) == pytest.approx(0.0, abs=1e-9)
    return limiter.next_frame(clock.now)


def quick(limiter, clock, delay=0.02, frames=20):
    """A page that acknowledges after so many seconds."""
    for _ in range(frames):
        frame = send(limiter, clock)
        clock.now += delay
        limiter.acknowledge(frame)


def times(limiter, clock, seconds):
    """When frames go out that nobody acknowledges."""
    end, found = clock.now + seconds, []
    while clock.now < end:
        send(limiter, clock)
        found.append(clock.now)
    return found


def gaps(found):
    return [later - earlier for earlier, later in pairwise(found)]


def rate_and_share(limiter, clock, step, cost, delay=0.03, seconds=20):
    """Frames a second of a training, and the share of its time that they take: steps for 20 ms at a time, then what is due."""
    started, acknowledged, frame, count = clock.now, float("inf"), None, 0
    while clock.now - started < seconds:
        clock.now += step * max(1, -(-0.02 // step))
        if clock.now >= acknowledged:
            limiter.acknowledge(frame)
        if limiter.wait(running=True) == 0.0:
            begun = clock.now
            clock.now += cost
            frame, acknowledged, count = limiter.next_frame(begun), clock.now + delay, count + 1
    return count / (clock.now - started), count * cost / (clock.now - started)


@pytest.mark.parametrize("step", [0.01, 0.015, 0.02, 0.025, 0.03])
@pytest.mark.parametrize("cost", [0.002, 0.008, 0.017])
def test_eight_frames_a_second_beside_steps_of_ten_to_thirty_milliseconds(limiter, clock, step, cost):
    rate, share = rate_and_share(limiter, clock, step, cost)
    assert 9 < rate <= 10
    assert share <= 0.2


@pytest.mark.parametrize("cost", [0.03, 0.1, 0.3])
def test_costly_frames_take_a_fifth_of_the_time(limiter, clock, cost):
    _, share = rate_and_share(limiter, clock, 0.02, cost, seconds=60)
    assert 0.12 < share <= 0.2


def test_a_frame_that_waited_for_its_processor_delays_the_next_one_little(limiter, clock):
    quick(limiter, clock)
    begun = clock.now
    clock.now += 0.1
    limiter.acknowledge(limiter.next_frame(begun))
    assert limiter.wait(running=True) < 0.1


def test_a_page_that_does_not_answer_is_waited_for(limiter, clock):
    quick(limiter, clock)
    assert gaps(times(limiter, clock, 10)) == pytest.approx([PATIENCE_SECONDS] * 5)


def test_while_nothing_can_be_heard_a_quick_page_is_waited_for_less(limiter, clock):
    quick(limiter, clock)
    limiter.input_blocked = lambda: True
    found = gaps(times(limiter, clock, 60))
    assert found[0] == pytest.approx(2 * FRAME_SECONDS)
    assert sum(gap < 1 for gap in found) > 20
    assert found == pytest.approx(sorted(found))
    assert found[-1] == PATIENCE_SECONDS
    assert len(found) < 65  # 30 are those of 2 s


def test_a_slow_page_is_never_told_faster_than_it_draws(limiter, clock):
    quick(limiter, clock, delay=0.3, frames=60)
    limiter.input_blocked = lambda: True
    assert min(gaps(times(limiter, clock, 20))) >= 4 * 0.3 - 1e-2
    slow = FrameLimiter(clock)
    quick(slow, clock, delay=3.0, frames=10)
    slow.input_blocked = lambda: True
    assert min(gaps(times(slow, clock, 20))) == pytest.approx(PATIENCE_SECONDS)


def test_a_page_of_which_nothing_is_known_is_taken_for_a_slower_one(limiter, clock):
    limiter.input_blocked = lambda: True
    assert min(gaps(times(limiter, clock, 10))) == pytest.approx(0.6)
    quick(limiter, clock)
    limiter.input_blocked = lambda: False
    quick(limiter, clock, frames=10)
    limiter.input_blocked = lambda: True
    assert min(gaps(times(limiter, clock, 10))) == pytest.approx(2 * FRAME_SECONDS)


def test_what_is_heard_after_a_cell_says_nothing_about_the_page(limiter, clock):
    quick(limiter, clock)
    limiter.input_blocked = lambda: True
    times(limiter, clock, 30)
    frame = send(limiter, clock)
    clock.now += 50
    limiter.input_blocked = lambda: False
    limiter.acknowledge(frame)
    limiter.input_blocked = lambda: True
    assert gaps(times(limiter, clock, 5))[0] == pytest.approx(2 * FRAME_SECONDS)


def test_when_it_hears_again_there_is_one_frame_on_its_way(limiter, clock):
    quick(limiter, clock)
    limiter.input_blocked = lambda: True
    times(limiter, clock, 5)
    limiter.input_blocked = lambda: False
    send(limiter, clock)
    assert limiter.wait(running=True) == pytest.approx(PATIENCE_SECONDS)
