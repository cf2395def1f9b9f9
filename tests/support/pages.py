"""The Markdown pages as the tests see them: front matter, headings, prose without code."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
# In the order of the navigation.
SLUGS = tuple(re.findall(r"· .+: patterns/([a-z0-9-]+)\.md$", (ROOT / "mkdocs.yml").read_text(), re.M))
FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^\n]*)\n(?P<body>.*?)^(?P=indent)(?P=ticks) *$", re.M | re.S
)


@dataclass(frozen=True)
class PageSource:
    """One Markdown page.

    Attributes:
        path: the file.
        text: the whole file, front matter included.
    """

    path: Path
    text: str

    @property
    def place(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def slug(self) -> str:
        return self.path.stem

    @cached_property
    def meta(self) -> dict[str, Any]:
        found = re.match(r"---\n(.*?)\n---\n", self.text, re.S)
        return yaml.safe_load(found[1]) if found else {}

    @cached_property
    def without_code(self) -> str:
        """The text with front matter, fences and code spans blanked out; lines keep their numbers."""
        blank = lambda m: "\n" * m[0].count("\n")
        text = re.sub(r"\A---\n.*?\n---\n", blank, self.text, flags=re.S)
        text = FENCE.sub(blank, text)
        text = re.sub(r"<!--.*?-->", blank, text, flags=re.S)
        return re.sub(r"`[^`\n]+`", "", text)

    @cached_property
    def headings(self) -> list[str]:
        return [m[1].strip() for m in re.finditer(r"^## (.+?)(?: \{.*\})?$", self.without_code, re.M)]

    def section(self, heading: str) -> str:
        """Return the text under one H2, code included, up to the next H2."""
        found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", self.text, re.M | re.S)
        return found[1] if found else ""

    def line(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1


def page(path: Path) -> PageSource:
    return PageSource(path, path.read_text(encoding="utf-8"))


def every_page() -> list[PageSource]:
    return [page(path) for path in sorted(DOCS.rglob("*.md"))]


def pattern_pages() -> list[PageSource]:
    return [p for p in every_page() if p.path.parent.name == "patterns" and p.slug != "index"]


def service_ids() -> list[str]:
    """Return the product ids that patterns use; the build makes a page ``services/<id>/`` for each."""
    return sorted({service for p in pattern_pages() for service in p.meta["services"]})
