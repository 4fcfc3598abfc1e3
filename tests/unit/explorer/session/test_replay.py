"""Scripts of random sessions: whatever acts follow each other, the script ends in the same network, bit for bit."""

import contextlib
import random

import pytest
import torch

from kanwidget import KAN, Dataset, KANExplorer
from kanwidget.explorer.commands.guide import Simplify
from kanwidget.explorer.commands.training import Start
from tests.unit.explorer.session.test_script import replay
from tests.unit.explorer.states import network

#: Acts of a session, and how often each is drawn.
ACTS = {
    "step": 6,
    "start": 3,
    "go on": 6,
    "pause": 2,
    "train": 1,
    "begin to simplify": 1,
    "simplify": 1,
    "simplify a little": 1,
    "formula": 1,
    "undo": 4,
    "redo": 3,
    "goto": 1,
    "go_to_step": 2,
    "back_to_best": 2,
    "reset": 1,
    "reset to a seed": 1,
    "use_log": 2,
    "lamb": 2,
    "fix": 2,
    "prune": 1,
    "refine": 1,
}


@pytest.fixture(scope="module")
def gas():
    """A flow with 3 % noise, in pascal and kelvin."""
    generator = torch.Generator().manual_seed(0)
    p = 6e4 + 9e5 * torch.rand(40, 1, generator=generator, dtype=torch.float64)
    t = 250 + 300 * torch.rand(40, 1, generator=generator, dtype=torch.float64)
    flow = p / t * (1 + 0.03 * torch.randn(40, 1, generator=generator, dtype=torch.float64))
    x = torch.cat([p, t], 1)
    return Dataset(x[:30], flow[:30], x[30:], flow[30:], in_vars=["p [Pa]", "T"], out_vars=["flow"])


def perform(explorer, act, draw):
    """Carry out one act; what the state doesn't allow is refused, and leaves no line."""
    edges = explorer.model.edge_refs(active=True)
    match act:
        case "step":
            explorer.step(draw.randint(1, 4))
        case "start":
            explorer._driver.apply(Start())
        case "go on":
            for _ in range(draw.randint(1, 3)):
                explorer._session.advance(0.0)
        case "pause":
            explorer.pause()
        case "begin to simplify":
            explorer._driver.apply(Simplify())
        case "train":
            explorer.train()
        case "simplify":
            explorer.simplify()
        case "simplify a little":
            explorer.simplify(bits=draw.randint(0, 2))
        case "formula":
            explorer.fit_formula()
        case "undo":
            explorer.undo(draw.choice([None, None, 1, 2, 3]))
        case "redo":
            explorer.redo()
        case "goto":
            explorer.goto(draw.choice(explorer.states)["id"])
        case "go_to_step":
            explorer.go_to_step(draw.randint(0, 6))
        case "back_to_best":
            explorer.back_to_best()
        case "reset":
            explorer.reset()
        case "reset to a seed":
            explorer.reset(seed=draw.randint(0, 3))
        case "use_log":
            explorer.use_log(draw.choice([[], ["p [Pa]"], ["p [Pa]", "flow"], ["T"]]))
        case "lamb":
            explorer.lamb = draw.choice([0.0, 1e-3, 0.1])
        case "fix":
            explorer.fix(draw.choice(["x", "x^2", "log"]), edge=draw.choice(edges))
        case "prune":
            explorer.prune(edges=[draw.choice(edges)])
        case "refine":
            explorer.refine(explorer.model.grid + 1)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4, 7])
def test_a_random_session_is_replayed_bit_for_bit(gas, seed):
    draw = random.Random(seed)
    model, lib = KAN([2, 1, 1], grid=2, seed=seed), ["x", "x^2", "log"]
    with KANExplorer(model, gas, lamb=1e-3, lib=lib, driver="blocking") as explorer:
        for act in draw.choices(list(ACTS), ACTS.values(), k=18):
            with contextlib.suppress(ValueError, IndexError):
                perform(explorer, act, draw)
        assert network(replay(explorer.code(), gas)) == network(explorer.model), explorer.code()
