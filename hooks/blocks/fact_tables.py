"""List all facts, their sources, what was not established, and where sources disagree, as Markdown."""

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from model.facts import UNKNOWN, Fact, remarks

Names = dict[str, dict[str, str]]


def tables(facts: Iterable[Fact], names: Names) -> str:
    """Return Markdown tables of facts, one per product, each row with a permanent anchor."""
    rows: dict[str, list[str]] = {}
    for fact in facts:
        rows.setdefault(fact.product, []).append(
            f'| <span id="{fact.id}">{fact.claim}</span>{"".join(" " + text for text in remarks(fact))} '
            f"| {fact.shown} | {fact.plan} | [{fact.as_of}](fact:{fact.id}#source) | {fact.confidence} |"
        )
    head = "| Fact | Value | Plan | Source, as of | Confidence |\n|---|---|---|---|---|\n"
    return "\n\n".join(
        f"## {_name(product, names)} {{ #{product} }}\n\n{head}" + "\n".join(lines) for product, lines in rows.items()
    )


def sources(facts: Iterable[Fact], names: Names) -> str:
    """Return a Markdown table of the vendor's pages: per product, each page with its number of facts and their newest date."""
    pages: dict[str, dict[str, list[Fact]]] = {}
    for fact in facts:
        pages.setdefault(fact.product, {}).setdefault(fact.source, []).append(fact)
    rows = []
    for product, of_product in sorted(pages.items(), key=lambda item: _name(item[0], names).lower()):
        links = [
            f"[{_title(url)}]({url}) ({len(found)}, {max(f.as_of for f in found)})"
            for url, found in sorted(of_product.items(), key=lambda item: (-len(item[1]), item[0]))
        ]
        rows.append(f"| [{_name(product, names)}](../reference/limits.md#{product}) | {', '.join(links)} |")
    return "| Product | Pages (facts, newest date) |\n|---|---|\n" + "\n".join(rows)


def _name(product: str, names: Names) -> str:
    return names.get(product, {}).get("name", product)


def _title(url: str) -> str:
    """Return a page's address as a short name: its last part, and the date of a changelog entry."""
    parts = [part for part in urlsplit(url).path.split("/") if part]
    dated = re.fullmatch(r"(\d{4}-\d\d-\d\d)-(.+)", parts[-1]) if parts else None
    if dated:
        return f"{dated[1]} {dated[2].replace('-', ' ')}"
    return " › ".join(part.replace("-", " ") for part in parts[-2:]) or urlsplit(url).netloc


def unknowns(facts: Iterable[Fact]) -> str:
    """Return a Markdown list of what was looked for and not found."""
    return "\n".join(f"- {f.claim} [Looked for until {f.as_of}]({f.source})." for f in facts if f.value == UNKNOWN)


def conflicts(facts: Iterable[Fact]) -> str:
    """Return a Markdown list of the facts whose sources disagree, with the value that this site uses."""
    return "\n".join(f"- {f.claim} This site says [{f.shown}](fact:{f.id}). {f.conflict}" for f in facts if f.conflict)
