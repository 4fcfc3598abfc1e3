"""Small problems that train in milliseconds, and a front end that only listens."""

import pytest
import torch

from kanwidget import KAN, create_dataset
from kanwidget.explorer.session.session import Session
from tests.unit.explorer.threads import ours


def dataset(seed=0):
    return create_dataset(
        lambda x: torch.sin(2 * x[:, [0]]) + x[:, [1]] ** 2, n_var=2, train_num=60, test_num=40, seed=seed
    )


class Clock:
    """Time that goes when a test says so."""

    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(scope="session")
def data():
    return dataset()


@pytest.fixture
def model():
    return KAN([2, 3, 1], grid=3, k=3, seed=1)


@pytest.fixture
def session(model, data):
    return Session(model, data)


@pytest.fixture
def no_thread_left():
    yield
    assert not ours()


class Page:
    """Keeps what a publisher sends; acknowledges frames if told to."""

    def __init__(self, publisher, acknowledges=False):
        self.publisher, self.acknowledges = publisher, acknowledges
        self.messages, self.buffers, self.snapshots = [], [], []
        publisher.connect(self.receive, self.snapshots.append)

    def receive(self, message, buffers):
        self.messages.append(message)
        self.buffers.append(buffers)
        if self.acknowledges and "frame" in message:
            self.publisher.frames.acknowledge(message["frame"])

    def kinds(self):
        return [message["kind"] for message in self.messages]

    def last(self, kind):
        return next(message for message in reversed(self.messages) if message["kind"] == kind)

    def clear(self):
        self.messages.clear()
        self.buffers.clear()


@pytest.fixture
def page_of():
    return Page
