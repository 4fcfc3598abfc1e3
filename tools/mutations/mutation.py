"""A mutation: some lines of a file, what stands in their place, and the tests about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutation:
    """One defect.

    Args:
        name: The defect, as a user would notice it.
        path: The file.
        old: Its lines, which must occur exactly once.
        new: The lines in their place.
        tests: Tests that should fail: files for pytest, or for vitest where they end in `.ts`.
    """

    name: str
    path: str
    old: str
    new: str
    tests: tuple[str, ...]


def _exists(test):
    """Whether there is a test, or a file of tests."""
    file, _, name = test.partition("::")
    path = ROOT / file
    return path.is_file() and (not name or f"def {name.partition('[')[0]}(" in path.read_text(encoding="utf-8"))


def stale(mutation):
    """A message for a mutation whose file, line or tests have changed; None if it still applies."""
    if not (ROOT / mutation.path).is_file():
        return f"{mutation.name}: no file {mutation.path}"
    missing = [test for test in mutation.tests if not _exists(test)]
    if missing:
        return f"{mutation.name}: no test {', '.join(missing)}"
    times = (ROOT / mutation.path).read_text(encoding="utf-8").count(mutation.old)
    return None if times == 1 else f"{mutation.name}: {mutation.path} has its line {times} times, not once"
