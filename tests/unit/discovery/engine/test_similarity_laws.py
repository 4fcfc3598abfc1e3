"""Similarity laws: words and smaller tables of noisy rows, with columns that say nothing, and where there is no such law."""

import pytest
import torch

from kanwidget.discovery.engine.similarity.laws import similarity_laws
from kanwidget.discovery.engine.table import EngineTable
from kanwidget.discovery.engine.trees import values
from tests.support.engine import AWKWARD, EVERYTHING, awkward_table, table_of, uniform

RANGE = (0.5, 3.0)
NAMES = ["a", "b", "c", "d", "e"]
#: What is said first of a law of columns with 2 % of noise.
LAWS = {
    "one product": (lambda a, b, c, d: a * b**2 * torch.tanh(c / (a * d)), "it depends on c/(a*d) only, beside a factor a*b^2"),
    "no factor": (lambda a, b, c, d: torch.exp(-a * b / (c * d)), "it depends on a*b/(c*d) only"),
    "a column alone": (lambda a, b, c, d: a * c**2 * torch.sin(b) / d, "it depends on b only, beside a factor a*c^2/d"),
    "roots": (lambda a, b, c, d: a**0.5 / (1 + (b / c) ** 1.5), "it depends on b/c only, beside a factor sqrt(a)"),
    "thirds": (lambda a, b, c, d: a ** (2 / 3) * torch.log(1 + b / d), "it depends on b/d only, beside a factor a^(2/3)"),
    "two products": (lambda a, b, c, d: a / (1 + b / a) * torch.exp(-c * d / a), "it depends on b/a, c*d/a only, beside a factor a"),
}  # fmt: skip


def laws(table, names=NAMES):
    return [reduction for reduction in similarity_laws(table, names) if reduction is not None]


@pytest.mark.parametrize("law", LAWS)
def test_laws_are_seen_in_noisy_rows(law):
    function, text = LAWS[law]
    table = table_of(function, *[RANGE] * 4, rows=600, noise=0.02)
    found = laws(table)
    assert text in [reduction.text for reduction in found], [reduction.text for reduction in found]


@pytest.mark.parametrize("law", LAWS)
def test_smaller_tables_are_those_of_their_columns(law):
    table = table_of(LAWS[law][0], *[RANGE] * 4, rows=600, noise=0.02)
    for reduction in laws(table):
        smaller = reduction.table(table)
        torch.testing.assert_close(smaller.y * values(reduction.factor, table.columns.unbind()), table.y)
        assert len(smaller.columns) < len(table.columns)


def test_dummy_columns_are_left_out():
    table = table_of(lambda a, b, c, d, e: a * torch.exp(-b / c), *[RANGE] * 4, (-2, 2), rows=600, noise=0.02)
    texts = [reduction.text for reduction in laws(table)]
    assert texts[0] == "it depends on b/c only, beside a factor a"
    assert not any(name in text.replace("depends", "").replace("beside", "").split() for text in texts for name in "de")


def test_a_column_that_changes_its_sign_and_says_nothing_is_in_no_product():
    table = table_of(lambda a, b, c, d: a * b**2 / c, RANGE, RANGE, RANGE, (-2, 2), rows=600, noise=0.02)
    assert not any("d" in text.replace("depends", "").replace("beside", "") for text in [r.text for r in laws(table)])


def test_a_column_that_changes_its_sign_stands_in_a_product():
    table = table_of(lambda a, b, c: a * torch.sin(c / b), RANGE, RANGE, (-3, 3), rows=600, noise=0.02)
    assert laws(table)[0].text == "it depends on c/b only, beside a factor a"


def test_its_sign_stays_beside_roots():
    table = table_of(lambda a, b, c: a * torch.sin(c / b**0.5), RANGE, RANGE, (-2, 2), rows=600, noise=0.02)
    reduction = laws(table)[0]
    expected = table.columns[2] / table.columns[1].sqrt()
    torch.testing.assert_close(reduction.table(table).columns[0], expected)


def test_roots_need_their_operation():
    table = table_of(LAWS["roots"][0], *[RANGE] * 4, rows=600, noise=0.02, operations=EVERYTHING - {"sqrt"})
    assert not any("sqrt" in reduction.text for reduction in laws(table))


@pytest.mark.slow
def test_of_many_columns_those_that_say_something_take_part():
    x = uniform(600, *[RANGE] * 30)
    names = [f"x_{i}" for i in range(30)]
    table = EngineTable(x, x[:, 20] * torch.exp(-x[:, 21] / x[:, 22]), None, EVERYTHING)
    assert "it depends on x_21/x_22 only, beside a factor x_20" in [reduction.text for reduction in laws(table, names)]


@pytest.mark.parametrize(
    "law",
    [
        lambda a, b, c, d: a + torch.sin(3 * b) * c**2 - torch.exp(d),
        lambda a, b, c, d: torch.sin(2 * a - b) + torch.cos(3 * c * d),
        lambda a, b, c, d: 1 / (0.3 + (a - b) ** 2 + (c - d) ** 2),
    ],
)
def test_a_law_that_is_none_is_not_seen(law):
    assert not laws(table_of(law, *[RANGE] * 4, rows=600, noise=0.02))


def test_noise_alone_has_no_law():
    x = uniform(400, RANGE, RANGE, RANGE)
    y = torch.randn(400, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    assert not laws(EngineTable(x, y, None, EVERYTHING))


@pytest.mark.parametrize("kind", AWKWARD)
def test_awkward_tables_raise_nothing(kind):
    texts = [reduction.text for reduction in laws(awkward_table(kind, lambda a, b, c: a * torch.exp(-b / c)))]
    if kind == "no weight":
        assert "it depends on b/c only, beside a factor a" in texts
    if kind == "few rows":
        assert not texts
