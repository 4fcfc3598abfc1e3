"""The golden messages of the protocol, which the tests of both languages read: `python -m tests.unit.explorer.golden` writes them.

They come out of the real publisher, from a session whose numbers are all set by hand: nothing in them depends on a processor.
"""

import base64
import json
from pathlib import Path
from unittest import mock

import torch

from kanwidget import KAN, Dataset, SymbolicFit
from kanwidget.core import EdgeRef, Event, StepRecord
from kanwidget.core.records import Posterior
from kanwidget.core.scores import Scores
from kanwidget.explorer.commands.base import parse
from kanwidget.explorer.describe import snapshot as describe
from kanwidget.explorer.page import large_networks
from kanwidget.explorer.page.publisher import Publisher
from kanwidget.explorer.protocol.records import VERSION
from kanwidget.explorer.protocol.topics import Notice
from kanwidget.explorer.session import samples, training_run
from kanwidget.explorer.session.samples import NetworkSamples, sampled
from kanwidget.explorer.session.session import Session
from kanwidget.training.jacobian.parameter_vector import ParameterVector

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "protocol"
EDGE = [0, 0, 0]

#: What a page says, by the name of its file. `v` and `seq` are added.
TO_PYTHON = {
    "hello": {"kind": "hello", "view": "kw1-abc123"},
    "set": {"kind": "set", "settings": {"lamb": 0.01}},
    "set.grid": {"kind": "set", "settings": {"grid": 10}},
    "set.opt": {"kind": "set", "settings": {"opt": "LBFGS"}},
    "control": {"kind": "control", "action": "start"},
    "select": {"kind": "select", "edges": [[0, 0, 0], [0, 1, 0]]},
    "select.none": {"kind": "select", "edges": []},
    "fix": {"kind": "fix", "edge": EDGE, "name": "sin", "keep_spline": False},
    "fix.both": {"kind": "fix", "edge": EDGE, "name": "sin", "keep_spline": True},
    "unfix": {"kind": "unfix", "edge": [0, 1, 0]},
    "prune": {"kind": "prune"},
    "prune.edges": {"kind": "prune", "edges": [EDGE]},
    "prune.node": {"kind": "prune", "node": [1, 0]},
    "restore": {"kind": "restore", "edges": [[0, 1, 1]]},
    "refine": {"kind": "refine", "grid": 10},
    "auto": {"kind": "auto", "r2_threshold": None},
    "auto.r2": {"kind": "auto", "r2_threshold": 0.99},
    "drag": {"kind": "drag", "edge": EDGE, "index": 2, "value": 0.25, "commit": False},
    "control.train": {"kind": "control", "action": "train"},
    "control.simplify": {"kind": "control", "action": "simplify"},
    "control.formula": {"kind": "control", "action": "formula"},
    "discover": {"kind": "discover", "action": "start", "seconds": 20},
    "discover.pause": {"kind": "discover", "action": "pause"},
    "discover.resume": {"kind": "discover", "action": "resume"},
    "discover.stop": {"kind": "discover", "action": "stop"},
    "use_formula": {"kind": "use_formula", "id": 2},
    "dismiss": {"kind": "dismiss", "notice": "few rows:"},
    "undo": {"kind": "undo"},
    "redo": {"kind": "redo"},
    "goto": {"kind": "goto", "state": 1},
    "go_to_step": {"kind": "go_to_step", "step": 15},
    "back_to_best": {"kind": "back_to_best"},
    "rank": {"kind": "rank", "simplicity": 0.5},
    "export": {"kind": "export", "format": "svg"},
    "pump": {"kind": "pump", "since": 120},
    "frame_ack": {"kind": "frame_ack", "frame": 3},
    "set.batch": {"kind": "set", "settings": {"batch": 64}},
    "set.noise": {"kind": "set", "settings": {"noise": 0.1}},
    "control.seed": {"kind": "control", "action": "reset", "seed": 7},
    "preset": {"kind": "preset", "name": "ripples"},
    "watch": {"kind": "watch", "view": "kw1-abc123", "panels": ["parity", "surface"]},
    "surface": {"kind": "surface", "x": 0, "y": 1, "output": 0, "at": [None, 0.5]},
    "survey": {"kind": "survey", "on": True, "view": "kw1-abc123"},
    "auto.edges": {"kind": "auto", "r2_threshold": 0.99, "edges": [EDGE]},
    "freeze": {"kind": "freeze", "edges": [EDGE, [0, 1, 0]], "on": True},
    "lock": {"kind": "lock", "edges": [EDGE, [0, 1, 0]], "on": True},
    "merge_levels": {"kind": "merge_levels", "edge": EDGE, "groups": [[0, 2], [1, 3]]},
    "use_log": {"kind": "use_log", "names": ["x_1"], "toggle": True},
    "add_node": {"kind": "add_node", "level": 1, "product": False},
    "fix.structure": {"kind": "fix", "edge": EDGE, "name": "sin", "keep_spline": False, "structure": 3},
    "fix.edges": {"kind": "fix", "edges": [EDGE, [0, 0, 1]], "name": "sin", "keep_spline": False},
    "unfix.edges": {"kind": "unfix", "edges": [[0, 0, 1], [0, 1, 0]]},
    "drag.grid": {"kind": "drag", "edge": EDGE, "index": 2, "value": 0.25, "commit": True, "grid": 5},
    "extend": {"kind": "extend"},
}


