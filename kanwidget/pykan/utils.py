"""pykan's helpers, in the module where its notebooks look for them."""

from kanwidget import ex_round
from kanwidget.pykan.data import augment_input, create_dataset, create_dataset_from_data
from kanwidget.pykan.derivatives import batch_hessian, batch_jacobian, get_derivative, model2param
from kanwidget.pykan.functions import SYMBOLIC_LIB, add_symbolic

__all__ = [
    "SYMBOLIC_LIB",
    "add_symbolic",
    "augment_input",
    "batch_hessian",
    "batch_jacobian",
    "create_dataset",
    "create_dataset_from_data",
    "ex_round",
    "get_derivative",
    "model2param",
]
