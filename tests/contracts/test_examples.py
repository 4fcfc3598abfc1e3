"""Every public method of the classes that users hold has an example in its docstring; `pytest --doctest-modules` runs it."""

import inspect

import pytest

from kanwidget import KAN

METHODS = {
    f"{cls.__name__}.{name}": member
    for cls in KAN.__mro__
    if cls.__module__.startswith("kanwidget.kan")
    for name, member in vars(cls).items()
    if not name.startswith("_") and (callable(member) or isinstance(member, (property, classmethod)))
}


def test_there_are_methods():
    assert {
        "KAN.fit",
        "EditableNetwork.prune",
        "SymbolicNetwork.formula",
        "QueryableNetwork.feature_score",
    } <= METHODS.keys()


@pytest.mark.parametrize("name", METHODS)
def test_every_public_method_has_an_example(name):
    assert ">>> " in inspect.getdoc(METHODS[name])
