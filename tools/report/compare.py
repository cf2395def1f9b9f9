"""Compare two builds of the guide: what a reader of each page would see change, and what it weighs.

Bytes say little: one changed style renames a file in every page. So texts, link targets, facts and diagrams are compared.
"""

import difflib
import gzip
import html
import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest
from pathlib import Path

from model.diagrams import fences, key, title
from model.files import parse_yaml
from model.markdown import FRONT_MATTER
from tools.report.data import TEXT_CHARACTERS, DiagramChange, FactChange, FactValue, PageChange, Report

WEIGHT_STEP_BYTES = 512
TITLE = re.compile(r"^title: (.*)$", re.M)
MOVED = re.compile(r'<meta http-equiv="refresh" content="0; url=([^"#]*)')
HASH = re.compile(r"\.[0-9a-f]{8}(?=(?:\.min)?\.(?:css|js|woff2)\b)")
NAMED = re.compile(r'(?:href|src)="([^"]+\.(?:css|js|woff2))"|data-module="([\w.-]+)"')


@dataclass(frozen=True)
class Drawing:
    """A diagram of a page: its place among the page's diagrams from 1, its title, and the file that was drawn."""

    number: int
    title: str
    svg: bytes


class Build:
    """One build of the guide.

    Args:
        site: the built files.
        docs: the Markdown it was made from.
    """

    def __init__(self, site: Path, docs: Path) -> None:
        self.site = site
        self.docs = docs
        self._weights: dict[str, int] = {}

    @cached_property
    def _all(self) -> dict[str, str]:
        return {
            path.parent.relative_to(self.site).as_posix().removeprefix(".")
            + "/" * (path.parent != self.site): path.read_text(encoding="utf-8")
            for path in sorted(self.site.rglob("index.html"))
        }

    @cached_property
    def pages(self) -> dict[str, str]:
        """The HTML of every page by its address."""
        return {address: text for address, text in self._all.items() if not MOVED.search(text)}

    @cached_property
    def twins(self) -> dict[str, str]:
        """The Markdown twin of every page by the page's address; the page itself where a build has no twins."""
        beside = {address: self.site / address / "index.md" for address in self.pages}
        return {a: p.read_text(encoding="utf-8") if p.is_file() else self.pages[a] for a, p in beside.items()}

    @cached_property
    def moved(self) -> dict[str, str]:
        """Old address to new address of every page that left a redirect behind."""
        found = {address: MOVED.search(text) for address, text in self._all.items()}
        return {a: posixpath.normpath(posixpath.join(a, m[1])).removeprefix(".") + "/" for a, m in found.items() if m}

    def weight(self, address: str) -> int:
        """Return the compressed bytes of a page with the styles, scripts and font that it names."""
        page = self.pages[address]
        names = {
            posixpath.normpath(posixpath.join(address, m[1])) if m[1] else f"assets/{m[2]}.js"
            for m in NAMED.finditer(page)
        }
        return len(gzip.compress(page.encode(), mtime=0)) + sum(self._file(name) for name in sorted(names))

    def _file(self, name: str) -> int:
        if name not in self._weights:
            path = self.site / name
            content = path.read_bytes() if path.is_file() else b""
            self._weights[name] = len(content if name.endswith(".woff2") else gzip.compress(content, mtime=0))
        return self._weights[name]

    def facts(self) -> dict[str, FactValue]:
        """Return every fact by id, as readers of the site get it."""
        entries = json.loads((self.site / "facts.json").read_text(encoding="utf-8"))
        return {e["id"]: FactValue(e["shown"][:TEXT_CHARACTERS], e["source"], e["as_of"]) for e in entries}

    def drawings(self) -> Iterator[tuple[str, list[Drawing]]]:
        """Yield the diagrams of each page by its address."""
        for path in sorted(self.docs.rglob("*.md")):
            address = path.relative_to(self.docs).with_suffix("").as_posix().removesuffix("index").rstrip("/")
            drawn = [
                (number, self.docs / "assets" / "diagrams" / f"{key(source)}.svg")
                for number, (_, source) in enumerate(fences(path.read_text(encoding="utf-8")), start=1)
            ]
            yield address + "/" * bool(address), [_drawing(number, svg) for number, svg in drawn if svg.is_file()]


