"""Other forms of the formula for the browser: each with its error and its constants."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypedDict

from kanwidget.datasets import Dataset
from kanwidget.explorer.describe.formula import distinct
from kanwidget.explorer.session.session import Session
from kanwidget.kan import KAN

if TYPE_CHECKING:
    import sympy

MathNode = list[Any]


class FormRow(TypedDict):
    """One form of the formula."""

    name: str
    """`as trained`, `expanded`, `factored` or `rounded`."""
    outputs: list[MathNode]
    """A MathML tree an output."""
    text: str
    latex: str
    python: str
    error: float | None
    """As in the status line: on the held-out rows where there are some, in the target's unit."""
    constants: list[MathNode]
    """MathML trees, each a constant with its standard error."""


def form_rows(session: Session, model: KAN) -> Iterator[FormRow]:
    """The forms, one after the other as they are worked out; each may take a second.

    Args:
        session: Gives data and names, which are read at once.
        model: A copy of its network: the session may go on meanwhile.
    """
    return _rows(model, session.data, distinct(session.in_vars), session.in_vars, session.out_vars)


def _rows(
    model: KAN, data: Dataset, names: list[str], in_vars: tuple[str, ...], out_vars: tuple[str, ...]
) -> Iterator[FormRow]:
    if model.n_out != 1 or data.is_classification:
        return
    fitted = model.fit_formula(data, names)
    display = dict(zip((symbol.name for symbol in fitted.variables), in_vars, strict=True))
    constants = [value_and_error(*pair) for pair in fitted.constants.values()]
    yield form_row("rounded", model, [fitted.expression], fitted.variables, display, out_vars, None, constants)


def form_row(
    name: str,
    model: KAN,
    expressions: list[sympy.Expr],
    variables: list[sympy.Symbol],
    display: dict[str, str],
    out_vars: tuple[str, ...],
    error: float | None,
    constants: list[MathNode],
) -> FormRow:
    """A form as the page gets it.

    Args:
        name: Of the form.
        model: The network, for the names of its splines.
        expressions: One an output.
        variables: One a column.
        display: The columns' names by those of their variables.
        out_vars: The outputs' names.
        error: In the target's unit.
        constants: With their errors.
    """
    from kanwidget.symbolic import function_names, math_tree, to_latex, to_text
    from kanwidget.symbolic.writing.python_source import to_python

    functions = function_names(model)
    pairs = list(zip(out_vars, expressions, strict=True))
    return {
        "name": name,
        "outputs": [math_tree(expr, display, functions=functions, left=out) for out, expr in pairs],
        "text": "; ".join(f"{out} = {to_text(expr, functions=functions)}" for out, expr in pairs),
        "latex": " \\\\\n".join(
            f"{to_latex(('var', out))} = {to_latex(expr, display, functions)}" for out, expr in pairs
        ),
        "python": to_python(expressions if len(expressions) > 1 else expressions[0], variables),
        "error": error,
        "constants": constants,
    }


def value_and_error(value: float, error: float) -> MathNode:
    """A constant with its standard error as a MathML tree.

    Examples:
        >>> value_and_error(0.12034, 0.00012)[2]
        [['mn', {}, ['0.1203']], ['mo', {}, ['±']], ['mn', {}, ['0.0001']]]
    """
    from kanwidget.symbolic.formulas.fitted import with_error

    row: list[MathNode] = []
    for i, part in enumerate(with_error(value, error).split(" ± ")):
        row += [["mo", {}, ["±"]]] if i else []
        row += _written_number(part)
    return ["math", {}, row]


def _written_number(text: str) -> list[MathNode]:
    """A number of so many digits as it is written; anything else as text."""
    match = re.fullmatch(r"(-?)([\d.]+)(?:e([-+]?)0*(\d+))?", text)
    if match is None:
        return [["mtext", {}, [text]]]
    sign, mantissa, negative, exponent = match.groups()
    minus = ["mo", {"form": "prefix"}, ["\u2212"]]
    row: list[MathNode] = [*([minus] if sign else []), ["mn", {}, [mantissa]]]
    if exponent:
        power = ["mrow", {}, [*([minus] if negative == "-" else []), ["mn", {}, [exponent]]]]
        row += [["mo", {}, ["·"]], ["msup", {}, [["mn", {}, ["10"]], power]]]
    return row
