"""The benchmark of real tables, on small ones: its splits and scores, what it runs again, and what it prints."""

import math

import numpy as np
import pandas
import pytest

from kanwidget import KAN, Dataset
from tools.benchmarks.paper.store import Store
from tools.benchmarks.tables import __main__ as command
from tools.benchmarks.tables import own
from tools.benchmarks.tables.data import TABLES, Numeric, Problem, problem_of
from tools.benchmarks.tables.methods import METHODS, Method
from tools.benchmarks.tables.summary import Summary, key, summaries


def frame(rows=120):
    random = np.random.default_rng(0)
    table = pandas.DataFrame({"a": random.normal(size=rows), "word": random.choice(["u", "v", "w"], rows)})
    table["target"] = 2 * table["a"] + (table["word"] == "v") + 0.1 * random.normal(size=rows)
    table.loc[3, "a"] = None
    table.loc[5, "word"] = None
    return table


def problem(classes=False):
    table = frame()
    targets = np.where(table["target"] > 0.3, "high", "a low one") if classes else table["target"]
    return problem_of(table.assign(target=targets), "target", 0, classes=classes)


def test_the_stored_results_are_those_of_the_tables_and_methods():
    for name, row in Store("tables").jobs().items():
        table, seed, method = name.split("/")
        assert (table in TABLES, int(seed) in command.SEEDS, method in METHODS) == (True, True, True)
        assert ("failure" in row) != (row.get("score", 2.0) <= 1)
        assert TABLES[table].classes == ("log_loss" in row) or "failure" in row


def test_a_quarter_is_held_out_and_a_seed_decides_which():
    first, again = problem(), problem()
    assert (len(first.train), len(first.held_out)) == (90, 30)
    assert first.held_out.equals(again.held_out)
    assert sorted([*first.y, *first.truth]) == sorted(frame()["target"])


def test_frames_as_numbers():
    train = pandas.DataFrame({"a": [1.0, None, 4.0, 7.0], "word": ["u", "v", None, "u"], "idle": [2, 2, 2, 2]})
    numbers = Numeric(train)
    fresh = pandas.DataFrame({"a": [None, 3.0], "word": ["v", "new"], "idle": [2, 5]})
    assert numbers(train).to_dict("list") == {"a": [1, 4, 4, 7], "word_u": [1, 0, 0, 1], "word_v": [0, 1, 0, 0]}
    assert numbers(fresh).to_dict("list") == {"a": [4, 3], "word_u": [0, 0], "word_v": [1, 0]}


