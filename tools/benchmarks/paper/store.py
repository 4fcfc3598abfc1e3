"""Results that are kept as they come: a run that is broken off goes on where it was, and two may share the work."""

from __future__ import annotations

import datetime
import fcntl
import json
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import scipy
import torch

FOLDER = Path(__file__).resolve().parents[1] / "results"


class Store:
    """One JSON file of jobs: key → what the job found, with date and versions."""

    def __init__(self, name: str) -> None:
        self.path = FOLDER / f"{name}.json"

    def jobs(self) -> dict[str, Any]:
        """All that is known."""
        return json.loads(self.path.read_text())["jobs"] if self.path.exists() else {}

    def once(self, key: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What a job found, now or earlier."""
        known = self.jobs().get(key)
        if known is not None:
            return known
        found = work()
        FOLDER.mkdir(exist_ok=True)
        with open(self.path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            noted = json.loads(self.path.read_text())["about"] if self.path.exists() else {}
            whole = {"about": noted | about(), "jobs": dict(sorted((self.jobs() | {key: found}).items()))}
            temporary = self.path.with_suffix(".tmp")
            temporary.write_text(json.dumps(whole, indent=1) + "\n")
            temporary.replace(self.path)
        return found


def about() -> dict[str, str]:
    """When and with what."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    versions |= {"numpy": numpy.__version__, "scipy": scipy.__version__}
    return {"date": datetime.date.today().isoformat(), "threads": "1", "dtype": "float64", **versions}
