"""Formulas as source text in other languages than Python: one row of `LANGUAGES` a language, written by sympy's printers."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kanwidget import _check
from kanwidget.core.primitives import Form
from kanwidget.datasets.encoding import MISSING
from kanwidget.symbolic.writing.python_source import LevelSource, to_expression, to_python
from kanwidget.symbolic.writing.sympy_forms import to_sympy

if TYPE_CHECKING:
    import sympy

    #: A function of words: its name in the text, and its values.
    Tables = Mapping[str, LevelSource]

#: Words that no argument may be called: those of the languages, and of their mathematics that a formula may use.
_WORDS = """
auto break case catch char class const continue default delete do double else elseif end enum export extern false finally float for
function get global goto if import in int let local long module mutable new null otherwise pi register return short signed sizeof
static string struct switch this throw true try typedef typeof union unsigned using var void volatile while with yield e formula
abs exp log sqrt sin cos tan max min floor ceil erf gamma level NaN Inf j0 j1 y0 y1 jn yn i value out
"""
_RESERVED = frozenset(_WORDS.split())
#: A name in all languages.
_NAME = r"[A-Za-z][A-Za-z0-9_]*"


@dataclass(frozen=True, slots=True)
class Language:
    """One language."""

    title: str
    suffix: str
    """The end of a file's name; a sheet's cell is plain text."""
    printer: Callable[[], Any]
    """sympy's printer, or our own where it has none."""
    frame: Callable[[str, Sequence[str], Sequence[str], str, Tables], str]
    """The whole text, of a function's name, its arguments, the expressions, a comment and the functions of words."""
    comment: str
    lacks: frozenset[str] = frozenset()
    """sympy's names of functions that the language doesn't have."""


def source(
    expr: sympy.Expr | Sequence[sympy.Expr],
    variables: Sequence[sympy.Symbol],
    language: str = "python",
    name: str = "formula",
    *,
    tables: Tables | None = None,
    switches: Mapping[str, Sequence[str]] | None = None,
    notes: Mapping[str, str] | None = None,
) -> str:
    r"""A formula as source text that computes it, all digits of its constants included.

    `c`, `javascript`, `julia` and `octave` (MATLAB, too) give a function of one row; `python` one of NumPy's arrays; `excel` the text of a
    cell, whose columns stand in the cells A2, B2, …, and below it which is which.

    Args:
        expr: The expression, or several, of which the function gives all.
        variables: The symbols, in the order of the arguments.
        language: A key of `LANGUAGES`, or `python`.
        name: The function's name.
        tables: Functions of words, which have a number for each word of a column, by their names in the expression.
        switches: The two levels (words) that 0 and 1 stand for, by the names of the symbols of their columns.
        notes: Comments on symbols, by their names.

    Raises:
        ValueError: For a formula with curves, and with a function that the language doesn't have; for a name that is none there.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> print(source(2.5 * sympy.sin(x) ** 2 + 1, [x], "javascript"))
        function formula(x) {
          return 2.5*Math.pow(Math.sin(x), 2) + 1;
        }
        <BLANKLINE>
        >>> source(2.5 * sympy.sin(x) ** 2 + 1, [x], "excel")
        "=2.5*SIN(A2)^2+1\n' A2 is x\n"
    """
    _check.choice(language, "language", "code", ("python", *LANGUAGES))
    tables = tables or {}
    if language == "python":
        return to_python(expr, variables, name, tables=tables, switches=switches, notes=notes)
    row = LANGUAGES[language]
    expressions = list(expr) if isinstance(expr, Sequence) else [expr]
    if not re.fullmatch(_NAME, name):
        _check.fail("name", "code", "a name of letters, digits and _ that begins with a letter", name)
    _refuse(expressions, tables, row, language)
    # Those that the expressions have.
    tables = {key: table for key, table in tables.items() if any(str(f.func) == key for f in _applied(expressions))}
    arguments = [f"{_cell(i)}2" for i in range(len(variables))] if language == "excel" else _identifiers(variables)
    named = dict(zip(variables, arguments, strict=True))
    functions = {key: f"level_{i + 1}" for i, key in enumerate(tables)}
    texts = [_written(row, each, named, functions) for each in expressions]
    used = {symbol.name for each in expressions for symbol in each.free_symbols}
    meanings = {key: f"0 for {two[0]}, 1 for {two[1]}" for key, two in (switches or {}).items()} | {**(notes or {})}
    shown = used if language == "excel" else {symbol.name for symbol in named}  # a cell that isn't read doesn't matter
    remarks = [f"{short} is {s.name}" for s, short in named.items() if short != s.name and s.name in shown]
    remarks += [f"{short}: {meanings[s.name]}" for s, short in named.items() if s.name in meanings and s.name in used]
    comments = "".join(f"{row.comment} {' '.join(remark.split())}\n" for remark in remarks)
    return row.frame(name, arguments, texts, comments, {functions[key]: table for key, table in tables.items()})


