import random
import re

import hypothesis.strategies as st
import pytest
from hypothesis import given

import kanwidget
from kanwidget.sweeps import Table, pareto, plot_pareto


def table(with_validation=False):
    rows = [
        {"width": [2, 1], "grid": grid, "seed": seed, "parameters": 10 * grid, "train_loss": 0.01, "test_loss": loss}
        for grid, seed, loss in [(3, 0, 0.3), (3, 1, 0.1), (5, 0, 0.05), (5, 1, None), (5, 2, 0.07)]
    ]
    rows[3] |= {"train_loss": None, "failed": "the loss is not finite"}
    if with_validation:
        rows[1]["validation_loss"] = 0.01
    return Table(rows)


def test_reading_it():
    found = table()
    assert len(found) == 5
    assert found[0]["grid"] == 3
    assert found[-1]["seed"] == 2
    assert found["grid"] == [3, 3, 5, 5, 5]
    assert len(found[1:3]) == 2
    assert found.columns == ["width", "grid", "seed", "parameters", "train_loss", "test_loss", "failed"]
    assert found.settings == ["width", "grid"]
    assert repr(found) == "Table(5 rows, 1 failed: width, grid)"
    assert repr(Table([])) == "Table(0 rows: no settings)"


def test_rows_are_copies():
    found = table()
    found[0]["grid"] = 99
    next(iter(found))["grid"] = 99
    assert found["grid"] == [3, 3, 5, 5, 5]


def test_where_and_failed():
    assert table().where(grid=5, width=(2, 1))["seed"] == [0, 1, 2]
    assert table().failed["failed"] == ["the loss is not finite"]
    assert len(Table([{"width": [2, [1, 1], 1]}]).where(width=(2, (1, 1), 1))) == 1


def test_sorting_puts_what_is_missing_last():
    assert table().sort()["test_loss"] == [0.05, 0.07, 0.1, 0.3, None]
    assert table().sort("test_loss", descending=True)["test_loss"] == [0.3, 0.1, 0.07, 0.05, None]
    assert table().best()["test_loss"] == 0.05


def test_validation_loss_is_what_counts_where_there_is_one():
    assert table(with_validation=True).best()["test_loss"] == 0.1


def test_medians_over_the_seeds():
    first, second = table().medians()
    assert (first["grid"], first["test_loss"], first["networks"], first["failures"]) == (3, pytest.approx(0.2), 2, 0)
    assert (second["grid"], second["test_loss"], second["networks"], second["failures"]) == (
        5,
        pytest.approx(0.06),
        2,
        1,
    )
    assert table().medians().settings == ["width", "grid"]


def test_what_pandas_writes_where_nothing_is_counts_as_nothing():
    nan = float("nan")
    found = Table({**row, "failed": row.get("failed") or nan, "test_loss": row["test_loss"] or nan} for row in table())
    assert found.best()["test_loss"] == 0.05
    assert pareto(found, y="test_loss")["test_loss"] == [0.1, 0.05]
    assert len(found.failed) == 1


@pytest.mark.parametrize("of", [Table.medians, Table.to_pandas])
def test_columns_are_looked_for_once_and_not_for_every_row(of, monkeypatch):
    pytest.importorskip("pandas")
    plain, calls = Table.columns.fget, []
    monkeypatch.setattr(Table, "columns", property(lambda self: calls.append(1) or plain(self)))
    of(Table({"grid": n, "seed": 0, "test_loss": 1.0} for n in range(50)))
    assert len(calls) <= 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.sort("tset_loss"), r"`by` argument of sort must be one of .*Did you mean 'test_loss'\?"),
        (lambda t: t["gird"], r"`index` argument of Table\[…\] must be one of .*Did you mean 'grid'\?"),
        (lambda t: t.where(gird=3), r"`\*\*values` argument of where must be one of"),
        (lambda t: t.failed.best(), "`by` argument of best must be a column with a value in some row"),
        (lambda t: Table([]).sort(), "`by` argument of sort must be a column of a table that has rows"),
        (lambda t: pareto(Table([])), "`table` argument of pareto must be with at least one row"),
        (lambda t: pareto([1, 2]), "`table` argument of pareto must be a Table"),
        (lambda t: pareto(t, y="width"), "`y` argument of pareto must be one of"),
        (lambda t: plot_pareto(t, label="colour"), "`label` argument of plot_pareto must be one of"),
        (lambda t: plot_pareto(t, theme="pink"), "`theme` argument of plot_front must be one of"),
    ],
)
def test_errors(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call(table())


def test_pandas_and_parquet(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = table().to_pandas()
    assert list(frame.columns) == table().columns
    assert frame.groupby("width").size().to_dict() == {"[2, 1]": 5}
    assert frame["test_loss"].isna().sum() == 1
    table().to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), frame, check_dtype=False)


