"""From changed files to the tests that they can break, by the rows of ``table.py`` and what ``graph.py`` reads in the Python files."""

import fnmatch
import functools
import re
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from model.transcripts.commands import NAMED
from tests.changed.graph import Graph
from tests.changed.table import EVERYTHING, FORM, NOTHING, PAGE, QUOTING, ROWS, RUNNING, SHOWING

HERE = "tests/changed/"
TABLE = f"{HERE}table.py"
INCLUDE = re.compile(r'--8<-- "([^":]+)')
PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}|\\\*\\\*|\\\*")


class ChangedError(Exception):
    """What changed cannot be told, or a file belongs nowhere; the message says what to do."""


def git(root: Path, *command: str) -> str:
    """Return what git prints.

    Raises:
        ChangedError: git fails.
    """
    try:
        done = subprocess.run(["git", *command], check=False, cwd=root, capture_output=True, text=True)
    except FileNotFoundError:
        raise ChangedError("--changed asks git what changed, and there is no git on this machine.") from None
    if done.returncode:
        raise ChangedError(f"--changed asks git what changed; git {command[0]} says: {done.stderr.strip()}")
    return done.stdout


def branch_point(root: Path, base: str = "") -> str:
    """Return the commit where this branch left ``base``, or else ``main``, or ``origin/main`` for who is on main.

    Raises:
        ChangedError: this is no clone, or there is no such commit.
    """
    here = git(root, "rev-parse", "--abbrev-ref", "HEAD").strip()
    for name in [base] if base else ["main", "origin/main"]:
        found = subprocess.run(
            ["git", "merge-base", name, "HEAD"], check=False, cwd=root, capture_output=True, text=True
        )
        if found.returncode == 0 and (base or name != here):
            return found.stdout.strip()
    if base:
        raise ChangedError(f"--changed={base}: git knows no such commit. Name a branch or a commit: --changed=main")
    return git(root, "rev-parse", "HEAD").strip()


def changed_files(root: Path, commit: str) -> list[str]:
    """Return the files that differ from a commit: committed, staged, edited, deleted or new."""
    differing = git(root, "diff", "--name-only", "--relative", "--no-renames", "-z", commit)
    new = git(root, "ls-files", "--others", "--exclude-standard", "-z")
    return sorted({*differing.split("\0"), *new.split("\0")} - {""})


@functools.cache
def expression(pattern: str) -> re.Pattern[str]:
    """Return a row's pattern as a regular expression with a group for each of its ``{names}``."""

    def part(match: re.Match[str]) -> str:
        name = "" if match[0].startswith("\\*") else match[1]
        anything = match[0] == r"\*\*" or name == "page"
        return f"(?P<{name}>{'.+' if anything else '[^/]+'})" if name else ".+" if anything else "[^/]*"

    return re.compile(PLACEHOLDER.sub(part, re.escape(pattern)))


def placed(pattern: str, path: str) -> dict[str, str] | None:
    """Return what the ``{names}`` of a row stand for in a path that fits it, else None."""
    found = expression(pattern).fullmatch(path)
    if found is None:
        return None
    names = found.groupdict()
    return names | {f"{n}_": v.replace("-", "_") for n, v in names.items()}


def is_page(path: str) -> bool:
    return path.startswith("docs/") and path.endswith(".md")


def entries(text: str) -> dict[str, Any]:
    """Return the entries of a data file: those of a list by their id."""
    data = yaml.safe_load(text) or {}
    return data if isinstance(data, dict) else {entry["id"]: entry for entry in data}


@dataclass
class Selection:
    """What to run.

    Attributes:
        tests: selectors, as in the table.
        everything: the files for which all tests run.
        quiet: the files that no test can notice, each with the reason.
    """

    tests: set[str] = field(default_factory=set)
    everything: list[str] = field(default_factory=list)
    quiet: dict[str, str] = field(default_factory=dict)

    def paths(self) -> list[str]:
        """Return the files and folders to collect, none twice."""
        found = sorted({re.split(r"::|\[", selector)[0] for selector in self.tests})
        return [p for p in found if not any(p.startswith(f"{folder}/") for folder in found)]

    def whole(self, files: Iterable[str]) -> list[str]:
        """Return those of the files that run from the first test to the last."""
        entire = [selector for selector in self.tests if not re.search(r"::|\[", selector)]
        return [file for file in files if any(fits(selector, file, "", "") for selector in entire)]

    def wants(self, path: str, function: str, case: str) -> bool:
        """Say whether a test is meant: its file, the name of its function, and the id of its parameters."""
        return any(fits(selector, path, function, case) for selector in self.tests)


def fits(selector: str, path: str, function: str, case: str) -> bool:
    place, _, cases = selector.removesuffix("]").partition("[")
    file, _, name = place.partition("::")
    return (
        (path == file or path.startswith(f"{file}/"))
        and (not name or fnmatch.fnmatchcase(function, name))
        and (not cases or re.search(rf"(?<!\w){re.escape(cases)}(?!\w)", case) is not None)
    )


