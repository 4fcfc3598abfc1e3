"""The symbolic functions that an edge can become: definition, table, search by name and registration of further ones."""

from kanwidget.core.primitives.base import base_functions
from kanwidget.core.primitives.definition import Form, Interval, Primitive, Starts, inner_point
from kanwidget.core.primitives.table import (
    PRIMITIVES,
    WATCHERS,
    is_built_in,
    primitive,
    primitives,
    register_primitive,
)

__all__ = [
    "PRIMITIVES",
    "WATCHERS",
    "Form",
    "Interval",
    "Primitive",
    "Starts",
    "base_functions",
    "inner_point",
    "is_built_in",
    "primitive",
    "primitives",
    "register_primitive",
]
