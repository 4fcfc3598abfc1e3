"""The benchmark of discovery: its answers, its results, its tables, and what it refuses."""

import math
from dataclasses import replace

import pytest
import sympy
import torch

from tools.benchmarks.discovery import __main__ as command
from tools.benchmarks.discovery import answers, running
from tools.benchmarks.discovery.competitors.problem import Clock, Problem, rows
from tools.benchmarks.discovery.competitors.table import COMPETITORS, competitor
from tools.benchmarks.discovery.store import FOLDER, Best, Row, Store, Task
from tools.benchmarks.discovery.suites import cases
from tools.benchmarks.discovery.tables import failures, groups, table, times, versions

TASK = Task("kanwidget", "nguyen", "Nguyen-8")
EXACT = Row(TASK, (Best(0.5, "x/2"), Best(2.5, "sqrt(x)")), 3.0, exact=True, form=True, r2=1.0, first=2.5)


def row(name, *, task=TASK, **verdict):
    return replace(EXACT, task=task._replace(case=name), **verdict)


@pytest.fixture
def compete(monkeypatch):
    """Registers a function problem → formulas as the competitor of all tasks."""

    def register(solve):
        monkeypatch.setattr(answers, "competitor", lambda name: solve)

    return register


# ---- answers


def test_the_last_formula_is_the_answer(compete):
    def solve(problem):
        (x,) = problem.symbols
        yield x / 2
        yield sympy.sqrt(x) + 1e-5
        yield 1.0 * sympy.sqrt(x)
        return {"roots": 1.5}

    compete(solve)
    *better, last = answers.answers(TASK)
    assert [row.formula for row in better] == ["x/2", "sqrt(x) + 1.0e-5", "1.0*sqrt(x)"]
    assert last.times == (("roots", 1.5),)
    assert [best.formula for best in last.trace] == ["sqrt(x) + 1.0e-5", "1.0*sqrt(x)"]  # x/2 predicts worse
    verdict = answers.judged(last)
    assert (verdict.exact, verdict.form, verdict.r2) == (True, True, 1.0)
    assert verdict.first == last.trace[0].seconds


def test_a_competitor_that_fails_keeps_its_best_formula(compete):
    def solve(problem):
        yield problem.symbols[0] / 2
        raise OverflowError("too large")

    compete(solve)
    *_, last = answers.answers(TASK)
    assert (last.formula, last.failure) == ("x/2", "OverflowError: too large")
    verdict = answers.judged(last)
    assert not verdict.exact
    assert verdict.first is None
    assert verdict.r2 < 1


def test_no_formula_is_no_answer(compete):
    compete(lambda problem: iter(()))
    (last,) = answers.answers(TASK)
    assert last.formula == ""
    assert answers.judged(last).exact is False


def test_a_task_has_the_rows_of_its_conditions():
    data = answers.data_of(TASK._replace(noise=0.1, dummies=2, seed=3))
    assert data.in_vars == ("x", "dummy_1", "dummy_2")
    assert len(data.train_input) == len(data.test_input) == 1000
    assert float((data.train_label[:, 0] - data.train_input[:, 0].sqrt()).std()) > 0.01


@pytest.mark.slow
def test_the_own_search_finds_an_easy_law():
    data = answers.data_of(Task("kanwidget", "feynman", "I.12.5"))
    *_, best = competitor("kanwidget")(Problem(data, Clock(5), 0))
    assert answers.is_law(best, answers.case_of(Task("kanwidget", "feynman", "I.12.5")), data)


def test_rows_for_peers_are_of_a_usual_size():
    case = next(
        case for case in cases("development") if min(high for _, high in case.equation.ranges) > 1e6 or case.log
    )
    data = case.rows(50, test=10)
    scaled = rows(data, 0)
    assert (len(scaled.x), len(scaled.held_x)) == (40, 10)
    assert all(math.log10(unit).is_integer() for unit in (*scaled.x_units, scaled.y_unit))
    names = [sympy.Symbol(name) for name in data.in_vars]
    formula = scaled.in_own_units(names[0] + 1, names)
    expected = scaled.y_unit * (float(data.train_input[0, 0]) / scaled.x_units[0] + 1)
    assert float(formula.subs(names[0], float(data.train_input[0, 0]))) == pytest.approx(expected)
    assert scaled.error(scaled.held_y) == 0
    assert scaled.error(scaled.held_y * math.nan) == math.inf


# ---- runs


