"""Parts of a formula and the edges that they come from, so that a page can light an edge under its part and the other way round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kanwidget.core.primitives import Form
from kanwidget.core.records import EdgeRef
from kanwidget.symbolic.writing import forms
from kanwidget.symbolic.writing.naming import Digits, edge_key, edge_name
from kanwidget.symbolic.writing.sympy_forms import form_of

#: The attribute with the keys of the edges, `0-1-0`, of a node and its children; several are separated by spaces.
EDGE = "data-kw-edge"
#: Signs that nobody can point at: function application and a product without a dot.
_INVISIBLE = (["\u2061"], ["\u2062"])


def marks_of(parts: Mapping[EdgeRef, Any], names: Mapping[str, str] | None, digits: Digits) -> dict[Form, str]:
    """The keys of the edges by the forms in which their expressions may be found.

    Within a sum an edge is found as a term, without its constant; within a product or under a factor, as the function that it applies.

    Examples:
        >>> import sympy
        >>> x = sympy.Symbol("x")
        >>> marks_of({EdgeRef(0, 0, 0): 2 * sympy.sin(x) + 1.5}, None, 4)
        {('mul', 2, ('sin', ('var', 'x'))): '0-0-0', ('sin', ('var', 'x')): '0-0-0'}
    """
    keys: dict[Form, list[str]] = {}
    for ref, expression in parts.items():
        key = edge_key(edge_name(*ref)) or ""
        for form in _markable_forms(forms.without_ones(form_of(expression, names), digits)):
            keys.setdefault(form, []).append(key)
    return {form: " ".join(dict.fromkeys(edges)) for form, edges in keys.items()}


def _markable_forms(whole: Form) -> list[Form]:
    """The terms of an edge that aren't numbers, and the functions in them without factors."""
    terms = list(whole[1:]) if isinstance(whole, tuple) and whole[0] == "add" else [whole]
    found: list[Form] = []
    for term in terms:
        _, size = forms.split_sign(term)
        factors = list(size[1:]) if isinstance(size, tuple) and size[0] == "mul" else [size]
        functions = [factor for factor in factors if forms.names(factor)]
        if functions:
            found += [term, size, *(functions if len(functions) == 1 else [])]
    return list(dict.fromkeys(found))


def marked(nodes: Sequence[Any], keys: str | None) -> list[Any]:
    """Nodes with the keys of edges, where they have none: the innermost part counts.

    Rows are marked with their children, since a page may take rows apart.

    Examples:
        >>> marked([["mi", {}, ["x"]]], "0-0-0")
        [['mi', {'data-kw-edge': '0-0-0'}, ['x']]]
    """
    if not keys:
        return list(nodes)
    return [node if isinstance(node, str) else _marked(node, keys) for node in nodes]


def _marked(node: list[Any], keys: str) -> list[Any]:
    tag, attributes, children = node
    if tag == "mspace" or children in _INVISIBLE or EDGE in attributes:
        return node
    inner = [child if isinstance(child, str) else _marked(child, keys) for child in children]
    return [tag, attributes | {EDGE: keys}, inner if tag == "mrow" else children]
