"""Read the code fences of a Markdown page: every spelling of a fence, so that none is skipped silently."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OPENING = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>.*)$")
INCLUDE = re.compile(r'^\s*--8<-- "(?P<path>[^":]+)(?::(?P<section>[\w-]+))?"\s*$')
TESTED = ("snippets/", "experiments/")
MARKER = re.compile(r"--8<-- \[(start|end):([\w-]+)\]")


class FenceError(AssertionError):
    """A fence or what it includes is wrong; the message names file, line and remedy."""


@dataclass(frozen=True)
class Fence:
    """One fence.

    Attributes:
        language: the first word of the info string, without braces and dot; empty where none is given.
        body: the lines between, without the fence's indent.
        line: the line of the opening fence, from 1.
        start: offset of the opening fence in the text.
        end: offset after the closing fence.
    """

    language: str
    body: str
    line: int
    start: int
    end: int


def fences(text: str, place: str) -> Iterator[Fence]:
    """Yield the fences of a page.

    Raises:
        FenceError: a fence is never closed.
    """
    offset, opened = 0, None
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        match = OPENING.match(line.rstrip("\n"))
        if opened is None and match:
            opened = (match, number, offset, offset + len(line))
        elif opened and (closing := match) and not closing["info"].strip() and closing["ticks"].startswith(opened[0]["ticks"]):
            head, at, start, inner = opened
            language = re.match(r"\s*\{?\.?([\w-]*)", head["info"])[1]
            body = re.sub(rf"^{head['indent']}", "", text[inner:offset], flags=re.M)
            yield Fence(language, body, at, start, offset + len(line))
            opened = None
        offset += len(line)
    if opened:
        raise FenceError(f"{place}:{opened[1]}: this fence is never closed")


def section(path: Path, name: str) -> str:
    """Return the lines between a file's ``[start:name]`` and ``[end:name]``.

    Raises:
        FenceError: a marker is missing or doubled, or the section is empty.
    """
    text = path.read_text(encoding="utf-8")
    place = path.relative_to(ROOT)
    found = {kind: [m for m in MARKER.finditer(text) if m[1] == kind and m[2] == name] for kind in ("start", "end")}
    for kind, matches in found.items():
        if len(matches) != 1:
            raise FenceError(f"{place}: [{kind}:{name}] occurs {len(matches)} times; it must occur once")
    body = text[found["start"][0].end() : found["end"][0].start()]
    code = "\n".join(line for line in body.splitlines()[1:-1] if not MARKER.search(line))
    if not code.strip():
        raise FenceError(f"{place}: section {name} is empty, or its end comes first")
    return code


def included(fence: Fence, place: str) -> str:
    """Return the code that a fence of ``--8<--`` lines shows.

    Raises:
        FenceError: it mixes code and includes, or names a file or a section that is not there.
    """
    parts = []
    for number, line in enumerate(fence.body.splitlines(), start=fence.line + 1):
        match = INCLUDE.match(line)
        if not match and line.strip():
            raise FenceError(f"{place}:{number}: put this code into a tested file and include it by named section")
        if match:
            path = ROOT / match["path"]
            if not match["path"].startswith(TESTED) or not path.is_file():
                raise FenceError(f"{place}:{number}: {match['path']} is no file under {' or '.join(TESTED)}")
            try:
                parts.append(section(path, match["section"]) if match["section"] else path.read_text(encoding="utf-8"))
            except FenceError as error:
                raise FenceError(f"{place}:{number}: {error}") from None
    return "\n".join(parts)
