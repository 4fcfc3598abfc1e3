"""Words in formulas: tables with errors, in text, LaTeX and source code."""

import json
import math

import numpy as np
import pandas
import pytest
import sympy
import torch

from kanwidget import KAN, Dataset
from kanwidget.datasets import as_dataset
from kanwidget.symbolic import FittedFormula, FormulaForm, formula_forms, numeric_functions, symbolic_formula, to_numpy
from kanwidget.symbolic.formulas.regression.problem import Problem
from kanwidget.symbolic.formulas.simplest import simplest
from kanwidget.symbolic.formulas.words import LevelValue, Words
from tests.support.programs import run

OFFSETS = {"ash": -2.0, "beech": 0.5, "elm": 4.0, "oak": 1.0}
NOISE = 0.3


def trees(rows=400, seed=0):
    rng = np.random.default_rng(seed)
    frame = pandas.DataFrame(
        {
            "height": rng.uniform(5, 30, rows),
            # Half of the trees are oaks: the mean of rows isn't that of levels.
            "kind": rng.choice([*OFFSETS], rows, p=[0.1, 0.2, 0.2, 0.5]),
            "pruned": rng.choice(["no", "yes"], rows),
        }
    )
    offset = frame.kind.map(OFFSETS)
    frame["girth"] = 0.4 * frame.height + offset - 1.5 * (frame.pruned == "yes") + NOISE * rng.normal(size=rows)
    return frame


@pytest.fixture(scope="module")
def fitted():
    frame = trees()
    model = KAN.for_data((frame, "girth"))
    model.fit((frame, "girth"), progress=False)
    return model, frame


def truth(frame):
    mean = frame.kind.map(OFFSETS).mean()
    return {level: value - mean for level, value in OFFSETS.items()}


def test_a_table_has_the_values_about_the_mean_of_the_rows(fitted):
    model, frame = fitted
    formula = model.fit_formula((frame, "girth"))
    (table,) = formula.words.tables.values()
    expected = truth(frame)
    for level, one in table.items():
        assert one.value == pytest.approx(expected[level], abs=4 * one.error)
        assert 0.5 < one.error / (NOISE / math.sqrt((frame.kind == level).sum())) < 1.5
    assert sum(table[level].value for level in frame.kind) == pytest.approx(0, abs=1e-9)
    assert list(formula.words.switches) == ["pruned"]


@pytest.mark.slow
def test_errors_hold_the_truth_as_often_as_they_say():
    inside = []
    for seed in range(25):
        frame = trees(120, seed)
        model = KAN.for_data((frame, "girth"))
        model.fit((frame, "girth"), progress=False)
        (table,) = model.fit_formula((frame, "girth")).words.tables.values()
        expected = truth(frame)
        inside += [abs(one.value - expected[level]) < 2 * one.error for level, one in table.items()]
    assert 0.9 < np.mean(inside) < 1


def test_expressions_compute_what_the_network_does(fitted):
    model, frame = fitted
    expressions, symbols = symbolic_formula(model, model.in_vars)
    codes = model.encoding.encode(frame, "test", "frame")
    found = to_numpy(expressions[0], symbols, model)(codes)
    assert found == pytest.approx(model.predict(frame).flatten().numpy(), abs=1e-9)
    (table,) = Words.of(model, _data(model, frame)).tables.values()
    values = numeric_functions(model)["phi_0_1_0"](torch.arange(4.0, dtype=torch.float64)).tolist()
    assert [one.value for one in table.values()] == pytest.approx(values)


def _data(model, frame):

    return as_dataset((frame, "girth"), "test", model.in_vars, model.encoding)