def session():
    """Two inputs, one of them with a nasty name, into one product; every state of an edge once."""
    model = KAN([2, [0, 1]], grid=5, seed=0)
    layer = model.layer(0)
    with torch.no_grad():
        layer.coef.copy_(torch.linspace(-1, 1, 8, dtype=torch.float64).expand_as(layer.coef))
        layer.base.zero_()
    grid = torch.linspace(-1, 1, 9, dtype=torch.float64)
    x = torch.cartesian_prod(grid, grid)
    found = Session(model, Dataset(x, x[:, :1], in_vars=("x_1", '<b>mass & "weight"</b>')), lamb=0.001)
    layer = found.model.layer(0)
    layer.set_symbol(1, 0, "x^2", (1.0, 0.5, 2.0, -1.0))
    layer.spline_on[0, 1] = False
    layer.set_symbol(0, 1, "exp", (1.0, 0.0, 0.5, 0.0))
    layer.frozen[1, 0] = True
    layer.spline_on[1, 1] = False
    found.run.records = [
        StepRecord(step, loss, test, 0.0, seconds)
        for step, loss, test, seconds in ((1, 0.7, 0.75, 0.002), (2, 0.5, None, 0.004), (3, 0.3, 0.33, 0.006))
    ]
    found.run.events = [Event(60, "prune", "prune 1 edge"), Event(70, "lamb", "lamb = 0.001")]
    found.run.last_record = StepRecord(120, 1.2e-5, 3.4e-5, 0.0, 0.25)
    found.run.state, found.run.ms_per_step, found.run.version = "running", 2.1, 7
    for label, kind, step, loss, parent in (
        ("start", "start", 0, 0.7, 0),
        ("prune 1 edge", "prune", 60, 0.01, 0),
        ("φ₀,₁,₀ = x^2", "fix", 80, float("nan"), 0),
    ):
        if kind != "start":
            found.tree.current = parent
            found.tree.add(label, kind, StepRecord(step, loss, None, 0.0, 0.0), found.run.checkpoint())
        else:
            found.tree.nodes[0].error = loss
    found.tree.current = 1
    found.view.select([EdgeRef(0, 0, 0)])
    infinite = float("inf")
    fits = [
        SymbolicFit(
            "sin", (3.0, 0.25, 1.2, -0.5), 0.99998, 2, -3.4, (-infinite, infinite), "1.2*sin(3*x_1 + 0.25) - 0.5"
        ),
        SymbolicFit("log", (2.0, 3.0, 0.5, 0.0), 0.97, 2, -0.1, (-1.5, infinite), "0.5*log(2*x_1 + 3)"),
    ]
    found.candidates.store(found.view.selection[0], fits)
    found.candidates.best.put(EdgeRef(0, 0, 0), fits[0], found.version, torch.empty(0))
    edges = torch.tensor([[[1.0, 0.6], [0.3, 0.0]]], dtype=torch.float64)
    scores = Scores((torch.tensor([[1.0, 0.5]]), torch.ones(1, 1)), (torch.ones(1, 2),), (edges,))
    thumbnails = sampled(found.model, found.x).thumbnails
    thumbnails[:, 0] = edges.flatten()
    found._samples.get(7, lambda: NetworkSamples(scores, thumbnails))
    root = torch.eye(ParameterVector.of(found.model).size, dtype=torch.float64)
    posterior = Posterior(torch.zeros(len(root)), root, 0.1, -1.5, 81, {})
    found.run.posterior = lambda: posterior
    return found


