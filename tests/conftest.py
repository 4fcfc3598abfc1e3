"""Settings of all tests: one thread, the same random examples on every run of CI, and no silent skips there."""

import gc
import os

# scikit-learn skips its check of array_api without it; scipy reads it when it is imported.
os.environ.setdefault("SCIPY_ARRAY_API", "1")

import hypothesis
import pytest
import torch

from kanwidget.core.primitives import register_primitive
from kanwidget.core.primitives.table import _TABLE

# Small networks are slower on many threads, and sums are then rounded in an order that depends on their number.
torch.set_num_threads(1)

CI = bool(os.environ.get("CI"))
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if CI else "desk")


@pytest.fixture
def registered():
    """`register_primitive`, for one test only."""
    names = []

    def register(name, fn, **options):
        names.append(name)
        return register_primitive(name, fn, **options)

    yield register
    for name in names:
        _TABLE.pop(name, None)


@pytest.fixture
def two_threads():
    """torch with two threads, for one test."""
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(threads)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Collect twelve thousand tests without looking for garbage among them, and never again: a third of the time it takes."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def _unskipped(report):
    """A test may be skipped on a desk, where a program isn't installed. In CI nobody would see that, so it fails there."""
    if CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"In CI nothing may be skipped. {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    return _unskipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report():
    return _unskipped((yield))
