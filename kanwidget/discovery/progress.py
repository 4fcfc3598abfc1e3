"""The progress bar of a search: its time or its steps, and the best formula."""

from __future__ import annotations

from typing import Any

from kanwidget.discovery.steps import DiscoveryStep

#: Characters of a formula or of what is tried.
_SHORT = 48


class ProgressLine:
    """A bar on standard error, or a widget in a notebook; nothing without `progress`.

    Args:
        seconds: Time of the search.
        steps: Number of its steps, where these are counted.
        progress: Whether to show it.
    """

    def __init__(self, seconds: float, steps: int | None, progress: bool) -> None:
        self._counts, self._bar = steps is not None, _bar(seconds, steps) if progress else None

    def show(self, step: DiscoveryStep) -> None:
        """Show a step."""
        if self._bar is None:
            return
        done = step.number if self._counts else step.seconds
        text = f"trying {step.text}" if step.kind == "trying" or step.best is None else step.best.text
        self._bar.set_postfix_str(text if len(text) <= _SHORT else f"{text[: _SHORT - 1]}…", refresh=False)
        self._bar.update(min(done, self._bar.total) - self._bar.n)

    def close(self) -> None:
        """Fill the bar and close it: in notebooks one that isn't full turns red, as if it had failed."""
        if self._bar is None:
            return
        self._bar.total = max(self._bar.n, 1e-3)
        self._bar.refresh()
        self._bar.close()


def _bar(seconds: float, steps: int | None) -> Any:
    from tqdm.auto import tqdm

    if steps is not None:
        return tqdm(total=steps, desc="discover", leave=True)
    layout = "{desc}: {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} s{postfix}"
    return tqdm(total=float(seconds), desc="discover", leave=True, bar_format=layout)
