"""What all tests share: one thread, random examples that are the same on every run of CI, and there no silent skips."""

import os

import hypothesis
import pytest
import torch

from kanwidget.core.primitives import register_primitive
from kanwidget.core.primitives.registry import _TABLE

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


def _unskipped(report):
    """On a desk a test may skip what isn't installed; in CI nobody would see that, so there it fails."""
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
