"""Columns as they come: words, missing cells, dates, and all kinds of frames."""

import datetime
import logging

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from kanwidget import KAN, discover
from kanwidget.datasets import Dataset
from kanwidget.datasets.derived import numbers_only
from kanwidget.datasets.encoding import OTHER, UNMET, Encoding
from kanwidget.datasets.reading import as_dataset

pandas = pytest.importorskip("pandas")
polars = pytest.importorskip("polars")
pyarrow = pytest.importorskip("pyarrow")

ROWS = 12
COLUMNS = {
    "n": [float(n) for n in range(ROWS)],
    "gap": [None if n % 4 == 0 else float(n) for n in range(ROWS)],
    "town": [None if n == 5 else "abc"[n % 3] for n in range(ROWS)],
    "when": [datetime.datetime(2020, 1, 1) + datetime.timedelta(days=n) for n in range(ROWS)],
    "y": [float(n % 5) for n in range(ROWS)],
}
NAMES = ("n", "gap", "gap missing", "town", "when [days]")
KINDS = {
    "pandas": lambda columns: pandas.DataFrame(columns),
    "pandas nullable": lambda columns: pandas.DataFrame(columns).convert_dtypes(),
    "polars": lambda columns: polars.DataFrame(columns),
    "arrow": lambda columns: pyarrow.table(columns),
    "dict": dict,
    "objects": lambda columns: pandas.DataFrame(columns, dtype=object),
}


@pytest.mark.parametrize("kind", KINDS)
def test_any_frame_gives_the_same_data(kind):
    data = Dataset.from_frame(KINDS[kind](COLUMNS), "y", 0)
    assert data.in_vars == NAMES
    assert data.levels == ((), (), ("given", "missing"), ("a", "b", "c", "missing"), ())
    assert data.train_input[:, 0].tolist() == COLUMNS["n"]
    assert data.train_input[:, 2].tolist() == [1.0, 0.0, 0.0, 0.0] * 3
    present = [value for value in COLUMNS["gap"] if value is not None]
    assert data.train_input[0, 1] == pytest.approx(np.mean(present))
    assert data.train_input[:, 3].tolist() == [0, 1, 2, 0, 1, 3, 0, 1, 2, 0, 1, 2]
    assert data.train_input[:, 4].tolist() == list(range(ROWS))


def test_rows_without_a_target_are_left_out_and_counted():
    frame = pandas.DataFrame(COLUMNS)
    frame.loc[[2, 7], "y"] = np.nan
    data = Dataset.from_frame(frame, "y", 0)
    assert len(data.train_input) == ROWS - 2
    assert data.encoding.rows_left_out == 2
    words = Dataset.from_frame(frame.assign(y=frame.town), "y", 0)
    assert words.classes == ("a", "b", "c")
    assert len(words.train_input) == ROWS - 1


def test_targets_of_digits_and_booleans_are_classes():
    frame = pandas.DataFrame({"x": [1.0, 2.0, 3.0], "digit": ["1", "0", "1"], "flag": [True, False, True]})
    assert Dataset.from_frame(frame, "digit", 0).classes == ("0", "1")
    assert Dataset.from_frame(frame, "flag", 0).classes == ("False", "True")
    assert Dataset.from_frame(frame, "x", 0).levels == ((), ())


def test_names_and_constant_words_are_left_out_with_a_reason():
    frame = pandas.DataFrame(COLUMNS).assign(name=[f"row {n}" for n in range(ROWS)], one="x", nothing=None)
    data = Dataset.from_frame(frame, "y", 0)
    assert data.in_vars == NAMES
    assert data.encoding.left_out == (
        ("name", "12 levels in 12 rows"),
        ("one", "one level"),
        ("nothing", "no filled cell"),
    )
    with pytest.raises(ValueError, match="a column that says something; got \"'one' has one level\""):
        Dataset.from_frame(frame[["one", "y"]], "y")


