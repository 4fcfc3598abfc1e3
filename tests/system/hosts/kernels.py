"""Kernels of several versions beside each other: each an environment that shares all but ipykernel with that of the tests."""

import contextlib
import json
import os
import subprocess
import sys
import sysconfig
import threading
import venv
from pathlib import Path

from jupyter_client import BlockingKernelClient

ROOT = Path(__file__).resolve().parents[3]
#: Survives from one run to the next; `make clean` removes it.
FOLDER = ROOT / "build" / "hosts"
#: Requirements for pip, by the name of the kernel.
VERSIONS = {
    "ipykernel-6": "ipykernel>=6.31,<7",
    "ipykernel-7.0.1": "ipykernel==7.0.1",
    "ipykernel-7.1": "ipykernel==7.1.*",
    "ipykernel-7.4": "ipykernel==7.4.*",
}
#: Those of them that hear a click while a cell runs.
SUBSHELLS = frozenset(VERSIONS) - {"ipykernel-6"}
#: Those in which a request that arrives while the kernel answers another one may lie unread, and with it all that follows on the same
#: connection, until somebody connects anew (https://github.com/ipython/ipykernel/issues/1554; 7.4 has the cure).
STRANDS = frozenset(("ipykernel-7.0.1", "ipykernel-7.1"))
#: Seconds between two connections that wake such a kernel.
KNOCK = 5


def make(name):
    """Make a kernel's environment, unless it is there; the folder in which its specification is found.

    Raises:
        CalledProcessError: If pip fails: what can't be installed is not tested, and that is a failure.
    """
    folder = FOLDER / name
    spec = folder / "jupyter" / "kernels" / name / "kernel.json"
    wanted = json.dumps(_spec(folder, name), indent=1)
    if not spec.exists() or spec.read_text() != wanted:
        _install(folder, VERSIONS[name])
        spec.parent.mkdir(parents=True, exist_ok=True)
        spec.write_text(wanted)
    return folder / "jupyter"


def _install(folder, requirement):
    venv.EnvBuilder(clear=True, with_pip=False, symlinks=os.name != "nt").create(folder)
    python = _python(folder)
    mine = Path(_ask(python, "import sysconfig; print(sysconfig.get_path('purelib'))"))
    # The whole environment of the tests, behind the packages installed here.
    (mine / "shared.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, requirement], check=True)


def knock(connection_file):
    """Wake a kernel that may have left a request unread, by a connection of its own: what comes over one that is there doesn't.

    Returns:
        The client, whose channels the caller stops, later: it must have been heard.
    """
    other = BlockingKernelClient()  # with a session of its own, that is another identity
    other.load_connection_file(str(connection_file))
    other.start_channels(iopub=False, stdin=False, hb=False, control=False)
    other.kernel_info()
    return other


@contextlib.contextmanager
def knocking(folder):
    """Within, knock again and again at all kernels whose connection files lie in a folder."""
    over = threading.Event()

    def loop():
        others = []
        while not over.wait(KNOCK):
            for path in folder.glob("kernel-*.json"):
                with contextlib.suppress(OSError, ValueError):  # a kernel that comes or goes
                    others.append(knock(path))
            over.wait(KNOCK)
            while others:
                others.pop().stop_channels()

    thread = threading.Thread(target=loop, name="knocking")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def version(name):
    """The version that a kernel's environment has."""
    return _ask(_python(FOLDER / name), "import ipykernel; print(ipykernel.__version__)")


def _python(folder):
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _ask(python, code):
    return subprocess.run([str(python), "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def _spec(folder, name):
    return {
        "argv": [str(_python(folder)), "-m", "ipykernel_launcher", "-f", "{connection_file}"],
        "display_name": name,
        "language": "python",
        "metadata": {"asked": VERSIONS[name], "beside": sysconfig.get_path("purelib")},
    }
