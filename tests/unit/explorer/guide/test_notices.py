"""Notices beside the steps: each holds, is said once, and has the act that mends it."""

import re

import pytest
import torch

from kanwidget import KAN, Dataset
from kanwidget.core import StepRecord
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.commands.guide import Dismiss
from kanwidget.explorer.commands.history import BackToBest
from kanwidget.explorer.commands.network import Prune
from kanwidget.explorer.commands.training import Set
from kanwidget.explorer.describe.guide import guide
from kanwidget.explorer.guide.noise import noise_sentence, session_noise
from kanwidget.explorer.guide.notices import notices
from kanwidget.explorer.session.session import Session
from kanwidget.insight.noise import noise_of
from tests.unit.explorer.states import everything, train


def table(rows=200, noise=0.0, columns=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    x = 2 * torch.rand(rows, columns, generator=generator, dtype=torch.float64) - 1
    y = 2 * x[:, [0]] + 5 + noise * torch.randn(rows, 1, generator=generator, dtype=torch.float64)
    half = rows // 2
    return Dataset(x[:half], y[:half], x[half:], y[half:], out_vars=["y [m]"])


def session_of(data, width=None, **options):
    return Session(KAN(width or [data.n_features, data.n_outputs], grid=2), data, **options)


def sentence_of(session):
    """The words about the noise, once it was tried whether anything richer explains more."""
    session.richer.finish()
    return noise_sentence(session)


def names(session):
    return [notice.name for notice in notices(session)]


def test_a_sound_table_has_none():
    assert names(session_of(table())) == []


def test_notices_of_the_table_come_with_it():
    data = table()
    x = data.train_input.clone()
    x[:, 1] = 4.0
    constant = Dataset(x, data.train_label)
    (found,) = notices(session_of(constant))
    assert found.name == "constant column:x_2"
    assert "nothing can be learnt from it" in found.text


def test_a_target_without_variation_comes_first():
    data = table(rows=20)
    session = session_of(Dataset(data.train_input, torch.ones_like(data.train_label)), [2, 5, 1])
    assert names(session)[0] == "constant target:y"
    assert any(name.startswith("few rows") for name in names(session))


def spread(columns, noise=0.05):
    """A table with noise, a line in its first column, and so many columns over four decades."""
    data = table(rows=400, columns=1 + columns, noise=noise)
    wide = [torch.cat([x[:, :1], 10 ** (2 * x[:, 1:])], 1) for x in (data.train_input, data.test_input)]
    return Dataset(wide[0], data.train_label, wide[1], data.test_label)


def test_many_logarithms_are_one_notice_that_names_three():
    (found,) = notices(session_of(spread(3)))
    assert found.text.startswith("“x_2”, “x_3” and “x_4” are spread over decades")
    (found,) = notices(session_of(spread(7)))
    assert found.text.startswith("“x_2”, “x_3”, “x_4” and 4 more of 7 are spread over decades")
    assert found.message == {"kind": "use_log", "names": [f"x_{i}" for i in range(2, 9)]}


def logarithms(session):
    return [name for name in names(session) if name.startswith("logarithm:")]


def test_logarithms_are_no_matter_once_only_noise_is_left():
    session = session_of(spread(2), lamb=0.0)
    assert logarithms(session)
    train(session, 60)
    assert sentence_of(session) is not None
    assert logarithms(session) == []


def test_logarithms_are_no_matter_after_a_simplification_nor_in_a_state_before_it():
    session = session_of(spread(2))
    session.tree.nodes[session.tree.current].kind = "simplify"
    session.apply(Set(noise=0.1))
    assert logarithms(session) == []


def test_overfitting_leads_back_to_the_best_step():
    session = session_of(table())
    test, fit = [1.0, 0.1, *[0.5] * 20], [0.5**i for i in range(22)]
    session.run.records = [StepRecord(i, a, b, 0.0, 0.0) for i, (a, b) in enumerate(zip(fit, test, strict=True), 1)]
    session.run.last_record = session.run.records[-1]
    found = notices(session)[0]
    assert (found.name, found.label) == ("overfitting", "Back to best")
    assert "from 0.1 at step 2 to 0.5" in found.text
    assert isinstance(parse(found.message)[0], BackToBest)


def test_noise_on_the_training_labels_explains_a_smaller_test_error():
    session = session_of(table())
    session.apply(Set(noise=0.3))
    train(session, 25)
    assert "label_noise" in names(session)
    assert "30 %" in next(notice.text for notice in notices(session) if notice.name == "label_noise")
    session.apply(Set(noise=0.0))
    assert "label_noise" not in names(session)


def test_the_noise_level_is_said_once_nothing_but_noise_is_left():
    session = session_of(table(rows=400, noise=0.05))
    train(session, 60)
    assert noise_sentence(session) is None, "nothing is tried yet"
    sentence = sentence_of(session)
    assert sentence.startswith("The rest looks like noise: ±0.044")  # as it is drawn in the training rows
    assert re.search(r" in y \[m\], about \d.* % of its size\.$", sentence)
    assert "noise_level" in names(session)


@pytest.mark.slow
def test_a_curve_that_the_network_cannot_follow_is_no_noise():
    data = table(rows=400)
    wavy = Dataset(
        data.train_input,
        data.train_label + (30 * data.train_input[:, [1]]).sin(),
        data.test_input,
        data.test_label + (30 * data.test_input[:, [1]]).sin(),
    )
    session = Session(KAN([2, 1], grid=1, k=1), wavy, update_grid=False)
    train(session, 40)
    noise = session_noise(session)
    assert noise is None or not noise.is_noise
    assert sentence_of(session) is None


def test_exact_networks_and_classes_have_no_noise_level():
    session = session_of(table())
    train(session, 60)
    assert session_noise(session) is None
    x = table().train_input
    classes = Session(KAN([2, 2]), Dataset(x, (x[:, 0] > 0).long(), x, (x[:, 0] > 0).long()))
    train(classes, 3)
    assert session_noise(classes) is None


def test_evidence_knows_the_noise_without_held_out_rows():
    data = table(noise=0.1)
    session = session_of(Dataset(data.train_input, data.train_label))
    train(session, 60)
    assert sentence_of(session).startswith("The rest looks like noise: ±0.1 in y")


def test_a_dismissed_notice_stays_away_and_changes_nothing_else():
    data = table()
    session = session_of(Dataset(data.train_input, torch.ones_like(data.train_label)))
    before = everything(session)
    told = guide(session)["notices"]
    session.apply(Dismiss(told[0]["name"]))
    assert guide(session)["notices"] == told[1:]
    assert everything(session) == before


def test_an_act_that_raises_the_error_says_so_with_its_undo(session):
    train(session, 20)
    before = session.run.last_record.test_loss
    session.apply(Prune(edges=((0, 0, 0), (0, 0, 1), (0, 0, 2))))
    now = session.run.last_record.test_loss
    assert now > 1.2 * before
    notice = next(one for one in notices(session) if one.name.startswith("risen"))
    assert f"from {before:.3g} to {now:.3g}" in notice.text
    assert notice.message == {"kind": "undo"}
    train(session, 1)
    assert not any(one.name.startswith("risen") for one in notices(session))


def test_notices_call_the_columns_by_the_names_of_the_session():
    """A dataset without names calls its target y, which may be an input of the session."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(100, 2, generator=generator, dtype=torch.float64)
    y = torch.exp(6 * torch.rand(100, 1, generator=generator, dtype=torch.float64))
    session = session_of(Dataset(x[:50], y[:50], x[50:], y[50:]), in_vars=["x", "y"], out_vars=["f"])
    (notice,) = [notice for notice in notices(session) if notice.name.startswith("logarithm")]
    assert notice.text.startswith("“f” is spread over decades")
    session.apply(parse(notice.message)[0])
    assert [bool(log) for log in session.model.scaling.output_log] == [True]
    assert not any(session.model.scaling.input_log)


def test_the_noise_is_computed_once_for_a_state_of_the_network(monkeypatch):
    session = session_of(table(noise=0.1))
    train(session, 3)
    computed = []

    def counting(*arguments):
        computed.append(1)
        return noise_of(*arguments)

    monkeypatch.setattr("kanwidget.explorer.guide.noise.noise_of", counting)
    for _ in range(2):
        first = session_noise(session)
        guide(session)
    assert first is not None
    assert len(computed) == 1
    train(session, 1)
    assert session_noise(session) is not first
    assert len(computed) == 2