def test_ten_thousand_levels_become_a_hundred():
    rng = np.random.default_rng(0)
    words = [f"level {n}" for n in rng.zipf(1.2, 40_000) % 10_000]
    data = Dataset.from_frame(pandas.DataFrame({"word": words, "y": rng.normal(size=len(words))}), "y", 0)
    (column,) = data.encoding.columns
    assert len(column.levels) == 100
    assert column.levels[-1] == OTHER
    assert column.pooled == len(set(words)) - 99
    rare = data.encoding.encode(pandas.DataFrame({"word": ["level 9999", "never seen"]}), "predict", "data")
    assert rare.tolist() == [[99.0], [99.0]]


def test_categories_keep_their_order_and_unused_ones_are_none():
    sizes = pandas.Categorical(
        ["low", "high", "low", "high", "mid", "low"] * 2, ["low", "mid", "high", "huge"], ordered=True
    )
    assert Dataset.from_frame(pandas.DataFrame({"size": sizes, "y": COLUMNS["y"]}), "y", 0).levels == (
        ("low", "mid", "high"),
    )


def test_what_training_did_not_have_counts_as_the_mean_and_is_named(caplog):
    frame = pandas.DataFrame(COLUMNS)
    encoding = Dataset.from_frame(frame, "y", 0).encoding
    new = frame.iloc[:2].assign(town=["mars", "a"], n=[np.nan, 1.0])
    with caplog.at_level(logging.WARNING):
        row, other = encoding.encode(new, "predict", "data").tolist()
    assert row[3] == UNMET
    assert row[0] == pytest.approx(5.5)
    assert other[3] == 0.0
    assert "'mars'" in caplog.text
    assert "'n' is missing in 1 row" in caplog.text


def test_one_message_names_all_columns_that_cannot_be_read():
    frame = pandas.DataFrame(COLUMNS).assign(
        lists=[[1]] * ROWS, infinite=[np.inf] + [1.0] * (ROWS - 1), misspelled=["1", "x"] + ["2"] * (ROWS - 2)
    )
    with pytest.raises(ValueError, match="has 3 columns that can't be read") as error:
        Dataset.from_frame(frame, "y")
    for part in ("'lists', row 0", "'infinite', row 0", "'misspelled', row 1", "astype({'misspelled': 'category'})"):
        assert part in str(error.value)


def test_columns_of_another_type_than_before_are_named():
    encoding = Dataset.from_frame(pandas.DataFrame(COLUMNS), "y", 0).encoding
    with pytest.raises(TypeError, match="numeric in column 'n', row 0; got 'z'"):
        encoding.encode(pandas.DataFrame(COLUMNS).assign(n=["z"] * ROWS), "predict", "data")
    with pytest.raises(ValueError, match="Missing: 'town'"):
        encoding.encode(pandas.DataFrame(COLUMNS).drop(columns="town"), "predict", "data")


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pandas.DataFrame({"y": []}), "at least one column beside the target"),
        (pandas.DataFrame({"x": [], "y": []}), "at least one row"),
        (pandas.DataFrame([[1.0, 2.0, 3.0]], columns=["x", "x", "y"]), "different names"),
        (pandas.DataFrame({"x": [1.0, 2.0], "y": [None, None]}), "no filled row"),
        (pandas.DataFrame({"x": [None, None], "y": [1.0, 2.0]}), "no filled cell"),
        (pandas.DataFrame({"x": [1.0, None], "x missing": [0.0, 1.0], "y": [1.0, 2.0]}), "rename or drop the column"),
        (pandas.DataFrame({"x": [1.0, 2.0], "y": [np.inf, 2.0]}), "finite in column 'y'"),
    ],
)
def test_hopeless_frames_are_refused_by_name(frame, message):
    with pytest.raises(ValueError, match=message):
        Dataset.from_frame(frame, "y")


def test_columns_of_two_levels_of_names():
    frame = pandas.DataFrame(
        np.arange(6.0).reshape(3, 2), columns=pandas.MultiIndex.from_tuples([("a", "b"), ("a", "c")])
    )
    data = Dataset.from_frame(frame, "('a', 'c')", 0)
    assert data.in_vars == ("('a', 'b')",)
    assert data.train_label[:, 0].tolist() == [1.0, 3.0, 5.0]


