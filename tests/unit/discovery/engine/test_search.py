"""The search: invented laws within a budget of steps, the same reports for the same seed, plain words, noise, units."""

import itertools
import re

import pytest
import torch

from kanwidget.discovery.engine.reductions import Reduction
from kanwidget.discovery.engine.search import Limits, Rows, search
from kanwidget.discovery.engine.strategies import Strategies
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import complexity, nodes, values
from tests.support.engine import EVERYTHING, uniform

UNIT, WIDE = (0.5, 2), (0.5, 3)
#: The law, the ranges of its columns; the steps within which it is found stand with room to spare.
LAWS = {
    "a line": (lambda a, b, c: 2 * a - 3 * b + 0.5, (-2, 2), UNIT, (0, 1)),
    "a polynomial": (lambda a, b: a**3 - 2 * a * b + b**2, (-2, 2), (-2, 2)),
    "an offset": (lambda a, b: 1.5 * a**2 * b + 1.5, UNIT, UNIT),
    "a decay": (lambda a, b: 2 * a * torch.exp(-0.6 * b), UNIT, WIDE),
    "a fraction": (lambda a, b: a * b / (a + 2 * b), UNIT, WIDE),
    "a saturation": (lambda a: 5 * a / (2 + a), (0.5, 6)),
    "a root": (lambda a, b: (a**2 + 3 * b).sqrt(), UNIT, WIDE),
    "a wave": (lambda a, b: a * torch.sin(b) + b, UNIT, WIDE),
    "a pulse": (lambda a: a * torch.exp(-(a**2)), (-2, 2)),
    "a product": (lambda a, b, c: a * (1 - b / c) ** 2, (1, 2), UNIT, (3, 4)),
    "a saturating function": (lambda a, b: b * torch.tanh(a), (-2, 2), UNIT),
    "an exponent": (lambda a, b: 3 * a**1.37 * b**-0.42, UNIT, WIDE),
}
STEPS = 150
PLAIN = re.compile(r"[\w ,.:;²√/()^*+\-'·=]+")


