"""A session written down as a script that replays it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

import torch

from kanwidget import _check
from kanwidget.explorer.session.command import Command
from kanwidget.explorer.session.undo import equal
from kanwidget.kan import KAN

_HEADER = '''"""A session of kanwidget's explorer. Run it on the same data to come to the same network."""'''


class Script(str):
    r"""The text of a script. A notebook shows it in lines, not as one string with escapes.

    Examples:
        >>> Script("a = 1\nb = 2\n")
        a = 1
        b = 2
        >>> Script("a = 1") == "a = 1", "".join([Script("a"), "b"])
        (True, 'ab')
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return self.rstrip("\n")


@dataclass(slots=True)
class ScriptLog:
    """The commands that a script repeats, in order, and the numbers of steps between them.

    A cut comes where a command stands, or a training was started again after its end: steps after it make a new entry.
    """

    entries: list[Command | int] = field(default_factory=list)
    _cut: bool = True
    _longer: Callable[[], Command] | None = None
    """What a longer act in progress has done so far, as one command."""

    def resume(self, entries: Iterable[Command | int]) -> None:
        """Go on after the entries of a saved session, each a command or a number of steps; a number at the end counts on."""
        self.entries, self._cut = list(entries), False  # no cut: the next step counts on

    def step(self) -> None:
        """Count one more step: in the last entry, if that counts steps and `cut` wasn't called since; steps of a longer act don't count."""
        if self._longer is not None:
            return
        if not self._cut and self.entries and isinstance(self.entries[-1], int):
            self.entries[-1] += 1
        else:
            self.entries.append(1)
        self._cut = False

    def cut(self) -> None:
        """Let the next step begin a new entry: the training was started again after an end, where one call with all steps would stop."""
        self._cut = True

    def begin_longer(self, command: Callable[[], Command]) -> None:
        """A longer act begins: it is one command, whatever steps and commands it is made of.

        `command` says at any time what it has done so far, as that command.
        """
        self._longer = command

    def end_longer(self) -> None:
        """The longer act is over: its command, which `_longer` makes, is added; nothing happens without such an act."""
        if self._longer is not None:
            command, self._longer = self._longer(), None
            self.add(command)

    def add(self, command: Command) -> None:
        """Add a command that was carried out, in place of an interim one that it supersedes; not a part of a longer act in progress."""
        if self._longer is not None:
            return
        previous = self.entries[-1] if self.entries else None
        if isinstance(previous, Command) and previous.interim and command.supersedes(previous):
            self.entries.pop()
        self.entries.append(command)
        self._cut = True  # the next step begins a new entry

    def statements(self) -> list[str]:
        """The lines of the script, without commands that it doesn't need; a longer act in progress as far as it has come."""
        # Each entry is a command or a number of steps; `_longer()` is what the act in progress has done so far, as one command.
        entries = self.entries if self._longer is None else [*self.entries, self._longer()]
        lines = [f"explorer.step({entry})" if isinstance(entry, int) else entry.call() for entry in entries]
        return [line for line in lines if line]


def constructor(model: KAN) -> str | None:
    """The call of `KAN` that makes exactly this network, as text; None where no call does, as for a network that was trained.

    To find out, the call is tried, and its network compared. It names grid, k and seed, and other arguments that aren't the defaults.
    """
    layers = [model.layer(index) for index in range(model.depth)]
    grids = [layer.grid_size for layer in layers]
    width = [sums if not products else [sums, products] for sums, products in model.width]
    arguments: dict[str, object] = {"grid": grids[0] if len(set(grids)) == 1 else grids, "k": model.k}
    if any(model.arities):
        arguments["mult_arity"] = model.arities
    if layers[0].base_fun != "silu":
        arguments["base_fun"] = layers[0].base_fun
    if model.grid_eps != 0.5:
        arguments["grid_eps"] = model.grid_eps
    if model.log:
        arguments["log"] = list(model.log)
    arguments["seed"] = model.seed
    try:
        made = KAN(width, dtype=model.dtype, **arguments).to(model.device)  # type: ignore[arg-type]
    except ValueError:
        return None
    if not _equal(made, model):
        return None
    dtype = "" if model.dtype == torch.float64 else f", dtype={model.dtype}"
    return f"KAN({width}, {', '.join(f'{name}={value!r}' for name, value in arguments.items())}{dtype})"