CELLS = st.one_of(
    st.none(),
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.integers(-1000, 1000),
    st.booleans(),
    st.text(max_size=3),
    st.dates(),
    st.datetimes(),
    st.timedeltas(),
    st.decimals(allow_nan=False, allow_infinity=False, places=2),
    st.lists(st.integers(), max_size=2),
    st.complex_numbers(max_magnitude=10),
    st.binary(max_size=2),
)
KINDS_OF_COLUMNS = st.sampled_from(["cells", "floats", "words", "dates", "flags"])


@st.composite
def frames_of_anything(draw):
    rows = draw(st.integers(1, 12))
    columns = {}
    for name in "abc"[: draw(st.integers(1, 3))]:
        kind = draw(KINDS_OF_COLUMNS)
        cells = {
            "cells": CELLS,
            "floats": st.one_of(st.none(), st.floats(-10, 10)),
            "words": st.one_of(st.none(), st.sampled_from(["p", "q", "missing", "other"])),
            "dates": st.one_of(st.none(), st.dates(datetime.date(1900, 1, 1), datetime.date(2100, 1, 1))),
            "flags": st.one_of(st.none(), st.booleans()),
        }[kind]
        columns[name] = draw(st.lists(cells, min_size=rows, max_size=rows))
    columns["y"] = draw(st.lists(st.floats(-5, 5), min_size=rows, max_size=rows))
    return columns


@settings(deadline=None)
@given(frames_of_anything())
def test_a_frame_is_read_or_refused_with_the_name_of_a_column(columns):
    frame = pandas.DataFrame({name: pandas.Series(cells, dtype=object) for name, cells in columns.items()})
    try:
        data = Dataset.from_frame(frame, "y", 0)
    except (ValueError, TypeError) as error:
        message = str(error)
        assert any(f"'{name}'" in message for name in columns)
    else:
        assert bool(torch.isfinite(data.train_input).all())
        again = data.encoding.encode(frame, "predict", "data")
        assert np.array_equal(again, data.train_input.numpy())
        for column, levels in enumerate(data.levels):
            if levels:
                codes = data.train_input[:, column]
                assert set(codes.tolist()) <= set(range(len(levels)))
        assert Encoding.from_dict(data.encoding.to_dict()) == data.encoding


def test_other_rows_are_read_as_the_first_ones_were():
    frame = pandas.DataFrame(COLUMNS)
    data = Dataset.from_frame(frame, "y", 0)
    part = as_dataset((frame[frame.town == "c"], "y"), "fit", data.in_vars, data.encoding)
    assert part.in_vars == NAMES
    assert part.train_input[:, 3].unique().tolist() == [2.0]
    other = Dataset.from_frame(frame[frame.town.isin(["b", "c"])].dropna(), "y", 0)
    assert other.levels[2] == ("b", "c")
    recoded = as_dataset(other, "fit", data.in_vars, data.encoding)
    assert recoded.in_vars == NAMES
    assert set(recoded.train_input[:, 3].tolist()) == {1.0, 2.0}
    assert recoded.train_input[:, 2].tolist() == [0.0] * len(recoded.train_input)


def test_a_dataset_of_other_rows_is_read_as_their_frame_is():
    days = pandas.date_range("2015-01-01", periods=60, freq="30D")
    frame = pandas.DataFrame({"when": days, "gap": np.arange(60.0), "town": [*"abc"] * 20, "y": np.arange(60.0)})
    frame.loc[::7, "gap"] = np.nan
    encoding = Dataset.from_frame(frame[:40], "y", 0).encoding
    assert encoding.columns[0].unit == "years"
    for rows in (frame[30:], frame[39:50], frame[43:49]):  # counted in years, in days; without missing cells
        if len(rows) < 9:
            rows = pandas.concat([rows] * 2)
        other = Dataset.from_frame(rows.assign(town=rows.town.replace("b", "d")), "y", 0)
        recoded = as_dataset(other, "fit", encoding.names, encoding)
        expected = encoding.encode(rows.assign(town=rows.town.replace("b", "d")), "fit", "data")
        assert recoded.in_vars == encoding.names
        assert recoded.train_input.numpy() == pytest.approx(expected, rel=1e-12)
    words = Dataset.from_frame(frame.assign(gap=["low", "high"] * 30), "y", 0)
    with pytest.raises(TypeError, match="numbers in column 'gap', as in training; got 'words'"):
        as_dataset(words, "fit", encoding.names, encoding)
    with pytest.raises(ValueError, match=r"one without 'town' .3 levels in 6 rows.*A dataset of few rows"):
        as_dataset(Dataset.from_frame(frame[43:49], "y", 0), "fit", encoding.names, encoding)
    with pytest.raises(ValueError, match="in its own units, with words and missing cells as those of training"):
        as_dataset(
            Dataset.from_frame(frame[1:7].assign(town=list("aab") * 2), "y", 0).standardize(),
            "fit",
            encoding.names,
            encoding,
        )


