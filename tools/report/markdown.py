"""Write a report as Markdown, in which no text that a stranger wrote can do anything.

Every such text stands in a code span: there a Git host makes no link, mention, reference, picture or markup of it.
"""

import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

from tools.report.data import DiagramChange, FactChange, FactValue, PageChange, Report

T = TypeVar("T")
SHOWN = 80
CHARACTERS = 120
# What could end a code span or a table cell.
HARMLESS = str.maketrans({"`": "\N{MODIFIER LETTER PRIME}", "|": "¦", "\\": "\N{REVERSE SOLIDUS OPERATOR}"})
Link = Callable[[str], str]


def code(text: str) -> str:
    """Return any text as a code span of one line; control characters and those that turn the direction of text are taken out."""
    visible = "".join(
        " " if c.isspace() else c for c in text if c.isspace() or not unicodedata.category(c).startswith("C")
    )
    words = " ".join(visible.split()).translate(HARMLESS)
    return f"`{words[: CHARACTERS - 1]}…`" if len(words) > CHARACTERS else f"`{words or '(no text)'}`"


def kilobytes(size: int | None) -> str:
    return "" if size is None else f"{size / 1000:,.1f} kB"


def weight(before: int | None, after: int | None) -> str:
    """Return a change of weight in words: ``45.2 kB → 45.9 kB (+0.7)``; one figure where a reader would see no difference."""
    if before is None or after is None or abs(after - before) < 50:
        return kilobytes(before if after is None else after)
    return f"{kilobytes(before)} → {kilobytes(after)} ({(after - before) / 1000:+,.1f})".replace("(-", "(−")


def fact(value: FactValue | None) -> str:
    return f"{code(value.shown)} ([{value.as_of}]({value.source}))" if value else "none"


def links(page: PageChange, preview: Link, current: Link | None) -> str:
    found = []
    if page.state != "removed":
        found.append(f"[preview]({preview(page.address)})")
    if current and page.state != "added":
        found.append(f"[current]({current(page.old if page.state == 'moved' else page.address)})")
    return " · ".join(found)


def page_row(page: PageChange, preview: Link, current: Link | None) -> str:
    state = {"moved": f"moved from {code(page.old)}", "weight": "weight only"}.get(page.state, page.state)
    lines = f"+{page.more} −{page.less}" if page.more or page.less else ""
    return f"| {code(page.title or page.address)} | {state} | {lines} | {weight(page.before, page.after)} | {links(page, preview, current)} |"


def diagram_row(diagram: DiagramChange, picture: Link) -> str:
    def cell(name: str) -> str:
        return f"![diagram]({picture(name)})" if name else "none"

    return f"| {code(diagram.title)} in {code(diagram.address or 'home')} | {cell(diagram.before)} | {cell(diagram.after)} |"


def fact_row(change: FactChange) -> str:
    return f"| {code(change.id)} | {change.state} | {fact(change.before)} | {fact(change.after)} |"


def table(title: str, head: str, items: Sequence[T], row: Callable[[T], str]) -> list[str]:
    """Return a section with a row for each item; beyond ``SHOWN`` it says how many are left out."""
    if not items:
        return []
    more = [f"\nAnd {len(items) - SHOWN} more."] if len(items) > SHOWN else []
    rule = "|".join("---" for _ in head.split("|")[1:-1])
    return ["", f"### {title}: {len(items)}", "", head, f"|{rule}|", *map(row, items[:SHOWN]), *more]


def markdown(report: Report, preview: Link, current: Link | None, picture: Link) -> str:
    """Return the report as Markdown.

    Args:
        report: what changed.
        preview: makes the address of a page after the change.
        current: makes the address of a page before it; none where nobody knows it.
        picture: makes the address of a picture.
    """
    if not report:
        return "No page, diagram or fact changes for a reader, and no page weighs more or less.\n"
    text = [
        *table(
            "Pages", "| Page | Change | Lines | Weight | Look |", report.pages, lambda p: page_row(p, preview, current)
        ),
        *table("Diagrams", "| Diagram | Before | After |", report.diagrams, lambda d: diagram_row(d, picture)),
        *table("Facts", "| Fact | Change | Before | After |", report.facts, fact_row),
        *table("New warnings of the build", "| Warning |", report.warnings, lambda w: f"| {code(w)} |"),
    ]
    return "\n".join(text).strip() + "\n"