class Project:
    """The files of a clone, and what a change of each of them can break.

    Attributes:
        root: the clone.
        commit: what it is compared with.
        files: every file that git knows or would add.
    """

    def __init__(self, root: Path, commit: str = "HEAD") -> None:
        self.root = root
        self.commit = commit
        self._meant: dict[str, set[str]] = {}
        known = git(root, "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0")
        self.files = sorted({*known} - {""})

    @cached_property
    def graph(self) -> Graph:
        hooks = yaml.safe_load(re.sub(r"!\S+", "", self._text("mkdocs.yml")))["hooks"]
        return Graph(self.root, self.files, {"mkdocs.yml": hooks})

    @cached_property
    def pages(self) -> dict[str, str]:
        return {f: self._text(f) for f in self.files if is_page(f)}

    @cached_property
    def tests(self) -> list[str]:
        """Every file of tests, and every document whose fences are tests."""
        return [
            f for f in self._there if re.fullmatch(r"tests/.*/test_\w+\.py|docs/.+\.md|(snippets/[^/]+/)?README\.md", f)
        ]

    def left_out(self, made: Selection) -> dict[str, tuple[int, int]]:
        """Return for each folder how many of its files of tests are left out, and how many it has."""
        run = made.paths()
        counts: dict[str, tuple[int, int]] = {}
        for file in self.tests:
            folder = "/".join(file.split("/")[: 2 if file.startswith("tests/") else 1])
            left, total = counts.get(folder, (0, 0))
            kept = any(file == path or file.startswith(f"{path}/") for path in run)
            counts[folder] = (left + (not kept), total + 1)
        return {folder: count for folder, count in counts.items() if count[0]}

    def select(self, changed: Iterable[str]) -> Selection:
        """Return what to run for these files.

        Raises:
            ChangedError: a file belongs to no row.
        """
        made = Selection()
        for path in changed:
            rows = [row for user in self._users(path) for row in self._rows(user)]
            found = {s for row in rows for s in self._selectors(row, path)} | self._named(path)
            found |= {user for user in self._users(path) if self._is_test(user)}
            tests = {real for s in found for real in self._real(s)}
            if EVERYTHING in found:
                made.everything.append(path)
            elif silent := [s.removeprefix(NOTHING) for s in found if s.startswith(NOTHING)]:
                made.quiet[path] = silent[0]
            elif not tests and path in self._there:
                raise ChangedError(f"{path}: no row of {TABLE} says which tests a change of it can break. Add one.")
            form = [s for pattern, row in FORM.items() if placed(pattern, path) is not None for s in row]
            made.tests |= tests.union(*map(self._real, form))
        return made

    def _users(self, path: str) -> set[str]:
        # Each run loads conftest.py, so it says by itself when something that it imports is broken.
        return self.graph.users(path) - ({"conftest.py"} - {path})

    def _rows(self, path: str) -> list[tuple[str, dict[str, str]]]:
        fitting = ((row, names) for pattern, row in ROWS.items() if (names := placed(pattern, path)) is not None)
        return [(selector, names) for row, names in fitting for selector in row]

    def _selectors(self, row: tuple[str, dict[str, str]], path: str) -> set[str]:
        selector, names = row
        if selector == RUNNING:
            return self._running(names["slug"])
        if selector not in {SHOWING, QUOTING}:
            return {selector.format(**names) if not selector.startswith(NOTHING) else selector}
        pages = self._showing(path) if selector == SHOWING else self._quoting(path)
        places = [page.removeprefix("docs/").removesuffix(".md") for page in pages]
        found = {s.format(page=place, stem=Path(place).name) for place in places for s in PAGE}
        return found | (pages if selector == SHOWING else set())

    def _showing(self, path: str) -> set[str]:
        itself = {path} if is_page(path) else set()  # also when it is gone
        return itself | {page for page, text in self.pages.items() if path in INCLUDE.findall(text)}

    def _running(self, slug: str) -> set[str]:
        return {p for p, text in self.pages.items() if Path(p).stem == slug or slug in NAMED.findall(text)}

    def _quoting(self, path: str) -> set[str]:
        names = "|".join(map(re.escape, self.differing(path)))
        used = re.compile(rf"\(fact:(?:{names})[)#]")
        return {page for page, text in self.pages.items() if names and used.search(text)}

    def differing(self, path: str) -> set[str]:
        """Return the entries of a data file that differ from those at the branch point; all of them where it cannot be read."""
        try:
            text, old = self._text(path), git(self.root, "show", f"{self.commit}:./{path}")
            now, before = ({}, {}) if text == old else (entries(text), entries(old))
        except (ChangedError, yaml.YAMLError, KeyError, TypeError):
            return set(re.findall(r"^- id: (\S+)", self._text(path), re.MULTILINE))
        return {name for name in now.keys() | before.keys() if now.get(name) != before.get(name)}

    def _named(self, path: str) -> set[str]:
        """Return the tests that name a file, a page, or the folder of an example."""
        parts = path.removesuffix(".md").split("/")[is_page(path) :]
        # "index" alone is no name.
        wanted = [] if is_page(path) and len(parts) == 1 else [set(parts)]
        if parts[0] in {"snippets", "experiments"} and len(parts) > 2:
            wanted.append(set(parts[:2]))
        if re.fullmatch("docs/data/facts/.+", path):
            wanted += [{name} for name in self.differing(path)]
        named = {test for together in wanted for test in self.graph.naming(together)}
        return {test for test in named if not test.startswith(HERE)}  # which names files of every kind and reads none

    def _is_test(self, path: str) -> bool:
        return path in self.graph.modules and self.graph.modules[path].is_test

    def _real(self, selector: str) -> set[str]:
        """Return a selector for each file or folder that it means; none for words and for files that are not there."""
        place = re.split(r"::|\[", selector)[0]
        if place not in self._meant:
            folders = {place} if any(f.startswith(f"{place}/") for f in self._there) else set()
            self._meant[place] = folders.union(fnmatch.filter(self._there, place))
        return {file + selector.removeprefix(place) for file in self._meant[place]}

    @cached_property
    def _there(self) -> list[str]:
        return [f for f in self.files if (self.root / f).is_file()]

    def _text(self, path: str) -> str:
        file = self.root / path
        return file.read_text(encoding="utf-8") if file.is_file() else ""
