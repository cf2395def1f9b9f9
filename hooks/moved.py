"""Redirect every page that moved: ``_redirects`` for hosts that read it, and a small page in the old place for all others.

The page is needed because a plain static host knows no redirects; where ``_redirects`` is read, it comes first.
"""

import datetime
import html
from pathlib import Path
from typing import Any

import yaml
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import event_priority
from mkdocs.utils import get_relative_url

SOURCE = Path(__file__).resolve().parent.parent / "docs" / "data" / "moved.yml"
PLACE = "docs/data/moved.yml"
NAME = "_redirects"
AFTER_PAGES = -150


class MovedError(PluginError):
    """The list is malformed, or an entry leads nowhere; the message names the entry."""


def parse(entries: Any) -> dict[str, str]:
    """Return old address to new address, both below the site; a page that moved twice leads to its last place.

    Raises:
        MovedError: an entry lacks a field, has no slash at its end, stands twice, or leads back to itself.
    """
    moved: dict[str, str] = {}
    for number, entry in enumerate(entries or [], start=1):
        place = f"{PLACE}, entry {number}"
        if (
            not isinstance(entry, dict)
            or entry.keys() != {"old", "new", "date"}
            or not isinstance(entry["date"], datetime.date)
        ):
            raise MovedError(f"{place}: give old, new and a date")
        old, new = entry["old"], entry["new"]
        for address in (old, new.partition("#")[0]):
            if address.startswith("/") or not (address == "" or address.endswith("/")):
                raise MovedError(
                    f"{place}: write {address!r} as it stands below the site, with a slash at its end only"
                )
        if not old or old in moved:
            raise MovedError(
                f"{place}: {old or 'the home page'} cannot move" + (" twice from the same place" if old else "")
            )
        moved[old] = new
    return {old: _last(moved, old) for old in moved}


def _last(moved: dict[str, str], old: str) -> str:
    seen, new = [old], moved[old]
    while (page := new.partition("#")[0]) in moved:
        if page in seen:
            raise MovedError(f"{PLACE}: {' → '.join([*seen, page])} goes round in a circle")
        seen.append(page)
        new = moved[page]
    return new


def load() -> dict[str, str]:
    """Return the moves of ``docs/data/moved.yml``."""
    return parse(yaml.safe_load(SOURCE.read_text(encoding="utf-8")))


def stub(old: str, new: str, site_url: str) -> str:
    """Return the page that stands where another one stood."""
    target = html.escape(get_relative_url(new, old))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>This page moved</title>'
        f'<meta name="robots" content="noindex"><link rel="canonical" href="{html.escape(site_url + new.partition("#")[0])}">'
        f'<meta http-equiv="refresh" content="0; url={target}"></head>'
        f'<body><p>This page moved. <a href="{target}">Go to its new place</a>.</p></body></html>\n'
    )


def redirects(moved: dict[str, str]) -> str:
    """Return a ``_redirects`` file: two lines a page, with and without the slash."""
    return "".join(f"/{place} /{new} 301\n" for old, new in moved.items() for place in (old, old.rstrip("/")))


def write(site: Path, moved: dict[str, str], site_url: str) -> None:
    """Put the redirects into a built site.

    Raises:
        MovedError: a page stands where one has moved away, or none where it has moved to.
    """
    for old, new in moved.items():
        if (site / old / "index.html").exists():
            raise MovedError(f"{PLACE}: {old} has moved, but a page stands there")
        if not (site / new.partition("#")[0] / "index.html").is_file():
            raise MovedError(f"{PLACE}: {old} leads to {new or 'the home page'}, where no page stands")
    for old, new in moved.items():
        (site / old).mkdir(parents=True, exist_ok=True)
        (site / old / "index.html").write_text(stub(old, new, site_url), encoding="utf-8")
    (site / NAME).write_text(redirects(moved), encoding="utf-8")


@event_priority(AFTER_PAGES)
def on_post_build(config: MkDocsConfig) -> None:
    write(Path(config.site_dir), load(), config.site_url or "/")
