"""Laws of tables with a column of words: f(words) is a term, or a factor, with a value and an error for each."""

import re

import numpy as np
import pandas
import pytest
import sympy
import torch

from kanwidget import KAN
from kanwidget.simplification.word_numbers import WordNumbers
from kanwidget.symbolic.formulas.regression.problem import Problem

LEVELS = {"clay": 2.0, "oak": 5.0, "steel": 9.0}


def frame_of(law, seed=0, rows=300, noise=0.03):
    """Two columns of numbers, x and y from 0.5 to 3, one of words, and the target by a law of x, y and the value of the word."""
    rng = np.random.default_rng(seed)
    x, y, kind = rng.uniform(0.5, 3, rows), rng.uniform(0.5, 3, rows), rng.choice([*LEVELS], rows, p=[0.5, 0.3, 0.2])
    truth = law(x, y, pandas.Series(kind).map(LEVELS).to_numpy())
    return pandas.DataFrame(
        {"x": x, "y": y, "kind": kind, "z": truth + noise * truth.std() * rng.standard_normal(rows)}
    )


def fitted(law, seed=0, **options):
    frame = frame_of(law, seed, **options)
    model = KAN.for_data((frame, "z"), seed=seed)
    model.fit((frame, "z"), progress=False)
    simple = model.simplify((frame, "z"))
    return simple, simple.fit_formula((frame, "z")), frame


@pytest.mark.slow
def test_words_that_multiply_are_a_factor_with_their_own_values():
    simple, formula, frame = fitted(lambda x, y, f: f * x / y**2)
    assert formula.text == "x*f(kind)/y**2"
    (table,) = formula.as_read.words.tables.values()
    for level, value in LEVELS.items():
        assert table[level].value == pytest.approx(value, abs=4 * table[level].error)
        assert table[level].error < 0.2
    assert re.search(r"where f\(kind\) = {clay: [12].\d+ ± 0.0", str(formula))
    # The network says the same, and so does the program.
    assert simple.score((frame, "z")) > 0.998
    scope = {}
    exec(formula.code(), scope)
    value = scope["formula"](*(frame[name].to_numpy() for name in ("x", "y", "kind")))
    assert np.abs(value - frame.z).max() < 0.2 * frame.z.std()


@pytest.mark.slow
def test_words_that_add_stand_beside_a_law_of_the_numbers():
    _, formula, frame = fitted(lambda x, y, f: 3 * x**2 / y + f)
    assert re.fullmatch(
        r"f\(kind\) \+ [\d.]+ \+ [23][\d.]*\*x\*\*2/y|[23][\d.]*\*x\*\*2/y \+ f\(kind\) \+ [\d.]+", formula.text
    )
    (table,) = formula.as_read.words.tables.values()
    mean = frame.kind.map(LEVELS).mean()
    for level, value in LEVELS.items():
        assert table[level].value == pytest.approx(value - mean, abs=4 * table[level].error)


@pytest.mark.slow
def test_words_that_say_nothing_are_in_no_law():
    _, formula, _ = fitted(lambda x, y, f: 2 * x * np.exp(-y))
    assert formula.text == "2*x*exp(-y)"


@pytest.mark.slow
def test_exact_rows_leave_nothing_and_keep_their_words():
    _, formula, frame = fitted(lambda x, y, f: 9 * x + f, rows=120, noise=0.0)
    (table,) = formula.as_read.words.tables.values()
    mean = frame.kind.map(LEVELS).mean()
    assert [one.value for one in table.values()] == pytest.approx([value - mean for value in LEVELS.values()], abs=1e-6)


