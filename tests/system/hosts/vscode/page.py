"""The files of a page in which VS Code's widget manager shows the outputs of a kernel: from npm, bundled once."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from tests.system.browser.conftest import ROOT
from tests.system.hosts.kernels import FOLDER

HERE, BUILT = Path(__file__).parent, FOLDER / "vscode"
#: VS Code loads the manager as one file, for which npm would install what it was made of; so it is unpacked and not installed.
MANAGER = "@vscode/jupyter-ipywidgets8@1.0.9"
#: Connections to kernels as the manager was made for, without subshells; and the loader of widgets' scripts.
PACKAGES = ("@jupyterlab/services@7.2.5", "requirejs@2.3.8")


def make():
    """A folder with the page and its scripts.

    Raises:
        CalledProcessError: If npm fails: what can't be installed is not tested, and that is a failure.
    """
    wanted = json.dumps([MANAGER, *PACKAGES])
    sign = BUILT / "installed.json"
    if not sign.exists() or sign.read_text() != wanted:
        _install()
        sign.write_text(wanted)
    page = BUILT / "page"
    anywidget = page / "nbextensions" / "anywidget"
    anywidget.mkdir(parents=True, exist_ok=True)
    shutil.copy(HERE / "page.html", page)
    shutil.copy(BUILT / "package" / "dist" / "ipywidgets.js", page)
    shutil.copy(BUILT / "node_modules" / "requirejs" / "require.js", page)
    shutil.copy(Path(sys.prefix, "share", "jupyter", "nbextensions", "anywidget", "index.js"), anywidget)
    esbuild = ROOT / "js" / "node_modules" / ".bin" / "esbuild"
    flags = [
        "--bundle",
        "--format=esm",
        "--external:./ipywidgets.js",
        "--alias:path=path-browserify",
        "--log-level=error",
    ]
    command = [esbuild, HERE / "page.js", *flags, f"--outfile={page / 'page.bundle.js'}"]
    subprocess.run(command, env={"NODE_PATH": str(BUILT / "node_modules")}, check=True)
    return page


def _install():
    shutil.rmtree(BUILT, ignore_errors=True)
    BUILT.mkdir(parents=True)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--prefix", "."]
    subprocess.run(["npm", "install", *options, *PACKAGES], cwd=BUILT, check=True)
    subprocess.run(["npm", "pack", "--silent", MANAGER], cwd=BUILT, check=True)
    (archive,) = BUILT.glob("*.tgz")
    shutil.unpack_archive(archive, BUILT)
