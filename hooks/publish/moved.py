"""Redirect every page that moved: ``_redirects`` for hosts that read it, and a small page in the old place for all others.

The page is needed because a plain static host knows no redirects; where ``_redirects`` is read, it comes first.
"""

import html
from pathlib import Path

from model.files import GuideError
from model.markdown import relative
from model.moved import PLACE

NAME = "_redirects"
TITLE = "<title>This page moved</title>"


def stub(old: str, new: str, site_url: str) -> str:
    """Return the page that stands where another one stood."""
    page, mark, part = new.partition("#")
    target = html.escape(relative(page, old) + mark + part)
    canonical = f'<link rel="canonical" href="{html.escape(site_url + page)}">' if site_url else ""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{TITLE}'
        f'<meta name="robots" content="noindex">{canonical}'
        f'<meta http-equiv="refresh" content="0; url={target}"></head>'
        f'<body><p>This page moved. <a href="{target}">Go to its new place</a>.</p></body></html>\n'
    )


def redirects(moved: dict[str, str]) -> str:
    """Return a ``_redirects`` file: two lines a page, with and without the slash."""
    return "".join(f"/{place} /{new} 301\n" for old, new in moved.items() for place in (old, old.rstrip("/")))


def write(site: Path, moved: dict[str, str], site_url: str) -> None:
    """Put the redirects into a built site.

    Raises:
        GuideError: a page stands where one has moved away, or none where it has moved to.
    """
    for old, new in moved.items():
        page = site / old / "index.html"
        if page.is_file() and TITLE not in page.read_text(encoding="utf-8"):
            raise GuideError(f"{PLACE}: {old} has moved, but a page stands there")
        if not (site / new.partition("#")[0] / "index.html").is_file():
            raise GuideError(f"{PLACE}: {old} leads to {new or 'the home page'}, where no page stands")
    for old, new in moved.items():
        (site / old).mkdir(parents=True, exist_ok=True)
        (site / old / "index.html").write_text(stub(old, new, site_url), encoding="utf-8")
    (site / NAME).write_text(redirects(moved), encoding="utf-8")