def function_source(form: Form, language: str) -> str:
    """A function of "u" as an expression of u, for the source text of a network.

    Args:
        form: The function.
        language: A key of `LANGUAGES`, or `python`.

    Examples:
        >>> function_source(("pow", "u", -2), "c"), function_source(("asin", "u"), "python")
        ('pow(u, -2)', 'np.arcsin(u)')
    """
    import sympy

    if language == "python":
        return to_expression(form)
    return _written(LANGUAGES[language], to_sympy(form, sympy.Symbol("u")), {}, {})


def _written(row: Language, expr: Any, named: Mapping[Any, str], functions: Mapping[str, str]) -> str:
    """The text of an expression on one line, its numbers with all digits, which some of sympy's printers cut off.

    Args:
        row: The language.
        expr: A sympy expression.
        named: The name in the text of each symbol.
        functions: The name in the text of each function of words (a number for each word), by its name in the expression.
    """
    printer = row.printer()
    printer._print_Float = lambda number: repr(float(number))
    return re.sub(r"\s*\n\s*", " ", printer.doprint(_plain(expr, named, functions)))


def _refuse(expressions: Sequence[Any], tables: Tables, row: Language, language: str) -> None:
    """Refuse expressions with curves, undefined functions that have no table of words, and with functions that the language lacks."""
    from sympy.core.function import AppliedUndef

    applied = _applied(expressions)
    curves = sorted({str(node.func) for node in applied if isinstance(node, AppliedUndef)} - {*tables})
    if curves:
        what = "one of functions alone: `simplify` finds them, and code('python') takes curves as arguments"
        _check.fail("formula", "code", what, f"one with the curves {', '.join(curves)}")
    lacking = sorted({type(node).__name__ for node in applied} & row.lacks)
    if lacking:
        _check.fail("language", "code", f"one that has {', '.join(lacking)}", f"{language!r} ({row.title})", "'python'")


def _applied(expressions: Sequence[Any]) -> set[Any]:
    """The parts of sympy expressions that apply a function, such as sin(2*x)."""
    import sympy

    return {node for each in expressions for node in each.atoms(sympy.Function)}


def _plain(expr: Any, named: Mapping[Any, str], functions: Mapping[str, str]) -> Any:
    """The expression with the text's own names, and without what sympy's printers write as names that a language may lack.

    `named` has the name of each symbol, `functions` that of each function of words (which has a number for each word of a column).
    """
    import sympy

    expr = expr.replace(sympy.Heaviside, lambda *args: sympy.Heaviside(*args).rewrite(sympy.Piecewise))
    # The printers know these two by the names besselj0 and besselj1.
    expr = expr.replace(
        lambda node: isinstance(node, sympy.besselj) and node.args[0] in (0, 1),
        lambda node: sympy.Function(f"besselj{node.args[0]}")(node.args[1]),
    )
    for name, short in functions.items():
        expr = expr.replace(sympy.Function(name), sympy.Function(short))
    # Julia has no e, and C's M_E isn't standard.
    symbols = {symbol: sympy.Symbol(short) for symbol, short in named.items()}
    return expr.xreplace(symbols | {sympy.E: sympy.Float(math.e)})


def _identifiers(variables: Sequence[Any]) -> list[str]:
    """A name that all languages allow for each variable, a symbol: its own, or x_1, x_2, …; `_` is added where it is taken.

    `_LEVELS` has `level_1` and so on, the names of functions of words.
    """
    names: list[str] = []
    for number, symbol in enumerate(variables, 1):
        free = re.fullmatch(_NAME, symbol.name) and symbol.name not in _LEVELS
        short = symbol.name if free else f"x_{number}"
        while short in names or short in _RESERVED:
            short += "_"
        names.append(short)
    return names