def _drawing(number: int, path: Path) -> Drawing:
    svg = path.read_bytes()
    return Drawing(number, html.unescape(title(svg.decode()))[:TEXT_CHARACTERS], svg)


def heading(page: str) -> str:
    """Return the title of a twin."""
    found = TITLE.search(page)
    return str(parse_yaml(found[1], "a twin"))[:TEXT_CHARACTERS] if found else ""


def lines(page: str) -> list[str]:
    """Return what a twin says, a block a line, without its front matter; what each build names anew is left out."""
    text = HASH.sub("", FRONT_MATTER.sub(lambda m: m["text"], page))
    return [" ".join(line.split()) for line in text.splitlines() if line.strip()]


def text_change(before: str, after: str) -> list[str]:
    """Return the lines that went (``-``) and came (``+``), in the page's order; none where both pages say the same."""
    if before == after:
        return []
    old, new = lines(before), lines(after)
    return [
        line for line in difflib.unified_diff(old, new, n=0, lineterm="") if not line.startswith(("---", "+++", "@@"))
    ]


def pages(base: Build, head: Build) -> Iterator[PageChange]:
    """Yield the pages that changed, by address; a page that moved stands at its new one."""
    moved = {
        new: old for old, new in head.moved.items() if old in base.pages and new in head.pages and new not in base.pages
    }
    for address in sorted({*base.pages, *head.pages} - set(moved.values())):
        old = moved.get(address, address)
        was, now = base.twins.get(old), head.twins.get(address)
        before = base.weight(old) if was is not None else None
        after = head.weight(address) if now is not None else None
        difference = text_change(was, now) if was is not None and now is not None else []
        if was is None or now is None:
            state = "added" if was is None else "removed"
        elif address in moved:
            state = "moved"
        elif difference:
            state = "changed"
        elif abs((after or 0) - (before or 0)) >= WEIGHT_STEP_BYTES:
            state = "weight"
        else:
            continue
        yield PageChange(
            address,
            heading(now or was or ""),
            state,
            old if address in moved else "",
            sum(line.startswith("+") for line in difference),
            sum(line.startswith("-") for line in difference),
            before,
            after,
        )


def diagrams(base: Build, head: Build) -> Iterator[tuple[str, Drawing | None, str, Drawing | None]]:
    """Yield ``(old address, before, address, after)`` of each diagram that changed."""
    old_pages, new_pages = dict(base.drawings()), dict(head.drawings())
    moved = {new: old for old, new in head.moved.items() if new not in old_pages}
    for address in sorted({*old_pages, *new_pages} - set(moved.values())):
        old = moved.get(address, address)
        was, now = old_pages.get(old, []), new_pages.get(address, [])
        matcher = difflib.SequenceMatcher(None, [d.svg for d in was], [d.svg for d in now], autojunk=False)
        for kind, i1, i2, j1, j2 in matcher.get_opcodes():
            if kind != "equal":
                for before, after in zip_longest(was[i1:i2], now[j1:j2]):
                    yield old, before, address, after


def facts(before: Mapping[str, FactValue], after: Mapping[str, FactValue]) -> Iterator[FactChange]:
    """Yield the facts that differ, by id."""
    for name in sorted({*before, *after}):
        was, now = before.get(name), after.get(name)
        if was != now:
            yield FactChange(name, "added" if was is None else "removed" if now is None else "changed", was, now)


def compare(base: Build, head: Build, commit: str, drawn: Iterable[DiagramChange], warnings: Iterable[str]) -> Report:
    """Return all that differs between two builds.

    Args:
        base: the build before.
        head: the build after.
        commit: what the base was built from.
        drawn: the diagrams that differ, with their pictures.
        warnings: what only the build of the head complains about.
    """
    return Report(
        base=commit,
        pages=tuple(pages(base, head)),
        diagrams=tuple(drawn),
        facts=tuple(facts(base.facts(), head.facts())),
        warnings=tuple(line[:TEXT_CHARACTERS] for line in warnings),
    )