class Context:
    """Processes that run at once in this one."""

    def __init__(self):
        self.Pipe = running.multiprocessing.Pipe

    def set_forkserver_preload(self, names): ...

    def Process(self, target, args, daemon):
        return Process(target, args)


class Process:
    exitcode = -24

    def __init__(self, target, args):
        self.target, self.args = target, args

    def start(self):
        try:
            self.target(*self.args)
        except KeyboardInterrupt:
            self.args[0].close()

    def join(self): ...


@pytest.fixture
def in_this_process(monkeypatch):
    monkeypatch.setattr(running.multiprocessing, "get_context", lambda method: Context())
    monkeypatch.setattr(running, "_limit", lambda seconds: None)
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_rows_come_back_with_their_verdicts(compete, in_this_process):
    compete(lambda problem: iter([sympy.sqrt(problem.symbols[0])]))
    unjudged = replace(EXACT, task=TASK._replace(seed=7), exact=None, form=None)
    done = {row.task.seed: row for row in running.run([Row(TASK, version="1.0"), unjudged], 2)}
    assert done[0].exact
    assert done[0].version == "1.0"
    assert done[0].formula == "sqrt(x)"
    assert done[7].exact
    assert done[7].formula == unjudged.formula


def test_what_was_found_until_a_process_broke_down_is_judged(compete, in_this_process):
    def solve(problem):
        yield sympy.sqrt(problem.symbols[0])
        raise KeyboardInterrupt

    compete(solve)
    (row,) = running.run([Row(TASK)], 1)
    assert (row.formula, row.exact, row.failure) == ("sqrt(x)", True, "the search ended with code -24")


@pytest.mark.parametrize("trace", [(), EXACT.trace], ids=["search", "verdict"])
def test_a_process_that_breaks_down_at_once_says_so(trace, monkeypatch, in_this_process):
    def broken(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "answers", broken)
    monkeypatch.setattr(running, "judged", broken)
    (row,) = running.run([Row(TASK, trace)], 1)
    assert (row.exact, row.form) == (False, False)
    assert row.failure == f"the {'verdict' if trace else 'search'} ended with code -24"


# ---- the store


def test_rows_outlive_the_run(tmp_path):
    store = Store(tmp_path / "new")
    other = Row(
        TASK._replace(case='A, with "commas"', noise=0.01),
        (),
        1.0,
        "ValueError: broken\nin two lines",
        "1.2",
        (("a", 1.0),),
    )
    store.put(EXACT)
    store.put(other)
    assert store.rows("kanwidget") == {TASK: EXACT, other.task: other}
    store.put(replace(EXACT, exact=False))
    assert store.rows("kanwidget")[TASK].exact is False
    assert store.rows("gplearn") == {}
    assert [path.name for path in (tmp_path / "new").iterdir()] == [f"{TASK.competitor}.csv"]


@pytest.mark.parametrize("name", COMPETITORS)
def test_the_results_are_those_of_cases(name):
    names = {(suite, case.name) for suite in command.SUITES if suite != "unseen" for case in cases(suite)}
    for task, row in Store().rows(name).items():
        assert task.suite == "unseen" or (task.suite, task.case) in names
        assert row.judged
        assert row.form >= row.exact
        assert (row.first is not None) == row.exact
        assert row.first is None or row.first <= row.spent


# ---- tables


def test_units_are_told_where_a_task_says_so(monkeypatch):
    seen = []

    def solve(problem):
        seen.append(problem.units)
        return iter(())

    monkeypatch.setattr(answers, "competitor", lambda name: solve)
    task = Task("kanwidget", "feynman", "I.12.5", dummies=1)
    for told in (False, True):
        list(answers.answers(task._replace(units=told)))
    assert seen == [None, {"q_2": "C", "E_f": "V/m", "dummy_1": "C", "F": "N"}]


def test_a_line_counts_verdicts_and_seconds():
    rows = [
        row("Nguyen-1", first=4.0),
        row("Nguyen-2", first=20.0),
        row("Nguyen-3", first=6.0),
        row("Nguyen-4", exact=False, first=None),
        row("Nguyen-5", exact=False, form=False, r2=0.9, first=None),
    ]
    line = next(line for line in table(rows) if line.startswith("nguyen"))
    assert line.split() == ["nguyen", "kanwidget", "0", "0", "60", "-", "5", "3", "4", "4", "6.0", "33%", "67%", "100%"]


