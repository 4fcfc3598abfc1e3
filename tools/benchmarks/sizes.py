"""What a saved notebook has to carry, and what a session takes of the memory: bytes."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path

import ipywidgets

from kanwidget import KAN, KANExplorer
from tools.gallery.states import random_data, two_inputs

_STATIC = Path(__file__).resolve().parents[2] / "kanwidget" / "static"


def bundle():
    """Print what every explorer brings along."""
    for name in ("widget.js", "widget.css"):
        data = (_STATIC / name).read_bytes()
        print(f"{name:10s} {len(data) / 1024:6.1f} KB, gzip {len(gzip.compress(data, 9)) / 1024:5.1f} KB")


def saved(explorer):
    """Bytes that a notebook stores of one explorer, without the bundle: as nbformat writes it, every number on a line of its own."""
    explorer.widget.store(explorer._publisher.compact_snapshot())
    state = ipywidgets.Widget.get_manager_state(widgets=[explorer.widget])["state"]
    for one in state.values():
        one["state"].pop("_esm", None)
        one["state"].pop("_css", None)
        for buffer in one.get("buffers", []):
            if isinstance(buffer["data"], bytes):
                buffer["data"] = base64.b64encode(buffer["data"]).decode()
    return len(
        json.dumps({"metadata": {"widgets": {"application/vnd.jupyter.widget-state+json": {"state": state}}}}, indent=1)
    )


def notebooks():
    """Print what explorers of two sizes leave in a notebook."""
    for width, data, steps in (([2, 5, 1], two_inputs(), 500), ([20, 40, 40, 5], random_data(20, 5, rows=80), 20)):
        with KANExplorer(KAN(width, grid=3, seed=1), data, opt="Adam", driver="blocking") as explorer:
            explorer.fit(steps)
            explorer.select(0, 0, 0)
            explorer.candidates((0, 0, 0))
            print(f"saved notebook, {width}, {steps} steps: {saved(explorer) / 1024:.0f} KB beside the bundle")
