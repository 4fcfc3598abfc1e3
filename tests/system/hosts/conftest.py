"""Kernels and hosts that a user may have and this environment has not; the measurements are printed at the end."""

import pytest

from tests.system.browser.conftest import browser, context, lab, page, ran, screens
from tests.system.hosts import kernels

#: title → rows of text, the first of them the head.
TABLE = pytest.StashKey[dict]()


@pytest.fixture(scope="session")
def table(pytestconfig):
    return pytestconfig.stash.setdefault(TABLE, {})


@pytest.fixture(scope="session", params=kernels.VERSIONS)
def kernel_name(request):
    """The name of a kernel, which is found from now on."""
    folder = kernels.make(request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder))
        patch.setenv("PYTHONPATH", str(kernels.ROOT))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield request.param


def pytest_terminal_summary(terminalreporter, config):
    table = config.stash.get(TABLE, {})
    for title, rows in table.items():
        terminalreporter.section(title)
        width = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            terminalreporter.line("  ".join(text.ljust(size) for text, size in zip(row, width, strict=True)).rstrip())


__all__ = ["browser", "context", "kernel_name", "lab", "page", "ran", "screens", "table"]
