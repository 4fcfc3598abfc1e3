"""Programs that a test runs and that a desk need not have; in CI each must be there."""

import os
import shutil
import subprocess

import pytest


def run(*command, folder=None):
    """What a program prints."""
    if shutil.which(command[0]) is None and not os.environ.get("CI"):
        pytest.skip(f"there is no {command[0]} here")
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120).stdout
