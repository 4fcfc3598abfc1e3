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
        frozen(session.run.trainer.state_dict()),
        repr(session.run.records),
        repr(session.run.events),
        repr(session.run.last_record),
        repr(
            (
                session.run.state,
                session.run.stop_reason,
                session.run.remaining_steps,
                session.view.selection,
                session.candidates.simplicity,
            )
        ),
        repr(session.run.trainer.settings),
        repr((tree, session.tree.current)),
        session.script.statements(),
        session.model.training,
    )


def train(session, steps):
    """Some steps, however long they take."""
    from kanwidget.explorer.commands.training import Step

    session.apply(Step(steps))
    while session.running:
        session.advance(10.0)


def fit_formula(session):
    """Fit the formula's constants in this call, as a session without a thread does."""
    from kanwidget.explorer.commands.guide import FitFormula

    work_out = session.view.work_out
    session.view.work_out_with(lambda job: job(lambda: False, lambda _: None))
    session.apply(FitFormula())
    while session.running:
        session.advance(10.0)
    session.view.work_out_with(work_out)