def test_numbers_and_lists_in_one_column_go_to_parquet(tmp_path):
    pd = pytest.importorskip("pandas")
    Table([{"mult_arity": 2}, {"mult_arity": [[], [3], []]}, {"mult_arity": None}]).to_parquet(tmp_path / "t.parquet")
    assert pd.read_parquet(tmp_path / "t.parquet")["mult_arity"].tolist()[:2] == ["2", "[[], [3], []]"]


points = st.lists(st.tuples(st.integers(1, 5), st.sampled_from([0.1, 0.2, 0.3, None])), max_size=12)


@given(points, st.randoms(use_true_random=False))
def test_the_front_is_what_none_beats(given_points, rng: random.Random):
    rows = [{"parameters": p, "test_loss": e, "train_loss": 1.0, "n": n} for n, (p, e) in enumerate(given_points)]
    front = list(pareto(Table(rows), y="test_loss")) if rows else []
    known = [row for row in rows if row["test_loss"] is not None]

    def beats(a, b):
        no_worse = a["parameters"] <= b["parameters"] and a["test_loss"] <= b["test_loss"]
        return no_worse and (a["parameters"], a["test_loss"]) != (b["parameters"], b["test_loss"])

    unbeaten = {(r["parameters"], r["test_loss"]) for r in known if not any(beats(other, r) for other in known)}
    assert [(r["parameters"], r["test_loss"]) for r in front] == sorted(unbeaten)
    rng.shuffle(rows)
    again = pareto(Table(rows), y="test_loss") if rows else []
    assert [(r["parameters"], r["test_loss"]) for r in again] == sorted(unbeaten)


def test_the_plot_names_the_corners_by_what_varies():
    axes = plot_pareto(table()).axes[0]
    assert [text.get_text() for text in axes.texts] == ["5", "3"]
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert axes.get_xlabel() == "parameters"
    named = plot_pareto(table(), label="width", title="A <b>title</b>").axes[0]
    assert [text.get_text() for text in named.texts] == ["[2, 1]", "[2, 1]", "A <b>title</b>"]


def test_labels_of_a_front_stand_apart_and_within_the_figure():
    rows = [{"grid": n, "parameters": 20 + n, "test_loss": 2.0**-n} for n in range(40)]
    axes = plot_pareto(Table(rows)).axes[0]
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) > 5
    assert axes.texts[0].get_text() == "39"
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    assert all(axes.figure.bbox.fully_containsx(box.x0) for box in boxes)


def test_plots_of_nothing_and_of_zeros():
    assert plot_pareto(table().failed).axes[0].texts[0].get_text() == "no results"
    zeros = Table([{"parameters": 3, "test_loss": 0.0}, {"parameters": 2, "test_loss": 1.0}])
    assert plot_pareto(zeros).axes[0].get_yscale() == "linear"


def test_the_front_is_drawn_for_both_grounds():
    for theme in ("auto", "light", "dark"):
        assert re.match("<svg", plot_pareto(table(), theme=theme)._repr_svg_())


def test_the_names_of_the_package():
    assert kanwidget.pareto is pareto
    assert kanwidget.plot_pareto is plot_pareto


def test_a_notebook_shows_rows_and_no_empty_columns():
    shown = Table([{"width": [2, 1], "lamb": None, "test_loss": 0.123456, "stop_reason": "a < b"}])._repr_html_()
    assert "<td>[2, 1]</td><td>0.1235</td><td>a &lt; b</td>" in shown
    assert "lamb" not in shown
    gap = Table([{"grid": 3, "test_loss": None}, {"grid": 5, "test_loss": 0.5}])._repr_html_()
    assert "<td>3</td><td></td>" in gap
    assert "more row" not in shown
    many = Table([{"grid": grid} for grid in range(31)])._repr_html_()
    assert many.count("<tr>") == 31
    assert "1 more row:" in many
    assert Table([])._repr_html_().count("<td>") == 0


@pytest.mark.parametrize(("low", "high"), [(0.104, 0.199), (0.11, 0.13), (1e-6, 0.1), (1.2, 8.0), (0.2, 0.2)])
def test_errors_can_be_read_off_the_front_however_close_they_are(low, high):
    rows = [
        {"parameters": size, "test_loss": loss} for size, loss in ((18, high), (27, (low * high) ** 0.5), (36, low))
    ]
    axis = plot_pareto(Table(rows)).axes[0].yaxis
    first, last = axis.get_view_interval()
    assert sum(first <= tick <= last for tick in axis.get_majorticklocs()) >= 2