def test_scores():
    empty = pandas.DataFrame()
    numbers = Problem((), empty, np.empty(0), empty, np.array([1.0, 2.0, 3.0]))
    assert numbers.scores(np.array([1.0, 2.0, 3.0])) == {"score": 1.0}
    assert numbers.scores(np.full(3, 2.0)) == {"score": 0.0}
    classes = Problem(("no", "yes"), empty, np.empty(0), empty, np.array([0, 1, 1]))
    found = classes.scores(np.array([[0.5 + 1e-9, 0.5], [0.5, 0.5 + 1e-9], [1.0, 0.0]]))
    assert found["score"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["log_loss"] == pytest.approx((2 * math.log(2) - math.log(1e-15)) / 3, abs=1e-6)
    with pytest.raises(ValueError, match="no number"):
        numbers.scores(np.array([1.0, np.nan, 0.0]))


@pytest.mark.parametrize("classes", [False, True])
def test_a_network_predicts_words_and_missing_cells(classes):
    row = command.job(METHODS["kanwidget"], problem(classes))
    assert row["score"] > (0.8 if classes else 0.9)


class ShortExplorer:
    """An explorer whose single act makes every edge a straight line, or with `curves` leaves them as they are."""

    curves = False

    def __init__(self, frame, target):
        self._data = Dataset.from_frame(frame, target, test_fraction=0)
        self.model = KAN.for_data(self._data, width=[self._data.n_features, self._data.n_outputs])
        self.fitted_formula = None

    def next_act(self):
        return "lines" if self.fitted_formula is None else None

    def follow(self, act):
        self.model.fit(self._data, steps=20, progress=False)
        if not self.curves:
            self.model.auto_symbolic(lib=["x"], data=self._data, r2_threshold=-1)
            self.model.fit(self._data, steps=20, progress=False)
        self.fitted_formula = self.model.fit_formula(self._data)

    def close(self):
        pass


@pytest.mark.slow
@pytest.mark.parametrize("curves", [False, True])
@pytest.mark.parametrize("classes", [False, True])
def test_the_formula_of_the_acts_predicts(monkeypatch, classes, curves):
    monkeypatch.setattr(own, "KANExplorer", ShortExplorer)
    monkeypatch.setattr(ShortExplorer, "curves", curves)
    row = command.job(METHODS["acts"], problem(classes))
    assert row["score"] > (0.8 if classes else 0.9)


# ---- running


class SmallTable:
    classes = False

    def problem(self, seed):
        return problem()


def of_mean(problem):
    return lambda columns: np.full(len(columns), problem.y.mean())


def failing(problem):
    raise ArithmeticError("no way")


@pytest.fixture
def done(monkeypatch):
    """The splits for which a peer was fitted."""
    done = []

    def fit(problem):
        done.append(len(problem.train))
        return of_mean(problem)

    monkeypatch.setitem(METHODS, "peer", Method("a peer", fit, "numpy"))
    monkeypatch.setitem(METHODS, "failing", Method("failing", failing, "numpy"))
    monkeypatch.setitem(METHODS, "absent", Method("absent", fit, "a package that isn't there"))
    return done


def test_a_run_makes_what_the_results_lack(done, capsys):
    store, tables = Store(None), {"small": SmallTable()}
    command.run(store, tables, ["peer", "absent"], [0, 1], [])
    assert set(store.jobs()) == {"small/0/peer", "small/1/peer"}
    assert "absent isn't installed" in capsys.readouterr().out
    assert done.count(90) == 2
    store.put("small/0/peer", store.jobs()["small/0/peer"] | {"version": "an older one"})
    command.run(store, tables, ["peer"], [0, 1, 2], [])
    assert done.count(90) == 3  # a peer's result stays
    command.run(store, tables, ["peer"], [0], ["peer"])
    assert done.count(90) == 4
    assert store.jobs()["small/0/peer"]["version"] == METHODS["peer"].version()


def test_what_an_older_source_gave_is_made_again(monkeypatch):
    monkeypatch.setitem(METHODS, "own", Method("own", of_mean, rooms=("core",)))
    store = Store(None)
    store.put("small/0/own", {"score": 0.5, "version": "an older one"})
    command.run(store, {"small": SmallTable()}, ["own"], [0], [])
    assert store.jobs()["small/0/own"]["version"] == METHODS["own"].version()


def test_a_failure_says_why_and_ranks_last(done):
    store = Store(None)
    command.run(store, {"small": SmallTable()}, ["peer", "failing"], [0], [])
    assert store.jobs()["small/0/failing"]["failure"] == "ArithmeticError: no way"
    summary = Summary(store.jobs(), {"small": False}, ["peer", "failing"], [0])
    assert summary.ranks() == {"peer": 1.0, "failing": 2.0}
    assert "small/0/failing failed: ArithmeticError: no way" in list(summary.lines())


# ---- the summary


def jobs(scores):
    rows = {}
    for (table, method), values in scores.items():
        for seed, score in enumerate(values):
            rows[key(table, seed, method)] = {"score": score, "seconds": 1.0 + seed, "version": "1"}
    return rows


def test_ranks_compare_the_splits_that_all_methods_have():
    scores = {("t", "line"): [0.5, 0.9], ("t", "boosting"): [0.5], ("t", "kanwidget"): [0.6, 0.1]}
    summary = Summary(jobs(scores), {"t": False, "empty": False}, ["line", "boosting", "kanwidget", "ebm"], [0, 1])
    assert summary.methods == ["line", "boosting", "kanwidget"]
    assert summary.ranks() == {"line": 2.5, "boosting": 2.5, "kanwidget": 1.0}
    assert summary.splits["t"] == [0]


def test_a_method_with_fewer_splits_has_a_summary_of_its_own():
    scores = {("t", "line"): [0.5, 0.9], ("t", "ebm"): [0.6], ("t", "kanwidget"): [0.6, 0.1]}
    whole, shared = summaries(jobs(scores), {"t": False}, ["line", "ebm", "kanwidget"], [0, 1])
    assert (whole.methods, whole.splits["t"]) == (["line", "kanwidget"], [0, 1])
    assert (shared.methods, shared.splits["t"]) == (["line", "ebm", "kanwidget"], [0])
    assert len(summaries(jobs(scores), {"t": False}, ["line", "kanwidget", "acts"], [0, 1])) == 1


def test_what_falls_short_is_named():
    scores = {
        ("numbers", "line"): [0.5, 0.5],
        ("numbers", "kanwidget"): [0.5, 0.47],
        ("classes", "line"): [0.8, 0.8],
        ("classes", "kanwidget"): [0.8, 0.77],
    }
    summary = Summary(jobs(scores), {"numbers": False, "classes": True}, ["line", "kanwidget"], [0, 1])
    assert summary.short_of("kanwidget", "line") == {"classes": pytest.approx(-0.015)}
    text = "\n".join(summary.lines())
    assert "KAN.fit         classes -0.015" in text
    assert summary.seconds("kanwidget") == (1.5, 1.5)
