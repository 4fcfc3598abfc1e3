"""The noise level of a session, in words: by evidence, or else what its network leaves of the held-out labels."""

from __future__ import annotations

import math

import torch

from kanwidget.explorer.session.samples import judged_rows
from kanwidget.explorer.session.session import Session
from kanwidget.insight.noise import Noise, noise_of
from kanwidget.insight.numbers import percent, plain

#: A network that leaves less than this part of the labels' spread is exact: there is no noise to speak of.
_EXACT = 1e-6
#: A held-out error this much larger than the training error is more than noise: the network is too free, or too few rows.
_TOO_FREE = 1.3
#: Noise of this part of the labels is all there is.
_ALL = 0.995


def session_noise(session: Session) -> Noise | None:
    """The noise of the labels: its level, and whether the residuals look like noise; None while nothing can be said.

    That is the case for classes and several outputs, without both evidence and held-out rows, where the network fits the training rows
    much better than the held-out ones, and where it leaves next to nothing.
    """
    return session.residual_noise.get((session.run.version, session.run.noise), lambda: _noise(session))


def _noise(session: Session) -> Noise | None:
    """The noise of the labels in the target's unit, see `session_noise`; None while nothing can be said.

    Its level, a standard deviation, comes from evidence (the probability of the labels, from which training estimates the noise), or else
    from the residuals of held-out rows. How alike the residuals of near rows are (`structure`, in standard errors) comes from held-out
    rows in both cases; 0, nothing alike, without these.
    """
    data, record = session.run.trainer.data, session.run.last_record
    if data.is_classification or session.model.n_out != 1:
        return None
    # A held-out error so much larger than the training error is more than noise.
    if record.test_loss is not None and not record.test_loss <= _TOO_FREE * record.train_loss:
        return None
    noise = None if record.test_loss is None else _held_out(session)
    level = _by_evidence(session)
    if level is None or session.model.scaling.has_logs[1]:  # without evidence, or in another unit
        return noise
    if level <= _EXACT * float(judged_rows(data)[1].std(correction=0)):  # the network is exact
        return None
    # A standard deviation of n normal numbers has the standard error σ/√(2n); parameters take their part of the rows: `freedom` is how
    # many of them the data have determined.
    error = level / math.sqrt(2 * max(1.0, len(data.train_input) - (record.freedom or 0.0)))
    return Noise(level, error, 0.0 if noise is None else noise.structure)


def _by_evidence(session: Session) -> float | None:
    """The noise's standard deviation in the data's unit, as training by evidence (the labels' probability) has estimated it, else None.

    The last step has it or, after an act, the posterior that the act has left.
    """
    if session.run.last_record.noise is not None:
        return session.run.last_record.noise
    posterior = session.run.posterior()
    if posterior is None or posterior.noise is None:
        return None
    # The posterior counts in parts of the target's size.
    return posterior.noise * session.model.scaling.error_unit


def _held_out(session: Session) -> Noise | None:
    """The noise in what the network leaves of the held-out labels, in own units; None where that is next to nothing.

    The caller asks only where there is a test error: without test data `judged_rows` are the training rows.
    """
    x, label, _ = judged_rows(session.run.trainer.data)
    with torch.no_grad():
        residual = (label - session.model(x))[:, 0]
    if float(residual.square().mean().sqrt()) <= _EXACT * float(label.std(correction=0)):
        return None
    return noise_of(x[:, session.model.columns], residual)


def noise_sentence(session: Session) -> str | None:
    """The noise level as a sentence; None where the rest isn't noise, or a richer network explains more, or that isn't tried yet."""
    noise, richer = session_noise(session), session.richer  # `richer` has been trying finer grids and more nodes
    if noise is None or not noise.is_noise or richer.is_open:  # open: not all of them are tried
        return None
    if richer.answer is not None and (richer.answer.better or richer.answer.wave):
        return None
    name, label = session.out_vars[0], judged_rows(session.run.trainer.data)[1]
    if bool((label > 0).all()) or bool((label < 0).all()):
        part, of = noise.level / float(label.square().mean().sqrt()), "its size"
    else:  # of both signs: a part of 0 says nothing
        part, of = noise.level / float(label.std(correction=0)), "its spread"
    amount = f"all of {of}" if part >= _ALL else f"about {percent(part)} of {of}"
    return f"The rest looks like noise: ±{plain(noise.level)} in {name}, {amount}."
