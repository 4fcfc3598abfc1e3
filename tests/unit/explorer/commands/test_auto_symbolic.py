"""Formulas for many edges in one act."""

import inspect
import re
from pathlib import Path

import pytest
import torch

from kanwidget import KAN, KANExplorer
from kanwidget.explorer.commands.network import AutoSymbolic
from kanwidget.simplification import auto_symbolic
from kanwidget.symbolic.fits.ranking import R2_THRESHOLD
from tests.unit.explorer.states import train


@pytest.mark.slow
def test_auto_is_what_the_network_does_by_itself(session, model, data):
    train(session, 20)
    twin = session.run.model_with_history()
    session.apply(AutoSymbolic(0.9))
    twin.auto_symbolic(data=data, r2_threshold=0.9, simplicity=session.candidates.simplicity)
    for ref in twin.edge_refs():
        assert session.model.layer(ref.layer).symbol(ref.source, ref.target) == twin.layer(ref.layer).symbol(
            ref.source, ref.target
        )
        assert torch.allclose(
            session.model.layer(ref.layer).affine[ref.target, ref.source],
            twin.layer(ref.layer).affine[ref.target, ref.source],
        )


def test_auto_takes_only_the_edges_that_are_named(session):
    train(session, 20)
    session.apply(AutoSymbolic(-1e9, edges=((0, 0, 1), (1, 2, 0))))
    states = {
        tuple(ref): session.model.layer(ref.layer).state(ref.source, ref.target) for ref in session.model.edge_refs()
    }
    assert [edge for edge, state in states.items() if state == "symbolic"] == [(0, 0, 1), (1, 2, 0)]


def test_a_pause_ends_auto_and_keeps_what_was_fixed(data):
    with KANExplorer(KAN([2, 5, 1], seed=4), data, driver="blocking") as explorer:
        explorer.step(5)
        session, asked = explorer._session, []
        session.run.interrupt_with(lambda: len(asked) >= 2)
        session.view.show_tasks_with(lambda task: asked.append(task) if task and "edge" in task else None)
        session.apply(AutoSymbolic(-1e9))
        fixed = sum(
            session.model.layer(r.layer).state(r.source, r.target) == "symbolic" for r in session.model.edge_refs()
        )
        assert fixed == 1
        assert session.view.notice.title == "Paused"
        (edge,) = (
            ref for ref in session.model.edge_refs() if session.model.layer(ref.layer).symbol(ref.source, ref.target)
        )
        assert f"edges={[tuple(edge)]}" in explorer.code()


def test_the_page_begins_with_the_same_threshold():
    source = (Path(__file__).parents[4] / "js/src/network/symbolify-preview.ts").read_text(encoding="utf-8")
    assert re.search(r"R2_THRESHOLD = ([\d.]+);", source)[1] == str(R2_THRESHOLD)
    for call in (auto_symbolic, KANExplorer.auto_symbolic):
        assert inspect.signature(call).parameters["r2_threshold"].default == R2_THRESHOLD


def test_a_pause_needn_t_wait_for_the_step_that_runs(data):
    with KANExplorer(KAN([2, 5, 1], seed=4), data, driver="blocking") as explorer:
        explorer.step(5)
        session, asked = explorer._session, []
        session.run.interrupt_with(lambda: len(asked) >= 1)
        session.view.show_tasks_with(lambda task: asked.append(task) if task and "edges" in task else None)
        session.apply(AutoSymbolic(-1e9))
        assert asked == ["replacing edges: 0 of 15"]
        assert all(session.model.layer(r.layer).symbol(r.source, r.target) is None for r in session.model.edge_refs())
