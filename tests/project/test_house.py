"""The house stands as CONTRIBUTING.md draws it: three storeys under the tools, arrows only downward, one door to MkDocs."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from runtime.toolchain import ROOT

# Each storey, and what it may stand on.
STOREYS = {
    "model": {"model"},
    "runtime": {"runtime", "model"},
    "hooks": {"hooks", "runtime", "model"},
    "tools": {"tools", "hooks", "runtime", "model"},
}
DOOR = "hooks/site.py"
TRICKS = ("sys.path", "import_module", "spec_from_file_location", "__import__")
FILES = {p.relative_to(ROOT).as_posix(): p.read_text() for s in STOREYS for p in sorted((ROOT / s).rglob("*.py"))}


def imports(source: str) -> Iterator[str]:
    """Yield the full name of everything that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"write the whole name of what is imported in line {node.lineno}"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def file_of(name: str, files: dict[str, str]) -> str | None:
    """Return the file of a module, or of the module that holds a name; None for what is not ours."""
    path = name.replace(".", "/")
    places = (f"{path}.py", f"{path}/__init__.py", f"{path.rpartition('/')[0]}.py")
    return next((place for place in places if place in files), None)


def arrows(files: dict[str, str]) -> dict[str, set[str]]:
    """Return file to the files of ours that it imports."""
    return {
        file: {found for name in imports(source) if (found := file_of(name, files))} for file, source in files.items()
    }


def faults(files: dict[str, str]) -> list[str]:
    """Return what is wrong with the imports of a house, each with the files that it is about."""
    found = []
    graph = arrows(files)
    for file, source in files.items():
        allowed = STOREYS[file.partition("/")[0]]
        found += [f"{file} must not import {other}" for other in graph[file] if other.partition("/")[0] not in allowed]
        for name in imports(source):
            top = name.partition(".")[0]
            if top == "tests":
                found.append(
                    f"{file} must not import {name.replace('.', '/')}: the product does not stand on its tests"
                )
            if top == "mkdocs" and file != DOOR:
                found.append(f"{file} must not import {name}: {DOOR} is the only door to MkDocs")
        found += [f"{file} must not use {trick}" for trick in TRICKS if trick in source]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        found.append(f"a circle: {' → '.join(error.args[1])}")
    return found


def test_arrows_lead_only_downward_and_in_no_circle():
    assert len(FILES) > 60
    assert faults(FILES) == []


@pytest.mark.parametrize(
    ("file", "line", "fault"),
    [
        ("model/facts.py", "from hooks.page import tree", "model/facts.py must not import hooks/page/tree.py"),
        ("runtime/workers.py", "import tools.report.data", "runtime/workers.py must not import tools/report/data.py"),
        ("runtime/workers.py", "from hooks import guide", "runtime/workers.py must not import hooks/guide.py"),
        (
            "hooks/guide.py",
            "def late():\n    from tools.facts import match",
            "hooks/guide.py must not import tools/facts/match.py",
        ),
        (
            "tools/facts/fetch.py",
            "from tests.support import pages",
            "tools/facts/fetch.py must not import tests/support/pages",
        ),
        (
            "hooks/markers.py",
            "from mkdocs.plugins import log",
            "hooks/markers.py must not import mkdocs.plugins.log: hooks/site.py",
        ),
        (
            "model/files.py",
            "from model import products",
            "a circle: model/files.py → model/products.py → model/files.py",
        ),
        ("hooks/guide.py", "import sys; sys.path.append('x')", "hooks/guide.py must not use sys.path"),
    ],
)
def test_an_arrow_that_leads_elsewhere_is_named_with_both_files(file: str, line: str, fault: str):
    found = faults({**FILES, file: f"{FILES[file]}\n{line}\n"})
    assert [f for f in found if f.startswith(fault) or sorted(f.split(" → ")) == sorted(fault.split(" → "))], found


def test_mkdocs_is_given_one_hook():
    config = (ROOT / "mkdocs.yml").read_text()
    assert f"hooks: [{DOOR}]\n" in config, "a second hook would be a second door"
    assert Path(ROOT / DOOR).is_file()
