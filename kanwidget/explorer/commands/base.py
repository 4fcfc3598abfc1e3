"""What all commands use: from a message to its commands, and the frame of every act."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kanwidget import _check
from kanwidget.core import EdgeRef
from kanwidget.explorer.protocol.topics import CHANGED, Topics
from kanwidget.explorer.session.command import COMMANDS, Command
from kanwidget.explorer.session.session import Session


def parse(message: Mapping[str, Any]) -> Sequence[Command]:
    """The commands that a message from the browser asks for; `[]` for a message that asks for none.

    Raises:
        ValueError: Naming the field that is wrong.
    """
    command = command_class(message)
    return [] if command is None else command.from_message(message)


def command_class(message: Mapping[str, Any]) -> type[Command] | None:
    """The class of the command that a message asks for, None where it asks for none.

    Raises:
        ValueError: For an action that its kind doesn't have.
    """
    kind = message.get("kind")
    # `COMMANDS`: kind of a message → its actions → the class. A kind without actions has one command, under "".
    actions = COMMANDS.get(kind, {}) if isinstance(kind, str) else {}
    if not actions or "" in actions:
        return actions.get("")
    return actions[_check.choice(message.get("action"), "action", str(kind), actions)]


def act(
    session: Session,
    command: Command | Callable[[], Command],
    kind: str,
    label: str | Callable[[], str],
    change: Callable[[], Any],
    task: str | None = None,
) -> Topics:
    """Change the network between a checkpoint and a node of the undo tree; a failure undoes the change as a whole.

    Args:
        session: Its network is changed.
        command: What the script is to repeat; a function, called after the change, where only that decides.
        kind: Of the tree node, such as `prune`.
        label: Of the tree node, for people; a function as for `command`.
        change: Changes the network; called without arguments.
        task: Shown to the user meanwhile, where it takes longer.

    Returns:
        The topics that changed.
    """
    # Steps that a return has left behind can't be gone to from a network that was changed: with the topic `replaced` pages drop them.
    changed = CHANGED | {"replaced"} if session.later_records() else CHANGED
    checkpoint = session.run.checkpoint()
    if task:
        session.view.task(task)
    try:
        change()
        session.run.network_changed()
    except BaseException:
        session.restore(checkpoint)
        raise
    finally:
        if task:
            session.view.task(None)
    done = command() if callable(command) else command
    session.commit(kind, label if isinstance(label, str) else label(), checkpoint, _edges_of(done))
    session.script.add(done)
    return changed


def _edges_of(command: Command) -> list[EdgeRef]:
    """The edges that a command names in its fields: `edge` and `further`, or `edges`; none for a command without them.

    With a field `layer` its `edges` are pairs (input, output) of that layer.
    """
    first, layer = getattr(command, "edge", None), getattr(command, "layer", None)
    if first is not None:
        return [first, *getattr(command, "further", ())]
    edges = getattr(command, "edges", None) or ()
    return [EdgeRef(*edge) if layer is None else EdgeRef(layer, *edge) for edge in edges]


def change_edges(change: Callable[[int, int, int], None], edges: Sequence[EdgeRef]) -> None:
    """Call `change(layer, input, output)` for each of the edges, one after the other."""
    for edge in edges:
        change(*edge)


def listed(edges: Sequence[tuple[int, ...]]) -> str:
    """Edges or nodes as they stand in a script.

    Examples:
        >>> listed([EdgeRef(0, 0, 1)])
        '[(0, 0, 1)]'
    """
    return str([tuple(edge) for edge in edges])
