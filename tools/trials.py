"""Trials of the package's archives in empty environments: `make release`, `make bounds` and the tests of the wheel make them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: Runs in the new environment: every kind of file that an archive must bring is used.
SCRIPT = """
import importlib.metadata, importlib.resources, sys
import kanwidget
from kanwidget.datasets import load_trees
assert load_trees().train_input.shape == (31, 2)
assert importlib.resources.files("kanwidget").joinpath("py.typed").is_file()
assert kanwidget.__file__.startswith(sys.prefix), kanwidget.__file__
import torch
assert kanwidget.KAN([2, 1, 1])(torch.zeros(3, 2, dtype=torch.float64)).shape == (3, 1)
assert kanwidget.__version__ == importlib.metadata.version("kanwidget")
"""
#: Step → program of the environment and its arguments.
STEPS: Mapping[str, Sequence[str]] = {
    "import": ("python", "-W", "error", "-c", SCRIPT),
    "version": ("kanwidget", "--version"),
    "demo": ("kanwidget", "demo"),
    "check": ("python", "-m", "pip", "check"),
}


def build(folder: Path, *options: str) -> tuple[Path, Path]:
    """Write the sdist, and the wheel that is built from it as a user's pip would, into a folder.

    Raises:
        CalledProcessError: If the build fails; its output stands on the screen.
    """
    subprocess.run([sys.executable, "-m", "build", "--outdir", folder, *options, ROOT], check=True, stdout=sys.stderr)
    ((sdist,), (wheel,)) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def interpreter(version: str) -> str | None:
    """The first Python of a version (`3.12`) that runs and makes environments, on the path or from pyenv."""
    installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    for name in (shutil.which(f"python{version}"), *map(str, installed)):
        if name and subprocess.run([name, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0:
            return name
    return None


def trial(
    python: str, archive: str, *options: str, steps: Mapping[str, Sequence[str]] = STEPS
) -> Iterator[tuple[str, float]]:
    """Install an archive into a new environment, run steps there in an empty folder, and delete both.

    Args:
        python: The interpreter that makes the environment.
        archive: What pip installs: the path of an archive, with extras in brackets if need be.
        options: More of pip's options.
        steps: Step → program of the environment and its arguments.

    Yields:
        Each step's name and seconds, once it is done, `install` first.

    Raises:
        CalledProcessError: With the output of the step that failed.
    """
    # What the caller has on its path isn't there for a user.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with tempfile.TemporaryDirectory(prefix="kanwidget-") as made, tempfile.TemporaryDirectory() as empty:
        subprocess.run([python, "-m", "venv", made], check=True, capture_output=True, text=True)
        install = ("python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options, archive)
        for name, (program, *arguments) in {"install": install, **steps}.items():
            start = time.perf_counter()
            command = [str(Path(made, "bin", program)), *arguments]
            subprocess.run(command, check=True, capture_output=True, text=True, cwd=empty, env=environ)
            yield name, time.perf_counter() - start


def report(title: str, steps: Iterator[tuple[str, float]]) -> bool:
    """Print a line of steps and their seconds as they are done; whether all went well, else what the failed one printed."""
    print(f"{title:14}", end="", flush=True)
    try:
        for name, seconds in steps:
            print(f"{name} {seconds:.0f} s".ljust(16), end="", flush=True)
    except subprocess.CalledProcessError as failure:
        print(f"FAILED: {' '.join(map(str, failure.cmd[:5]))}\n{(failure.stdout + failure.stderr)[-8000:]}")
        return False
    print()
    return True