def test_groups_are_apart_by_conditions_and_in_the_order_of_the_suites():
    rows = [
        row("a", task=TASK._replace(suite="development")),
        row("a", task=TASK._replace(noise=0.01)),
        row("a", task=TASK._replace(units=True)),
        row("a", task=TASK._replace(competitor="gplearn")),
        row("a"),
    ]
    assert len(groups(rows)) == 5
    starts = [line.split()[:3] for line in table(rows) if line.startswith(("nguyen", "development"))]
    assert [start[1] for start in starts] == ["gplearn", *["kanwidget"] * 4]
    assert starts[-1][0] == "development"


def test_a_group_without_an_exact_formula_has_no_seconds():
    (line,) = (line for line in table([row("a", exact=False, first=None)]) if line.startswith("nguyen"))
    assert line.split()[-4:] == ["-"] * 4


def test_failures_are_named():
    rows = [row("a"), row("b", exact=False), row("c", exact=False, form=False), row("d", exact=False, failure="killed")]
    text = "\n".join(failures(rows))
    assert text.endswith("3 not exact\n  ~b, c, !d")
    assert list(failures([row("a")])) == []


def test_seconds_of_strategies_are_added():
    lines = list(times([row("a", times=(("laws", 1.0), ("curves", 3.0))), row("b", times=(("laws", 4.0),)), row("c")]))
    assert [line.split() for line in lines[1:]] == [["laws", "5.0", "s", "62%"], ["curves", "3.0", "s", "38%"]]


def test_versions_of_competitors_are_counted():
    lines = list(versions([row("a", version="x"), row("b", version="x"), row("c", version="y")]))
    assert lines == ["\nanswers of kanwidget: 2 of version x, 1 of version y"]


# ---- the command


@pytest.fixture
def done(monkeypatch):
    """The tasks that the command runs, each of which is exact at once."""
    tasks = []
    monkeypatch.setattr(command, "version_of", lambda name: "1.0")

    def run(rows, workers):
        for row in rows:
            tasks.append(row.task)
            yield replace(EXACT, task=row.task)

    monkeypatch.setattr(command, "run", run)
    return tasks


def test_a_run_makes_what_the_results_lack(done, tmp_path, capsys):
    options = ["--only", "nguyen", "--cases", "Nguyen-1", "Nguyen-8", "--results", str(tmp_path)]
    command.main([*options, "--cases", "Nguyen-1"])
    command.main(options)
    assert [task.case for task in done] == ["Nguyen-1", "Nguyen-8"]
    command.main([*options, "--noise", "0.01", "--dummies", "3", "--seconds", "5"])
    assert done[2:] == [
        TASK._replace(case=name, noise=0.01, dummies=3, seconds=5.0) for name in ("Nguyen-1", "Nguyen-8")
    ]
    command.main([*options, "--anew", "--competitor", "gplearn", "pyoperon"])
    assert [task.competitor for task in done[4:]] == ["gplearn", "pyoperon"] * 2
    capsys.readouterr()
    command.main([*options, "--show"])
    assert len(done) == 8
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines[1:5]] == ["gplearn", "kanwidget", "pyoperon", "kanwidget"]


def test_answers_are_judged_anew(done, tmp_path):
    store = Store(tmp_path)
    store.put(replace(EXACT, exact=False))
    command.main(["--only", "nguyen", "--judge", "--results", str(tmp_path)])
    assert done == [TASK]
    assert store.rows("kanwidget")[TASK].exact


def test_a_quick_run_takes_some_cases_of_each_suite_and_keeps_nothing(done, capsys):
    before = sorted(FOLDER.glob("*"))
    command.main(["--quick"])
    assert {task.suite for task in done} == set(command.SUITES) - {"unseen"}
    assert {task.seconds for task in done} == {10.0}
    assert sum(task.seconds for task in done) <= 600
    assert "feynman" in capsys.readouterr().out
    assert sorted(FOLDER.glob("*")) == before


def test_unseen_laws_are_for_the_end(capsys):
    with pytest.raises(SystemExit):
        command.main(["--only", "unseen"])
    assert "give --final" in capsys.readouterr().err
    assert "unseen" not in command.parser().parse_args([]).only


def test_unseen_laws_are_shown_with_final(done, tmp_path, capsys):
    Store(tmp_path).put(row("a", task=TASK._replace(suite="unseen")))
    command.main(["--show", "--results", str(tmp_path)])
    assert "unseen" not in capsys.readouterr().out


def test_show_and_quick_exclude_each_other(capsys):
    with pytest.raises(SystemExit):
        command.main(["--show", "--quick"])
    assert "there are none to show" in capsys.readouterr().err
