import numpy as np
import pytest
import torch

from kanwidget import KAN
from kanwidget.datasets import Dataset
from kanwidget.datasets.naming import column_indices

pandas = pytest.importorskip("pandas")


@pytest.fixture
def frame():
    return pandas.DataFrame({"mass": [1.0, 2.0, 3.0, 4.0], "speed": [2, 3, 4, 5], "energy": [2.0, 9.0, 24.0, 50.0]})


def test_columns_in_another_order_are_data_like_any_others(frame):
    numbers = pandas.DataFrame(np.arange(6.0).reshape(3, 2), columns=["mass", "speed"])
    assert Dataset(numbers[["speed", "mass"]], [1.0, 2.0, 3.0]).train_input[0].tolist() == [1.0, 0.0]


def test_what_has_something_else_by_the_name_of_columns_is_no_frame():
    class Table:
        columns = 3

    with pytest.raises(TypeError, match="`data` argument of predict must be an array of numbers"):
        KAN([2, 1]).predict(Table())
    with pytest.raises(TypeError, match=r"`df` argument of Dataset.from_frame must be a data frame"):
        Dataset.from_frame(Table(), "y")


def test_every_column_but_the_target_is_an_input(frame):
    data = Dataset.from_frame(frame, "energy", test_fraction=0)
    assert data.in_vars == ("mass", "speed")
    assert data.out_vars == ("energy",)
    assert data.train_input[2].tolist() == [3.0, 4.0]


def test_integer_targets_are_numbers_and_text_is_classes(frame):
    assert not Dataset.from_frame(frame, "speed").is_classification
    data = Dataset.from_frame(frame.assign(state=["solid", "gas", "gas", "solid"]), "state", test_fraction=0)
    assert data.train_label.tolist() == [1, 0, 0, 1]
    assert data.out_vars == ("gas", "solid")


def test_several_targets(frame):
    data = Dataset.from_frame(frame, ["energy", "speed"], test_fraction=0.5)
    assert data.train_label.shape == (2, 2)
    assert data.out_vars == ("energy", "speed")


def test_nullable_boolean_and_numbered_columns(frame):
    assert Dataset.from_frame(pandas.DataFrame(np.arange(6.0).reshape(3, 2)), "1", 0).in_vars == ("0",)
    data = Dataset.from_frame(
        frame.assign(n=pandas.array([1, 2, 3, 4], dtype="Int64"), hot=[True, False, True, False]), "n", 0
    )
    assert data.train_input[:, 3].tolist() == [1.0, 0.0, 1.0, 0.0]
    assert data.train_label.dtype == torch.float64


def test_errors_name_the_column(frame):
    with pytest.raises(ValueError, match=r"one of the columns 'mass', 'speed', 'energy'; got 'enrgy'.*mean 'energy'"):
        Dataset.from_frame(frame, "enrgy")
    with pytest.raises(
        TypeError, match=r"numbers, words or dates in column 'label', row 0; got \[1, 2\]\. Take it apart"
    ):
        Dataset.from_frame(frame.assign(label=[[1, 2]] * 4), "energy")
    with pytest.raises(
        ValueError, match=r"`df` argument of Dataset.from_frame must be finite in column 'mass', row 1; got inf"
    ):
        Dataset.from_frame(frame.assign(mass=[1.0, np.inf, 3.0, 4.0]), "energy")
    with pytest.raises(ValueError, match="at least one column beside the target"):
        Dataset.from_frame(frame[["energy"]], "energy")
    with pytest.raises(TypeError, match="a data frame"):
        Dataset.from_frame(np.zeros((2, 2)), "energy")
    with pytest.raises(TypeError, match="read_csv"):
        Dataset.from_frame("table.csv", "energy")
    with pytest.raises(ValueError, match=r"got 'Y'. Did you mean 'y'"):
        Dataset.from_frame(frame.rename(columns={"energy": "y"}), "Y")


def test_the_entry_that_is_no_number_is_named_rather_than_the_first(frame):
    column = frame.assign(mass=np.array([1.0, 2.0, "n/a", 4.0], dtype=object))
    with pytest.raises(TypeError, match=r"column 'mass', row 2; got 'n/a'. Correct the entry"):
        Dataset.from_frame(column, "energy")


@pytest.mark.parametrize("days", [pandas.date_range("2020-01-01", periods=4), pandas.to_timedelta(range(4), "D")])
def test_dates_are_days_since_the_first_one_and_no_targets(frame, days):
    data = Dataset.from_frame(frame.assign(day=days), "energy", 0)
    assert data.in_vars == ("mass", "speed", "day [days]")
    assert data.train_input[:, 2].tolist() == [0.0, 1.0, 2.0, 3.0]
    with pytest.raises(TypeError, match=r"numeric in column 'day'; got .*[Tt]urn it into a number"):
        Dataset.from_frame(frame.assign(day=days), "day")


@pytest.mark.parametrize(
    "texts",
    [
        ["2020-01-01", "2020-01-02", None, "2020-01-04"],
        ["2020-01-01 06:00", "2020-01-02 06:00", float("nan"), "2020-01-04 06:00"],
        ["2020-01-01T00:00:00Z", "2020-01-02T01:00:00+01:00", None, "2020-01-04T00:00:00.0Z"],
        [" 2020-01-01", "2020-01-02T00:00:00.000", None, "2020-01-04T00:00:00.12"],
    ],
)
def test_texts_that_can_only_be_dates_are_dates_as_a_file_of_text_has_them(frame, texts):
    data = Dataset.from_frame(frame.assign(day=texts), "energy", 0)
    assert data.in_vars[2] == "day [days]"
    start = 0.25 if "06:00" in texts[0] else 0.0
    assert data.train_input[[0, 1, 3], 2].tolist() == pytest.approx([start, start + 1, start + 3], abs=1e-5)
    later = data.encoding.encode(frame.assign(day=["2020-01-11"] * 4), "predict", "data")
    assert later[:, 2].tolist() == pytest.approx([10.0] * 4)


@pytest.mark.parametrize("texts", [["1/2/20", "2/2/20", "3/2/20", "4/2/20"], ["2020-13-01"] + ["2020-01-02"] * 3])
def test_other_texts_stay_words(frame, texts):
    data = Dataset.from_frame(frame.assign(day=texts), "energy", 0)
    assert all(column.kind != "dates" for column in data.encoding.columns)


@pytest.mark.parametrize("column", ["a", "y"])
def test_complex_columns_are_refused(column):
    df = pandas.DataFrame({"a": [1.0, 2.0], "y": [1.0, 2.0]}).astype({column: complex})
    with pytest.raises(TypeError, match=f"numbers, words or dates in column '{column}'"):
        Dataset.from_frame(df, "y")


def test_names_in_other_capitals_are_no_new_names():
    """Taken by place, columns in another order would be exchanged without a word."""
    with pytest.raises(ValueError, match=r"Missing: 'mass', 'speed'\. Did you mean 'Mass'\?"):
        column_indices(["Speed", "Mass"], ["mass", "speed"], "predict")
