"""What all tests share: one thread, and random examples that are the same on every run of CI."""

import os

import hypothesis
import torch

# Small networks are slower on many threads, and sums are then rounded in an order that depends on their number.
torch.set_num_threads(1)

hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "desk")