def messages():
    """File name → message and buffer."""
    found: dict[str, tuple[dict, bytes | None]] = {}
    one = session()
    publisher = Publisher(one)
    with (
        mock.patch.object(describe.p, "DETAIL_SAMPLES", 5),
        mock.patch.object(samples, "DETAIL_SAMPLES", 5),
        mock.patch.object(training_run, "_DOTS", 3),
        mock.patch.object(samples, "_BINS", 2),
    ):
        for number, (name, tell) in enumerate(_tellers(one, publisher).items(), 41):
            publisher.seq = number - 1
            heard = []
            publisher.connect(lambda message, buffers, heard=heard: heard.append((message, buffers)))
            tell()
            (message, buffers) = heard[0]
            found[f"to_browser.{name}"] = message, buffers[0] if buffers else None
        publisher.seq = 41
        one.view.select([EdgeRef(0, 0, 0)])
        one.view.notify(None)
        snapshot = dict(publisher.compact_snapshot())
        # The page's test takes away every field in turn: one that may be absent has no place here.
        assert snapshot.pop("n_metrics") == 3
        found["trait.snapshot"] = snapshot, snapshot.pop("buffer")
    for number, (name, message) in enumerate(TO_PYTHON.items(), 1):
        found[f"to_python.{name}"] = {"v": VERSION, "seq": number, **message}, None
    return found


