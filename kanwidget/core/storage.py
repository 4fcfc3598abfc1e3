"""Saving and loading networks: one safetensors file, tensors as tensors, everything else as JSON in its metadata.

Loading runs no code: symbolic functions are stored by the names that they have in the table of primitives.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor

from kanwidget import _check
from kanwidget._files import write_atomically
from kanwidget.core.layer import LAYER_TENSORS, Layer
from kanwidget.core.network import AnyNetwork, Network
from kanwidget.core.primitives import primitives
from kanwidget.core.records import EdgeRef, Event, Freedom, History, Posterior, StepRecord
from kanwidget.datasets.encoding import Encoding

#: Version of the format. A change that older code can't read raises it.
FORMAT = 5
#: The first format that is read.
_FIRST_FORMAT = 2
_KEY = "kanwidget"
_POSTERIOR_TENSORS = ("vector", "root")
_RECORD_FIELDS = tuple(StepRecord.__dataclass_fields__)
#: What `Network` has of its own; the rest of a subclass's plain attributes are its settings.
_SHAPE = ("training", "width", "arities", "n_features")


def save(network: Network, path: str | os.PathLike[str]) -> None:
    """Write a network to one file: parameters, structure, settings, reference and history, bit for bit.

    The file appears whole or not at all: it is written beside its place and moved there.

    Args:
        network: The network.
        path: Where to; any extension. An existing file is replaced.

    Examples:
        >>> import tempfile
        >>> from kanwidget import KAN
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(KAN([2, 5, 1]), folder + "/m.kan")
        ...     load(folder + "/m.kan", KAN)
        KAN([2, 5, 1], grid=3, k=3, 15 active edges)
    """
    state = network.state_dict()
    tensors = {name: value.detach().clone().contiguous() for name, value in state.items() if isinstance(value, Tensor)}
    if network.posterior is not None:
        tensors |= {f"posterior.{name}": getattr(network.posterior, name) for name in _POSTERIOR_TENSORS}
    content = to_bytes(tensors, {_KEY: json.dumps(_structure(network))})
    write_atomically(path, content, "save")


def load(path: str | os.PathLike[str], cls: type[AnyNetwork], map_location: torch.device | str = "cpu") -> AnyNetwork:
    """Read a network that `save` wrote.

    Args:
        path: The file.
        cls: The class to make: `KAN`, or whatever the network was.
        map_location: Where its tensors shall live.

    Returns:
        The network, equal bit for bit to the one that was saved.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it isn't such a file, is damaged, was written by a later version, or needs a primitive that isn't
            registered here.
    """
    tensors, structure = _read(_check.path(path, "load"), torch.device(map_location))
    _check_names(structure, path)
    try:
        return _assembled(tensors, structure, cls)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{os.fspath(path)} is damaged: {type(error).__name__}: {error}") from error


def _structure(network: Network) -> dict[str, Any]:
    """Everything about a network that isn't a tensor, as plain data."""
    return {
        "version": FORMAT,
        "class": type(network).__name__,
        "width": network.width,
        "arities": network.arities,
        "n_features": network.n_features,
        "in_vars": list(network.in_vars),
        "encoding": None if network.encoding is None else network.encoding.to_dict(),
        "classes": list(network.classes),
        "log": list(network.log),
        "training": network.training,
        "layers": [{"k": layer.k, "base_fun": layer.base_fun, **layer.get_extra_state()} for layer in network.layers],
        "frozen": [name for name, parameter in network.named_parameters() if not parameter.requires_grad],
        "settings": _settings(network),
        "history": _history(getattr(network, "history", None)),
        "posterior": _posterior(network.posterior),
    }


def _settings(network: Network) -> dict[str, Any]:
    """The plain values that a subclass keeps, such as grid_eps and seed: not those of `Network` itself, which a file has elsewhere."""
    plain = (bool, int, float, str, type(None))
    own = {name: value for name, value in vars(network).items() if name not in _SHAPE and not name.startswith("_")}
    return {name: value for name, value in own.items() if isinstance(value, plain)}


