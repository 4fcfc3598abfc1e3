"""Splines, primitives, layers, the network and the records that travel."""

from kanwidget.core.derivatives import Derivatives, derivatives
from kanwidget.core.layer import Layer
from kanwidget.core.network import Network
from kanwidget.core.primitives import Primitive, primitive, register_primitive
from kanwidget.core.records import EdgeCurve, EdgeRef, Event, History, StepRecord, SymbolicFit, Trace

__all__ = [
    "Derivatives",
    "EdgeCurve",
    "EdgeRef",
    "Event",
    "History",
    "Layer",
    "Network",
    "Primitive",
    "StepRecord",
    "SymbolicFit",
    "Trace",
    "derivatives",
    "primitive",
    "register_primitive",
]