def test_text_latex_and_source_say_what_words_stand_for(fitted):
    model, frame = fitted
    simple = model.simplify((frame, "girth")) or model
    form = next(form for form in formula_forms(simple, (frame, "girth")) if form.name == "rounded")
    assert r"f\left(\mathrm{kind}\right) = \begin{cases}" in form.latex
    assert r"\mathrm{pruned} = \begin{cases} 0 & \mathrm{no} \\ 1 & \mathrm{yes} \end{cases}" in form.latex
    source, space = form.words.code(form.expressions, form.variables), {}
    assert "# pruned: 0 for 'no', 1 for 'yes'" in source
    exec(source, space)
    pruned = (frame.pruned == "yes").to_numpy(float)
    found = space["formula"](frame.height.to_numpy(), frame.kind.to_numpy(), pruned)
    assert found == pytest.approx(simple.predict(frame).flatten().numpy(), abs=0.1)
    script = f"{form.words.code(form.expressions, form.variables, 'javascript')}"
    rows = json.dumps([list(row) for row in zip(frame.height, frame.kind, pruned, strict=True)])
    script += f"console.log(JSON.stringify({rows}.map((row) => formula(...row))));"
    assert json.loads(run("node", "-e", script)) == pytest.approx(found.tolist(), rel=1e-12)
    # A level that training hadn't has the mean of the levels, as in the network.
    other = frame.head(1).assign(kind="yew")
    unmet = space["formula"](other.height.to_numpy(), other.kind.to_numpy(), pruned[:1])
    assert unmet == pytest.approx(simple.predict(other).flatten().numpy(), abs=0.1)


def test_a_long_table_is_cut_in_text_and_whole_in_source(fitted):

    levels = {f"level {i}": LevelValue(float(i), 0.5) for i in range(60)}
    words, kind = Words({"phi_0_0_0": levels}, {"phi_0_0_0": 0.0}), sympy.Symbol("kind")
    applied = sympy.Function("phi_0_0_0")(kind)
    (line,) = words.lines([applied], {"phi_0_0_0": "f"})
    assert line.startswith("where f(kind) = {level 0: 0.0 ± 0.5, ")
    assert line.endswith(", and 40 more}")
    assert "'level 59': 59.0" in words.code([applied], [kind])


def test_a_simplified_network_has_errors(fitted):
    model, frame = fitted
    simple = model.simplify((frame, "girth"))
    assert simple is not None
    _, error = simple.predict(frame, return_std=True)
    assert 0 < float(error.mean()) < NOISE
    assert " ± " in repr(simple.fit_formula((frame, "girth"))).splitlines()[2]


def test_source_code_says_where_dates_begin_and_what_stands_for_missing_cells():
    frame = trees(100)
    frame["planted"] = pandas.Timestamp("1990-04-05 10:00") + pandas.to_timedelta(10 * np.arange(100), unit="D")
    frame["girth"] += 0.1 * np.arange(100)
    frame.loc[3, "height"] = None
    model = KAN.for_data((frame, "girth"))
    model.fit((frame, "girth"), progress=False)
    form = formula_forms(model, _data(model, frame))[0]
    source = form.words.code(form.expressions, form.variables)
    assert f"# height: {model.encoding.columns[0].fill!r} where it is missing" in source
    assert "days since 1990-04-05" in source


def test_the_constant_beside_a_table_stays_whatever_it_is():
    """The zero of a table is the mean of its rows, so a constant of 0 beside it is no simpler formula; without it the others would move."""
    frame = trees(150)
    mean = frame.kind.map(OFFSETS).mean()
    frame["girth"] = frame.girth - mean + 0.03  # a standard error or so from 0
    model = KAN.for_data((frame, "girth"))
    model.fit((frame, "girth"), progress=False)
    simple = model.simplify((frame, "girth")) or model
    formula = simple.fit_formula((frame, "girth"))
    constant = formula.expression.as_coeff_Add()[0]
    assert constant != 0
    assert float(constant) == pytest.approx(0.03, abs=4 * formula.constants[constant][1])


def test_what_is_redundant_goes_before_the_constant_beside_a_table():
    """In c + a·x + b·(x - d)² one of three is needless."""
    x, kind = sympy.symbols("x kind")
    rows = torch.stack([torch.linspace(0, 10, 200), torch.arange(200) % 3], 1).double()
    y = 0.3 * (rows[:, 0] - 5) ** 2 + rows[:, 1] - 1.2
    table = {"phi_0_1_0": lambda code: code - 1}
    start = -0.1 + 0.05 * x + sympy.Float(0.29) * (x - sympy.Float(4.9)) ** 2 + sympy.Function("phi_0_1_0")(kind)
    _, fit = simplest(Problem([x, kind], rows, y, table, where="test"), start)
    assert fit.expression.as_coeff_Add()[0] == pytest.approx(-0.2)
    assert len(fit.symbols) <= 3


