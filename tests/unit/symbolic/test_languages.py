"""Formulas in C, JavaScript and a sheet's cells give what they give here: compiled, run, and read by the rules of a sheet."""

import ctypes
import json
import re

import numpy as np
import pandas
import pytest
import sympy
import torch

from kanwidget.core.primitives import primitives
from kanwidget.symbolic.formulas.evaluation import evaluate
from kanwidget.symbolic.writing.forms import form_of_fit
from kanwidget.symbolic.writing.languages import LANGUAGES, source
from kanwidget.symbolic.writing.python_source import LevelSource, to_python
from kanwidget.symbolic.writing.sympy_forms import to_sympy
from tests.support.programs import run
from tests.support.sheet import Sheet

X, Y = sympy.symbols("x y")
#: A place in the domain of each, away from poles.
FITS = {
    row.name: to_sympy(form_of_fit(row, (0.31, 0.25, -1.7, 0.4), ("var", "x")))
    for row in primitives()
    if row.name != "0"
}
OTHERS = {
    "sum": 2.5 * sympy.sin(3 * X) ** 2 - X**2 / 3 + sympy.pi * sympy.E,
    "minus first": -(X**2) + Y,
    "minus a power": -((X + Y) ** sympy.Rational(1, 2)) * sympy.exp(-(X**2)),
    "power of a power": ((X + 1) ** sympy.Float(2.3)) ** (-Y / 3),
    "quotients": X / Y / (1 + X / Y) - 1 / (X * Y),
    "cases": sympy.Piecewise((X, X > Y), (Y**2, sympy.And(X < 1, Y >= 0.5)), (-X, True)),
    "step": 3 * sympy.Heaviside(X - Y) - 1,
    "largest": sympy.Max(X, Y, 1) - sympy.Min(X, 2 * Y),
    "rare": sympy.sinc(X) + sympy.cot(X + 1) + sympy.asinh(X) + sympy.floor(4 * X) - sympy.ceiling(3 * Y),
}
FORMULAS = FITS | OTHERS
ROWS = 1000


def columns():
    generator = np.random.default_rng(0)
    return generator.uniform(0.1, 1.9, ROWS), generator.uniform(0.2, 1.5, ROWS)


@pytest.fixture(scope="module")
def expected():
    x, y = map(torch.from_numpy, columns())
    return {name: evaluate(expr, {X: x, Y: y}, {}, like=x).numpy() for name, expr in FORMULAS.items()}


def identifier(name):
    return "f_" + re.sub(r"\W", lambda sign: str(ord(sign[0])), name)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """All formulas in one library."""
    folder = tmp_path_factory.mktemp("c")
    texts = [source(expr, [X, Y], "c", identifier(name)) for name, expr in FORMULAS.items()]
    (folder / "formulas.c").write_text("\n".join(texts), encoding="utf-8")
    return library(folder, "formulas.c")


def library(folder, name):
    run("gcc", "-std=gnu99", "-Wall", "-Werror", "-shared", "-fPIC", "-o", "library.so", name, "-lm", folder=folder)
    return ctypes.CDLL(str(folder / "library.so"))


@pytest.mark.parametrize("name", FORMULAS)
def test_c(name, compiled, expected):
    function = compiled[identifier(name)]
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * 2
    found = np.array([function(*pair) for pair in zip(*columns(), strict=True)])
    np.testing.assert_allclose(found, expected[name], rtol=1e-12, atol=1e-12)


def test_javascript(tmp_path, expected):
    lacks = LANGUAGES["javascript"].lacks
    written = {n: e for n, e in FORMULAS.items() if not {type(f).__name__ for f in e.atoms(sympy.Function)} & lacks}
    assert set(FORMULAS) - set(written) == {"erf", "J0"}
    texts = [source(expr, [X, Y], "javascript", identifier(name)) for name, expr in written.items()]
    rows = json.dumps(np.stack(columns(), 1).tolist())
    calls = ", ".join(f"{json.dumps(name)}: rows.map(([x, y]) => {identifier(name)}(x, y))" for name in written)
    (tmp_path / "all.js").write_text(
        "\n".join([*texts, f"const rows = {rows};", f"console.log(JSON.stringify({{{calls}}}));"])
    )
    output = run("node", "all.js", folder=tmp_path)
    for name, values in json.loads(output).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-12, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", FORMULAS)
def test_a_cell(name, expected):
    text, *_ = source(FORMULAS[name], [X, Y], "excel").splitlines()
    assert text.startswith("=")
    for index, (x, y) in enumerate(zip(*columns(), strict=True)):
        if index % 20 == 0:
            found = Sheet(text[1:], {"A2": float(x), "B2": float(y)}).value()
            assert found == pytest.approx(expected[name][index], rel=1e-12, abs=1e-12)


def test_the_rules_of_a_sheet():
    assert Sheet("-A2^2", {"A2": 3.0}).value() == 9
    assert Sheet("1-A2^2", {"A2": 3.0}).value() == -8
    assert Sheet("2^3^2", {}).value() == 64


WORDS = {"f": LevelSource({'the "east"': -1.5, "west": 1.5, "missing": 0.25}, 0.125)}
TOWN = sympy.Symbol("town of birth")
WITH_WORDS = 2 * sympy.Function("f")(TOWN) - X**2
LEVELS = {'the "east"': -1.5, "west": 1.5, "north": 0.125}


