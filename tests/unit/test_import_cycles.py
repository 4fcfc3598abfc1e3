"""No import cycles between modules: imports in functions and under TYPE_CHECKING count, and those of a package's `__init__`."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "kanwidget"


def sources(root):
    """Module → source text of a package."""
    texts = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root.parent).with_suffix("").parts
        texts[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return texts


def imports(texts):
    """Module → modules that it imports, wherever the statement stands. Imports are absolute in this package."""

    def module_of(name):
        while name and name not in texts:
            name = name.rpartition(".")[0]
        return name

    graph = {}
    for module, text in texts.items():
        names = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} has a relative import"
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
        graph[module] = {module_of(name) for name in names} - {"", module}
    return graph


def cycles(graph):
    """Groups of modules that import each other, directly or by way of others."""

    def reachable(start):
        stack, visited = list(graph[start]), set()
        while stack:
            module = stack.pop()
            if module not in visited:
                visited.add(module)
                stack += graph[module]
        return visited

    reach = {module: reachable(module) for module in graph}
    groups = {frozenset(other for other in reach[module] if module in reach[other]) for module in graph}
    return sorted(sorted(group) for group in groups if len(group) > 1)


@pytest.mark.slow
def test_there_are_no_import_cycles():
    assert cycles(imports(sources(PACKAGE))) == []


@pytest.mark.parametrize(
    "statement",
    [
        "import p.a",
        "from p import a",
        "from p.a import thing",
        "def f():\n    from p.a import thing",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import thing",
    ],
)
def test_a_cycle_is_seen_wherever_the_import_stands(statement):
    texts = {
        "p": "",
        "p.a": "from p.b import thing",
        "p.b": "from p.c import thing",
        "p.c": statement,
        "p.d": "import p.a",
    }
    assert cycles(imports(texts)) == [["p.a", "p.b", "p.c"]]


def test_a_cycle_by_way_of_a_package_is_seen():
    texts = {"p": "", "p.q": "from p.q.a import thing", "p.q.a": "from p.q import thing"}
    assert cycles(imports(texts)) == [["p.q", "p.q.a"]]
