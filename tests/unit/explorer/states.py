"""Everything that a session is, in a form that can be compared bit for bit."""

import torch


def frozen(value):
    """A value without anything that could change later."""
    if isinstance(value, torch.Tensor):
        return value.dtype, tuple(value.shape), value.detach().numpy().tobytes()
    if isinstance(value, dict):
        return tuple((key, frozen(one)) for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    return repr(value)


def network(model):
    """Structure and parameters."""
    return frozen([model.width, model.arities, model.state_dict()])


def everything(session):
    """What a command that fails must leave alone."""
    tree = [(n.id, n.parent, n.label, n.forward) for n in session.tree.nodes.values()]
    return (
        network(session.model),
        frozen(session.trainer.state_dict()),
        repr(session.records),
        repr(session.events),
        repr(session.now),
        repr((session.state, session.stop_reason, session.left, session.selection, session.simplicity)),
        repr(session.trainer.settings),
        repr((tree, session.tree.current)),
        session.log.statements(),
        session.model.training,
    )


def train(session, steps):
    """Some steps, however long they take."""
    from kanwidget.explorer.commands.base import Step

    session.apply(Step(steps))
    while session.running:
        session.advance(10.0)