@pytest.mark.parametrize("levels", [{"1": -1.5, "2.5": 1.5}, {"1": -1.5, "2.5": 1.5, "missing": 0.25}])
def test_words_that_were_numbers_in_python(levels):
    town, scope = sympy.Symbol("town"), {}
    exec(to_python(2 * sympy.Function("f")(town), [town], tables={"f": LevelSource(levels, 0.125)}), scope)
    missing = 2 * levels.get("missing", 0.125)
    for cells in ([1, 2.5, 3], np.array(["1", "2.5", "4"])):
        assert scope["formula"](cells).tolist() == [-3.0, 3.0, 0.25]
    for absent in (None, np.nan, pandas.NA):
        assert scope["formula"](np.array([1, 2.5, absent], object)).tolist() == [-3.0, 3.0, missing]
    assert scope["formula"](np.array([1.0, 2.5, np.nan])).tolist() == [-3.0, 3.0, missing]


def test_words_that_were_decimals_in_python():
    town, scope = sympy.Symbol("town"), {}
    levels = {"1.0": -1.5, "1e-05": 1.5}
    exec(to_python(sympy.Function("f")(town), [town], tables={"f": LevelSource(levels, 0.125)}), scope)
    assert scope["formula"]([1.0, 1e-5, 2.0]).tolist() == [-1.5, 1.5, 0.125]


def test_words_in_c_and_javascript(tmp_path):
    text = source(WITH_WORDS, [TOWN, X], "c", tables=WORDS)
    assert text.startswith("// x_1 is town of birth\n")
    (tmp_path / "words.c").write_text(text)
    function = library(tmp_path, "words.c").formula
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_char_p, ctypes.c_double]
    script = source(WITH_WORDS, [TOWN, X], "javascript", tables=WORDS)
    script += f"\nconsole.log(JSON.stringify([...{json.dumps([*LEVELS])}, null].map((town) => formula(town, 3))));"
    (tmp_path / "words.js").write_text(script)
    values = json.loads(run("node", "words.js", folder=tmp_path))
    for (level, value), found in zip([*LEVELS.items(), (None, 0.25)], values, strict=True):
        assert found == 2 * value - 9
        assert function(None if level is None else level.encode(), 3.0) == 2 * value - 9


def test_words_in_a_cell():
    text, *remarks = source(WITH_WORDS, [TOWN, X], "excel", tables=WORDS).splitlines()
    assert remarks == ["' A2 is town of birth", "' B2 is x"]
    for level, value in [*LEVELS.items(), ("", 0.25)]:
        assert Sheet(text[1:], {"A2": level, "B2": 3.0}).value() == 2 * value - 9


def test_julia_and_octave_are_written_whole():
    """No interpreter of theirs is at hand: what sympy's printers give stands in a function."""
    julia = source([sympy.erf(X) * sympy.E, WITH_WORDS], [TOWN, X], "julia", "law", tables=WORDS)
    assert julia.splitlines()[:2] == ["# x_1 is town of birth", "using SpecialFunctions"]
    assert 'const level_1_values = Dict("the \\"east\\"" => -1.5, "west" => 1.5, "missing" => 0.25)' in julia
    assert "function law(x_1, x)\n    return 2.718281828459045 * erf(x), -x .^ 2 + 2 * level_1(x_1)\nend" in julia
    octave = source([sympy.besselj(0, X), WITH_WORDS], [TOWN, X], "octave", "law", tables=WORDS)
    assert "    value = [besselj(0, x), -x.^2 + 2*level_1(x_1)];" in octave
    assert "        case 'the \"east\"'\n            value = -1.5;" in octave


def test_several_outputs(tmp_path):
    both = [X + Y, X - Y]
    (tmp_path / "two.js").write_text(source(both, [X, Y], "javascript") + "console.log(JSON.stringify(formula(3, 1)));")
    assert json.loads(run("node", "two.js", folder=tmp_path)) == [
        4,
        2,
    ]
    assert "void formula(double x, double y, double *out) {\n    out[0] = x + y;" in source(both, [X, Y], "c")
    assert source(both, [X, Y], "excel") == "=A2+B2\n=A2-B2\n' A2 is x\n' B2 is y\n"
    assert source([sympy.besselj(2, X)], [X], "excel").startswith("=BESSELJ(A2,2)")
    assert source([2 * Y], [X, Y], "excel") == "=2*B2\n' B2 is y\n"  # of cells those that are read


def test_names_that_a_language_needs_itself():
    while_, exp = sympy.Symbol("while"), sympy.Symbol("exp")
    text = source(while_ + sympy.exp(exp) + sympy.Symbol("T [K]"), [while_, exp, sympy.Symbol("T [K]")], "c")
    assert "double formula(double while_, double exp_, double x_3)" in text
    assert "// x_3 is T [K]" in text


def test_functions_of_words_stand_there_where_the_formula_has_them():
    assert "level_1" not in source(X + 1, [X], "c", tables=WORDS)
    taken = sympy.Symbol("level_1")
    text = source(sympy.Function("f")(TOWN) * taken, [TOWN, taken], "c", tables=WORDS)
    assert "double formula(const char *x_1, double x_2)" in text


def test_a_name_that_is_none():
    with pytest.raises(ValueError, match=r"name.*begins with a letter.*'my law'"):
        source(X, [X], "c", "my law")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_curve_is_refused_by_name(language):
    with pytest.raises(ValueError, match=r"phi_0_0_0"):
        source(sympy.Function("phi_0_0_0")(X) + 1, [X], language)


def test_what_a_language_lacks_and_a_language_that_is_none():
    with pytest.raises(ValueError, match=r"besselj, erf.*JavaScript"):
        source(sympy.erf(X) + sympy.besselj(0, X), [X], "javascript")
    with pytest.raises(ValueError, match=r"language.*'python'.*'excel'.*'fortran'"):
        source(X, [X], "fortran")
