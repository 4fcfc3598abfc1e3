"""When something may be told: frames, of which one is on its way, and topics that are costly.

A page acknowledges a frame once it is drawn. An acknowledgement that stays out for two seconds is given up. Where a cell keeps the kernel
from hearing any (ipykernel 6, or a page that opens no subshell), a page that was quick before isn't waited for as long: the next
frame goes out after a few times its usual delay. It can't say that it has become slow, so every further frame waits
longer, up to the two seconds again.
"""

from __future__ import annotations

from collections.abc import Callable

#: Seconds between frames, and until a lost acknowledgement is given up.
FRAME_SECONDS, PATIENCE_SECONDS = 0.1, 2.0
#: The part of the time that frames may take, and the longest time between two for that reason.
_FRAME_PART, _FRAME_LONGEST = 0.045, 0.5
#: While nothing can be heard: the first wait in units of the usual delay and of the pause between frames, and how waits grow.
_DEAF_DELAYS, _DEAF_PAUSES, _DEAF_GROWTH = 4.0, 2.0, 1.05
#: The delay of a page that hasn't acknowledged a frame yet.
_FIRST_DELAY = 0.15
#: What is costly: seconds between two refreshments while training, and the part of the time that they may take.
SLOW = {
    "candidates": (1.0, 0.03),
    "formula": (1.0, 0.02),
    "parity": (0.5, 0.01),
    "surface": (0.25, 0.04),
    "survey": (0.2, 0.2),
}


class Line:
    """The way to the pages, with room for one frame.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        #: Whether what pages say can't be heard now; who knows the kernel sets it.
        self.deaf: Callable[[], bool] = lambda: False
        self._frame = 0
        self._in_flight: int | None = None
        self._sent_at, self._cost = -1e9, 0.0
        #: How long pages take to acknowledge.
        self._delay = _FIRST_DELAY
        self._heard_soon = True
        #: Frames in a row that were given up while nothing could be heard.
        self._unheard = 0

    def acknowledge(self, frame: object) -> None:
        """A page has drawn a frame. May be called on any thread."""
        if frame != self._in_flight:
            return
        if self._heard_soon:  # else it may be heard late without having been drawn late
            delay = self._clock() - self._sent_at
            # One late answer says little: the page's tab may have been in the background.
            self._delay += (0.5 if delay < self._delay else 0.1) * (delay - self._delay)
        self._in_flight, self._unheard = None, 0

    def free(self) -> None:
        """What was on its way to a page that is gone isn't waited for."""
        self._in_flight = None

    def hurry(self) -> None:
        """The next frame may go out at once."""
        self._in_flight, self._sent_at = None, -1e9

    def take(self, started: float) -> int:
        """Number the frame that goes out now.

        Args:
            started: When its making began.
        """
        self._heard_soon = not self.deaf()
        self._unheard = 0 if self._heard_soon or self._in_flight is None else self._unheard + 1
        self._frame += 1
        self._in_flight, self._sent_at = self._frame, self._clock()
        self._cost = self._sent_at - started
        return self._frame

    def wait(self, running: bool) -> float:
        """Seconds until a frame may go out."""
        if self._in_flight is None and not running:
            return 0.0
        pause = max(FRAME_SECONDS, min(_FRAME_LONGEST, self._cost / _FRAME_PART))
        patience = pause if self._in_flight is None else self._patience(pause)
        return max(0.0, self._sent_at + patience - self._clock())

    def _patience(self, pause: float) -> float:
        """Seconds after which an acknowledgement is given up."""
        if not self.deaf():
            return PATIENCE_SECONDS
        first = max(_DEAF_DELAYS * self._delay, _DEAF_PAUSES * pause)
        return min(PATIENCE_SECONDS, first * _DEAF_GROWTH**self._unheard)


class Slow:
    """The costly topics: each has a share of the time while training, and none otherwise has to wait.

    Args:
        clock: Seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._at = dict.fromkeys(SLOW, -1e9)
        self._cost = dict.fromkeys(SLOW, 0.0)

    def wait(self, topic: str, running: bool) -> float:
        """Seconds until a topic may be told again."""
        if not running:
            return 0.0
        seconds, part = SLOW[topic]
        return max(0.0, self._at[topic] + max(seconds, self._cost[topic] / part) - self._clock())

    def hurry(self, topic: str) -> None:
        """It may be told at once."""
        self._at[topic] = -1e9

    def looked(self, topic: str) -> None:
        """It was found to be as it was told."""
        self._at[topic] = self._clock()

    def told(self, topic: str, started: float) -> None:
        """It was told, which took from `started` to now."""
        self._at[topic] = self._clock()
        self._cost[topic] = self._at[topic] - started
