"""The networks that a training begins again with: none of them has learnt anything in this session."""

from __future__ import annotations

from collections.abc import Sequence

from kanwidget.core.scales import Scaling
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import copied
from kanwidget.kan import KAN
from kanwidget.surgery import reseed
from kanwidget.training.steps.scales import learn_scales


def first_network(session: Session, seed: int | None) -> KAN:
    """The network that a reset begins with: the initial one, or a fresh one of another seed, with the logarithms that are in use."""
    initial, log = session.run.initial, session.model.log
    if log != initial.log:
        return with_logarithms(session, log, initial.seed if seed is None else seed)
    return copied(initial) if seed is None else reseed(initial, seed, "reset")


def with_logarithms(session: Session, log: Sequence[str | int], seed: int) -> KAN:
    """A fresh network of the initial one's shape, whose scales are learnt with these logarithms.

    Args:
        session: Its data count.
        log: Columns and outputs by the names that the data have for them.
        seed: Of the fresh network.

    Raises:
        ValueError: For names that aren't columns, and for columns that aren't positive.
    """
    fresh, trainer = reseed(session.run.initial, seed, "reset"), session.run.trainer
    fresh.scaling = Scaling(fresh.n_features, fresh.n_out, fresh.layer(0).coef.detach())
    fresh.log = tuple(log)
    learn_scales(fresh, trainer.data, trainer.loss)
    return fresh
