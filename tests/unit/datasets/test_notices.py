"""What is said about a table: each notice names its column and its act, and an ordinary table has none."""

import numpy as np
import pytest
import torch

from kanwidget import Dataset
from kanwidget.datasets.notices import data_notices

ROWS = 40


def table(**columns):
    """A dataset of ordinary columns, with some replaced or added."""
    generator = torch.Generator().manual_seed(0)
    plain = {name: 5 + torch.rand(ROWS, generator=generator, dtype=torch.float64) for name in ("a", "b", "y")}
    plain |= columns
    label = plain.pop("y")
    return Dataset(torch.stack(list(plain.values()), 1), label, in_vars=tuple(plain), out_vars=("y",))


def only(data, **options):
    (notice,) = data_notices(data, **options)
    return notice


def test_an_ordinary_table_has_no_notice():
    assert data_notices(table(), parameters=20) == []


def test_columns_without_variation():
    notice = only(table(c=torch.full((ROWS,), 0.1, dtype=torch.float64)))
    assert (notice.kind, notice.column, notice.act) == ("constant column", "c", "drop")
    assert "“c” is 0.1 in every training row" in notice.sentence


def test_a_column_that_varies_only_among_the_test_rows():
    data = Dataset([[1.0, 2.0], [2.0, 2.0], [1.5, 2.0]], [1.0, 2.0, 3.0], [[1.0, 7.0]], [2.0], in_vars=("a", "b"))
    assert only(data).column == "b"


def test_columns_that_tell_the_same():
    a = table().train_input[:, 0]
    for same in (a, 1e6 * a + 3, -a):
        notice = only(table(c=same))
        assert (notice.kind, notice.column, notice.act) == ("equal columns", "c", "drop")
        assert "the same as “a”" in notice.sentence
    assert data_notices(table(c=a + 1e-6 * table().train_input[:, 1])) == []


@pytest.mark.parametrize("first", [0.0, 1.0, 700.0])
def test_numberings(first):
    notice = only(table(id=first + torch.arange(ROWS, dtype=torch.float64).flip(0)))
    assert (notice.kind, notice.column, notice.act) == ("numbering", "id", "drop")


def test_columns_that_are_spread_over_decades():
    wide = torch.logspace(-0.3, 1.6, ROWS, dtype=torch.float64)
    notice = only(table(p=wide))
    assert (notice.kind, notice.column, notice.act) == ("logarithm", "p", "log")
    assert "spread over a factor of 79.4" in notice.sentence
    assert only(table(y=wide)).column == "y"
    assert data_notices(table(p=wide - 5)) == []
    assert data_notices(table(p=wide.round())) == []


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (0.2, 3.0), (0.2, 50.0), (1e-6, 1e-3)])
def test_columns_that_are_even_as_they_are_need_no_logarithm(low, high):
    even = low + (high - low) * torch.rand(ROWS, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    assert even.max() > 10 * even.min()
    assert data_notices(table(humidity=even)) == []
    assert data_notices(table(batch_no=(50 * even / high).ceil())) == []


def test_targets_that_are_constant_or_have_two_values():
    notice = only(table(y=torch.full((ROWS,), 3.0)))
    assert (notice.kind, notice.column, notice.act) == ("constant target", "y", None)
    notice = only(table(y=torch.arange(ROWS).double() % 2))
    assert (notice.kind, notice.act) == ("two values", "classes")
    assert "the values 0 and 1" in notice.sentence
    one = Dataset(table().train_input, torch.ones(ROWS, dtype=torch.int64), out_vars=("gas", "solid"))
    assert only(one).sentence.startswith("Every training row is of the class “solid”")


def test_too_few_rows_for_the_network():
    notice = only(table(), parameters=41)
    assert (notice.kind, notice.column, notice.act) == ("few rows", "", "smaller network")
    assert notice.sentence.startswith("40 training rows for 41 parameters")


def test_tiny_and_huge_numbers():
    tiny, huge = 1e-20 * table().train_input[:, 0], 1e20 * table().train_input[:, 1]
    assert data_notices(table(a=tiny, b=huge)) == []


def test_what_became_of_words_and_missing_cells_is_said():
    rows = 60
    frame = {
        "n": [None if n % 6 == 0 else float(n % 7) for n in range(rows)],
        "m": [None if n % 6 == 0 else float(n % 5) for n in range(rows)],
        "town": [None if n == 1 else "abc"[n % 3] for n in range(rows)],
        "name": [f"row {n}" for n in range(rows)],
        "when": np.arange(rows).astype("datetime64[D]"),
        "y": [None if n in (3, 4) else float(n % 4) for n in range(rows)],
    }
    said = {notice.kind: notice.sentence for notice in data_notices(Dataset.from_frame(frame, "y", 0))}
    assert said["left out"] == "“name” (60 levels in 60 rows) is left out: nothing can be learnt from it."
    frame["name"] = [f"{1 + n % 28}/{1 + n // 28}/2024" for n in range(rows)]
    (dated,) = (one for one in data_notices(Dataset.from_frame(frame, "y", 0)) if one.kind == "left out")
    assert dated.sentence == (
        "“name” (60 dates as text) is left out: nothing can be learnt from it. "
        "Make dates of text first, with pandas.to_datetime for instance."
    )
    assert said["missing target"] == "2 rows have no target and are left out."
    assert said["missing cells"] == (
        "Missing cells: 10 of “n”, 10 of “m” and 1 of “town”. Rows where they are missing have a value of their own. "
        "A product of numbers is found more surely without these rows."
    )
    frame["y"] = ["ab"[n % 2] for n in range(rows)]
    of_classes = {one.kind: one.sentence for one in data_notices(Dataset.from_frame(frame, "y", 0))}
    assert of_classes["missing cells"].endswith("Rows where they are missing have a value of their own.")
    assert said["dates"] == "“when” counts days since 1970-01-01."
    assert "equal columns" not in said
