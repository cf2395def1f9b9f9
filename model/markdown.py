"""Read Markdown: front matter, fences, sections, rows; write tables. The only reader that the guide has."""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from model.files import ROOT, GuideError, parse_yaml

OPENING = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,}|~{3,})(?P<info>.*)$")


@dataclass(frozen=True)
class Fence:
    """One fence.

    Attributes:
        language: the first word of the info string, without braces and dot; empty where none is given.
        body: the lines between, without the fence's indent.
        line: the line of the opening fence in its file, from 1.
        start: offset of the opening fence in the text.
        end: offset after the closing fence.
    """

    language: str
    body: str
    line: int
    start: int
    end: int


def fences(text: str, place: str, above: int = 0) -> Iterator[Fence]:
    """Yield the fences of a page, of which ``above`` lines stand before the text."""
    offset, opened = 0, None
    for number, line in enumerate(text.splitlines(keepends=True), start=above + 1):
        match = OPENING.match(line.rstrip("\n"))
        if opened is None and match:
            opened = (match, number, offset, offset + len(line))
        elif (
            opened
            and (closing := match)
            and not closing["info"].strip()
            and closing["ticks"].startswith(opened[0]["ticks"])
        ):
            head, at, start, inner = opened
            language = re.sub(r"\s*\{?\.?([\w-]*).*", r"\1", head["info"], count=1)
            body = re.sub(rf"^{head['indent']}", "", text[inner:offset], flags=re.M)
            yield Fence(language, body, at, start, offset + len(line))
            opened = None
        offset += len(line)
    if opened:
        raise GuideError(f"{place}:{opened[1]}: this fence is never closed")


INCLUDE = re.compile(r'^ *--8<-- "(?P<path>[^":]+)(?::(?P<section>[\w-]+))?" *$', re.M)


def missing(path: str, name: str | None) -> str:
    """Return what an include lacks: its file, or one of the two marks of its section; nothing where it has all."""
    file = (ROOT / path).resolve()
    if not file.is_file() or not file.is_relative_to(ROOT):
        return f"{path} is no file of the guide"
    marks = (
        re.findall(rf"--8<-- \[((?:start|end):{re.escape(name)})\]", file.read_text(encoding="utf-8")) if name else []
    )
    if name and sorted(marks) != [f"end:{name}", f"start:{name}"]:
        return f"{path} has no section {name}, or has it twice"
    return ""


FRONT_MATTER = re.compile(r"\A---\n(?P<meta>.*?)\n---\n(?P<text>.*)", re.S)


def front_matter(page: str, place: str) -> tuple[dict[str, Any], str]:
    """Return what stands above a page's text, and the text."""
    found = FRONT_MATTER.match(page)
    if not found:
        raise GuideError(f"{place}:1: there is no front matter. Begin with `---`, title, description, and `---`.")
    return parse_yaml(found["meta"], place, above=1), found["text"]


FENCE = re.compile(r"^ *(`{3,}|~{3,}).*?^ *\1[`~]* *$", re.M | re.S)
HEADING = re.compile(r"^## (?P<name>.+?)(?: *\{.*\})? *$", re.M)
TOP = "the beginning of the page"


def sections(markdown: str) -> dict[str, str]:
    """Return the text under each H2; what comes before the first one is called by ``TOP``."""
    text = re.sub(r"\A---\n.*?\n---\n", "", markdown, flags=re.S)
    # Headings inside a fence are code: hide them, keep their places.
    hidden = FENCE.sub(lambda m: re.sub(r"^#", " ", m[0], flags=re.M), text)
    starts = [(TOP, 0), *((m["name"], m.start()) for m in HEADING.finditer(hidden))]
    ends = [start for _, start in starts[1:]] + [len(text)]
    return {name: text[start:end].strip() for (name, start), end in zip(starts, ends, strict=True)}


def table(head: list[str], rows: list[list[str]], right: bool = True) -> str:
    lines = [head, ["---"] + ["--:" if right else "---"] * (len(head) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def relative(target: str, base: str) -> str:
    """Return how one address below the site is reached from another: ``../b/`` for ``b/`` from ``a/index.html``."""
    folder = base.rpartition("/")[0]
    path = posixpath.relpath(target or ".", folder or ".")
    return f"{path}/" if target.endswith("/") or not target else path


CELL = re.compile(r"(?<!\\)\|")


def tables(markdown: str) -> Iterator[tuple[int, list[str], list[str]]]:
    """Yield offset, head and cells of each row of every table, heads left out."""
    offset, head = 0, None
    for line in markdown.splitlines(keepends=True):
        cells = [cell.strip() for cell in CELL.split(line.strip().strip("|"))] if line.startswith("|") else None
        if cells and head and not set("".join(cells)) <= set("-: "):
            yield offset, head, cells
        head = (head or cells) if cells else None
        offset += len(line)


def rows(markdown: str, start: int) -> Iterator[tuple[int, list[str]]]:
    """Yield offset and cells of each row under the heading that ends at an offset, up to the next heading."""
    end = markdown.find("\n#", start)
    for offset, _, cells in tables(markdown[start : end if end >= 0 else len(markdown)]):
        yield start + offset, cells