def _cell(index: int) -> str:
    """The letters of a column of a sheet.

    Examples:
        >>> _cell(0), _cell(25), _cell(26)
        ('A', 'Z', 'AA')
    """
    before, letter = divmod(index, 26)
    return (_cell(before - 1) if before else "") + chr(65 + letter)


def _quoted(text: str, quote: str = '"', escape: str = "\\") -> str:
    """A text between quotes as a language writes it: `escape` stands before each quote in it, and each backslash if that is the escape."""
    inner = text.replace("\\", "\\\\") if escape == "\\" else text
    return quote + inner.replace(quote, escape + quote).replace("\n", " ") + quote


# ---- C


def _c_printer() -> Any:
    """Sympy's printer for C99, which also writes J₀, J₁ and functions of words (`level_1`, …, with a number for each word of a column)."""
    from sympy.printing.c import C99CodePrinter

    return C99CodePrinter({"user_functions": {"besselj0": "j0", "besselj1": "j1", **_LEVELS}})


def _c_frame(name: str, arguments: Sequence[str], texts: Sequence[str], comments: str, tables: Tables) -> str:
    """A C function that returns the expression in `texts`, or writes several of them to its last argument, the array `out`.

    Before it stand the comments and, for each table, by the function's name, a function that has a number for each word of a column.
    """
    text = " ".join(texts)
    lines = [*c_head(text, strings=bool(tables)), ""]
    for short, table in tables.items():
        lines += c_levels(f"static double {short}", table)
    # What a function of words takes is a text, all else is a number.
    words = {x for x in arguments for short in tables if re.search(rf"\b{short}\({x}\)", text)}
    typed = [f"const char *{x}" if x in words else f"double {x}" for x in arguments]
    if len(texts) == 1:
        body, kind = [f"    return {texts[0]};"], "double"
    else:
        body, kind = [f"    out[{i}] = {text};" for i, text in enumerate(texts)], "void"
        typed.append("double *out")
    return comments + "\n".join([*lines, f"{kind} {name}({', '.join(typed) or 'void'}) {{", *body, "}", ""])


def c_head(text: str, *, strings: bool) -> list[str]:
    """The lines before the code `text` of a C file: headers that it needs, with `strings` to compare words; J₀, J₁ and π are POSIX's."""
    special = ["#define _XOPEN_SOURCE 600"] if re.search(r"\b(j[01]\(|M_[A-Z])", text) else []
    return [*special, "#include <math.h>", *(["#include <string.h>"] if strings else [])]


def c_levels(head: str, table: LevelSource) -> list[str]:
    """The lines of a C function from a word to its number in `table`, or to `table.unmet` for other words; `head` is its type and name.

    An empty text is a missing word.
    """
    lines = [f"{head}(const char *level) {{"]
    lines.append(f"    if (!level || !*level) return {table.values.get(MISSING, table.unmet)!r};")
    for level, value in table.values.items():
        # In a text of C99 ?? begins other signs.
        quoted = _quoted(level).replace("?", "\\?")
        lines.append(f"    if (strcmp(level, {quoted}) == 0) return {value!r};")
    return [*lines, f"    return {table.unmet!r};", "}", ""]


# ---- JavaScript


def _javascript_printer() -> Any:
    """Sympy's printer for JavaScript, which also writes functions of words (`level_1`, …, with a number for each word of a column)."""
    from sympy.printing.jscode import JavascriptCodePrinter

    return JavascriptCodePrinter({"user_functions": _LEVELS})


def _javascript_frame(name: str, arguments: Sequence[str], texts: Sequence[str], comments: str, tables: Tables) -> str:
    """A JavaScript function that returns the expression in `texts`, or an array of several, after the comments and functions of words.

    `tables` has, by the name of each function of words, its number for each word of a column, and `unmet` for other words.
    """
    lines = []
    for short, table in tables.items():
        pairs = ", ".join(f"[{_quoted(level)}, {value!r}]" for level, value in table.values.items())
        key = f"level ?? {_quoted(MISSING)}" if MISSING in table.values else "level"
        lines += [
            f"const {short}_values = new Map([{pairs}]);",
            f"const {short} = (level) => {short}_values.get({key}) ?? {table.unmet!r};",
        ]
    result = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return comments + "\n".join([*lines, f"function {name}({', '.join(arguments)}) {{", f"  return {result};", "}", ""])


