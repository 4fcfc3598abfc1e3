"""A network with pykan's habits: what it remembers, and its versions."""

from __future__ import annotations

import copy
import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from typing_extensions import Self

import kanwidget
from kanwidget import _check
from kanwidget.pykan.network import starts
from kanwidget.pykan.words import MISSING, say_ignored

#: Inputs of the last call that are kept, for what pykan computes from its hidden state.
_ROWS = 512
#: Versions that are kept; the oldest ones go.
MOST_VERSIONS = 200


class Versions(OrderedDict[str, kanwidget.KAN]):
    """Networks by name, `round.number`, in memory and shared by all networks that came from one; pykan keeps them in a folder.

    Examples:
        >>> from kanwidget import KAN
        >>> versions = Versions()
        >>> versions.store("0.1", KAN([2, 1]))
        >>> versions.of("0.1")
        KAN([2, 1], grid=3, k=3, 2 active edges)
    """

    def __deepcopy__(self, memo: dict[int, object]) -> Versions:
        """Itself: copies of a network share its versions."""
        return self

    def store(self, name: str, network: kanwidget.KAN) -> None:
        """Keep a copy of a network under a name, `round.number`, as the newest version; beyond 200 the oldest one goes."""
        self[name] = copy.deepcopy(network)
        self.move_to_end(name)
        while len(self) > MOST_VERSIONS:
            self.popitem(last=False)

    def next_round(self) -> int:
        """A number of a round that has no version yet."""
        return 1 + max((int(name.partition(".")[0]) for name in self), default=0)

    def of(self, name: str, where: str = "rewind") -> kanwidget.KAN:
        """A copy of the network of a version, by its name, `round.number`; the error names the call, `where`.

        Raises:
            ValueError: For a name without a version.
        """
        if name not in self:
            there = ", ".join(list(self)[-8:]) or "none: auto_save=True keeps them"
            _check.fail("model_id", where, "the name of a version", name, f"There are {there}.")
        return copy.deepcopy(self[name])


