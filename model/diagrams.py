"""Put the drawn SVG of every Mermaid fence into its page, so that no reader waits for a script to draw it.

A fence whose source has no drawing yet is a draft: `mkdocs serve` lets mkdocs-mermaid2-plugin draw it in the
browser with the Mermaid of `node_modules`; a strict build refuses it and names page and line.
"""

import hashlib
import logging
import re
from pathlib import Path

from model.files import ROOT, GuideError

log = logging.getLogger("mkdocs.hooks.diagrams")

DRAWN = ROOT / "docs" / "assets" / "diagrams"
FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})mermaid *\n(?P<source>.*?)^(?P=indent)(?P=ticks)`* *$", re.M | re.S)
COMMAND = "uv run python -m tools.diagrams"


def fences(markdown: str) -> list[tuple[int, str]]:
    """Return ``(line, source)`` of every Mermaid fence in a page, lines counted from 1."""
    return [
        (markdown.count("\n", 0, m.start()) + 1, re.sub(rf"^{m['indent']}", "", m["source"], flags=re.M))
        for m in FENCE.finditer(markdown)
    ]


def key(source: str) -> str:
    """Return the name of a drawing: 16 hex digits of the SHA-256 of its source, outer blank space ignored."""
    return hashlib.sha256(source.strip().encode()).hexdigest()[:16]


def title(svg: str) -> str:
    """Return the text of the drawing's ``<title>``, already escaped for HTML."""
    found = re.search(r"<title[^>]*>(.*?)</title>", svg, re.S)
    return found[1] if found else "Diagram"


def width(drawing: Path) -> int:
    """Return the width of a drawing.

    Raises:
        GuideError: it has none.
    """
    if found := re.search(r'width="(\d+)"', drawing.read_text(encoding="utf-8")):
        return int(found[1])
    raise GuideError(f"{drawing}: the drawing has no width. Run `{COMMAND}`.")
