"""Turn `[1 write per second](fact:kv-write-rate)` into the value with its source and date one tap away.

The value stands in the Markdown, so a page reads right where no hook runs; a test compares it with the data.
"""

import datetime
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from model.files import ROOT, GuideError, fresh, read_yaml

FACTS = ROOT / "docs" / "data" / "facts"
MARKDOWN_LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\(fact:(?P<id>[a-z0-9.-]+)(?P<part>#source|#plan)?\)")
TARGET = re.compile(r"\((?P<target>fact:[^)]*)\)")
VENDOR_HOSTS = ("cloudflare.com",)
UNKNOWN = "unknown"
EVIDENCE = {
    "changelog": "dated changelog entry",
    "page": "documentation page",
    "run": "run on the local runtime",
    "none": "looked for and not found",
}
CONFIDENCE = ("high", "medium", "low")


class FactError(GuideError):
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
        GuideError: a file is not YAML, an entry is malformed, or two entries share an id.
    """
    facts: dict[str, Fact] = {}
    for path in sorted(folder.glob("*.yml")):
        for fact in parse(read_yaml(path, f"docs/data/facts/{path.name}"), path.stem):
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


def check_links(markdown: str, facts: Mapping[str, Fact], wrong: Callable[[int, str], GuideError]) -> None:
    """Refuse a link to a fact that is unknown, and a plan in other words than its fact's.

    Args:
        markdown: the page.
        facts: every fact by id.
        wrong: makes an error of an offset and a message.

    Raises:
        GuideError: file, line and remedy are in the message.
    """
    read = {match.end() for match in MARKDOWN_LINK.finditer(markdown)}
    for found in TARGET.finditer(markdown):
        if found.end() not in read:
            raise wrong(
                found.start(),
                f"({found['target']}) is no link to a fact that can be read. Write [value](fact:id), #source or #plan behind the id, on one line.",
            )
    for match in MARKDOWN_LINK.finditer(markdown):
        if match["id"] not in facts:
            raise wrong(
                match.start(),
                f"names the unknown fact {match['id']}. Add it under docs/data/facts, or correct the id.",
            )
        plan = facts[match["id"]].plan
        if match["part"] == "#plan" and match["text"] != plan:
            raise wrong(
                match.start(), f"says {match['text']!r}, but the plan of {match['id']} is {plan!r}. Write that."
            )
