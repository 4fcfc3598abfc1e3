"""Rate limits: frames, of which one is in flight, and a throttle for costly topics.

A page acknowledges a frame once it is drawn. An acknowledgement that is missing for two seconds is given up. Where a cell blocks the
kernel's input (ipykernel 6, or a page that opens no subshell), a page that was quick before gets the next frame earlier, after a few
times its usual delay. It can't say that it has become slow, so every further frame waits longer, up to the two seconds again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

#: Seconds between frames, and until a missing acknowledgement is given up.
FRAME_SECONDS, PATIENCE_SECONDS = 0.1, 2.0
#: The share of the time that frames may take, and the longest time between two for that reason.
_FRAME_SHARE, _FRAME_LONGEST = 0.2, 2.0
#: How late a frame may be, in parts of the pause, without a delay of the next one.
_LATEST = 0.5
#: The weight of a frame in the usual cost: beside other work a single one may wait long for its processor.
_COST_WEIGHT = 0.3
#: While the input is blocked: the first wait in units of the usual delay and of the pause between frames, and the growth of waits.
_BLOCKED_DELAYS, _BLOCKED_PAUSES, _BLOCKED_GROWTH = 4.0, 2.0, 1.05
#: The delay of a page that hasn't acknowledged a frame yet.
_FIRST_DELAY = 0.15
#: A moment before every clock's zero.
_LONG_AGO = -1e9


class FrameLimiter:
    """One frame in flight: numbers frames, and tells when the next one may go out.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: Whether messages from pages wait for a cell's end; the widget knows.
        self.input_blocked: Callable[[], bool] = lambda: False
        #: Number of the last frame (a picture of the network in training) that was sent, and of the one in flight, which waits for its
        #: acknowledgement; None without one.
        self._frame = 0
        self._in_flight: int | None = None
        #: When the last frame was sent, by the clock.
        self._sent_at = _LONG_AGO
        #: When the last frame was due. The next one is due a pause later, however late a step let this one be.
        self._due = _LONG_AGO
        #: Usual seconds from the begin of a frame's making until it is sent.
        self._cost = 0.0
        #: Usual seconds until an acknowledgement.
        self._delay = _FIRST_DELAY
        #: Whether the input was open when the frame in flight was sent.
        self._input_open = True
        #: Frames in a row that were given up while the input was blocked.
        self._given_up = 0

    def acknowledge(self, frame: object) -> None:
        """A page has drawn the frame with this number: the next one needn't wait for it any more. May be called on any thread."""
        if frame != self._in_flight:  # one that was given up, or what a faulty page has sent
            return
        # Where a cell blocked the kernel's input the message may have waited for its end, and says nothing about the page.
        if self._input_open:
            delay = self._clock() - self._sent_at
            # A running mean of these seconds. One late acknowledgement says little: the page's tab may have been in the background.
            self._delay += (0.5 if delay < self._delay else 0.1) * (delay - self._delay)
        self._in_flight, self._given_up = None, 0

    def forget(self) -> None:
        """Don't wait for the frame in flight: its page is gone."""
        self._in_flight = None

    def allow_now(self) -> None:
        """Let the next frame go out at once."""
        self._in_flight, self._due, self._sent_at = None, _LONG_AGO, _LONG_AGO

    def next_frame(self, started: float) -> int:
        """Number of the frame that goes out now; notes what that says about the time and cost of the next ones.

        Args:
            started: When its making began, by the clock.
        """
        self._input_open = not self.input_blocked()
        # A frame that is still in flight is given up by this one.
        self._given_up = 0 if self._input_open or self._in_flight is None else self._given_up + 1
        self._frame += 1
        pause = self._pause()
        due = self._due + pause  # when this frame should have gone out: a pause after the last one was due
        # A frame that a step has made a little late doesn't shift those after it; after a longer time the count begins anew.
        self._due = due if due <= started <= due + _LATEST * pause else started
        self._in_flight, self._sent_at = self._frame, self._clock()
        cost = self._sent_at - started  # seconds that it took to make; `_cost` is a running mean of them
        self._cost = cost if self._frame == 1 else self._cost + _COST_WEIGHT * (cost - self._cost)
        return self._frame

    def wait(self, running: bool) -> float:
        """Seconds until a frame may go out: 0 where nothing trains (not `running`) and no frame is in flight."""
        if self._in_flight is None and not running:
            return 0.0
        pause = self._pause()
        # A pause after the last frame was due; while that isn't acknowledged yet (in flight) once its acknowledgement is given up.
        until = self._due + pause if self._in_flight is None else self._sent_at + self._patience(pause)
        return max(0.0, until - self._clock())

    def _pause(self) -> float:
        """Seconds from one frame to the next: 0.1, or more, so that frames take at most a fifth of the time; but never more than 2."""
        return max(FRAME_SECONDS, min(_FRAME_LONGEST, self._cost / _FRAME_SHARE))

    def _patience(self, pause: float) -> float:
        """Seconds after which an acknowledgement is given up; `pause` has those from one frame to the next.

        While a cell blocks the input none can arrive. A page that was quick before then gets the next frame sooner: after 4 of its usual
        delays, but at least 2 pauses. It can't say that it has become slow, so each further frame in a row (`_given_up`) waits longer,
        up to 2 seconds.
        """
        if not self.input_blocked():
            return PATIENCE_SECONDS
        first = max(_BLOCKED_DELAYS * self._delay, _BLOCKED_PAUSES * pause)
        return min(PATIENCE_SECONDS, first * _BLOCKED_GROWTH**self._given_up)


class Throttle:
    """Costly topics: each has a share of the time while training, and none waits otherwise.

    Args:
        limits: Of each topic the seconds between two messages while training, and the share of the time that they may take.
        clock: Seconds.
    """

    def __init__(self, limits: Mapping[str, tuple[float, float]], clock: Callable[[], float]) -> None:
        #: Of each topic the seconds between two messages while training, and the share of the time that they may take.
        self._limits, self._clock = limits, clock
        #: Of each topic when it was sent last, by the clock, and how many seconds that took.
        self._sent_at = dict.fromkeys(limits, _LONG_AGO)
        self._cost = dict.fromkeys(limits, 0.0)

    def wait(self, topic: str, running: bool) -> float:
        """Seconds until a topic may be sent again; 0 where nothing trains (not `running`)."""
        if not running:
            return 0.0
        seconds, share = self._limits[topic]
        # The last message took `cost` seconds: with cost/share from one to the next that is this share of the time.
        return max(0.0, self._sent_at[topic] + max(seconds, self._cost[topic] / share) - self._clock())

    def allow_now(self, topic: str) -> None:
        """Let a topic be sent at once."""
        self._sent_at[topic] = _LONG_AGO

    def unchanged(self, topic: str) -> None:
        """The topic was due, but is as it was sent last: it is looked at again as late as if it had been sent."""
        self._sent_at[topic] = self._clock()

    def sent(self, topic: str, started: float) -> None:
        """The topic was sent, which took from `started`, by the clock, to this moment."""
        self._sent_at[topic] = self._clock()
        self._cost[topic] = self._sent_at[topic] - started
