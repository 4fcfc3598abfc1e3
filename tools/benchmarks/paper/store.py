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
    """One JSON file of jobs: key → what the job found, with date and versions; without a name they are kept in memory."""

    def __init__(self, name: str | None) -> None:
        self.path = None if name is None else FOLDER / f"{name}.json"
        self._memory: dict[str, Any] = {}

    def jobs(self) -> dict[str, Any]:
        """All that is known."""
        if self.path is None:
            return self._memory
        return json.loads(self.path.read_text())["jobs"] if self.path.exists() else {}

    def once(self, key: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What a job found, now or earlier."""
        known = self.jobs().get(key)
        if known is not None:
            return known
        found = work()
        self.put(key, found)
        return found

    def put(self, key: str, found: dict[str, Any]) -> None:
        """Keep what a job found, in the place of what it found earlier."""
        if self.path is None:
            self._memory[key] = found
        else:
            self._write(self.path, key, found)

    def _write(self, path: Path, key: str, found: dict[str, Any]) -> None:
        path.parent.mkdir(exist_ok=True)
        with open(path.with_suffix(".lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            noted = json.loads(path.read_text())["about"] if path.exists() else {}
            whole = {"about": noted | about(), "jobs": dict(sorted((self.jobs() | {key: found}).items()))}
            temporary = path.with_suffix(".tmp")
            temporary.write_text(json.dumps(whole, indent=1) + "\n")
            temporary.replace(path)


def runs(jobs: dict[str, Any], name: str) -> list[Any]:
    """What the jobs of all seeds found, where keys are `name/seed`."""
    return [found for key, found in jobs.items() if key.rsplit("/", 1)[0] == name]


def about() -> dict[str, str]:
    """When and with what."""
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    versions |= {"numpy": numpy.__version__, "scipy": scipy.__version__}
    return {"date": datetime.date.today().isoformat(), "threads": "1", "dtype": "float64", **versions}
