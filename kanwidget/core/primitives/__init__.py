"""The symbolic functions that an edge can become: what a row says, the table of them, and how they are found and added."""

from kanwidget.core.primitives.registry import WATCHERS, is_built_in, primitive, primitives, register_primitive
from kanwidget.core.primitives.row import Form, Primitive

__all__ = ["WATCHERS", "Form", "Primitive", "is_built_in", "primitive", "primitives", "register_primitive"]
