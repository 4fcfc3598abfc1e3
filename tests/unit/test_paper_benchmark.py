"""The benchmark of published figures: its table, its results, and that a run goes on where another one ended."""

import json
import math

import pytest
import torch

from kanwidget.datasets import dimensionless, dimensionless_equations
from tools.benchmarks.paper import __main__ as command
from tools.benchmarks.paper import continual, elsewhere, feynman
from tools.benchmarks.paper.parts import PARTS, Part
from tools.benchmarks.paper.problems import PUBLISHED, ROWS
from tools.benchmarks.paper.store import FOLDER, Store
from tools.benchmarks.paper.table import Line, table


def line(published, ours, **options):
    return Line("part", "row", published, ours, 1.0, **options)


def test_ours_is_the_median_and_the_ratio_its_share_of_the_published_error():
    better = line(1e-3, [4e-4, 1e-4, 9e-4])
    assert better.median == 4e-4
    assert better.ratio == pytest.approx(0.4)
    assert better.below
    assert not line(1e-3, [1e-3]).below


def test_of_accuracies_what_is_wrong_counts():
    accuracy = line(80.0, [90.0], percent=True)
    assert accuracy.ratio == pytest.approx(0.5)
    assert accuracy.below
    assert not line(99.2, [98.6], percent=True).below
    assert "80.0 %    90.0 %     0.50" in str(accuracy)


def test_a_line_says_whose_seconds_they_are():
    assert "~1.0" in str(line(1.0, [0.5], clock=True))
    assert "~" not in str(line(1.0, [0.5]))


def test_ratios_stay_short():
    assert " 5e+05 " in str(line(1e-7, [5e-2]))
    assert " 3e-04 " in str(line(1e-3, [3e-7]))


def test_the_table_counts_the_rows_that_are_better():
    text = list(table([line(1.0, [0.5]), line(1.0, [2.0], note="a corner")]))
    assert text[-1] == "1 of 2 rows are below the published figure."
    assert text[2].endswith("a corner")


def test_a_run_makes_what_the_results_lack(monkeypatch, tmp_path):
    done = []

    def jobs(quick):
        for key in "abc":
            yield f"{key}/0", lambda key=key: done.append(key) or {"test": 0.5}

    def lines(part, results):
        for key, run in results.items():
            yield Line(part, key, 1.0, [run["test"]], 0.0)

    monkeypatch.setattr(command, "PARTS", {"part": Part(jobs, lines, "results")})
    store = Store(None)
    store.once("b/0", lambda: {"test": 2.0})
    command.run(["part"], {"results": store}, quick=False)
    assert done == ["a", "c"]
    command.run(["part"], {"results": store}, quick=False)
    assert done == ["a", "c"]
    assert "2 of 3 rows" in command.report(["part"], {"results": store}, quick=False)


def test_results_in_a_file_outlive_the_run(monkeypatch, tmp_path):
    monkeypatch.setattr("tools.benchmarks.paper.store.FOLDER", tmp_path)
    assert Store("some").once("key", lambda: {"test": 1}) == {"test": 1}
    assert Store("some").once("key", lambda: {"test": 2}) == {"test": 1}
    assert json.loads((tmp_path / "some.json").read_text())["about"]["dtype"] == "float64"
    assert Store(None).jobs() == {}


def test_show_and_quick_exclude_each_other(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["paper", "--show", "--quick"])
    with pytest.raises(SystemExit):
        command.main()
    assert "there are none to show" in capsys.readouterr().err


def test_quick_runs_a_part_and_keeps_nothing(monkeypatch, capsys):
    threads, before = torch.get_num_threads(), {path: path.stat().st_mtime_ns for path in FOLDER.glob("*.json")}
    monkeypatch.setattr("sys.argv", ["paper", "--quick", "--only", "continual"])
    command.main()
    torch.set_num_threads(threads)
    text = capsys.readouterr().out
    assert "continual  five peaks" in text
    assert "at once" not in text  # notes are those of whole runs
    assert {path: path.stat().st_mtime_ns for path in FOLDER.glob("*.json")} == before


@pytest.mark.parametrize("name", PARTS)
def test_a_line_that_is_not_better_says_why(name):
    part = PARTS[name]
    for row in part.lines(name, Store(part.results).jobs()):
        assert row.part == name
        assert all(math.isfinite(value) for value in row.ours)
        assert row.below or row.note


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("quick", [False, True])
def test_keys_are_unique(name, quick):
    keys = [key for key, _ in PARTS[name].jobs(quick)]
    assert len(keys) == len(set(keys))


@pytest.mark.parametrize(
    "name", ["toys", "special", "feynman", "poisson", "knots", "anderson", "continual", "extension"]
)
def test_the_results_are_whole(name):
    part = PARTS[name]
    jobs = Store(part.results).jobs()
    assert [key for key, _ in part.jobs(False) if key not in jobs] == []
    assert list(part.lines(name, jobs))


def test_all_dimensionless_equations_have_published_figures():
    assert list(feynman.PUBLISHED) == [equation.name for equation in dimensionless_equations()]
    assert set(feynman.REASONS) <= set(feynman.PUBLISHED)
    assert all(dimensionless(name).name == name and len(row) == 4 for name, row in feynman.PUBLISHED.items())
    assert set(PUBLISHED) <= set(ROWS)


def test_an_equation_is_measured_on_rows_that_were_not_trained_on():
    run = feynman.measured("II.38.3", 0, hidden=(2,), grids=(3,), starts=1)
    assert run["shape"] == [2, 2, 1]
    assert run["train"] < run["test"] < 0.01
    assert run["grid"] == 3


def test_formulas_are_compared_where_both_sides_have_the_same_measure():
    common = {"exact": 3, "starts": 3, "seconds": 1.0}
    results = {
        "a": {"task": "xy", "published": "1.3e-16", "error": 1e-17, "accuracy": None, **common},
        "b": {"task": "moons", "published": "99.7 % right", "error": None, "accuracy": 0.998, **common},
        "c": {"task": "phases", "published": "0.12", "error": None, "accuracy": 0.9, **common},
        "d": {"task": "mass", "published": "-", "error": 1e-9, "accuracy": None, **common},
    }
    lines = list(elsewhere.formula_lines("formulas", results))
    assert [(row.row, row.published, row.median) for row in lines] == [("xy", 1.3e-16, 1e-17), ("moons", 99.7, 99.8)]
    assert lines[0].note == "exact from 3 of 3 starts"


def test_physics_has_a_line_where_a_test_error_was_printed():
    run = {"rmse": 1e-16, "exact": True, "seconds": 1.0}
    results = {
        "P11": {"name": "P11", "theirs": ".28*log(2.5*J) - .67, 2.89e-11 (Physics_4A)", **run},
        "free": {"name": "free", "theirs": "1.19 - 1.08*sqrt(1 - x**2), loss 5.03e-5, free mass (Physics_1)", **run},
        "new": {"name": "new", "theirs": "", **run},
    }
    assert [(row.row, row.published) for row in elsewhere.physics_lines("physics", results)] == [("P11", 2.89e-11)]


def test_the_peaks_are_learnt():
    assert max(continual.job()["peaks"]) < 1e-5
