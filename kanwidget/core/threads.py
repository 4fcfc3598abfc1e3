"""How many threads torch uses: one for small work, in trainings and in every query.

Threads of small work spend their time waiting for each other: beside another load on two cores forty small fits took 32 s
instead of 2.4 s, and the candidates of one edge a second instead of a ninth of it. Sums are also rounded in an order that
depends on the number of threads, so an explorer on a thread of its own and the script that replays its session must use the same.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import torch

from kanwidget.core.network import Network

P = ParamSpec("P")
T = TypeVar("T")
Cls = TypeVar("Cls", bound=type)

#: Below this many parameters times rows, one thread is faster than several.
_SMALL_WORK = 5e7
#: Parameters of work without a network: about as many as a formula has constants.
_FORMULA_PARAMETERS = 50


def is_small(network: Network, rows: int) -> bool:
    """Whether work on a network and so many `rows` is so small that several threads would mostly wait for each other.

    The measure is the number of parameters times rows.
    """
    return _size(network) * rows < _SMALL_WORK


@contextmanager
def one_thread(small: bool = True) -> Iterator[None]:
    """A context in which torch uses one thread if the work is `small`, and as many as before afterwards.

    Calls may be nested. torch keeps the number per thread, so other threads keep theirs; but a thread that is begun later starts
    with the number that was set last: code that calls this on a thread of its own must set the number again where that was begun.
    """
    threads = torch.get_num_threads()
    if not small or threads == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def torch_as_it_was() -> Iterator[None]:
    """A context that puts back, at its end, torch's number of threads and whether it makes graphs for gradients.

    Ctrl-C may come at any place: also where a `no_grad` is being left, which then leaves graphs switched off for everybody.
    """
    threads, graphs = torch.get_num_threads(), torch.is_grad_enabled()
    try:
        yield
    finally:
        torch.set_grad_enabled(graphs)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)


# ---- the same for every public call


def limit_threads(function: Callable[P, T]) -> Callable[P, T]:
    """Let a function use one of torch's threads where the network and the data among its arguments are small.

    Examples:
        >>> threads = limit_threads(lambda rows: torch.get_num_threads())
        >>> threads(torch.zeros(10, 2))
        1
    """

    @functools.wraps(function)
    def limited(*args: P.args, **options: P.kwargs) -> T:
        """Call the function, with one of torch's threads if the work that its arguments mean is small."""
        if torch.get_num_threads() == 1:
            return function(*args, **options)
        with one_thread(_work([*args, *options.values()]) < _SMALL_WORK):
            return function(*args, **options)

    return limited


def limit_threads_of_methods(but: Collection[str] = ()) -> Callable[[Cls], Cls]:
    """Let all public methods and properties that a class defines limit torch's threads, `but` those that see to it themselves."""

    def decorate(cls: Cls) -> Cls:
        """Replace the public methods and properties of a class, except those in `but`, by ones that limit torch's threads."""
        for name, member in list(vars(cls).items()):
            if not name.startswith("_") and name not in but:
                setattr(cls, name, _limited(member))
        return cls

    return decorate


def _limited(member: Any) -> Any:
    """A method, class method or property, made to use one of torch's threads for small work; other attributes as they are."""
    if isinstance(member, property):
        # A copy, not a new property: it keeps the name that errors mention.
        return member.getter(limit_threads(member.fget)) if member.fget else member
    if isinstance(member, classmethod):
        return classmethod(limit_threads(member.__func__))
    return limit_threads(member) if callable(member) else member


def _work(arguments: Iterable[Any]) -> int:
    """How large the work of a call is: parameters of the network, times rows of the data, among its arguments.

    Without a network it is work on a formula, of about 50 constants. The rows of a network's reference data count, since a query without
    data uses them.
    """
    parameters, rows = [_FORMULA_PARAMETERS], [0]
    for argument in arguments:
        if isinstance(argument, Network):
            parameters.append(_size(argument))
            rows.append(len(argument.reference))
        else:
            rows.append(_rows(argument))
    return max(parameters) * max(rows)


def _size(network: Network) -> int:
    """Number of all parameters: frozen ones take part in the work."""
    # Each step of a training asks: going through all modules would take longer.
    return sum(layer.coef.numel() + layer.base.numel() + layer.affine.numel() for layer in network.layers)


def _rows(data: Any) -> int:
    """Rows of a tensor, table, Dataset, pykan dict or pair; 0 for all else."""
    if isinstance(data, Mapping):
        return max(map(_rows, data.values()), default=0)
    if isinstance(data, tuple):
        return max(map(_rows, data), default=0)
    try:
        return len(getattr(data, "train_input", data))
    except Exception:  # a number, a tensor without axes, an iterator, an array of dask without a known length
        return 0