def test_source_looks_up_missing_and_rare_words_as_the_network_does():
    rng, rows = np.random.default_rng(0), 900
    common = [f"common {i}" for i in range(95)]
    rare = [f"rare {i}" for i in range(30)]
    words = [*rng.choice(common, rows - 60), *rare, *rare]
    frame = pandas.DataFrame({"x": rng.uniform(0, 1, rows), "word": words})
    offset = {
        word: float(value)
        for word, value in zip([*common, *rare], rng.normal(0, 1, 95).tolist() + [5.0] * 30, strict=True)
    }
    frame["y"] = 2 * frame.x + frame.word.map(offset) + 0.05 * rng.normal(size=rows)
    frame.loc[:40, "word"] = None
    model = KAN.for_data((frame, "y"))
    model.fit((frame, "y"), progress=False)
    words = Words.of(model, as_dataset((frame, "y"), "test", model.in_vars, model.encoding))
    assert "other" in next(iter(words.tables.values()))
    expressions, symbols = symbolic_formula(model, model.in_vars)
    (curve,) = (name for name in numeric_functions(model) if name not in words.tables)
    space: dict = {}
    exec(words.code(expressions, symbols), space)
    asked = pandas.concat([frame[["x", "word"]], pandas.DataFrame({"x": [0.5, 0.5], "word": ["rare 99", np.nan]})])
    codes = {curve: numeric_functions(model)[curve]}
    found = space["formula"](asked.x.to_numpy(), asked.word.to_numpy(), **codes)
    assert found == pytest.approx(model.predict(asked).flatten().numpy(), abs=1e-9)


def test_words_without_names_are_numbers():
    frame = trees()
    model = KAN.for_data((frame, "girth"))
    model.fit((frame, "girth"), progress=False)
    data = _data(model, frame)
    model.encoding = None
    (table,) = Words.of(model, Dataset(data.train_input, data.train_label)).tables.values()
    assert list(table) == ["0", "1", "2", "3"]


# ---- words behind a factor, as hidden nodes make it: the table has it, in the unit of the term

KIND, FLOW = sympy.symbols("kind flow")
PHI, PSI = (sympy.Function(name)(KIND) for name in ("phi_0_0_0", "phi_0_1_0"))
WORDS = Words(
    {name: {"ash": LevelValue(-0.5, 0.1), "oak": LevelValue(0.25, 0.2)} for name in ("phi_0_0_0", "phi_0_1_0")},
    {"phi_0_0_0": 0.125, "phi_0_1_0": 0.0},
)


def values_of(words, name="phi_0_0_0"):
    return [*words.tables[name].values()]


def test_a_factor_of_words_is_in_their_table():
    expression, _, words = WORDS.in_units(-4.0 * FLOW * PHI + 3.0 * PSI + 1.0, {})
    assert expression == FLOW * PHI + PSI + 1.0
    assert values_of(words) == [LevelValue(2.0, 0.4), LevelValue(-1.0, 0.8)]
    assert [one.value for one in values_of(words, "phi_0_1_0")] == [-1.5, 0.75]
    assert words.unmet == {"phi_0_0_0": -0.5, "phi_0_1_0": 0.0}


def test_a_decimal_that_stands_elsewhere_too_stays_a_constant():
    factor = sympy.Float(4.0)
    _, constants, _ = WORDS.in_units(factor * PHI + factor * FLOW, {factor: (4.0, 1.0)})
    assert constants == {factor: (4.0, 1.0)}


def test_errors_are_those_of_values_by_the_factor_as_it_is():
    factor = sympy.Float(4.0)
    expression, constants, words = WORDS.in_units(factor * PHI, {factor: (4.0, 1.0)})
    assert (expression, constants) == (PHI, {})
    assert values_of(words)[0] == LevelValue(-2.0, pytest.approx(0.4))


def test_what_depends_on_words_alone_is_in_their_table():
    """The constants at the function go with it: a function of words is another one."""
    four, two = sympy.Float(4.0), sympy.Float(2.0)
    constants = {four: (4.0, 9.0), two: (2.0, 9.0)}
    expression, remaining, words = WORDS.in_units(four * FLOW * (PHI + two) + 1.0, constants)
    assert (expression, remaining) == (FLOW * PHI + 1.0, {})
    assert values_of(words) == [LevelValue(6.0, 0.4), LevelValue(9.0, 0.8)]
    assert words.unmet["phi_0_0_0"] == 8.5
    expression, _, words = WORDS.in_units(four * sympy.exp(two * PHI - FLOW), constants)
    assert expression == PHI * sympy.exp(-FLOW)
    value = 4 * math.exp(-1)
    assert values_of(words)[0] == LevelValue(pytest.approx(value), pytest.approx(2 * value * 0.1))


