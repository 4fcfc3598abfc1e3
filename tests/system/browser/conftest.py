"""A real notebook server and a real browser, once for all tests of a worker; each test gets a page of its own."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from importlib import metadata
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock

from tests.support.ports import WORKERS, free_port

ROOT = Path(__file__).resolve().parents[3]
SCREENS = ROOT / "build" / "screens"
#: Generous, because other work may share the processor: nothing here asserts how long something takes.
PATIENCE = 100_000
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def browser_path():
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    return next((found for name in names if name and (found := shutil.which(name))), None)


#: Settings of a server, which runs beside that of another worker.
PORTS_OF_KERNELS = "from tests.support.ports import share_ports\n\nshare_ports()\n"
#: A frame within the package, wherever it is installed.
OURS = re.compile(r"kanwidget/(kan|_check|explorer|core|training|surgery|symbolic|insight|datasets)(/|\.py)")


class Process:
    """A server of notebooks in a folder of its own, with its output in a file.

    Args:
        folder: The folder.
        command: What is run, given the port.
        environment: What it is given beside that of the tests.
        sign: The path that answers once it is ready.
    """

    def __init__(self, folder, command, environment, sign):
        self.folder, self.port, self.sign = folder, free_port(), sign
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = (folder / "server.log").open("w")
        everything = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), **environment}
        self.process = subprocess.Popen(
            command(self.port), env=everything, cwd=folder, stdout=self.log, stderr=self.log
        )

    def wait(self):
        """Wait until it is ready; returns its answer."""
        deadline = time.monotonic() + PATIENCE / 1000
        while True:
            try:
                with urllib.request.urlopen(f"{self.url}{self.sign}", timeout=5) as answer:
                    return json.load(answer)
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(self.said()) from None
                time.sleep(0.2)

    def said(self):
        """The end of its output."""
        return Path(self.log.name).read_text(errors="replace")[-3000:]

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Server(Process):
    """One application of Jupyter, without a password, for this machine only."""

    def __init__(self, application, folder):
        self.application = application
        (folder / "files").mkdir()
        # A question about news would stand over the pictures.
        settings = folder / "config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
        settings.mkdir(parents=True)
        (settings / "notification.jupyterlab-settings").write_text('{"fetchNews": "false"}')
        (folder / "config" / "jupyter_server_config.py").write_text(PORTS_OF_KERNELS)
        names = {"CONFIG_DIR": "config", "DATA_DIR": "data", "RUNTIME_DIR": "runtime"}
        environment = {f"JUPYTER_{name}": str(folder / path) for name, path in names.items()}
        environment["IPYTHONDIR"] = str(folder / "ipython")
        # Where the debugger of kernels takes long to load, it warns of Python's own frozen modules.
        environment["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
        super().__init__(folder, self._command, environment, "/api/status")

    def _command(self, port):
        lab = self.application == "lab"
        return [
            sys.executable,
            "-m",
            "jupyterlab" if lab else "notebook",
            "--allow-root",
            "--no-browser",
            "--ip=127.0.0.1",
            f"--port={port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.root_dir=files",
            "--IdentityProvider.token=",
            "--ServerApp.password=",
            "--ServerApp.disable_check_xsrf=True",
            f"--{'LabApp' if lab else 'JupyterNotebookApp'}.expose_app_in_browser=True",
        ]

    def write(self, name, cells):
        """A notebook of these cells, with ids that stay."""
        made = [nbformat.v4.new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(cells)]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
        nbformat.write(nbformat.v4.new_notebook(cells=made, metadata=kernel), self.folder / "files" / name)

    def copy(self, path):
        """A notebook of the project without its outputs: all visible outputs are then new."""
        made = nbformat.read(path, as_version=4)
        for cell in made.cells:
            if cell.cell_type == "code":
                cell.outputs, cell.execution_count = [], None
        nbformat.write(made, self.folder / "files" / path.name)

    def tracebacks(self):
        """Tracebacks in the log that pass through the package; the server writes others, of sockets that a page closed."""
        _, *found = Path(self.log.name).read_text(errors="replace").split("Traceback (most recent call last)")
        return [text[:400] for text in found if OURS.search(text)]

    def shut_down_kernels(self):
        """So that no training of one test slows down the next."""
        with urllib.request.urlopen(f"{self.url}/api/sessions", timeout=PATIENCE / 1000) as answer:
            running = json.load(answer)
        for one in running:
            request = urllib.request.Request(f"{self.url}/api/sessions/{one['id']}", method="DELETE")
            with contextlib.suppress(OSError):  # a kernel that is just being restarted
                urllib.request.urlopen(request, timeout=PATIENCE / 1000).close()


#: Names and versions of the programs, for the report.
RAN = pytest.StashKey[dict]()


def pytest_sessionfinish(session):
    """A worker tells the process that writes the report."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["ran"] = session.config.stash.get(RAN, {})


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node):
    ran = getattr(node, "workeroutput", {}).get("ran", {})  # a worker that broke down has no output
    node.config.stash.setdefault(RAN, {}).update(ran)