# ---- Julia


def _julia_printer() -> Any:
    """Sympy's printer for Julia, which also writes those of SpecialFunctions and functions of words (`level_1`, …: a number for each)."""
    from sympy.printing.julia import JuliaCodePrinter

    special = {"besselj0": "besselj0", "besselj1": "besselj1", "loggamma": "loggamma"}
    return JuliaCodePrinter({"user_functions": special | _LEVELS})


def _julia_frame(name: str, arguments: Sequence[str], texts: Sequence[str], comments: str, tables: Tables) -> str:
    """A Julia function that returns the expression in `texts`, or several, after the comments and functions of words.

    `tables` has, by the name of each function of words, its number for each word of a column, and `unmet` for other words.
    """
    special = re.search(r"\b(erfc?|gamma|loggamma|besselj[01])\(", " ".join(texts))
    lines = ["using SpecialFunctions", ""] if special else []
    for short, table in tables.items():
        # In a text of Julia $ begins a value.
        strings = (_quoted(level).replace("$", "\\$") for level in table.values)
        pairs = ", ".join(f"{level} => {value!r}" for level, value in zip(strings, table.values.values(), strict=True))
        key = f"ismissing(level) ? {_quoted(MISSING)} : level" if MISSING in table.values else "level"
        lines += [
            f"const {short}_values = Dict({pairs})",
            f"{short}(level) = get({short}_values, {key}, {table.unmet!r})",
        ]
    result = ", ".join(texts)
    return comments + "\n".join([*lines, f"function {name}({', '.join(arguments)})", f"    return {result}", "end", ""])


# ---- Octave and MATLAB


def _octave_printer() -> Any:
    """Sympy's printer for Octave, which also writes J₀ and J₁ as besselj(order, u), and functions of words (a number for each word)."""
    from sympy.printing.octave import OctaveCodePrinter

    bessel = {f"besselj{order}": [(lambda _: True, f"besselj({order}, {{}})".format)] for order in (0, 1)}
    return OctaveCodePrinter({"user_functions": bessel | _LEVELS})


def _octave_frame(name: str, arguments: Sequence[str], texts: Sequence[str], comments: str, tables: Tables) -> str:
    """An Octave function with the value of the expression in `texts`, or a row of several, then functions of words: a file begins
    with the function that it is called for. `tables` has, by the name of each function of words, its number for each word of a column,
    and `unmet` for other words.
    """
    result = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    lines = [f"function value = {name}({', '.join(arguments)})", f"    value = {result};", "end", ""]
    for short, table in tables.items():
        lines += [f"function value = {short}(level)", "    switch level"]
        for level, value in table.values.items():
            shown = "{'', 'missing'}" if level == MISSING else _quoted(level, "'", "'")
            lines += [f"        case {shown}", f"            value = {value!r};"]
        lines += ["        otherwise", f"            value = {table.unmet!r};", "    end", "end", ""]
    return comments + "\n".join(lines)


# ---- a cell of a sheet


