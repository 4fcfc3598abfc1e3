"""Every public method of the classes that users hold has an example in its docstring; `pytest --doctest-modules` runs it."""

import inspect
import pickle

import pytest

from kanwidget import KAN, Discovery, Equation, KANExplorer

METHODS = {
    f"{cls.__name__}.{name}": member
    for cls in (*KAN.__mro__, Discovery, Equation)
    if cls.__module__.startswith(("kanwidget.kan", "kanwidget.discovery"))
    for name, member in vars(cls).items()
    if not name.startswith("_") and (callable(member) or isinstance(member, (property, classmethod)))
}


def test_there_are_methods():
    assert {
        "KAN.fit",
        "EditableKAN.prune",
        "SymbolicKAN.formula",
        "QueryableKAN.feature_score",
    } <= METHODS.keys()


@pytest.mark.parametrize("name", METHODS)
def test_every_public_method_has_an_example(name):
    assert ">>> " in inspect.getdoc(METHODS[name])


@pytest.mark.parametrize("cls", [KAN, KANExplorer])
def test_errors_of_python_name_the_class_that_is_called(cls):
    members = [getattr(cls, name) for name in dir(cls) if not name.startswith("_")]
    mine = [inspect.unwrap(member) for member in members if inspect.isfunction(member)]
    mine = [
        function
        for function in mine
        if function.__globals__["__name__"].startswith(("kanwidget.kan.", "kanwidget.explorer."))
    ]
    assert len(mine) > 20
    assert {f.__qualname__.partition(".")[0] for f in mine} == {cls.__name__}


@pytest.mark.parametrize("method", [KAN.prune, KAN.fit, KAN.fit_formula, KANExplorer.fix, KAN([1, 1]).prune])
def test_methods_travel_to_other_processes(method):
    assert pickle.loads(pickle.dumps(method)).__name__ == method.__name__


def test_a_method_says_whose_it_is():
    with pytest.raises(TypeError, match=r"^KAN.prune\(\) got an unexpected keyword argument 'node_threshold'"):
        KAN([1, 1]).prune(node_threshold=0.1)


def test_a_path_that_is_none_says_what_to_give():
    with pytest.raises(TypeError, match="Give the name of the file as text"):
        KAN([1, 1]).save(3)