def test_words_may_read_as_numbers_in_other_rows():
    codes = ["1A", "03", "2B", "C4"] * 5
    data = Dataset.from_frame(pandas.DataFrame({"code": codes, "y": np.arange(20.0)}), "y", 0)
    assert data.levels == (("03", "1A", "2B", "C4"),)
    for rows, expected in ((["03", "03"], [0, 0]), (["03", "1A", "7"], [0, 1, 0.5])):
        assert data.encoding.encode({"code": rows}, "predict", "data")[:, 0].tolist() == expected
    whole = Dataset.from_frame(
        pandas.DataFrame({"code": pandas.Categorical([1, 2] * 10), "y": np.arange(20.0)}), "y", 0
    )
    assert whole.encoding.encode({"code": np.array([2.0, 1.0, 0.5])}, "predict", "data")[:, 0].tolist() == [1, 0, 0.5]


@pytest.mark.parametrize("nothing", [[None, None], [float("nan")] * 2, [pandas.NaT] * 2])
def test_a_column_of_words_may_come_without_any(nothing):
    frame = pandas.DataFrame({"reply": ["yes", "no", None, "no"] * 5, "y": np.arange(20.0)})
    data = Dataset.from_frame(frame, "y", 0)
    assert data.levels == (("no", "yes", "missing"),)
    rows = pandas.DataFrame({"reply": pandas.Series(nothing)})
    assert data.encoding.encode(rows, "predict", "data")[:, 0].tolist() == [2, 2]


def test_a_level_called_given_is_a_word_like_any():
    frame = pandas.DataFrame({"reply": ["given", None] * 10, "n": [1.0, None] * 10, "y": np.arange(20.0)})
    data = Dataset.from_frame(frame, "y", 0)
    assert data.levels == (("given", "missing"), (), ("given", "missing"))
    assert data.encoding.flags == ("n missing",)


def test_words_have_no_scale_and_laws_are_about_numbers():
    data = Dataset.from_frame(pandas.DataFrame(COLUMNS), "y", 0)
    standard = data.standardize()
    assert standard.input_scale[3] == 1.0
    assert torch.equal(standard.train_input[:, 3], data.train_input[:, 3])
    numbers = numbers_only(data)
    assert numbers.in_vars == ("n", "gap", "when [days]")
    assert len(numbers.train_input) == 9  # rows without "gap" are left out


def test_discover_leaves_words_out():
    rng = np.random.default_rng(1)
    frame = pandas.DataFrame({"x": rng.uniform(1, 3, 60), "town": rng.choice(["a", "b"], 60)})
    found = discover(frame.assign(y=3 * frame.x**2), "y", steps=30, progress=False)
    assert found.best.sympy.subs("x", 2.0) == pytest.approx(12)
    assert "town holds words: left out" in found.findings
    with pytest.raises(ValueError, match="words alone"):
        discover(frame[["town"]].assign(y=frame.x), "y")


def test_discover_says_where_dates_begin():
    days = pandas.date_range("2026-03-01", periods=40).strftime("%Y-%m-%d")
    found = discover(
        pandas.DataFrame({"day": days, "y": 2.0 * np.arange(40) + 5}), target="y", steps=20, progress=False
    )
    assert "day counts days since 2026-03-01" in found.findings
    assert "' A2: days since 2026-03-01" in found.best.code("excel")


def test_pairs_of_a_frame_and_its_target_are_data():
    frame = pandas.DataFrame(COLUMNS)
    model = KAN.for_data(frame, "y", width=[5, 1])
    history = model.fit((frame, "y"), steps=3, progress=False)
    assert len(history) <= 3
    assert model.in_vars == NAMES
    assert model.predict(frame).shape == (ROWS, 1)