def rows_of(law, *ranges, rows=100, noise=0.0, scales=None):
    x = uniform(rows, *ranges)
    y = law(*x.T)
    if noise:
        y = y + noise * y.std() * torch.randn(rows, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    if scales:
        x, y = x * torch.tensor(scales[:-1], dtype=torch.float64), y * scales[-1]
    return Rows(x, y, None, tuple("abcd"[: len(ranges)]), "y")


def reports_of(rows, steps=STEPS, operations=EVERYTHING, most=60.0, seed=0, until=1e-9):
    """Reports up to a number of steps, or up to a formula of this error."""
    reports = []
    for report in itertools.islice(search(rows, Limits(operations, most, seed)), steps):
        reports.append(report)
        if report.tree is not None and error(rows, report.tree) < until:
            break
    return reports


def error(rows, tree):
    """Relative to the spread of y."""
    return float((values(tree, list(rows.x.T)) - rows.y).square().mean().sqrt() / rows.y.std(correction=0))


def formulas(reports):
    return [report.tree for report in reports if report.kind == "formula"]


@pytest.mark.slow
@pytest.mark.parametrize("name", LAWS)
def test_laws_are_found_exactly_within_some_steps(name):
    rows = rows_of(*LAWS[name])
    reports = reports_of(rows)
    assert error(rows, formulas(reports)[-1]) < 1e-9
    assert all(PLAIN.fullmatch(report.text) for report in reports), {report.text for report in reports}


def test_the_end_of_a_step_names_contenders_the_best_formula_first():
    rows = rows_of(LAWS["a decay"][0], UNIT, WIDE, noise=0.05)
    reports = reports_of(rows, steps=40)
    last = next(report for report in reversed(reports) if report.kind != "formula")
    trees = [tree for tree, _ in last.contenders]
    assert len(trees) > 1
    assert trees[0] in formulas(reports)
    assert all(origin for _, origin in last.contenders)
    assert max(error(rows, tree) for tree in trees) < 0.1
    assert all(report.contenders == () for report in reports if report.kind == "formula")


@pytest.mark.slow
def test_an_exact_formula_has_no_contenders():
    reports = reports_of(rows_of(*LAWS["a fraction"]), until=0.0, steps=60)
    assert any(report.tree is not None for report in reports)
    assert reports[-1].contenders == ()


@pytest.mark.slow
@pytest.mark.parametrize("columns", [1, 2])
def test_reports_are_the_same_for_the_same_seed(columns):
    def law(*x):
        return torch.log(1 + x[0] ** 2) * x[-1] + torch.sin(3 * x[0])

    rows = rows_of(law, *[UNIT] * columns, rows=60)
    first, second = (reports_of(rows, steps=70) for _ in range(2))
    assert first == second
    assert len(first) == 70


@pytest.mark.slow
def test_trials_have_no_formula_and_formulas_have_one():
    reports = reports_of(rows_of(*LAWS["a wave"]), until=0.0, steps=60)
    assert {report.kind for report in reports} == {"trying", "formula"}
    assert all((report.tree is not None) == (report.kind == "formula") for report in reports)
    # What a step brought comes before its words.
    assert reports[-1].kind == "trying"


def test_one_percent_of_noise_leaves_the_form():
    rows = rows_of(lambda a, b: 2 * a * torch.exp(-0.6 * b), UNIT, WIDE, rows=200, noise=0.01)
    found = [tree for tree in formulas(reports_of(rows, steps=40)) if error(rows, tree) < 0.0108]
    simplest = min(found, key=complexity)
    assert complexity(simplest) < 12
    clean = rows_of(lambda a, b: 2 * a * torch.exp(-0.6 * b), UNIT, WIDE)
    assert error(clean, simplest) < 0.003


@pytest.mark.slow
@pytest.mark.parametrize("scales", [(1e-20, 1e20, 1.0), (1e9, 1e9, 1e-20)])
def test_units_do_not_matter(scales):
    rows = rows_of(*LAWS["a fraction"], scales=scales)
    assert error(rows, formulas(reports_of(rows))[-1]) < 1e-9


def test_limits_are_kept():
    allowed = EVERYTHING - {"sin", "cos", "tan", "exp", "log"}
    reports = reports_of(rows_of(*LAWS["a wave"]), steps=80, operations=allowed, most=12.0)
    assert formulas(reports)
    for tree in formulas(reports):
        assert complexity(tree) <= 12
        assert not {node[0] for node in nodes(tree)} & {"sin", "cos", "tan", "exp", "log"}


def test_weights_of_zero_leave_rows_out():
    rows = rows_of(*LAWS["a decay"])
    y, weights = rows.y.clone(), torch.ones(100, dtype=torch.float64)
    y[:10], weights[:10] = 100.0, 0.0
    rows = Rows(rows.x, y, weights, rows.names, "y")
    others = Rows(rows.x[10:], y[10:], None, rows.names, "y")
    assert min(error(others, tree) for tree in formulas(reports_of(rows, steps=20))) < 1e-9


def test_the_search_goes_on_to_its_end_with_a_row_or_two():
    rows = rows_of(lambda a: a, UNIT, rows=4)
    assert formulas(reports_of(rows, steps=30, until=0.0))


@pytest.mark.slow
def test_what_is_known_of_the_target_is_a_finding():
    law = (lambda a, b, c: a**2 * torch.exp(torch.sin(b * c) + (b * c) ** 2 / 5), UNIT, UNIT, UNIT)
    reports = reports_of(rows_of(*law, rows=300), steps=400, until=1e-9)
    findings = [report.text for report in reports if report.kind == "finding"]
    assert all(PLAIN.fullmatch(text) and text.startswith(("y: ", "what is left: ")) for text in findings)
    assert any("it depends on b*c only, beside a factor a^2" in text for text in findings)


@pytest.mark.slow
def test_noisy_products_of_three_curves_are_seen_and_found():
    rows = rows_of(lambda a, b, c: a * torch.exp(-1.5 / b) * (1 + 0.3 * c**2), UNIT, UNIT, WIDE, rows=300, noise=0.03)
    findings, found = [], False
    for report in itertools.islice(search(rows, Limits(EVERYTHING, 60.0)), 450):
        findings += [report.text] if report.kind == "finding" else []
        if report.tree is not None and complexity(report.tree) < 20 and error(rows, report.tree) < 0.032:
            heads = {node[0] for node in nodes(report.tree)}
            found |= {"exp", "sq"} <= heads and bool({"inv", "div"} & heads)
    assert findings == ["y = f(a)·g(b)·h(c)"]
    assert found


@pytest.mark.slow
def test_terms_that_share_columns_are_searched_by_themselves():
    law = (lambda a, b, c: (a**2 + b**2).sqrt() + 0.8 * torch.sin(2 * c), (1, 9), (1, 9), (0, 6))
    rows = rows_of(*law, rows=400, noise=0.05)
    trees = [report.tree for report in search(rows, Limits(EVERYTHING, 60.0, stages=("first",), networks=False))]
    clean = rows_of(*law, rows=400)
    best = min(
        (tree for tree in trees if tree is not None and complexity(tree) < 25), key=lambda tree: error(rows, tree)
    )
    assert error(clean, best) < 0.01


def test_what_is_found_of_a_part_is_not_said_of_the_whole():
    rows = rows_of(
        lambda a, b, c: a * torch.sin(3 * b) + b**2 + 0.8 * torch.sin(2 * c), WIDE, WIDE, WIDE, rows=300, noise=0.03
    )
    engine = EngineTable(rows.x, rows.y, None, EVERYTHING)
    whole = Strategies(engine, ["a", "b", "c"], "y", networks=False)
    beside = ("mul", ("c", 0.8), ("sin", ("mul", ("c", 2.0), ("x", 2))))
    part = Reduction((("x", 0), ("x", 1)), ("n", 1), "of a and b", beside)
    list(itertools.islice(whole._searched(part, "trying"), 5))
    ((_, smaller, _),) = whole.smaller.values()
    assert smaller.target == "what is left"


@pytest.mark.slow
def test_a_sum_and_a_product_are_never_both_said_to_be_the_law():
    rows = rows_of(lambda a, b: 12 + torch.sin(3 * a) + b, UNIT, UNIT, rows=300, noise=0.3)
    reports = itertools.islice(search(rows, Limits(EVERYTHING, 60.0)), 450)
    findings = [report.text for report in reports if report.kind == "finding"]
    assert findings == ["y = f(a) + g(b)", "or, hardly worse, y = f(a)·g(b)"]
