import sys

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from kanwidget.datasets import read_csv, read_table

TABLE = "mass,speed,energy\n1,2,2\n2,3,9\n3,4,24\n4,5,50\n"


@pytest.fixture
def csv_file(tmp_path):
    def write(text, name="table.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    "text",
    [
        TABLE,
        TABLE.replace(",", ";"),
        TABLE.replace(",", "\t"),
        TABLE.replace(",", " , "),
        TABLE.replace("\n", "\r\n"),
        "\ufeff" + TABLE,
        "\n" + TABLE + "\n\n",
        TABLE.replace("mass", '"mass"'),
    ],
)
def test_reads_what_spreadsheets_write(csv_file, text):
    data = read_csv(csv_file(text), "energy", test_fraction=0)
    assert data.in_vars == ("mass", "speed")
    assert data.out_vars == ("energy",)
    assert data.train_input.tolist() == [[1, 2], [2, 3], [3, 4], [4, 5]]
    assert data.train_label.flatten().tolist() == [2, 9, 24, 50]


def test_inputs_keep_their_order_and_leave_the_rest_unread(csv_file):
    text = TABLE.replace("\n1,", "\n1,").replace("mass,", "note,mass,").replace("\n1", "\nx,1").replace("\n2", "\ny,2")
    text = text.replace("\n3", "\nz,3").replace("\n4", "\nz,4")
    data = read_csv(csv_file(text), "energy", ["speed", "mass"], test_fraction=0.25, dtype=torch.float32)
    assert data.in_vars == ("speed", "mass")
    assert data.train_input.shape == (3, 2)
    assert data.train_input.dtype == torch.float32


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "table.csv must be a header and at least one row .* got an empty file"),
        ("\n\n", "got an empty file"),
        ("mass,energy\n", "got the header alone"),
        ("1,2\n3,4\n", "row 1 of table.csv must be a header with names; got 1, 2"),
        ("a,a,energy\n1,2,3\n", "row 1 .* different names; got 'a' 2 times"),
        ("a,,energy\n1,2,3\n", "row 1 .* a name for each column; got none for column 2. .* index=False"),
        (TABLE.replace("2,3,9", "2,inf,9"), "row 3, column 'speed' of table.csv must be a finite number; got 'inf'"),
        (TABLE.replace("2,3,9", "2,fast,9"), "row 3, column 'speed' .* got 'fast'. Correct the entry"),
        (TABLE.replace("2,3,9", "2,9"), "row 3 of table.csv must be 3 entries, one a column; got 2"),
        ("a;energy\n1,5;2\n3;4\n", "row 2, column 'a' .* got '1,5'. Write decimals with a point"),
        ("mass,enrgy\n1,2\n", "`target` .* one of the columns 'mass', 'enrgy'; got 'energy'. Did you mean 'enrgy'"),
        ("energy\n1\n2\n", "`inputs` .* different columns other than the target"),
    ],
)
def test_says_in_one_line_what_is_wrong(csv_file, text, message):
    with pytest.raises(ValueError, match=message) as caught:
        read_csv(csv_file(text), "energy")
    assert "\n" not in str(caught.value)


def test_words_and_missing_entries_are_read_as_those_of_frames(csv_file):
    data = read_csv(csv_file(TABLE.replace("2,3,9", "2,,9").replace("3,4,24", "3,n/a,24")), "energy", test_fraction=0)
    assert data.in_vars == ("mass", "speed", "speed missing")
    assert data.train_input[:, 2].tolist() == [0, 1, 1, 0]
    rows = "\n".join(f"{n},{'gas' if n % 2 else 'solid'},{n % 3}" for n in range(8))
    phases = read_csv(csv_file(f"p,phase,energy\n{rows}\n"), "phase", test_fraction=0)
    assert phases.classes == ("gas", "solid")
    assert read_csv(csv_file(f"p,phase,energy\n{rows}\n"), "energy").levels == ((), ("gas", "solid"))


@pytest.mark.parametrize("inputs", [["energy"], ["mass", "mass"], [], ["mas"]])
def test_refuses_inputs(csv_file, inputs):
    with pytest.raises(ValueError, match="`inputs` argument of read_csv"):
        read_csv(csv_file(TABLE), "energy", inputs)


def test_other_encodings_and_places(csv_file, tmp_path):
    with pytest.raises(ValueError, match=r"text file in UTF-8; got byte .* CSV \(UTF-8\)"):
        read_csv(csv_file("größe,energy\n1,2\n", encoding="latin-1"), "energy")
    with pytest.raises(FileNotFoundError, match=r"there is no file .*none.csv. Check the spelling"):
        read_csv(tmp_path / "none.csv", "energy")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        read_table(tmp_path, "energy")
    with pytest.raises(ValueError, match=r"a .csv, .tsv, .txt or .parquet file; got 'table.xlsx'"):
        read_table(csv_file("", "table.xlsx"), "energy")


def test_parquet_is_the_same_as_csv(csv_file, tmp_path):
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    path = tmp_path / "table.parquet"
    pandas.read_csv(csv_file(TABLE)).to_parquet(path)
    expected = read_table(csv_file(TABLE), "energy", test_fraction=0)
    assert torch.equal(read_table(path, "energy", test_fraction=0).train_input, expected.train_input)
    with pytest.raises(ValueError, match="`inputs` argument of read_table"):
        read_table(path, "energy", ["speeed"])


def test_parquet_names_the_extra(csv_file, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'pip install "kanwidget\[data\]", or save it as CSV'):
        read_table(csv_file("", "table.parquet"), "energy")


@given(
    rows=st.lists(
        st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=3, max_size=3), min_size=2, max_size=8
    ),
    delimiter=st.sampled_from(",;\t"),
)
def test_every_table_of_numbers_comes_back_bit_for_bit(tmp_path_factory, rows, delimiter):
    assume(all(len({row[column] for row in rows}) > 1 for column in range(3)))
    path = tmp_path_factory.mktemp("tables") / "table.csv"
    path.write_text("\n".join(delimiter.join(map(str, row)) for row in [["a", "b", "c"], *rows]))
    data = read_csv(path, "c", test_fraction=0)
    assert torch.cat([data.train_input, data.train_label], 1).tolist() == rows
