"""Turn `[1 write per second](fact:kv-write-rate)` into the value with its source and date one tap away.

The value stands in the Markdown, so a page reads right where no hook runs; a test compares it with the data.
"""

import datetime
import html
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import Files
from mkdocs.structure.pages import Page

from fresh import fresh
from yaml_file import parse_yaml

ROOT = Path(__file__).resolve().parent.parent
FACTS = ROOT / "docs" / "data" / "facts"
MARKDOWN_LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\(fact:(?P<id>[a-z0-9.-]+)(?P<part>#source)?\)")
HTML_LINK = re.compile(r'<a href="fact:(?P<id>[a-z0-9.-]+)(?P<part>#source)?">(?P<text>.*?)</a>', re.S)
TABLE = "<!-- facts: every fact by product -->"
VENDOR_HOSTS = ("cloudflare.com",)
SOURCES = "<!-- facts: sources by product -->"
UNKNOWNS = "<!-- facts: what was not established -->"
CONFLICTS = "<!-- facts: where sources disagree -->"
UNKNOWN = "unknown"
EVIDENCE = {
    "changelog": "dated changelog entry",
    "page": "documentation page",
    "run": "run on the local runtime",
    "none": "looked for and not found",
}
CONFIDENCE = ("high", "medium", "low")
CHECK_AFTER_DAYS = 180


class FactError(PluginError):
    """A fact is malformed or unknown; the message names file, entry and remedy."""


@dataclass(frozen=True)
class Fact:
    """One limit, price, plan gate or name, with where it comes from.

    Attributes:
        id: lower-case words and dashes, unique over all files, permanent: it is the anchor in the reference.
        claim: one sentence in our own words.
        value: the figure, a number or a short text.
        unit: what the number counts, as a reader says it ("writes per second"); ``USD …`` for prices.
        plan: the plan that the figure holds for ("Free", "Paid", "Enterprise", "all").
        source: https address at the vendor.
        as_of: the date of the evidence.
        evidence: ``changelog``, ``page``, ``run``, or ``none`` where the value is ``unknown``; ``as_of`` then says until when we looked.
        confidence: ``high``, ``medium`` or ``low``.
        text: how pages print the value, where number and unit do not say it well.
        note: what a reader must know besides.
        conflict: what another source says instead, and which one it is.
        find: how ``tools.facts`` finds the value in the text of the source page: a regular expression with one group.
    """

    id: str
    claim: str
    value: float | int | str
    unit: str
    plan: str
    source: str
    as_of: datetime.date
    evidence: str
    confidence: str
    text: str = ""
    note: str = ""
    conflict: str = ""
    find: str = ""
    product: str = ""

    @property
    def shown(self) -> str:
        """The value as pages print it: ``1,000 writes per day``, ``USD 0.30 per million requests``."""
        if self.text:
            return self.text
        if isinstance(self.value, str):
            return f"{self.value} {self.unit}".strip()
        if self.unit.startswith("USD"):
            decimals = max(2, len(f"{self.value:.10f}".rstrip("0").split(".")[1]))
            return f"USD {self.value:,.{decimals}f}{self.unit.removeprefix('USD')}"
        return f"{self.value:,} {self.unit}".strip()


def parse(entries: Any, product: str) -> list[Fact]:
    """Return the facts of one file.

    Args:
        entries: the parsed YAML, a list of mappings.
        product: the file's name without ending.

    Raises:
        FactError: an entry misses a field, has an unknown one, or holds a value that the rules refuse.
    """
    known = {f.name for f in fields(Fact)} - {"product"}
    needed = known - {"text", "note", "conflict", "find"}
    facts = []
    for index, entry in enumerate(entries or []):
        place = f"docs/data/facts/{product}.yml, entry {index + 1} ({entry.get('id', 'no id')})"
        if missing := needed - entry.keys():
            raise FactError(f"{place}: add {', '.join(sorted(missing))}")
        if unknown := entry.keys() - known:
            raise FactError(f"{place}: remove or rename {', '.join(sorted(unknown))}")
        _check(entry, place)
        facts.append(Fact(**entry, product=product))
    return facts


def _check(entry: dict[str, Any], place: str) -> None:
    source = urlsplit(entry["source"])
    host = source.hostname or ""
    rules = {
        "write the id in lower-case words joined by dashes": re.fullmatch(r"[a-z0-9]+(?:-[a-z0-9]+)*", entry["id"]),
        "give as_of as a date, YYYY-MM-DD": type(entry["as_of"]) is datetime.date,
        "give an https source at the vendor": source.scheme == "https"
        and any(host == h or host.endswith(f".{h}") for h in VENDOR_HOSTS),
        f"evidence is one of {', '.join(EVIDENCE)}": entry["evidence"] in EVIDENCE,
        f"confidence is one of {', '.join(CONFIDENCE)}": entry["confidence"] in CONFIDENCE,
        "an unknown value has evidence none and low confidence, and nothing else has": (entry["value"] == UNKNOWN)
        == (entry["evidence"] == "none")
        and (entry["value"] != UNKNOWN or entry["confidence"] == "low"),
        "a conflict leaves no high confidence": not entry.get("conflict") or entry["confidence"] != "high",
        "value is a number or a text": type(entry["value"]) in (int, float, str),
        "find is a regular expression with one group, for the value": "find" not in entry
        or _has_one_group(entry["find"]),
    }
    for remedy, held in rules.items():
        if not held:
            raise FactError(f"{place}: {remedy}")


def _has_one_group(pattern: Any) -> bool:
    try:
        return re.compile(pattern).groups == 1
    except (re.error, TypeError):
        return False


@fresh(lambda folder=FACTS: folder.glob("*.yml"))
def load(folder: Path = FACTS) -> dict[str, Fact]:
    """Return every fact by id, in file and entry order.

    Raises:
        FactError: a file is not YAML, an entry is malformed, or two entries share an id.
    """
    facts: dict[str, Fact] = {}
    for path in sorted(folder.glob("*.yml")):
        try:
            entries = parse_yaml(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            raise FactError(f"docs/data/facts/{path.name}: not YAML: {error}") from error
        for fact in parse(entries, path.stem):
            if fact.id in facts:
                raise FactError(
                    f"docs/data/facts/{path.name}: {fact.id} already stands in {facts[fact.id].product}.yml"
                )
            facts[fact.id] = fact
    return facts


def used(markdown: str) -> list[str]:
    """Return the fact ids that a page names, in order, repeated as often as they occur."""
    return [m["id"] for m in MARKDOWN_LINK.finditer(markdown)]


def site_date() -> datetime.date:
    """Return the day of the build: ``SITE_DATE`` (YYYY-MM-DD) where a build must be repeatable, else today.

    Raises:
        FactError: ``SITE_DATE`` is not a date.
    """
    given = os.environ.get("SITE_DATE", "")
    try:
        return datetime.date.fromisoformat(given) if given else datetime.date.today()
    except ValueError as error:
        raise FactError(f"SITE_DATE is {given!r}: give a date, YYYY-MM-DD, or leave it out") from error


def remarks(fact: Fact) -> list[str]:
    """Return what stands behind a claim: its note, and what another source says."""
    return [*([fact.note] if fact.note else []), *([f"Sources disagree: {fact.conflict}"] if fact.conflict else [])]


def card(fact: Fact, text: str, number: int, today: datetime.date | None = None) -> str:
    """Return the HTML of one value with its card, which opens without JavaScript.

    Args:
        fact: the fact.
        text: the value as the page prints it, HTML.
        number: makes the card's id unique on the page.
        today: the day from which the age of the fact counts, else ``site_date()``.
    """
    name = f"fact-{number}-{fact.id}"
    note = "".join(f" {html.escape(text)}" for text in remarks(fact))
    doubt = "" if fact.confidence == "high" else f" Confidence: {fact.confidence}."
    old = ((today or site_date()) - fact.as_of).days > CHECK_AFTER_DAYS
    age = f" Older than {CHECK_AFTER_DAYS} days: check the source." if old else ""
    return (
        f'<span class="fact"><button type="button" class="fact__value" popovertarget="{name}">{text}</button>'
        f'<span class="fact__card" id="{name}" popover data-search-exclude>'
        f"<span>{html.escape(fact.claim)}{note}</span> "
        f'<a href="{html.escape(fact.source)}" rel="noopener">{html.escape(urlsplit(fact.source).netloc)}</a> '
        f"<span>{EVIDENCE[fact.evidence]}, {fact.as_of}.{doubt}{age}</span></span></span>"
    )


def fill(page_html: str, facts: dict[str, Fact], today: datetime.date | None = None) -> str:
    """Replace every fact link in a page's HTML by its card, and `#source` links by a link to the source.

    The age of the facts counts from ``today``, else from ``site_date()``.
    """
    count, day = 0, today or site_date()

    def replace(match: re.Match[str]) -> str:
        nonlocal count
        count += 1
        fact = facts[match["id"]]
        if match["part"]:
            return f'<a href="{html.escape(fact.source)}" rel="noopener" class="fact__source">{match["text"]}</a>'
        return card(fact, match["text"], count, day)

    return HTML_LINK.sub(replace, page_html)


def tables(facts: Iterable[Fact]) -> str:
    """Return Markdown tables of facts, one per product, each row with a permanent anchor."""
    rows: dict[str, list[str]] = {}
    for fact in facts:
        rows.setdefault(fact.product, []).append(
            f'| <span id="{fact.id}">{fact.claim}</span>{"".join(" " + text for text in remarks(fact))} '
            f"| {fact.shown} | {fact.plan} | [{fact.as_of}](fact:{fact.id}#source) | {fact.confidence} |"
        )
    head = "| Fact | Value | Plan | Source, as of | Confidence |\n|---|---|---|---|---|\n"
    names = products()
    return "\n\n".join(
        f"## {names.get(product, {}).get('name', product)} {{ #{product} }}\n\n{head}" + "\n".join(lines)
        for product, lines in rows.items()
    )


def sources(facts: Iterable[Fact]) -> str:
    """Return a Markdown table of the vendor's pages: per product, each page with its number of facts and their newest date."""
    pages: dict[str, dict[str, list[Fact]]] = {}
    for fact in facts:
        pages.setdefault(fact.product, {}).setdefault(fact.source, []).append(fact)
    names = products()
    rows = []
    for product, of_product in sorted(pages.items(), key=lambda item: _name(item[0], names).lower()):
        links = [
            f"[{_title(url)}]({url}) ({len(found)}, {max(f.as_of for f in found)})"
            for url, found in sorted(of_product.items(), key=lambda item: (-len(item[1]), item[0]))
        ]
        rows.append(f"| [{_name(product, names)}](../reference/limits.md#{product}) | {', '.join(links)} |")
    return "| Product | Pages (facts, newest date) |\n|---|---|\n" + "\n".join(rows)


def _name(product: str, names: dict[str, dict[str, str]]) -> str:
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


@cache
def products() -> dict[str, dict[str, str]]:
    """Return ``docs/data/products.yml``: product id to name, former name and address."""
    return parse_yaml((ROOT / "docs" / "data" / "products.yml").read_text(encoding="utf-8"))


_facts: dict[str, Fact] = {}


def on_pre_build(config: MkDocsConfig) -> None:
    products.cache_clear()
    _facts.clear()
    _facts.update(load())


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    for match in MARKDOWN_LINK.finditer(markdown):
        if match["id"] not in _facts:
            source = page.file.content_string
            line = source.count("\n", 0, source.index(match[0])) + 1
            raise FactError(
                f"docs/{page.file.src_uri}:{line}: names the unknown fact {match['id']}. "
                "Add it under docs/data/facts, or correct the id."
            )
    for marker, make in ((TABLE, tables), (SOURCES, sources), (UNKNOWNS, unknowns), (CONFLICTS, conflicts)):
        if marker in markdown:
            markdown = markdown.replace(marker, make(_facts.values()))
    return markdown


def on_page_content(page_html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    return fill(page_html, _facts)
