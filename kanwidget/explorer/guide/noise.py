"""The noise level of a session: what its network leaves of the held-out labels, in words."""

from __future__ import annotations

from weakref import WeakKeyDictionary

import torch
from torch import Tensor

from kanwidget.datasets import Dataset
from kanwidget.explorer.session.session import Session
from kanwidget.insight.noise import Noise, noise_of

#: A network that leaves less than this part of the labels' spread is exact: there is no noise to speak of.
_EXACT = 1e-6
#: A held-out error this much larger than the training error is more than noise: the network is too free, or too few rows.
_TOO_FREE = 1.3


#: The noise of a session's network, with the data and the version that it belongs to: several texts of a message ask for it.
_noises: WeakKeyDictionary[Session, tuple[Dataset, int, Noise | None]] = WeakKeyDictionary()


def session_noise(session: Session) -> Noise | None:
    """The noise that the network leaves in the held-out labels; None while nothing can be said.

    That is the case without held-out rows, for classes and several outputs, where the network fits the training rows much better
    than the held-out ones, and where it leaves next to nothing.
    """
    data, version = session.run.trainer.data, session.run.version
    cached = _noises.get(session)
    if cached is None or cached[0] is not data or cached[1] != version:
        _noises[session] = cached = (data, version, _noise(session))
    return cached[2]


def _noise(session: Session) -> Noise | None:
    data, record = session.run.trainer.data, session.run.last_record
    if data.test_input is None or data.test_label is None or data.is_classification or session.model.n_out != 1:
        return None
    if record.test_loss is None or not record.test_loss <= _TOO_FREE * record.train_loss:
        return None
    with torch.no_grad():
        residual = (data.test_label - session.model(data.test_input))[:, 0]
    if float(residual.square().mean().sqrt()) <= _EXACT * float(data.test_label.std(correction=0)):
        return None
    scale = 1.0 if data.label_scale is None else float(data.label_scale[0])
    return noise_of(data.test_input[:, session.model.columns], residual * scale)


def noise_sentence(session: Session) -> str | None:
    """The noise level in words where the residuals look like noise, else None."""
    noise = session_noise(session)
    if noise is None or not noise.is_noise:
        return None
    name = session.out_vars[0]
    label = _labels(session)
    part, of = _relative(label, noise.level), name
    if part is None:
        part, of = noise.level / float(label.std(correction=0)), f"the spread of {name}"
    return f"The rest looks like noise: ±{noise.level:.2g} in {name}, {100 * part:.2g} % of {of}."


def _labels(session: Session) -> Tensor:
    """The held-out labels in their own unit."""
    data = session.run.trainer.data
    label = data.test_label
    assert label is not None  # there is a noise level
    label = label[:, 0]
    if data.label_scale is None or data.label_mean is None:
        return label
    return label * data.label_scale[0] + data.label_mean[0]


def _relative(label: Tensor, level: float) -> float | None:
    """The level as a part of the labels' size, None where they have both signs: a part of 0 says nothing."""
    if bool((label > 0).all()) or bool((label < 0).all()):
        return level / float(label.square().mean().sqrt())
    return None
