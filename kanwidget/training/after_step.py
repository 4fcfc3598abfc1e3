"""A check after every step of trainings that work on copies: so whoever waits for their end can break them off."""

from collections.abc import Callable
from contextvars import ContextVar

#: Called between the steps of refits and of batches of `fit_many`, in the context that asks for it; what it raises breaks off.
AFTER_STEP: ContextVar[Callable[[], None]] = ContextVar("after_step", default=lambda: None)
