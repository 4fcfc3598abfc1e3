"""A network as one file in C99 that needs the standard library alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from kanwidget.core.primitives import Form
from kanwidget.export.program import Array, Program, Step
from kanwidget.export.text import remark, wrapped
from kanwidget.symbolic.writing import forms
from kanwidget.symbolic.writing.languages import c_head, c_levels, function_source

_CURVES = """
// Adds piecewise polynomials of inputs to sums: the pieces of each end at its knots, and are in powers of the distance from their centres.
static void add_curves(const double *x, double *y, int inputs, const int *sources, int pieces, int powers, int sums,
                       const double *knots, const double *centres, const double *table) {
    for (int i = 0; i < inputs; i++) {
        const double *ends = knots + i * (pieces - 1);
        int piece = 0;
        while (piece < pieces - 1 && x[sources[i]] >= ends[piece]) piece++;
        const double offset = x[sources[i]] - centres[i * pieces + piece];
        const double *part = table + (long)(i * pieces + piece) * powers * sums;
        for (int j = 0; j < sums; j++) {
            double value = part[(powers - 1) * sums + j];
            for (int power = powers - 2; power >= 0; power--) value = value * offset + part[power * sums + j];
            y[j] += value;
        }
    }
}
"""
_BASE = """
// Adds a function of inputs to sums, each with its weight.
static void add_base(double (*function)(double), const double *x, double *y, int inputs, const int *sources, int sums,
                     const double *weights) {
    for (int i = 0; i < inputs; i++) {
        const double value = function(x[sources[i]]);
        for (int j = 0; j < sums; j++) y[j] += value * weights[(long)i * sums + j];
    }
}
"""
_NEAR = """
// A number beyond the rows of the training, as near to them as the slopes there are open.
static double near(double x, double low, double high, double below, double above) {
    return x < low ? low + (x - low) * below : x > high ? high + (x - high) * above : x;
}
"""


def c_source(program: Program, name: str) -> str:
    """The text of a C file that computes a network: the function `name`, from a row x to the outputs y, and all that it needs.

    `program` has the network's layers as arrays and formulas.
    """
    functions = program.functions
    levels = {i: column.levels for i, column in enumerate(program.columns) if column.levels is not None}
    lines = [*_functions(functions)]
    # The texts of those C functions that the network's layers call.
    for used, helper in (
        (any(step.curves for step in program.steps), _CURVES),
        (any(step.base for step in program.steps), _BASE),
        (program.reach is not None, _NEAR),
    ):
        lines += [helper.strip(), ""] if used else []
    for column, table in levels.items():
        lines += c_levels(f"double {name}_level_{column}", table)
    for number, step in enumerate(program.steps, 1):
        lines += _arrays(step, number)
    lines += [
        "",
        f"void {name}(const double *x, double *y) {{",
        *(f"    {line}" for line in _body(program, functions)),
        "}",
    ]
    head = c_head(" ".join(lines), strings=bool(levels))
    return "\n".join([*_comments(program, name), *head, "", *lines, ""])


def _comments(program: Program, name: str) -> Iterator[str]:
    """The first lines: what the function computes, what each x is, and what each y is.

    For a column of words it names the C function that gives the number of a word, for one of dates it says what they count.
    """
    yield f"// {remark(program.title)} in C99: void {name}(const double *x, double *y), a row at a time; link with -lm."
    for i, column in enumerate(program.columns):
        notes = [column.note, f"{name}_level_{i}(word) gives it" if column.levels else ""]
        said = ", ".join(remark(note) for note in notes if note)
        yield f"// x[{i}] is {remark(column.name)}{f': {said}' if said else ''}."
    for i, output in enumerate(program.outputs):
        yield f"// y[{i}] is {remark(output)}."


def _functions(functions: dict[Form, str]) -> Iterator[str]:
    """A C function of u for each form (nested tuples), under its short name; one that doesn't use u says so, or compilers would warn."""
    for form, short in functions.items():
        unused = "" if "u" in forms.parts(form) else "(void)u; "
        yield f"static double {short}(double u) {{ {unused}return {function_source(form, 'c')}; }}"
    if functions:
        yield ""


def _number(value: float) -> str:
    """A number as C source, with all its digits; NaN and infinity by their names in math.h."""
    if math.isfinite(value):
        return repr(float(value))
    return "NAN" if math.isnan(value) else "INFINITY" if value > 0 else "-INFINITY"


