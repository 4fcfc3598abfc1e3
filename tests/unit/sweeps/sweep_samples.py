"""What the tests of sweeps share, and what worker processes import from here."""

import os
import signal
import sqlite3

from kanwidget import create_dataset
from kanwidget.sweeps.batches import run_batch

#: Of a case with this penalty the worker process is killed.
DEADLY = 0.125


def product(rows=40, seed=0):
    return create_dataset(lambda x: x[:, [0]] * x[:, [1]], n_var=2, train_num=rows, test_num=20, seed=seed)


def deadly(cases, data):
    if any(case.setting.get("lamb") == DEADLY for case in cases):
        os.kill(os.getpid(), signal.SIGKILL)
    return run_batch(cases, data)


def without_seconds(table):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in table]


def kept(path):
    """The keys of the results in a file."""
    base = sqlite3.connect(path)
    try:
        return [key for (key,) in base.execute("SELECT key FROM results")]
    finally:
        base.close()
