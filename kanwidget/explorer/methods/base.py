"""The common ground of all methods of `KANExplorer`: the session, and the driver that alone may touch it."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

from kanwidget import _check
from kanwidget._refusals import short_refusals
from kanwidget.explorer.drivers.driver import Driver
from kanwidget.explorer.session.session import Session

#: Settings by their names elsewhere.
_CALLED = {"optimizer": "opt", "learning_rate": "lr", "lambda_": "lamb", "batch_size": "batch"}


class MethodGroup:
    """Methods of one kind; `KANExplorer` has all groups."""

    _session: Session
    _driver: Driver

    @short_refusals
    def __setattr__(self, name: str, value: Any) -> None:
        # A setting by a wrong name would be set without effect and without a word.
        if not name.startswith("_") and not hasattr(type(self), name):
            _check.refuse(AttributeError(_unknown_setting(type(self), name)))
        super().__setattr__(name, value)

    @property
    def _open(self) -> Session:
        """The session, unless the explorer was closed."""
        self._driver.check_open()
        return self._session


def _unknown_setting(explorer: type, name: str) -> str:
    """What to say about a setting that isn't there.

    Examples:
        >>> class Explorer(MethodGroup):
        ...     lamb = property(lambda self: 0.0, lambda self, value: None)
        >>> _unknown_setting(Explorer, "lam")
        'Explorer has no setting `lam`. Did you mean `lamb`? Settings are lamb.'
    """
    settings = sorted(
        n for n in dir(explorer) if isinstance(p := getattr(explorer, n), property) and p.fset is not None
    )
    meant = _CALLED.get(name.lower(), name.lower())  # `optimizer`, say, is `opt` here
    near = get_close_matches(meant, settings, 1)
    hint = f" Did you mean `{near[0]}`?" if near else ""
    return f"{explorer.__name__} has no setting `{name}`.{hint} Settings are {', '.join(settings)}."