def _excel_printer() -> Any:
    """A printer of expressions for a sheet: sympy has none."""
    import sympy
    from sympy.printing.codeprinter import CodePrinter
    from sympy.printing.precedence import PRECEDENCE, precedence

    names = {"log": "LN", "loggamma": "GAMMALN", "floor": "INT"}
    others = {
        "cot": "(1/TAN({0}))", "sec": "(1/COS({0}))", "csc": "(1/SIN({0}))", "sinc": "IF({0}=0,1,SIN({0})/({0}))",
        "ceiling": "(-INT(-({0})))", "besselj0": "BESSELJ({0},0)", "besselj1": "BESSELJ({0},1)",
        "besselj": "BESSELJ({1},{0})",
    }  # fmt: skip

    class ExcelPrinter(CodePrinter):
        """Cells, operators and functions of a sheet. A leading sign binds more strongly there than a power does."""

        language = "Excel"

        def doprint(self, expr: Any, assign_to: Any = None) -> str:
            """The text of an expression without blanks. A leading - becomes -1*: in a sheet -A2^2 is (-A2)^2."""
            text = re.sub(r"\s+", "", self._print(expr))
            return re.sub(r"(^|[(,<>=])-(?=[A-Z(])", r"\1-1*", text)

        def _print_Rational(self, expr: Any) -> str:
            return f"{expr.p}/{expr.q}"

        def _print_Pi(self, expr: Any) -> str:
            return "PI()"

        def _print_Pow(self, expr: Any) -> str:
            """A power, its base and exponent in parentheses where they aren't plain; 1/base for the exponent -1."""
            level = PRECEDENCE["Pow"]
            if expr.exp == -1:
                return f"1/{self.parenthesize(expr.base, level)}"
            base = self._print(expr.base)
            base = base if expr.base.is_Symbol or expr.base.is_Function else f"({base})"
            power = self._print(expr.exp)
            return f"{base}^{power if expr.exp.is_Integer and expr.exp > 0 else f'({power})'}"

        def _print_Function(self, expr: Any) -> str:
            """A function by its name in a sheet, or by others where a sheet doesn't have it."""
            name, operands = type(expr).__name__, [self._print(operand) for operand in expr.args]
            written = f"{names.get(name, name.upper())}({','.join(operands)})"
            return others[name].format(*operands) if name in others else written

        _print_Max = _print_Min = _print_And = _print_Or = _print_Function

        def _print_Piecewise(self, expr: Any) -> str:
            """The cases as nested IFs, from the last one on; NA() where none applies."""
            text = "NA()"
            for case in reversed(expr.args):
                value = self._print(case.expr)
                text = value if case.cond is sympy.true else f"IF({self._print(case.cond)},{value},{text})"
            return text

        def _print_Relational(self, expr: Any) -> str:
            """A comparison; a sheet writes = and <> for == and !=."""
            sign = {"==": "=", "!=": "<>"}.get(expr.rel_op, expr.rel_op)
            left, right = (self.parenthesize(side, precedence(expr)) for side in (expr.lhs, expr.rhs))
            return f"{left}{sign}{right}"

    return ExcelPrinter()


def _excel_frame(name: str, arguments: Sequence[str], texts: Sequence[str], comments: str, tables: Tables) -> str:
    """A cell's text for each expression in `texts`, and below it the comments: what the cells are. A cell has no place for a name.

    A function of words becomes a SWITCH: `tables` has, by its name, its number for each word of a column, and `unmet` for other words.
    """
    written = "\n".join(f"={text}" for text in texts)
    for short, table in tables.items():
        levels = (_quoted("" if level == MISSING else level, escape='"') for level in table.values)
        cases = "".join(f",{level},{value!r}" for level, value in zip(levels, table.values.values(), strict=True))
        # A cell with an empty text added is a text, also where it holds a number or nothing.
        before, choice = re.compile(rf"{short.upper()}\(([A-Z]+2)\)"), f'&""{cases},{table.unmet!r})'
        while match := before.search(written):
            written = f"{written[: match.start()]}SWITCH({match[1]}{choice}{written[match.end() :]}"
    return f"{written}\n{comments}"


#: sympy's names of functions that JavaScript doesn't have.
_SPECIAL = frozenset(("erf", "erfc", "gamma", "loggamma", "besselj"))
#: Names that functions of words have in source text.
_LEVELS = {f"level_{number}": f"level_{number}" for number in range(1, 100)}

#: One row a language.
LANGUAGES = {
    "c": Language("C99", ".c", _c_printer, _c_frame, "//"),
    "javascript": Language("JavaScript", ".js", _javascript_printer, _javascript_frame, "//", _SPECIAL),
    "julia": Language("Julia", ".jl", _julia_printer, _julia_frame, "#"),
    "octave": Language("Octave and MATLAB", ".m", _octave_printer, _octave_frame, "%"),
    "excel": Language("a cell of a sheet", ".txt", _excel_printer, _excel_frame, "'"),
}
#: The language of a file, by the end of its name.
SUFFIXES = {".py": "python"} | {row.suffix: name for name, row in LANGUAGES.items()}
