"""The cases of a sweep: settings from a space, times seeds, times data, each with its fingerprint."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

from kanwidget import _check
from kanwidget.training import Settings

#: The width of a network that grows on the data, see `KAN.for_data`.
AUTO = "auto"
#: Arguments of `KAN` that a setting may have.
OF_NETWORK = ("width", "grid", "k", "mult_arity", "base_fun", "grid_range", "grid_eps", "noise_scale", "sparse_init")
#: Arguments of `fit` that a setting may have.
OF_FIT = ("steps", *(n for n in Settings.__dataclass_fields__ if n not in ("seed", "metrics", "sample_weight")))
_NAMES = (*OF_NETWORK, *OF_FIT)
_ADVICE = "Write a list of values for each name: {'grid': [3, 5], 'lamb': [0, 1e-3]}."

Setting = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Case:
    """One network to be trained."""

    setting: Setting
    """Arguments of `KAN` and of `fit`."""
    data: str
    """The name of its data."""
    seed: int
    """Of the random start."""
    key: str
    """Fingerprint of all arguments that determine the result."""


def settings_of(space: Any, fixed: Setting) -> list[Setting]:
    """All settings of a space, each with the fixed arguments, in order and without doubles.

    Args:
        space: A mapping from name to list of values, for all combinations, or a list of mappings from name to value.
        fixed: Arguments that all settings share.

    Raises:
        ValueError: For an unknown name, a value that isn't plain, or a width that isn't one.
        TypeError: For anything but a space.

    Examples:
        >>> settings_of({"grid": [3, 5], "lamb": [0.0, 1e-3]}, {"width": [2, 1]})[1]
        {'width': [2, 1], 'grid': 3, 'lamb': 0.001}
    """
    settings = [
        {_name(n): plain(v) for n, v in sorted((fixed | setting).items(), key=_argument_order)}
        for setting in _combined(space)
    ]
    for setting in settings:
        width = setting.get("width", AUTO)
        if not isinstance(width, list) and width != AUTO:
            advice = "Write 'width': [[2, 1], [2, 5, 1]] in the space, width=[2, 5, 1] for all, or 'auto'."
            expected = "with a width, a list of numbers or 'auto', in every setting"
            _check.fail("space", "sweep", expected, setting, advice)
    return list({json.dumps(setting): setting for setting in settings}.values())


def cases_of(settings: Sequence[Setting], digests: Mapping[str, str], seeds: Any, version: int) -> list[Case]:
    """A case for each setting, data set and seed, in this order.

    Args:
        settings: Arguments of `KAN` and of `fit`.
        digests: Fingerprints of the numbers of the data, by name of the data.
        seeds: Their number, or a list of them.
        version: Version of the results: another one makes other keys, so that stored results are computed again.
    """
    return [
        Case(setting, name, seed, _fingerprint(version, setting, digest, seed))
        for setting, (name, digest), seed in itertools.product(settings, digests.items(), seeds_of(seeds))
    ]


def seeds_of(seeds: Any) -> list[int]:
    """Seeds from their number or a list of them."""
    if isinstance(seeds, (list, tuple, range)) and len(seeds):
        return list(dict.fromkeys(_check.integer(seed, "seeds", "sweep", low=0) for seed in seeds))
    return list(range(_check.integer(seeds, "seeds", "sweep", low=1, advice="Or give a list of seeds.")))


def plain(value: Any) -> Any:
    """A value as JSON holds it: numbers, text, booleans, None, and lists of these."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and math.isfinite(value):
        return float(value)
    if isinstance(value, (np.ndarray, np.bool_)):
        return plain(value.tolist())
    if isinstance(value, (list, tuple, range)):
        return [plain(item) for item in value]
    advice = "Results are kept by their settings, so functions and tensors can't be among them."
    _check.fail("space", "sweep", "made of finite numbers, text, booleans and lists", value, advice)


def _combined(space: Any) -> list[Setting]:
    """The settings of a space: all combinations of a mapping's values, or the mappings of a list as they are."""
    if isinstance(space, Mapping):
        for name, entries in space.items():
            values = entries.tolist() if isinstance(entries, np.ndarray) else entries
            is_list = isinstance(values, (list, tuple, range)) and len(values)
            if not is_list or (name == "width" and not all(isinstance(v, (list, tuple)) or v == AUTO for v in values)):
                advice = "Write 'width': [[2, 5, 1]] for a single one." if name == "width" else _ADVICE
                _check.fail("space", "sweep", f"with a list of values for {name!r}", values, advice)
        return [dict(zip(space, values, strict=True)) for values in itertools.product(*space.values())]
    if isinstance(space, Iterable) and not isinstance(space, str):
        listed = list(space)
        if listed and all(isinstance(setting, Mapping) for setting in listed):
            return [dict(setting) for setting in listed]
    expected = "a mapping from name to values, or a list of settings"
    _check.fail("space", "sweep", expected, space, _ADVICE, error=TypeError)


def _name(name: Any) -> str:
    """The name of a setting, checked: an argument of `KAN` or `fit`; seeds are an argument of `sweep` itself."""
    if name == "seed":
        _check.fail("space", "sweep", "without seeds", name, "Give them as seeds=… beside it.")
    return _check.choice(name, "space", "sweep", _NAMES)


def _argument_order(item: tuple[Any, Any]) -> tuple[int, str]:
    """Names in the order of the arguments, so that the same settings are the same text."""
    return (_NAMES.index(item[0]), "") if item[0] in _NAMES else (len(_NAMES), str(item[0]))


def _fingerprint(version: int, setting: Setting, digest: str, seed: int) -> str:
    """The key of a case in a file: equal for the same version of results, setting, numbers of the data (their `digest`) and seed."""
    # Files were written when this argument had its first name: under another one their results would not be found again.
    named = {"bend" if name == "geodesic_acceleration" else name: value for name, value in setting.items()}
    return hashlib.sha256(json.dumps([version, named, digest, seed]).encode()).hexdigest()