def _tellers(one, publisher):
    def selection(edges):
        one.view.select(edges)
        publisher.send_selection()

    def metrics():
        rows = describe.metrics(one.run.records[1:], 1000)
        publisher.send("metrics", {"first": 1, "replace": False}, {"metrics": rows}, frame=3)

    def some():
        rows = one.samples().thumbnails
        publisher.send("curves", {"edges": [[0, 1, 0]]}, {"curves": rows[1:2]})

    def large(tell):
        """What is told of a large network of which one edge and one curve have changed since."""
        with (
            mock.patch.object(large_networks, "MANY_EDGES", 0),
            mock.patch.object(publisher, "deltas", large_networks.Deltas()),
        ):
            receive, publisher._send = publisher._send, lambda *_: None
            publisher.send_structure()
            publisher.send_curves(all_changes=True)
            publisher._send, publisher.seq = receive, publisher.seq - 2
            publisher.deltas._structure["edges"][1]["state"] = "spline"
            publisher.deltas._rows[1, 3:] += 1
            tell()

    def error(notice):
        one.view.notify(notice)
        publisher.send_notice()

    def candidates(busy):
        one.view.select([EdgeRef(0, 0, 0)])
        publisher.send_candidates(busy)

    pairs = torch.tensor([[[0.5, -0.5, 1.0], [0.25, -0.75, 1.0]]])
    paired = (
        {"outputs": ["y"], "classes": False, "rows": {"train": 3, "test": 2}},
        {"train": pairs, "test": pairs[..., :2]},
    )
    shown = (
        {
            "x": 0,
            "y": 1,
            "output": 0,
            "at": [0.0, 0.5],
            "held": [None, 0.5],
            "names": list(one.in_vars),
            "outputs": ["y"],
            "x_range": [-1.0, 1.0],
            "y_range": [0.0, 2.0],
            "ranges": [[-1.0, 1.0], [0.0, 2.0]],
            "levels": [[], ["a", "b", "c"]],
            "rows": 3,
            "classes": False,
        },
        {"z": torch.arange(6.0).view(2, 3), "points": torch.tensor([[0.0, 0.5], [1.0, 0.5], [0.25, 0.75]])},
    )
    survey = {"first": 1, "of": 3, "busy": True, "rows": [{"edge": EDGE, "name": "sin", "r2": 0.99998}]}
    guided = {
        "steps": [
            {
                "name": name,
                "label": name.title(),
                "next": name == "simplify",
                "done": name == "train",
                "command": {"kind": "control", "action": name},
            }
            for name in ("train", "simplify", "formula")
        ],
        "search": {
            "name": "discover",
            "label": "Pause search",
            "next": False,
            "done": False,
            "command": {"kind": "discover", "action": "pause"},
            "working": True,
        },
        "sentence": "Test error has been flat for 200 steps: simplify, or stop here.",
        "notices": [
            {"name": "overfitting", "text": "Risen.", "label": "Back to best", "command": {"kind": "back_to_best"}},
            {"name": "few rows:", "text": "Few.", "label": None, "command": None},
        ],
    }
    power = ["math", {}, [["msup", {}, [["mi", {}, ["x"]], ["mn", {}, ["2"]]]]]]
    formulas = {
        "states": [
            {"id": 0, "text": "6 curves", "formula": None},
            {"id": 3, "text": "x^2", "formula": power},
        ],
        "laws": [{"id": 3, "text": "2*x^2", "formula": power, "error": 0.02, "size": 1, "as_good": True}],
        "noise": 0.01,
        "busy": False,
    }
    found = {
        "state": "searching",
        "sentence": "Trying 240 curves for f",
        "findings": ["x_2 doesn't matter"],
        "seconds": 12.5,
        "of": 60.0,
        "obstacle": "",
        "formulas": [
            {"id": 4, "text": "x^2", "formula": power, "error": 0.5, "complexity": 2.0},
            {"id": 7, "text": "…", "formula": None, "error": 0.01, "complexity": 9.5},
        ],
        "best": 7,
        "current": 4,
        "error_name": "test error, in y",
        "spread": 1.5,
        "target": "y",
        "column": "x",
    }
    drawn = {
        "truth": torch.tensor([0.5, -0.5, 1.0]),
        "values": torch.tensor([[0.25, -0.25, 1.0], [0.5, -0.5, float("nan")]]),
        "x": torch.tensor([3.0, 1.0, 2.0]),
    }
    rounded = {"name": "rounded", "outputs": [power], "text": "x^2", "latex": "x^{2}", "python": "y = x**2"}
    constants = [["math", {}, [["mn", {}, ["2"]]]]]
    verdict = "preferred: as good as trained within the noise"
    written = {
        "forms": [{**rounded, "error": 0.25, "verdict": verdict, "constants": constants, "meaning": ""}],
        "busy": True,
        "current": True,
    }
    text = "explorer.fit(steps=50)\n"
    code = ("code", "session.py", "text/x-python", text)
    png = ("png", "network.png", "image/png", b"\x89PNG\r\n\x1a\n")
    hint = "More intervals than that take the data apart."
    refused = Notice(
        "That did not work", "the `grid` argument of refine must be an integer from 1 to 200; got 0.", hint
    )
    return {
        "hello_ack": publisher.send_hello_ack,
        "metrics": metrics,
        "curves": lambda: publisher.send_curves(all_changes=True),
        "curves.some": some,
        "structure": lambda: publisher.send("structure", {"structure": describe.structure(one)}),
        "selection": lambda: selection([EdgeRef(0, 0, 0)]),
        "selection.none": lambda: selection(()),
        "candidates": lambda: candidates(False),
        "candidates.busy": lambda: candidates(True),
        "held_out": lambda: publisher.send(
            "held_out", {"held_out": {"edge": EDGE, "version": 7, "errors": {"sin": 0.25}}}
        ),
        "formula": publisher.send_formula,
        "history": lambda: publisher.send("history", {"history": describe.history(one)}),
        "status": publisher.send_status,
        "settings": lambda: publisher.send("settings", {"settings": describe.settings(one)}),
        "error": lambda: error(refused),
        "error.none": lambda: error(None),
        "parity": lambda: publisher.send("parity", {"parity": paired[0]}, paired[1]),
        "surface": lambda: publisher.send("surface", {"surface": shown[0]}, shown[1]),
        "forms": lambda: publisher.send("forms", {"forms": written}, {}),
        "front": lambda: publisher.send("front", {"front": formulas}, {}),
        "discovery": lambda: publisher.send("discovery", {"discovery": found}, drawn),
        "survey": lambda: publisher.send("survey", {"survey": survey}),
        "guide": lambda: publisher.send("guide", {"guide": guided}),
        "library": lambda: publisher.send("library", {"primitives": ["x", "mine"]}),
        "ack": lambda: publisher.send_ack(9, True),
        "export.code": lambda: publisher.send_file(*code),
        "export.png": lambda: publisher.send_file(*png),
        "structure.part": lambda: large(publisher.send_structure),
        "curves.changed": lambda: large(lambda: publisher.send_curves(all_changes=True)),
    }


def commands():
    """What the messages to Python are read as; those without are answered without a command."""
    return {name: parse({"v": VERSION, "seq": 1, **message}) for name, message in TO_PYTHON.items()}


def main():
    """Write the files, and remove others."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in FOLDER.glob("*.json"):
        path.unlink()
    for name, (message, buffer) in messages().items():
        content = {"message": message, "buffer": None if buffer is None else base64.b64encode(buffer).decode()}
        text = json.dumps(content, ensure_ascii=False, allow_nan=False, indent=1)
        (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
