"""Primitives that are registered for one test only."""

import pytest

from kanwidget.core.primitives import _TABLE, register_primitive


@pytest.fixture
def registered():
    names = []

    def register(name, fn, **options):
        names.append(name)
        return register_primitive(name, fn, **options)

    yield register
    for name in names:
        _TABLE.pop(name, None)
