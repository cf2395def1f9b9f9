"""Publish the corrections of ``guide/whats-changed.md`` as RSS, and tell search engines when each page changed.

An entry is a row of the page's tables that has a date. Git knows when a page changed; without its history nothing is said.
"""

import datetime
import hashlib
import re
import subprocess
import textwrap
from dataclasses import dataclass
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import urljoin
from xml.sax.saxutils import escape

from markdown.extensions.toc import slugify

from hooks.page.sheet import Sheet
from model.facts import MARKDOWN_LINK
from model.files import ROOT
from model.markdown import sections, tables

SOURCE = "guide/whats-changed.md"
NAME = "changes.xml"
NEWEST = 50
UNKNOWN = "1970-01-01"  # MkDocs wants a date for every page; this one is taken out of the sitemap again
LASTMOD = re.compile(rf"\s*<lastmod>{UNKNOWN}</lastmod>")
DATE = re.compile(r"\d{4}-\d\d-\d\d")
LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@dataclass(frozen=True)
class Change:
    """One correction.

    Attributes:
        section: the heading that it stands under.
        then: what the guide said, or held, before.
        today: what is true today.
        date: since when.
    """

    section: str
    then: str
    today: str
    date: datetime.date

    @property
    def guid(self) -> str:
        """Stays the same while the text does, wherever the row stands."""
        return f"urn:sha256:{hashlib.sha256(f'{self.then}|{self.today}'.encode()).hexdigest()[:32]}"


def plain(cell: str) -> str:
    """Return a table cell without Markdown."""
    return LINK.sub(r"\1", MARKDOWN_LINK.sub(r"\g<text>", cell)).replace("`", "").replace("**", "").strip()


def changes(markdown: str) -> list[Change]:
    """Return the dated corrections of the page, the newest first."""
    found = []
    for section, text in sections(markdown).items():
        for _, _, cells in tables(text):
            if len(cells) == 4 and (day := DATE.search(cells[2])):
                found.append(Change(section, plain(cells[0]), plain(cells[1]), datetime.date.fromisoformat(day[0])))
    return sorted(found, key=lambda change: (change.date, change.guid), reverse=True)


def feed(entries: list[Change], title: str, page: Sheet, site_url: str) -> str:
    """Return the RSS document of the newest corrections; where the site has no address, links are relative to the feed.

    Args:
        entries: what it lists, the newest first.
        title: the site's name.
        page: the page that lists all of them.
        site_url: the site's address, or the empty text.
    """
    link = escape(urljoin(site_url, page.url))
    items = "".join(
        f"<item><title>{escape(f'{c.section}: {shortened(c.today)}')}</title><link>{link}#{slugify(c.section, '-')}</link>"
        f'<guid isPermaLink="false">{c.guid}</guid><pubDate>{_rfc(c.date)}</pubDate>'
        f"<description>{escape(f'Before: {c.then}. Today: {c.today}')}</description></item>\n"
        for c in entries[:NEWEST]
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>\n'
        f"<title>{escape(title)}: what changed</title><link>{link}</link><description>{escape(page.description)}</description>\n"
        f'<language>en</language><atom:link href="{escape(urljoin(site_url, NAME))}" rel="self" type="application/rss+xml"/>\n'
        f"{items}</channel></rss>\n"
    )


def shortened(text: str) -> str:
    """Return the first sentence, or its first ninety characters up to a word's end."""
    return textwrap.shorten(re.split(r"(?<=[.;]) ", text)[0].rstrip(".;"), 92, placeholder=" …")


def _rfc(day: datetime.date) -> str:
    return format_datetime(datetime.datetime(day.year, day.month, day.day, tzinfo=datetime.UTC))


def dates(root: Path = ROOT) -> dict[str, str]:
    """Return path to the day of its last commit; empty without git, or where the history was cut off."""
    git = ["git", "-C", str(root)]
    try:
        shallow = subprocess.run(
            [*git, "rev-parse", "--is-shallow-repository"], capture_output=True, encoding="utf-8", check=False
        )
        if shallow.stdout.strip() != "false":
            return {}
        command = [*git, "log", "--format=@%cs", "--name-only", "--no-renames", "--", "docs", "snippets", "experiments"]
        log = subprocess.run(command, capture_output=True, encoding="utf-8", check=False).stdout
    except OSError:
        return {}
    found: dict[str, str] = {}
    day = ""
    for line in filter(None, log.splitlines()):
        if line.startswith("@"):
            day = line[1:]
        else:
            found.setdefault(line, day)
    return found


def changed(src_uri: str, known: dict[str, str]) -> str:
    """Return when a page changed last, its example included; the empty text where that is not known."""
    example = f"snippets/{Path(src_uri).stem}/" if src_uri.startswith("patterns/") else "\0"
    days = [day for path, day in known.items() if path == f"docs/{src_uri}" or path.startswith(example)]
    return max(days, default="")
