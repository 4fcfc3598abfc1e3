"""Versions of a network in memory: pykan keeps them in a folder."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kanwidget import KAN

#: Versions that are kept; the oldest ones go.
MOST_VERSIONS = 200


class Versions:
    """Networks by name, `round.number`, shared by all networks that came from one.

    Examples:
        >>> from kanwidget import KAN
        >>> versions = Versions()
        >>> versions.store("0.1", KAN([2, 1]))
        >>> versions.of("0.1")
        KAN([2, 1], grid=3, k=3, 2 active edges)
    """

    def __init__(self) -> None:
        self._networks: OrderedDict[str, KAN] = OrderedDict()

    def __deepcopy__(self, memo: dict[int, object]) -> Versions:
        return self

    def store(self, name: str, network: KAN) -> None:
        """Keep a copy under that name."""
        self._networks[name] = copy.deepcopy(network)
        self._networks.move_to_end(name)
        while len(self._networks) > MOST_VERSIONS:
            self._networks.popitem(last=False)

    def __contains__(self, name: str) -> bool:
        return name in self._networks

    def next_round(self) -> int:
        """A number of a round that has no version yet."""
        return 1 + max((int(name.partition(".")[0]) for name in self._networks), default=0)

    def of(self, name: str, where: str = "rewind") -> KAN:
        """A copy of a version.

        Raises:
            ValueError: For a name without a version.
        """
        if name not in self._networks:
            there = ", ".join(list(self._networks)[-8:]) or "none: auto_save=True keeps them"
            raise ValueError(
                f"the `model_id` argument of {where} must be the name of a version; got {name!r}. There are {there}."
            )
        return copy.deepcopy(self._networks[name])