@pytest.mark.parametrize(
    "expression",
    [
        2.0 * PHI + 3.0 * FLOW * PHI,  # two terms
        2.0 * sympy.exp(PHI),  # within another function
        2.0 * PHI**2,
        2.0 * PHI * sympy.exp(PHI),  # a second time in its term
        2.0 * PHI * (PHI + FLOW),
        2 * PHI + 1.0,  # an exact number belongs to the form
    ],
)
def test_words_without_a_factor_of_their_own_stay(expression):
    assert WORDS.in_units(expression, {}) == (expression, {}, WORDS)


@pytest.mark.parametrize("error", [5.0, math.inf])
def test_a_factor_that_is_not_determined_stays(error):
    factor = sympy.Float(4.0)
    constants = {factor: (4.0, error)}
    assert WORDS.in_units(factor * PHI, constants) == (factor * PHI, constants, WORDS)


def test_levels_of_one_value_share_it_where_nobody_knows_errors():
    words = Words({"phi_0_0_0": {name: LevelValue(0.5, math.nan) for name in ("ash", "elm")}})
    expression, _, own = words.in_units(4.0 * PHI, {})
    assert own.lines([expression], {"phi_0_0_0": "f"}) == ["where f(kind) = {ash or elm: 2}"]


def test_several_outputs_share_their_words():
    parts = [
        FittedFormula(name, factor * PHI, [KIND], {}, names={"phi_0_0_0": "f"}, words=WORDS, alone=False)
        for name, factor in (("y", sympy.Float(2.0)), ("z", sympy.Float(-3.0)))
    ]
    assert [part.text for part in parts] == ["2.0*f(kind)", "-3.0*f(kind)"]
    form = FormulaForm.of("rounded", parts, 0.1)
    assert form.text == "y = 2.0*f(kind)\nz = -3.0*f(kind)"


def test_what_is_written_has_the_factor_in_the_table_and_the_same_values():
    factor, slope = sympy.Float(4.0), sympy.Float(3.0)
    constants = {factor: (4.0, 0.5), slope: (3.0, 0.25)}
    formula = FittedFormula(
        "y", factor * PHI + slope * FLOW, [KIND, FLOW], constants, names={"phi_0_0_0": "f"}, words=WORDS
    )
    assert repr(formula).splitlines() == [
        "y = 3.0*flow + f(kind)",
        "where f(kind) = {ash: -2.0 ± 0.4, oak: 1.0 ± 0.8}",
        "constants 3.0 ± 0.2",
    ]
    assert "4" not in formula.latex
    space = {}
    exec(formula.code(), space)
    assert space["formula"](np.array(["ash", "oak", "elm"]), 1.0).tolist() == [1.0, 4.0, 3.5]
    form = FormulaForm.of("rounded", [formula], 0.1)
    assert form.text == "y = 3.0*flow + f(kind)"
    assert form.certain == [(3.0, 0.25)]
    assert form.as_read.words == formula.as_read.words
    assert form.expressions == (formula.expression,)  # that of the network's own edges
    assert FormulaForm.of("as trained", [formula], 0.1).text == "y = 3.0*flow + 4.0*f(kind)"


def test_words_behind_a_curve_keep_a_value_without_an_error_of_the_fit():
    """Trained without evidence there is no posterior, and the hidden node's curve has no derivative that sympy knows."""
    frame = trees(120)
    model = KAN.for_data((frame, "girth"), width=[3, 1, 1])
    model.fit((frame, "girth"), opt="Adam", steps=5, progress=False)
    (table,) = model.fit_formula((frame, "girth")).as_read.words.tables.values()
    assert all(math.isfinite(one.value) for one in table.values())


def test_a_value_outside_of_a_functions_domain_is_no_number():
    _, _, words = WORDS.in_units(FLOW * sympy.log(PHI), {})
    ash, oak = values_of(words)
    assert math.isnan(ash.value)
    assert oak.value == pytest.approx(math.log(0.25))
