"""`Command`: a request that changes a session. A session knows its commands only by this class."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Literal

from kanwidget import _check
from kanwidget.explorer.protocol.topics import Topics

#: Kind of a message → its actions → the commands. A kind without actions has one command, under "".
COMMANDS: Final[dict[str, dict[str, type[Command]]]] = {}


class Command:
    """A request that changes a session: it checks its fields, performs and writes itself.

    Each command is a frozen dataclass. One that names its `kind` is registered by it, and made from messages of this kind.
    """

    __slots__ = ()

    #: Kind of the messages that ask for it, and their field `action` where several commands share a kind.
    kind: ClassVar[str] = ""
    action: ClassVar[str] = ""
    #: How the fields of its messages are read, each under the name that it has here: from a value, this name and the kind.
    reads: ClassVar[Mapping[str, Callable[[Any, str, str], Any]]] = {}
    #: The statement on `explorer` that repeats it in a script, with its fields in braces; "" where a script doesn't need it.
    statement: ClassVar[str] = ""
    #: Stamps that its messages may carry where they name edges or nodes: the version of the network that the user saw, see `check_stamps`.
    stamps: ClassVar[tuple[str, ...]] = ("structure",)
    #: Whether a step in progress is abandoned for this command.
    interrupts: ClassVar[bool] = False
    #: Whether a drag in progress goes on.
    continues_drag: ClassVar[bool] = False
    #: Whether a process of the session goes on.
    continues_process: ClassVar[bool] = False
    #: Whether the notice of an earlier command stays.
    keeps_notice: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        """Register a class that names its `kind`, so that messages of this kind and action find it."""
        if "kind" in vars(cls):
            COMMANDS.setdefault(cls.kind, {})[cls.action] = cls

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Sequence[Command]:
        """The commands that a message of this kind asks for, every field checked: one, of the fields that `reads` names.

        Raises:
            ValueError: Naming the field that is wrong.
        """
        return [cls(**cls.fields_of(message))]

    @classmethod
    def fields_of(cls, message: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a message that `reads` names, every one checked."""
        # What errors name: `control` has many actions.
        where = cls.action if cls.kind == "control" else cls.kind
        return {name: read(message.get(name), name, where) for name, read in cls.reads.items()}

    @classmethod
    def stamps_of(cls, message: Mapping[str, Any]) -> dict[str, int]:
        """The stamps of a message that names edges or nodes, by name: the version of the network that the user saw; none for others."""
        if all(message.get(name) is None for name in ("edge", "edges", "node", "level")):
            return {}
        stamps = {name: message[name] for name in cls.stamps if message.get(name) is not None}
        return {name: _check.integer(value, name, cls.kind, low=0) for name, value in stamps.items()}

    def repeats(self, session: Any) -> bool:
        """Whether the `Session` does already what this command asks for: it is then left out, without an error."""
        return False

    def check_stamps(self, session: Any, stamps: Mapping[str, int]) -> None:
        """Refuse a command that was meant for another structure than the `Session` has now.

        `stamps` has the versions of the network that the user saw, by name, as from `stamps_of`; without one nothing is refused.

        Raises:
            ValueError: If the nodes have changed since the user saw them.
        """
        if stamps.get("structure", session.structure_id) != session.structure_id:
            raise ValueError("the network has changed since this was clicked. Nothing was done; look, and click again.")

    def perform(self, session: Any) -> Topics:
        """Change a `Session`, or leave it as it was and raise an error.

        Returns:
            The topics that changed.
        """
        raise NotImplementedError

    def call(self) -> str | None:
        """The command as a statement on `explorer`, None if a script doesn't need it."""
        return self.statement.format(self=self) or None

    @property
    def interim(self) -> bool:
        """Whether the script drops this command once a later one supersedes it, as each movement of a drag but the last."""
        return False

    def supersedes(self, previous: Command) -> bool:
        """Whether this command makes an earlier one unnecessary, which still waits or is the last line of the script."""
        return False

    def commutes(self, previous: Command) -> bool:
        """Whether this command may be carried out before a waiting previous one."""
        return False


class Process:
    """A longer act that a session carries out bit by bit, as it trains: commands and pauses have their turn in between."""

    #: The one of the steps that it is.
    step: ClassVar[Literal["train", "simplify", "formula", "discover"]]
    #: The action, or where it has none the kind, of the command that begins it; "" where no click does.
    begun_by: ClassVar[str] = ""
    #: What it does in place of training, in a word.
    word: ClassVar[str] = "working"
    #: What it does at the moment, for people.
    sentence: str = ""

    @property
    def stopped(self) -> str:
        """What is kept where another act stops it, as a sentence."""
        raise NotImplementedError

    def advance(self) -> Topics:
        """Do a bit of it; the last bit ends it. Returns the topics that changed."""
        raise NotImplementedError

    def end(self) -> Topics:
        """End it, whether its work is done or not, and leave the session paused with what it has done. Returns the topics that changed."""
        raise NotImplementedError


class Setting(Command):
    """A command that sets something: of several that wait the last one counts, whatever other settings wait between them."""

    __slots__ = ()

    def supersedes(self, previous: Command) -> bool:
        """Whether the previous command sets the same thing."""
        return type(previous) is type(self)

    def commutes(self, previous: Command) -> bool:
        """Whether the previous command sets something, too: their order doesn't matter."""
        return isinstance(previous, Setting)


@dataclass(frozen=True, slots=True)
class Statement(Command):
    """A line of the script for a change that no command made."""

    statement = "{self.line}"

    line: str
