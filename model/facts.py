"""Turn `[1 write per second](fact:kv-write-rate)` into the value with its source and date one tap away.

The value stands in the Markdown, so a page reads right where no hook runs; a test compares it with the data.
"""

import datetime
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from model.files import ROOT, GuideError, fresh, read_yaml

FACTS = ROOT / "docs" / "data" / "facts"
MARKDOWN_LINK = re.compile(r"\[(?P<text>[^\]\n]+)\]\(fact:(?P<id>[a-z0-9.-]+)(?P<part>#source|#plan)?\)")
TARGET = re.compile(r"\((?P<target>fact:[^)]*)\)")
VENDOR_HOSTS = ("cloudflare.com",)
UNKNOWN = "unknown"
UPDATE = "uv run pytest tests/site/test_facts_on_pages.py --update"
EVIDENCE = {
    "changelog": "dated changelog entry",
    "page": "documentation page",
    "run": "run on the local runtime",
    "none": "looked for and not found",
}


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

    @property
    def texts(self) -> set[str]:
        """What a link may print: the value as above, or its number alone."""
        return {self.shown, str(self.value) if isinstance(self.value, str) else f"{self.value:,}"}


def parse(entries: Any, product: str) -> list[Fact]:
    """Return the facts of one file.

    Args:
        entries: the parsed YAML, in the shape of ``model/shapes.yml``.
        product: the file's name without ending.
    """
    for index, entry in enumerate(entries):
        _check(entry, f"docs/data/facts/{product}.yml, entry {index + 1} ({entry['id']})")
    return [Fact(**entry, product=product) for entry in entries]


def _check(entry: dict[str, Any], place: str) -> None:
    source = urlsplit(entry["source"])
    host = source.hostname or ""
    rules = {
        "give an https source at the vendor": source.scheme == "https"
        and any(host == h or host.endswith(f".{h}") for h in VENDOR_HOSTS),
        "an unknown value has evidence none and low confidence, and nothing else has": (entry["value"] == UNKNOWN)
        == (entry["evidence"] == "none")
        and (entry["value"] != UNKNOWN or entry["confidence"] == "low"),
        "a conflict leaves no high confidence": not entry.get("conflict") or entry["confidence"] != "high",
        "find is a regular expression with one group, for the value": "find" not in entry
        or _has_one_group(entry["find"]),
    }
    for remedy, held in rules.items():
        if not held:
            raise GuideError(f"{place}: {remedy}")


def _has_one_group(pattern: str) -> bool:
    try:
        return re.compile(pattern).groups == 1
    except re.error:
        return False


@fresh(lambda folder=FACTS: folder.glob("*.yml"))
def load(folder: Path = FACTS) -> dict[str, Fact]:
    """Return every fact by id, in file and entry order."""
    facts: dict[str, Fact] = {}
    for path in sorted(folder.glob("*.yml")):
        for fact in parse(read_yaml(path, f"docs/data/facts/{path.name}"), path.stem):
            if fact.id in facts:
                raise GuideError(
                    f"docs/data/facts/{path.name}: {fact.id} already stands in {facts[fact.id].product}.yml"
                )
            facts[fact.id] = fact
    return facts


def differing(markdown: str, facts: Mapping[str, Fact]) -> list[tuple[re.Match[str], str]]:
    """Return each link whose text is not what its fact says, with the text that it should have."""
    wrong = []
    for match in MARKDOWN_LINK.finditer(markdown):
        if fact := facts.get(match["id"]):
            said = {"#source": str(fact.as_of), "#plan": fact.plan}.get(match["part"], fact.shown)
            if match["text"].strip("*") not in ({said} if match["part"] else fact.texts):
                wrong.append((match, said))
    return wrong


def used(markdown: str) -> list[str]:
    """Return the fact ids that a page names, in order, repeated as often as they occur."""
    return [m["id"] for m in MARKDOWN_LINK.finditer(markdown)]


def site_date() -> datetime.date:
    """Return the day of the build: ``SITE_DATE`` (YYYY-MM-DD) where a build must be repeatable, else today."""
    given = os.environ.get("SITE_DATE", "")
    try:
        return datetime.date.fromisoformat(given) if given else datetime.date.today()
    except ValueError as error:
        raise GuideError(f"SITE_DATE is {given!r}: give a date, YYYY-MM-DD, or leave it out") from error


def remarks(fact: Fact) -> list[str]:
    """Return what stands behind a claim: its note, and what another source says."""
    return [*([fact.note] if fact.note else []), *([f"Sources disagree: {fact.conflict}"] if fact.conflict else [])]


def check_links(markdown: str, facts: Mapping[str, Fact], wrong: Callable[[int, str], GuideError]) -> None:
    """Refuse a link to a fact that is unknown, and a plan in other words than its fact's.

    Args:
        markdown: the page.
        facts: every fact by id.
        wrong: makes an error of an offset and a message.
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
