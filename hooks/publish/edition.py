"""Say at a page's end what changed in it since the previous edition: sections, figures, files of its example.

All of it comes from git: ``EDITION_PREVIOUS`` holds the date and the commit of the previous edition. Without it, nothing is said.
"""

import html
import io
import logging
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hooks.page.sheet import Sheet
from model import moved
from model.facts import Fact, load, used
from model.files import ROOT, GuideError
from model.markdown import sections

log = logging.getLogger("mkdocs.hooks.changes")

VARIABLE = "MIKE_DOCS_VERSION"  # mike names the edition that it builds; without it, a build knows no editions
PREVIOUS = "EDITION_PREVIOUS"  # date and commit of the edition before
LATEST = "latest"

FACTS = "docs/data/facts"
ONE = {"sections": "section", "figures": "figure", "files of the example": "file of the example"}
VERBS = {"A": "new", "D": "gone", "M": "changed", "T": "changed"}


@dataclass(frozen=True)
class Previous:
    """The previous edition.

    Attributes:
        edition: its date.
        pages: path below ``docs/`` to its text then, for each page that changed since; the empty text for a new page.
        facts: every fact then.
        files: path to ``new``, ``changed`` or ``gone``, for each file that differs.
    """

    edition: str
    pages: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)


def compared(before: str, after: str) -> list[str]:
    """Return a line for each section that changed, came or went, in the page's order."""
    old, new = sections(before), sections(after)
    lines = [f"{name}: {'changed' if name in old else 'new'}" for name in new if old.get(name) != new[name]]
    return lines + [f"{name}: gone" for name in old if name not in new]


def figures(before: Mapping[str, Fact], after: Mapping[str, Fact], names: list[str]) -> list[str]:
    """Return a line for each fact of a page that has another value than before."""
    return [
        f"{after[name].claim} Before: {before[name].shown}. Now: {after[name].shown}."
        for name in dict.fromkeys(names)
        if name in before and name in after and before[name].shown != after[name].shown
    ]


def block(previous: str, new_page: bool, groups: Mapping[str, list[str]]) -> str:
    """Return the HTML at the page's end.

    Args:
        previous: the date of the previous edition.
        new_page: whether the page was not there then.
        groups: what changed, by kind: ``sections``, ``figures``, ``files of the example``.
    """
    since = f'the edition of <time datetime="{previous}">{previous}</time>'
    if new_page:
        return f'<p class="changes">This page is new since {since}.</p>'
    found = {kind: lines for kind, lines in groups.items() if lines}
    if not found:
        return f'<p class="changes">Unchanged since {since}.</p>'
    counts = ", ".join(f"{len(lines)} {kind if len(lines) > 1 else ONE[kind]}" for kind, lines in found.items())
    lists = "".join(
        f"<p>{kind.capitalize()}</p><ul>{''.join(f'<li>{html.escape(line)}</li>' for line in lines)}</ul>"
        for kind, lines in found.items()
    )
    return f'<details class="changes" data-search-exclude><summary>Changed since {since}: {counts}</summary>{lists}</details>'


def git(*arguments: str, root: Path = ROOT) -> bytes:
    return subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=True).stdout


def read(edition: str, commit: str, root: Path = ROOT) -> Previous:
    """Return what differs between a commit and the files of today."""
    listed = (
        git("diff", "--no-renames", "--name-status", "-z", commit, "--", "docs", "snippets", root=root)
        .decode()
        .split("\0")
    )
    files = {path: VERBS.get(status, "changed") for status, path in zip(listed[::2], listed[1::2], strict=False)}
    pages = {}
    for path, status in files.items():
        if path.endswith(".md") and path.startswith("docs/"):
            pages[path.removeprefix("docs/")] = (
                "" if status == "new" else git("show", f"{commit}:{path}", root=root).decode()
            )
    facts: Mapping[str, Fact] = {}
    if any(path.startswith(FACTS) for path in files):
        with tempfile.TemporaryDirectory() as folder:
            archive = git("archive", commit, "--", FACTS, root=root)
            with tarfile.open(fileobj=io.BytesIO(archive)) as members:
                members.extractall(folder, filter="data")
            try:
                facts = load(Path(folder, FACTS))
            except GuideError as error:
                log.info("The facts of the edition of %s have another shape and are not compared: %s", edition, error)
    return Previous(edition, pages, facts, files)


def former(page: str, moves: Mapping[str, str], pages: Mapping[str, str]) -> str | None:
    """Return the text that stood at a new page's former address, or None when it has none."""
    address = page.removesuffix(".md").removesuffix("index").rstrip("/")
    for old, new in moves.items():
        if new.partition("#")[0].rstrip("/") == address:
            for path in (f"{old.rstrip('/')}.md", f"{old}index.md"):
                if pages.get(path):
                    return pages[path]
    return None


def noted(previous: Previous, sheet: Sheet, facts: Mapping[str, Fact]) -> str:
    """Return what a page says at its end of its changes; nothing for a page that a build makes."""
    if sheet.generated:
        return ""
    before = previous.pages.get(sheet.uri, sheet.source) or former(sheet.uri, moved.load(), previous.pages) or ""
    folder = f"snippets/{sheet.slug}/" if sheet.is_pattern else "-"
    groups = {
        "sections": compared(before, sheet.source),
        "figures": figures(previous.facts, facts, used(sheet.source)),
        "files of the example": [
            f"{f.removeprefix(folder)}: {verb}" for f, verb in previous.files.items() if f.startswith(folder)
        ],
    }
    return block(previous.edition, not before, groups)
