"""Put a check into words: a Markdown report for people, an exit code for machines."""

import datetime
from collections import Counter

from tools.facts.match import Finding, State
from tools.facts.pages import Page

CELL_CHARS = 160
ORDER = (State.CHANGED, State.GONE, State.UNCLEAR, State.UNCHANGED)


def exit_code(pages: list[Page], findings: list[Finding]) -> int:
    """Return 0 when nothing changed, 1 when a value changed or a page is gone, 2 when no page could be fetched."""
    if all(page.state is State.UNCLEAR for page in pages):
        return 2
    return int(any(f.state in (State.CHANGED, State.GONE) for f in findings))


def cell(text: str) -> str:
    """Return text of others as a code span of a table cell, so that a page cannot write into the report."""
    plain = "".join(c if c.isprintable() else " " for c in text).replace("`", "'").replace("|", "¦")
    plain = " ".join(plain.split())
    return f"`{plain[:CELL_CHARS]}{'…' if len(plain) > CELL_CHARS else ''}`" if plain else ""


def summary(pages: list[Page], findings: list[Finding]) -> str:
    """Return the counts in one sentence."""
    counts = Counter(f.state for f in findings)
    return f"{len(findings)} facts on {len(pages)} pages: " + ", ".join(f"{counts[s]} {s}" for s in ORDER) + "."


def report(pages: list[Page], findings: list[Finding], day: datetime.date) -> str:
    """Return the Markdown report: what needs a person first, every fact, and the redirects that were followed."""
    parts = [
        f"# Facts against their sources, {day}\n",
        f"{summary(pages, findings)}\n",
        (
            "Without a `find` pattern, unchanged means that the value still stands near its unit; "
            "a missing value proves nothing.\n"
        ),
    ]
    for state in ORDER:
        rows = [
            f"| {f.fact.id} | {cell(f.fact.shown)} | {cell(f.new)} | {cell(f.detail)} | <{f.fact.source}> |"
            for f in findings
            if f.state is state
        ]
        if rows:
            head = "| Fact | In our data | On the page | Why | Source |\n|---|---|---|---|---|\n"
            parts.append(f"## {state.capitalize()}\n\n{head}" + "\n".join(rows) + "\n")
    if led := [f"- <{page.url}> leads to {cell(page.final)}" for page in pages if page.final]:
        parts.append("## Redirects\n\n" + "\n".join(led) + "\n")
    return "\n".join(parts)
