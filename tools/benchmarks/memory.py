"""Whether an hour of training leaks: memory after some minutes of it against after one, in JupyterLab and its kernel."""

from __future__ import annotations

#: Resident memory of the kernel, after what nobody needs any more was freed.
_RESIDENT = "int(open('/proc/self/statm').read().split()[1]) * __import__('resource').getpagesize()"
_COLLECT = "import gc\ngc.collect()"


def taken(notebook, view, devtools):
    """Megabytes of the page's scripts and of the kernel, and how many elements and listeners the page has."""
    devtools.send("HeapProfiler.collectGarbage")
    heap = devtools.send("Runtime.getHeapUsage")["usedSize"]
    counts = devtools.send("Memory.getDOMCounters")
    resident = int(notebook.evaluate(_RESIDENT, _COLLECT))
    return {
        "step": view.step,
        "heap": heap / 2**20,
        "kernel": resident / 2**20,
        "nodes": counts["nodes"],
        "listeners": counts["jsEventListeners"],
    }


def report(notebook, view, minutes):
    """Print both, for a training that is left alone."""
    page = view.page
    devtools = page.context.new_cdp_session(page)
    view.click("start")
    view.until_status("running")
    found = []
    for wait in (1, minutes - 1):
        page.wait_for_timeout(60_000 * wait)
        assert view.status == "running", view.status
        found.append(taken(notebook, view, devtools))
    view.click("pause")
    view.until_status("paused")
    for after, one in zip((1, minutes), found, strict=True):
        print(
            f"memory after {after:3g} min: step {one['step']:,}, page {one['heap']:.1f} MB in {one['nodes']:,} nodes and "
            f"{one['listeners']:,} listeners, kernel {one['kernel']:.0f} MB"
        )
