"""Whatever a table holds: a right result, or a sentence that names the column and says what to do, in every way to bring it."""

import math
import re

import numpy as np
import pandas
import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.cli import main

ROWS = 24


def table(rows=ROWS, **columns):
    """An ordinary table, with columns replaced or added."""
    generator = np.random.default_rng(0)
    a, b = generator.uniform(1, 2, rows), generator.uniform(-1, 1, rows)
    return pandas.DataFrame({"a": a, "b": b, **columns, "y": a + b**2} | {k: v for k, v in columns.items() if k == "y"})


def renamed(*names):
    frame = table()
    return frame.rename(columns=dict(zip(frame.columns, names, strict=True)))


def with_entry(column, value):
    frame = table().astype({column: object})
    frame.loc[3, column] = value
    return frame


#: Name → table and what its error must say; None where it is to be trained.
TABLES = {
    "units, spaces and Greek": (renamed("p [Pa]", "ϑ in °C", "y"), None),
    "HTML and LaTeX": (renamed("<b>a</b>", r"$\frac{a}{b}$", "y"), None),
    "Python words and quotes": (renamed("lambda", 'he said "x"', "y"), None),
    "numbered names": (renamed("x_2", "x_1", "y"), None),
    "all integers": (table(a=np.arange(ROWS) % 7, b=np.arange(ROWS) % 5, y=np.arange(ROWS) % 3), None),
    "two equal columns": (table(c=table()["a"]), None),
    "1e-20": (table() * 1e-20, None),
    "1e20": (table() * 1e20, None),
    "both": (table(a=table()["a"] * 1e-20, b=table()["b"] * 1e20), None),
    "a constant column": (table(c=np.full(ROWS, 0.1)), None),
    "five rows": (table(5), None),
    "two rows": (table(2), None),
    "a target of two values": (table(y=np.arange(ROWS) % 2.0), None),
    "float32": (table().astype(np.float32), None),
    "nullable numbers": (table().astype("Float64"), None),
    "booleans": (table(c=np.arange(ROWS) % 2 == 0).astype({"c": int}), None),
    "small and unsigned integers": (
        table(a=np.arange(ROWS).astype(np.int8), b=np.arange(ROWS).astype(np.uint64)),
        None,
    ),
    "half precision": (table().astype(np.float16), None),
    "one entry of 1e20": (table(a=np.where(np.arange(ROWS) == 3, 1e20, 1.0)), None),
    "names of numbers": (renamed(0, 1, "y"), None),
    "inputs without variation": (table(a=np.ones(ROWS), b=np.ones(ROWS)), None),
    "names that break a line": (renamed("a\nb", "b", "y"), None),
    "durations": (table(d=pandas.to_timedelta(np.arange(ROWS), unit="h")), None),
    "dates as text": (table(day=[f"2020-01-{n + 1:02}" for n in range(ROWS)]), None),
    "categories": (table(c=pandas.Categorical(["u", "v"] * (ROWS // 2))), None),
    "missing integers": (table(c=pandas.array([1, None] * (ROWS // 2), dtype="Int64")), None),
    "two columns of one name": (renamed("a", "a", "y"), "different names"),
    "variation among the test rows only": (table(c=np.eye(ROWS)[4]), None),
    "text": (table(site=["Oslo"] * ROWS), None),
    "two texts": (table(site=["Oslo"] * ROWS, person=["Ada"] * ROWS), None),
    "dates": (table(day=pandas.date_range("2020-01-01", periods=ROWS)), None),
    "a missing value": (with_entry("b", math.nan), None),
    "an infinite value": (with_entry("b", math.inf), "column 'b'.*([Rr]emove|[Cc]orrect)"),
    "a missing label": (with_entry("y", math.nan), None),
    "a misspelt number": (with_entry("b", "0,5"), "column 'b'.*0,5.*([Cc]orrect|point)"),
    "no columns but the target": (table()[["y"]], "(one|different) column.* the target"),
    "no rows": (table(0), "at least one row"),
}


#: Tables that no file of text has.
IN_PYTHON = {"complex numbers": (table(c=np.arange(ROWS) * 1j), "column 'c'.*Take it apart")}


def in_explorer(frame):
    with KANExplorer(frame, target="y", driver="blocking") as explorer:
        explorer.step(2)
        explorer.auto_symbolic()
        return explorer.history.last.train_loss


def in_fit(frame):
    model = KAN.for_data(frame, "y")
    history = model.fit(Dataset.from_frame(frame, "y"), steps=2, progress=False)
    assert torch.isfinite(model(frame.drop(columns="y"))).all()
    return history.last.train_loss


def in_shell(frame, path):
    frame.to_csv(path, index=False)
    columns = frame.select_dtypes("number", "timedelta").dropna(axis=1).shape[1]  # words and missing cells bring others
    width = ["--width", f"{columns - 1},1"] if columns == frame.shape[1] > 1 else []
    return main(["fit", str(path), "--target", "y", "--steps", "2", "--grid", "1", *width])


@pytest.mark.slow
@pytest.mark.parametrize("way", [in_explorer, in_fit])
@pytest.mark.parametrize("name", [*TABLES, *IN_PYTHON])
def test_in_python_every_table_is_trained_or_refused_with_advice(name, way):
    frame, refusal = (TABLES | IN_PYTHON)[name]
    if refusal is None:
        assert math.isfinite(way(frame))
    else:
        with pytest.raises((ValueError, TypeError), match=f"`(data|target)` argument of .*{refusal}"):
            way(frame)


@pytest.mark.parametrize("name", TABLES)
def test_in_the_shell_every_table_is_trained_or_refused_with_advice(name, tmp_path, capsys):
    frame, refusal = TABLES[name]
    code = in_shell(frame, tmp_path / "table.csv")
    said = capsys.readouterr().err.strip().splitlines()[-1]
    if refusal is None:
        assert code == 0, said
    else:
        assert code == 1
        assert re.search(refusal, said), said


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("size", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_without_a_size_is_refused_and_changes_nothing(side, size):
    model = KAN([1, 1])
    before = getattr(model, f"{side}_scale")
    with pytest.raises(
        ValueError, match=f"`{side}_scale` argument of KAN must be made of finite centres and sizes > 0"
    ):
        setattr(model, f"{side}_scale", ([0.0], [size]))
    assert getattr(model, f"{side}_scale") == before


def test_of_200_000_rows_a_sample_is_drawn_and_the_table_says_of_how_many():
    many = pandas.DataFrame({"a": np.linspace(0, 1, 200_000)})
    many["y"] = many["a"] ** 2
    with KANExplorer(many, target="y", driver="blocking") as explorer:
        assert explorer.parity()["train"].shape == (1, 2, 500)
        assert len(explorer.predictions()) == 200_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("column", "values", "kind"),
    [("c", [True, False], "a column"), ("y", [True, False], "classes"), ("y", ["one"], "a single class")],
)
def test_booleans_and_a_single_class_are_trained_in_python(column, values, kind):
    frame = table(**{column: values * (ROWS // len(values))})
    for way in (in_explorer, in_fit):
        assert math.isfinite(way(frame)), kind


def test_a_column_without_a_name_is_refused_where_names_are_shown():
    with pytest.raises(
        ValueError, match=r"`data` argument of KANExplorer must be made of columns with names.*rename it"
    ):
        KANExplorer(renamed("", "b", "y"), target="y")