def pytest_terminal_summary(terminalreporter, config):
    if ran := config.stash.get(RAN, None):
        terminalreporter.line("in a real browser: " + ", ".join(f"{name} {ran[name]}" for name in sorted(ran)))


@pytest.fixture(scope="session")
def ran(pytestconfig):
    return pytestconfig.stash.setdefault(RAN, {"ipykernel": metadata.version("ipykernel")})


@pytest.fixture(scope="session")
def browser(ran):
    path = browser_path()
    if path is None:
        pytest.skip("no Chromium here: install it (apt install chromium) or set CHROMIUM to its path")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install playwright")
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=BROWSER_ARGUMENTS)
        ran["Chromium"] = running.version
        yield running
        running.close()


@pytest.fixture(scope="session")
def context(browser):
    """The browser's context with these options, made once: what it has loaded and compiled serves the next test too."""
    contexts = {}

    def with_options(**options):
        key = json.dumps(options, sort_keys=True)
        if key not in contexts:
            contexts[key] = browser.new_context(**options)
        return contexts[key]

    yield with_options
    for one in contexts.values():
        one.close()


@pytest.fixture(scope="session")
def gallery(tmp_path_factory):
    """The address of a page with one state of the gallery. The worker that needs it first records it for all."""
    from tools.gallery.record import page
    from tools.gallery.states import STATES

    own = tmp_path_factory.getbasetemp()
    folder = own.parent if WORKERS > 1 else own

    def address(name):
        path = folder / f"gallery-{name}.html"
        with FileLock(path.with_suffix(".lock")):
            if not path.exists():
                path.write_text(page({name: STATES[name]}), encoding="utf-8")
        return f"{path.as_uri()}?state={name}"

    return address


def serve(application, folder):
    pytest.importorskip("jupyterlab" if application == "lab" else "notebook", reason="pip install 'kanwidget[lab]'")
    server = Server(application, folder)
    try:
        server.wait()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def lab(browser, tmp_path_factory):
    yield from serve("lab", tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="session")
def classic(browser, tmp_path_factory):
    yield from serve("notebook", tmp_path_factory.mktemp("notebook"))


def note(page, kind, text):
    """Keep an error of the explorer, whose code is loaded from a blob; errors from the application's files don't count."""
    if any(sign in text for sign in ("blob:", "kanwidget", "anywidget")):
        page.problems.append(f"{kind}: {text}")


@pytest.fixture(autouse=True)
def _no_kernel_left(request):
    yield
    for name in ("lab", "classic"):
        if name in request.fixturenames:
            request.getfixturevalue(name).shut_down_kernels()


@pytest.fixture
def page(context):
    """A page; `page.problems` holds the errors of the explorer's code, and those that it caused in the browser."""
    page = context(viewport={"width": 1500, "height": 1300}).new_page()
    page.set_default_timeout(PATIENCE)
    page.problems = []
    page.on("console", lambda m: note(page, m.type, f"{m.text} {m.location.get('url')}") if m.type == "error" else None)
    page.on("pageerror", lambda error: note(page, "exception", f"{error} {error.stack}"))
    yield page
    page.close()


@pytest.fixture
def screens():
    SCREENS.mkdir(parents=True, exist_ok=True)
    return SCREENS
