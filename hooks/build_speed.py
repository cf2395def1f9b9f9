"""Show on ``reference/build-speed.md`` what ``tools/bench.py`` measured, so that no figure of speed is typed by hand."""

import json
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

DATA = Path(__file__).resolve().parent.parent / "docs" / "data" / "measurements" / "build-speed.json"
MARKER = "<!-- speed: {} -->"


def table(head: list[str], rows: list[list[Any]]) -> str:
    """Return a Markdown table; every column but the first holds numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines)


def builds(data: dict[str, Any]) -> str:
    """Return the table of builds by number of pages."""
    rows = [
        [
            row["pages"],
            f"{row['bare_s']:.1f} s",
            f"{row['ours_s']:.1f} s",
            f"{row['ratio']:.2f}",
            f"{row['ms_per_page']:.0f} ms" if "ms_per_page" in row else "–",
        ]
        for row in data["build"]
    ]
    return table(["Pages", "Bare build", "This build", "Ratio", "Each added page"], rows)


def visits(data: dict[str, Any]) -> str:
    """Return the table of first visits."""
    rows = [
        [
            v["page"].strip("/").rpartition("/")[2],
            f"{v['performance']:.0f}",
            f"{v['accessibility']:.0f}",
            f"{v['best-practices']:.0f}",
            f"{v['seo']:.0f}",
            f"{v['blocking_ms']:.0f} ms",
            f"{v['kb']:.0f} kB",
        ]
        for v in data["visits"]
    ]
    return table(["Page", "Performance", "Accessibility", "Best practices", "SEO", "Blocking", "First visit"], rows)


def waits(data: dict[str, Any]) -> str:
    """Return the table of what a writer and a reader wait for."""
    edit = data["edit"]
    return table(
        ["Wait", "Time"],
        [
            ["From saving a page to seeing it, `mkdocs serve`", f"{edit['full_s']:.1f} s"],
            ["The same with `mkdocs serve --dirty`", f"{edit['dirty_s']:.1f} s"],
            ["From a click to the second page", f"{data['second_page_ms']:.0f} ms"],
        ],
    )


def measured(data: dict[str, Any]) -> str:
    """Return with what and when all this was measured."""
    return f"Measured on {data['date']} with {data['machine']}; each figure is the median of up to {data['runs']}.\n{{ .measured }}"


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    if MARKER.format("builds") not in markdown:
        return markdown
    data = json.loads(DATA.read_text(encoding="utf-8"))
    for make in (builds, visits, waits, measured):
        markdown = markdown.replace(MARKER.format(make.__name__), make(data))
    return markdown