class TestWordNumbers:
    """The numbers that words count as in a search."""

    @pytest.fixture
    def rows(self):
        x = torch.rand(60, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        x[:, 1] = torch.arange(60) % 3
        return x

    def numbers(self, law, x):
        class Network:
            columns = torch.tensor([0, 1])

            def layer(self, index):
                return type("Layer", (), {"levels": (0, 3)})

            def __call__(self, x):
                return law(x[:, 0], torch.tensor([2.0, 5.0, 9.0], dtype=torch.float64)[x[:, 1].long()])[:, None]

        return WordNumbers.of(Network(), x, ("a", "town"))

    def test_terms_are_added_and_sum_to_nothing(self, rows):
        words = self.numbers(lambda a, f: a**2 + f, rows)
        assert words.added == {1}
        assert words.names == ("a", "f(town)")
        torch.testing.assert_close(words.numbers[1], torch.tensor([-10 / 3, -1 / 3, 11 / 3], dtype=torch.float64))
        torch.testing.assert_close(words.sum(rows), words.in_numbers(rows)[:, 1])
        assert words.text("a**2", [0, 1]) == "a**2 + f(town)"

    def test_factors_are_as_large_as_the_values_also_beside_an_offset(self, rows):
        words = self.numbers(lambda a, f: f * torch.exp(-a) + 20, rows)
        assert not words.added
        assert words.text("a", [0, 1]) == "a"
        numbers = words.numbers[1]
        torch.testing.assert_close(numbers / numbers[0], torch.tensor([1.0, 2.5, 4.5], dtype=torch.float64))
        assert float(numbers.mean()) == pytest.approx(1)
        assert bool((words.sum(rows) == 0).all())

    def test_a_word_that_training_had_not_counts_as_the_mean(self, rows):
        words = self.numbers(lambda a, f: f * a, rows)
        rows[0, 1] = 0.5
        assert float(words.in_numbers(rows)[0, 1]) == pytest.approx(1)

    def test_numbers_and_constants_are_fitted_together(self, rows):
        words = self.numbers(lambda a, f: f * torch.exp(-a) + 20, rows)
        values = torch.tensor([2.2, 4.6, 9.5], dtype=torch.float64)
        a, f = symbols = sympy.symbols("a f(town)")
        y = values[rows[:, 1].long()] * torch.exp(-2 * rows[:, 0]) + 1
        law, moved = words.fitted(
            5.0 * f * sympy.exp(-1.9 * a) + 1.2, Problem(symbols, words.in_numbers(rows), y), rows
        )
        problem = Problem(symbols, moved.in_numbers(rows), y)
        assert problem.deviance(law) < 1e-6
        torch.testing.assert_close(moved.numbers[1] / moved.numbers[1][0], values / 2.2, atol=1e-3, rtol=1e-3)


class TestErrors:
    """Standard errors of the values of words in a law, which no posterior gives."""

    @pytest.mark.parametrize(
        ("law", "text", "fixed", "centred"),
        [
            (lambda x, f: f * x / (x + 1.5), "2.0*x*(phi(k) + 1.0)/(x + 1.5)", ("2.0", "1.0"), False),
            (lambda x, f: 4 * x**2 + f, "4.0*x**2 + phi(k) + 5.0", (), True),
        ],
    )
    def test_they_are_the_spread_over_tables_drawn_anew(self, law, text, fixed, centred):
        values, rows = np.array([2.0, 5.0, 9.0]), 240
        rng = np.random.default_rng(1)
        x, k = rng.uniform(0.2, 4, rows), rng.integers(0, 3, rows)
        truth = law(x, values[k])
        x_, k_ = symbols = [sympy.Symbol("x"), sympy.Symbol("k")]
        expression = sympy.sympify(text, {"phi": sympy.Function("phi"), "x": x_, "k": k_})
        applied = sympy.Function("phi")(k_)
        numbers = values / 2 - 1 if not centred else values - values[k].mean()
        table = torch.tensor(numbers)
        columns = torch.stack([torch.tensor(x), torch.tensor(k, dtype=torch.float64)], 1)
        if centred:
            expression = expression.xreplace({sympy.Float("5.0"): sympy.Float(values[k].mean())})

        def problem(y):
            return Problem(symbols, columns, torch.tensor(y), {"phi": lambda code: table[code.long()]})

        noise = 0.2
        said = []
        for _ in range(40):
            y = truth + noise * rng.standard_normal(rows)
            fixed_floats = {sympy.Float(number) for number in fixed}
            said.append(problem(y).level_errors(expression, applied, [0, 1, 2], fixed_floats, centred=centred))
        # The truth by least squares, linear but for the constant 1.5, to first order.
        design = np.eye(3)[k] * (x / (x + 1.5) if not centred else np.ones(rows))[:, None]
        other = -values[k] * x / (x + 1.5) ** 2 if not centred else x**2
        found = []
        for _ in range(400):
            fit = np.linalg.lstsq(np.column_stack([design, other]), noise * rng.standard_normal(rows), rcond=None)[0][
                :3
            ]
            found.append(fit - fit @ np.bincount(k, minlength=3) / rows if centred else fit)
        size = 1.0 if centred else 2.0  # 2·(f + 1) is what is measured
        np.testing.assert_allclose(size * np.mean(said, axis=0), np.std(found, axis=0), rtol=0.15)
