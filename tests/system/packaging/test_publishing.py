"""What a change and a release are tried with: the workflow runs the checks, and trials tell what fails."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools.trials import interpreter, report, trial

ROOT = Path(__file__).resolve().parents[3]


def test_the_workflow_runs_every_check():
    (job,) = yaml.safe_load((ROOT / ".github/workflows/checks.yml").read_text("utf-8"))["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert (ROOT / ".ci/run").stat().st_mode & 0o100


def test_an_interpreter_is_one_that_runs(tmp_path, monkeypatch):
    """A program of that name which fails, as pyenv's do for versions that aren't chosen, is passed over."""
    broken, good = tmp_path / "bin/python3.99", tmp_path / ".pyenv/versions/3.99.1/bin/python"
    for path, lines in (broken, "exit 127"), (good, f'exec "{sys.executable}" "$@"'):
        path.parent.mkdir(parents=True)
        path.write_text(f"#!/bin/sh\n{lines}\n")
        path.chmod(0o755)
    monkeypatch.setenv("PATH", str(broken.parent), prepend=":")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert interpreter("3.99") == str(good)
    good.unlink()
    assert interpreter("3.99") is None


def test_a_failed_step_is_told_with_its_output(capsys):
    def steps():
        yield "import", 2.4
        raise subprocess.CalledProcessError(1, ["demo"], "some words", "and why")

    assert report("fine", iter([("import", 2.4)]))
    assert not report("wheel 3.10", steps())
    assert capsys.readouterr().out.splitlines()[0].split() == ["fine", "import", "2", "s"]


@pytest.mark.slow
def test_a_trial_ends_where_its_archive_is_none(tmp_path):
    found = trial(sys.executable, str(tmp_path / "none.whl"))
    assert not report("none", found)
