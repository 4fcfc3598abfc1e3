"""A network as a module of Python that needs NumPy alone (and scipy for erf and Bessel functions)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kanwidget.core.primitives import Form
from kanwidget.export.program import Array, Program, Step
from kanwidget.export.text import remark, wrapped
from kanwidget.symbolic.writing import forms
from kanwidget.symbolic.writing.languages import function_source
from kanwidget.symbolic.writing.python_source import WORD_SOURCE, imports, literal

_CURVES = '''
def curves(x, knots, centres, table):
    """Piecewise polynomials of the columns of x, (rows, n), and their sums, (rows, subnodes).

    knots: where pieces end, (n, pieces - 1); centres: of the pieces, (n, pieces); table: coefficients by powers of the distance from
    the centre, (n, pieces, powers, subnodes).
    """
    total = 0.0
    for column, ends, middles, parts in zip(x.T, knots, centres, table):
        piece = np.searchsorted(ends, column, side="right")
        offset, parts = (column - middles[piece])[:, None], parts[piece]
        value = parts[:, -1]
        for power in range(parts.shape[1] - 2, -1, -1):
            value = value * offset + parts[:, power]
        total = total + value
    return total
'''
_ENCODE = '''
def encode(table):
    """The numbers of a table of columns by name (a dict, a frame), (rows, columns): words by LEVELS, missing numbers by FILLS."""
    return np.stack([_column(table, name) for name in COLUMNS], axis=1)


def _column(table, name):
    if name in FLAGS:
        return np.isnan(np.asarray(table[FLAGS[name]], dtype=float)).astype(float)
    if name in LEVELS:
        codes, unmet = LEVELS[name]
        return np.array([codes.get(word_of(cell, codes), unmet) for cell in table[name]])
    values = np.asarray(table[name], dtype=float)
    return np.where(np.isnan(values), FILLS.get(name, np.nan), values)
'''


def numpy_source(program: Program, name: str) -> str:
    """The text of a Python module that computes a network: the function `name`, from rows x to outputs, and all that it needs.

    `program` has the network's layers as arrays and formulas.
    """
    functions = program.functions
    parts = [part for form in functions for part in forms.parts(form)]
    blocks = [
        "\n".join([f'"""{remark(program.title)} for NumPy: {name}(x)."""', "", *imports(parts)]),
        "\n".join(_constants(program)),
        *(f"\ndef {short}(u):\n    return {function_source(form, 'python')}" for form, short in functions.items()),
        # The texts of functions: piecewise polynomials, and the numbers of a table with words.
        *([_CURVES.rstrip()] if any(step.curves for step in program.steps) else []),
        *([WORD_SOURCE] if any(column.levels for column in program.columns) else []),
        _ENCODE.rstrip(),
        "\n".join(["", *_predict(program, name, functions)]),
    ]
    return "\n\n".join(blocks) + "\n"


def _constants(program: Program) -> Iterator[str]:
    """The lines of the module's constants: what its columns mean, and the numbers of each layer."""
    columns = program.columns
    yield "#: The columns of x."
    yield f"COLUMNS = {tuple(column.name for column in columns)!r}"
    for column in columns:
        if column.note:
            yield f"# {column.name!r}: {remark(column.note)}"
    yield "#: The numbers of words, and of words that training hadn't."
    yield f"LEVELS = {{{', '.join(f'{c.name!r}: {c.levels.values, c.levels.unmet}' for c in columns if c.levels)}}}"
    yield "#: What stands for missing numbers, and columns that say where these are."
    yield f"FILLS = { ({c.name: c.fill for c in columns if c.fill is not None})!r}"
    yield f"FLAGS = { ({c.name: c.flag_of for c in columns if c.flag_of is not None})!r}"
    for number, step in enumerate(program.steps, 1):
        for letter, curves in zip("ab", step.curves, strict=False):
            for what in ("knots", "centres", "table"):
                yield _array(f"{what}_{number}{letter}", getattr(curves, what))
        if step.base is not None:
            yield _array(f"weights_{number}", step.base.weights)


