"""The network as a formula for the browser, within a bounded time."""

from __future__ import annotations

import math
from typing import Any, TypedDict

from kanwidget.explorer.protocol import records as p
from kanwidget.explorer.protocol.buffers import finite
from kanwidget.explorer.protocol.records import MathNode
from kanwidget.explorer.session.session import Session
from kanwidget.explorer.session.undo import error_of

#: A composed formula with more terms is too long to read: it isn't written out.
_MAX_TERMS = 400


def progress(session: Session) -> p.Formula:
    """The payload of the formula without the formula, which takes longer: error, number of active edges, and of those that are functions.

    Edges of words aren't counted.
    """
    model, record = session.model, session.run.last_record
    states = [model.layer(ref.layer).state(ref.source, ref.target) for ref in model.edge_refs(active=True)]
    return {
        "outputs": [],
        "text": "",
        "latex": "",
        "python": "",
        "rmse": finite(error_of(record)),
        "fixed": states.count("symbolic"),
        "active": len(states) - states.count("levels"),  # words need no function
    }


def formula(session: Session) -> p.Formula:
    """The formula so far, with its error, as MathML trees, text, LaTeX and Python; of one that is too long only what it depends on."""
    payload = progress(session)
    if not is_readable(session):
        arguments = ", ".join(session.in_vars)
        text = "; ".join(f"{name} = f({arguments})" for name in session.out_vars)
        note = ["mtext", {}, [f"{text}   (too long to be written out: prune, or fix edges)"]]
        return {**payload, "outputs": [["math", {}, [note]]], "text": text}
    # sympy is only needed here, and takes a while to import.
    from kanwidget.symbolic import edge_parts, function_names
    from kanwidget.symbolic.formulas.words import Words
    from kanwidget.symbolic.writing.latex import to_latex
    from kanwidget.symbolic.writing.mathml import math_tree
    from kanwidget.symbolic.writing.text import to_text
    from kanwidget.symbolic.writing.tidy import tidy

    names = distinct(session.in_vars)
    exact, variables = session.model.symbolic_formula(names)
    # For the eye, without round-off; `explorer.formula` has all digits. What round-off is depends on how large each column is.
    columns = session.x.detach().abs().amax(0).tolist()
    sizes = {symbol.name: size for symbol, size in zip(variables, columns, strict=True)}
    expressions = [tidy(expr, sizes=sizes) for expr in exact]
    display_names = dict(zip((symbol.name for symbol in variables), session.in_vars, strict=True))
    functions = function_names(session.model)
    # What each edge adds to the formula: the page marks it, so that pointing at the edge lights it.
    parts = {edge: tidy(part, sizes=sizes) for edge, part in edge_parts(session.model, names).items()}
    pairs = list(zip(session.out_vars, expressions, strict=True))
    payload["outputs"] = [
        math_tree(expr, display_names, functions=functions, parts=parts, left=name) for name, expr in pairs
    ]
    payload["text"] = "; ".join(f"{name} = {to_text(expr, functions=functions)}" for name, expr in pairs)
    equations = [f"{to_latex(('var', name))} = {to_latex(expr, display_names, functions)}" for name, expr in pairs]
    # Of columns of words the formula needs the value of each level (each word); the copy has the posterior, from which the errors of
    # these values come.
    words = Words.of(session.run.copy(), session.data, names)
    payload["latex"] = " \\\\\n".join([*equations, *words.latex(expressions, display_names, functions)])
    payload["python"] = words.code(expressions, variables)
    return payload


class Writing(TypedDict):
    """A formula as a page writes it in a row."""

    text: str
    formula: MathNode | None
    """For the eye, null where it is too long."""


def writing(
    expression: Any, names: dict[str, str], functions: dict[str, str] | None = None, *, most: int, wrap: bool = True
) -> Writing:
    """An expression for a row of a table: its `text`, and as `formula` its MathML tree.

    Args:
        expression: Of sympy.
        names: What symbols are called on the page, by the symbols' names.
        functions: What undefined functions (edges that are curves, or words) are called there, by the functions' names.
        most: Characters of the longest text that is written out; of a longer one there are the first `most // 2`, without a tree.
        wrap: Whether a long sum in the tree may break over lines.
    """
    from kanwidget.symbolic.writing.mathml import math_tree
    from kanwidget.symbolic.writing.text import to_text

    text = to_text(expression, names, functions)
    if len(text) > most:
        return {"text": f"{text[: most // 2]}…", "formula": None}
    return {"text": text, "formula": math_tree(expression, names, functions=functions, wrap=wrap)}


def distinct(names: tuple[str, ...]) -> list[str]:
    """Names for the symbols of columns: two columns of one name are still two variables, `x` and `x` become `x_1` and `x_2`.

    Where a column has such a name of its own, `_` is added.
    """
    symbols: list[str] = []
    for number, name in enumerate(names, 1):
        symbol = name if names.count(name) == 1 else f"{name}_{number}"
        while names.count(name) > 1 and symbol in names:
            symbol += "_"
        symbols.append(symbol)
    return symbols


def is_readable(session: Session) -> bool:
    """Whether the composed formula is short: it has a term for each path of active edges from an input to an output."""
    model = session.model
    paths = [1.0] * model.n_in  # to each node of a level; as floats, since deep networks have very many
    for index in range(model.depth):
        active = model.layer(index).active().double()  # 1 for an edge that isn't pruned, `(subnodes, nodes below)`
        to_subnodes = (active @ active.new_tensor(paths)).tolist()
        level = index + 1
        paths = [math.fsum(to_subnodes[s] for s in model.subnodes_of(level, n)) for n in range(model.nodes_in(level))]
    return sum(paths) <= _MAX_TERMS