def _posterior(posterior: Posterior | None) -> dict[str, Any] | None:
    """A network's posterior as plain data, without its tensors; None where it has none.

    That is the standard deviation of the noise, the logarithm of the evidence, the number of labels, and whether the evidence had come to
    rest (`settled`). Degrees of freedom become rows: layer, source and target of the edge, then those of its straight part and of the rest.
    """
    if posterior is None:
        return None
    plain = {name: getattr(posterior, name) for name in ("noise", "log_evidence", "rows", "settled")}
    return plain | {"freedom": [[*edge, *freedom] for edge, freedom in posterior.freedom.items()]}


def _history(history: History | None) -> dict[str, Any] | None:
    """A training's history as plain data: for each number of a record a list over the steps, and events as [step, kind, label].

    None where the network has no `History`.
    """
    if not isinstance(history, History):
        return None
    columns = {field: [getattr(record, field) for record in history.records] for field in _RECORD_FIELDS}
    events = [[event.step, event.kind, event.label] for event in history.events]
    return {"columns": columns, "events": events, "optimizer": history.optimizer, "stop_reason": history.stop_reason}


def _read(path: Path, device: torch.device) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a file by their names, on a device, and the plain data beside them; a faulty file raises an error."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {os.fspath(path)}")
    try:
        with safe_open(os.fspath(path), framework="pt", device=str(device)) as file:
            text = (file.metadata() or {}).get(_KEY)
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()} if text else {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        advice = "It may have been cut off, or come from another program."
        raise ValueError(f"{os.fspath(path)} can't be read as a safetensors file ({error}). {advice}") from error
    try:
        structure = json.loads(text) if text else None
    except json.JSONDecodeError:
        structure = None
    if not isinstance(structure, dict) or not isinstance(structure.get("version"), int):
        raise ValueError(f"{os.fspath(path)} has no network of kanwidget in it; it comes from another program.")
    if not _FIRST_FORMAT <= structure["version"] <= FORMAT:
        found = f"format {structure['version']}, this kanwidget reads formats {_FIRST_FORMAT} to {FORMAT}"
        raise ValueError(f"{os.fspath(path)} has {found}.{' Update kanwidget.' * (structure['version'] > FORMAT)}")
    return tensors, structure


def _check_names(structure: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """An error if the file names functions that aren't registered here."""
    known = {row.name for row in primitives()} | {"silu", "identity", "zero"}
    used = {name for layer in structure.get("layers", []) for name in [*layer["symbols"], layer["base_fun"]]}
    if missing := sorted(used - known):
        calls = ", ".join(f"register_primitive({name!r}, …)" for name in missing)
        raise ValueError(f"{os.fspath(path)} uses functions that aren't in the table here. Call {calls} before load.")


def _assembled(tensors: dict[str, Tensor], structure: dict[str, Any], cls: type[AnyNetwork]) -> AnyNetwork:
    """A network of the class `cls` from the tensors and the plain data of a file.

    The class's own constructor isn't called: it would draw random parameters only to drop them.
    """
    layers = [_layer(tensors, f"layers.{n}.", data) for n, data in enumerate(structure["layers"])]
    network = cls.__new__(cls)
    columns = tensors["columns"]
    Network.__init__(
        network, structure["width"], structure["arities"], layers, structure["n_features"], columns.tolist()
    )
    network.in_vars = tuple(map(str, structure.get("in_vars", ())))
    network.classes = tuple(map(str, structure.get("classes", ())))
    if structure.get("encoding") is not None:
        network.encoding = Encoding.from_dict(structure["encoding"])
    network.log = tuple(structure.get("log", ()))
    _check_shape(network)
    network.columns = columns
    scales = {name.removeprefix("scaling."): value for name, value in tensors.items() if name.startswith("scaling.")}
    network.scaling.load_state_dict(scales or network.scaling.identity())
    network.reference = tensors["reference"]
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in structure["frozen"])
    # A file may come from anybody: a setting is taken only where it replaces nothing that a network has.
    for name, value in structure["settings"].items():
        if name.isidentifier() and not name.startswith("_") and not hasattr(network, name):
            setattr(network, name, value)
    if (posterior := structure.get("posterior")) is not None:
        parts = {name: tensors[f"posterior.{name}"] for name in _POSTERIOR_TENSORS}
        freedom = {EdgeRef(*row[:3]): Freedom(*row[3:]) for row in posterior["freedom"]}
        network.posterior = Posterior(**(posterior | parts | {"freedom": freedom}))
    if structure["history"] is not None:
        network.history = _restored(structure["history"])  # type: ignore[assignment]
    return network.train(structure["training"])


def _layer(tensors: dict[str, Tensor], prefix: str, data: dict[str, Any]) -> Layer:
    """A layer from the file's `tensors` whose names begin with `prefix`, and from its plain `data`: k, base function, symbols, ties, …"""
    part = {name: tensors[prefix + name] for name in LAYER_TENSORS}
    k = _check.integer(data["k"], "k", "load", low=0)
    grid = part["knots"][:, k : part["knots"].shape[1] - k]
    layer = Layer(grid, k, part["coef"], part["base"], data["base_fun"])
    edges = part["base"].numel()
    for flat in (flat for group in [*data["symbols"].values(), *data["ties"]] for flat in group):
        _check.integer(flat, "edge", "load", low=0, high=edges - 1)
    extra = {name: data[name] for name in ("symbols", "ties", "levels", "merged") if name in data}
    layer.load_state_dict({**part, "_extra_state": extra})
    # As stored, not as recomputed from the grid: bit for bit.
    layer.knots = part["knots"]
    return layer


def _check_shape(network: Network) -> None:
    """An error unless layers, nodes and columns fit together."""
    for index in range(network.depth):
        layer, level = network.layer(index), index + 1
        subnodes = network.width[level][0] + sum(network.arities[level])
        expected = (subnodes, network.nodes_in(index), max(layer.grid_size + layer.k, *layer.levels))
        if tuple(layer.coef.shape) != expected or len(layer.levels) != layer.in_dim or min(layer.levels) < 0:
            raise ValueError(f"layer {index} has shape {tuple(layer.coef.shape)}, not {expected}")
        if any(not _are_firsts(firsts, layer.levels, source) for source, firsts in layer.merged.items()):
            raise ValueError(f"layer {index} has merged levels that don't fit its inputs")
        if len(network.arities[level]) != network.width[level][1]:
            raise ValueError(f"level {level} has another number of products than of arities")
    columns = network.columns
    if columns.shape != (network.n_in,) or not bool(((columns >= 0) & (columns < network.n_features)).all()):
        raise ValueError("columns don't fit the inputs")
    if len(network.in_vars) not in (0, network.n_features):
        raise ValueError("names don't fit the columns")
    if len(network.classes) not in (0, network.n_out):
        raise ValueError("names of classes don't fit the outputs")


def _are_firsts(firsts: tuple[int, ...], levels: tuple[int, ...], source: int) -> bool:
    """Whether `firsts` is possible for merged levels of the input `source`: for each level the first one that has the same value.

    `levels` has the number of levels of each input. A first level comes no later than its level, and is its own first one.
    """
    fits = 0 <= source < len(levels) and len(firsts) == levels[source]
    return fits and all(0 <= first <= i and firsts[first] == first for i, first in enumerate(firsts))


def _restored(data: dict[str, Any]) -> History:
    """A training's history from plain data: columns of numbers over the steps, and events as [step, kind, label]."""
    fields = [field for field in _RECORD_FIELDS if field in data["columns"]]  # earlier versions have fewer
    rows = zip(*(data["columns"][field] for field in fields), strict=True)
    records = [StepRecord(**dict(zip(fields, row, strict=True))) for row in rows]
    events = [Event(int(step), str(kind), str(label)) for step, kind, label in data["events"]]
    return History(records, events, str(data["optimizer"]), str(data["stop_reason"]))
