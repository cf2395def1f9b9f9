"""Show a value with its source and date one tap away, without JavaScript.

``[1 write per second](fact:kv-write-rate)`` becomes the value with its card, ``(fact:kv-write-rate#source)`` a link to the
source, ``(fact:kv-write-rate#plan)`` the plan in words.
"""

import datetime
import html
import itertools
from collections.abc import Mapping
from urllib.parse import urlsplit

from hooks.page.tree import Node, put
from model.facts import EVIDENCE, Fact, remarks, site_date

CHECK_AFTER_DAYS = 180


def card(fact: Fact, text: str, number: int, today: datetime.date | None = None) -> str:
    """Return the HTML of one value with its card.

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


def fill(body: Node, facts: Mapping[str, Fact], today: datetime.date | None = None) -> None:
    """Replace every fact link of a page; the age of the facts counts from ``today``, else from ``site_date()``."""
    day, numbers = today or site_date(), itertools.count(1)
    for link in body.css('a[href^="fact:"]'):
        name, _, part = str(link.attributes["href"]).removeprefix("fact:").partition("#")
        fact, text = facts[name], link.inner_html or ""
        if part == "plan":
            put(link, text)
        elif part == "source":
            put(link, f'<a href="{html.escape(fact.source)}" rel="noopener" class="fact__source">{text}</a>')
        else:
            put(link, card(fact, text, next(numbers), day))
