"""Refusals end the traceback at the user's call: their message is complete, and the package's own frames help nobody.

Defects keep their whole traceback, and so do errors in which code of the user took part.
"""

from __future__ import annotations

import functools
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

from kanwidget import _check

Call = TypeVar("Call", bound=Callable[..., Any])

#: Modules that raise refusals. This one raises them again where one method calls another.
_RAISING = ("kanwidget._check", __name__)
#: Packages that a refusal may pass: this one, torch's call of a module, and those that carry it from one thread to another.
_TRANSPARENT = ("kanwidget", "torch", "concurrent", "contextlib")
#: Arguments of other spelling, or of another word, and what they are called.
_CALLED = {"standardise": "standardize", "normaliser": "input_scaler", "normalizer": "input_scaler", "lambda_": "lamb"}
#: Where an argument of pykan has another word here.
_CALLED_HERE = {
    "KAN.fit": {"loss_fn": "loss", "dataset": "data", "batch_size": "batch"},
    "KAN.fix_symbolic": {"fun_name": "name"},
    "KAN.refine": {"new_grid": "grid"},
    "KAN.prune_node": {"active_neurons_id": "active"},
    "KAN.prune_input": {"active_inputs": "active"},
    "KAN.expand_width": {"layer_id": "level", "n_added_nodes": "n"},
}
_FILM = "kanwidget.insight.plot.animation makes a film of a training, and a function in callbacks sees every step."
_FILES = "model.save(path) writes a file, when you ask for it."
_BASE = "model.layer(l).base holds the factors of the base function."
_FINITE = "No step leaves a value that isn't finite."
_RANGE = "The search finds the range of a and b by itself."
_PART = "Factors and constants are part of an edge's function here."
#: Where an argument of pykan has no counterpart, and what to do.
_LEFT_OUT = {
    "KAN.fit": {
        **dict.fromkeys(("save_fig", "save_fig_freq", "img_folder", "beta", "in_vars", "out_vars"), _FILM),
        **dict.fromkeys(("singularity_avoiding", "y_th"), _FINITE),
        "display_metrics": "The progress bar shows the losses; metrics=… come with every record.",
    },
    "KAN": {
        **dict.fromkeys(("auto_save", "ckpt_path", "state_id", "round"), _FILES),
        **dict.fromkeys(("sp_trainable", "affine_trainable"), _PART),
        "sb_trainable": "base_fun='zero' makes edges of splines alone.",
        **dict.fromkeys(("scale_base_mu", "scale_base_sigma"), _BASE),
        **dict.fromkeys(("save_act", "symbolic_enabled", "first_init"), "Activations are computed when asked for."),
    },
    "KAN.fix_symbolic": {
        "fit_params_bool": "params=(1, 0, 1, 0) gives constants that aren't fitted.",
        "random": "params=… gives constants that aren't fitted.",
        **dict.fromkeys(("a_range", "b_range"), _RANGE),
        **dict.fromkeys(("verbose", "log_history"), "The fit that it returns says how good it is."),
    },
    "KAN.suggest_symbolic": dict.fromkeys(("a_range", "b_range"), _RANGE),
    "KAN.auto_symbolic": dict.fromkeys(("a_range", "b_range"), _RANGE),
    "KAN.expand_width": {"sum_bool": "product=True adds products."},
}


def short_refusals(function: Call) -> Call:
    """The function, whose refusals are raised where it is called, without the package's own frames.

    Refusals are the package's errors about what a caller asked for (`_check.fail`). Keywords by another name than here, as pykan's, are
    refused too.

    Examples:
        >>> @short_refusals
        ... def f(*, standardize=False):
        ...     return standardize
        >>> f(standardise=True)
        Traceback (most recent call last):
        ...
        TypeError: the `standardise` argument of f must be called `standardize`; got True.
    """

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        """Call the function: refuse arguments under other names, or without a counterpart here, and cut the traceback of any refusal."""
        __tracebackhide__ = True  # pytest and debuggers leave this frame out
        try:
            where = getattr(function, "__qualname__", "").removesuffix(".__init__")
            # `_CALLED` and `_CALLED_HERE`: the right name by the wrong one, of all calls and of this; `_LEFT_OUT`: advice by the name.
            for name in options.keys() & {**_CALLED, **_CALLED_HERE.get(where, {})}.keys():
                right = _CALLED_HERE.get(where, {}).get(name) or _CALLED[name]
                _check.fail(name, where, f"called `{right}`", options[name], error=TypeError)
            for name in options.keys() & _LEFT_OUT.get(where, {}).keys():
                _check.fail(name, where, "left out", options[name], _LEFT_OUT[where][name], error=TypeError)
            return function(*args, **options)
        except Exception as error:
            if not _refused(error):
                raise
            raise error.with_traceback(None) from None

    return call  # type: ignore[return-value]  # of the same signature


def _refused(error: Exception) -> bool:
    """Whether the package has refused a request: no defect of its own, and no error from code of the user.

    It tells by the modules of the traceback's frames. The last frame, which raised the error, is one that raises refusals; all are
    of this package, or of packages that only pass the error on. A function of the user among them would be the cause.
    """
    modules = [str(frame.f_globals.get("__name__")) for frame, _ in traceback.walk_tb(error.__traceback__)]
    return modules[-1] in _RAISING and all(name.partition(".")[0] in _TRANSPARENT for name in modules)
