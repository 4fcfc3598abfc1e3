"""Put defects that a user would notice into a copy of the tree, one at a time, and check that a test fails: `python -m tools.mutations`.

A mutation exchanges one line; the tests about that line run, those without a browser. A table says which tests saw it, and the exit
code is the number of mutations that none saw. CI doesn't run this, since it takes half an hour. `-k WORD` takes only the mutations with
that word in their name or path; `-k` may be given several times.

The rows are picked by a rule, not by what tests exist, so that they say how much of the behavior tests hold:

1. In each room of ARCHITECTURE.md's list, in the package and in `js/src`, the modules in alphabetical order; of these the first and each
   fifth after it. A module without code of its own (exports, declarations, tables of numbers) gives way to the next, the last of a room
   to the one before.
2. In it the first public function or method, with what it calls in the module, in which one of these defects can be made without an
   error at once: a sign, a bound, an axis order, a missing call, an off-by-one, a swapped argument, a check left out.
3. Of these the first that a user of the public API or of the page would notice.

`rows/by_hand.py` has those that were there before the rule. A row whose line is gone gives way to the next defect of its module.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.mutations.mutation import ROOT, stale
from tools.mutations.rows import MUTATIONS

#: Seconds after which tests count as failed: a defect may let them wait for ever.
PATIENCE = 120


def command(tests):
    """The command that runs these tests, and its folder."""
    if tests[0].endswith(".ts"):
        return ["npx", "vitest", "run", *(name.removeprefix("js/") for name in tests)], "js"
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-o", f"timeout={PATIENCE}"]
    return [*words, *tests], "."


def passes(tree, tests):
    """Whether the tests pass in a tree. Raises an error where they can't run."""
    words, folder = command(tests)
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    result = subprocess.run(words, cwd=tree / folder, env=environment, capture_output=True, text=True)
    if result.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(words)} can't run:\n{result.stdout[-2000:]}{result.stderr[-2000:]}")
    return result.returncode == 0


def copied(folder):
    """A copy of the files that git knows, as they are now."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


def provide_vitest(tree):
    """Give a copy of the tree what its browser tests need: the clone's packages, else those that npm installs."""
    packages = ROOT / "js" / "node_modules"
    if packages.is_dir():
        (tree / "js" / "node_modules").symlink_to(packages.resolve())
    elif shutil.which("npm") is None:
        sys.exit("mutations of js/ need Node: install it, or take the others alone with -k kanwidget/")
    else:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--silent"], cwd=tree / "js", check=True)


def check_tests(tree, mutations):
    """End where the tests of some mutations fail without any."""
    tests = dict.fromkeys(test for mutation in mutations for test in mutation.tests)
    for suffix in (".ts", ".py"):
        names = tuple(test for test in tests if test.partition("::")[0].endswith(suffix))
        if names and not passes(tree, names):
            sys.exit(f"some of these fail without any mutation: {' '.join(names)}")


def caught(tree, mutation):
    """Whether a test fails with this defect. The tree is restored afterwards."""
    path = tree / mutation.path
    original = path.read_text(encoding="utf-8")
    path.write_text(original.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        return not passes(tree, mutation.tests)
    finally:
        path.write_text(original, encoding="utf-8")


def main():
    """Print which mutations are caught; returns the number of the others."""
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("-k", action="append", metavar="WORD", help="only those with this word in their name or path")
    words = parser.parse_args().k or [""]
    mutations = [row for row in MUTATIONS if any(word in row.name or word in row.path for word in words)]
    messages = [message for message in map(stale, mutations) if message is not None]
    if messages:
        sys.exit("\n".join(messages))
    missed = 0
    with tempfile.TemporaryDirectory() as folder:
        tree = copied(Path(folder))
        if any(mutation.path.startswith("js/") for mutation in mutations):
            provide_vitest(tree)
        check_tests(tree, mutations)
        print(f"{len(mutations)} mutations, whose tests pass without them", flush=True)
        for mutation in mutations:
            began = time.monotonic()
            detected = caught(tree, mutation)
            missed += not detected
            seconds = f"{time.monotonic() - began:.0f} s"
            verdict = "caught" if detected else "NOT CAUGHT"
            print(f"{verdict:10}  {seconds:>5}  {mutation.path:58}  {mutation.name}", flush=True)
    print(f"{missed} of {len(mutations)} not caught")
    return missed


if __name__ == "__main__":
    sys.exit(main())