def script(model: KAN, arguments: dict[str, object], log: ScriptLog, start: str, preset: str | None = None) -> Script:
    """The whole script. An option that can't be written down appears as a name, which the reader supplies, as `data`.

    Args:
        model: The network that the session began with.
        arguments: The arguments of `KANExplorer` that aren't the defaults, by name.
        log: The commands and numbers of steps since then.
        start: Name of the file, `….kan`, from which the script loads the network where no call of `KAN` makes it.
        preset: Name of the preset, None for data of one's own.
    """
    made = constructor(model)
    if made is None:
        made = f'KAN.load("{start}")  # explorer.code("{start.removesuffix(".kan")}.py") writes it beside the script'
    imports = ["import torch"] if "torch." in made else []
    texts = {name: literal(value) for name, value in arguments.items()}
    options = "".join(f", {name}={name if text is None else text}" for name, text in texts.items())
    supplied = [f"# `{name}` is the value of that option" for name, text in texts.items() if text is None]
    if preset is None:
        kind = "data frame" if "target" in arguments else "dataset"
        names, of_data = "KAN, KANExplorer", [f"# `data` is the {kind} that the session was given"]
        begin = [f"model = {made}", f"explorer = KANExplorer(model, data{options})"]
    else:
        imports, names, of_data = [], "KANExplorer", []
        begin = [f"explorer = KANExplorer.demo({preset!r}, seed={model.seed}{options})"]
    head = [_HEADER, "", *imports, f"from kanwidget import {names}", "", *of_data, *supplied]
    lines = [*head, *begin, *log.statements(), "model = explorer.model"]
    return Script("\n".join(lines) + "\n")


def literal(value: Any) -> str | None:
    """A value as text that Python reads back, None where there is no such text: a function, a tensor.

    Examples:
        >>> literal([1, 0.5, "a"]), literal({"a": None}), literal(print), literal(float("inf"))
        ("[1, 0.5, 'a']", "{'a': None}", None, None)
    """
    match value:
        case None | bool():
            return repr(value)
        case str():
            return repr(str(value))
        case Integral():
            return repr(int(value))
        case Real():
            return repr(float(value)) if math.isfinite(value) else None
        case list() | tuple():
            parts = [literal(item) for item in value]
            return None if None in parts else f"[{', '.join(map(str, parts))}]"
        case dict():
            pairs = [(literal(name), literal(item)) for name, item in value.items()]
            writable = all(None not in pair for pair in pairs)
            return f"{{{', '.join(f'{name}: {text}' for name, text in pairs)}}}" if writable else None
    return None


def _equal(a: KAN, b: KAN) -> bool:
    """Whether two networks have the same inputs, parameters and other state; their reference data may differ."""
    states = ({name: part for name, part in model.state_dict().items() if name != "reference"} for model in (a, b))
    return a.n_features == b.n_features and equal(*states)


def listed(names: Any) -> Any:
    """Names as a list, from any iterable but a text. Other values, None among them, pass as they are: later checks refuse what is wrong."""
    return list(names) if isinstance(names, Iterable) and not isinstance(names, str) else names


def names_of(names: Any, default: tuple[str, ...], argument: str) -> tuple[str, ...]:
    """The names of columns: `names` as a person gives them or, where these are None, those of the data, `default`.

    Errors name the `argument` of `KANExplorer`, `in_vars` or `out_vars`.

    Raises:
        ValueError: For another number of names, and for names that are no texts.
    """
    chosen = default if names is None else names
    if names is None and not all(chosen):
        _check.fail("data", "KANExplorer", "made of columns with names", list(chosen), "One is called '': rename it.")
    sound = not isinstance(chosen, str) and all(isinstance(name, str) and name for name in chosen)
    if not sound or len(chosen) != len(default):
        _check.fail(argument, "KANExplorer", f"a list of {len(default)} names", names)
    return tuple(chosen)


def written(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments by name that aren't the defaults: None and `auto` are."""
    # Arrays have no truth value: `in` is asked of texts alone.
    is_default = lambda value: value is None or (isinstance(value, str) and value == "auto")  # noqa: E731
    return {name: value for name, value in arguments.items() if not is_default(value)}