class PykanNetwork(nn.Module):
    """`network`, a `kanwidget.KAN`, with a memory of inputs and of versions. `MultKAN` says what its arguments are."""

    network: kanwidget.KAN
    #: What `starts.write_trace` gave when parameters were last as this class left them.
    _trace: tuple[int, list[int]]
    #: Whether its parameters are still the random ones, and the mean of its base factors then.
    _is_random = False
    _base_mean = 0.0
    #: Whether the inputs of a call are kept: not those of a training.
    _remembers = True
    auto_save, save_act, ckpt_path = True, True, "./model"
    round, state_id = 0, 0

    def __init__(
        self,
        width: Sequence[Any],
        grid: Any = 3,
        k: int = 3,
        mult_arity: Any = 2,  # factors of the product nodes
        noise_scale: float | None = None,  # size of the random splines, times `grid`; None for kanwidget's
        scale_base_mu: float = 0.0,  # mean of the random base factors, in units of 1/√inputs
        scale_base_sigma: float = 1.0,  # their spread, likewise
        base_fun: Any = "silu",
        symbolic_enabled: bool = True,  # no effect, as `first_init`, `sp_trainable`, `save_act` and `ckpt_path`
        affine_trainable: bool = False,
        grid_eps: float | None = None,  # 0: grids follow quantiles of the data, 1: they are uniform
        grid_range: Sequence[float] = (-1, 1),  # ends of the first grids
        sp_trainable: bool = True,
        sb_trainable: bool = True,
        seed: int = 1,
        save_act: bool = True,
        sparse_init: bool = False,  # whether only edges between neighbours are there at the start
        auto_save: bool = True,  # whether versions of the network are kept, in memory
        first_init: bool = True,
        ckpt_path: str = "./model",
        state_id: int = 0,  # number of the first version, whose name is `round.state_id`
        round: int = 0,
        device: Any = "cpu",
    ) -> None:
        """Make a `kanwidget.KAN` with pykan's arguments and start, and store it as the first version."""
        super().__init__()
        if affine_trainable:
            say_ignored("KAN", "factors and constants are part of the edges.", affine_trainable=True)
        if not sb_trainable and base_fun != "zero":
            say_ignored("KAN", "base functions are trained; base_fun='zero' has none.", sb_trainable=False)
        if not isinstance(width, Sequence) or isinstance(width, str):
            _check.fail("width", "KAN", "a list of numbers of nodes, such as [2, 5, 1]", width)
        if len(np.atleast_1d(np.asarray(grid_range))) != 2:
            _check.fail("grid_range", "KAN", "two numbers", grid_range)
        dtype = torch.get_default_dtype()
        more: dict[str, Any] = {} if grid_eps is None else {"grid_eps": grid_eps}
        grids = whole_numbers(grid)
        self.network = kanwidget.KAN(
            list(width),
            grids,
            k,
            mult_arity=mult_arity,
            base_fun=_base_name(base_fun),
            grid_range=(float(grid_range[0]), float(grid_range[1])),
            noise_scale=1.0 if noise_scale is None else noise_scale / (grids if isinstance(grids, int) else max(grids)),
            sparse_init=sparse_init,
            seed=seed,
            dtype=dtype if dtype in (torch.float32, torch.float64) else torch.float64,
            **more,
        )
        if base_fun != "zero":  # GAIN: base factors begin so much larger than kanwidget's
            starts.rescale_base(self.network, scale_base_mu, starts.GAIN * scale_base_sigma)
        self.auto_save, self.save_act, self.ckpt_path = auto_save, save_act, ckpt_path
        self.round, self.state_id = round, state_id
        self._versions = Versions()  # copies of the network by name, shared with networks that come from this one
        # Grids of one's own are in the units of the data, which no training may rescale then.
        if tuple(grid_range) != (-1, 1):
            starts.settle_scales(self.network)
        self.to(device)
        self._store()
        # For `fit`, which tries other random starts while parameters are still random, with base factors of the same mean.
        self._is_random, self._base_mean = True, 0.0 if base_fun == "zero" else scale_base_mu

    # ---- using it

    def forward(self, x: Any, singularity_avoiding: bool = False, y_th: float = 10.0) -> Tensor:
        """Outputs `(rows, outputs)`. A sample of the inputs is kept for `plot`, `prune`, `fix_symbolic` and the like.

        `singularity_avoiding` and `y_th` have no effect.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> MultKAN([2, 1])(torch.zeros(3, 2)).shape
            torch.Size([3, 1])
        """
        x = torch.as_tensor(x).to(self.network.device, self.network.dtype)
        self._notice_own_loops()  # a person's own training since the last call settles the scales
        y: Tensor = self.network(x)
        # `_remembers` is False while `fit` trains. Nothing from within torch.func's transforms is kept: it must not outlive them.
        if self._remembers and x.ndim == 2 and len(x) and not torch._C._functorch.is_functorch_wrapped_tensor(x):
            step = max(1, -(-len(x) // _ROWS))  # rounded up, so that no more rows than that are kept
            self.network.reference = x.detach()[::step].clone()
        return y

    def _notice_own_loops(self) -> None:
        """Settle the scales if parameters were written to since this class last did, by a training loop of a person's own.

        What that has learnt is in the units of the data: a later `fit` must not rescale it. `_trace` is what the count of writes to each
        parameter was; `_remembers` is False while `fit` itself trains.
        """
        if self._remembers and self._trace != starts.write_trace(self.network):
            starts.settle_scales(self.network)
            self._trace, self._is_random = starts.write_trace(self.network), False

    def get_act(self, x: Any = None) -> None:
        """Remember inputs, a tensor or a dataset, for `plot`, `prune`, `fix_symbolic` and the like: `forward` keeps a sample of them.

        None does nothing.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([2, 1])
            >>> model.get_act(torch.rand(100, 2))
            >>> model.network.reference.shape
            torch.Size([100, 2])
        """
        x = x["train_input"] if isinstance(x, dict) else x
        if x is not None:
            with torch.no_grad():
                self.forward(x)

    def speed(self, compile: bool = False) -> Self:
        """Nothing: no time is spent on functions and activations that nobody asks for.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([2, 1])
            >>> model.speed() is model
            True
        """
        return self

    # ---- versions and files

    def rewind(self, model_id: str) -> Self:
        """The network of a version, such as `'0.1'`, to go on from. Its name gets a new round.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> model = MultKAN([2, 1])
            >>> model.remove_edge(0, 0, 0)
            >>> model.rewind("0.0").n_edge
            rewind to model version 0.0, renamed as 1.0
            2
        """
        other = self._with(self._versions.of(model_id))
        other.round, other.state_id = self._versions.next_round(), int(model_id.split(".")[-1])
        other._store()
        print(f"rewind to model version {model_id}, renamed as {other.version}")
        return other

    def checkout(self, model_id: str) -> Self:
        """The network of a version, such as `'0.1'`, to look at: it keeps the version's name, and is no new version."""
        other = self._with(self._versions.of(model_id, "checkout"))
        other.round, other.state_id = (int(part) for part in model_id.split("."))
        return other

    @property
    def version(self) -> str:
        """Name of the version, `round.number`."""
        return f"{self.round}.{self.state_id}"

    def copy(self) -> Self:
        """A network of its own that computes the same."""
        return copy.deepcopy(self)

    def __getstate__(self) -> dict[str, Any]:
        """The attributes, for a copy or a file. A training loop of a person's own, which settles the scales, is noticed now.

        A copy can't notice it: its tensors count their writes anew.
        """
        self._notice_own_loops()
        return vars(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the attributes of another network: the copy remembers inputs of calls, and notices (`_trace`) later writes to parameters."""
        super().__setstate__(state)
        self._remembers, self._trace = True, starts.write_trace(self.network)

    def saveckpt(self, path: str = "model") -> None:
        """Write the network to the file `path.kan`, see `kanwidget.KAN.save`.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> import tempfile
            >>> with tempfile.TemporaryDirectory() as folder:
            ...     MultKAN([2, 1]).saveckpt(folder + "/mark")
            ...     MultKAN.loadckpt(folder + "/mark").n_edge
            2
        """
        self.network.save(_file(path))

    @classmethod
    def loadckpt(cls, path: str = "model") -> Self:
        """Read a network that `saveckpt` wrote; checkpoints of pykan can't be read."""
        return cls.of(kanwidget.KAN.load(_file(path)))

    @classmethod
    def of(cls, network: kanwidget.KAN) -> Self:
        """A model with pykan's methods around a network of kanwidget, which it trains and edits.

        Examples:
            >>> from kanwidget.pykan import MultKAN
            >>> MultKAN.of(kanwidget.KAN([2, 1])).n_edge
            2
        """
        made = cls.__new__(cls)
        nn.Module.__init__(made)
        made.network, made._versions = network, Versions()
        made._store()
        return made

    # ---- one network after the other

    def _with(self, network: kanwidget.KAN) -> Self:
        """A model of this class around another `network`, with the settings of this one; both store versions in the same place.

        Its parameters don't count as a random start (`_is_random`); `_trace` is how often they were written to, to notice later writes.
        """
        other = self.__class__.__new__(self.__class__)
        nn.Module.__init__(other)
        settings = {name: value for name, value in vars(self).items() if name[0] != "_" and name != "training"}
        vars(other).update(settings)
        other.network, other._versions, other._trace = network, self._versions, starts.write_trace(network)
        return other

    def _next(self, network: kanwidget.KAN) -> Self:
        """The model of a network that came from this one, by pruning say; it is stored as the next version."""
        other = self._with(network)
        other._store(next_version=True)
        return other

    def _become(self, network: kanwidget.KAN) -> None:
        """Be another network. In place: where its shape stays, the parameters stay the same objects, which an optimizer may hold."""
        new, old = network.state_dict(), self.network.state_dict()
        if _shapes(new) == _shapes(old):
            self.network.load_state_dict(new)
            self.network.history = network.history
        else:
            self.network = network
        self._store(next_version=True)

    def _store(self, *, next_version: bool = False) -> None:
        """Store the network as a version, with a new number if it has changed (`next_version`), unless `auto_save` is off.

        It also notes in `_trace` how often parameters were written to, to notice later writes by others; a changed network no longer counts
        as a random start (`_is_random`).
        """
        self._trace, self._is_random = starts.write_trace(self.network), self._is_random and not next_version
        if self.auto_save:
            self.state_id += next_version
            while next_version and self.version in self._versions:
                self.state_id += 1  # another network that came from the same one has that number
            self._versions.store(self.version, self.network)

    def __getattr__(self, name: str) -> Any:
        """An attribute of kanwidget's network, for a name that this class hasn't.

        Raises:
            AttributeError: For names that neither has; with advice for those of pykan that have no counterpart here.
        """
        try:
            return super().__getattr__(name)
        except AttributeError:
            if name in MISSING:
                raise AttributeError(f"KAN of kanwidget.pykan has no `{name}`. {MISSING[name]}") from None
            network = self.__dict__.get("_modules", {}).get("network")
            if network is None or name.startswith("_"):
                raise
            return getattr(network, name)

    def __repr__(self) -> str:
        return f"kanwidget.pykan.{self.network!r}"


def whole_numbers(grid: Any) -> Any:
    """A number of grid intervals, or a list of one a layer, as Python's own integers: notebooks take them from arrays. Else an error."""
    values = np.asarray(grid)
    if values.ndim > 1 or values.size == 0 or not np.issubdtype(values.dtype, np.number) or (values < 1).any():
        _check.fail("grid", "KAN", "a number ≥ 1, or one a layer", grid)
    return int(values) if values.ndim == 0 else [int(count) for count in values]


def _base_name(base_fun: Any) -> str:
    """The name of a base function, from the name or from torch's silu or identity; an error for another function."""
    if isinstance(base_fun, str):
        return base_fun
    if isinstance(base_fun, nn.SiLU) or base_fun is nn.functional.silu:
        return "silu"
    if isinstance(base_fun, nn.Identity):
        return "identity"
    advice = "kanwidget.register_primitive(name, fn) gives a function of your own a name."
    _check.fail("base_fun", "KAN", "a name, such as 'silu', 'identity' or 'zero'", base_fun, advice)


def _file(path: Any) -> str:
    """The name of the file of a checkpoint, with `.kan` at its end."""
    name = os.fspath(path)
    return name if name.endswith(".kan") else f"{name}.kan"


def _shapes(state: Mapping[str, Any]) -> dict[str, Any]:
    """Shapes of the tensors in a state, None for what else it holds."""
    return {name: getattr(value, "shape", None) for name, value in state.items()}
