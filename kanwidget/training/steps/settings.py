"""The arguments of `fit`, checked: they become the settings of a training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from kanwidget import _check
from kanwidget.training.objective.penalty import METRICS
from kanwidget.training.optimizers.settings import Metric, Settings
from kanwidget.training.optimizers.table import OPTIMIZERS

#: What decides instead of evidence how smooth splines are.
_OTHER_RIDGES = {
    "lamb": "The penalty decides what stays: train with lamb=0.",
    "continual": "What the new data don't decide stays as it was.",
    "smoothness": "It sets by hand what evidence takes from the data.",
}


def make_settings(metrics: Any = (), **options: Any) -> Settings:
    """`Settings` from the keyword arguments of `fit`, each checked.

    Raises:
        ValueError: Naming the argument that is wrong.
        TypeError: For an argument that `fit` doesn't have.
    """
    unknown = [name for name in options if name not in Settings.__dataclass_fields__]
    if unknown:
        _check.choice(unknown[0], "**options", "fit", [f for f in Settings.__dataclass_fields__ if f != "seed"])
    settings = Settings(metrics=_named_metrics(() if metrics is None else metrics), **options)
    _check.choice(settings.opt, "opt", "fit", ("auto", *OPTIMIZERS))
    _check.choice(settings.reg_metric, "reg_metric", "fit", METRICS)
    for name in ("lamb", "lamb_l1", "lamb_entropy", "lamb_coef", "lamb_coefdiff", "smoothness"):
        _check.real(getattr(settings, name), name, "fit", low=0)
    if settings.lr is not None:
        _check.real(settings.lr, "lr", "fit", low=0, open_low=True)
    batch = settings.batch
    if batch is not None and batch != -1:  # pykan's -1 means all
        _check.integer(batch, "batch", "fit", low=1)
    rows = settings.rows
    if rows is not None and rows != "auto":
        if isinstance(rows, str):
            _check.fail("rows", "fit", "'auto', None for all, or the number of rows to begin with", rows)
        _check.integer(rows, "rows", "fit", low=1)
    for name in ("grid_update_num", "start_grid_update_step", "stop_grid_update_step", "seed"):
        _check.integer(getattr(settings, name), name, "fit", low=0)
    if settings.evidence is not None and not isinstance(settings.evidence, bool):
        _check.fail("evidence", "fit", "True, False, or None for wherever it can be", settings.evidence)
    for name, advice in _OTHER_RIDGES.items():
        if settings.evidence and getattr(settings, name):
            _check.fail("evidence", "fit", f"left out with {name}", True, advice)
    for name in ("update_grid", "geodesic_acceleration", "continual", "averages", "coarse"):
        _check.boolean(getattr(settings, name), name, "fit")
    if callable(settings.loss) and settings.sample_weight is not None:
        advice = "Weigh the samples within the loss."
        _check.fail("sample_weight", "fit", "left out with a loss of your own", settings.sample_weight, advice)
    plain = {name: _plain(getattr(settings, name)) for name in Settings.__dataclass_fields__ if name != "batch"}
    return replace(settings, **plain, batch=None if batch == -1 else _plain(batch))


def unused(settings: Settings, opt: str) -> dict[str, str]:
    """Options that were set though they have no meaning for an optimizer, each with the reason.

    Examples:
        >>> list(unused(make_settings(lr=0.1), "LM")), list(unused(make_settings(lr=0.1), "Adam"))
        (['lr'], [])
    """
    default = Settings()
    return {
        name: reason
        for name, reason in (OPTIMIZERS[opt].unused if opt in OPTIMIZERS else {}).items()
        if getattr(settings, name) != getattr(default, name)
    }


def _plain(value: Any) -> Any:
    """A number of Python for a scalar of NumPy; other values unchanged."""
    if isinstance(value, (bool, int, float)) or not isinstance(value, Real):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def _named_metrics(metrics: Any) -> Mapping[str, Metric]:
    """Metrics by name: a mapping as it is, functions of a list by their own names. An error for anything else."""
    expected = "functions (output, label) -> number"
    advice = "Give a list of functions, or a dict from name to function."
    if isinstance(metrics, Mapping):
        named = dict(metrics)
    elif callable(metrics) or not isinstance(metrics, Iterable):
        _check.fail("metrics", "fit", expected, metrics, advice)
    else:
        functions = list(metrics)
        named = {getattr(m, "__name__", "metric"): m for m in functions}
        if len(named) < len(functions):
            _check.fail("metrics", "fit", "functions with different names", list(named), advice)
    for name, metric in named.items():
        if not callable(metric):
            _check.fail("metrics", "fit", expected, metric, f"{name!r} isn't callable.")
    return named
