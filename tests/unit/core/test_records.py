"""The records that travel: how they are looked up and shown."""

import copy
import dataclasses
import math

import pytest

from kanwidget.core import EdgeRef, Event, History, StepRecord, SymbolicFit

RECORDS = [
    StepRecord(1, 0.5, 0.6, 0.0, 0.1, damping=1.0, metrics={"worst": 2.0}),
    StepRecord(2, 0.25, None, 0.1, 0.2, stop_reason="converged"),
]


@pytest.fixture
def history():
    return History(list(RECORDS), [Event(1, "lamb", "lamb = 0.1")], "LM", "converged")


def test_columns_have_a_number_for_every_step(history):
    assert history["train_loss"] == [0.5, 0.25]
    assert history["test_loss"][0] == 0.6
    assert math.isnan(history["test_loss"][1])
    assert history["worst"][0] == 2.0
    assert math.isnan(history["worst"][1])


@pytest.mark.parametrize("name", ["loss", "metrics", "stop_reason", ""])
def test_an_unknown_column_is_named_with_those_there_are(history, name):
    with pytest.raises(KeyError, match=r"the history has no column '.*'; it has step, train_loss, .*, worst"):
        history[name]


def test_a_history_is_a_sequence_of_records(history):
    assert list(history) == RECORDS
    assert len(history) == 2
    assert history.last is RECORDS[1]


def test_a_table_has_all_columns(history):
    assert {len(column) for column in history.to_dict().values()} == {2}
    assert list(history.to_dict())[-1] == "worst"
    assert set(History().to_dict()) == set(history.to_dict()) - {"worst"}


def test_how_a_history_shows_itself(history):
    assert repr(history) == "History(2 steps of LM, train=0.25, converged)"
    assert repr(History(RECORDS[:1], [], "Adam", "steps done")).endswith("train=0.5, test=0.6, steps done)")
    assert repr(History()) == "History(no steps)"


@pytest.mark.parametrize(
    "record", [RECORDS[0], Event(0, "a", "b"), SymbolicFit("x", (1, 0, 1, 0), 1, 1, 0, (0, 1), "x")]
)
def test_records_are_frozen(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(record, dataclasses.fields(record)[0].name, 5)


def test_a_copied_history_grows_alone_and_shares_its_records():
    history = History([*RECORDS])
    twin = copy.deepcopy(history)
    twin.records.append(RECORDS[0])
    assert len(history) == 2
    assert twin.records[0] is history.records[0]


def test_an_edge_is_a_triple_with_names():
    edge = EdgeRef(0, 1, 2)
    assert edge == (0, 1, 2)
    assert (edge.layer, edge.source, edge.target) == edge


def test_a_fit_as_a_row_of_a_table():
    fit = SymbolicFit("sin", (1.0, 0.0, 1.0, 0.0), 1.0, 2, -3.0, (-math.inf, math.inf), "sin(x)")
    assert fit.as_row()["name"] == "sin"
    assert list(fit.as_row()) == [f.name for f in dataclasses.fields(fit)]