def _array(name: str, values: Array) -> str:
    """The lines that define an array of this name, with all digits and of the same shape."""
    numbers = wrapped(map(literal, values.flatten().tolist()))
    return f"{name} = np.array([\n{numbers}\n]).reshape({', '.join(map(str, values.shape))})"


def _row(values: Iterable[float]) -> str:
    """Numbers as the source of a NumPy array of one axis, with all digits."""
    return f"np.array([{', '.join(literal(float(value)) for value in values)}])"


def _predict(program: Program, name: str, functions: dict[Form, str]) -> Iterator[str]:
    """The lines of the public function, of an array or a table."""
    outputs = ", ".join(map(remark, program.outputs))
    yield f"def {name}(x):"
    yield f'    """{outputs}: (rows, {len(program.outputs)}), of rows of numbers, (rows, {len(program.columns)}), or a table."""'
    yield '    x = np.asarray(encode(x) if hasattr(x, "keys") else x, dtype=float)'
    # An exponential may overflow to infinity, as in the network; NumPy alone would warn of it.
    yield '    with np.errstate(over="ignore"):'
    yield from (f"        {line}" for line in _body(program, functions))


def _body(program: Program, functions: dict[Form, str]) -> Iterator[str]:
    """The lines of the function's body: from `x`, numbers of all columns, `(rows, columns)`, to the outputs in own units.

    Args:
        program: The network.
        functions: The name of each function in the module, by its form.
    """
    yield f"x = x[:, {list(program.picks)}]"
    for source in program.logs:
        yield f"x[:, {source}] = np.log(x[:, {source}])"
    if (program.centre != 0).any() or (program.size != 1).any():
        yield f"x = (x - {_row(program.centre)}) / {_row(program.size)}"
    # Beyond low and high only a part of the way counts: as much as the rows determine of the slopes there.
    if program.reach is not None:
        low, high, below, above = map(_row, program.reach)
        yield f"near = np.clip(x, {low}, {high})"
        yield f"x = near + (x - near) * np.where(x < near, {below}, {above})"
    for number, step in enumerate(program.steps, 1):
        yield from _step(step, number, functions)
    if (program.output_centre != 0).any() or (program.output_size != 1).any():
        yield f"x = {_row(program.output_centre)} + {_row(program.output_size)} * x"
    for target in program.output_logs:
        yield f"x[:, {target}] = np.exp(x[:, {target}])"
    yield "return x"


def _step(step: Step, number: int, functions: dict[Form, str]) -> Iterator[str]:
    """The lines of a layer, which replace `x`, the nodes below, `(rows, nodes)`, by the nodes above, by way of `y`, `(rows, subnodes)`.

    Args:
        step: The layer: piecewise polynomials (`curves`), the base function, and symbolic edges c·f(a·x + b) + d (`terms`).
        number: Of the layer, from 1: part of the names of its constants.
        functions: The name of each function in the module, by its form.
    """
    yield f"y = np.zeros((len(x), {step.subnodes}))"
    # Splines, values of words, or both: two at most. `_constants` names their arrays by the same letters.
    for letter, curves in zip("ab", step.curves, strict=False):
        at = f"{number}{letter}"
        yield f"y += curves(x[:, {list(curves.sources)}], knots_{at}, centres_{at}, table_{at})"
    if step.base is not None:
        yield f"y += {functions[step.base.form]}(x[:, {list(step.base.sources)}]) @ weights_{number}"
    for term in step.terms:
        value = f"{functions[term.form]}({term.a!r}*x[:, {term.source}] + {term.b!r})"
        yield f"y[:, {term.target}] += {term.c!r}*{value} + {term.d!r}  # {remark(term.name)}"
    if all(len(parts) == 1 for parts in step.nodes):
        yield "x = y"
    else:
        nodes = ("*".join(f"y[:, {part}]" for part in parts) for parts in step.nodes)
        yield f"x = np.stack([{', '.join(nodes)}], axis=1)"