def _array(kind: str, name: str, values: Array | Iterable[int]) -> str:
    """The declaration of a constant array in C, of the type `kind`: `int` or `double`. Several axes become one, the last one fastest."""
    flat = values.flatten().tolist() if hasattr(values, "flatten") else list(values)
    numbers = map(_number, flat) if kind == "double" else map(str, flat)
    return f"static const {kind} {name}[] = {{\n{wrapped(numbers)}\n}};"


def _arrays(step: Step, number: int) -> Iterator[str]:
    """The declarations of a layer's numbers, to which `_step` refers by name.

    Curves are piecewise polynomials of some inputs, `sources`: where pieces end, the centres of their powers, and their coefficients.

    Args:
        step: The layer.
        number: Of the layer, from 1: part of each name, as are `a` and `b` for a layer's first and second table of curves.
    """
    for letter, curves in zip("ab", step.curves, strict=False):
        at = f"{number}{letter}"
        yield _array("int", f"sources_{at}", curves.sources)
        for what in ("knots", "centres", "table"):
            yield _array("double", f"{what}_{at}", getattr(curves, what))
    if step.base is not None:
        yield _array("int", f"sources_{number}", step.base.sources)
        yield _array("double", f"weights_{number}", step.base.weights)


def _body(program: Program, functions: dict[Form, str]) -> Iterator[str]:
    """The lines of the C function: the inputs in scaled numbers as `x_0`, each layer, and the outputs `y` in the units of the data.

    Args:
        program: The network.
        functions: The name in C of each function, by its form.
    """
    inputs = [_input(program, i) for i in range(len(program.picks))]  # `picks`: the column that each input reads
    yield f"double x_0[] = {{{', '.join(inputs)}}};"
    for number, step in enumerate(program.steps, 1):
        yield from _step(step, number, functions)
    last = len(program.steps)
    for i in range(len(program.outputs)):
        value = f"x_{last}[{i}]"
        if program.output_centre[i] != 0 or program.output_size[i] != 1:
            value = f"{_number(program.output_centre[i])} + {_number(program.output_size[i])}*{value}"
        yield f"y[{i}] = {f'exp({value})' if i in program.output_logs else value};"


def _input(program: Program, i: int) -> str:
    """The C expression of an input in scaled numbers: a column or its logarithm, less its centre, over its size.

    Where the network has a `reach`, numbers beyond the range of the training rows are brought nearer to it, see the C function `near`.

    Args:
        program: The network.
        i: The input, from 0.
    """
    text = f"x[{program.picks[i]}]"
    text = f"log({text})" if i in program.logs else text
    if program.centre[i] != 0 or program.size[i] != 1:
        text = f"({text} - {_number(program.centre[i])})/{_number(program.size[i])}"
    if program.reach is None:
        return text
    return f"near({text}, {', '.join(_number(float(each[i])) for each in program.reach)})"


def _step(step: Step, number: int, functions: dict[Form, str]) -> Iterator[str]:
    """The C lines of a layer: from nodes `x_…` to subnodes `y_…`, sums of edges, to the nodes above, products of subnodes.

    Args:
        step: The layer: piecewise polynomials (`curves`), the base function, and symbolic edges c·f(a·x + b) + d (`terms`).
        number: Of the layer, from 1.
        functions: The name in C of each function, by its form.
    """
    x, y = f"x_{number - 1}", f"y_{number}"
    yield f"double {y}[{step.subnodes}] = {{0}};"
    # Compilers would warn of nodes that nothing reads.
    if not (step.curves or step.base or step.terms):
        yield f"(void){x};"
    for letter, curves in zip("ab", step.curves, strict=False):
        at, (inputs, pieces, powers, sums) = f"{number}{letter}", curves.table.shape
        sizes = f"{inputs}, sources_{at}, {pieces}, {powers}, {sums}"
        yield f"add_curves({x}, {y}, {sizes}, knots_{at}, centres_{at}, table_{at});"
    if step.base is not None:
        inputs, sums = step.base.weights.shape
        function = functions[step.base.form]
        yield f"add_base({function}, {x}, {y}, {inputs}, sources_{number}, {sums}, weights_{number});"
    for term in step.terms:
        value = f"{functions[term.form]}({term.a!r}*{x}[{term.source}] + {term.b!r})"
        yield f"{y}[{term.target}] += {term.c!r}*{value} + {term.d!r};  // {remark(term.name)}."
    nodes = ", ".join("*".join(f"{y}[{part}]" for part in parts) for parts in step.nodes)
    yield f"double x_{number}[] = {{{nodes}}};"
