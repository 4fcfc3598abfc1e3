r"""Formulas as LaTeX: the tree that is laid out for MathML, in LaTeX's notation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kanwidget.symbolic.writing.mathml import APPLY, MINUS, NO_BREAK, TIMES, WHOLE_NAME, MathNode, math_tree
from kanwidget.symbolic.writing.naming import DIGITS, GREEK, Digits

_ESCAPES = {
    "\\": r"\backslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\hat{}", "~": r"\sim{}", "<": r"{<}", ">": r"{>}", " ": r"\ ", "\n": r"\ ", NO_BREAK: r"\ ",
}  # fmt: skip
_LETTERS = {letter: f"\\{name}" for name, letter in GREEK.items()}
#: Functions that have a command of their own.
_COMMANDS = {
    "exp", "log", "sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh", "arcsin", "arccos", "arctan", "max", "min",
}  # fmt: skip
_SPACE = r" \, "
_OPERATORS = {
    MINUS: " - ", "+": " + ", "·": r" \cdot ", TIMES: _SPACE, APPLY: "", ",": ", ", "/": "/",
    "=": " = ", "≠": r" \ne ", "<": " < ", ">": " > ", "≤": r" \le ", "≥": r" \ge ",
}  # fmt: skip


def to_latex(
    expr: Any,
    names: Mapping[str, str] | None = None,
    functions: Mapping[str, str] | None = None,
    *,
    digits: Digits = DIGITS,
) -> str:
    r"""A sympy expression (or a form) in LaTeX.

    Args:
        expr: The expression.
        names: The names to show, by those of the symbols.
        functions: The names to show for undefined functions, from `function_names(network)`.
        digits: Significant digits of the constants, or of some of them by their size.

    Examples:
        >>> import sympy
        >>> print(to_latex(1.5 * sympy.sin(sympy.Symbol("x_1")) ** 2 / 2))
        0.75 \, \sin^{2}\left(x_{1}\right)
    """
    return _latex(math_tree(expr, names, functions=functions, digits=digits, wrap=False))


def _latex(node: MathNode) -> str:
    """The LaTeX of a tree `[tag, attributes, children]` of MathML, made of that of its children."""
    tag, attributes, children = node
    match tag:
        case "mi":
            return upright(children[0]) if attributes.get("class") == WHOLE_NAME else _identifier(children[0])
        case "mn":
            return r"\infty" if children[0] == "∞" else str(children[0])
        case "mtext":
            return rf"\text{{{_escape(children[0])}}}"
        case "mspace":
            return _SPACE
        case "mo":
            return _operator(children[0], attributes)
        case "mtable":
            rows = [" & ".join(map(_latex, cells)) for _, _, cells in children]
            return r"\begin{cases} " + r" \\ ".join(rows) + r" \end{cases}"
    parts = [_latex(child) for child in children]
    match tag:
        case "math" | "mrow" | "mtd":
            return "".join(parts)
        case "msqrt":
            return rf"\sqrt{{{''.join(parts)}}}"
        case "mroot":
            return rf"\sqrt[{parts[1]}]{{{parts[0]}}}"
        case "mfrac":
            return rf"\frac{{{parts[0]}}}{{{parts[1]}}}"
        case "msup":
            return f"{parts[0]}^{{{parts[1]}}}"
    # A subscript: `msub`, or `msubsup` with an exponent. Between two subscripts there is a comma without a space.
    below = parts[1].replace(", ", ",")
    above = f"^{{{parts[2]}}}" if tag == "msubsup" else ""
    return f"{parts[0]}_{{{below}}}{above}"


def _identifier(text: str) -> str:
    """The LaTeX of a letter, or of a function's name: its command, or upright letters where LaTeX has none."""
    if len(text) == 1:
        return _LETTERS.get(text, text)
    return f"\\{text}" if text in _COMMANDS else rf"\operatorname{{{_escape(text)}}}"


def _operator(sign: str, attributes: Mapping[str, str]) -> str:
    """The LaTeX of an `mo` node. Parentheses and bars have the attribute `stretchy`; any other prefix is a minus sign."""
    if "stretchy" in attributes:
        return (r"\left" if attributes["form"] == "prefix" else r"\right") + sign
    return "-" if attributes.get("form") == "prefix" else _OPERATORS.get(sign, sign)


def upright(text: str) -> str:
    r"""A text in upright letters.

    Examples:
        >>> print(upright("50 % off"))
        \mathrm{50\ \%\ off}
    """
    return rf"\mathrm{{{_escape(text)}}}"


def _escape(text: str) -> str:
    """A text in which the signs that LaTeX reads as commands are written out."""
    return "".join(_ESCAPES.get(char, char) for char in text)
