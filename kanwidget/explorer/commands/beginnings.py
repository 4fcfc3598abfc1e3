"""To begin the training again, and the networks that it begins with: none of them has learnt anything in this session."""

from __future__ import annotations

from collections.abc import Sequence

from kanwidget.core.scales import Scaling
from kanwidget.explorer.protocol.topics import EVERYTHING, Topics
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import copied
from kanwidget.kan import KAN
from kanwidget.surgery import reseed
from kanwidget.training.steps.scales import learn_scales


def begin_again(session: Session, command: Command, model: KAN, seed: int, label: str) -> Topics:
    """Train another network of the first structure from step 0 on: an act, which a failure undoes as a whole."""
    checkpoint, logged = session.run.checkpoint(), session.model.scaling.output_log.clone()
    try:
        model.reference = session.x.clone()
        session.restart(model, seed)
    except BaseException:
        session.restore(checkpoint)
        raise
    # Errors of a logarithm have another unit: no state from before can be compared.
    same = bool((session.model.scaling.output_log == logged).all())
    session.commit("reset" if same else "log", label, checkpoint)
    session.script.add(command)
    return EVERYTHING


def first_network(session: Session, seed: int | None) -> KAN:
    """The network that a reset begins with: the initial one, or a fresh one of another seed, with the logarithms that are in use."""
    initial, log = session.run.initial, session.model.log
    if log != initial.log:
        return with_logarithms(session, log, initial.seed if seed is None else seed)
    return copied(initial) if seed is None else reseed(initial, seed, "reset")


def with_logarithms(session: Session, log: Sequence[str | int], seed: int) -> KAN:
    """A fresh network of the initial one's shape that takes these logarithms; its scales are learnt from the session's data.

    Args:
        session: It has the initial network and the training data.
        log: Names or numbers of the columns, and names of the outputs, whose logarithm is taken.
        seed: Of the fresh network.

    Raises:
        ValueError: For names that aren't columns, and for columns that aren't positive.
    """
    fresh, trainer = reseed(session.run.initial, seed, "reset"), session.run.trainer
    fresh.scaling = Scaling(fresh.n_features, fresh.n_out, fresh.layer(0).coef.detach())
    fresh.log = tuple(log)
    learn_scales(fresh, trainer.data, trainer.loss)
    return fresh
